//! Losses and metrics of images.

use super::*;

/// A metric's or loss' value for two samples of a prediction [2, 3] and a target.
fn of_two(
    target: (&[usize], Option<usize>, &[f64]),
    x: &[f64],
    f: impl Fn(&mut Graph, NodeId, Target) -> Result<NodeId, Fact>,
) -> Result<Vec<f64>, Fact> {
    let mut g = Graph::new();
    let (p, node) = (field(&mut g, 0, &[2, 3]), field(&mut g, 1, target.0));
    let t = target.1.map_or(Target::Values(node), |classes| Target::Classes { node, classes });
    let y = f(&mut g, p, t)?;
    Ok(value(&g, y, 2, &[x, target.2], false))
}

#[test]
fn dice_is_one_minus_the_overlap() {
    let x = [0.9, 0.2, 0.4, 0.1, 0.8, 0.6, 0.5, 0.5, 0.5, 0.25, 1.0, 0.0];
    let labels = [0.0, 1.0, 1.0, 0.0, 0.0, 1.0];
    let dice = |p: &[f64], t: &[f64]| {
        let both: f64 = p.iter().zip(t).map(|(p, t)| p * t).sum();
        1.0 - (2.0 * both + 0.5) / (p.iter().sum::<f64>() + t.iter().sum::<f64>() + 0.5)
    };
    // Classes along axis 0: each has a region of three positions.
    let found =
        of_two((&[3], Some(2), &labels), &x, |g, p, t| dice_loss(g, p, t, Some(0), 0.5, Counting::default())).unwrap();
    let expected: Vec<f64> = (0..2)
        .map(|s| {
            let of_class = |c: usize| {
                let t: Vec<f64> = (0..3).map(|i| f64::from(labels[s * 3 + i] == c as f64)).collect();
                dice(&x[s * 6 + c * 3..][..3], &t)
            };
            (of_class(0) + of_class(1)) / 2.0
        })
        .collect();
    close(&found, &expected);
    // Numbers of the same shape are one region, or one for each index of an axis.
    let t = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    let found = of_two((&[2, 3], None, &t), &x, |g, p, t| dice_loss(g, p, t, None, 0.5, Counting::default())).unwrap();
    close(&found, &[dice(&x[..6], &t[..6]), dice(&x[6..], &t[6..])]);
    let found =
        of_two((&[2, 3], Some(2), &t), &x, |g, p, t| dice_loss(g, p, t, Some(0), 0.5, Counting::default())).unwrap();
    let pair = |s: usize| (dice(&x[s..s + 3], &t[s..s + 3]) + dice(&x[s + 3..s + 6], &t[s + 3..s + 6])) / 2.0;
    close(&found, &[pair(0), pair(6)]);
    let fact =
        of_two((&[3], Some(2), &labels), &x, |g, p, t| dice_loss(g, p, t, None, 0.5, Counting::default())).unwrap_err();
    assert!(matches!(fact, Fact::Classes { fitting_axes, .. } if fitting_axes == [0]));
}

#[test]
fn focal_loss_weighs_what_is_hard() {
    let x = [0.9, -0.2, 0.4, 0.1, 2.8, -1.6, 0.5, -0.5, 0.3, 0.25, 1.0, 0.0];
    let t = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for (gamma, alpha) in [(2.0, None), (1.5, Some(0.6)), (0.0, Some(-1.0)), (3.0, Some(1.0))] {
        let found = of_two((&[2, 3], None, &t), &x, |g, p, t| focal_loss(g, p, t, gamma, alpha, None)).unwrap();
        let one = |i: usize| {
            let p = if t[i] == 1.0 { sigmoid(x[i]) } else { 1.0 - sigmoid(x[i]) };
            let alpha = alpha.unwrap_or(0.25);
            let weight = if alpha < 0.0 { 1.0 } else { t[i] * alpha + (1.0 - t[i]) * (1.0 - alpha) };
            -weight * (1.0 - p).powf(gamma) * p.ln()
        };
        let mean = |s: usize| (s * 6..s * 6 + 6).map(one).sum::<f64>() / 6.0;
        close(&found, &[mean(0), mean(1)]);

        let labels = [0.0, 1.0, 1.0, 0.0, 0.0, 1.0];
        let found = of_two((&[3], Some(2), &labels), &x, |g, p, t| focal_loss(g, p, t, gamma, alpha, Some(0))).unwrap();
        let one = |s: usize, i: usize| {
            let z = [x[s * 6 + i], x[s * 6 + 3 + i]];
            let p = z[labels[s * 3 + i] as usize].exp() / (z[0].exp() + z[1].exp());
            -alpha.filter(|a| *a >= 0.0).unwrap_or(1.0) * (1.0 - p).powf(gamma) * p.ln()
        };
        let mean = |s: usize| (0..3).map(|i| one(s, i)).sum::<f64>() / 3.0;
        close(&found, &[mean(0), mean(1)]);
    }
}

#[test]
fn iou_counts_over_all_samples() {
    let statistics = |target: (&[usize], Option<usize>, &[f64]), x: &[f64], axis, threshold| {
        let mut g = Graph::new();
        let (p, node) = (field(&mut g, 0, &[2, 3]), field(&mut g, 1, target.0));
        let t = target.1.map_or(Target::Values(node), |classes| Target::Classes { node, classes });
        let metric = iou(&mut g, "iou", p, t, axis, threshold, Counting::default()).unwrap();
        assert_eq!(metric.kind, MetricKind::Ratio);
        metric.statistics.iter().map(|&s| value(&g, s, 2, &[x, target.2], false)).collect::<Vec<_>>()
    };
    let x = [0.9, 0.2, 0.4, 0.1, 0.8, 0.6, 0.5, 0.5, 0.5, 0.25, 1.0, 0.0];
    // Decisions along axis 0: 0 1 1 for the first sample, 0 1 0 for the second.
    let labels = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let found = statistics((&[3], Some(2), &labels), &x, Some(0), None);
    assert_eq!(found, [vec![2.0, 1.0], vec![5.0, 4.0]]);
    // Above 0.5: 1 0 0 0 1 1 and 0 0 0 0 1 0; above 0.3 also 1 0 1 … and 1 1 1 ….
    let t = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    assert_eq!(statistics((&[2, 3], None, &t), &x, None, None), [vec![4.0], vec![7.0]]);
    assert_eq!(statistics((&[2, 3], Some(2), &t), &x, None, Some(0.3)), [vec![6.0], vec![9.0]]);
    assert_eq!(statistics((&[2, 3], None, &t), &x, Some(0), None), [vec![1.0, 3.0], vec![3.0, 4.0]]);
}
