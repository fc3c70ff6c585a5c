//! Sums of products: the engine behind every contraction.
//!
//! Generated code describes a product by its sizes and strides alone ([`Product`]); how it is computed is decided here,
//! by the sizes of the batch at hand.

/// `c[i, j] = Σ_k a[i, k] * b[k, j]`, all three with any strides.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Terms of each sum.
    pub k: usize,
    /// Strides of `a` along rows and along the sum.
    pub a: [usize; 2],
    /// Strides of `b` along the sum and along columns.
    pub b: [usize; 2],
    /// Strides of `c` along rows and along columns.
    pub c: [usize; 2],
}

/// A loop around a product: steps of its operands and of its result. A result that stays is summed into.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    /// How often.
    pub count: usize,
    /// Step of `a`.
    pub a: usize,
    /// Step of `b`.
    pub b: usize,
    /// Step of `c`.
    pub c: usize,
}

/// Computes a product for every point of the loops around it, outermost first. Sums over loops start from 0.
///
/// # Panics
/// If a slice is too short.
pub fn product(p: &Product, around: &[Around], a: &[f32], b: &[f32], c: &mut [f32]) {
    assert!(p.reaches(around), "a product of nothing");
    let last = |strides: [usize; 2], sizes: [usize; 2], step: fn(&Around) -> usize| {
        let around: usize = around.iter().map(|l| (l.count - 1) * step(l)).sum();
        around + (sizes[0] - 1) * strides[0] + (sizes[1] - 1) * strides[1]
    };
    assert!(last(p.a, [p.m, p.k], |l| l.a) < a.len(), "the first operand is too short");
    assert!(last(p.b, [p.k, p.n], |l| l.b) < b.len(), "the second operand is too short");
    assert!(last(p.c, [p.m, p.n], |l| l.c) < c.len(), "the result is too short");
    nest(p, around, a, b, c, false);
}

fn nest(p: &Product, around: &[Around], a: &[f32], b: &[f32], c: &mut [f32], add: bool) {
    let Some((l, inner)) = around.split_first() else {
        return large(p, a, b, c, add);
    };
    for i in 0..l.count {
        nest(p, inner, &a[i * l.a..], &b[i * l.b..], &mut c[i * l.c..], add || (i > 0 && l.c == 0));
    }
}

fn large(p: &Product, a: &[f32], b: &[f32], c: &mut [f32], add: bool) {
    let stride = |s: usize| isize::try_from(s).expect("strides lie within slices");
    // SAFETY: `product` has checked the largest index of all three; strides are not negative, so it is the last.
    unsafe {
        matrixmultiply::sgemm(
            p.m,
            p.k,
            p.n,
            1.0,
            a.as_ptr(),
            stride(p.a[0]),
            stride(p.a[1]),
            b.as_ptr(),
            stride(p.b[0]),
            stride(p.b[1]),
            f32::from(u8::from(add)),
            c.as_mut_ptr(),
            stride(p.c[0]),
            stride(p.c[1]),
        );
    }
}

impl Product {
    fn reaches(&self, around: &[Around]) -> bool {
        self.m > 0 && self.n > 0 && self.k > 0 && around.iter().all(|l| l.count > 0)
    }
}
