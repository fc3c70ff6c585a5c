//! Adjacent loops that walk memory like one loop become one: longer vectors, fewer divisions.

use crate::graph::Extent;
use crate::ir::{Index, Kernel, Value};

/// Merges neighbouring axes of constant extent wherever every index allows it.
pub(super) fn collapse(mut kernel: Kernel) -> Kernel {
    let mut axis = 0;
    while axis + 1 < kernel.outer.len() {
        let stages: Vec<usize> = (0..kernel.stages.len()).collect();
        if !merge(&mut kernel, &stages, axis) {
            axis += 1;
        }
    }
    for stage in 0..kernel.stages.len() {
        let mut axis = kernel.outer.len();
        while axis + 1 < kernel.outer.len() + kernel.stages[stage].inner.len() {
            if !merge(&mut kernel, &[stage], axis) {
                axis += 1;
            }
        }
    }
    kernel
}

/// Merges `axis` and the one behind it in these stages, if all their indices agree.
fn merge(kernel: &mut Kernel, stages: &[usize], axis: usize) -> bool {
    let outer = kernel.outer.len();
    let extents = kernel.extents(stages[0]);
    let (Extent::Size(a), Extent::Size(b)) = (extents[axis], extents[axis + 1]) else { return false };
    let fits = |index: &Index| match (index.stride(axis), index.stride(axis + 1)) {
        (Some(long), Some(short)) => long == short * b as i64,
        _ => false,
    };
    let all = stages.iter().all(|&s| {
        let stage = &kernel.stages[s];
        stage.body.iter().flat_map(Value::indices).all(fits) && stage.stores.iter().all(|s| fits(&s.index))
    });
    if !all {
        return false;
    }
    if axis < outer {
        kernel.outer[axis] = Extent::Size(a * b);
        kernel.outer.remove(axis + 1);
    } else {
        let inner = &mut kernel.stages[stages[0]].inner;
        inner[axis - outer] = Extent::Size(a * b);
        inner.remove(axis - outer + 1);
    }
    for &s in stages {
        let extents = kernel.extents(s);
        // The short axis takes over; the long one contributes nothing; what follows moves down by one.
        let axes: Vec<Index> = (0..=extents.len())
            .map(|i| match i {
                i if i == axis => Index::default(),
                i if i > axis => Index::axis(i - 1),
                i => Index::axis(i),
            })
            .collect();
        let stage = &mut kernel.stages[s];
        for value in &mut stage.body {
            value.map_indices(|index| index.substitute(&axes, &extents));
        }
        for store in &mut stage.stores {
            store.index = store.index.substitute(&axes, &extents);
        }
    }
    true
}
