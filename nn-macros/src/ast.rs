//! The statements as written. Every expression is a Rust expression, and every mistake is confined to its statement.
//!
//! A part that could not be read is `None`: that was reported, and whoever meets it keeps silent. The names that such a
//! statement declares are there all the same, so that nobody complains that they are missing.

use std::collections::BTreeSet;

use proc_macro2::Ident;
use syn::{Attribute, Expr, Path, Visibility};

use crate::diagnostics::Place;

/// The content of one `network! { … }`.
#[derive(Default)]
pub struct File {
    /// What `crate = …;` says.
    pub path: Option<Path>,
    /// Blocks and networks in order.
    pub items: Vec<Item>,
    /// What stands in braces in expressions, which hold its number; see [`crate::parse::body_number`].
    pub bodies: Vec<Body>,
}

/// What stands in `network! { … }`.
pub enum Item {
    /// A block that all networks after it share.
    Block(Block),
    /// A network.
    Network(Network),
}

/// `pub network Name { … }`.
pub struct Network {
    /// Doc comments and other attributes.
    pub attributes: Vec<Attribute>,
    /// `pub`, or nothing.
    pub visibility: Visibility,
    /// Its name.
    pub name: Ident,
    /// Its statements, in order.
    pub statements: Vec<Statement>,
    /// Whether all of it could be read.
    pub sound: bool,
}

/// `block name(parameters) { … }` or `shared block …`.
pub struct Block {
    /// Whether its parameters exist once, however often it is used.
    pub shared: bool,
    /// Its name.
    pub name: Ident,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// `const`s and bindings, in order.
    pub statements: Vec<Statement>,
    /// Its last expression; `None` if that could not be read.
    pub value: Option<Expr>,
    /// Whether its parameters could be read.
    pub callable: bool,
    /// Whether all of it could be read.
    pub sound: bool,
}

/// A parameter of a block.
pub struct Parameter {
    /// Its name.
    pub name: Ident,
    /// `name: block`: whether it is a block itself.
    pub is_block: bool,
    /// What it is if the call does not say.
    pub default: Option<Expr>,
}

/// `scan name(parameters) { … }`.
pub struct Scan {
    /// The word.
    pub word: Ident,
    /// Its name, which is that of its values at all steps.
    pub name: Ident,
    /// What it goes over, its states, and what it reads at each step.
    pub parameters: Vec<ScanParameter>,
    /// `const`s and bindings, in order.
    pub statements: Vec<Statement>,
    /// Its last expression: the value of a step; `None` if that could not be read.
    pub value: Option<Expr>,
    /// Whether its parameters could be read.
    pub callable: bool,
}

/// What stands in the parentheses of a scan.
pub struct ScanParameter {
    /// Its name.
    pub name: Ident,
    /// `name in value`: whether it is a step's part of a sequence. Otherwise `name = value` says what it begins with.
    pub each: bool,
    /// The sequence, or the beginning; `None` if it has none.
    pub value: Option<Expr>,
}

/// Statements and a value in braces: a branch of an `if`, or what a closure does.
pub struct Body {
    /// `const`s and bindings, in order.
    pub statements: Vec<Statement>,
    /// Its last expression; `None` if that could not be read.
    pub value: Option<Expr>,
    /// All words in it: what a branch that is not taken would use.
    pub words: BTreeSet<String>,
}

/// A statement.
pub enum Statement {
    /// `const NAME = value;`
    Const { name: Ident, value: Option<Expr> },
    /// `input name: kind;` or `target name: kind;`
    Field { attributes: Vec<Attribute>, target: bool, name: Ident, kind: Option<FieldKind> },
    /// A block of this network.
    Block(Block),
    /// A loop over sequences.
    Scan(Scan),
    /// `name = value;` or `(a, b) = value;`
    Let { names: Names, value: Option<Expr> },
    /// `output name = value;`; without `= value` in the source, `value` is the name.
    Output { attributes: Vec<Attribute>, name: Ident, value: Option<Expr> },
    /// `loss value;`
    Loss { word: Ident, value: Option<Expr> },
    /// `metric value;` or `metric name = value;`
    Metric { name: Option<Ident>, value: Option<Expr> },
    /// `optimizer value;`
    Optimizer { word: Ident, value: Option<Expr> },
    /// `precision value;`
    Precision { word: Ident, value: Option<Expr> },
    /// `stepwise name, name;`
    Stepwise { word: Ident, names: Vec<Ident> },
}

/// What stands left of `=`.
pub enum Names {
    /// One name for the whole value.
    One(Ident),
    /// A name for each of several values; `None` stands for `_`.
    Several { place: Place, names: Vec<Option<Ident>> },
}

/// The type of an input or target.
pub struct FieldKind {
    /// `class(N)`, or plain numbers.
    pub classes: Option<Expr>,
    /// What is in the brackets.
    pub dims: Vec<Expr>,
    /// All of it.
    pub place: Place,
}
