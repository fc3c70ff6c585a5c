//! Operations of the graph, in the middle of one.

use super::*;

#[test]
fn unary_primitives() {
    for op in [
        Unary::Negate,
        Unary::Exp,
        Unary::ExpM1,
        Unary::Abs,
        Unary::Sign,
        Unary::Floor,
        Unary::Tanh,
        Unary::Sigmoid,
        Unary::Erf,
        Unary::Sin,
        Unary::Cos,
    ] {
        unary(&format!("{op:?}"), REAL, |g, x| Ok(g.unary(op, x)));
    }
    unary("Reciprocal", NEGATIVE, |g, x| Ok(g.unary(Unary::Reciprocal, x)));
    for op in [Unary::Log, Unary::Log1p, Unary::Sqrt] {
        unary(&format!("{op:?}"), POSITIVE, |g, x| Ok(g.unary(op, x)));
    }
}

#[test]
fn arithmetic() {
    binary("add", [REAL, REAL], layers::add);
    binary("subtract", [REAL, REAL], layers::subtract);
    binary("multiply", [REAL, REAL], layers::multiply);
    binary("divide", [REAL, POSITIVE], layers::divide);
    binary("minimum", [REAL, REAL], layers::minimum);
    binary("maximum", [REAL, REAL], layers::maximum);
    binary("pow", [POSITIVE, REAL], layers::pow);
    for exponent in [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0] {
        let range = if exponent < 0.0 { NEGATIVE } else { REAL };
        unary("pow, whole", range, |g, x| {
            let e = g.constant(exponent);
            layers::pow(g, x, e)
        });
    }
    for exponent in [0.5, 1.7, -0.3] {
        unary("pow, broken", POSITIVE, |g, x| {
            let e = g.constant(exponent);
            layers::pow(g, x, e)
        });
    }
    unary("pow, constant base", REAL, |g, x| {
        let base = g.constant(1.7);
        layers::pow(g, base, x)
    });
    unary("negate", REAL, layers::negate);
    unary("exp", REAL, layers::exp);
    unary("log", POSITIVE, layers::log);
    unary("sqrt", POSITIVE, layers::sqrt);
    unary("abs", REAL, layers::abs);
    unary("square", REAL, layers::square);
    unary("clamp", REAL, |g, x| layers::clamp(g, x, Some(-0.6), Some(1.1)));
    unary("clamp below", REAL, |g, x| layers::clamp(g, x, Some(-0.6), None));
    unary("clamp above", REAL, |g, x| layers::clamp(g, x, None, Some(0.4)));
    unary("dropout", REAL, |g, x| layers::dropout(g, x, 0.4));
    unary("dropout of a dropout", REAL, |g, x| {
        let y = layers::dropout(g, x, 0.4)?;
        layers::dropout(g, y, 0.2)
    });
}

#[test]
fn select_by_an_argument() {
    for seed in 0..TRIALS {
        let mut bench = Bench::new(seed);
        let dims = bench.rng.dims(0..=3);
        let [x, y, z] = [(); 3].map(|()| bench.batched(&dims, REAL));
        let g = bench.graph();
        let condition = g.binary(Binary::Less, x, y);
        let picked = g.select(condition, y, z);
        bench.check("select", picked);

        // Both branches of one condition meet again in the gradient of x, in either order.
        for swap in [false, true] {
            let mut bench = Bench::new(seed);
            let [x, y] = [(); 2].map(|()| bench.batched(&dims, REAL));
            let g = bench.graph();
            let condition = g.binary(Binary::Less, x, y);
            let zero = g.filled(0.0, &Shape::batched(&dims));
            let guarded = if swap { g.select(condition, x, zero) } else { g.select(condition, zero, x) };
            let e = g.unary(Unary::Exp, guarded);
            let picked = if swap { g.select(condition, e, x) } else { g.select(condition, x, e) };
            bench.check("guarded select", picked);
        }
    }
}

#[test]
fn reductions() {
    type Reduce = fn(&mut Graph, NodeId, Option<&[i64]>, bool) -> Result<NodeId, Fact>;
    for (name, reduce) in [("sum", layers::sum as Reduce), ("mean", layers::mean), ("max", layers::max)] {
        for seed in 0..2 * TRIALS {
            let mut bench = Bench::new(seed);
            let dims = bench.rng.dims(0..=3);
            let shape = Shape { batch: seed % 5 != 0, dims: dims.clone() };
            let x = bench.operand(&shape, REAL);
            let axes: Vec<i64> = (0..dims.len() as i64).filter(|_| bench.rng.below(2) == 0).collect();
            let axes = (seed % 4 != 0).then_some(&axes[..]);
            let y = reduce(bench.graph(), x, axes, seed % 2 == 0).unwrap();
            bench.check(name, y);
        }
    }
}

