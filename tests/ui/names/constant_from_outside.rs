const WIDTH: usize = 784;

use nn::network;

network! {
    pub network Example {
        input x: [WIDTH];
        output y = x >> dense(WIDTH / 2);
    }
}

fn main() {
    assert_eq!(WIDTH, 784);
}
