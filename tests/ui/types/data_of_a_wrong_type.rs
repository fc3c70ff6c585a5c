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
    let images = vec![[0.0_f32; 6]];
    let labels = vec![3.0_f32];
    let _data = ExampleData::new(&images, &labels)?;
    Ok(())
}
