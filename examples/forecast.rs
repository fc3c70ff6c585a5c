//! What comes next? A network reads a noisy sum of sines and says how it goes on, many steps ahead.
//!
//! ```text
//! cargo run --release --example forecast -- --seed 7
//! ```

use std::path::PathBuf;

use clap::Parser;
use nn_examples::charts::ForecastChart;
use nn_examples::cli::Training;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const EPOCHS: u32 = 40;
const BATCH: usize = 64;
/// How much the network sees, and how far it looks ahead.
const PAST: usize = 64;
const FUTURE: usize = 48;
/// Windows of the series to learn from, and to test with; the latter come later, and no point is in both.
const TRAINING_WINDOWS: usize = 3000;
const TEST_WINDOWS: usize = 400;
const NOISE: f32 = 0.1;

nn::network! {
    /// An LSTM reads the past. A loop of our own goes on from its final state: at each step it takes what it said last.
    network Forecast {
        const PAST = 64;
        const FUTURE = 48;
        const UNITS = 32;
        input  past: [PAST, 1];
        target future: [FUTURE];

        seen = past >> lstm(UNITS);
        scan ahead(_step in zeros([FUTURE, 1]), h = seen.h, y = past >> last) {
            both = concat([y, h]);
            update = sigmoid(linear(both, UNITS));
            new = tanh(linear(both, UNITS));
            h = h + update * (new - h);
            y = y + linear(h, 1);
            y
        }

        output    forecast = ahead >> flatten;
        loss      mse(forecast, future);
        metric    rmse(forecast, future);
        optimizer adam(learning_rate = 1e-2, clip_norm = 1.0);
    }
}

/// Learns to continue a sum of three sines with noise.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    training: Training<EPOCHS>,
    /// The picture to write
    #[arg(long, value_name = "FILE", default_value = "forecast.svg")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let training = &options.training;
    let mut rng = ChaCha8Rng::seed_from_u64(training.seed);
    let waves = Waves::draw(&mut rng);
    let windows = |first: usize, count: usize, rng: &mut ChaCha8Rng| {
        let series: Vec<f32> = (first..first + count + PAST + FUTURE)
            .map(|t| {
                let noise: f32 = StandardNormal.sample(rng);
                waves.at(t) + NOISE * noise
            })
            .collect();
        let past: Vec<[[f32; 1]; PAST]> = (0..count).map(|i| std::array::from_fn(|t| [series[i + t]])).collect();
        let future: Vec<[f32; FUTURE]> = (0..count).map(|i| std::array::from_fn(|t| series[i + PAST + t])).collect();
        (past, future)
    };
    let (past, future) = windows(0, TRAINING_WINDOWS, &mut rng);
    let begin = TRAINING_WINDOWS + PAST + FUTURE;
    let (test_past, test_future) = windows(begin, TEST_WINDOWS, &mut rng);

    let device = training.device.open()?;
    println!("series: {waves}, and noise of {NOISE}");
    println!("network: lstm(32), and a loop over {FUTURE} steps ahead, on {}", device.name());
    let mut network = Forecast::new(&device, training.seed)?;
    network.set_learning_rate(training.rate(network.learning_rate()))?;
    // The learning rate falls to a twentieth, so that the last steps are small ones.
    let decay = 0.05_f32.powf(1.0 / training.epochs as f32);
    network.fit(
        &ForecastData::new(&past, &future)?,
        training.fit(BATCH).on_epoch(|_, control| control.learning_rate *= decay),
    )?;

    let report = network.evaluate(&ForecastData::new(&test_past, &test_future)?)?;
    let repeated = test_past.iter().zip(&test_future).flat_map(|(past, future)| {
        let last = past[PAST - 1][0];
        future.iter().map(move |y| f64::from(y - last).powi(2))
    });
    let repeated = (repeated.sum::<f64>() / (TEST_WINDOWS * FUTURE) as f64).sqrt();
    println!(
        "test rmse of {FUTURE} steps: {:.4} (the noise alone {NOISE}, the last value repeated {repeated:.4})",
        report.rmse
    );

    let window = TEST_WINDOWS / 2;
    let forecast = network.predict(&test_past[window..=window])?;
    let numbers = |values: &[f32]| values.iter().map(|&y| f64::from(y)).collect::<Vec<_>>();
    let shown = PAST + FUTURE;
    let chart = ForecastChart {
        title: "a noisy sum of sines, and how the network continues it",
        truth: &(0..shown).map(|t| f64::from(waves.at(begin + window + t))).collect::<Vec<_>>(),
        seen: &numbers(test_past[window].as_flattened()),
        came: &numbers(&test_future[window]),
        forecast: &numbers(&forecast[0]),
    };
    chart.save(&options.out)?;
    println!("picture: {}", options.out.display());
    Ok(())
}

/// A sum of three sines.
#[derive(Clone, Copy, Debug)]
struct Waves([Wave; 3]);

#[derive(Clone, Copy, Debug)]
struct Wave {
    amplitude: f32,
    period: f32,
    phase: f32,
}

impl Waves {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        Waves([(1.0, 32.0), (0.5, 13.0), (0.3, 7.0)].map(|(amplitude, period)| Wave {
            amplitude,
            period: period * rng.random_range(0.9..1.1),
            phase: rng.random_range(0.0..std::f32::consts::TAU),
        }))
    }

    fn at(&self, t: usize) -> f32 {
        let wave = |w: &Wave| {
            let turns = (t as f64 / f64::from(w.period)).fract() as f32;
            w.amplitude * (std::f32::consts::TAU * turns + w.phase).sin()
        };
        self.0.iter().map(wave).sum()
    }
}

impl std::fmt::Display for Waves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c] = &self.0;
        write!(f, "sines of period {:.1}, {:.1} and {:.1}", a.period, b.period, c.period)
    }
}
