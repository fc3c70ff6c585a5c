//! The classic first lesson: a small network learns a parabola from points on it.
//!
//! ```text
//! cargo run --release --example curve_fit -- --seed 7 --activation relu
//! ```

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use nn_examples::charts::CurveChart;
use nn_examples::cli::Training;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const TRAINING_POINTS: usize = 1000;
const TEST_POINTS: usize = 200;
const EPOCHS: u32 = 200;
const BATCH: usize = 32;
/// From epoch to epoch the learning rate shrinks by the same factor, to this part of what it was.
const LAST_RATE: f32 = 0.01;

/// Fits a small network to y = a x² + b x + c, where a, b and c are drawn from -10..=10.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    training: Training<EPOCHS>,
    /// The activation of both hidden layers
    #[arg(long, value_enum, default_value_t)]
    activation: Activation,
    /// The picture to write
    #[arg(long, value_name = "FILE", default_value = "curve_fit.svg")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Activation {
    #[default]
    Tanh,
    Sigmoid,
    Relu,
    Silu,
}

/// Declares a network, and how to train it. Layers are fixed when the example is compiled, so each activation has a
/// network of its own.
macro_rules! curve_network {
    ($network:ident, $data:ident, $activation:ident) => {
        nn::network! {
            network $network {
                input  x: [1];
                target y: [1];

                hidden = x >> dense(16) >> $activation >> dense(16) >> $activation;
                fitted = hidden >> dense(1);

                output    curve = fitted;
                loss      mse(fitted, y);
                metric    r2(fitted, y);
                optimizer adam(learning_rate = 0.02);
            }
        }

        impl $network {
            fn learn(points: &Points, device: &nn::Device, options: &Training<EPOCHS>) -> nn::Result<Learned> {
                let mut network = Self::new(device, options.seed)?;
                network.set_learning_rate(options.rate(network.learning_rate()))?;
                let data = $data::new(&points.xs, &points.ys)?;
                let decay = LAST_RATE.powf(1.0 / options.epochs as f32);
                let history =
                    network.fit(&data, options.fit(BATCH).on_epoch(|_, control| control.learning_rate *= decay))?;
                Ok(Learned {
                    losses: history.epochs.iter().map(|epoch| epoch.train.loss).collect(),
                    curve: Box::new(move |xs| Ok(network.predict(xs)?.into_flattened())),
                })
            }
        }
    };
}

curve_network!(TanhCurve, TanhCurveData, tanh);
curve_network!(SigmoidCurve, SigmoidCurveData, sigmoid);
curve_network!(ReluCurve, ReluCurveData, relu);
curve_network!(SiluCurve, SiluCurveData, silu);

/// What is left of a training run.
struct Learned {
    /// The mean loss of each epoch.
    losses: Vec<f64>,
    /// The trained network.
    curve: Curve,
}

/// From x to y.
type Curve = Box<dyn Fn(&[f32]) -> nn::Result<Vec<f32>>>;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut rng = ChaCha8Rng::seed_from_u64(options.training.seed);
    let parabola = Parabola::draw(&mut rng);
    let training = parabola.points(TRAINING_POINTS, &mut rng);
    let test = parabola.points(TEST_POINTS, &mut rng);
    let device = options.training.device.open()?;
    println!("curve: {parabola}");
    println!("network: 1-16-16-1, {:?}, on {}", options.activation, device.name());
    println!("training on {TRAINING_POINTS} points, {} epochs", options.training.epochs);

    // A network learns numbers around 0 and 1 much faster than others: it sees scaled ones.
    let scale = Scale::of(&training.ys);
    let scaled = Points { ys: training.ys.iter().map(|&y| scale.shrink(y)).collect(), xs: training.xs };
    let learn = match options.activation {
        Activation::Tanh => TanhCurve::learn,
        Activation::Sigmoid => SigmoidCurve::learn,
        Activation::Relu => ReluCurve::learn,
        Activation::Silu => SiluCurve::learn,
    };
    let learned = learn(&scaled, &device, &options.training)?;
    let fitted = |xs: &[f32]| -> nn::Result<Vec<f32>> {
        Ok((learned.curve)(xs)?.into_iter().map(|y| scale.restore(y)).collect())
    };

    let xs = (-50..=50).map(|i| i as f32 / 50.0).collect::<Vec<_>>();
    let pairs = |ys: &[f32]| xs.iter().zip(ys).map(|(&x, &y)| (f64::from(x), f64::from(y))).collect::<Vec<_>>();
    let chart = CurveChart {
        title: &parabola.to_string(),
        truth: &pairs(&xs.iter().map(|&x| parabola.at(x)).collect::<Vec<_>>()),
        fitted: &pairs(&fitted(&xs)?),
        losses: &learned.losses,
    };
    chart.save(&options.out)?;
    println!("picture: {}", options.out.display());

    let predicted = fitted(&test.xs)?;
    let mse = mean_squared(test.ys.iter().zip(&predicted).map(|(y, p)| f64::from(*y) - f64::from(*p)));
    let mean = test.ys.iter().map(|&y| f64::from(y)).sum::<f64>() / TEST_POINTS as f64;
    let variance = mean_squared(test.ys.iter().map(|&y| f64::from(y) - mean));
    println!("test r2: {:.6}", 1.0 - mse / variance);
    println!("test mse: {mse:.6}");
    Ok(())
}

fn mean_squared(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value * value, count + 1));
    sum / f64::from(count)
}

/// Points on a curve.
#[derive(Clone, Debug)]
struct Points {
    xs: Vec<f32>,
    ys: Vec<f32>,
}

/// The curve to learn.
#[derive(Clone, Copy, Debug)]
struct Parabola {
    a: i32,
    b: i32,
    c: i32,
}

impl Parabola {
    /// Draws one; draws again while it is only a constant.
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        loop {
            let [a, b, c] = std::array::from_fn(|_| rng.random_range(-10..=10));
            if (a, b) != (0, 0) {
                return Self { a, b, c };
            }
        }
    }

    fn at(self, x: f32) -> f32 {
        (self.a as f32 * x + self.b as f32) * x + self.c as f32
    }

    /// Draws points on it.
    fn points(self, count: usize, rng: &mut ChaCha8Rng) -> Points {
        let xs = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        Points { ys: xs.iter().map(|&x| self.at(x)).collect(), xs }
    }
}

impl std::fmt::Display for Parabola {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = |n: i32| if n < 0 { '-' } else { '+' };
        write!(f, "y = {} x² {} {} x {} {}", self.a, sign(self.b), self.b.abs(), sign(self.c), self.c.abs())
    }
}

/// What brings numbers to mean 0 and deviation 1, and back.
#[derive(Clone, Copy, Debug)]
struct Scale {
    mean: f32,
    deviation: f32,
}

impl Scale {
    fn of(values: &[f32]) -> Self {
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let deviation = mean_squared(values.iter().map(|&value| f64::from(value - mean))).sqrt() as f32;
        Self { mean, deviation }
    }

    fn shrink(self, value: f32) -> f32 {
        (value - self.mean) / self.deviation
    }

    fn restore(self, value: f32) -> f32 {
        value * self.deviation + self.mean
    }
}
