//! Options that several examples have.

use clap::ValueEnum;

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
