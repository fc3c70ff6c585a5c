//! As `main.rs`, for tokens, attention, positions, masks and lengths, and for blocks of transformers.

/// `case [shape] { more inputs } { statements that declare a }`: of `s`, which is between a tanh before and a dense layer behind.
macro_rules! reads {
    ($($case:ident $shape:tt { $($inputs:tt)* } { $($statements:tt)+ })+) => { $(
        nn_tests::parity! { "attention" $case {
            input x: $shape;
            $($inputs)*
            target y: [2];
            s = tanh(x);
            $($statements)+
            p = a >> flatten >> dense(2);
            output a = a;
            output p = p;
            loss mse(p, y);
            optimizer sgd(learning_rate = 0.02);
        } }
    )+ };
}

/// `case: tokens { statements that declare a } optimizer`.
macro_rules! of_tokens {
    ($($case:ident: class($count:literal) $dims:tt { $($statements:tt)+ } $optimizer:expr;)+) => { $(
        nn_tests::parity! { "attention" $case {
            input tokens: class($count) $dims;
            target y: [2];
            $($statements)+
            p = tanh(a) >> flatten >> dense(2);
            output a = a;
            output p = p;
            loss mse(p, y);
            optimizer $optimizer;
        } }
    )+ };
}

of_tokens! {
    embedding: class(7)[5] { a = tokens >> embedding(4); } sgd(learning_rate = 0.02);
    embedding_of_one: class(7)[] { a = tokens >> embedding(3); } sgd(learning_rate = 0.02);
    embedding_padding: class(7)[5] { a = tokens >> embedding(4, padding_index = 2); }
        adamw(learning_rate = 0.01, weight_decay = 0.1);
    embedding_large: class(300)[9] { a = tokens >> embedding(12); } adamw(learning_rate = 0.01, weight_decay = 0.1);
    position_embedding: class(7)[5] { e = tokens >> embedding(4); a = e >> position_embedding; }
        sgd(learning_rate = 0.02);
}

