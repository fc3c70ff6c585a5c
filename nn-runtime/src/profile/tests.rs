use super::*;

const PLAN: &str = "\
Net
places: …

train: 3 kernels in 2 dispatches, arena of 0 floats and 8 for each sample
  dispatch 1
    train_00_hidden_dense_contract  over [batch, 4]
      does    hidden.dense: contract, add
      FLOPs   0 and 1,000 for each sample
      reads   x [batch, 2] at sample 0
      writes  hidden #1 [batch, 4] at sample 2
  dispatch 2
    train_01_hidden_dense_contract  over [4, 2]
      does    hidden.dense: contract
      FLOPs   500 and 0 for each sample
      reads   hidden #1 [batch, 4] at sample 2
    train_02_optimizer_map  over [12]
      does    optimizer: add
      FLOPs   24 and 0 for each sample
      updates parameters [12] at parameters 0
";

fn run(kernel: Ran, start: f64, milliseconds: f64) -> KernelRun {
    KernelRun { kernel, start, milliseconds }
}

fn profile(runs: &[KernelRun]) -> Profile {
    let plan = Plan::read(PLAN).unwrap();
    let peak = Some(Peak { gflops: 10.0, gbytes: 1.0 });
    Profile::of(&plan, plan.program("train").unwrap(), "CPU".into(), 10, (2, 4.0), runs, peak)
}

fn two_steps() -> Profile {
    let step = |at: f64| {
        [run(Ran::Number(0), at, 0.5), run(Ran::Number(1), at + 0.5, 0.25), run(Ran::Number(2), at + 0.75, 0.125)]
    };
    profile(&[step(100.0), step(102.0)].concat())
}

#[test]
fn times_are_summed_by_kernel_and_by_layer() {
    let profile = two_steps();
    let first = &profile.kernels[0];
    assert_eq!((first.runs, first.milliseconds, first.flops, first.bytes), (2, 1.0, 10_000.0, 240.0));
    assert_eq!(first.gflops(), 0.02);
    assert_eq!(profile.layers(), [("hidden.dense", 1.5), ("optimizer", 0.25)]);
    assert_eq!(profile.kernels[2].bytes, 96.0, "what is updated is read and written");
}

#[test]
fn the_table_has_the_longest_first() {
    let table = two_steps().to_string();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "Net on CPU, batches of 10: 2.0000 ms a step over 2 steps, of which kernels 0.8750");
    assert_eq!(lines[1], "the device's measured peak: 10.0 GFLOP/s, 1.0 GB/s");
    assert_eq!(
        lines[4],
        "  0.5000   57.1     0.02    0 %     0.00    0 %  train_00_hidden_dense_contract  hidden.dense"
    );
    assert_eq!(lines.last().unwrap(), &"  0.1250   14.3  optimizer");
}

#[test]
fn dispatches_and_regions_know_their_kernels() {
    let profile = profile(&[
        run(Ran::Dispatch("train_01_hidden_dense_contract_and_1"), 0.0, 1.0),
        run(Ran::Dispatch("gather"), 1.0, 1.0),
        run(Ran::Pass, 2.0, 1.0),
        run(Ran::Update, 3.0, 1.0),
    ]);
    let known: Vec<_> = profile.kernels.iter().map(|k| (k.layer.as_str(), k.flops)).collect();
    assert_eq!(known, [("hidden.dense", 524.0), ("other", 0.0), ("all layers", 10_500.0), ("optimizer", 24.0)]);
    assert!(profile.to_string().contains("       -      -        -      -  gather"), "{profile}");
}

#[test]
fn a_trace_is_what_the_format_says() {
    let json: serde_json::Value = serde_json::from_str(&trace::json(&two_steps())).unwrap();
    let events = json["traceEvents"].as_array().unwrap();
    let slices: Vec<_> = events.iter().filter(|e| e["ph"] == "X").collect();
    assert_eq!((events.len(), slices.len()), (10, 8));
    for slice in &slices {
        assert!(slice["ts"].as_f64().unwrap() >= 0.0 && slice["dur"].as_f64().unwrap() > 0.0);
        assert!(slice["name"].is_string() && slice["pid"].is_number() && slice["tid"].is_number());
    }
    assert_eq!((slices[0]["name"].as_str(), slices[0]["dur"].as_f64()), (Some("step 1"), Some(875.0)));
    assert_eq!((slices[4]["name"].as_str(), slices[4]["ts"].as_f64()), (Some("step 2"), Some(2000.0)));
    assert_eq!(slices[5]["args"]["layer"], "hidden.dense");
}

#[test]
fn slices_of_a_trace_lie_within_each_other_or_apart_to_the_nanosecond() {
    // Kernels that follow without a gap, at times that are no round numbers.
    let mut at = 1e5;
    let runs: Vec<KernelRun> = (0..3000)
        .map(|i| {
            let time = 0.001 + f64::from(i * 7919 % 1000) / 3e5;
            at += time;
            run(Ran::Number(i as usize % 3), at - time, time)
        })
        .collect();
    let json: serde_json::Value = serde_json::from_str(&trace::json(&profile(&runs))).unwrap();
    let events = json["traceEvents"].as_array().unwrap();
    let slices: Vec<(bool, i64, i64)> = (events.iter().filter(|event| event["ph"] == "X"))
        .map(|event| {
            let [start, time] = ["ts", "dur"].map(|key| (event[key].as_f64().unwrap() * 1e3).round() as i64);
            (event["cat"] == "step", start, start + time)
        })
        .collect();
    assert_eq!(slices.iter().filter(|slice| slice.0).count(), 1000);
    let (mut step, mut last) = ((0, 0), 0);
    for (is_step, start, end) in slices {
        assert!(start >= last, "{start} after {last}");
        if is_step {
            assert!(start >= step.1);
            (step, last) = ((start, end), start);
        } else {
            assert!(end <= step.1, "{end} within {step:?}");
            last = end;
        }
    }
    let empty: serde_json::Value = serde_json::from_str(&trace::json(&profile(&[]))).unwrap();
    assert_eq!(empty["traceEvents"].as_array().unwrap().len(), 2, "who it is, and nothing else");
}
