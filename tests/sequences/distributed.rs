//! `time_distributed`: what it does to a film is what its block does to each frame.

use nn_tests::{Noise, on_each_device};

nn::network! {
    network Film {
        input  film: [3, 2, 6, 6];
        target t: [3, 4];
        y = film >> time_distributed(|x| x >> conv2d(5, 3, padding = 1) >> relu >> max_pool2d(2) >> flatten >> dense(4) >> tanh);
        output y = y;
        loss   mse(y, t);
        optimizer sgd(learning_rate = 0.1);
    }
    network Frame {
        input  frame: [2, 6, 6];
        target t: [4];
        y = frame >> conv2d(5, 3, padding = 1) >> relu >> max_pool2d(2) >> flatten >> dense(4) >> tanh;
        output y = y;
        loss   mse(y, t);
        optimizer sgd(learning_rate = 0.1);
    }
}

type Image = [[[f32; 6]; 6]; 2];

fn close(a: &[f32], b: &[f32], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-5 * (1.0 + b.abs())), "{what}: {a:?} and {b:?}");
}

on_each_device! { fn a_film_is_its_frames(device) {
    let mut noise = Noise::new(3);
    let frames: Vec<Image> =
        (0..12).map(|_| std::array::from_fn(|_| std::array::from_fn(|_| std::array::from_fn(|_| noise.next())))).collect();
    let targets: Vec<[f32; 4]> = (0..12).map(|_| std::array::from_fn(|_| noise.next())).collect();
    let films: Vec<[Image; 3]> = frames.as_chunks::<3>().0.to_vec();
    let of_films: Vec<[[f32; 4]; 3]> = targets.as_chunks::<3>().0.to_vec();
    let (mut film, mut frame) = (Film::new(device, 7).unwrap(), Frame::new(device, 8).unwrap());
    let names = ["y.conv2d.weight", "y.conv2d.bias", "y.dense.weight", "y.dense.bias"];
    for name in names {
        frame.set_parameter(name, &film.parameter(name).unwrap()).unwrap();
    }
    let (whole, single) = (film.predict(&films).unwrap(), frame.predict(&frames).unwrap());
    close(whole.as_flattened().as_flattened(), single.as_flattened(), "predictions");
    let (films, frames) = (FilmData::new(films, of_films).unwrap(), FrameData::new(frames, targets).unwrap());
    let (whole, single) = (film.gradients(&films).unwrap(), frame.gradients(&frames).unwrap());
    for name in names {
        close(whole.parameter(name).unwrap(), single.parameter(name).unwrap(), name);
    }
    for _ in 0..3 {
        film.train_batch(&films).unwrap();
        frame.train_batch(&frames).unwrap();
    }
    for name in names {
        close(&film.parameter(name).unwrap(), &frame.parameter(name).unwrap(), name);
    }
} }
