//! Penalties and constraints of a layer's parameters.

use nn_kernels::network::Constrained;

use super::Elaborator;
use crate::functions::{Arguments, Function};

impl Elaborator<'_, '_> {
    /// Notes what a layer's call says about its weights and its bias. `false` after a mistake.
    pub fn regularize(&mut self, function: &Function, path: &str, arguments: &Arguments) -> bool {
        let mut sound = true;
        for (tensor, regularizer, constraint) in
            [("weight", "regularizer", "constraint"), ("bias", "bias_regularizer", "bias_constraint")]
        {
            let (penalty, constraint_given) = (arguments.regularizer(regularizer), arguments.constraint(constraint));
            if penalty.is_none() && constraint_given.is_none() {
                continue;
            }
            let numbers = self.tensors_of(path, tensor);
            if numbers.is_empty() {
                let option = if penalty.is_some() { regularizer } else { constraint };
                if let Some(&place) = arguments.places.get(option) {
                    let message = format!("`{option}` is about a {tensor}, but this layer has none");
                    self.diagnostics.error(place, message).help("remove it, or `bias = false`");
                }
                sound = false;
            }
            // A transposed convolution's filters are its second axis.
            let groups = function.name.starts_with("conv_transpose").then(|| arguments.count("groups"));
            for number in numbers {
                if let Some(penalty) = penalty {
                    self.network.penalties.insert(number, penalty);
                }
                if let Some(constraint) = constraint_given {
                    let dims = &self.network.parameters[number].dims;
                    let constrained = match groups {
                        Some(groups) => Constrained::columns(constraint, dims, groups),
                        None => Constrained::rows(constraint, dims),
                    };
                    self.network.constraints.insert(number, constrained);
                }
            }
        }
        sound
    }

    /// The numbers of a layer's tensors of this name: several if it is made of several layers.
    fn tensors_of(&self, path: &str, tensor: &str) -> Vec<usize> {
        let parameters = self.network.parameters.iter().enumerate();
        let belongs = |name: &str| {
            let rest = name.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| rest == tensor || rest.ends_with(&format!(".{tensor}")))
        };
        parameters.filter(|(_, p)| p.trainable && belongs(&p.name)).map(|(number, _)| number).collect()
    }
}
