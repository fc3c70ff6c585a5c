//! Predicting step by step is predicting the whole sequence, row by row: every kind of memory, on both devices.

use nn::{Fit, Sampler};
use nn_tests::{Noise, assert_close, on_each_device};

const STEPS: usize = 10;
const SAMPLES: usize = 3;

nn::network! {
    network Recurrent {
        input  x: [10, 4];
        target wanted: [10, 5];
        up   = x >> lstm(6, layers = 2) >> gru(5);
        down = up >> rnn(5) >> layer_norm;
        output    y = down;
        output    end = last(down);
        loss      mse(y, wanted);
        optimizer adam(learning_rate = 0.01);
        stepwise  x;
    }
    network Scanned {
        input x: [10, 4];
        input weight: [10];
        input h0: [6];
        scan y(x_t in x, w_t in reshape(weight, [10, 1]), h = h0, c = zeros(6)) {
            gates = linear(concat([x_t, h]), 4 * 6) >> layer_norm;
            (i, f, g, o) = chunk(gates, 4);
            c = sigmoid(f) * c + sigmoid(i) * tanh(g) * w_t;
            h = sigmoid(o) * tanh(c);
            h
        }
        output all = y;
        output h = y.h;
        stepwise x, weight;
    }
    network Attending {
        input x: [10, 8];
        input length: class(11);
        seen = mask_from(length, 10);
        a = x >> self_attention(4, kv_heads = 2, causal = true, rotary = true);
        b = a >> positional_encoding >> self_attention(2, causal = true, mask = seen);
        output y = a + b;
        stepwise x;
    }
    network Writer {
        input tokens: class(20)[10];
        read   = tokens >> embedding(12);
        placed = read >> position_embedding >> dropout(0.2);
        blocks = placed >> repeat(2, |x| x >> transformer_encoder_layer(3, feedforward = 16, causal = true, activation = gelu));
        output scores = blocks >> tied_linear("read.embedding");
        stepwise tokens;
    }
    network Translator {
        input x: [10, 8];
        input source: [6, 8];
        memory = source >> transformer_encoder_layer(2, feedforward = 16);
        output y = x >> transformer_decoder_layer(memory, 2, feedforward = 16, causal = true, norm_first = true);
        stepwise x;
    }
    network Wave {
        input x: [10, 3];
        channels = x >> permute([1, 0]);
        a = channels >> conv1d(4, 3, padding = causal) >> tanh;
        b = a >> conv1d(4, 2, padding = causal, dilation = 2, groups = 2) >> tanh;
        c = b >> conv1d(4, 2, padding = causal, dilation = 4) >> relu;
        output y = (a + c) >> conv1d(2, 1) >> permute([1, 0]) >> softmax;
        stepwise x;
    }
}

/// The rows of a step: row `t` of each sequence.
fn rows<T: Copy, const N: usize>(all: &[[T; N]], t: usize) -> Vec<T> {
    all.iter().map(|one| one[t]).collect()
}

/// Steps through sequences of `x` twice (again behind a reset), and compares each row of each output with what all of it gives at once.
macro_rules! streamed {
    ($steps:expr, $x:expr $(, $more:expr)*; $expected:expr $(, $output:ident)?) => {{
        let mut steps = $steps;
        for _ in 0..2 {
            for t in 0..STEPS {
                assert_eq!(steps.position(), t);
                let step = steps.step(&rows(&$x, t) $(, &rows(&$more, t))*).unwrap();
                assert_rows(t, &step$(.$output)?, &$expected);
            }
            steps.reset();
        }
    }};
}

/// Compares one row of each sequence with the row of the whole one.
#[track_caller]
fn assert_rows<const W: usize, const N: usize>(t: usize, step: &[[f32; W]], whole: &[[[f32; W]; N]]) {
    let expected = rows(whole, t);
    assert_close(&format!("step {t}"), step.as_flattened(), expected.as_flattened(), 1e-5);
}

fn sequences<const W: usize, const N: usize>(seed: u64) -> Vec<[[f32; W]; N]> {
    let mut noise = Noise::new(seed);
    (0..SAMPLES).map(|_| std::array::from_fn(|_| noise.array())).collect()
}

