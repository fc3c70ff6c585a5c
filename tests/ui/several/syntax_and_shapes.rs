use nn::network;

network! {
    pub network Example {
        input x: [4]
        input y: [3];
        a = x +;
        b = x + y;
        let c = a + b;
        output z = c >> dense(3);
        loss = 1;
        loss = 2;
    }
}

fn main() {}
