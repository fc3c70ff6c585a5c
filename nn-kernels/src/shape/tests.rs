use super::*;

#[test]
fn dimensions_are_positive_and_products_bounded() {
    assert_eq!(dims(&[]), Ok(1));
    assert_eq!(dims(&[2, 3]), Ok(6));
    assert_eq!(dims(&[4, 0, 2]), Err(Fact::Zero { dims: vec![4, 0, 2], axis: 1 }));
    assert_eq!(dims(&[1 << 30]), Ok(1 << 30));
    for too_large in [vec![1 << 31], vec![1 << 16, 1 << 15], vec![usize::MAX, usize::MAX], vec![usize::MAX, 2, 3]] {
        let expected = Fact::TooLarge { what: Sized::Tensor, dims: too_large.clone(), limit: ELEMENT_LIMIT };
        assert_eq!(dims(&too_large), Err(expected));
    }
    assert!(matches!(parameter(&[1 << 31]), Err(Fact::TooLarge { what: Sized::Parameter, .. })));
    // A zero is the better explanation, even beside a number that is too large.
    assert!(matches!(dims(&[usize::MAX, usize::MAX, 0]), Err(Fact::Zero { axis: 2, .. })));
}

#[test]
fn classes_are_counted_exactly() {
    assert_eq!(class_count(1), Ok(()));
    assert_eq!(class_count(CLASS_LIMIT - 1), Ok(()));
    assert_eq!(class_count(CLASS_LIMIT), Err(Fact::TooManyClasses { classes: CLASS_LIMIT, limit: CLASS_LIMIT }));
    assert_eq!(class_count(0), Err(Fact::Zero { dims: vec![0], axis: 0 }));
}

#[test]
fn axes_count_from_both_ends() {
    assert_eq!(axis(0, &[5, 6]), Ok(0));
    assert_eq!(axis(-1, &[5, 6]), Ok(1));
    assert_eq!(axis(-2, &[5, 6]), Ok(0));
    for a in [2, -3, i64::MAX, i64::MIN] {
        assert_eq!(axis(a, &[5, 6]), Err(Fact::AxisOutOfRange { axis: a, shape: vec![5, 6] }));
    }
    assert_eq!(axis(0, &[]), Err(Fact::AxisOutOfRange { axis: 0, shape: vec![] }));
    assert_eq!(axes(&[2, -3], &[4, 5, 6]), Ok(vec![0, 2]));
    assert_eq!(axes(&[1, -1], &[4, 5]), Err(Fact::AxisTwice { axis: -1, resolved: 1, shape: vec![4, 5] }));
    assert_eq!(all_axes(None, &[4, 5, 6]), Ok(vec![0, 1, 2]));
}

#[test]
fn broadcasting_is_numpys() {
    assert_eq!(broadcast(&[3, 1], &[4]), Ok(vec![3, 4]));
    assert_eq!(broadcast(&[], &[2, 3]), Ok(vec![2, 3]));
    assert_eq!(broadcast(&[1, 5], &[4, 1]), Ok(vec![4, 5]));
    let fact = Fact::Broadcast { left: vec![16, 14, 14], right: vec![16], left_axis: 2, right_axis: 0 };
    assert_eq!(broadcast(&[16, 14, 14], &[16]), Err(fact));
    // The product of two legal shapes may be too large.
    assert!(matches!(broadcast(&[1 << 20, 1], &[1 << 20]), Err(Fact::TooLarge { .. })));
}

#[test]
fn losses_do_not_broadcast() {
    assert_eq!(same(&[3], &[3]), Ok(()));
    let fact = |left: &[usize], right: &[usize], same_size, would_broadcast| {
        Err(Fact::Differ { left: left.to_vec(), right: right.to_vec(), same_size, would_broadcast })
    };
    assert_eq!(same(&[1], &[10]), fact(&[1], &[10], false, true));
    assert_eq!(same(&[1], &[]), fact(&[1], &[], true, true));
    assert_eq!(same(&[2, 5], &[10]), fact(&[2, 5], &[10], true, false));
}

