use nn::network;

network! {
    pub network Example {
        input x: [3, 8, 8];
        output a = x >> pad(8, mode = reflect);
        output b = x >> pad([0, [0, 9]], mode = circular);
        output c = x >> crop(4);
        output d = x >> crop([[2, 6], 0]);
        output e = x >> pad(1, mode = zeros);
        output f = x >> pad([[0, 1], [0, -1]]);
    }
}

fn main() {}
