//! Functions of tokens and sequences: embeddings, positions, attention, blocks of transformers, masks.

use nn_kernels::layers::{self, Attention, MultiHead, Transformer};

use super::Default::{Integer, Nothing, Number, Required, Word};
use super::values::{MASK, NAME, X, layer, value};
use super::{Arguments, Function, Kind, Parameter};

const TOKENS: Parameter = Parameter::positional("tokens", Kind::Tokens, Required);
const LENGTH: Parameter = Parameter::positional("length", Kind::Tokens, Required);
const MEMORY: Parameter = Parameter::tensor("memory");
const HEADS: Parameter = Parameter::positional("heads", Kind::Count, Required);
const KV_HEADS: Parameter = Parameter::option("kv_heads", Kind::Count, Nothing);
const CAUSAL: Parameter = Parameter::flag("causal", false);
const DROPOUT: Parameter = Parameter::number("dropout", 0.0);
const BIAS: Parameter = Parameter::flag("bias", true);
const INIT: Parameter = Parameter::option("init", Kind::Init, Nothing);
const BASE: Parameter = Parameter::number("base", 10_000.0);
const ROTARY: Parameter = Parameter::flag("rotary", false);
const ROTARY_BASE: Parameter = Parameter::number("rotary_base", 10_000.0);
const FEEDFORWARD: Parameter = Parameter::option("feedforward", Kind::Count, Integer(2048));
const BLOCK_DROPOUT: Parameter = Parameter::option("dropout", Kind::Number, Number(0.1));
const ACTIVATION: Parameter = Parameter::option("activation", Kind::Word(&["relu", "gelu"]), Word("relu"));
const NORM_FIRST: Parameter = Parameter::flag("norm_first", false);
const EPS: Parameter = Parameter::number("eps", 1e-5);
const MEMORY_MASK: Parameter = Parameter::option("memory_mask", Kind::Mask, Nothing);
const KEPT: Parameter = Parameter::tensor("mask");

pub static TABLE: &[Function] = &[
    layer(
        "embedding",
        &[
            TOKENS,
            Parameter::positional("dim", Kind::Count, Required),
            Parameter::option("padding_index", Kind::Axis, Nothing),
            INIT,
            NAME,
        ],
        |n, path, a| {
            let (tokens, padding) = (a.tokens("tokens"), a.integer_or_none("padding_index"));
            layers::embedding(n, path, tokens, a.count("dim"), padding, a.init("init").as_ref())
        },
    ),
    layer(
        "tied_linear",
        &[X, Parameter::positional("layer", Kind::Path, Required), Parameter::flag("bias", false), NAME],
        |n, path, a| layers::tied_linear(n, path, a.tensor("x"), a.word("layer"), a.flag("bias")),
    ),
    value("positional_encoding", &[X, BASE], |g, a| layers::positional_encoding(g, a.tensor("x"), a.number("base"))),
    layer("position_embedding", &[X, INIT, NAME], |n, path, a| {
        layers::position_embedding(n, path, a.tensor("x"), a.init("init").as_ref())
    }),
    value(
        "rotary",
        &[X, Parameter::option("heads", Kind::Count, Integer(1)), BASE, Parameter::flag("interleaved", false)],
        |g, a| layers::rotary(g, a.tensor("x"), a.count("heads"), a.number("base"), a.flag("interleaved")),
    ),
    value(
        "attention",
        &[
            Parameter::tensor("q"),
            Parameter::tensor("k"),
            Parameter::tensor("v"),
            Parameter::option("heads", Kind::Count, Integer(1)),
            KV_HEADS,
            CAUSAL,
            MASK,
            DROPOUT,
            Parameter::option("scale", Kind::Number, Nothing),
        ],
        |g, a| {
            let options = Attention { scale: a.number_or_none("scale"), ..attention(a) };
            layers::attention(g, [a.tensor("q"), a.tensor("k"), a.tensor("v")], &options)
        },
    ),
    layer(
        "self_attention",
        &[X, HEADS, KV_HEADS, CAUSAL, MASK, DROPOUT, BIAS, ROTARY, ROTARY_BASE, NAME],
        |n, path, a| layers::self_attention(n, path, a.tensor("x"), &multi_head(a)),
    ),
    layer("cross_attention", &[X, MEMORY, HEADS, KV_HEADS, MASK, DROPOUT, BIAS, NAME], |n, path, a| {
        layers::cross_attention(n, path, [a.tensor("x"), a.tensor("memory")], &multi_head(a))
    }),
    layer(
        "transformer_encoder_layer",
        &[
            X,
            HEADS,
            FEEDFORWARD,
            BLOCK_DROPOUT,
            ACTIVATION,
            NORM_FIRST,
            KV_HEADS,
            CAUSAL,
            MASK,
            EPS,
            BIAS,
            ROTARY,
            ROTARY_BASE,
            NAME,
        ],
        |n, path, a| layers::transformer_encoder_layer(n, path, a.tensor("x"), &transformer(a)),
    ),
    layer(
        "transformer_decoder_layer",
        &[
            X,
            MEMORY,
            HEADS,
            FEEDFORWARD,
            BLOCK_DROPOUT,
            ACTIVATION,
            NORM_FIRST,
            KV_HEADS,
            CAUSAL,
            MASK,
            MEMORY_MASK,
            EPS,
            BIAS,
            ROTARY,
            ROTARY_BASE,
            NAME,
        ],
        |n, path, a| layers::transformer_decoder_layer(n, path, [a.tensor("x"), a.tensor("memory")], &transformer(a)),
    ),
    value("mask_from", &[LENGTH, Parameter::positional("len", Kind::Count, Required)], |g, a| {
        layers::mask_from(g, a.tokens("length"), a.count("len"))
    }),
    value("masking", &[X, KEPT], |g, a| layers::masking(g, a.tensor("x"), a.tensor("mask"))),
    value("masked_mean", &[X, KEPT], |g, a| layers::masked_mean(g, a.tensor("x"), a.tensor("mask"))),
];

fn attention(a: &Arguments) -> Attention {
    // Only what looks at itself can be causal.
    let causal = a.bound.contains_key("causal") && a.flag("causal");
    let kv_heads = a.bound.contains_key("kv_heads").then(|| a.count("kv_heads"));
    let (mask, dropout) = (a.tensor_or_none("mask"), a.number("dropout"));
    Attention { kv_heads, causal, mask, dropout, ..Attention::new(a.count("heads")) }
}

fn multi_head(a: &Arguments) -> MultiHead {
    let rotates = a.bound.contains_key("rotary") && a.flag("rotary");
    let rotary = rotates.then(|| a.number("rotary_base"));
    MultiHead { attention: attention(a), bias: a.flag("bias"), rotary }
}

fn transformer(a: &Arguments) -> Transformer {
    Transformer {
        attention: multi_head(a),
        feedforward: a.count("feedforward"),
        dropout: a.number("dropout"),
        gelu: a.word("activation") == "gelu",
        norm_first: a.flag("norm_first"),
        eps: a.number("eps"),
        memory_mask: a.tensor_or_none("memory_mask"),
    }
}
