//! Tokens, attention and masks.

use super::{checked, mistakes};

const INPUTS: &str = "
    input x: [6, 8]; input memory: [5, 12]; input v: [8]; input tokens: class(9)[6]; input length: class(7); input mask: [6];";

/// What is wrong with these statements.
fn wrong(statements: &str) -> Vec<String> {
    mistakes(&format!("network N {{ {INPUTS}\n{statements}\noutput _x = x; }}"))
}

/// The dimensions of a value, and the names of all parameters.
fn made(value: &str) -> (Vec<usize>, Vec<String>) {
    let network = checked(&format!("network N {{ {INPUTS} value = {value}; output result = value; }}")).network;
    let names = network.parameters.iter().map(|p| p.name.clone()).collect();
    (network.graph.shape(network.outputs[0].1).dims.clone(), names)
}

#[test]
fn tokens_become_rows() {
    let (dims, names) = made("tokens >> embedding(4, padding_index = 0)");
    assert_eq!((dims, names), (vec![6, 4], vec!["value.embedding.weight".to_owned()]));
    assert_eq!(made("length >> embedding(3)").0, [3]);
    // One weight, two uses.
    let (dims, names) = made("tokens >> embedding(4) >> tied_linear(\"value.embedding\", bias = true)");
    assert_eq!((dims, names.len()), (vec![6, 9], 2));
    assert!(wrong("y = x >> embedding(4);")[0].contains("`embedding` reads whole numbers, but `x` is [6, 8]"));
    assert!(wrong("y = tokens >> embedding(4, padding_index = 9);")[0].contains("has 9 tokens"));
    assert!(wrong("y = tokens >> embedding(4); z = x >> tied_linear(\"y.embeding\");")[0].contains("y.embeding"));
    assert!(
        wrong("y = tokens >> embedding(4); z = x >> tied_linear(\"y.embedding\");")[0].contains("makes 9 numbers of 4")
    );
    assert!(wrong("y = tokens + 1;")[0].contains("computes with numbers"));
}

#[test]
fn attention_has_pytorchs_parameters() {
    let names = |value| made(value).1.iter().map(|n| n.replacen("value.", "", 1)).collect::<Vec<_>>().join(" ");
    let of = |layer: &str| {
        let tensors = ["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"];
        tensors.map(|tensor| format!("{layer}.{tensor}")).join(" ")
    };
    assert_eq!(names("x >> self_attention(2, causal = true, mask = mask, rotary = true)"), of("self_attention"));
    let separate = "cross_attention.q_proj_weight cross_attention.k_proj_weight cross_attention.v_proj_weight";
    assert!(names("cross_attention(x, memory, 2)").starts_with(separate));
    assert_eq!(
        names("x >> transformer_encoder_layer(2, feedforward = 3, name = \"block\")"),
        format!(
            "{} block.norm1.weight block.norm1.bias block.linear1.weight block.linear1.bias block.linear2.weight \
             block.linear2.bias block.norm2.weight block.norm2.bias",
            of("block.self_attn")
        )
    );
    assert_eq!(made("transformer_decoder_layer(x, memory, 4, feedforward = 3)").0, [6, 8]);
}

#[test]
fn mistakes_of_attention() {
    let starts = |statement: &str, message: &str| {
        let found = wrong(statement);
        assert!(found.len() == 1 && found[0].contains(message), "{statement}: {found:?}");
    };
    starts("y = x >> self_attention(3);", "`x` has 8 features, which 3 heads cannot share equally");
    starts("y = x >> self_attention(4, kv_heads = 3);", "4 heads of queries cannot share 3 heads");
    starts("y = v >> self_attention(2);", "takes a sequence, [length, features], but `v` is [8]");
    starts("y = x >> self_attention(2, mask = v);", "is [6] or [6, 6] or [2, 6, 6], but it is [8]");
    starts("y = attention(x, memory, memory, heads = 2);", "compared head by head");
    starts("m = memory >> linear(8); y = attention(x, m, x);", "each key has a value");
    starts("m = memory >> linear(8); y = attention(x, m, m, causal = true);", "the same positions");
    starts("y = x >> rotary(heads = 8);", "turned in pairs");
    starts("y = mask_from(length, 5);", "`length` may be up to 6, but there are 5 positions");
    starts("y = x >> masking(v);", "is [6], but `v` is [8]");
    starts("y = memory >> last(length = length);", "`length` of `last` may be up to 6, but there are 5 positions");
    starts("y = x >> self_attention(num_heads = 2);", "no option `num_heads`");
}