reads! {
    positional_encoding [5, 8] {} { a = s >> positional_encoding; }
    positional_encoding_odd [6, 5] {} { a = s >> positional_encoding(base = 100.0); }
    rotary [5, 8] {} { a = s >> rotary(heads = 2); }
    rotary_interleaved [5, 8] {} { a = s >> rotary(heads = 2, base = 100.0, interleaved = true); }
    attention [5, 8] { input k: [6, 8]; input v: [6, 12]; } { a = attention(s, k, v, heads = 2); }
    attention_one_head [5, 8] { input k: [6, 8]; input v: [6, 12]; } { a = attention(s, k, v, scale = 0.7); }
    attention_causal [5, 8] { input k: [5, 8]; } { a = attention(s, k, k, heads = 4, causal = true); }
    attention_grouped [5, 8] { input k: [6, 4]; } { a = attention(s, k, k, heads = 4, kv_heads = 2); }
    attention_padding [5, 8] { input k: [6, 8]; input v: [6, 12]; input length: class(7); } {
        a = attention(s, k, v, heads = 2, mask = mask_from(length, 6));
    }
    attention_masked [5, 8] { input k: [6, 8]; input v: [6, 12]; input mask: class(2)[5, 6]; } {
        a = attention(s, k, v, heads = 2, mask = mask);
    }
    attention_masked_by_head [5, 8] { input k: [6, 8]; input v: [6, 12]; input mask: class(2)[2, 5, 6]; } {
        a = attention(s, k, v, heads = 2, mask = mask);
    }
    self_attention [5, 8] {} { a = s >> self_attention(2); }
    self_attention_causal [5, 8] {} { a = s >> self_attention(4, causal = true); }
    self_attention_without_bias [5, 8] {} { a = s >> self_attention(2, bias = false); }
    self_attention_padding [5, 8] { input length: class(6); } {
        a = s >> self_attention(2, mask = mask_from(length, 5));
    }
    self_attention_rotary_grouped [5, 8] {} { a = s >> self_attention(4, kv_heads = 2, causal = true, rotary = true); }
    cross_attention [5, 8] { input z: [4, 8]; } { a = cross_attention(s, z, 2); }
    cross_attention_of_another_width [5, 8] { input z: [4, 3]; } { a = cross_attention(s, z, 2); }
    encoder_layer [5, 8] {} { a = s >> transformer_encoder_layer(2, feedforward = 6, dropout = 0.0); }
    encoder_layer_norm_first [5, 8] {} {
        a = s >> transformer_encoder_layer(
            2, feedforward = 6, dropout = 0.0, causal = true, norm_first = true, activation = gelu
        );
    }
    encoder_layer_padding [5, 8] { input length: class(6); } {
        a = s >> transformer_encoder_layer(
            4, feedforward = 6, dropout = 0.0, mask = mask_from(length, 5), activation = gelu
        );
    }
    encoder_layer_without_bias [5, 8] {} {
        a = s >> transformer_encoder_layer(2, feedforward = 6, dropout = 0.0, norm_first = true, bias = false);
    }
    decoder_layer [5, 8] { input z: [4, 8]; } {
        a = transformer_decoder_layer(s, z, 2, feedforward = 6, dropout = 0.0, causal = true);
    }
    decoder_layer_norm_first [5, 8] { input z: [4, 8]; input length: class(5); } {
        a = transformer_decoder_layer(
            s, z, 2, feedforward = 6, dropout = 0.0, causal = true, memory_mask = mask_from(length, 4), norm_first = true,
            activation = gelu
        );
    }
    last_of_a_length [5, 8] { input length: class(6); } { a = s >> last(length = length); }
    mean_of_a_length [5, 8] { input length: class(6); } { a = s >> masked_mean(mask_from(length, 5)); }
    masked_positions [5, 8] { input length: class(6); } { a = s >> masking(mask_from(length, 5)); }
    causal_convolution [4, 9] {} { a = s >> conv1d(3, 3, dilation = 2, padding = causal); }
    wavenet [3, 12] {} {
        begin = s >> conv1d(6, 2, padding = causal);
        filter0 = begin >> conv1d(6, 2, padding = causal);
        gate0 = begin >> conv1d(6, 2, padding = causal);
        g0 = tanh(filter0) * sigmoid(gate0);
        skip0 = g0 >> conv1d(4, 1);
        rest0 = g0 >> conv1d(6, 1);
        x1 = begin + rest0;
        filter1 = x1 >> conv1d(6, 2, padding = causal, dilation = 2);
        gate1 = x1 >> conv1d(6, 2, padding = causal, dilation = 2);
        g1 = tanh(filter1) * sigmoid(gate1);
        skip1 = g1 >> conv1d(4, 1);
        rest1 = g1 >> conv1d(6, 1);
        x2 = x1 + rest1;
        filter2 = x2 >> conv1d(6, 2, padding = causal, dilation = 4);
        gate2 = x2 >> conv1d(6, 2, padding = causal, dilation = 4);
        g2 = tanh(filter2) * sigmoid(gate2);
        skip2 = g2 >> conv1d(4, 1);
        a = relu(skip0 + skip1 + skip2);
    }
}

nn_tests::parity! { "attention" gpt {
    input tokens: class(11)[6];
    target label: class(11)[6];
    embedded = tokens >> embedding(8);
    x = embedded >> position_embedding;
    blocks = x >> repeat(2, |x| x >> transformer_encoder_layer(
        2, feedforward = 16, dropout = 0.0, causal = true, norm_first = true, activation = gelu
    ));
    h = blocks >> layer_norm;
    logits = h >> tied_linear("embedded.embedding");
    output logits = logits;
    loss cross_entropy(logits, label);
    optimizer sgd(learning_rate = 0.05, momentum = 0.9);
} }

/// Every fixture has its test: a case that only Python knows would pass unseen.
#[test]
fn every_fixture_is_tested() {
    nn_tests::parity::assert_all_named("attention", include_str!("attention.rs"));
}
