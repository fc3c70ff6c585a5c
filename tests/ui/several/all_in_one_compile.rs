use nn::network;

network! {
    network Broken {
        const N = 1 / 0;
        input  x: [4, 4];
        target t: class(10);
        block tail(v) { v >> dense(10) >> sofmax }
        a = x >> dense(3);
        b = x >> flatten >> dense(3, bias = 1);
        c = x + missing;
        output y = x >> relu >> tail + x;
        loss mse(x, t);
        optimizer adam(lr = 0.1);
    }
}

fn main() -> nn::Result<()> {
    let mut net = Broken::new(&nn::Device::cpu(), 0)?;
    let data = BrokenData::new([[[0.0; 4]; 4]; 2], [1, 2])?;
    net.fit(&data, nn::Fit::default())?;
    Ok(())
}
