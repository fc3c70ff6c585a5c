//! What ResNet-50 is and what it costs: numbers of the network, and the time that building it takes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nn_resnet50::ResNet50;

/// Past the test harness, which shows what a test prints only if it fails.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "ResNet-50: {line}");
}

#[test]
fn it_is_torchvisions_network() {
    let buffers =
        2 * (64 + [(3, 64), (4, 128), (6, 256), (3, 512)].map(|(n, f)| n * 6 * f + 4 * f).iter().sum::<usize>());
    let all: usize = parameters().map(|(_, size)| size).sum();
    let trained = parameters().filter(|(name, _)| !name.contains("running_")).map(|(_, size)| size).sum::<usize>();
    assert_eq!((trained, all), (25_557_032, 25_557_032 + buffers));
    assert_eq!(ResNet50::PARAMETERS, 25_557_032);
}

/// Names and sizes of all parameters and buffers, from the file that the network would be saved to.
fn parameters() -> impl Iterator<Item = (String, usize)> {
    let net = ResNet50::new(&nn::Device::cpu(), 0).unwrap();
    net.parameters().map(|p| (p.name.to_owned(), p.dims.iter().product())).collect::<Vec<_>>().into_iter()
}

/// torchvision counts the multiply-adds of convolutions and dense layers: 4.09 G.
#[test]
fn its_operations_are_counted() {
    let multiply_adds = ResNet50::MULTIPLY_ADDS_PER_SAMPLE;
    say(&format!("{:.3} G multiply-adds", multiply_adds as f64 / 1e9));
    assert_eq!(multiply_adds, 4_089_184_256);
}

#[test]
fn its_memory_is_known() {
    let bytes = ResNet50::memory(32);
    say(&format!("training with batches of 32 takes {:.0} MiB", bytes as f64 / (1 << 20) as f64));
    // Parameters, gradients and momenta, and all that batch norms and convolutions keep for the backward pass.
    let least = 3 * 4 * ResNet50::PARAMETERS;
    assert!(bytes > least && bytes < 8 << 30, "{bytes}");
}

#[test]
fn it_predicts() {
    let net = ResNet50::new(&nn::Device::cpu(), 1).unwrap();
    let image: Vec<f32> = (0..3 * 224 * 224).map(|i| ((i * 7919 % 1000) as f32 / 500.0) - 1.0).collect();
    let image: &[[f32; 3 * 224 * 224]] = std::slice::from_ref(image.as_slice().try_into().unwrap());
    let start = Instant::now();
    let p = net.predict(image).unwrap();
    say(&format!("a prediction on the CPU takes {:.2} s in this profile", start.elapsed().as_secs_f64()));
    assert!(p[0].iter().all(|p| p.is_finite()));
    assert!((p[0].iter().sum::<f32>() - 1.0).abs() < 1e-5);
}

/// The limit for `cargo check` of this crate, after what it depends on is built, on the reference machine.
const CHECK_LIMIT: Duration = Duration::from_secs(10);

/// The limit for expansion on the reference machine, in seconds. Others are slower and busy: only a multiple fails.
const EXPANSION_LIMIT: f64 = 0.5;

#[test]
fn it_builds_in_seconds() {
    let check = fastest(&["check"]);
    say(&format!("cargo check takes {:.1} s", check.as_secs_f64()));
    let (all, macros) = expansion();
    say(&format!("rustc reads, expands and resolves it in {all:.3} s; expansion takes {macros} of them (dev profile)"));
    assert!(all < 10.0 * EXPANSION_LIMIT, "{all}");
    let build = fastest(&["build"]);
    say(&format!("cargo build takes {:.1} s", build.as_secs_f64()));
    let release = fastest(&["build", "--release"]);
    say(&format!("cargo build --release takes {:.1} s", release.as_secs_f64()));
    assert!(check < CHECK_LIMIT, "{check:?}");
}

/// How long cargo takes for this crate alone.
fn fastest(command: &[&str]) -> Duration {
    cargo(command);
    let again = || {
        let profile: &[&str] = if command.contains(&"--release") { &["--release"] } else { &[] };
        cargo(&[&["clean"], profile].concat());
        cargo(command)
    };
    again().min(again())
}

/// How long rustc takes for this crate up to the point where all macros are expanded and all names resolved, in seconds, and what
/// it says itself about the expansion (`expand_crate`). The fastest of some runs, behind a `cargo check`.
fn expansion() -> (f64, String) {
    let target = target();
    let libraries = target.join("debug/deps");
    let is_facade = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libnn-") && name.ends_with(".rmeta")
    };
    // The latest, should there be others of earlier runs.
    let facade = std::fs::read_dir(&libraries).unwrap().map(|entry| entry.unwrap().path()).filter(is_facade);
    let facade =
        facade.max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok()).expect("the facade is built");
    let rustc = || {
        let mut command = Command::new(option_env!("RUSTC").unwrap_or("rustc"));
        command.args(["--edition=2024", "--crate-type=lib", "--crate-name=nn_resnet50", "--emit=dep-info"]);
        command.arg("--out-dir").arg(&target).arg("-L").arg(format!("dependency={}", libraries.display()));
        command.arg("--extern").arg(format!("nn={}", facade.display()));
        // So that a stable compiler tells its times.
        command.arg("-Ztime-passes").env("RUSTC_BOOTSTRAP", "1");
        let start = Instant::now();
        let output =
            command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).output().expect("rustc runs");
        let all = start.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        let line = said.lines().find(|line| line.ends_with("\texpand_crate")).unwrap_or_default();
        (all, line.split([':', ';']).nth(1).unwrap_or("?").trim().to_owned())
    };
    (0..5).map(|_| rustc()).min_by(|a, b| a.0.total_cmp(&b.0)).expect("some runs")
}

/// A folder of these tests' own: the one that they are built in may be locked, and stays as it is.
fn target() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("resnet50")
}

/// Runs cargo for this crate. Gives the time, or the processor's time if that is less: a busy machine does not count.
fn cargo(command: &[&str]) -> Duration {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let (start, busy) = (Instant::now(), processor_time_of_children());
    let output = Command::new(env!("CARGO"))
        .args(command)
        .args(["--offline", "--quiet", "--package", "nn-resnet50", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(target())
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "cargo {command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let time = start.elapsed();
    processor_time_of_children().zip(busy).map_or(time, |(after, before)| time.min(after - before))
}

/// How long processes that this one started have run, where Linux tells.
fn processor_time_of_children() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name, which may hold anything; in hundredths of a second, for the system and not.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_whitespace().skip(13).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(10 * ticks))
}
