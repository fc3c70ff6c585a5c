use nn::network;

network! {
    pub network Example {
        input image: [2, 3];
        target label: class(10);
        logits = image >> dense(10);
        output probability = softmax(logits);
        loss cross_entropy(logits, label);
        metric accuracy(logits, label);
        optimizer adam;
    }
}

fn main() -> nn::Result<()> {
    let device = nn::Device::cpu();
    let mut net = Example::new(&device, 1)?;
    let images = vec![[0.0_f32; 6]; 4];
    let labels = vec![1_u32, 2, 3, 4];
    let data = ExampleData::new(&images, &labels)?;
    let _history = net.fit(&data, nn::Fit::default())?;
    let report = net.evaluate(&data)?;
    println!("{} {}", report.loss, report.accuracy);
    let _probability = net.predict(&images)?;
    net.save("example.safetensors")
}
