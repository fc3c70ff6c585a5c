//! Runs that stop and go on.

use std::fs;

use super::*;
use crate::{Checkpoints, EarlyStopping};

/// A folder that goes away with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("nn-fit-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Folder(folder)
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// 7 steps an epoch, the last of them smaller.
fn options<'a>() -> Fit<'a, Report> {
    Fit::default().epochs(4).batch_size(16).validation_split(0.01).quiet()
}

fn data_set() -> Set {
    Set(data(100))
}

#[test]
fn a_run_that_stops_after_any_step_goes_on_as_if_it_had_not() {
    let set = data_set();
    let mut whole = net(3);
    let history = whole.fit(&set, options()).unwrap();
    for stop in 1..=4 * 7 {
        let folder = Folder::new("any-step");
        let mut first = net(3);
        let mut steps = 0;
        let begun = options().checkpoints(Checkpoints::to(&folder.0).every_steps(100)).on_batch_end(|_, control| {
            steps += 1;
            control.stop = steps == stop;
        });
        let begun = first.fit(&set, begun).unwrap();
        assert_eq!(begun.step_losses, history.step_losses[..stop]);
        let mut second = net(99);
        let resumed = second.resume(&set, &folder.0, options()).unwrap();
        assert_eq!(resumed.step_losses, history.step_losses[stop..], "stopped after {stop}");
        assert_eq!(second.state().unwrap(), whole.state().unwrap(), "stopped after {stop}");
        let reports = |history: &History<Report>| {
            history.epochs.iter().map(|e| (e.number, e.train.clone(), e.validation.clone())).collect::<Vec<_>>()
        };
        let left = history.epochs.len() - resumed.epochs.len();
        assert_eq!(reports(&resumed), reports(&history)[left..], "reports of whole epochs, after {stop}");
    }
}

#[test]
fn other_options_are_named_and_change_nothing() {
    let folder = Folder::new("options");
    net(1).fit(&data_set(), options().epochs(1).checkpoints(Checkpoints::to(&folder.0))).unwrap();
    let mut other = net(2);
    let before = other.state().unwrap();
    let error = other.resume(&data_set(), &folder.0, options().batch_size(8).shuffle(false).validation_split(0.0));
    let error = error.unwrap_err().to_string();
    for line in [
        "\n  batch_size: the run has 16, but 8 was asked for",
        "\n  samples: the run has 99, but 100 was asked for",
        "\n  shuffle: the run has true, but false was asked for",
    ] {
        assert!(error.contains(line), "{error}");
    }
    assert_eq!(other.state().unwrap(), before);
}

#[test]
fn the_newest_few_and_the_best_are_kept() {
    let folder = Folder::new("keep");
    let mut losses = Vec::new();
    let mut best = 0;
    let checkpoints =
        Checkpoints::to(&folder.0).every_epochs(2).keep(2).best(|report: &Report| (report.r2 - 0.5).abs());
    let fit = options().epochs(9).checkpoints(checkpoints).on_epoch(|epoch, _| {
        let value = (epoch.validation.as_ref().unwrap().r2 - 0.5).abs();
        if losses.iter().all(|&other| value < other) {
            best = epoch.number;
        }
        losses.push(value);
    });
    let mut trained = net(5);
    trained.fit(&data_set(), fit).unwrap();
    assert_eq!(folder.files().len(), 3, "{:?}", folder.files());
    assert_eq!(folder.files()[0], "best.safetensors");
    assert_eq!(folder.files()[2], "step-000000000063.safetensors", "the last epoch has one, whatever its number");
    let mut loaded = net(0);
    loaded.load_checkpoint(&folder.0.join("best.safetensors")).unwrap();
    assert_eq!(loaded.steps(), 7 * best as u64);
    loaded.load_checkpoint(&Checkpoints::newest(&folder.0).unwrap().unwrap()).unwrap();
    assert_eq!(loaded.state().unwrap(), trained.state().unwrap());
}

#[test]
fn what_callbacks_know_goes_on_too() {
    // 3, 4, 5, 0, 1, 2, 3, …: epoch 4 is the best one, and patience ends the run after epoch 7.
    let rules = || {
        let mut calls = 0;
        EarlyStopping::on(move |_: &Report| {
            calls += 1;
            f64::from((calls + 2) % 6)
        })
    };
    let folder = Folder::new("callbacks");
    let fit = || options().epochs(20);
    let stopping = || rules().patience(3).restore_best();
    let mut whole = net(1);
    assert_eq!(whole.fit(&data_set(), fit().early_stopping(stopping())).unwrap().epochs.len(), 7);
    let first = fit().epochs(4).early_stopping(stopping()).checkpoints(Checkpoints::to(&folder.0));
    net(1).fit(&data_set(), first).unwrap();
    let mut resumed = net(1);
    // The closure counts anew, from 3, which is no better.
    let rest = resumed.resume(&data_set(), &folder.0, fit().early_stopping(stopping())).unwrap();
    let numbers: Vec<usize> = rest.epochs.iter().map(|epoch| epoch.number).collect();
    assert_eq!(numbers, [5, 6, 7], "the best value came along");
    let weights = |net: &Net| net.parameter("dense.weight").unwrap();
    assert_eq!(weights(&resumed), weights(&whole), "the best weights were those of an epoch before the stop");
}

