//! Networks that are so small that calls would dominate: all kernels of a pass become one region of straight-line code.
//!
//! The region is compiled for the processor's widest vectors and chosen once for each pass, kernels are inlined into it,
//! and so are products, whose sizes and strides are constants but for the batch.

use super::product::{self, Axis, Product};
use super::text::{self, Lines};
use crate::plan::Plan;

/// Multiply-adds of one sample's forward pass up to which a network is small: then a step takes some microseconds.
const MULTIPLY_ADDS: u64 = 1 << 12;
/// Floats of one sample's tensors up to which it is: larger ones are worth several threads, even where little is computed.
const FLOATS: usize = 1 << 12;
/// Kernels of a schedule up to which it is: all of them are compiled as one function, for each kind of processor.
const KERNELS: usize = 40;
/// Terms of a sum up to which a transposed operand is packed on the stack.
const TERMS: usize = 128;

/// Whether a network's passes are printed as regions.
pub(super) fn suits(plan: &Plan) -> bool {
    let schedules = [Some(&plan.predict), plan.evaluate.as_ref(), plan.train.as_ref(), plan.gradients.as_ref()];
    plan.flops_per_sample <= 4 * MULTIPLY_ADDS
        && plan.multiply_adds_per_sample <= MULTIPLY_ADDS
        && schedules.into_iter().flatten().all(|s| s.kernels.len() <= KERNELS && s.sample_floats <= FLOATS)
}

/// The function that makes calls in order, and the type of its region.
pub(super) fn list(lines: &mut Lines, runtime: &str, name: &str, context: &str, calls: &[String]) {
    if calls.is_empty() {
        return super::list(lines, runtime, name, context, calls);
    }
    let region = text::camel(name);
    lines.open(format!("pub(super) fn {name}(cx: &mut {runtime}::{context}<'_>) {{"));
    lines.line(format!("{runtime}::dispatch_wide({region} {{ cx }});"));
    lines.close("}");
    lines.line("");
    lines.open(format!("struct {region}<'a, 'b> {{"));
    lines.line(format!("cx: &'a mut {runtime}::{context}<'b>,"));
    lines.close("}");
    lines.line("");
    lines.open(format!("impl {runtime}::WideKernel for {region}<'_, '_> {{"));
    lines.line("#[inline(always)]");
    lines.open(format!("fn run<S: {runtime}::Wide>(self, s: S) {{"));
    lines.line("let Self { cx } = self;");
    calls.iter().for_each(|call| lines.line(call));
    lines.close("}");
    lines.close("}");
}

/// The head of a kernel's function, behind its name.
pub(super) fn head(runtime: &str, context: &str) -> String {
    format!("<S: {runtime}::Wide>(s: S, cx: &mut {runtime}::{context}<'_>) {{")
}

/// The statement that computes a product in place; `None` if it has to be left to the engine for all sizes.
pub(super) fn product(runtime: &str, product: &Product, [a, b, c]: [&str; 3]) -> Option<String> {
    let Product { m, n, k, around } = product;
    if !around.is_empty() {
        return None;
    }
    let call = |function: &str, m: &Axis, n: &Axis, a: &str, b: &str| {
        format!("{runtime}::{function}(s, &{}, {a}, {b}, {c});", product::sizes(runtime, m, n, k))
    };
    let one = |axis: &Axis| !axis.size.batch && axis.size.times == 1;
    let dots = k.a == 1 && k.b == 1;
    if one(n) && dots && (m.c == 1 || one(m)) {
        return Some(call("small_dots", m, n, a, b));
    }
    // With the result's rows and columns exchanged, the operands change places, too.
    let flip = |x: &Axis| Axis { a: x.b, b: x.a, ..*x };
    let transposed = if one(n) { m.c == 1 && !one(m) } else { n.c != 1 };
    if transposed {
        let flipped = Product { m: flip(n), n: flip(m), k: flip(k), around: vec![] };
        let fits = flipped.n.c == 1;
        return if fits { self::product(runtime, &flipped, [b, a, c]) } else { None };
    }
    if n.b == 1 || one(n) {
        let rows = if one(m) { 1 } else { 8 };
        return Some(call(&format!("small_rows::<S, {rows}>"), m, n, a, b));
    }
    let packs = dots && !k.size.batch && k.size.times <= TERMS;
    packs.then(|| call(&format!("small_packed::<S, {}>", k.size.times), m, n, a, b))
}

#[cfg(test)]
mod tests {
    use super::super::nest::Size;
    use super::*;

    const BATCH: Size = Size { batch: true, times: 1 };

    fn size(times: usize) -> Size {
        Size { batch: false, times }
    }

    /// What is called for a product of these sizes and strides of `a`, `b` and `c`.
    fn called(sizes: [Size; 3], a: [usize; 2], b: [usize; 2], c: [usize; 2]) -> Option<String> {
        let [m, n, k] = sizes;
        let product = Product {
            m: Axis { size: m, a: a[0], b: 0, c: c[0] },
            n: Axis { size: n, a: 0, b: b[1], c: c[1] },
            k: Axis { size: k, a: a[1], b: b[0], c: 0 },
            around: vec![],
        };
        super::product("rt", &product, ["a", "b", "c"])
    }

    #[test]
    fn the_products_of_a_dense_layer_and_of_its_gradients_are_inlined() {
        // 5 inputs, 16 outputs: x wᵀ, g w and gᵀ x.
        let forward = called([BATCH, size(16), size(5)], [5, 1], [1, 5], [16, 1]).unwrap();
        assert_eq!(
            forward,
            "rt::small_packed::<S, 5>(s, &rt::Product { m: batch, n: 16, k: 5, a: [5, 1], b: [1, 5], c: [16, 1] }, a, b, c);"
        );
        let inputs = called([BATCH, size(5), size(16)], [16, 1], [5, 1], [5, 1]).unwrap();
        assert!(inputs.starts_with("rt::small_rows::<S, 8>(") && inputs.ends_with(", a, b, c);"), "{inputs}");
        let weights = called([size(16), size(5), BATCH], [1, 16], [5, 1], [5, 1]).unwrap();
        assert!(weights.starts_with("rt::small_rows::<S, 8>(") && weights.ends_with(", a, b, c);"), "{weights}");
    }

    #[test]
    fn one_output_is_a_row_of_dots_and_its_gradients_are_rows() {
        let forward = called([BATCH, size(1), size(16)], [16, 1], [1, 16], [1, 1]).unwrap();
        assert!(forward.starts_with("rt::small_dots(s, "), "{forward}");
        // As a column it would be written one by one, so the operands change places.
        let weights = called([size(16), size(1), BATCH], [1, 16], [1, 1], [1, 1]).unwrap();
        assert!(weights.starts_with("rt::small_rows::<S, 1>(") && weights.ends_with(", b, a, c);"), "{weights}");
    }

    #[test]
    fn what_is_contiguous_in_no_way_is_left_to_the_engine() {
        assert_eq!(called([BATCH, size(4), size(16)], [32, 2], [2, 32], [4, 1]), None);
        assert_eq!(called([BATCH, size(4), size(16)], [16, 1], [1, 16], [8, 2]), None);
    }
}
