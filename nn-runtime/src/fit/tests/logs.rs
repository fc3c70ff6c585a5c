//! What runs leave behind in files, and range tests.

use std::fs;
use std::path::PathBuf;

use super::*;

fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("nn-logs-{}-{name}", std::process::id()))
}

/// The lines without the time, which nobody can foretell.
fn lines(path: &PathBuf) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'), "{text:?}");
    let cut = |line: &str| line.rsplit_once([',']).map_or(line.to_owned(), |(front, _)| front.to_owned());
    text.lines().map(cut).collect()
}

#[test]
fn each_epoch_is_a_line_of_a_table_and_an_object() {
    let (csv, json) = (file("run.csv"), file("run.jsonl"));
    let options = Fit::default().epochs(3).validation_split(0.2).validation_every(2);
    let history = fit(options.callback(CsvLog::to(&csv)).callback(JsonLines::to(&json))).unwrap();
    let table = lines(&csv);
    assert_eq!(table[0], "epoch,loss,mae,r2,val_loss,val_mae,val_r2,learning_rate");
    let first: Vec<&str> = table[1].split(',').collect();
    assert_eq!((first.len(), first[0], first[4], first[7]), (8, "1", "", "0.1"));
    assert_eq!(first[1].parse::<f64>().unwrap(), history.epochs[0].train.loss, "every bit of it");
    let second: Vec<&str> = table[2].split(',').collect();
    assert_eq!(second[6].parse::<f64>().unwrap(), history.epochs[1].validation.as_ref().unwrap().r2);
    let objects: Vec<serde_json::Value> =
        fs::read_to_string(&json).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 3);
    assert_eq!(objects[0]["epoch"], 1.0);
    assert_eq!(objects[2]["loss"], history.epochs[2].train.loss);
    assert_eq!(objects[1]["val_loss"], history.epochs[1].validation.as_ref().unwrap().loss);
    assert!(objects[0].get("val_loss").is_none() && objects[0]["seconds"].is_number());

    // The history writes the same, but for the metrics that this report has not.
    let (later, objects) = (file("later.csv"), file("later.jsonl"));
    history.write_csv(&later).unwrap();
    history.write_json_lines(&objects).unwrap();
    assert_eq!(lines(&later)[0], "epoch,loss,r2,val_loss,val_r2,learning_rate");
    let second_later = &lines(&later)[2];
    assert!(second_later.starts_with(&format!("2,{}", second[1])), "{second_later}");
    assert_eq!(fs::read_to_string(&objects).unwrap().lines().count(), 3);
    [csv, json, later, objects].iter().for_each(|path| fs::remove_file(path).unwrap());
}

#[test]
fn a_resumed_run_goes_on_with_the_table_and_a_new_one_begins_another() {
    let (csv, json) = (file("resumed.csv"), file("resumed.jsonl"));
    let data = Set(data(50));
    let options = || {
        let options = Fit::default().epochs(4).batch_size(10).quiet();
        options.callback(CsvLog::to(&csv)).callback(JsonLines::to(&json))
    };
    let mut whole = net(1);
    whole.fit(&data, options()).unwrap();
    let expected = (lines(&csv), lines(&json));
    assert_eq!((expected.0.len(), expected.1.len()), (5, 4));
    let mut net = net(1);
    net.fit(&data, options().on_batch_end(|batch, control| control.stop = (batch.epoch, batch.number) == (3, 2)))
        .unwrap();
    assert_eq!(lines(&csv), expected.0[..3]);
    // A line that a killed process left half done, and one of an epoch that comes again.
    for (path, rest) in [(&csv, "3,0.5,1,1,0.1,2\n4,0."), (&json, "{\"epoch\":3,\"loss\":1}\n{\"epo")] {
        let text = fs::read_to_string(path).unwrap() + rest;
        fs::write(path, text).unwrap();
    }
    net.fit(&data, options().resumed()).unwrap();
    assert_eq!((lines(&csv), lines(&json)), expected);
    net.fit(&data, options().resumed()).unwrap();
    assert_eq!((lines(&csv), lines(&json)), expected, "nothing was left to do, and nothing is lost");
    net.fit(&data, options().epochs(1)).unwrap();
    assert_eq!((lines(&csv).len(), lines(&json).len()), (2, 1));
    let nowhere = fit(Fit::default().callback(CsvLog::to(file("no such folder").join("run.csv"))));
    assert!(nowhere.unwrap_err().to_string().contains("no such folder"));
    [csv, json].iter().for_each(|path| fs::remove_file(path).unwrap());
}

#[test]
fn a_range_test_measures_rising_rates_and_leaves_no_trace() {
    let (mut net, data) = (net(1), Set(data(100)));
    net.fit(&data, Fit::default().epochs(2).quiet()).unwrap();
    let before = net.state().unwrap();
    let test = net.range_test(&data, 1e-4..10.0, 61, Fit::default().batch_size(20).quiet()).unwrap();
    assert_eq!(net.state().unwrap(), before);
    let (rates, losses): (Vec<f64>, Vec<f32>) = test.points.iter().copied().unzip();
    assert!((rates[0] - 1e-4).abs() < 1e-12 && (rates[12] - 1e-3).abs() < 1e-9, "{rates:?}");
    assert_eq!(rates.len(), 61);
    assert!((rates[60] - 10.0).abs() < 1e-6);
    assert!(losses[60] > 100.0 * losses[0], "rates beyond what it bears: {losses:?}");
    let best = test.steepest().unwrap();
    assert!((1e-3..5.0).contains(&best), "{best}");
    let falls = |rate: f64| if rate < 1e-2 { 1.0 } else { 1.0 - (rate.log10() + 2.0).min(1.0) * 0.8 };
    let points: Vec<(f64, f32)> =
        (0..200).map(|i| 10f64.powf(-5.0 + i as f64 / 40.0)).map(|r| (r, falls(r) as f32)).collect();
    let best = RangeTest { points: points.clone() }.steepest().unwrap();
    assert!((1e-2..1e-1).contains(&best), "where it falls: {best}");
    assert_eq!(RangeTest { points: points[..2].to_vec() }.steepest(), None);
    assert!(RangeTest { points: points[..3].to_vec() }.steepest().is_some());

    // By hand: the same steps.
    let mut state = before.clone();
    state.position = Default::default();
    net.restore(state).unwrap();
    let by_hand = net.fit(&data, Fit::default().batch_size(20).quiet().steps_per_epoch(1));
    assert_eq!(by_hand.unwrap().step_losses[0], losses[0]);
    net.restore(before.clone()).unwrap();
    let far = net.range_test(&data, 1e-3..1e30, 60, Fit::default().quiet()).unwrap();
    assert!(far.points.len() < 60 && far.points.iter().all(|(_, loss)| loss.is_finite()));
    assert_eq!(net.state().unwrap(), before);
    for (range, steps) in [(0.0..1.0, 10), (1.0..1.0, 10), (1e-3..f64::NAN, 10), (1e-3..1.0, 1)] {
        let error = net.range_test(&data, range, steps, Fit::default().quiet()).unwrap_err().to_string();
        assert!(error.starts_with("range_test: "), "{error}");
    }
}
