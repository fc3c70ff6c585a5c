//! Says of every pixel which shape it belongs to: a small U-Net, on scenes that the example draws itself.
//!
//! ```text
//! cargo run --release --example segment
//! ```

use std::path::PathBuf;

use clap::Parser;
use image::Rgb;
use nn_examples::charts::{Sheet, sheet};
use nn_examples::cli::Training;
use nn_examples::drawn_shapes::scene::{self, CLASSES, PIXELS, SHAPES, SIDE};

nn::network! {
    /// "U-Net: Convolutional Networks for Biomedical Image Segmentation", figure 1, with fewer levels and channels. It pads
    /// what it convolves, so that every pixel gets a class.
    network UNet {
        const CLASSES = 4;

        input  picture: [3, 48, 48];
        target class_of_pixel: class(CLASSES)[48, 48];

        block conv_bn(x, filters) { x >> conv2d(filters, 3, padding = 1, bias = false) >> batch_norm >> relu }

        // Half as many places, twice as many channels.
        block down(x) { x >> max_pool2d(2) >> repeat(2, conv_bn(2 * dim(x, 0))) }

        // Twice as many places, half as many channels, and beside them what was there on the way down.
        block up(x, skipped) {
            grown = x >> conv_transpose2d(dim(skipped, 0), 2, stride = 2);
            concat([skipped, grown]) >> repeat(2, conv_bn(dim(skipped, 0)))
        }

        level_1 = picture >> repeat(2, conv_bn(8)); // 48 x 48   8
        level_2 = level_1 >> down;                  // 24 x 24  16
        level_3 = level_2 >> down;                  // 12 x 12  32
        level_4 = level_3 >> down;                  //  6 x 6   64
        back_3  = level_4 >> up(level_3);
        back_2  = back_3  >> up(level_2);
        back_1  = back_2  >> up(level_1);
        logits  = back_1  >> conv2d(CLASSES, 1);

        output    probability = softmax(logits, axis = 0);
        loss      cross_entropy(logits, class_of_pixel, axis = 0)
                      + dice_loss(softmax(logits, axis = 0), class_of_pixel, axis = 0);
        metric    accuracy(logits, class_of_pixel, axis = 0);
        metric    iou(logits, class_of_pixel, axis = 0);
        optimizer adam(learning_rate = 3e-3);
    }
}

const BATCH: usize = 16;
/// How many scenes are drawn for training and for the test.
const DRAWN: [usize; 2] = [1000, 200];
/// How many scenes the picture shows.
const SHOWN: usize = 8;
/// The paper's colour, and that of each shape.
const COLORS: [Rgb<u8>; CLASSES] = [Rgb([235, 235, 235]), Rgb([41, 98, 168]), Rgb([222, 135, 35]), Rgb([52, 140, 78])];

/// Trains a U-Net to find discs, squares and stars.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    training: Training<8>,
    /// Where to write the picture of scenes, their true regions and those that the network found
    #[arg(long, value_name = "FILE", default_value = "segment.png")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let [training, test] =
        [0, 1].map(|part| scene::draw(DRAWN[part], options.training.seed.wrapping_mul(2) + part as u64));
    let training = UNetData::new(training.0, training.1)?;
    let test = UNetData::new(test.0, test.1)?;
    let device = options.training.device.open()?;
    let names = SHAPES.map(|shape| shape.name()).join(", ");
    println!("drew {} scenes for training, {} for the test, of: {names}", training.len(), test.len());
    println!("{} parameters, on {}", UNet::PARAMETERS, device.name());

    let mut network = UNet::new(&device, options.training.seed)?;
    let rate = options.training.rate(network.learning_rate());
    let epochs = options.training.epochs as usize;
    network.set_learning_rate(rate)?;
    let fit = options.training.fit(BATCH).on_epoch(|epoch, control| {
        // Ever smaller steps, along half a wave.
        let share = epoch.number as f32 / epochs as f32;
        control.learning_rate = rate * 0.5 * (1.0 + (share * std::f32::consts::PI).cos());
    });
    print!("{}", network.fit(&training, fit)?);

    let shown = test.slice(..SHOWN);
    let found = network.predict(shown.picture())?;
    let mut picture = Sheet::new(SIDE);
    picture.row(shown.picture().iter().map(|scene| sheet::colored(scene.as_flattened().as_flattened())));
    picture.row(shown.class_of_pixel().iter().map(|classes| colors(classes.as_flattened())));
    picture.row(found.iter().map(|scores| colors(&most_likely(scores.as_flattened().as_flattened()))));
    picture.save(&options.out)?;
    println!("picture: {}: scenes, the true regions, and those that the network found", options.out.display());

    let report = network.evaluate(&test)?;
    println!("test loss: {:.6}, test accuracy: {:.4}", report.loss, report.accuracy);
    println!("test iou: {:.4}", report.iou);
    Ok(())
}

/// The class of each pixel, from the probabilities of all classes: a map of all pixels for each class.
fn most_likely(scores: &[f32]) -> Vec<u32> {
    let score = |class: u32, pixel: usize| scores[class as usize * PIXELS + pixel];
    let likelier =
        |best: u32, class: u32, pixel: usize| if score(class, pixel) > score(best, pixel) { class } else { best };
    (0..PIXELS).map(|pixel| (1..CLASSES as u32).fold(0, |best, class| likelier(best, class, pixel))).collect()
}

fn colors(classes: &[u32]) -> Vec<Rgb<u8>> {
    classes.iter().map(|&class| COLORS[class as usize]).collect()
}
