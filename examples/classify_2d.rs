//! Which of three classes does a point belong to? Draws what a network answers for every point of the plane.
//!
//! ```text
//! cargo run --release --example classify_2d -- --pattern spirals
//! ```

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use nn_examples::charts::RegionChart;
use nn_examples::cli::Training;
use nn_examples::points::Pattern;

nn::network! {
    /// From two coordinates to the probabilities of three classes.
    network Regions {
        input  point: [2];
        target class_of_point: class(3);

        hidden = point  >> dense(32) >> tanh >> dense(32) >> tanh;
        logits = hidden >> dense(3);

        output    probability = softmax(logits);
        loss      cross_entropy(logits, class_of_point);
        metric    accuracy(logits, class_of_point);
        optimizer adam(learning_rate = 0.01);
    }
}

const BATCH: usize = 30;
const TRAINING_POINTS: usize = 900;
const TEST_POINTS: usize = 600;
/// How many of the training points the pictures show.
const SHOWN_POINTS: usize = 300;

/// Trains a network on rings, petals and spirals, and draws its regions.
#[derive(Debug, Parser)]
struct Options {
    /// Only this pattern
    #[arg(long, value_enum)]
    pattern: Option<Pattern>,
    #[command(flatten)]
    training: Training<150>,
    /// The folder for the pictures
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let device = options.training.device.open()?;
    println!("network: 2-32-32-3, on {}", device.name());
    let patterns = options.pattern.as_ref().map_or(Pattern::value_variants(), std::slice::from_ref);
    let mut lowest = f64::INFINITY;
    for &pattern in patterns {
        let (points, classes) = pattern.draw(TRAINING_POINTS, options.training.seed.wrapping_mul(2));
        let (test_points, test_classes) = pattern.draw(TEST_POINTS, options.training.seed.wrapping_mul(2) + 1);
        let mut network = Regions::new(&device, options.training.seed)?;
        network.set_learning_rate(options.training.rate(network.learning_rate()))?;
        network.fit(&RegionsData::new(&points, &classes)?, options.training.fit(BATCH).quiet())?;

        let report = network.evaluate(&RegionsData::new(&test_points, &test_classes)?)?;
        let file = options.out.join(format!("classify_2d_{}.svg", pattern.name()));
        let probabilities = network.predict(&RegionChart::grid())?;
        let (points, classes) = (&points[..SHOWN_POINTS], &classes[..SHOWN_POINTS]);
        RegionChart { probabilities: &probabilities, points, classes }.save(&file)?;
        println!("{}: {report}, picture: {}", pattern.name(), file.display());
        lowest = lowest.min(report.accuracy);
    }
    println!("lowest test accuracy: {lowest:.4}");
    Ok(())
}
