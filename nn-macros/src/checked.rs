//! What the checks hand over to code generation: plain data, no opinions.

use nn_kernels::network::{MetricValue, Network};
use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, Path, Visibility};

/// A network without mistakes.
pub struct Checked {
    /// The declaration around it.
    pub header: Header,
    /// The network itself; the compiler takes it from here.
    pub network: Network,
    /// The user's names of inputs, then targets; as many as `network.fields`, in the same order.
    pub fields: Vec<Name>,
    /// The user's names of the outputs; as many as `network.outputs`, in the same order.
    pub outputs: Vec<Name>,
    /// The functions that the network uses, each once, where the user first wrote it. Each names an item of
    /// `nn::language`: a mention with this span makes editors show its documentation.
    pub words: Vec<Ident>,
    /// Names that nothing uses, with the user's spans: rustc's own lint shall report them (`_name` is silent there).
    pub unused: Vec<Ident>,
}

/// `/// Docs … pub network Digits`, and the path of the facade crate.
#[derive(Clone)]
pub struct Header {
    /// The type's name.
    pub name: Ident,
    /// Doc comments and other attributes.
    pub attributes: Vec<Attribute>,
    /// `pub`, or nothing.
    pub visibility: Visibility,
    /// The facade: `::nn`, or what `crate = …;` says.
    pub path: Path,
}

/// A name with its documentation.
#[derive(Clone)]
pub struct Name {
    /// The user's token.
    pub ident: Ident,
    /// Doc comments and other attributes.
    pub attributes: Vec<Attribute>,
}

/// A network with mistakes, as far as it could be understood: enough to emit its API without a program, so that the rest
/// of the user's crate type-checks. The mistakes themselves are reported beside it.
pub struct Partial {
    /// The declaration around it.
    pub header: Header,
    /// Inputs, then targets.
    pub fields: Vec<PartialField>,
    /// How many of the fields are inputs.
    pub inputs: usize,
    /// The outputs.
    pub outputs: Vec<PartialOutput>,
    /// The names of the metrics, and what they come to, as far as that is known.
    pub metrics: Vec<(String, MetricValue)>,
    /// Whether there is a `loss`.
    pub loss: bool,
    /// Whether there is an `optimizer`.
    pub optimizer: bool,
    /// Whether anything was to be stateful.
    pub stateful: bool,
    /// Whether samples can count differently.
    pub weighted: bool,
    /// The numbers of the inputs that may arrive row by row, where the network says so.
    pub stepwise: Option<Vec<usize>>,
    /// One of the network's mistakes as a `compile_error!` expression. As the length of an array,
    /// `[f32; #error]`, it stands for dimensions that are unknown and silences what would follow from them. (rustc shows
    /// equal errors once, so it does no harm that the mistake is reported beside the type as well.)
    pub error: TokenStream,
}

/// An input or a target of a [`Partial`] network.
pub struct PartialField {
    /// The user's name.
    pub name: Name,
    /// Per-sample dimensions; `None` where the declaration has a mistake.
    pub dims: Option<Vec<usize>>,
    /// `Some(n)` for class indices below `n`.
    pub classes: Option<usize>,
}

/// An output of a [`Partial`] network.
pub struct PartialOutput {
    /// The user's name.
    pub name: Name,
    /// Per-sample dimensions; `None` where they follow from a mistake.
    pub dims: Option<Vec<usize>>,
}
