//! Labels whose places are not known, against PyTorch's `ctc_loss`.

/// `case [shape] { more inputs } (classes of labels)[labels] { more targets } { h } classes, { options of the loss } optimizer`.
macro_rules! spells {
    ($($case:ident $shape:tt { $($inputs:tt)* } $classes:tt $longest:tt { $($targets:tt)* } { $h:expr } $count:literal
        { $($options:tt)* } $optimizer:expr;)+) => { $(
        nn_tests::parity! { "ctc" $case {
            input x: $shape;
            $($inputs)*
            target label: class $classes $longest;
            $($targets)*
            h = $h;
            logits = h >> linear($count);
            output logits = logits;
            loss ctc(logits, label $($options)*);
            optimizer $optimizer;
        } }
    )+ };
}

spells! {
    ctc [7, 4] {} (5)[3] {} { tanh(x) } 5 {} sgd(learning_rate = 0.02);
    ctc_adam [7, 4] {} (5)[3] {} { tanh(x) } 5 {} adam(learning_rate = 0.01);
    ctc_repeated [9, 4] {} (3)[4] {} { tanh(x) } 3 {} sgd(learning_rate = 0.02);
    ctc_one_label [4, 4] {} (3)[1] {} { tanh(x) } 3 {} sgd(learning_rate = 0.02);
    ctc_one_step [1, 4] {} (3)[1] {} { tanh(x) } 3 {} sgd(learning_rate = 0.02);
    ctc_no_room [4, 4] {} (6)[4] {} { tanh(x) } 6 {} sgd(learning_rate = 0.02);
    ctc_lengths [8, 4] { input m: class(9); } (5)[3] { target n: class(4); } { tanh(x) } 5
        {, input_length = m, target_length = n} sgd(learning_rate = 0.02);
    ctc_impossible [6, 4] { input m: class(7); } (4)[4] { target n: class(5); } { tanh(x) } 4
        {, input_length = m, target_length = n, zero_infinity = true} sgd(learning_rate = 0.02);
    // The labels of a blank that is the last class need not know it.
    ctc_last_blank [7, 4] {} (4)[3] {} { tanh(x) } 5 {, blank = -1} sgd(learning_rate = 0.02);
    ctc_middle_blank [7, 4] {} (5)[3] {} { tanh(x) } 5 {, blank = 2} sgd(learning_rate = 0.02);
    // Labels end where they are blank.
    ctc_padded [9, 4] {} (5)[4] {} { tanh(x) } 5 {} sgd(learning_rate = 0.02);
    ctc_recurrent [30, 4] {} (6)[6] {} { tanh(x) >> gru(5, bidirectional = true) } 6 {} adam(learning_rate = 0.01);
}
