//! Tokens and attention: sequences are `[length, features]`, tokens `class(VOCABULARY)[length]`.

functions! {
    /// `embedding(tokens, dim, padding_index = …, init = …, name = …)`
    ///
    /// For each token its row of a table: `input tokens: class(50_000)[32];` and `tokens >> embedding(64)` give `[32, 64]`. Tokens are
    /// integers (`u32` on the host), checked when the data is made; a single one, `class(50_000)`, gives a vector.
    ///
    /// Parameter: `weight` `[classes, dim]`, normal with mean 0 and deviation 1 by default. The row of the token `padding_index`
    /// (negative ones count from the end) starts as zeros and gets no gradient.
    ///
    /// Cost: rows are read where they are needed. The gradient is one walk over the tokens and one over the table, and the update is over
    /// the whole table, as of PyTorch's dense embeddings.
    embedding;
    /// `tied_linear(x, "layer", bias = false, name = …)`
    ///
    /// `x · weightᵀ` with the weight of a layer that stands before it, named by its path: tied input and output embeddings. The layer has
    /// one weight, which gets the gradients of both uses. A `bias` is this layer's own, and starts as zeros.
    ///
    /// ```text
    /// x = tokens >> embedding(64);
    /// logits = x >> transformer_encoder_layer(4, causal = true) >> tied_linear("x.embedding");
    /// ```
    tied_linear;
    /// `positional_encoding(x, base = 10000.0)`
    ///
    /// Adds sines and cosines of the position (Attention is all you need): feature 2i of position p gets
    /// sin(p / base^(2i / features)), and feature 2i + 1 the cosine of the same angle. They are computed once a step, for all samples.
    ///
    /// `x >> positional_encoding` of `[32, 64]` is `[32, 64]`.
    positional_encoding;
    /// `position_embedding(x, init = …, name = …)`
    ///
    /// Adds a learnt vector to each position. Parameter: `weight` `[length, features]`, normal with mean 0 and deviation 1 by default.
    ///
    /// `x >> position_embedding` of `[32, 64]` is `[32, 64]`.
    position_embedding;
    /// `rotary(x, heads = 1, base = 10000.0, interleaved = false)`
    ///
    /// Turns pairs of features by angles that grow with the position (RoPE): for queries and keys, whose products depend on
    /// distances alone then. In each head of width d, pair i is turned by p / base^(2i / d) at position p. A pair is features i and
    /// i + d/2, as in Llama's published weights, or 2i and 2i + 1 if `interleaved`. `self_attention(…, rotary = true)` does this to its own.
    ///
    /// `x >> rotary(heads = 4)` of `[32, 64]` is `[32, 64]`.
    rotary;
    /// `attention(q, k, v, heads = 1, kv_heads = …, causal = false, mask = …, dropout = 0.0, scale = …)`
    ///
    /// softmax(scale · q kᵀ) v in each head: each query takes the mean of values, weighted by how well their keys fit (PyTorch's
    /// `scaled_dot_product_attention`). `q` is `[queries, heads · d]`, `k` `[keys, heads · d]`, `v` `[keys, heads · e]`, and the result
    /// `[queries, heads · e]`. `scale` is 1/√d by default. Heads are neighbouring features.
    ///
    /// - `causal = true`: position i sees positions 0 to i.
    /// - `mask`: numbers, 0 for what is not seen, as `[keys]` (padding: see `mask_from`), `[queries, keys]` or `[heads, queries, keys]`. A query
    ///   that sees nothing gets zeros.
    /// - `kv_heads`: grouped queries; keys and values have so many heads, each shared by heads / `kv_heads` neighbouring heads of queries.
    /// - `dropout`: the share of weights that training drops.
    ///
    /// Where heads · queries · keys is a million or more (four heads of 512 positions), the weights of a block of queries at a time are
    /// computed, in training once more on the way back: memory grows with the length, not with its square.
    attention;
    /// `self_attention(x, heads, kv_heads = …, causal = false, mask = …, dropout = 0.0, bias = true, rotary = false,
    /// rotary_base = 10000.0, name = …)`
    ///
    /// A sequence looks at itself: `attention` of three projections of `x`, and one more behind it. Options are those of
    /// `attention`, and of `rotary`, which turns queries and keys.
    ///
    /// Parameters, as in PyTorch's `nn.MultiheadAttention`: `in_proj_weight` `[3 · features, features]` (queries, keys and values one below
    /// another; Xavier-uniform), `in_proj_bias` (zeros), `out_proj.weight` `[features, features]` and `out_proj.bias` (zeros). With
    /// `kv_heads`, the parts of keys and values have fewer rows.
    ///
    /// `x >> self_attention(4, causal = true)` of `[32, 64]` is `[32, 64]`.
    self_attention;
    /// `cross_attention(x, memory, heads, kv_heads = …, mask = …, dropout = 0.0, bias = true, name = …)`
    ///
    /// A sequence looks at another one: queries come from `x`, keys and values from `memory`. As `self_attention`, with the same
    /// parameters; if `memory` has another number of features, they are, as in PyTorch, `q_proj_weight`, `k_proj_weight` and `v_proj_weight`.
    cross_attention;
    /// `transformer_encoder_layer(x, heads, feedforward = 2048, dropout = 0.1, activation = relu, norm_first = false,
    /// kv_heads = …, causal = false, mask = …, eps = 1e-5, bias = true, rotary = false, rotary_base = 10000.0, name = …)`
    ///
    /// A block of a transformer, PyTorch's `nn.TransformerEncoderLayer`: self-attention, then two linear layers for each position with
    /// `relu` or `gelu` between them, both around a residual connection with a `layer_norm` behind it, or, with `norm_first`, at the begin of
    /// what it goes around. With `causal = true` it is the block of a GPT.
    ///
    /// Parameters: those of `self_attn`, `linear1`, `linear2`, `norm1` and `norm2`; with `bias = false` none of them has a bias. Several blocks: `repeat(4, |x| x >>
    /// transformer_encoder_layer(8))`.
    ///
    /// `x >> transformer_encoder_layer(4, feedforward = 128)` of `[32, 64]` is `[32, 64]`.
    transformer_encoder_layer;
    /// `transformer_decoder_layer(x, memory, heads, feedforward = 2048, dropout = 0.1, activation = relu,
    /// norm_first = false, kv_heads = …, causal = false, mask = …, memory_mask = …, eps = 1e-5, bias = true, rotary = false,
    /// rotary_base = 10000.0, name = …)`
    ///
    /// PyTorch's `nn.TransformerDecoderLayer`: as `transformer_encoder_layer`, with attention to `memory` (an encoder's result) between
    /// self-attention and the linear layers. Parameters: those of `self_attn`, `multihead_attn`, `linear1`, `linear2` and `norm1` to
    /// `norm3`. A decoder that writes wants `causal = true`.
    transformer_decoder_layer;
    /// `mask_from(length, len)`
    ///
    /// The mask of a sequence of which only the first positions are there: `[len]`, 1 below `length` and 0 from there on. The length is an
    /// input of each sample, `input length: class(33);` for 0 to 32. It goes into `attention`'s `mask`, `masking`, `masked_mean` and the
    /// `mask` of losses and metrics.
    mask_from;
    /// `masking(x, mask)`
    ///
    /// `x` with zeros at the positions (axis 0) where the mask is 0.
    masking;
    /// `masked_mean(x, mask)`
    ///
    /// The mean over the positions (axis 0) where the mask is not 0; zeros if there are none.
    masked_mean;
}
