//! Pools, beside their loops.

use super::*;

#[test]
fn pools_are_their_loops() {
    let dims = [2, 7, 6];
    let x = numbers(84, 5);
    for (kernel, stride, padding, dilation, ceil) in [
        (2, 2, 0, 1, false),
        (2, 2, 0, 1, true),
        (3, 2, 1, 1, false),
        (3, 2, 1, 1, true),
        (3, 1, 1, 1, false),
        (2, 3, 1, 1, true),
        (2, 1, 1, 2, false),
        (1, 2, 0, 1, false),
        (6, 6, 0, 1, false),
    ] {
        let options = pooling(kernel, stride, padding, dilation, ceil);
        let w = windows(&dims, crate::shape::LAYOUTS[1], &options).unwrap();
        // The elements of each window that exist.
        let elements = |channel: usize, i: usize, j: usize| -> Vec<f64> {
            let mut list = vec![];
            for (a, b) in (0..kernel).flat_map(|a| (0..kernel).map(move |b| (a, b))) {
                let place = |window: usize, tap: usize, size: usize| {
                    (window * stride + tap * dilation).checked_sub(padding).filter(|p| *p < size)
                };
                if let (Some(row), Some(column)) = (place(i, a, 7), place(j, b, 6)) {
                    list.push(x[(channel * 7 + row) * 6 + column]);
                }
            }
            list
        };
        let all: Vec<(usize, usize, usize)> = (0..2)
            .flat_map(|c| (0..w[0].positions).map(move |i| (c, i)))
            .flat_map(|(c, i)| (0..w[1].positions).map(move |j| (c, i, j)))
            .collect();
        let expected: Vec<f64> =
            all.iter().map(|&(c, i, j)| elements(c, i, j).into_iter().fold(f64::MIN, f64::max)).collect();
        let (shape, found) = on(&dims, &x, |g, x| max_pool(g, x, 2, &options));
        assert_eq!(shape, [2, w[0].positions, w[1].positions]);
        close(&found, &expected);
        if dilation > 1 {
            continue;
        }
        for include in [true, false] {
            let expected: Vec<f64> = (all.iter())
                .map(|&(c, i, j)| {
                    let list = elements(c, i, j);
                    // PyTorch: the window, cut at the far end of the padding.
                    let padded = |window: usize, size: usize| {
                        (window * stride + kernel).min(size + 2 * padding) - window * stride
                    };
                    let count = if include { padded(i, 7) * padded(j, 6) } else { list.len() };
                    list.iter().sum::<f64>() / count as f64
                })
                .collect();
            close(&on(&dims, &x, |g, x| avg_pool(g, x, 2, &options, include)).1, &expected);
        }
    }
}

#[test]
fn pooling_without_overlap_is_nothing_but_a_view_and_a_reduction() {
    let (mut n, x) = network(&[2, 6, 6]);
    max_pool(&mut n.graph, x, 2, &pooling(2, 2, 0, 1, false)).unwrap();
    let ops: Vec<&Op> = n.graph.nodes().skip(1).map(|(_, node)| &node.op).collect();
    assert!(matches!(ops[..], [Op::Reshape, Op::Reduce { .. }]), "{ops:?}");
}

#[test]
fn sequences_are_pooled_along_their_length() {
    let x = [1.0, 5.0, 2.0, 4.0, 3.0, 0.0];
    assert_eq!(on(&[1, 6], &x, |g, x| max_pool(g, x, 1, &pooling(3, 3, 0, 1, false))).1, [5.0, 4.0]);
    let means = on(&[2, 3], &x, |g, x| avg_pool(g, x, 1, &pooling(3, 3, 0, 1, false), true)).1;
    close(&means, &[8.0 / 3.0, 7.0 / 3.0]);
    assert_eq!(on(&[2, 3], &x, global_max_pool).1, [5.0, 4.0]);
    close(&on(&[2, 3], &x, global_avg_pool).1, &[8.0 / 3.0, 7.0 / 3.0]);
    let (mut n, x) = network(&[4]);
    assert!(matches!(global_avg_pool(&mut n.graph, x), Err(Fact::TooFewAxes { needed: 2, .. })));
}

#[test]
fn adaptive_pools_overlap_where_they_must() {
    let x = numbers(2 * 7 * 10, 4);
    for (rows, columns) in [(7, 5), (3, 4), (1, 1), (9, 10), (2, 20)] {
        let (dims, found) = on(&[2, 7, 10], &x, |g, x| adaptive_avg_pool2d(g, x, &PerAxis::Each(vec![rows, columns])));
        assert_eq!(dims, [2, rows, columns]);
        let piece = |i: usize, n: usize, length: usize| i * length / n..((i + 1) * length).div_ceil(n);
        let mut expected = vec![];
        for (c, i, j) in (0..2 * rows * columns).map(|p| (p / (rows * columns), p / columns % rows, p % columns)) {
            let (r, s) = (piece(i, rows, 7), piece(j, columns, 10));
            let all: Vec<f64> =
                r.flat_map(|a| s.clone().map(move |b| (a, b))).map(|(a, b)| x[(c * 7 + a) * 10 + b]).collect();
            expected.push(all.iter().sum::<f64>() / all.len() as f64);
        }
        close(&found, &expected);
    }
}
