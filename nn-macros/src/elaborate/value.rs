//! What expressions are.

use std::rc::Rc;

use nn_kernels::graph::{Graph, NodeId};
use nn_kernels::layers::Init;
use nn_kernels::network::{Constraint, Penalty};

use super::apply::Applicable;
use crate::numbers::Number;
use crate::text;

/// The value of an expression.
#[derive(Clone, Debug)]
pub enum Value {
    /// A constant.
    Number(Number),
    /// `true` or `false`.
    Flag(bool),
    /// Text in quotes.
    Text(String),
    /// An initializer.
    Init(Init),
    /// A regularizer.
    Regularizer(Penalty),
    /// A constraint.
    Constraint(Constraint),
    /// Values in brackets.
    List(Vec<Value>),
    /// Several results.
    Tuple(Vec<Value>),
    /// A tensor.
    Tensor(Tensor),
    /// A block that is passed to a block.
    Block(Rc<Applicable>),
    /// What follows from a mistake that has been reported. Nobody complains about it again.
    Error,
}

/// A tensor of the graph.
#[derive(Clone, Copy, Debug)]
pub struct Tensor {
    /// Its node.
    pub node: NodeId,
    /// `Some(n)` for class indices below `n`.
    pub classes: Option<usize>,
    /// Where it is what a loop gave at all steps: the number of the loop's final states.
    pub states: Option<usize>,
}

impl Value {
    /// A tensor of plain numbers.
    pub fn numbers(node: NodeId) -> Self {
        Value::Tensor(Tensor { node, classes: None, states: None })
    }

    /// Whether it is no tensor, and holds none: a scan sees it, wherever it is declared.
    pub fn is_constant(&self) -> bool {
        match self {
            Value::Tensor(_) => false,
            Value::List(values) | Value::Tuple(values) => values.iter().all(Value::is_constant),
            _ => true,
        }
    }

    /// How to take several results apart, where one value is expected.
    pub fn destructuring(&self, written: &str) -> Option<String> {
        let Value::Tuple(values) = self else { return None };
        let names: Vec<String> = (0..values.len()).map(|i| char::from(b'a' + i as u8 % 26).to_string()).collect();
        Some(format!("take it apart, and go on with its parts: `({}) = {written};`", names.join(", ")))
    }

    /// What it is, for a sentence: "`x` is …".
    pub fn describe(&self, graph: &Graph) -> String {
        match self {
            Value::Number(Number::Integer(n, _)) => format!("the integer {n}"),
            Value::Number(Number::Float(x)) => format!("the float {x:?}"),
            Value::Flag(flag) => format!("`{flag}`"),
            Value::Text(text) => format!("the text {text:?}"),
            Value::Init(init) => format!("the initializer `{}`", init.name()),
            Value::Regularizer(_) => "a regularizer".to_owned(),
            Value::Constraint(_) => "a constraint".to_owned(),
            Value::List(values) => format!("a list of {}", text::count(values.len(), "value")),
            Value::Tuple(values) => format!("a tuple of {}", text::count(values.len(), "value")),
            Value::Tensor(tensor) => tensor.describe(graph),
            Value::Block(_) => "a block".to_owned(),
            Value::Error => "a mistake".to_owned(),
        }
    }
}

impl Tensor {
    /// Its type as one would declare it: `[16, 14, 14]`, `class(10)`, `class(50)[12]`.
    pub fn describe(&self, graph: &Graph) -> String {
        let shape = graph.shape(self.node);
        match self.classes {
            None => shape.to_string(),
            Some(n) if shape.dims.is_empty() => format!("class({n})"),
            Some(n) => format!("class({n}){shape}"),
        }
    }
}
