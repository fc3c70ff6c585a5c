use nn::network;

network! {
    pub network Example {
        input x: [6, 8];
        input other: [5, 8];
        input narrow: [6, 6];
        input vector: [8];
        input mask: [5];
        input length: class(9);
        heads = x >> self_attention(3);
        shared = x >> self_attention(4, kv_heads = 3);
        sequence = vector >> self_attention(2);
        masked = x >> self_attention(2, mask = mask);
        keys = attention(x, narrow, narrow, heads = 2);
        values = attention(x, other, x);
        causal = attention(x, other, other, causal = true);
        turned = x >> rotary(heads = 8);
        there = mask_from(length, 6);
        end = x >> last(length = length);
        kept = x >> masking(mask);
        option = x >> self_attention(2, is_causal = true);
        output y = x;
    }
}

fn main() {}
