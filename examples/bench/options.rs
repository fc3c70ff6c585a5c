//! The command line. It is read without clap, whose code would be a good part of what a process holds that predicts one sample.

use anyhow::{Context, Result, bail, ensure};
use nn_examples::cli::DeviceChoice;
use pico_args::Arguments;

/// What `--help` says.
const HELP: &str = "\
Measures training steps and predictions

Usage: bench [OPTIONS] <WORKLOAD>

Options:
      --device <DEVICE>  Where to train: auto, cpu or gpu [default: auto]
      --steps <STEPS>    How many steps to time; 0 for about four seconds of them, 1 for no warm-up [default: 0]
      --batch <BATCH>    How many samples a training step has, where it is not to be the workload's own number
      --inference        Predict one sample at a time instead
      --trainer          Compare what steps take in `fit`, with less and more to do beside them, with the bare steps instead
      --agreement        Compare the GPU's predictions, gradients and losses with the CPU's instead
      --profile          Print what each kernel took on the GPU, too; the environment variable `NN_PROFILE` has to be 1
      --plan             Print the network's plan instead: its kernels, where its tensors live, what memory training takes
  -h, --help             Print help";

/// What is to be measured.
#[derive(Debug)]
pub struct Options {
    pub workload: String,
    pub device: DeviceChoice,
    pub steps: usize,
    pub batch: Option<usize>,
    pub inference: bool,
    pub trainer: bool,
    pub agreement: bool,
    pub profile: bool,
    pub plan: bool,
}

impl Options {
    /// Reads the command line; `workloads` are the names that there are. Where only help was asked for, it is printed, and there are none.
    pub fn read(workloads: impl Iterator<Item = &'static str>) -> Result<Option<Self>> {
        let mut arguments = Arguments::from_env();
        let names = || workloads.collect::<Vec<_>>().join(", ");
        if arguments.contains(["-h", "--help"]) {
            println!("{HELP}\n\nWorkloads: {}", names());
            return Ok(None);
        }
        let device = arguments.opt_value_from_fn("--device", |text| match text {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            "gpu" => Ok(DeviceChoice::Gpu),
            _ => Err("the devices are auto, cpu and gpu"),
        })?;
        let options = Options {
            device: device.unwrap_or_default(),
            steps: arguments.opt_value_from_str("--steps")?.unwrap_or(0),
            batch: arguments.opt_value_from_str("--batch")?,
            inference: arguments.contains("--inference"),
            trainer: arguments.contains("--trainer"),
            agreement: arguments.contains("--agreement"),
            profile: arguments.contains("--profile"),
            plan: arguments.contains("--plan"),
            workload: arguments.free_from_str().with_context(|| format!("which workload? There are {}", names()))?,
        };
        if let Some(unknown) = arguments.finish().first() {
            bail!("`{}` is no option; `--help` lists them", unknown.display());
        }
        let other = options.batch.is_some() || options.trainer || options.agreement;
        ensure!(
            !(options.inference && other),
            "`--inference` goes with neither `--batch` nor another kind of measurement"
        );
        Ok(Some(options))
    }
}
