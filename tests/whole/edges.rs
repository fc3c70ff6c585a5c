//! Networks at the edge of the language: each is small, odd, and allowed.

use nn_tests::{assert_close, on_each_device};

mod networks {
    nn::network! {
        pub network NoParameters {
            input  x: [3];
            target y: [3];
            p = 2.0 * x + 1.0;
            output    p = p;
            loss      mse(p, y);
        }

        pub network SameTwice {
            input  x: [2, 2];
            h = x >> flatten >> dense(3);
            output a = h;
            output b = h;
            output c = x;
            output d = x >> flatten;
            output one = 0.0 * x + 1.0;
        }

        pub network Scalars {
            input  x: [];
            input  k: [];
            target y: [];
            h = x >> reshape([1]) >> dense(4) >> tanh >> dense(1);
            p = sum(h) * k;
            output    p = p;
            loss      square(p - y);
            metric    gap = abs(p - y);
            optimizer sgd(learning_rate = 0.1, momentum = 0.5);
        }

        /// The loss knows nothing of one of the layers, and of no layer at all in the other network.
        pub network Aside {
            input  x: [3];
            target y: [2];
            p = x >> dense(2);
            aside = x >> dense(4);
            output    p = p;
            output    aside = aside;
            loss      mse(p, y);
            optimizer adam(learning_rate = 0.1);
        }

        pub network NothingToLearn {
            input  x: [3];
            target y: [2];
            p = x >> dense(2) >> step;
            output    p = p;
            loss      mse(p, y);
            optimizer adam(learning_rate = 0.1);
        }

        pub network OneFeature {
            input  x: [1];
            target y: class(1);
            logits = x >> dense(1);
            output    p = softmax(logits);
            loss      cross_entropy(logits, y);
            metric    accuracy(logits, y);
            optimizer sgd(learning_rate = 0.1);
        }

        pub network Odd {
            input  x: [7, 1, 13];
            target y: [1, 13, 1];
            a = x >> linear(11) >> relu;
            b = sum(a, axis = 0) >> linear(13);
            p = b >> reshape([1, 13, 1]);
            output    p = p;
            loss      mae(p, y);
            metric    r2(p, y);
            optimizer adadelta;
        }
    }
}

use networks::*;

on_each_device! {
    fn without_parameters(device) {
        let mut net = NoParameters::new(device, 1).unwrap();
        assert_eq!(NoParameters::PARAMETERS, 0);
        assert_eq!(net.predict(&[[1.0f32, 2.0, 3.0]]).unwrap(), [[3.0, 5.0, 7.0]]);
        let data = NoParametersData::new([[1.0f32, 2.0, 3.0]], [[3.0f32, 5.0, 8.0]]).unwrap();
        assert_close("loss", &[net.evaluate(&data).unwrap().loss as f32], &[1.0 / 3.0], 1e-6);
        assert_close("gradient", net.gradients(&data).unwrap().input("x").unwrap(), &[0.0, 0.0, -4.0 / 3.0], 1e-6);
        let mut bytes = vec![];
        net.save_to(&mut bytes).unwrap();
        net.load_bytes(&bytes).unwrap();
    }

    fn one_value_many_outputs(device) {
        let net = SameTwice::new(device, 1).unwrap();
        let x = [[[1.0f32, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]], [[0.0; 2]; 2]];
        let out = net.predict(&x).unwrap();
        assert_eq!(out.a, out.b);
        assert_eq!(out.c, x);
        assert_eq!(out.d[1], [5.0, 6.0, 7.0, 8.0]);
        assert_eq!(out.one, [[[1.0f32; 2]; 2]; 3]);
    }

    fn scalars(device) {
        let mut net = Scalars::new(device, 1).unwrap();
        let (x, k, y) = ([0.5f32, -1.0, 2.0], [1.0f32, 2.0, 0.0], [1.0f32, 0.0, -3.0]);
        let data = ScalarsData::new(x, k, y).unwrap();
        let p: Vec<f32> = net.predict(&x, &k).unwrap();
        assert_eq!(p[2], 0.0);
        let report = net.evaluate(&data).unwrap();
        let loss = p.iter().zip(&y).map(|(p, y)| (p - y) * (p - y)).sum::<f32>() / 3.0;
        let gap = p.iter().zip(&y).map(|(p, y)| (p - y).abs()).sum::<f32>() / 3.0;
        assert_close("loss", &[report.loss as f32], &[loss], 1e-5);
        assert_close("metric", &[report.gap as f32], &[gap], 1e-5);
        let first = net.train_batch(&data).unwrap().loss;
        for _ in 0..30 {
            net.train_batch(&data).unwrap();
        }
        assert!(net.evaluate(&data).unwrap().loss < first);
    }

    fn layers_that_the_loss_does_not_see_stay(device) {
        let mut net = Aside::new(device, 1).unwrap();
        let data = AsideData::new([[1.0f32, 2.0, 3.0]; 5], [[0.5f32, -0.5]; 5]).unwrap();
        let aside = net.parameter("aside.dense.weight").unwrap();
        let p = net.parameter("p.dense.weight").unwrap();
        for _ in 0..3 {
            net.train_batch(&data).unwrap();
        }
        assert_eq!(net.parameter("aside.dense.weight").unwrap(), aside);
        assert_ne!(net.parameter("p.dense.weight").unwrap(), p);
        assert!(net.gradients(&data).unwrap().parameter("aside.dense.bias").unwrap().iter().all(|g| *g == 0.0));

        let mut net = NothingToLearn::new(device, 1).unwrap();
        let data = NothingToLearnData::new([[1.0f32, 2.0, 3.0]; 5], [[0.5f32, -0.5]; 5]).unwrap();
        let before = net.parameter("p.dense.weight").unwrap();
        assert!(net.train_batch(&data).unwrap().loss > 0.0);
        assert_eq!(net.parameter("p.dense.weight").unwrap(), before);
        assert!(net.gradients(&data).unwrap().input("x").unwrap().iter().all(|g| *g == 0.0));
    }

    fn a_single_class(device) {
        let mut net = OneFeature::new(device, 1).unwrap();
        let data = OneFeatureData::new([[1.0f32], [2.0]], [0u32, 0]).unwrap();
        let report = net.train_batch(&data).unwrap();
        assert_eq!((report.loss, report.accuracy), (0.0, 1.0));
        assert_eq!(net.predict(&[[3.0f32]]).unwrap(), [[1.0]]);
    }

    fn odd_sizes(device) {
        let mut noise = nn_tests::Noise::new(3);
        let x: Vec<[f32; 91]> = (0..9).map(|_| noise.array()).collect();
        let y: Vec<[f32; 13]> = (0..9).map(|_| noise.array()).collect();
        let mut net = Odd::new(device, 1).unwrap();
        let data = OddData::new(&x, &y).unwrap();
        let together = net.predict(&x).unwrap();
        for (x, p) in x.iter().zip(&together) {
            let one = net.predict(&[*x]).unwrap();
            assert_close("alone", one[0].as_flattened().as_flattened(), p.as_flattened().as_flattened(), 1e-6);
        }
        let before = net.evaluate(&data).unwrap().loss;
        for _ in 0..50 {
            net.train_batch(&data).unwrap();
        }
        assert!(net.evaluate(&data).unwrap().loss < before);
    }
}
