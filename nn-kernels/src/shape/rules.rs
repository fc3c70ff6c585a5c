//! The rules.

use super::{Allowed, CLASS_LIMIT, ELEMENT_LIMIT, Fact, Sized};

/// Dimensions of a tensor that is declared or comes about: none is 0, and the elements stay below the limit.
/// Returns the number of elements.
pub fn dims(dims: &[usize]) -> Result<usize, Fact> {
    sized(Sized::Tensor, dims)
}

/// As [`dims`], for a parameter.
pub fn parameter(dims: &[usize]) -> Result<usize, Fact> {
    sized(Sized::Parameter, dims)
}

fn sized(what: Sized, dims: &[usize]) -> Result<usize, Fact> {
    if let Some(axis) = dims.iter().position(|&d| d == 0) {
        return Err(Fact::Zero { dims: dims.to_vec(), axis });
    }
    dims.iter()
        .try_fold(1_usize, |product, &d| product.checked_mul(d))
        .filter(|&n| n < ELEMENT_LIMIT)
        .ok_or_else(|| Fact::TooLarge { what, dims: dims.to_vec(), limit: ELEMENT_LIMIT })
}

/// The number of classes of a label: at least 1, and exact in f32.
pub fn class_count(classes: usize) -> Result<(), Fact> {
    match classes {
        0 => Err(Fact::Zero { dims: vec![classes], axis: 0 }),
        n if n < CLASS_LIMIT => Ok(()),
        _ => Err(Fact::TooManyClasses { classes, limit: CLASS_LIMIT }),
    }
}

/// An option's value.
pub fn option(name: &'static str, value: f64, allowed: Allowed) -> Result<(), Fact> {
    if allowed.holds(value) { Ok(()) } else { Err(Fact::Option { name, value, allowed }) }
}

/// An axis as written, where negative ones count from the end, as a position from 0.
pub fn axis(axis: i64, shape: &[usize]) -> Result<usize, Fact> {
    let rank = shape.len() as i64;
    let resolved = if axis < 0 { axis.checked_add(rank) } else { Some(axis) };
    resolved
        .filter(|a| (0..rank).contains(a))
        .map(|a| a as usize)
        .ok_or_else(|| Fact::AxisOutOfRange { axis, shape: shape.to_vec() })
}

/// Several axes, each at most once; the result is ascending.
pub fn axes(list: &[i64], shape: &[usize]) -> Result<Vec<usize>, Fact> {
    let mut resolved = Vec::new();
    for &written in list {
        let a = axis(written, shape)?;
        if resolved.contains(&a) {
            return Err(Fact::AxisTwice { axis: written, resolved: a, shape: shape.to_vec() });
        }
        resolved.push(a);
    }
    resolved.sort_unstable();
    Ok(resolved)
}

/// As [`axes`]; no list means all axes.
pub fn all_axes(list: Option<&[i64]>, shape: &[usize]) -> Result<Vec<usize>, Fact> {
    list.map_or_else(|| Ok((0..shape.len()).collect()), |list| axes(list, shape))
}

/// An operand that must be one vector.
pub fn vector(operand: usize, shape: &[usize]) -> Result<usize, Fact> {
    match shape {
        [n] => Ok(*n),
        _ => Err(Fact::NotAVector { operand, shape: shape.to_vec(), features: shape.iter().product() }),
    }
}

/// An operand that must be a sequence, `[length, features]`.
pub fn sequence(operand: usize, shape: &[usize]) -> Result<(), Fact> {
    if shape.len() == 2 { Ok(()) } else { Err(Fact::NotASequence { operand, shape: shape.to_vec() }) }
}

/// A value that must be `[]`.
pub fn scalar(shape: &[usize]) -> Result<(), Fact> {
    if shape.is_empty() { Ok(()) } else { Err(Fact::NotAScalar { shape: shape.to_vec() }) }
}

/// An operand that must have axes.
pub fn rank_at_least(needed: usize, operand: usize, shape: &[usize]) -> Result<(), Fact> {
    if shape.len() >= needed { Ok(()) } else { Err(Fact::TooFewAxes { operand, shape: shape.to_vec(), needed }) }
}

