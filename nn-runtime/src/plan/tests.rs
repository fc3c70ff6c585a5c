use super::*;

const TEXT: &str = "\
Curve
places: `sample n` is the arena's zone for samples, and so on

predict: 2 kernels in 2 dispatches, arena of 0 floats and 1,280 for each sample
  dispatch 1
    predict_00_hidden_dense_contract  over [batch, 16]
      does    hidden.dense: contract, add
      does    hidden.tanh: tanh
      FLOPs   0 and 1,064 for each sample
      reads   x [batch, 1] at sample 0
      reads   hidden.dense.weight [16, 1] at parameters 0
      writes  hidden.tanh #9 [batch, 16] at sample 1
  dispatch 2
    predict_01_y_dense_contract  over [batch, 1]
      does    y.dense: contract, add
      reads   hidden.tanh #9 [batch, 16] at sample 1
      reads   hidden half [batch, 16] f16 at half sample 4
      writes  y [batch, 1] at sample 0

train: 1 kernel in 1 dispatch and one that gathers the batch, arena of 16 floats and 40 for each sample
  batches of up to 64 samples train inside one workgroup, up to 10 steps in one dispatch: 3 barriers a step, 4.0 KiB of workgroup memory
  what contractions read is stored as f16 where its kernel writes groups of four: arena of 8 halves and 1,000 for each sample
  dispatch 1
    train_00_loss_reduce  over []
      does    loss.mse: sum
      CPU     by some means
      updates parameters [352] at parameters 0
      writes  mean loss [] at results 0

gradients: 2 kernels in 2 dispatches, arena of 0 floats and 4 for each sample
  the first 1 kernels are those of train, in the same dispatches and places; behind them:
  dispatch 2
    gradients_01_x_map  over [batch]
      does    x: multiply
      writes  x's gradient [batch, 1] at fixed 4
";

#[test]
fn a_plan_is_read_whole() {
    let plan = Plan::read(TEXT).unwrap();
    assert_eq!(plan.name, "Curve");
    let predict = plan.program("predict").unwrap();
    assert_eq!((predict.fixed_floats, predict.sample_floats, predict.kernels.len()), (0, 1280, 2));
    let first = &predict.kernels[0];
    assert_eq!((first.layer(), first.dispatch, first.flops(10)), ("hidden.dense", 1, 10_640.0));
    assert_eq!(first.does[1], ("hidden.tanh".into(), "tanh".into()));
    assert_eq!(first.reads[1].place, Place::Parameters);
    assert_eq!((first.writes[0].shape(), first.writes[0].offset), ("[batch, 16]".into(), 1));
    assert_eq!(first.bytes(8), (8.0 + 16.0 + 8.0 * 16.0) * 4.0);
    let gradients = plan.program("gradients").unwrap();
    assert_eq!(gradients.kernels[0], plan.program("train").unwrap().kernels[0]);
    assert_eq!((gradients.kernels[1].dispatch, gradients.kernels[1].writes[0].place), (2, Place::Fixed));
    let half = &predict.kernels[1].reads[1];
    assert_eq!((half.place, half.offset, half.width, half.bytes(2)), (Place::HalfSample, 4, 2, 64));
    assert_eq!(plan.program("train").unwrap().arena_bytes(5), (16 + 8 * 40) * 4 + (8 + 8 * 1000) * 2);
}

#[test]
fn what_is_no_plan_is_an_error_that_says_where() {
    assert_eq!(Plan::read("").unwrap_err().to_string(), "this text is no plan: it names no program");
    let error = Plan::read("Curve\n\npredict of something\n").unwrap_err().to_string();
    assert_eq!(error, "line 3 of the plan is none that a plan has: `predict of something`");
    let error = Plan::read(TEXT).unwrap().program("fly").unwrap_err().to_string();
    assert_eq!(error, "`Curve` has no program `fly`; it has `predict`, `train`, `gradients`");
}

#[test]
fn kernels_of_loops_run_as_often_as_there_are_steps() {
    const LOOP: &str = "\
Words
places: …

predict: 4 kernels in 4 dispatches, arena of 0 floats and 90 for each sample
  dispatch 1
    predict_00_h_map  over [batch, 4]
      FLOPs   0 and 0 for each sample
      writes  h.rnn #3 [batch, 4] at sample 60
  loop of 12 steps: dispatches 2 to 3
  dispatch 2
    predict_01_h_contract  over [batch, 4]
      does    h.rnn: contract
      FLOPs   0 and 32 for each sample
      reads   h.rnn #3 [batch, 4] in turns at sample 60
      reads   h.rnn #2 [batch, 12, 4] row at sample 8
      writes  h.rnn #5 [batch, 4] at sample 56
  dispatch 3
    predict_02_h_map_1  over [batch, 4]
      does    h.rnn: tanh
      reads   h.rnn #5 [batch, 4] at sample 56
      writes  h.rnn #3 [batch, 4] in turns at sample 64
  dispatch 4
    predict_03_y_contract  over [batch, 1]
      does    y.dense: contract
      reads   h.rnn #3 [batch, 4] at sample 60
      writes  y [batch, 1] at sample 0
";
    let plan = Plan::read(LOOP).unwrap();
    let kernels = &plan.program("predict").unwrap().kernels;
    assert_eq!(kernels.iter().map(|kernel| kernel.steps).collect::<Vec<_>>(), [1, 12, 12, 1]);
    assert_eq!([kernels[1].reads[0].view, kernels[1].reads[1].view], [View::Turns, View::OneRow]);
    assert_eq!(kernels[1].bytes(2), 3.0 * 4.0 * 4.0 * 2.0, "a row of the sequence");
    #[cfg(feature = "pictures")]
    {
        let svg = crate::pictures::graph(LOOP, "predict").unwrap().to_svg();
        assert!(svg.contains(">12 steps<") && svg.contains(">y<"), "{svg}");
        assert!(!svg.contains(">h.rnn #3<"), "a state is no result: {svg}");
        assert!(!svg.contains("#222222\">predict_00"), "a box has the name of a layer: {svg}");
    }
}
