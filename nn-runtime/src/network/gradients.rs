//! What `gradients` gives.

use std::fmt;

use super::{find, unknown};
use crate::backend;
use crate::checkpoint;
use crate::error::{Error, Result};
use crate::program::{Field, Program};

/// The loss of a batch and its gradients.
#[derive(Clone)]
pub struct Gradients {
    pub(super) program: &'static Program,
    pub(super) values: backend::Gradients,
}

impl Gradients {
    /// The mean loss over the batch.
    pub fn loss(&self) -> f32 {
        self.values.loss
    }

    /// The gradient with respect to a parameter, in the parameter's layout.
    ///
    /// # Errors
    /// If there is no such parameter, or if it is a buffer, which has no gradient.
    pub fn parameter(&self, name: &str) -> Result<&[f32]> {
        let parameter = find(self.program, name)?;
        if !parameter.trainable {
            return Err(Error::Option(format!("`{name}` is a buffer: it has no gradient")));
        }
        Ok(checkpoint::slice(parameter, &self.values.parameters))
    }

    /// The names of all trained parameters and the gradients with respect to them, in order of declaration.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, &[f32])> {
        let trained = self.program.parameters.iter().filter(|p| p.trainable);
        trained.map(|p| (p.name, checkpoint::slice(p, &self.values.parameters)))
    }

    /// The gradient with respect to an input (or a target): one number for each number of each sample. Since the loss
    /// is a mean, each sample's numbers carry the factor 1 / samples.
    ///
    /// # Errors
    /// If there is no such field, or if the loss has no gradient with respect to it, as for class indices.
    pub fn input(&self, name: &str) -> Result<&[f32]> {
        let fields = self.program.fields;
        let Some(number) = fields.iter().position(|f| f.name == name) else {
            return Err(unknown(self.program, "input", name, fields.iter().map(|f| f.name)));
        };
        let found = self.values.fields.iter().find(|(n, _)| *n == number);
        found.map(|(_, values)| values.as_slice()).ok_or_else(|| {
            let Field { name, classes, .. } = fields[number];
            let why = if classes.is_some() { ", which holds class indices" } else { "" };
            Error::Option(format!("the loss has no gradient with respect to `{name}`{why}"))
        })
    }
}

impl fmt::Debug for Gradients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Gradients { program, values } = self;
        write!(f, "Gradients of {} {{ loss: {}, {} parameters }}", program.name, values.loss, program.parameters.len())
    }
}
