//! What a run says on standard error, which is no terminal here.

use std::process::{Command, Stdio};

use super::*;

/// Tells the child what to show.
const SHOWS: &str = "NN_TEST_VERBOSITY";
const EPOCHS: usize = 60;

/// The child. Does nothing in an ordinary run of the tests.
#[test]
fn child() {
    let fit = || Fit::default().epochs(EPOCHS).validation_split(0.2);
    let mut net = net(7);
    let set = Set(data(100));
    let mut train = |fit: Fit<'_, Report>| net.fit(&set, fit).map(|_| ()).unwrap();
    match std::env::var(SHOWS).as_deref() {
        Ok("quiet") => train(fit().verbosity(Verbosity::Quiet)),
        Ok("short for quiet") => train(fit().quiet()),
        Ok("lines") => train(fit().verbosity(Verbosity::Lines)),
        Ok("bar") => train(fit().verbosity(Verbosity::Bar)),
        Ok("auto") => train(fit().verbosity(Verbosity::Auto)),
        Ok("nothing") => train(fit()),
        Ok("skipping") => {
            let mut x = data(100).floats::<3, [f32; 3]>(0).to_vec();
            x[3][0] = f32::NAN;
            let fields = DataSet::new(crate::testing::FIELDS).with::<f32, 3, [f32; 3]>(x).unwrap();
            let set = Set(fields.with::<f32, 2, [f32; 2]>(data(100).floats::<2, [f32; 2]>(1)).unwrap());
            let fit = Fit::default().verbosity(Verbosity::Lines).on_non_finite(OnNonFinite::Skip);
            super::net(1).fit(&set, fit).unwrap();
        }
        _ => {}
    }
}

/// The lines of a child.
fn said(shows: &str) -> Vec<String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["fit::tests::verbosity::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(SHOWS, shows)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn each_verbosity_says_what_it_is_documented_to_say() {
    for quiet in ["quiet", "short for quiet"] {
        assert_eq!(said(quiet), [""; 0], "{quiet}");
    }
    let lines = said("lines");
    assert_eq!(lines.len(), EPOCHS);
    for (line, epoch) in lines.iter().zip(1..) {
        let starts = format!("epoch {epoch}/{EPOCHS}: loss ");
        assert!(line.starts_with(&starts) && line.contains(", mae ") && line.contains("; validation loss "), "{line}");
    }
    assert_eq!(said("bar"), lines, "without a terminal, a bar is lines");
    let few = said("auto");
    assert!((15..=25).contains(&few.len()) && few.iter().all(|line| lines.contains(line)), "{few:?}");
    assert_eq!((few.first(), few.last()), (lines.first(), lines.last()));
    assert_eq!(said("nothing"), few, "the default");
}

#[test]
fn steps_that_are_left_out_are_said() {
    let lines = said("skipping");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("first in the data: `x` of sample 3 has NaN; its update is left out"), "{lines:?}");
    assert!(lines[1].starts_with("epoch 1/1: loss ") && lines[1].ends_with("; 1 skipped"), "{lines:?}");
}
