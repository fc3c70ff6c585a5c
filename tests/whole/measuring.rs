//! What training measures is what evaluation measures: over all batches, partial ones included, in memory and as a stream.

use nn::Fit;
use nn_tests::on_each_device;

nn::network! {
    network Kinds {
        input  x: [3];
        target kind: class(3);
        logits = x >> dense(3);
        output probability = softmax(logits);
        loss   cross_entropy(logits, kind);
        metric precision(logits, kind);
        metric recall(logits, kind, average = "none");
        metric confusion_matrix(logits, kind);
        metric auc(softmax(logits), kind);
        metric roc_curve(softmax(logits), kind);
        metric top2 = top_k_accuracy(logits, kind, k = 2);
        optimizer sgd(learning_rate = 0.1);
    }
}

fn samples(count: usize) -> (Vec<[f32; 3]>, Vec<u32>) {
    let number = |i: usize, k: usize| ((i * 37 + k * 11) % 101) as f32 / 50.0 - 1.0;
    let x: Vec<[f32; 3]> = (0..count).map(|i| std::array::from_fn(|k| number(i, k))).collect();
    let kinds = (0..count).map(|i| (i * i + i / 7) as u32 % 3).collect();
    (x, kinds)
}

on_each_device! {
    fn training_measures_what_evaluation_does(device) {
        let (x, kinds) = samples(1013);
        let data = KindsData::new(&x, &kinds).unwrap();
        let stream = KindsStream::new(&x, &kinds).unwrap();
        let mut net = Kinds::new(device, 3).unwrap();
        // Nothing is learned, so that each step measures the same network.
        net.set_learning_rate(0.0).unwrap();
        let expected = net.evaluate(&data).unwrap();
        assert_eq!(expected.confusion_matrix.total(), 1013);
        assert_eq!(expected.recall.len(), 3);
        assert_eq!(expected.recall[1], expected.confusion_matrix.recall(1));
        assert_eq!(expected.roc_curve.len(), 3);
        let area = expected.roc_curve.iter().map(nn::RocCurve::auc).sum::<f64>() / 3.0;
        assert!((expected.auc - area).abs() < 1e-12);
        let fit = |batch_size| Fit::default().epochs(1).batch_size(batch_size).quiet();
        for batch_size in [1013, 64, 7] {
            let runs = [net.fit(&data, fit(batch_size)).unwrap(), net.fit(&stream, fit(batch_size)).unwrap()];
            for history in runs {
                let trained = &history.epochs[0].train;
                assert_eq!(trained.confusion_matrix, expected.confusion_matrix, "batches of {batch_size}");
                assert_eq!((trained.precision, &trained.recall), (expected.precision, &expected.recall));
                // Scores may differ in their last bits: training has kernels of its own.
                assert!((trained.auc - expected.auc).abs() < 1e-5);
                let areas = trained.roc_curve.iter().zip(&expected.roc_curve);
                assert!(areas.into_iter().all(|(a, b)| (a.auc() - b.auc()).abs() < 1e-5));
                assert!((trained.top2 - expected.top2).abs() < 1e-6);
            }
        }
        assert_eq!(net.evaluate(&stream).unwrap().roc_curve, expected.roc_curve);
    }
}
