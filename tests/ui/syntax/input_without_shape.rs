use nn::network;

network! {
    pub network Example {
        input a;
        input b: 3;
        input c: f32;
        input d = [3];
        target e: class;
        target f: class();
        target g: class(3, 4);
        input h: [3; 4];
        output y = a + b + c + d;
    }
}

fn main() {}
