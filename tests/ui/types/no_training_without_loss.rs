use nn::network;

network! {
    pub network Example {
        input x: [3];
        output y = x >> dense(1);
    }
}

fn main() -> nn::Result<()> {
    let mut net = Example::new(&nn::Device::cpu(), 1)?;
    net.train_batch(&())?;
    Ok(())
}