on_each_device! {
    fn recurrent_layers_keep_their_states(device) {
        let mut net = Recurrent::new(device, 3).unwrap();
        let (x, wanted) = (sequences::<4, STEPS>(1), sequences::<5, STEPS>(2));
        // Steps have the weights of their beginning, whatever is learnt meanwhile.
        let (before, early) = (net.predict(&x).unwrap(), net.stepwise(SAMPLES).unwrap());
        let data = RecurrentData::new(x.clone(), wanted).unwrap();
        net.fit(&data, Fit::default().epochs(3).quiet()).unwrap();
        let learnt = net.predict(&x).unwrap();
        assert_ne!(before, learnt);
        streamed!(early, x; before.y, y);
        streamed!(net.stepwise(SAMPLES).unwrap(), x; learnt.y, y);

        // The last one is the newest one; and there is no end.
        let mut steps = net.stepwise(SAMPLES).unwrap();
        assert_eq!(steps.limit(), None);
        let mut end = vec![];
        for t in 0..STEPS {
            end = steps.step(&rows(&x, t)).unwrap().end;
        }
        assert_close("the end", end.as_flattened(), learnt.end.as_flattened(), 1e-5);
        steps.step(&rows(&x, 0)).unwrap();
        assert_eq!((steps.position(), steps.batch()), (STEPS + 1, SAMPLES));
    }

    fn scans_keep_their_states_and_begin_with_what_is_given(device) {
        let net = Scanned::new(device, 3).unwrap();
        let (x, mut noise) = (sequences::<4, STEPS>(1), Noise::new(5));
        let weight: Vec<[f32; STEPS]> = (0..SAMPLES).map(|_| noise.array()).collect();
        let h0: Vec<[f32; 6]> = (0..SAMPLES).map(|_| noise.array()).collect();
        let whole = net.predict(&x, &weight, &h0).unwrap();
        let steps = net.stepwise(SAMPLES, &h0).unwrap();
        streamed!(steps, x, weight; whole.all, all);
    }

    fn attention_keeps_keys_and_values(device) {
        let net = Attending::new(device, 3).unwrap();
        let (x, length) = (sequences::<8, STEPS>(1), [10, 4, 1]);
        let whole = net.predict(&x, &length).unwrap();
        let steps = net.stepwise(SAMPLES, &length).unwrap();
        streamed!(steps, x; whole);
        let mut steps = net.stepwise(SAMPLES, &length).unwrap();
        for t in 0..STEPS {
            steps.step(&rows(&x, t)).unwrap();
        }
        let error = steps.step(&rows(&x, 0)).unwrap_err().to_string();
        assert_eq!(
            error,
            "`Attending` has taken 10 steps, and has no place for more positions: `reset()` begins new sequences"
        );
        assert_eq!((steps.limit(), steps.position()), (Some(STEPS), STEPS));
        steps.reset();
        let first = steps.step(&rows(&x, 0)).unwrap();
        assert_rows(0, &first, &whole);
    }

    fn transformers_write(device) {
        let net = Writer::new(device, 3).unwrap();
        let mut noise = Noise::new(4);
        let tokens: Vec<[u32; STEPS]> = (0..SAMPLES).map(|_| std::array::from_fn(|_| noise.below(20))).collect();
        let whole = net.predict(&tokens).unwrap();
        streamed!(net.stepwise(SAMPLES).unwrap(), tokens; whole);

        // What it writes greedily is what the whole network finds likeliest behind the same beginning.
        let (mut steps, mut greedy) = (net.stepwise(1).unwrap(), Sampler::greedy());
        let mut written = vec![7];
        while written.len() < STEPS {
            let mut scores = [[0.0; 20]];
            steps.step_into(&written[written.len() - 1..], &mut scores).unwrap();
            written.push(greedy.sample(&scores[0]).unwrap());
        }
        let whole = net.predict(&[<[u32; STEPS]>::try_from(&written[..]).unwrap()]).unwrap();
        for t in 1..STEPS {
            assert_eq!(greedy.sample(&whole[0][t - 1]).unwrap(), written[t]);
        }
        let errors = [net.stepwise(0).unwrap_err(), steps.step(&[1, 2]).unwrap_err(), steps.step(&[20]).unwrap_err()];
        assert_eq!(
            errors.map(|error| error.to_string()),
            [
                "`Writer` cannot step through a batch of 0: there must be at least one sequence",
                "`tokens` has 2 samples, but `Writer` steps through a batch of 1",
                "`tokens` of sample 0 is 20, but its 20 classes are numbered 0 to 19",
            ]
        );
    }

    fn decoders_look_at_their_memory(device) {
        let net = Translator::new(device, 3).unwrap();
        let (x, source) = (sequences::<8, STEPS>(1), sequences::<8, 6>(2));
        let whole = net.predict(&x, &source).unwrap();
        let steps = net.stepwise(SAMPLES, &source).unwrap();
        streamed!(steps, x; whole);
        let error = net.stepwise(2, &source).unwrap_err().to_string();
        assert_eq!(error, "`source` has 3 samples, but `Translator` steps through a batch of 2");
    }

    fn causal_windows_keep_the_rows_behind_them(device) {
        let net = Wave::new(device, 3).unwrap();
        let x = sequences::<3, STEPS>(1);
        let whole = net.predict(&x).unwrap();
        let steps = net.stepwise(SAMPLES).unwrap();
        assert_eq!(steps.limit(), None);
        streamed!(steps, x; whole);
    }
}

#[test]
fn plans_show_the_step() {
    let plan = nn::plan::Plan::read(Writer::plan()).unwrap();
    let step = plan.program("step").unwrap();
    let updated: Vec<&str> = (step.kernels.iter()).flat_map(|k| &k.updates).map(|t| t.name.as_str()).collect();
    // Two layers' keys and values, each written where it lies.
    assert_eq!(updated.len(), 4, "{updated:?}");
    assert!(updated.iter().all(|name| name.contains("self_attn.rows")), "{updated:?}");
    // No score of other queries than this one's.
    let largest = step.kernels.iter().flat_map(|k| &k.writes).map(|t| t.dims.iter().product::<usize>()).max();
    assert!(largest <= Some(3 * STEPS.max(16)), "{largest:?}");
}
