//! What only memory can learn.

use nn_tests::{Noise, on_each_device};

const STEPS: usize = 20;

nn::network! {
    /// Which of two signs came first, many steps ago.
    network ByLstm {
        input  x: [20, 2];
        target first: class(2);
        logits = x >> lstm(12) >> last >> dense(2);
        output    scores = logits;
        loss      cross_entropy(logits, first);
        metric    accuracy(logits, first);
        optimizer adam(learning_rate = 0.01);
    }
    /// The same, by layers of both directions on top of each other.
    network ByGru {
        input  x: [20, 2];
        target first: class(2);
        y = x >> gru(8, layers = 2, bidirectional = true, dropout = 0.1);
        logits = y.h >> flatten >> dense(2);
        output    scores = logits;
        loss      cross_entropy(logits, first);
        metric    accuracy(logits, first);
        optimizer adam(learning_rate = 0.01);
    }
    /// The same, by a cell of one's own that goes from the last step to the first.
    network ByScan {
        input  x: [20, 2];
        target first: class(2);
        scan memory(x_t in x, h = zeros(8), reverse = true) {
            update = sigmoid(linear(concat([x_t, h]), 8));
            h = update * tanh(linear(x_t, 8)) + (1.0 - update) * h;
            h
        }
        logits = memory.h >> dense(2);
        output    scores = logits;
        loss      cross_entropy(logits, first);
        metric    accuracy(logits, first);
        optimizer adam(learning_rate = 0.01);
    }
}

/// A sign at the first step, then noise that looks alike but is marked.
fn samples(count: usize, seed: u64) -> (Vec<[[f32; 2]; STEPS]>, Vec<u32>) {
    let mut noise = Noise::new(seed);
    (0..count)
        .map(|_| {
            let sign = |noise: &mut Noise| if noise.next() > 0.0 { 1.0 } else { -1.0 };
            let first = sign(&mut noise);
            let step = |t: usize| if t == 0 { [first, 1.0] } else { [sign(&mut noise), 0.0] };
            (std::array::from_fn(step), u32::from(first > 0.0))
        })
        .unzip()
}

macro_rules! learns {
    ($device:ident, $network:ident, $data:ident) => {{
        let ((x, first), (test_x, test_first)) = (samples(512, 1), samples(256, 2));
        let mut net = $network::new($device, 4).unwrap();
        let data = $data::new(x, first).unwrap();
        net.fit(&data, nn::Fit::default().epochs(30).batch_size(32).quiet()).unwrap();
        let report = net.evaluate(&$data::new(test_x, test_first).unwrap()).unwrap();
        assert!(report.accuracy > 0.99, "{report:?}");
    }};
}

on_each_device! {
    fn an_lstm_remembers(device) {
        learns!(device, ByLstm, ByLstmData);
    }

    fn layers_in_both_directions_remember(device) {
        learns!(device, ByGru, ByGruData);
    }

    fn a_scan_remembers(device) {
        learns!(device, ByScan, ByScanData);
    }
}
