use nn::network;

network! {
    pub network Example {
        input x: [3, 8, 8];
        output a = x >> batch_norm(momentum = 1.5);
        output b = x >> batch_norm(eps = 0.0);
        output c = x >> layer_norm(axis = 3);
        output d = x >> layer_norm(axes = [0, 0]);
        output e = x >> group_norm;
        output f = x >> local_response_norm(0);
        output g = x >> batch_norm(epsilon = 0.1);
        output h = x >> gaussian_noise(-1.0);
    }
}

fn main() {}
