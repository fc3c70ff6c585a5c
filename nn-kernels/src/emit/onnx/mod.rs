//! The third printer: the graph of prediction as an ONNX graph, for other runtimes.
//!
//! It starts from the graph, not from kernels: fusion is another runtime's own business. Every primitive has a counterpart, and
//! contractions and windows have two: the operation that others know (`MatMul`, `Conv`, `ConvTranspose`, see `contract`), or
//! else an exact way over `Gather` and `Einsum` (`window`).
//!
//! A tensor with batch has it as its first dimension. Broadcasting is left to ONNX's operations as long as possible: a value may
//! have 1 where its node has more (`Value`).

mod contract;
mod loops;
mod proto;
mod window;

use std::collections::BTreeSet;

use crate::graph::{Binary, Graph, Leaf, Node, NodeId, Op, Reduction, Shape, Unary};
use crate::network::Network;
use crate::simplify::{Phase, specialize};

use loops::{Piece, pieces};
use proto::{Attribute, Message, Type, node, tensor, value};

/// The version of ONNX's operations that the graph is made of.
pub const OPSET: u64 = 17;

/// A network as ONNX, but for the numbers of its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The fields of a `GraphProto`; whoever writes a file adds an initializer for each parameter, by its name.
    pub graph: Vec<u8>,
    /// The parameters that prediction reads, by their numbers.
    pub parameters: Vec<usize>,
}

/// The network's prediction, or what of it ONNX has no word for.
pub fn print(network: &Network) -> Result<Template, String> {
    let nodes: Vec<NodeId> = network.outputs.iter().map(|(_, id)| *id).collect();
    let (graph, roots) = specialize(&network.graph, &nodes, Phase::Inference);
    let mut printer = Printer::new(network, &graph);
    for piece in pieces(&graph) {
        match piece {
            Piece::Node(id) => printer.print(id, graph.node(id))?,
            Piece::Loop(of) => printer.scan(of)?,
        }
    }
    for ((name, _), root) in network.outputs.iter().zip(roots) {
        printer.output(name, root);
    }
    Ok(Template { graph: printer.message.into_bytes(), parameters: printer.parameters.into_iter().collect() })
}

/// A node's result in the ONNX graph.
#[derive(Clone, Debug)]
struct Value {
    name: String,
    /// Whether the first dimension is the batch's, and whether it has the batch's size; it may be 1.
    batch: Option<bool>,
    /// The other dimensions as they are: those of the node, or 1.
    dims: Vec<usize>,
}

impl Value {
    fn lead(&self) -> usize {
        usize::from(self.batch.is_some())
    }
}

struct Printer<'g> {
    network: &'g Network,
    graph: &'g Graph,
    message: Message,
    /// The values of all nodes that have been printed.
    values: Vec<Option<Value>>,
    /// The node that is printed.
    current: usize,
    parameters: BTreeSet<usize>,
    /// Names that are taken.
    names: BTreeSet<String>,
    /// The one-element tensor that has the batch's size, once somebody has asked for it.
    batch: Option<String>,
    count: usize,
}

impl<'g> Printer<'g> {
    fn new(network: &'g Network, graph: &'g Graph) -> Self {
        let mut message = Message::default().text(2, &network.name);
        let mut names = BTreeSet::new();
        for field in &network.fields[..network.inputs] {
            let kind = if field.classes.is_some() { Type::Int64 } else { Type::Float };
            message = message.message(11, &value(&field.name, kind, &field.dims));
            names.insert(field.name.clone());
        }
        names.extend(network.parameters.iter().map(|p| p.name.clone()));
        Printer {
            network,
            graph,
            message,
            values: vec![None; graph.len()],
            current: 0,
            parameters: BTreeSet::new(),
            names,
            batch: None,
            count: 0,
        }
    }

    /// A name that nobody else has.
    fn name(&mut self, wish: &str) -> String {
        let mut name = wish.to_owned();
        while !self.names.insert(name.clone()) {
            self.count += 1;
            name = format!("{wish}_{}", self.count);
        }
        name
    }

    fn append(&mut self, field: u64, part: &Message) {
        self.message = std::mem::take(&mut self.message).message(field, part);
    }

