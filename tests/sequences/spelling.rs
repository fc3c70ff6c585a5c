//! Labels whose places are not known, learned from examples.

use nn_tests::{Noise, on_each_device};

nn::network! {
    /// Up to four signs, each drawn over some steps, with gaps between them.
    network Reader {
        const STEPS = 24;
        input  stroke: [STEPS, 3];
        input  steps: class(STEPS + 1);
        target text: class(4)[4];                        // 0 is the blank, and what is not there
        h = stroke >> gru(16, bidirectional = true);
        logits = h >> linear(4);
        output    scores = logits;
        loss      ctc(logits, text, input_length = steps);
        optimizer adam(learning_rate = 0.02);
    }
}

struct Samples {
    strokes: Vec<[[f32; 3]; 24]>,
    steps: Vec<u32>,
    texts: Vec<[u32; 4]>,
}

/// Sign `k` is a one in place `k - 1`, over one to three steps; then come one or two steps of nothing but noise.
fn samples(count: usize, seed: u64) -> Samples {
    let mut noise = Noise::new(seed);
    let mut all = Samples { strokes: vec![], steps: vec![], texts: vec![] };
    for _ in 0..count {
        let mut rows = vec![];
        let mut text = [0; 4];
        let labels = 1 + noise.below(4) as usize;
        for place in &mut text[..labels] {
            let sign = noise.below(3) as usize;
            *place = sign as u32 + 1;
            let drawn = 1 + noise.below(3) as usize;
            let gap = 1 + noise.below(2) as usize;
            for step in 0..drawn + gap {
                let clean = |i: usize| if step < drawn && i == sign { 1.0 } else { 0.0 };
                rows.push(std::array::from_fn(|i| clean(i) + 0.2 * noise.next()));
            }
        }
        all.steps.push(rows.len() as u32);
        // What lies behind the end looks like signs, and must not be read.
        rows.resize(24, [1.0, 0.0, 1.0]);
        let Ok(stroke) = rows.try_into() else { unreachable!("at most 4 signs of 5 steps") };
        all.strokes.push(stroke);
        all.texts.push(text);
    }
    all
}

on_each_device! {
    fn signs_are_read_in_their_order(device) {
        let train = samples(512, 1);
        let mut net = Reader::new(device, 1).unwrap();
        let data = ReaderData::new(train.strokes, train.steps, train.texts).unwrap();
        let history = net.fit(&data, nn::Fit::default().epochs(12).batch_size(32).quiet()).unwrap();
        let losses: Vec<f64> = history.epochs.iter().map(|epoch| epoch.train.loss).collect();
        assert!(losses[11] < 0.1 * losses[0], "{losses:?}");
        let test = samples(100, 2);
        let scores = net.predict(&test.strokes, &test.steps).unwrap();
        let right = scores.iter().zip(&test.steps).zip(&test.texts).filter(|((scores, steps), text)| {
            let read = nn::ctc_greedy(&scores[..**steps as usize], 0).unwrap();
            read.iter().eq(text.iter().filter(|label| **label > 0))
        });
        let right = right.count();
        assert!(right >= 95, "{right} of 100");
    }
}
