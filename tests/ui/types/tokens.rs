use nn::network;

network! {
    pub network Example {
        input x: [4, 8];
        input tokens: class(50)[4];
        numbers = x >> embedding(8);
        sum = tokens + 1;
        layer = tokens >> linear(8);
        padded = tokens >> embedding(8, padding_index = 50);
        output y = tokens >> embedding(8);
    }
}

fn main() {}
