//! The checker that runs behind every stage that makes or changes kernels.

use super::{Kernel, Value, ValueId};
use crate::graph::Extent;

/// Checks what the [IR's text](super) promises and what the types do not enforce; says the first thing that is wrong.
pub fn validate(kernel: &Kernel, tensors: usize) -> Result<(), String> {
    let fail = |what: String| Err(format!("kernel `{}`: {what}", kernel.name));
    if kernel.outer.iter().skip(1).any(|e| *e == Extent::Batch) {
        return fail("the batch is not the first outer axis".into());
    }
    if kernel.stages.iter().all(|s| s.stores.is_empty()) {
        return fail("it stores nothing".into());
    }
    for (n, stage) in kernel.stages.iter().enumerate() {
        let extents = kernel.extents(n);
        let known = |v: ValueId, limit: usize| (v.0 as usize) < limit;
        for (i, value) in stage.body.iter().enumerate() {
            if !value.operands().all(|v| known(v, i)) {
                return fail(format!("stage {n}: value {i} uses a later one"));
            }
            if let Value::Reduced { stage: s, slot } = value
                && !(*s < n && *slot < kernel.stages[*s].reduce.len())
            {
                return fail(format!("stage {n}: value {i} uses a reduction that has not run"));
            }
            if let Value::Load { tensor, .. } | Value::Gather { tensor, .. } = value
                && tensor.0 as usize >= tensors
            {
                return fail(format!("stage {n}: value {i} loads from an unknown tensor"));
            }
            if value.indices().any(|index| (extents.len()..extents.len() + 8).any(|axis| index.uses(axis))) {
                return fail(format!("stage {n}: value {i} uses an unknown axis"));
            }
        }
        if !stage.reduce.iter().all(|(_, v)| known(*v, stage.body.len())) {
            return fail(format!("stage {n}: a reduction of an unknown value"));
        }
        for store in &stage.stores {
            if !known(store.value, stage.body.len()) || store.tensor.0 as usize >= tensors {
                return fail(format!("stage {n}: a store of an unknown value or tensor"));
            }
            if !store.index.is_affine() {
                return fail(format!("stage {n}: a store at an index that is not affine"));
            }
        }
    }
    Ok(())
}