#[test]
fn vectors_and_scalars() {
    assert_eq!(vector(0, &[7]), Ok(7));
    let fact = Fact::NotAVector { operand: 0, shape: vec![16, 14, 14], features: 3136 };
    assert_eq!(vector(0, &[16, 14, 14]), Err(fact));
    assert_eq!(vector(0, &[]), Err(Fact::NotAVector { operand: 0, shape: vec![], features: 1 }));
    assert_eq!(scalar(&[]), Ok(()));
    assert_eq!(scalar(&[1]), Err(Fact::NotAScalar { shape: vec![1] }));
}

#[test]
fn reshape_keeps_the_number_of_elements() {
    assert_eq!(reshape(&[4, 6], &[3, 8]), Ok(vec![3, 8]));
    assert_eq!(reshape(&[4, 6], &[2, -1, 3]), Ok(vec![2, 4, 3]));
    assert_eq!(reshape(&[1], &[]), Ok(vec![]));
    assert_eq!(reshape(&[], &[-1]), Ok(vec![1]));
    let fact = |wanted: &[i64], product, inferred| {
        Err(Fact::ReshapeSize { shape: vec![4, 6], elements: 24, wanted: wanted.to_vec(), product, inferred })
    };
    assert_eq!(reshape(&[4, 6], &[5, 5]), fact(&[5, 5], 25, None));
    assert_eq!(reshape(&[4, 6], &[5, -1]), fact(&[5, -1], 5, Some(1)));
    assert_eq!(reshape(&[4, 6], &[-1, 48]), fact(&[-1, 48], 48, Some(0)));
    assert_eq!(reshape(&[4, 6], &[-1, -1]), Err(Fact::ReshapeDimension { wanted: vec![-1, -1], axis: 1 }));
    assert_eq!(reshape(&[4, 6], &[4, -6]), Err(Fact::ReshapeDimension { wanted: vec![4, -6], axis: 1 }));
    assert_eq!(reshape(&[4, 6], &[0, -1]), Err(Fact::Zero { dims: vec![0, 1], axis: 0 }));
    assert!(matches!(reshape(&[4, 6], &[i64::MAX, i64::MAX]), Err(Fact::TooLarge { .. })));
}

#[test]
fn concat_adds_up_one_axis() {
    assert_eq!(concat(&[&[2, 3], &[2, 5]], -1), Ok((1, vec![2, 8])));
    assert_eq!(concat(&[&[2, 3]], 0), Ok((0, vec![2, 3])));
    assert_eq!(concat(&[], 0), Err(Fact::NoParts));
    assert_eq!(concat(&[&[], &[]], 0), Err(Fact::TooFewAxes { operand: 0, shape: vec![], needed: 1 }));
    let fact = |operand, shape: &[usize], axis| {
        Err(Fact::Concat { operand, first: vec![2, 3], shape: shape.to_vec(), along: 0, axis })
    };
    assert_eq!(concat(&[&[2, 3], &[4, 3], &[2, 4]], 0), fact(2, &[2, 4], Some(1)));
    assert_eq!(concat(&[&[2, 3], &[3]], 0), fact(1, &[3], None));
    assert!(matches!(concat(&[&[1 << 30], &[1 << 30]], 0), Err(Fact::TooLarge { .. })));
}

