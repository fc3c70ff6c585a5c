//! Grouped convolutions and channel shuffles for small pictures: CIFAR-10's files, or coloured shapes that the example draws
//! itself.
//!
//! ```text
//! cargo run --release --example shufflenet
//! cargo run --release --example shufflenet -- --data DIR --epochs 50
//! ```

use clap::Parser;
use nn_examples::cli::Training;
use nn_examples::confusion::Confusion;
use nn_examples::datasets::Pictures;
use nn_examples::report;

nn::network! {
    /// Table 1 of "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices", for three groups and a
    /// quarter as wide. Pictures are small: the stem does not shrink them.
    network ShuffleNet {
        const GROUPS = 3;
        const CLASSES = 10;

        input  picture: [3, 32, 32];
        target class_of_picture: class(CLASSES);

        // Narrow, in groups, whose channels are mixed; then each channel by itself; then wide again, in groups.
        block bottleneck(x, width, filters, groups, groups_of_first, stride = 1) {
            narrow = x >> conv2d(width, 1, groups = groups_of_first, bias = false) >> batch_norm >> relu;
            mixed  = narrow >> channel_shuffle(groups);
            spread = mixed >> conv2d(width, 3, stride = stride, padding = 1, groups = width, bias = false) >> batch_norm;
            spread >> conv2d(filters, 1, groups = groups, bias = false) >> batch_norm
        }

        // Figure 2 (b) of the paper: what is new is added.
        block unit(x, groups) {
            const FILTERS = dim(x, 0);
            relu(x + (x >> bottleneck(FILTERS / 4, FILTERS, groups, groups)))
        }

        // Figure 2 (c): the picture shrinks, and what is new gets channels of its own.
        block shrinking_unit(x, filters, groups, groups_of_first) {
            pooled = x >> avg_pool2d(3, stride = 2, padding = 1);
            new    = x >> bottleneck(filters / 4, filters - dim(x, 0), groups, groups_of_first, stride = 2);
            relu(concat([pooled, new]))
        }

        // The paper's table:                                                                   // output   filters
        stem    = picture >> conv2d(24, 3, padding = 1, bias = false) >> batch_norm >> relu;    // 32 x 32   24
        stage_2 = stem    >> shrinking_unit(60, GROUPS, 1)       >> repeat(3, unit(GROUPS));    // 16 x 16   60
        stage_3 = stage_2 >> shrinking_unit(120, GROUPS, GROUPS) >> repeat(7, unit(GROUPS));    //  8 x 8   120
        stage_4 = stage_3 >> shrinking_unit(240, GROUPS, GROUPS) >> repeat(3, unit(GROUPS));    //  4 x 4   240
        logits  = stage_4 >> global_avg_pool >> dense(CLASSES);

        output    probability = softmax(logits);
        loss      cross_entropy(logits, class_of_picture);
        metric    accuracy(logits, class_of_picture);
        optimizer sgd(learning_rate = 0.03, momentum = 0.9, weight_decay = 4e-5);
    }
}

const BATCH: usize = 32;

/// Trains a ShuffleNet to tell pictures of 32 x 32 pixels in ten classes apart.
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
    report::opening([training.len(), test.len()], ShuffleNet::PARAMETERS, ShuffleNet::FLOPS_PER_SAMPLE, &device);

    let names = test.classes;
    let training = ShuffleNetStream::new(training.images, training.labels)?;
    let test = ShuffleNetData::new(test.images, test.labels)?;
    let mut network = ShuffleNet::new(&device, options.training.seed)?;
    let (rate, epochs) = (options.training.rate(network.learning_rate()), options.training.epochs as usize);
    network.set_learning_rate(rate)?;
    let fit = options.training.fit(BATCH).on_epoch(|epoch, control| {
        // The paper's ever smaller steps, down to 0 along a line.
        control.learning_rate = rate * (1.0 - epoch.number as f32 / epochs as f32);
    });
    print!("{}", network.fit(&training, fit)?);

    let confusion = Confusion::of_scores(&test.class_of_picture(), &network.predict(test.picture())?);
    let measured = network.evaluate(&test)?;
    report::closing(&confusion.with_names(names), measured.loss, measured.accuracy);
    Ok(())
}
