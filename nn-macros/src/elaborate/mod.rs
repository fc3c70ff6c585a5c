//! From statements to networks: names, values, and all that can be wrong with them.
//!
//! Expressions are evaluated as they stand: constants become numbers, functions add nodes to the network's graph. A
//! mistake is reported where it is found, and its value becomes [`Value::Error`], about which nobody complains again.

mod apply;
mod argument;
mod bind;
mod block;
mod call;
mod condition;
mod distributed;
mod explain;
mod expression;
mod family;
mod groups;
mod names;
mod optimizer;
mod pipe;
mod precision;
mod regularize;
mod repeat;
mod scan;
mod scope;
mod slots;
mod statement;
mod states;
mod stepwise;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use nn_kernels::network::{MetricValue, Network};
use proc_macro2::Ident;

use self::groups::Pattern;
use self::scope::Scope;
use self::value::Value;
use crate::ast::{self, Block, Body, File, Item};
use crate::checked::{Checked, Header, Name, Partial, PartialField, PartialOutput};
use crate::diagnostics::{Diagnostic, Diagnostics, Place};

/// How many names, functions and operators a network may have, blocks expanded. It bounds what blocks that use blocks that use
/// blocks can cost.
const OPERATIONS: usize = 10_000;
/// How many expressions may be evaluated for that: constants and lists cost time, too.
const STEPS: usize = 250_000;
/// How deeply expressions may nest, blocks expanded.
const DEPTH: usize = 100;

/// How many axes a shape may have.
const AXES: usize = 6;

/// Elaborates all networks.
pub fn file(file: &File, diagnostics: &mut Diagnostics) -> Vec<Elaborated> {
    let path = file.path.clone().unwrap_or_else(|| syn::parse_quote!(::nn));
    let mut elaborator = Elaborator::new(file, diagnostics);
    let mut networks: Vec<Elaborated> = Vec::new();
    let mut lines = BTreeMap::new();
    for item in &file.items {
        match item {
            Item::Block(block) => {
                elaborator.scopes = vec![Scope::new(&[], None, elaborator.blocks.len())];
                elaborator.declare_block(block);
            }
            Item::Network(network) => {
                let line = Place::from(network.name.span()).line();
                if let Some(line) = lines.insert(network.name.to_string(), line) {
                    elaborator
                        .diagnostics
                        .error(
                            network.name.span(),
                            format!("there is a network `{}` already, on line {line}", network.name),
                        )
                        .help("choose another name");
                    continue;
                }
                networks.push(elaborator.network(network, &path));
            }
        }
    }
    // Shared blocks that nothing uses are the first network's to report.
    let unused = elaborator.unused_blocks(0);
    if let Some(first) = networks.first_mut() {
        first.unused.extend(unused);
    }
    networks
}

/// A network, with mistakes or without.
pub struct Elaborated {
    header: Header,
    network: Network,
    inputs: Vec<Field>,
    targets: Vec<Field>,
    outputs: Vec<Output>,
    /// The metrics' names, also of those with mistakes, and what they come to.
    metrics: Vec<(Ident, MetricValue)>,
    has_loss: bool,
    has_optimizer: bool,
    stateful: bool,
    /// The numbers of the inputs that may arrive row by row, if there are some.
    stepwise: Option<Vec<usize>>,
    words: Vec<Ident>,
    unused: Vec<Ident>,
}

struct Field {
    name: Name,
    kind: Option<nn_kernels::network::Field>,
}

struct Output {
    name: Name,
    dims: Option<Vec<usize>>,
}

impl Elaborated {
    /// For a network without mistakes.
    pub fn checked(self) -> Checked {
        let fields = self.inputs.into_iter().chain(self.targets).map(|f| f.name).collect();
        let outputs = self.outputs.into_iter().map(|o| o.name).collect();
        Checked { header: self.header, network: self.network, fields, outputs, words: self.words, unused: self.unused }
    }