#[test]
fn matrix_products_broadcast_leading_axes() {
    assert_eq!(matmul(&[2, 3], &[3, 4]), Ok(vec![2, 4]));
    assert_eq!(matmul(&[5, 1, 2, 3], &[7, 3, 4]), Ok(vec![5, 7, 2, 4]));
    assert_eq!(matmul(&[3], &[3, 4]), Err(Fact::TooFewAxes { operand: 0, shape: vec![3], needed: 2 }));
    assert_eq!(matmul(&[2, 3], &[3]), Err(Fact::TooFewAxes { operand: 1, shape: vec![3], needed: 2 }));
    let fact = Fact::MatmulInner {
        left: vec![2, 3],
        right: vec![4, 3],
        left_size: 3,
        right_size: 4,
        transposed_left_fits: false,
        transposed_right_fits: true,
    };
    assert_eq!(matmul(&[2, 3], &[4, 3]), Err(fact));
    let fact = Fact::Broadcast { left: vec![5, 2, 3], right: vec![6, 3, 4], left_axis: 0, right_axis: 0 };
    assert_eq!(matmul(&[5, 2, 3], &[6, 3, 4]), Err(fact));
}

#[test]
fn labels_fit_the_class_axis() {
    assert_eq!(classes(&[10], -1, &[], 10), Ok(0));
    assert_eq!(classes(&[10, 8, 8], 0, &[8, 8], 10), Ok(0));
    let fact = Fact::Classes { logits: vec![12], axis: 0, width: 12, classes: 10, fitting_axes: vec![] };
    assert_eq!(classes(&[12], -1, &[], 10), Err(fact));
    // Where classes are channels, the fact says which axis would do.
    let fact = Fact::Classes { logits: vec![10, 8, 6], axis: 2, width: 6, classes: 10, fitting_axes: vec![0] };
    assert_eq!(classes(&[10, 8, 6], -1, &[8, 6], 10), Err(fact));
    let logits = vec![8, 8, 3];
    let fact = Fact::Positions { logits, axis: 0, label: vec![8, 3], expected: vec![8, 3], fitting_axes: vec![] };
    assert_ne!(classes(&[8, 8, 3], 0, &[8, 3], 8), Err(fact), "this one fits");
    let (logits, expected) = (vec![5, 10], vec![5]);
    let fact = Fact::Positions { logits, axis: 1, label: vec![], expected, fitting_axes: vec![] };
    assert_eq!(classes(&[5, 10], -1, &[], 10), Err(fact));
    assert_eq!(classes(&[], -1, &[], 10), Err(Fact::TooFewAxes { operand: 0, shape: vec![], needed: 1 }));
    assert_eq!(classes(&[10], 1, &[], 10), Err(Fact::AxisOutOfRange { axis: 1, shape: vec![10] }));
}

#[test]
fn groups_divide_an_axis() {
    assert_eq!(divide_axis(&[3, 12], 1, 4), Ok(3));
    let fact = |divisor, divisors: &[usize]| {
        Err(Fact::NotDivisible { shape: vec![12], axis: 0, size: 12, divisor, divisors: divisors.to_vec() })
    };
    assert_eq!(divide_axis(&[12], 0, 5), fact(5, &[4, 6]));
    assert_eq!(divide_axis(&[12], 0, 24), fact(24, &[12]));
    assert_eq!(divide_axis(&[12], 0, 0), Err(Fact::Zero { dims: vec![0], axis: 0 }));
}

#[test]
fn options_are_numbers_that_f32_can_hold() {
    assert_eq!(option("p", 0.5, Allowed::Between(0.0, 1.0)), Ok(()));
    let fact = Fact::Option { name: "p", value: 1.5, allowed: Allowed::Between(0.0, 1.0) };
    assert_eq!(option("p", 1.5, Allowed::Between(0.0, 1.0)), Err(fact));
    for value in [f64::NAN, f64::INFINITY, 1e39] {
        assert!(!Allowed::Finite.holds(value) && !Allowed::AtLeast(0.0).holds(value));
    }
    assert!(!Allowed::Above(0.0).holds(1e-50) && Allowed::AtLeast(0.0).holds(1e-50));
    assert!(!Allowed::NotZero.holds(0.0) && Allowed::NotZero.holds(-2.0));
    assert!(!Allowed::FromBelow(0.0, 1.0).holds(1.0) && Allowed::FromBelow(0.0, 1.0).holds(0.0));
}
