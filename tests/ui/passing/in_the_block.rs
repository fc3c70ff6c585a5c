use nn::network;

network! {
    pub network Example {
        input x: [4];
        block apply(v, body: block) { v >> body(3) }
        block alone(v, body: block) { v + body() }
        block as_value(v, body: block) { v + body }
        block undeclared(v, body) { v >> body }
        block indexed(v, body: block) { v >> body }
        a = x >> indexed(|v, i| v * i);
        output y = a >> apply(relu) >> alone(relu) >> as_value(relu) >> undeclared(relu);
    }
}

fn main() {}