    /// For a network with mistakes, of which one is given.
    pub fn partial(self, mistake: &Diagnostic) -> Partial {
        let inputs = self.inputs.len();
        let field = |field: Field| {
            let (dims, classes) = field.kind.map_or((None, None), |kind| (Some(kind.dims), kind.classes));
            PartialField { name: field.name, dims, classes }
        };
        Partial {
            header: self.header,
            fields: self.inputs.into_iter().chain(self.targets).map(field).collect(),
            inputs,
            outputs: self.outputs.into_iter().map(|o| PartialOutput { name: o.name, dims: o.dims }).collect(),
            metrics: self.metrics.iter().map(|(name, value)| (name.to_string(), *value)).collect(),
            loss: self.has_loss,
            optimizer: self.has_optimizer,
            stateful: self.stateful,
            weighted: self.network.sample_weight.is_some(),
            stepwise: self.stepwise,
            error: mistake.to_compile_error(),
        }
    }
}

/// The state of elaboration.
struct Elaborator<'a, 'd> {
    diagnostics: &'d mut Diagnostics,
    /// All blocks and networks, also those to come.
    items: &'a [Item],
    /// What stands in braces in expressions, by number.
    bodies: &'a [Body],
    /// All blocks so far, in order of declaration; each sees those before it.
    blocks: Vec<BlockState<'a>>,
    /// Where in `blocks` each name is.
    block_names: BTreeMap<String, usize>,
    /// The network's names, and on top of them those of each block that is being used.
    scopes: Vec<Scope<'a>>,
    network: Network,
    /// Where parameters get their names: statement, then bindings inside of blocks, and indices of loops.
    path: String,
    /// Paths of layers with parameters, and the number that the next one of the same path gets.
    layers: BTreeMap<String, usize>,
    /// How many inputs and targets the network has, also those to come.
    declared_fields: usize,
    /// For each node so far, a target that it is computed from.
    targets_behind: Vec<Option<usize>>,
    /// Pairs of values that have been found not to be comparable, as text.
    compared: BTreeSet<String>,
    /// The functions in use, each where it was met first.
    words: BTreeMap<String, Ident>,
    /// Names in blocks that nothing uses.
    unused: Vec<Ident>,
    /// Patterns of parameters' names in the optimizer's groups; they are compared with the names when all of them are known.
    patterns: Vec<Pattern>,
    /// Whether a block is looked at on its own, without arguments: nothing of it becomes part of a network.
    declaring: bool,
    /// Whether the expression is (part of) the loss.
    in_loss: bool,
    /// The scan whose body is evaluated, and its line.
    scanning: Option<(String, usize)>,
    /// What loops end with: the final states by name, for each loop.
    states: Vec<Vec<(String, Value)>>,
    operations: usize,
    steps: usize,
    depth: usize,
    /// Where the network itself uses the block that is being used.
    use_in_network: Option<Place>,
    /// Whether anything was to be stateful, also what has a mistake.
    stateful: bool,
    /// A limit has been exceeded: nothing more is evaluated.
    stopped: bool,
}

struct BlockState<'a> {
    block: &'a Block,
    used: bool,
    /// Whether it has no mistake of its own.
    sound: bool,
}

impl<'a, 'd> Elaborator<'a, 'd> {
    fn new(file: &'a File, diagnostics: &'d mut Diagnostics) -> Self {
        Elaborator {
            diagnostics,
            items: &file.items,
            bodies: &file.bodies,
            blocks: Vec::new(),
            block_names: BTreeMap::new(),
            scopes: Vec::new(),
            network: Network::default(),
            path: String::new(),
            layers: BTreeMap::new(),
            declared_fields: 0,
            targets_behind: Vec::new(),
            compared: BTreeSet::new(),
            words: BTreeMap::new(),
            unused: Vec::new(),
            patterns: Vec::new(),
            declaring: false,
            in_loss: false,
            scanning: None,
            states: Vec::new(),
            operations: 0,
            steps: 0,
            depth: 0,
            use_in_network: None,
            stateful: false,
            stopped: false,
        }
    }

