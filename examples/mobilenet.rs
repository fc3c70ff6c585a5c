//! Depthwise-separable convolutions for small pictures: CIFAR-10's files, or coloured shapes that the example draws itself.
//!
//! ```text
//! cargo run --release --example mobilenet
//! cargo run --release --example mobilenet -- --data DIR --epochs 50
//! ```

use clap::Parser;
use nn_examples::cli::Training;
use nn_examples::confusion::Confusion;
use nn_examples::datasets::Pictures;
use nn_examples::report;

nn::network! {
    /// Table 1 of "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", a quarter as wide.
    /// Pictures are small: the first layer does not shrink them, and the last stage sees 2 x 2 instead of 7 x 7 places.
    network MobileNet {
        const CLASSES = 10;

        input  picture: [3, 32, 32];
        target class_of_picture: class(CLASSES);

        // Each channel by itself, then all channels of each place.
        block separable(x, filters, stride = 1) {
            depthwise = x >> conv2d(dim(x, 0), 3, stride = stride, padding = 1, groups = dim(x, 0), bias = false)
                >> batch_norm >> relu;
            depthwise >> conv2d(filters, 1, bias = false) >> batch_norm >> relu
        }

        // The paper's table:                                                               // output   filters
        stem    = picture >> conv2d(8, 3, padding = 1, bias = false) >> batch_norm >> relu; // 32 x 32    8
        stage_1 = stem    >> separable(16);                                                 // 32 x 32   16
        stage_2 = stage_1 >> separable(32, stride = 2)  >> separable(32);                   // 16 x 16   32
        stage_3 = stage_2 >> separable(64, stride = 2)  >> separable(64);                   //  8 x 8    64
        stage_4 = stage_3 >> separable(128, stride = 2) >> repeat(5, separable(128));       //  4 x 4   128
        stage_5 = stage_4 >> separable(256, stride = 2) >> separable(256);                  //  2 x 2   256
        logits  = stage_5 >> global_avg_pool >> dense(CLASSES);

        output    probability = softmax(logits);
        loss      cross_entropy(logits, class_of_picture);
        metric    accuracy(logits, class_of_picture);
        optimizer adam(learning_rate = 5e-3);
    }
}

const BATCH: usize = 32;

/// Trains a MobileNet to tell pictures of 32 x 32 pixels in ten classes apart.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    pictures: Pictures,
    #[command(flatten)]
    training: Training<6>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let [training, test] = options.pictures.load(options.training.seed)?;
    let device = options.training.device.open()?;
    report::opening([training.len(), test.len()], MobileNet::PARAMETERS, MobileNet::FLOPS_PER_SAMPLE, &device);

    let names = test.classes;
    let training = MobileNetStream::new(training.images, training.labels)?;
    let test = MobileNetData::new(test.images, test.labels)?;
    let mut network = MobileNet::new(&device, options.training.seed)?;
    let (rate, epochs) = (options.training.rate(network.learning_rate()), options.training.epochs as usize);
    network.set_learning_rate(rate)?;
    let fit = options.training.fit(BATCH).on_epoch(|epoch, control| {
        // Ever smaller steps, along half a wave.
        let share = epoch.number as f32 / epochs as f32;
        control.learning_rate = rate * 0.5 * (1.0 + (share * std::f32::consts::PI).cos());
    });
    print!("{}", network.fit(&training, fit)?);

    let confusion = Confusion::of_scores(&test.class_of_picture(), &network.predict(test.picture())?);
    let measured = network.evaluate(&test)?;
    report::closing(&confusion.with_names(names), measured.loss, measured.accuracy);
    Ok(())
}
