//! Ctrl-C, as a terminal sends it: a real signal to a real process.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nn::{Batches, Stopped};

use super::*;

/// Tells the child what to do.
const TASK: &str = "NN_CTRL_C";
const SIGINT: i32 = 2;

/// What the child does. Nothing in an ordinary run of the tests.
#[test]
fn interrupted_child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let mut net = Victim::new(&Device::cpu(), 5).unwrap();
    let ready = |said: &mut bool| {
        if !std::mem::replace(said, true) {
            println!("\n{READY}");
            std::io::stdout().flush().unwrap();
        }
    };
    let mut said = false;
    let accumulate = if task == "train with accumulation" { 5 } else { 1 };
    let fit =
        Fit::default().accumulate(accumulate).epochs(1_000_000).batch_size(8).validation_split(0.1).stop_on_ctrl_c();
    match task.as_str() {
        "train" | "train with accumulation" => {
            let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
            let fit = fit.checkpoints(Checkpoints::to(folder).every_minutes(1000)).on_epoch(|_, _| ready(&mut said));
            let history = net.fit(&data(), fit).unwrap();
            assert_eq!(history.stopped, Some(Stopped::Interrupted));
            println!("\nsteps {}", net.steps());
        }
        "validate" => {
            let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
            let validation = validation(Duration::from_millis(50));
            let fit = Fit::default().epochs(1).batch_size(8).validation_data(&validation).stop_on_ctrl_c();
            let fit = fit.checkpoints(Checkpoints::to(folder).every_minutes(1000));
            let fit = fit.on_batch_end(|batch, _| {
                if batch.number == batch.batches {
                    ready(&mut said);
                }
            });
            let history = net.fit(&data(), fit).unwrap();
            assert_eq!((history.stopped, history.epochs.len()), (Some(Stopped::Interrupted), 0));
            println!("\nsteps {}", net.steps());
        }
        "train without checkpoints" => {
            let history = net.fit(&data(), fit.on_epoch(|_, _| ready(&mut said))).unwrap();
            assert_eq!(history.stopped, Some(Stopped::Interrupted));
            println!("\nsteps {}", net.steps());
        }
        "hang" => {
            let fit = fit.quiet().on_epoch(|_, _| {
                ready(&mut said);
                sleep(Duration::from_secs(60));
            });
            net.fit(&data(), fit).unwrap();
        }
        _ => {
            net.fit(&data(), fit.epochs(2).quiet()).unwrap();
            ready(&mut said);
            sleep(Duration::from_secs(60));
        }
    }
}

/// A thousand batches, each of which takes its time.
fn validation(each: Duration) -> Batches<'static, VictimData> {
    Batches::new(1000, move |_| {
        (0..).map(move |_| {
            sleep(each);
            Ok(data())
        })
    })
}

/// A child that has come to where it says that it is ready.
fn begin(task: &str, folder: &Path) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["interrupted_child", "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while line.trim() != READY {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "the child did not begin: {:?}", child.wait());
    }
    (child, output)
}