/// NumPy's broadcasting: the common shape of two operands.
pub fn broadcast(left: &[usize], right: &[usize]) -> Result<Vec<usize>, Fact> {
    let rank = left.len().max(right.len());
    let dim = |s: &[usize], i: usize| (i + s.len()).checked_sub(rank).map_or(1, |i| s[i]);
    let mut common = vec![0; rank];
    for i in (0..rank).rev() {
        common[i] = match (dim(left, i), dim(right, i)) {
            (1, d) | (d, 1) => d,
            (a, b) if a == b => a,
            _ => {
                return Err(Fact::Broadcast {
                    left: left.to_vec(),
                    right: right.to_vec(),
                    left_axis: i + left.len() - rank,
                    right_axis: i + right.len() - rank,
                });
            }
        };
    }
    dims(&common)?;
    Ok(common)
}

/// Two operands of one shape: losses and metrics never broadcast.
pub fn same(left: &[usize], right: &[usize]) -> Result<(), Fact> {
    if left == right {
        return Ok(());
    }
    Err(Fact::Differ {
        left: left.to_vec(),
        right: right.to_vec(),
        same_size: left.iter().product::<usize>() == right.iter().product::<usize>(),
        would_broadcast: broadcast(left, right).is_ok(),
    })
}

/// The dimensions that `reshape` gives; one of those wanted may be -1 and is what remains.
pub fn reshape(shape: &[usize], wanted: &[i64]) -> Result<Vec<usize>, Fact> {
    let inferred = wanted.iter().position(|&d| d == -1);
    let bad = wanted.iter().enumerate().position(|(i, &d)| d < -1 || (d == -1 && Some(i) != inferred));
    if let Some(axis) = bad {
        return Err(Fact::ReshapeDimension { wanted: wanted.to_vec(), axis });
    }
    let mut result: Vec<usize> = wanted.iter().map(|&d| if d == -1 { 1 } else { d as usize }).collect();
    let (elements, product) = (shape.iter().product(), dims(&result)?);
    if let Some(axis) = inferred {
        result[axis] = elements / product;
    }
    if result.iter().product::<usize>() == elements {
        Ok(result)
    } else {
        Err(Fact::ReshapeSize { shape: shape.to_vec(), elements, wanted: wanted.to_vec(), product, inferred })
    }
}

/// The axis along which parts are concatenated, and the dimensions of the result.
pub fn concat(parts: &[&[usize]], along: i64) -> Result<(usize, Vec<usize>), Fact> {
    let (&first, rest) = parts.split_first().ok_or(Fact::NoParts)?;
    rank_at_least(1, 0, first)?;
    let along = axis(along, first)?;
    let mut result = first.to_vec();
    for (i, &part) in rest.iter().enumerate() {
        let differs = |axis| {
            let (operand, first, shape) = (i + 1, first.to_vec(), part.to_vec());
            Fact::Concat { operand, first, shape, along, axis }
        };
        if part.len() != first.len() {
            return Err(differs(None));
        }
        if let Some(axis) = (0..first.len()).find(|&a| a != along && part[a] != first[a]) {
            return Err(differs(Some(axis)));
        }
        // Each dimension is below 2^31 and there are few parts, but "few" is the user's to say.
        result[along] = result[along].saturating_add(part[along]);
    }
    dims(&result)?;
    Ok((along, result))
}

/// The dimensions of a (batched) matrix product; both operands have at least two axes.
pub fn matmul(left: &[usize], right: &[usize]) -> Result<Vec<usize>, Fact> {
    rank_at_least(2, 0, left)?;
    rank_at_least(2, 1, right)?;
    let (left_lead, l) = left.split_at(left.len() - 2);
    let (right_lead, r) = right.split_at(right.len() - 2);
    if l[1] != r[0] {
        return Err(Fact::MatmulInner {
            left: left.to_vec(),
            right: right.to_vec(),
            left_size: l[1],
            right_size: r[0],
            transposed_left_fits: l[0] == r[0],
            transposed_right_fits: l[1] == r[1],
        });
    }
    let mut result = broadcast(left_lead, right_lead).map_err(|fact| match fact {
        Fact::Broadcast { left_axis, right_axis, .. } => {
            Fact::Broadcast { left: left.to_vec(), right: right.to_vec(), left_axis, right_axis }
        }
        other => other,
    })?;
    result.extend([l[0], r[1]]);
    dims(&result)?;
    Ok(result)
}

