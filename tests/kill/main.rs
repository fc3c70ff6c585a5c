//! A process that trains and saves all the time, killed at random instants: whenever that is, a checkpoint is there that is whole,
//! none that has been finished is lost, and who goes on from it computes what a run computes that nobody has killed.

#[cfg(unix)]
mod ctrl_c;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nn::{Checkpoints, Device, Fit, network};

network! {
    /// Large enough for its files to take some time.
    network Victim {
        input  x: [64];
        target y: [4];
        hidden = x >> dense(128) >> relu >> dropout(0.2);
        p = hidden >> dense(64) >> batch_norm >> tanh >> dense(4);
        output    p = p;
        loss      mse(p, y);
        optimizer adam(learning_rate = 1e-3);
    }
}

/// Tells the child where to save.
const FOLDER: &str = "NN_KILL_FOLDER";
/// What the child prints when it has begun.
const READY: &str = "ready";
const KILLS: usize = 120;

fn data() -> VictimData {
    let wave = |sample: usize, i: usize| ((sample * 37 + i * 11) as f32 * 0.1).sin();
    let x: Vec<[f32; 64]> = (0..50).map(|sample| std::array::from_fn(|i| wave(sample, i))).collect();
    let y: Vec<[f32; 4]> = (0..50).map(|sample| std::array::from_fn(|i| wave(i, sample))).collect();
    VictimData::new(x, y).unwrap()
}

/// 7 steps an epoch, and far more epochs than there is time for.
fn fit<'a>() -> Fit<'a, VictimReport> {
    Fit::default().epochs(1_000_000).batch_size(8).validation_split(0.1).quiet()
}

fn saving<'a>(folder: &Path) -> Fit<'a, VictimReport> {
    fit().checkpoints(Checkpoints::to(folder).every_steps(1).keep(2).best(|report: &VictimReport| report.loss))
}

/// The child: begins a run, or goes on with it, until it is killed. Does nothing in an ordinary run of the tests.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let mut net = Victim::new(&Device::cpu(), 5).unwrap();
    let mut said = false;
    let fit = saving(&folder).on_batch_end(|_, _| {
        if !std::mem::replace(&mut said, true) {
            println!("\n{READY}");
            std::io::stdout().flush().unwrap();
        }
    });
    let newest = Checkpoints::newest(&folder).unwrap();
    let history = if newest.is_some() { net.resume(&data(), &folder, fit) } else { net.fit(&data(), fit) };
    panic!("the child ended by itself: {history:?}");
}

/// A child that has begun to train.
fn spawn(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == READY), "the child did not begin: {:?}", child.wait());
    child
}

/// The files of a folder; none while there is no folder.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The steps whose files have been finished, ascending.
fn steps(folder: &Path) -> Vec<u64> {
    let names = names(folder);
    let step = |name: &String| name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok();
    let mut steps: Vec<u64> = names.iter().filter_map(step).collect();
    steps.sort_unstable();
    steps
}

/// The network where the newest checkpoint says.
fn newest(folder: &Path) -> Victim {
    let path = Checkpoints::newest(folder).unwrap().expect("a checkpoint that is whole");
    let mut net = Victim::new(&Device::cpu(), 0).unwrap();
    net.load_checkpoint(path).unwrap();
    net
}

fn bits(net: &Victim) -> Vec<u32> {
    net.parameters().flat_map(|p| net.parameter(p.name).unwrap()).map(f32::to_bits).collect()
}

/// The network of a run that nobody has killed, after so many steps.
fn undisturbed(steps: u64) -> Victim {
    let mut net = Victim::new(&Device::cpu(), 5).unwrap();
    let mut done = 0;
    let fit = fit().on_batch_end(|_, control| {
        done += 1;
        control.stop = done == steps;
    });
    net.fit(&data(), fit).unwrap();
    net
}

#[test]
fn whenever_a_process_is_killed_its_run_goes_on() {
    let folder = std::env::temp_dir().join(format!("nn-kill-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let (mut state, mut last, mut while_writing, mut behind) = (1_u64, 0, 0, 0);
    for kill in 0..KILLS {
        let mut child = spawn(&folder);
        // Every fourth one gets as far as a new file, however slow the disk is.
        while kill % 4 == 0 && steps(&folder).last().is_none_or(|step| *step <= last) {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            sleep(Duration::from_millis(1));
        }
        // Knuth's generator: instants that differ, over several saves.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        sleep(Duration::from_micros((state >> 33) % 25_000));
        child.kill().unwrap();
        child.wait().unwrap();

        let names = names(&folder);
        let finished = steps(&folder);
        while_writing += usize::from(names.iter().any(|name| name.ends_with(".tmp")));
        behind += usize::from(finished.len() > 2);
        let net = newest(&folder);
        assert_eq!(
            Some(net.steps()),
            finished.last().copied(),
            "the last file that was finished is whole, kill {kill}"
        );
        assert!(net.steps() >= last, "nothing is lost, kill {kill}");
        last = net.steps();
    }
    println!(
        "{KILLS} kills, {while_writing} while a file was written, {behind} before an old one was removed; {last} steps"
    );
    assert!(last >= KILLS as u64 / 4, "{last} steps in all");
    assert!(while_writing > KILLS / 20, "only {while_writing} kills came while a file was written");

    let net = newest(&folder);
    assert_eq!(bits(&net), bits(&undisturbed(last)), "after {last} steps and {KILLS} kills");

    // What a disk or a hand does to the newest file: the one before it takes its place.
    let path = Checkpoints::newest(&folder).unwrap().unwrap();
    let bytes = fs::read(&path).unwrap();
    for (cut, flip) in
        [(0, 0), (7, 0), (100, 0), (bytes.len() / 2, 0), (bytes.len() - 1, 0), (bytes.len(), bytes.len() / 3)]
    {
        let mut damaged = bytes[..cut].to_vec();
        if let Some(byte) = damaged.get_mut(flip).filter(|_| flip > 0) {
            *byte ^= 1;
        }
        fs::write(&path, damaged).unwrap();
        assert!(newest(&folder).steps() < last, "cut to {cut} bytes, byte {flip} changed");
    }
    let mut child = spawn(&folder);
    sleep(Duration::from_millis(30));
    child.kill().unwrap();
    child.wait().unwrap();
    let net = newest(&folder);
    assert!(net.steps() > 0 && bits(&net) == bits(&undisturbed(net.steps())), "it goes on from the one before");
    fs::remove_dir_all(&folder).unwrap();
}
