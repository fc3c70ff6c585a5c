//! Sequences: `[length, features]`.

functions! {
    /// `scan name(step in sequence, …, state = beginning, …, reverse = false, stateful = false) { … }`
    ///
    /// A statement: a loop over the first axis of one or several sequences of one length, with a body of your own. What the body
    /// computes at each step is `name`, with the steps in front; what a state is behind the last step is `name.state`, and
    /// `(values, state) = name;` gives both. Losses flow back through all steps.
    ///
    /// ```text
    /// scan memory(x_t in x, h = zeros(128), c = zeros(128)) {
    ///     gates = linear(concat([x_t, h]), 4 * 128);
    ///     (i, f, g, o) = chunk(gates, 4);
    ///     c = sigmoid(f) * c + sigmoid(i) * tanh(g);
    ///     h = sigmoid(o) * tanh(c);
    ///     h
    /// }
    /// output y = memory >> last >> dense(10);      // or memory.h >> dense(10)
    /// ```
    ///
    /// - `x_t in x` is a step's part of a sequence: `[8]` of `[32, 8]`. At least one of them says how many steps there are.
    /// - `h = zeros(128)` is a state and its beginning: zeros, an input, another scan's final state. The body gives it a new value
    ///   once, of the same shape; what stands behind that reads the new value, what stands before it the value of the step before.
    /// - `w = w`, which the body gives no new value, is a tensor that each step reads as a whole.
    /// - `reverse = true` takes the steps from the last one to the first. The values stand at the steps that they belong to all the
    ///   same, so the final state is that of the first one.
    /// - `stateful = true` lets the states of a batch begin where those of the batch before have ended, as in `rnn`; they begin with zeros.
    ///
    /// Sequences of several lengths: `live in mask_from(n, 32)` is 1 at a step that is there and 0 behind it, so a state stays what it is by
    /// `h = live * new + (1.0 - live) * h`.
    ///
    /// Of what is declared outside, the body sees constants and blocks. Its layers have one set of parameters for all steps, called
    /// after the scan and the binding in it (`memory.gates.linear.weight`). Dropout draws anew at each step. There is no scan in a
    /// scan and no `batch_norm`, whose statistics would be those of one step.
    scan;
    /// `time_distributed(x, block)`
    ///
    /// The block on each row of the first axis, with one set of parameters for all (Keras's `TimeDistributed`): an image layer for each frame
    /// of a film. The block is written as in `repeat`: `relu`, `conv2d(8, 3)`, or `|frame| frame >> conv2d(8, 3) >> relu >> flatten`. All rows are computed at once.
    ///
    /// Layers that work on the last axis (`linear`, activations, `layer_norm`) do so at each position anyhow. No layer that goes over a sequence itself stands in it, and no
    /// `batch_norm`.
    ///
    /// `x >> time_distributed(flatten)` of `[5, 4, 4]` is `[5, 16]`.
    time_distributed;
    /// `stepwise input, …`
    ///
    /// A statement: the inputs named may also arrive one row of their first axis at a time. `net.stepwise(batch)` begins with so many sequences, and
    /// takes the other inputs (a memory to look at, states to begin with, lengths) as `predict` does; each `steps.step(&rows)` is given the
    /// next row of each, and gives one row of each output, what `predict` gives there. `steps.position()` counts, `steps.reset()` begins new
    /// sequences, `steps.step_into` writes into arrays that are there.
    ///
    /// ```text
    /// input tokens: class(97)[64];
    /// output scores = tokens >> embedding(32) >> lstm(64) >> linear(97);
    /// stepwise tokens;                    // let mut steps = net.stepwise(1)?; steps.step(&[token])?
    /// ```
    ///
    /// All of them have the same number of rows, at least 2. Each position may depend on those before it: on states of recurrent layers and scans, on
    /// rows before a convolution with `padding = causal`, on keys and values of attention with `causal = true`. These are kept from step to step.
    /// An output without positions, such as `last(y)` or `y.h`, is what there is so far. Where all rows so far are kept, and where positions
    /// are numbered, there are as many steps as the inputs have rows, `steps.limit()`; otherwise any number.
    ///
    /// What depends on later positions (attention without `causal = true`, `bidirectional`, a flip, a mean over the positions, other padding) is a compile
    /// error. Inputs that are given at the beginning are used as a whole; what is computed from them alone, such as an encoder, is computed
    /// again at each step. A network without this statement pays nothing for it. Training never sees the steps.
    stepwise;
    /// `rnn(x, hidden, activation = tanh, layers = 1, bidirectional = false, dropout = 0.0, bias = true, stateful = false, h = …, length = …, name = …)`
    ///
    /// A recurrent layer over a sequence `[length, features]`: at each step
    /// h' = tanh(weight_ih · x + bias_ih + weight_hh · h + bias_hh), or `relu` instead. The result is h' of all steps,
    /// `[length, hidden]`; the state behind the last one is `y.h`, or `(y, h) = x >> rnn(8);`.
    ///
    /// `layers` stand on top of each other, with `dropout` of what goes from one to the next. If `bidirectional`, each has a second
    /// loop from the last step to the first one, and the result is `[length, 2 * hidden]`, both directions at each step. `h = h0`
    /// is the state to begin with, zeros otherwise. States are `[hidden]`, or `[layers * directions, hidden]` if that is more than 1,
    /// in PyTorch's order.
    ///
    /// Sequences of different lengths: with `length = n`, an input such as `input n: class(33);` (0 to 32 of 32 steps), a sample's steps from
    /// there on are padding, as in PyTorch's packed sequences. Results there are zeros, states are those behind the sample's last step, and
    /// the other direction begins at it. What goes on behind the layer knows the length, too: `last(y, length = n)`, `masked_mean`, a
    /// loss's `mask = mask_from(n, 32)`.
    ///
    /// With `stateful = true` a batch goes on where the one before has ended (Keras's word): sample `i` begins with the state that sample
    /// `i` of the batch before has left, and gradients stop there, which is truncated backpropagation through time. For sequences that
    /// are longer than the network's: `data.in_streams(32)` cuts one into 32 streams and puts their pieces in that order, and `fit` takes
    /// them so, in batches of 32, without shuffling, from zeros in each epoch. `net.reset_states()` begins anew; checkpoints hold the
    /// states. There is no state to begin with (`h = …`) and no second direction then.
    ///
    /// Parameters: `weight_ih_l0` `[hidden, features]`, `weight_hh_l0` `[hidden, hidden]`, `bias_ih_l0` and `bias_hh_l0` `[hidden]`;
    /// `…_l1` in the next layer, `…_reverse` in the other direction. All are uniform within ±1/√hidden. Names, layouts and formulas are
    /// PyTorch's: a `state_dict` loads by renaming.
    ///
    /// `x >> rnn(8)` of `[10, 4]` is `[10, 8]`.
    rnn;
    /// `lstm(x, hidden, layers = 1, bidirectional = false, dropout = 0.0, bias = true, stateful = false, h = …, c = …, length = …, name = …)`
    ///
    /// Long short-term memory over a sequence `[length, features]`. At each step weight_ih · x + bias_ih + weight_hh · h + bias_hh are
    /// the gates i, f, g, o, and c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c'). The result is h' of all steps,
    /// `[length, hidden]`; the states behind the last one are `y.h` and `y.c`, or `(y, h, c) = x >> lstm(8);`.
    ///
    /// Options are those of `rnn`, and so are the parameters, with `4 * hidden` rows for the gates in their order.
    ///
    /// `x >> lstm(8)` of `[10, 4]` is `[10, 8]`.
    /// `x >> lstm(8, layers = 2, bidirectional = true) >> last` of `[10, 4]` is `[16]`.
    lstm;
    /// `gru(x, hidden, layers = 1, bidirectional = false, dropout = 0.0, bias = true, stateful = false, h = …, length = …, name = …)`
    ///
    /// A gated recurrent unit over a sequence `[length, features]`. At each step p = weight_ih · x + bias_ih and
    /// q = weight_hh · h + bias_hh have the parts r, z, n, and n = tanh(pₙ + σ(pᵣ + qᵣ) qₙ), z = σ(p_z + q_z),
    /// h' = (1 - z) n + z h. The result is h' of all steps, `[length, hidden]`; the state behind the last one is `y.h`, or
    /// `(y, h) = x >> gru(8);`.
    ///
    /// Options are those of `rnn`, and so are the parameters, with `3 * hidden` rows for the gates in their order.
    ///
    /// `x >> gru(8)` of `[10, 4]` is `[10, 8]`.
    gru;
}
