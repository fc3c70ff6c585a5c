use nn::network;

network! {
    pub network Example {
        input     x: [3];
        target    y: class(3);
        logits    = x >> dense(3);
        output    p = logits;
        loss      cross_entropy(logits, y);
        optimizer sgd;
    }
}

fn main() {
    let mut net = Example::new(&nn::Device::cpu(), 1).unwrap();
    let data = ExampleData::new([[1.0; 3]], [1]).unwrap();
    let _ = net.fit(&data, nn::Fit::default().sample_weights([1.0]));
    let _ = net.fit(&data, nn::Fit::default().class_weights([1.0; 3]).epochs(2));
    let _ = data.with_sample_weights(&[1.0]);
}
