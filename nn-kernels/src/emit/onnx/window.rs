//! Tensors that are read through windows, exactly: for each dimension, `Gather` along constant positions, and 0 where those are
//! outside.

use super::proto::{Attribute, Type};
use super::{Printer, Value};
use crate::graph::Access;

impl Printer<'_> {
    /// What accesses read of each dimension behind the batch. The result's dimensions are the reader's axes in the order in which
    /// they are used, which is the second result.
    pub(super) fn gather(
        &mut self,
        mut value: Value,
        accesses: &[Access],
        size: &dyn Fn(usize) -> usize,
    ) -> Result<(Value, Vec<usize>), String> {
        let mut axes: Vec<usize> = Vec::new();
        for access in accesses {
            axes.extend(access.terms.iter().map(|(axis, _)| axis));
        }
        let mut once = axes.clone();
        once.sort_unstable();
        once.dedup();
        if once.len() < axes.len() {
            return Err("tensors that are read along a diagonal".into());
        }
        // From the last one, so that the numbers of those before stay.
        for (dim, access) in accesses.iter().enumerate().rev() {
            let length = value.dims[dim];
            let sizes: Vec<usize> = access.terms.iter().map(|&(axis, _)| size(axis)).collect();
            if access.as_axis().is_some() && sizes[0] == length {
                continue;
            }
            value = self.gather_one(value, dim, access, &sizes);
        }
        Ok((value, axes))
    }

    /// One dimension becomes those of the axes that its position depends on.
    fn gather_one(&mut self, mut value: Value, dim: usize, access: &Access, sizes: &[usize]) -> Value {
        let (length, lead) = (value.dims[dim], value.lead());
        // The reader's axes, numbered as they come.
        let numbered = Access {
            terms: access.terms.iter().enumerate().map(|(i, &(_, coefficient))| (i, coefficient)).collect(),
            ..*access
        };
        let mut read: Vec<Option<usize>> = Vec::new();
        let mut point = vec![0; sizes.len()];
        for _ in 0..sizes.iter().product() {
            read.push(numbered.eval(&point, length));
            for axis in (0..sizes.len()).rev() {
                point[axis] += 1;
                if point[axis] < sizes[axis] {
                    break;
                }
                point[axis] = 0;
            }
        }
        let data: Vec<u8> = read.iter().flat_map(|at| (at.unwrap_or(0) as i64).to_le_bytes()).collect();
        let positions = self.constant(Type::Int64, sizes, &data);
        let axis = Attribute::Int("axis", (lead + dim) as i64);
        value.name = self.op("Gather", &[value.name, positions], &[axis]);
        value.dims.splice(dim..=dim, sizes.iter().copied());
        if read.iter().any(Option::is_none) {
            // Dimensions of 1 for all that follow.
            let behind = value.dims.len() - dim - sizes.len();
            let dims: Vec<usize> = sizes.iter().copied().chain(std::iter::repeat_n(1, behind)).collect();
            let inside: Vec<u8> = read.iter().map(|at| u8::from(at.is_some())).collect();
            let inside = self.constant(Type::Bool, &dims, &inside);
            let zero = self.floats(&[], [0.0]);
            value.name = self.op("Where", &[inside, value.name, zero], &[]);
        }
        value
    }

    /// A value whose dimensions are these axes, with dimensions for all axes of its reader, in their order.
    pub(super) fn in_order(&mut self, value: Value, axes: &[usize], rank: usize) -> Value {
        let mut perm: Vec<usize> = (0..axes.len()).collect();
        perm.sort_by_key(|&i| axes[i]);
        let value = self.transpose(value, &perm);
        let mut dims = vec![1; rank];
        for (&i, &size) in perm.iter().zip(&value.dims) {
            dims[axes[i]] = size;
        }
        self.reshape(value, &dims)
    }
}