/// Logits with a class axis against a label with class indices: the resolved axis.
pub fn classes(logits: &[usize], axis_written: i64, label: &[usize], classes: usize) -> Result<usize, Fact> {
    class_count(classes)?;
    rank_at_least(1, 0, logits)?;
    let axis = axis(axis_written, logits)?;
    let without = |a: usize| -> Vec<usize> { (0..logits.len()).filter(|&i| i != a).map(|i| logits[i]).collect() };
    let fits = |a: usize| logits[a] == classes && without(a) == label;
    if fits(axis) {
        return Ok(axis);
    }
    let fitting_axes = (0..logits.len()).filter(|&a| fits(a)).collect();
    let logits = logits.to_vec();
    if logits[axis] != classes {
        let width = logits[axis];
        return Err(Fact::Classes { logits, axis, width, classes, fitting_axes });
    }
    let expected = without(axis);
    Err(Fact::Positions { logits, axis, label: label.to_vec(), expected, fitting_axes })
}

/// How many groups of `divisor` there are along an axis.
pub fn divide_axis(shape: &[usize], axis: usize, divisor: usize) -> Result<usize, Fact> {
    let size = shape[axis];
    if divisor == 0 {
        return Err(Fact::Zero { dims: vec![divisor], axis: 0 });
    }
    if size.is_multiple_of(divisor) {
        return Ok(size / divisor);
    }
    Err(Fact::NotDivisible { shape: shape.to_vec(), axis, size, divisor, divisors: nearest_divisors(size, divisor) })
}

/// The axes in another order: each of them exactly once.
pub fn permutation(shape: &[usize], order: &[i64]) -> Result<Vec<usize>, Fact> {
    let mut resolved = Vec::new();
    for &written in order {
        let a = axis(written, shape)?;
        if resolved.contains(&a) {
            return Err(Fact::AxisTwice { axis: written, resolved: a, shape: shape.to_vec() });
        }
        resolved.push(a);
    }
    if resolved.len() == shape.len() {
        Ok(resolved)
    } else {
        Err(Fact::Permutation { shape: shape.to_vec(), given: order.to_vec() })
    }
}

/// The sizes of the parts into which an axis is cut: equal ones of a given size, or those listed.
pub fn parts(shape: &[usize], axis: usize, sizes: &[usize], equal: bool) -> Result<Vec<usize>, Fact> {
    if let Some(zero) = sizes.iter().position(|&s| s == 0) {
        return Err(Fact::Zero { dims: sizes.to_vec(), axis: zero });
    }
    if let (true, [size]) = (equal, sizes) {
        let count = divide_axis(shape, axis, *size)?;
        return Ok(vec![*size; count]);
    }
    let sum = sizes.iter().fold(0_usize, |sum, &s| sum.saturating_add(s));
    if sum == shape[axis] {
        Ok(sizes.to_vec())
    } else {
        Err(Fact::Parts { shape: shape.to_vec(), axis, sizes: sizes.to_vec(), sum })
    }
}

/// The axis that is new, from 0; all parts must have one shape.
pub fn stack(parts: &[&[usize]], along: i64) -> Result<usize, Fact> {
    let (&first, rest) = parts.split_first().ok_or(Fact::NoParts)?;
    if let Some(i) = rest.iter().position(|&part| part != first) {
        return Err(Fact::Stack { operand: i + 1, first: first.to_vec(), shape: rest[i].to_vec() });
    }
    let mut result = first.to_vec();
    result.push(parts.len());
    dims(&result)?;
    // The result has one axis more.
    axis(along, &result).map_err(|_| Fact::AxisOutOfRange { axis: along, shape: result })
}

/// The elements `start..end` of an axis, as positions from 0; negative ones count from the end.
pub fn range(shape: &[usize], axis: usize, start: i64, end: Option<i64>) -> Result<std::ops::Range<usize>, Fact> {
    let size = shape[axis] as i64;
    let from_start = |i: i64| if i < 0 { i.saturating_add(size) } else { i };
    let (from, to) = (from_start(start), end.map_or(size, from_start));
    if 0 <= from && from < to && to <= size {
        Ok(from as usize..to as usize)
    } else {
        Err(Fact::Range { shape: shape.to_vec(), axis, start, end })
    }
}

/// The largest divisor of `size` below `near`, and the smallest above.
pub(super) fn nearest_divisors(size: usize, near: usize) -> Vec<usize> {
    let small = (1..).take_while(|d| d * d <= size).filter(|d| size.is_multiple_of(*d));
    let all: Vec<usize> = small.flat_map(|d| [d, size / d]).collect();
    let below = all.iter().copied().filter(|&d| d < near).max();
    let above = all.iter().copied().filter(|&d| d > near).min();
    below.into_iter().chain(above).collect()
}
