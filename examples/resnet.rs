//! A residual network for small pictures: CIFAR-10's files, or coloured shapes that the example draws itself.
//!
//! ```text
//! cargo run --release --example resnet
//! cargo run --release --example resnet -- --data DIR --epochs 100
//! ```

use clap::Parser;
use nn_examples::confusion::Confusion;
use nn_examples::datasets::Pictures;

nn::network! {
    /// ResNet-20, as section 4.2 of "Deep Residual Learning for Image Recognition" has it: 6 n + 2 layers for n = 3.
    network ResNet {
        const N = 3;
        const CLASSES = 10;

        input  picture: [3, 32, 32];
        target class_of_picture: class(CLASSES);

        block conv3x3(x, filters, stride = 1) {
            x >> conv2d(filters, 3, stride = stride, padding = 1, bias = false, init = kaiming_normal) >> batch_norm
        }

        // Two layers, and a way around them. Where the picture shrinks, that is every second pixel, and zeros for the new
        // channels: no parameters.
        block residual(x, filters, stride = 1) {
            inner    = x >> conv3x3(filters, stride) >> relu >> conv3x3(filters);
            shortcut = if stride == 1 { x } else {
                x >> slice(axis = 1, step = stride) >> slice(axis = 2, step = stride) >> pad([(filters - dim(x, 0)) / 2, 0, 0])
            };
            relu(inner + shortcut)
        }

        // The paper's table:                                                // output   filters
        stem    = picture >> conv3x3(16) >> relu;                            // 32 x 32  16
        stage_1 = stem    >> repeat(N, residual(16));                        // 32 x 32  16
        stage_2 = stage_1 >> residual(32, 2) >> repeat(N - 1, residual(32)); // 16 x 16  32
        stage_3 = stage_2 >> residual(64, 2) >> repeat(N - 1, residual(64)); //  8 x 8   64
        logits  = stage_3 >> global_avg_pool >> dense(CLASSES);

        output    probability = softmax(logits);
        loss      cross_entropy(logits, class_of_picture);
        metric    accuracy(logits, class_of_picture);
        optimizer sgd(learning_rate = 0.05, momentum = 0.9, weight_decay = 1e-4);
    }
}

const BATCH: usize = 32;

/// Trains ResNet-20 to tell pictures of 32 x 32 pixels in ten classes apart.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    pictures: Pictures,
    /// How often training goes over all pictures
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000), default_value_t = 4)]
    epochs: u32,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let [training, test] = options.pictures.load()?;
    let device = options.pictures.device.open()?;
    println!("{} pictures for training, {} for the test, on {}", training.len(), test.len(), device.name());
    println!(
        "{} parameters, {} million operations for a picture",
        ResNet::PARAMETERS,
        ResNet::FLOPS_PER_SAMPLE / 1_000_000
    );

    let names = test.classes;
    let training = ResNetStream::new(training.images, training.labels)?;
    let test = ResNetData::new(test.images, test.labels)?;
    let mut network = ResNet::new(&device, options.pictures.seed)?;
    if let Some(rate) = options.pictures.learning_rate {
        network.set_learning_rate(rate)?;
    }
    let (rate, epochs) = (network.learning_rate(), options.epochs as usize);
    let fit = nn::Fit::default().epochs(epochs).batch_size(BATCH).on_epoch(|epoch, control| {
        // The paper's steps: a tenth from the middle on, a hundredth from three quarters on.
        let ended = |parts: usize| (epoch.number * 4 >= epochs * parts) as i32;
        control.learning_rate = rate * 0.1_f32.powi(ended(2) + ended(3));
    });
    print!("{}", network.fit(&training, fit)?);

    let confusion = Confusion::of_scores(&test.class_of_picture(), &network.predict(test.picture())?);
    println!("{}\n", confusion.with_names(names));
    let report = network.evaluate(&test)?;
    println!("test loss: {:.6}", report.loss);
    println!("test accuracy: {:.4}", report.accuracy);
    Ok(())
}
