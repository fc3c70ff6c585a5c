use nn::network;

network! {
    pub network Example {
        input x: [4];
        a = x >> gelu(approximate = "tan");
        b = x >> dense(4, init = kaiming_uniform(mode = fan_inn));
        output y = a + b;
    }
}

fn main() {}