#[test]
fn a_folder_of_another_run_is_left_alone() {
    let folder = Folder::new("another");
    let fit = || options().checkpoints(Checkpoints::to(&folder.0));
    net(1).fit(&data_set(), fit()).unwrap();
    let error = net(1).fit(&data_set(), fit()).unwrap_err().to_string();
    assert!(error.contains("`resume` goes on from the newest one"), "{error}");
    let nowhere = net(1).resume(&data_set(), &folder.0.join("no such"), options()).unwrap_err().to_string();
    assert!(nowhere.contains("no such"), "{nowhere}");
    let empty = Folder::new("empty");
    fs::create_dir_all(&empty.0).unwrap();
    let nothing = net(1).resume(&data_set(), &empty.0, options()).unwrap_err().to_string();
    assert!(nothing.contains("has no checkpoint to go on from"), "{nothing}");
}

#[test]
fn options_that_make_no_sense_are_errors() {
    let folder = Folder::new("no-sense");
    let error = |checkpoints: Checkpoints<Report>| {
        net(1).fit(&data_set(), options().checkpoints(checkpoints)).unwrap_err().to_string()
    };
    let to = || Checkpoints::to(&folder.0);
    assert!(error(to().every_epochs(0)).contains("every_epochs is 0"));
    assert!(error(to().every_steps(0)).contains("every_steps is 0"));
    assert!(error(to().keep(0)).contains("keep is 0"));
    assert!(error(to().every_minutes(0)).contains("every_minutes is 0"));
    assert!(error(to().every_minutes(f64::NAN)).contains("every_minutes is NaN"));
    assert!(error(to().maximum()).contains("`maximum` is about"));
    assert!(!folder.0.exists(), "and nothing is written");
}

#[test]
fn minutes_are_counted_within_an_epoch() {
    let folder = Folder::new("minutes");
    // A tenth of a second: the loop looks up ten times a second.
    let checkpoints = Checkpoints::to(&folder.0).every_minutes(1.0 / 600.0).keep(1000);
    let set = Set(data(60_000));
    let mut trained = net(1);
    let mut epochs = 0;
    let start = std::time::Instant::now();
    let fit = Fit::default().epochs(1000).batch_size(1).quiet().checkpoints(checkpoints);
    let fit = fit.on_epoch(|_, control| {
        epochs += 1;
        control.stop = start.elapsed().as_secs_f64() > 0.6;
    });
    trained.fit(&set, fit).unwrap();
    let steps: Vec<u64> = folder.files().iter().map(|f| f[5..17].parse().unwrap()).collect();
    assert!(steps.iter().any(|s| s % 60_000 != 0), "inside of {epochs} epochs: {steps:?}");
}

#[test]
fn a_file_that_cannot_be_written_ends_the_run_with_an_error_that_names_it() {
    // A folder stands where a file should: that of the run's beginning, of its first epoch, of its last one.
    for steps in [0, 7, 14] {
        let folder = Folder::new("unwritable");
        let name = format!("step-{steps:012}.safetensors");
        let path = folder.0.join(&name);
        let fit = options().epochs(2).checkpoints(Checkpoints::to(&folder.0).every_epochs(1));
        let mut trained = net(1);
        let fit = fit.on_train_begin(|_, _| fs::create_dir_all(path.join("in the way")).unwrap());
        let error = trained.fit(&data_set(), fit).unwrap_err().to_string();
        assert!(error.contains(&name), "{error}");
        assert!(steps > 0 || trained.steps() == 0, "nothing is trained without the first one");
        assert!(trained.steps() >= steps);
    }
}

#[test]
fn the_last_checkpoint_is_there_when_fit_returns() {
    for _ in 0..20 {
        let folder = Folder::new("last");
        let mut trained = net(1);
        // One after each step, and one that somebody asks for when the run is over.
        let checkpoints = Checkpoints::to(&folder.0).every_steps(1).keep(100);
        let fit = options().epochs(1).checkpoints(checkpoints).on_train_end(|_, control| control.save = true);
        trained.fit(&data_set(), fit).unwrap();
        assert_eq!(folder.files().len(), 1 + 7);
        let mut loaded = net(0);
        loaded.load_checkpoint(&Checkpoints::newest(&folder.0).unwrap().unwrap()).unwrap();
        assert_eq!(loaded.state().unwrap().parameters, trained.state().unwrap().parameters);
    }
}