    fn network(&mut self, source: &'a ast::Network, path: &syn::Path) -> Elaborated {
        let shared_blocks = self.blocks.len();
        self.network = Network { name: source.name.to_string(), ..Network::default() };
        self.scopes = vec![Scope::new(&source.statements, None, shared_blocks)];
        self.layers.clear();
        self.compared.clear();
        self.targets_behind.clear();
        self.patterns.clear();
        (self.operations, self.steps, self.depth, self.stopped) = (0, 0, 0, false);

        let header = Header {
            name: source.name.clone(),
            attributes: source.attributes.clone(),
            visibility: source.visibility.clone(),
            path: path.clone(),
        };
        let declared = self.statements(source);

        let mut unused: Vec<Ident> = self.scope().unused().cloned().collect();
        unused.extend(self.unused_blocks(shared_blocks));
        unused.append(&mut self.unused);
        self.blocks.truncate(shared_blocks);
        self.block_names.retain(|_, index| *index < shared_blocks);
        let position = |name: &Ident| (name.span().start().line, name.span().start().column);
        unused.sort_by_key(position);
        // What is applied several times has its names each time.
        unused.dedup_by(|a, b| a == b && position(a) == position(b));
        Elaborated {
            header,
            network: std::mem::take(&mut self.network),
            inputs: declared.inputs,
            targets: declared.targets,
            outputs: declared.outputs,
            metrics: declared.metrics,
            has_loss: declared.loss.is_some(),
            has_optimizer: declared.optimizer.is_some(),
            stateful: std::mem::take(&mut self.stateful),
            stepwise: declared.stepwise.map(|(_, numbers)| numbers),
            words: std::mem::take(&mut self.words).into_values().collect(),
            unused,
        }
    }

    fn unused_blocks(&self, from: usize) -> Vec<Ident> {
        self.blocks[from..].iter().filter(|b| !b.used).map(|b| b.block.name.clone()).collect()
    }

    /// The block of this name that can be seen from here.
    fn visible_block(&self, name: &str) -> Option<usize> {
        let visible = self.scope().blocks;
        self.block_names.get(name).copied().filter(|index| *index < visible)
    }

    /// Declares a name; a second declaration is a mistake.
    fn declare(&mut self, ident: &Ident, value: Value) {
        if self.scope().scan.as_ref().is_some_and(|scan| scan.has(ident)) {
            return self.assign(ident, value);
        }
        let name = ident.to_string();
        let own = self.scope().get(&name).is_some();
        let around = self.lookup(&name).filter(|_| !own).map(|name| name.ident.clone());
        match around {
            Some(twin) => self.declared_twice(ident, &twin),
            None => self.declare_parameter(ident, value),
        }
    }

    /// Declares a parameter of a block or a closure, which may have the name of something around it.
    fn declare_parameter(&mut self, ident: &Ident, value: Value) {
        let block = self.visible_block(&ident.to_string()).map(|i| self.blocks[i].block.name.clone());
        self.count_operation(ident.span().into());
        let scope = self.scopes.last_mut().expect("there is always a scope");
        let twin = block.or(scope.declare(ident, value).err());
        if let Some(twin) = twin {
            self.declared_twice(ident, &twin);
        }
    }

    fn declared_twice(&mut self, ident: &Ident, twin: &Ident) {
        if self.is_state_around(ident) {
            return;
        }
        let line = Place::from(twin.span()).line();
        self.diagnostics
            .error(ident.span(), format!("`{ident}` is declared already, on line {line}"))
            .help(format!("a name is given once and keeps its value: choose another one, such as `{ident}_2`"));
    }

    fn too_many_axes(&mut self, place: Place, axes: usize) {
        self.diagnostics.error(place, format!("a shape has at most {AXES} axes, but here are {axes}"));
    }

    /// Counts an operation, and says whether there is room for it.
    fn count_operation(&mut self, place: Place) -> bool {
        self.operations += 1;
        if self.operations > OPERATIONS {
            self.too_much(place);
        }
        !self.stopped
    }

    /// Stops at a place where a limit is exceeded.
    fn too_much(&mut self, place: Place) {
        if !std::mem::replace(&mut self.stopped, true) {
            self.diagnostics
                .error(
                    self.use_in_network.unwrap_or(place),
                    format!("with this, the network has more than {OPERATIONS} names and operations"),
                )
                .note("each use of a block, and each application in a loop, counts with all that it contains");
        }
    }
}
