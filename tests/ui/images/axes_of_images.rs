use nn::network;

network! {
    pub network Example {
        input flat: [784];
        input gray: [28, 28];
        input color: [3, 28, 28];
        input many: [1, 3, 28, 28];
        input point: [];
        input odd: [100];
        output a = flat >> conv2d(8, 3);
        output b = gray >> conv2d(8, 3);
        output c = color >> conv1d(8, 3);
        output d = many >> max_pool2d(2);
        output e = point >> conv2d(8, 3);
        output f = odd >> conv2d(8, 3);
        output g = gray >> adaptive_avg_pool2d(1);
        output h = flat >> global_avg_pool;
        output i = gray >> upsample(2, mode = bilinear);
        output j = gray >> pixel_shuffle(2);
        output k = gray >> dropout2d(0.5);
        output l = point >> batch_norm;
        output m = flat >> instance_norm;
    }
}

fn main() {}