#[test]
fn reductions_over_the_batch() {
    for how in [Reduction::Sum, Reduction::Maximum, Reduction::Minimum] {
        for seed in 0..TRIALS {
            let mut bench = Bench::new(seed);
            let dims = bench.rng.dims(0..=3);
            let x = bench.batched(&dims, REAL);
            let axes: Vec<usize> = (0..dims.len()).filter(|_| bench.rng.below(2) == 0).collect();
            let y = bench.graph().reduce(how, x, &axes, true);
            // Batch normalization's form: what was reduced meets the samples again.
            let mut kept = dims.clone();
            axes.iter().for_each(|&a| kept[a] = 1);
            let y = bench.graph().reshape(y, &kept);
            let z = bench.graph().sub(x, y);
            bench.check("reduction over the batch", z);
        }
    }
}

#[test]
fn movement() {
    for seed in 0..2 * TRIALS {
        let mut bench = Bench::new(seed);
        let dims = bench.rng.dims(1..=3);
        let x = bench.batched(&dims, REAL);
        let y = layers::flatten(bench.graph(), x).unwrap();
        let z = layers::reshape(bench.graph(), y, &[1, -1, dims[0] as i64]).unwrap();
        bench.check("reshape", z);

        let mut bench = Bench::new(seed);
        let x = bench.batched(&dims, REAL);
        let mut perm: Vec<usize> = (0..dims.len()).collect();
        perm.rotate_left(bench.rng.below(dims.len()));
        let y = bench.graph().permute(x, &perm);
        bench.check("permute", y);

        let mut bench = Bench::new(seed);
        let x = bench.batched(&dims, REAL);
        let starts: Vec<usize> = dims.iter().map(|&d| bench.rng.below(d)).collect();
        let sizes: Vec<usize> = dims.iter().zip(&starts).map(|(&d, &s)| 1 + bench.rng.below(d - s)).collect();
        let y = bench.graph().slice(x, &starts, &sizes);
        bench.check("slice", y);

        let mut bench = Bench::new(seed);
        let axis = bench.rng.below(dims.len());
        let parts: Vec<NodeId> = (0..1 + bench.rng.below(3))
            .map(|i| {
                let mut dims = dims.clone();
                dims[axis] = 1 + bench.rng.below(3);
                let shape = Shape { batch: i != 1, dims };
                bench.operand(&shape, REAL)
            })
            .collect();
        let twice: Vec<NodeId> = parts.iter().chain(&parts).copied().collect();
        let y = layers::concat(bench.graph(), &twice, axis as i64).unwrap();
        bench.check("concat", y);
    }
}

#[test]
fn contractions() {
    for seed in 0..2 * TRIALS {
        let mut bench = Bench::new(seed);
        let inputs = bench.rng.dims(1..=1);
        let x = bench.batched(&inputs, REAL);
        let options = Affine { bias: seed % 3 != 0, ..Affine::new(1 + seed as usize % 4) };
        let y = layers::dense(&mut bench.network, "dense", x, &options).unwrap();
        bench.check("dense", y);

        let mut bench = Bench::new(seed);
        let dims = bench.rng.dims(1..=3);
        let x = bench.batched(&dims, REAL);
        let y = layers::linear(&mut bench.network, "linear", x, &options).unwrap();
        let y = layers::linear(&mut bench.network, "linear_1", y, &Affine::new(3)).unwrap();
        bench.check("linear", y);

        let mut bench = Bench::new(seed);
        let [n, k, m] = [(); 3].map(|()| 1 + bench.rng.below(3));
        let lead = bench.rng.dims(0..=2);
        let dims = [&lead[..], &[n, k]].concat();
        let a = bench.operand(&Shape { batch: seed % 4 != 1, dims }, REAL);
        let skip = bench.rng.below(lead.len() + 1);
        let mut dims: Vec<usize> = lead[skip..].iter().map(|&d| if bench.rng.below(2) == 0 { 1 } else { d }).collect();
        dims.extend([k, m]);
        let b = bench.operand(&Shape { batch: seed % 4 != 2, dims }, REAL);
        let y = layers::matmul(bench.graph(), a, b).unwrap();
        bench.check("matmul", y);

        let mut bench = Bench::new(seed);
        let a = bench.batched(&[n, n], REAL);
        let y = layers::matmul(bench.graph(), a, a).unwrap();
        bench.check("a matrix times itself", y);
    }
}

#[test]
fn contractions_with_an_axis_of_one_operand_only() {
    // out[batch, i] = sum over j, k of a[batch, i, j] * b[k], over a batch that only the result and `a` have;
    // and out[i] with the batch summed as well.
    for reduce_batch in [false, true] {
        let mut bench = Bench::new(5);
        let a = bench.batched(&[2, 3], REAL);
        let b = bench.operand(&Shape::fixed(&[4]), REAL);
        let (shape, reduced, axes) = if reduce_batch {
            (Shape::fixed(&[2]), vec![Extent::Batch, Extent::Size(3), Extent::Size(4)], (vec![1, 0, 2], vec![3]))
        } else {
            (Shape::batched(&[2]), vec![Extent::Size(3), Extent::Size(4)], (vec![0, 1, 2], vec![3]))
        };
        let y = bench.graph().contract(a, b, Contraction::of_axes(reduced, axes.0, axes.1), shape);
        bench.check("axes of one operand", y);
    }
}
