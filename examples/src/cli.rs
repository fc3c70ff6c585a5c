//! Options that several examples have.

use clap::{Args, ValueEnum};

/// Where a network runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DeviceChoice {
    /// The best GPU, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU; an error where there is none.
    Gpu,
}

impl DeviceChoice {
    /// Opens the device.
    pub fn open(self) -> nn::Result<nn::Device> {
        match self {
            Self::Auto => nn::Device::auto(),
            Self::Cpu => Ok(nn::Device::cpu()),
            Self::Gpu => nn::Device::gpu(),
        }
    }
}

/// Options of all examples that train for epochs.
#[derive(Args, Clone, Copy, Debug)]
pub struct Training<const EPOCHS: u32> {
    /// How often training goes over all samples
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000), default_value_t = EPOCHS)]
    pub epochs: u32,
    /// The learning rate of the first epoch, instead of the declared one
    #[arg(long, value_parser = positive)]
    pub learning_rate: Option<f32>,
    /// Where to train
    #[arg(long, value_enum, default_value_t)]
    pub device: DeviceChoice,
    /// Draws the first weights, the order of training, and data if it is drawn; the same seed gives the same run
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

impl<const EPOCHS: u32> Training<EPOCHS> {
    /// How to train, in batches of this size.
    pub fn fit<'a, R>(&self, batch_size: usize) -> nn::Fit<'a, R> {
        nn::Fit::default().epochs(self.epochs as usize).batch_size(batch_size)
    }

    /// The learning rate to begin with.
    pub fn rate(&self, declared: f32) -> f32 {
        self.learning_rate.unwrap_or(declared)
    }
}

/// Reads a finite number above 0.
pub fn positive(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("expected a finite number above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_rates_are_positive_and_finite() {
        assert_eq!(positive("0.05"), Ok(0.05));
        for text in ["0", "-1", "nan", "inf", "1e99", "fast", ""] {
            assert!(positive(text).is_err(), "{text}");
        }
    }
}
