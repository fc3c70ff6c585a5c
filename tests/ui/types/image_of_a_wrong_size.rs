use nn::network;

network! {
    pub network Example {
        input image: [2, 3];
        target label: class(10);
        logits = image >> flatten >> dense(10);
        output probability = softmax(logits);
        loss cross_entropy(logits, label);
        optimizer adam;
    }
}

fn main() -> nn::Result<()> {
    let net = Example::new(&nn::Device::cpu(), 1)?;
    let images = [[0.0_f32; 5]];
    let _probability = net.predict(&images)?;
    Ok(())
}
