//! A residual network for small pictures: CIFAR-10's files, or coloured shapes that the example draws itself.
//!
//! ```text
//! cargo run --release --example resnet
//! cargo run --release --example resnet -- --data DIR --epochs 100
//! ```

use clap::Parser;
use nn_examples::cli::Training;
use nn_examples::confusion::Confusion;
use nn_examples::datasets::Pictures;
use nn_examples::report;

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
    #[command(flatten)]
    training: Training<4>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let [training, test] = options.pictures.load(options.training.seed)?;
    let device = options.training.device.open()?;
    report::opening([training.len(), test.len()], ResNet::PARAMETERS, ResNet::FLOPS_PER_SAMPLE, &device);

    let names = test.classes;
    let training = ResNetStream::new(training.images, training.labels)?;
    let test = ResNetData::new(test.images, test.labels)?;
    let mut network = ResNet::new(&device, options.training.seed)?;
    let (rate, epochs) = (options.training.rate(network.learning_rate()), options.training.epochs as usize);
    network.set_learning_rate(rate)?;
    let fit = options.training.fit(BATCH).on_epoch(|epoch, control| {
        // The paper's steps: a tenth from the middle on, a hundredth from three quarters on.
        let ended = |parts: usize| (epoch.number * 4 >= epochs * parts) as i32;
        control.learning_rate = rate * 0.1_f32.powi(ended(2) + ended(3));
    });
    print!("{}", network.fit(&training, fit)?);

    let confusion = Confusion::of_scores(&test.class_of_picture(), &network.predict(test.picture())?);
    let measured = network.evaluate(&test)?;
    report::closing(&confusion.with_names(names), measured.loss, measured.accuracy);
    Ok(())
}