fn press(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// How it ended, and what it wrote.
fn end(mut child: Child, mut output: BufReader<std::process::ChildStdout>) -> (ExitStatus, String, String) {
    let (mut out, mut errors) = (String::new(), String::new());
    output.read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    (child.wait().unwrap(), out, errors)
}

/// The steps that the child says it has done.
fn steps(output: &str) -> u64 {
    output.lines().find_map(|line| line.strip_prefix("steps ")?.parse().ok()).unwrap()
}

#[test]
fn ctrl_c_ends_training_after_a_step_and_the_run_goes_on_from_there() {
    let folder = std::env::temp_dir().join(format!("nn-ctrl-c-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let (child, output) = begin("train", &folder);
    sleep(Duration::from_millis(13));
    press(&child);
    let (status, output, errors) = end(child, output);
    assert!(status.success(), "{status}: {errors}");
    let done = steps(&output);
    let path = Checkpoints::newest(&folder).unwrap().unwrap();
    let said = errors.lines().find(|line| line.contains("stopped by Ctrl-C after batch ")).expect(&errors);
    assert!(said.contains(&format!("(step {done}); saved as {}", path.display())), "{said}");
    assert!(said.contains("`resume` goes on from there"), "{said}");
    // This is no terminal: there are lines, now and then.
    let line = errors.lines().find(|line| line.starts_with("epoch 1/1000000: loss ")).expect(&errors);
    assert!(line.contains("; validation loss "), "{line}");
    assert!(!errors.contains("epoch 2/1000000"), "{errors}");
    assert_eq!(newest(&folder).steps(), done);
    assert_eq!(bits(&newest(&folder)), bits(&undisturbed(done)));

    // What it says can be done.
    let mut resumed = Victim::new(&Device::cpu(), 0).unwrap();
    let mut more = 0;
    let options = Fit::default().epochs(1_000_000).batch_size(8).validation_split(0.1).quiet();
    let options = options.on_batch_end(|_, control| {
        more += 1;
        control.stop = more == 10;
    });
    resumed.resume(&data(), &folder, options).unwrap();
    assert_eq!(bits(&resumed), bits(&undisturbed(done + 10)));
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn an_update_of_several_batches_ends_before_the_run_does() {
    let folder = std::env::temp_dir().join(format!("nn-ctrl-c-accumulation-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let (child, output) = begin("train with accumulation", &folder);
    sleep(Duration::from_millis(7));
    press(&child);
    let (status, output, errors) = end(child, output);
    assert!(status.success(), "{status}: {errors}");
    // Six steps an epoch make two updates.
    let (done, options) = (steps(&output), || fit().accumulate(5));
    let within = done as usize % 6;
    assert!(within == 0 || within == 5, "{done}: {errors}");
    let place = if within == 0 {
        format!("after epoch {} of", done / 6)
    } else {
        format!("after batch 5 of 6 in epoch {}", done / 6 + 1)
    };
    assert!(
        errors.contains(&format!("stopped by Ctrl-C {place}")) || errors.contains("after batch 6 of 6"),
        "{errors}"
    );
    let ends = |last: u64| {
        let mut net = Victim::new(&Device::cpu(), 5).unwrap();
        net.fit(
            &data(),
            options().on_batch_end(move |batch, control| {
                control.stop = (batch.epoch as u64 - 1) * 6 + batch.number as u64 == last;
            }),
        )
        .unwrap();
        net
    };
    let whole = ends(done + 12);
    let mut resumed = Victim::new(&Device::cpu(), 0).unwrap();
    let mut more = 0;
    let options = options().on_batch_end(|_, control| {
        more += 1;
        control.stop = more == 12;
    });
    resumed.resume(&data(), &folder, options).unwrap();
    assert_eq!((resumed.steps(), bits(&resumed)), (whole.steps(), bits(&whole)));
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_validation_is_left_where_it_is_and_done_again() {
    let folder = std::env::temp_dir().join(format!("nn-ctrl-c-validation-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let (child, output) = begin("validate", &folder);
    sleep(Duration::from_millis(200));
    let pressed = std::time::Instant::now();
    press(&child);
    let (status, output, errors) = end(child, output);
    assert!(status.success(), "{status}: {errors}");
    assert!(pressed.elapsed() < Duration::from_secs(20), "the whole validation takes 50 s");
    assert!(errors.contains("stopped by Ctrl-C after batch 7 of 7 in epoch 1 (step 7)"), "{errors}");
    assert_eq!(steps(&output), 7);
    let mut resumed = Victim::new(&Device::cpu(), 0).unwrap();
    let validation = validation(Duration::ZERO);
    let options = || Fit::default().epochs(1).batch_size(8).validation_data(&validation).quiet();
    let history = resumed.resume(&data(), &folder, options()).unwrap();
    let mut whole = Victim::new(&Device::cpu(), 5).unwrap();
    let expected = whole.fit(&data(), options()).unwrap();
    assert_eq!((resumed.steps(), bits(&resumed)), (7, bits(&whole)));
    assert_eq!(history.epochs[0].validation, expected.epochs[0].validation);
    assert_eq!(history.epochs[0].train, expected.epochs[0].train);
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn without_checkpoints_nothing_is_saved_and_that_is_said() {
    let (child, output) = begin("train without checkpoints", Path::new(""));
    press(&child);
    let (status, output, errors) = end(child, output);
    assert!(status.success() && steps(&output) > 0, "{status}: {errors}");
    assert!(errors.contains("nothing is saved, since no checkpoints were asked for"), "{errors}");
}

#[test]
fn a_second_ctrl_c_kills_and_so_does_one_outside_of_fit() {
    let (child, output) = begin("hang", Path::new(""));
    press(&child);
    sleep(Duration::from_millis(50));
    press(&child);
    let (status, _, errors) = end(child, output);
    assert_eq!(status.signal(), Some(SIGINT));
    assert!(!errors.contains("epoch"), "it was to be quiet: {errors}");
    let (child, output) = begin("rest", Path::new(""));
    press(&child);
    assert_eq!(end(child, output).0.signal(), Some(SIGINT));
}