    /// Adds an operation and gives the name of its result.
    fn op(&mut self, op: &str, inputs: &[String], attributes: &[Attribute<'_>]) -> String {
        let label = self.graph.label(self.graph.id(self.current));
        let wish = if label.is_empty() { op.to_owned() } else { format!("{label}/{op}") };
        let name = self.name(&wish);
        let part = node(op, &name, inputs, &name, attributes);
        self.append(1, &part);
        name
    }

    fn constant(&mut self, kind: Type, dims: &[usize], data: &[u8]) -> String {
        let name = self.name("constant");
        let part = tensor(&name, kind, dims, data);
        self.append(5, &part);
        name
    }

    fn ints(&mut self, values: impl IntoIterator<Item = i64>) -> String {
        let values: Vec<i64> = values.into_iter().collect();
        let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(Type::Int64, &[values.len()], &data)
    }

    fn floats(&mut self, dims: &[usize], values: impl IntoIterator<Item = f32>) -> String {
        let data: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        self.constant(Type::Float, dims, &data)
    }

    fn cast(&mut self, name: String, to: Type) -> String {
        self.op("Cast", &[name], &[Attribute::Int("to", to as i64)])
    }

    /// The value of a node that has been printed.
    fn value(&self, id: NodeId) -> Value {
        self.values[id.index()].clone().expect("what is read is printed before")
    }

    fn arg(&self, node: &Node, number: usize) -> Value {
        self.value(node.args[number])
    }

    /// Prints a node and keeps its value.
    fn print(&mut self, id: NodeId, node: &Node) -> Result<(), String> {
        self.current = id.index();
        self.values[id.index()] = Some(self.node(node)?);
        Ok(())
    }

    /// An argument with all its dimensions, but for the batch.
    fn full_arg(&mut self, node: &Node, number: usize) -> Value {
        let (value, dims) = (self.arg(node, number), self.graph.shape(node.args[number]).dims.clone());
        self.full(value, &dims)
    }

    /// A value whose pending dimensions have been broadcast.
    fn full(&mut self, value: Value, dims: &[usize]) -> Value {
        if value.dims == dims {
            return value;
        }
        // A dimension of 1 leaves the batch as it is.
        let sizes = value.batch.iter().map(|_| 1).chain(dims.iter().map(|&d| d as i64));
        let sizes = self.ints(sizes);
        let name = self.op("Expand", &[value.name, sizes], &[]);
        Value { name, batch: value.batch, dims: dims.to_vec() }
    }

    /// A value whose first dimension is the batch, and has its size.
    fn batched(&mut self, value: Value) -> Value {
        if value.batch == Some(true) {
            return value;
        }
        let (batch, dims) = (self.batch_size(), value.dims.clone());
        let rest = self.ints(dims.iter().map(|&d| d as i64));
        let sizes = self.op("Concat", &[batch, rest], &[Attribute::Int("axis", 0)]);
        let name = self.op("Expand", &[value.name, sizes], &[]);
        Value { name, batch: Some(true), dims }
    }

    /// The one-element tensor that has the batch's size.
    fn batch_size(&mut self) -> String {
        if let Some(name) = &self.batch {
            return name.clone();
        }
        let input = self.network.fields[0].name.clone();
        let name = self.op("Shape", &[input], &[Attribute::Int("start", 0), Attribute::Int("end", 1)]);
        self.batch.insert(name).clone()
    }

    fn reshape(&mut self, value: Value, dims: &[usize]) -> Value {
        if value.dims == dims {
            return value;
        }
        // 0 leaves a dimension as it is.
        let sizes = value.batch.iter().map(|_| 0).chain(dims.iter().map(|&d| d as i64));
        let sizes = self.ints(sizes);
        let name = self.op("Reshape", &[value.name, sizes], &[]);
        Value { name, batch: value.batch, dims: dims.to_vec() }
    }

    fn transpose(&mut self, value: Value, perm: &[usize]) -> Value {
        if perm.iter().copied().eq(0..perm.len()) {
            return value;
        }
        let lead = value.lead();
        let axes = (0..lead).chain(perm.iter().map(|p| p + lead)).map(|p| p as i64).collect();
        let name = self.op("Transpose", &[value.name], &[Attribute::Ints("perm", axes)]);
        let dims = perm.iter().map(|&p| value.dims[p]).collect();
        Value { name, batch: value.batch, dims }
    }

    /// An elementwise operation.
    fn elementwise(&mut self, op: &str, args: &[Value]) -> Value {
        let names: Vec<String> = args.iter().map(|v| v.name.clone()).collect();
        let name = self.op(op, &names, &[]);
        let batch = args.iter().filter_map(|v| v.batch).reduce(|a, b| a || b);
        let rank = args.iter().map(|v| v.dims.len()).max().unwrap_or(0);
        let dims = (0..rank).map(|i| args.iter().map(|v| v.dims[i]).max().unwrap_or(1)).collect();
        Value { name, batch, dims }
    }

    /// A number, as large as it must be to stand beside tensors of this shape.
    fn number(&mut self, number: f64, shape: &Shape) -> Value {
        let batch = shape.batch.then_some(false);
        let dims = vec![1; shape.rank()];
        let all: Vec<usize> = batch.iter().map(|_| 1).chain(dims.iter().copied()).collect();
        let name = self.floats(&all, [number as f32]);
        Value { name, batch, dims }
    }

    fn node(&mut self, node: &Node) -> Result<Value, String> {
        let shape = &node.shape;
        Ok(match &node.op {
            Op::Leaf(Leaf::Field(number)) => {
                let field = &self.network.fields[*number];
                let name = match field.classes {
                    Some(_) => self.cast(field.name.clone(), Type::Float),
                    None => field.name.clone(),
                };
                Value { name, batch: Some(true), dims: shape.dims.clone() }
            }
            Op::Leaf(Leaf::Parameter(number)) => {
                self.parameters.insert(*number);
                let name = self.network.parameters[*number].name.clone();
                Value { name, batch: None, dims: shape.dims.clone() }
            }
            Op::Constant(number) => self.number(*number, shape),
            Op::Iota(axis) => {
                let mut dims = vec![1; shape.rank()];
                dims[*axis] = shape.dims[*axis];
                let batch = shape.batch.then_some(false);
                let all: Vec<usize> = batch.iter().map(|_| 1).chain(dims.iter().copied()).collect();
                let name = self.floats(&all, (0..shape.dims[*axis]).map(|i| i as f32));
                Value { name, batch, dims }
            }
            Op::Unary(op) => self.unary(*op, self.arg(node, 0), shape)?,
            Op::Binary(op) => self.binary(*op, self.arg(node, 0), self.arg(node, 1)),
            Op::Select => {
                let [mut condition, yes, no] = [0, 1, 2].map(|i| self.arg(node, i));
                condition.name = self.cast(condition.name, Type::Bool);
                self.elementwise("Where", &[condition, yes, no])
            }
            Op::Detach => self.arg(node, 0),
            Op::Broadcast => {
                let value = self.arg(node, 0);
                let missing = shape.rank() - value.dims.len();
                let dims: Vec<usize> = vec![1; missing].into_iter().chain(value.dims.iter().copied()).collect();
                match (value.batch, shape.batch) {
                    (None, true) => {
                        let all: Vec<usize> = std::iter::once(1).chain(dims.iter().copied()).collect();
                        let name = self.reshape(value, &all).name;
                        Value { name, batch: Some(false), dims }
                    }
                    _ => self.reshape(value, &dims),
                }
            }
            Op::Reshape => {
                let value = self.full_arg(node, 0);
                self.reshape(value, &shape.dims)
            }
            Op::Permute(perm) => self.transpose(self.arg(node, 0), perm),
            Op::Slice(starts) => {
                let value = self.full_arg(node, 0);
                let ends = starts.iter().zip(&shape.dims).map(|(&start, &size)| (start + size) as i64);
                let lead = value.lead();
                let [starts, ends, axes] = [
                    self.ints(starts.iter().map(|&s| s as i64)),
                    self.ints(ends),
                    self.ints((0..starts.len()).map(|axis| (axis + lead) as i64)),
                ];
                let name = self.op("Slice", &[value.name, starts, ends, axes], &[]);
                Value { name, batch: value.batch, dims: shape.dims.clone() }
            }
            Op::Concat(axis) => {
                let mut parts: Vec<Value> = (0..node.args.len()).map(|i| self.full_arg(node, i)).collect();
                if parts.iter().any(|part| part.batch == Some(true)) {
                    parts = parts.into_iter().map(|part| self.batched(part)).collect();
                }
                let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
                let axis = Attribute::Int("axis", (axis + parts[0].lead()) as i64);
                let name = self.op("Concat", &names, &[axis]);
                Value { name, batch: parts[0].batch, dims: shape.dims.clone() }
            }
            Op::Window(accesses) => {
                let value = self.full_arg(node, 0);
                let (value, axes) = self.gather(value, accesses, &|axis| shape.dims[axis])?;
                self.in_order(value, &axes, shape.rank())
            }
            Op::Reduce { how, axes, batch: false } => {
                let value = self.full_arg(node, 0);
                self.reduce(*how, value, axes)
            }
            Op::Contract(contraction) => {
                let [a, b] = [0, 1].map(|i| self.full_arg(node, i));
                self.contract(contraction, a, b, shape)?
            }
            Op::Gather => {
                let (table, numbers) = (self.full_arg(node, 0), self.full_arg(node, 1));
                let numbers_name = self.cast(numbers.name, Type::Int64);
                let name = self.op("Gather", &[table.name, numbers_name], &[Attribute::Int("axis", 0)]);
                Value { name, batch: numbers.batch, dims: shape.dims.clone() }
            }
            Op::Random(_) => return Err("random numbers".into()),
            Op::Leaf(Leaf::Kept(_)) => {
                return Err("states that are kept from batch to batch (`stateful = true`)".into());
            }
            Op::At(_) | Op::Carry(..) | Op::Stacked(..) | Op::Final(..) => unreachable!("parts of a loop"),
            Op::Scalar(_) | Op::ByPhase | Op::Leaf(_) | Op::Scatter | Op::Reduce { batch: true, .. } => {
                return Err("numbers that belong to training".into());
            }
        })
    }

    fn unary(&mut self, op: Unary, x: Value, shape: &Shape) -> Result<Value, String> {
        let name = match op {
            Unary::Negate => "Neg",
            Unary::Exp => "Exp",
            Unary::Log => "Log",
            Unary::Sqrt => "Sqrt",
            Unary::Reciprocal => "Reciprocal",
            Unary::Abs => "Abs",
            Unary::Sign => "Sign",
            Unary::Floor => "Floor",
            Unary::Tanh => "Tanh",
            Unary::Sigmoid => "Sigmoid",
            Unary::Erf => "Erf",
            Unary::Sin => "Sin",
            Unary::Cos => "Cos",
            Unary::ExpM1 => {
                let (y, one) = (self.elementwise("Exp", &[x]), self.number(1.0, shape));
                return Ok(self.elementwise("Sub", &[y, one]));
            }
            Unary::Log1p => {
                let one = self.number(1.0, shape);
                let y = self.elementwise("Add", &[x, one]);
                return Ok(self.elementwise("Log", &[y]));
            }
            Unary::ToHalf | Unary::IsFinite => return Err("operations of mixed precision".into()),
        };
        Ok(self.elementwise(name, &[x]))
    }

    fn binary(&mut self, op: Binary, a: Value, b: Value) -> Value {
        let (name, is_comparison) = match op {
            Binary::Add => ("Add", false),
            Binary::Subtract => ("Sub", false),
            Binary::Multiply => ("Mul", false),
            Binary::Divide => ("Div", false),
            Binary::Power => ("Pow", false),
            Binary::Minimum => ("Min", false),
            Binary::Maximum => ("Max", false),
            Binary::Less => ("Less", true),
            Binary::LessEqual => ("LessOrEqual", true),
            Binary::Equal => ("Equal", true),
        };
        let mut value = self.elementwise(name, &[a, b]);
        if is_comparison {
            value.name = self.cast(value.name, Type::Float);
        }
        value
    }

    fn reduce(&mut self, how: Reduction, value: Value, axes: &[usize]) -> Value {
        let numbers: Vec<i64> = axes.iter().map(|axis| (axis + value.lead()) as i64).collect();
        let keep = Attribute::Int("keepdims", 0);
        let name = match how {
            Reduction::Sum => {
                let axes = self.ints(numbers);
                self.op("ReduceSum", &[value.name, axes], &[keep])
            }
            Reduction::Maximum => self.op("ReduceMax", &[value.name], &[keep, Attribute::Ints("axes", numbers)]),
            Reduction::Minimum => self.op("ReduceMin", &[value.name], &[keep, Attribute::Ints("axes", numbers)]),
        };
        let kept = value.dims.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, &d)| d);
        Value { name, batch: value.batch, dims: kept.collect() }
    }

    /// Names a node's value as an output, with the batch in front and all its dimensions.
    fn output(&mut self, name: &str, root: NodeId) {
        let dims = self.graph.shape(root).dims.clone();
        let value = self.value(root);
        let full = self.full(value, &dims);
        let batched = self.batched(full);
        // An input may have an output's name.
        let name = if self.names.contains(name) { self.name(&format!("{name}_output")) } else { self.name(name) };
        let part = node("Identity", &name, &[batched.name], &name, &[]);
        self.append(1, &part);
        let part = value_of(&name, &dims);
        self.append(12, &part);
    }
}

fn value_of(name: &str, dims: &[usize]) -> Message {
    value(name, Type::Float, dims)
}
