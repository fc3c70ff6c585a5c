//! Random networks, for tests that compare the ways to run one.
//!
//! A network is a pure function of its number. It mixes most layers, on shapes that hit edges (sizes that are multiples
//! of four and sizes that are not, single elements, rows long enough for a workgroup), and uses values several times.
//! Magnitudes are kept moderate and steep functions away from their poles, so that f32 and f64 agree closely on data in
//! [-1, 1].

mod images;
mod loops;
mod options;
mod sequences;

use crate::graph::{Graph, Leaf, NodeId, Shape};
use crate::layers::{self, Affine, Counting, Init, Target, losses};
use crate::network::{Field, LossScale, MetricDeclaration, Network, Optimizer, Precision, Rule};
use crate::shape::Fact;

/// The network of this number.
pub fn network(seed: u32) -> Network {
    let counting = Dice(u64::from(seed) ^ 0x00c0_0417);
    let mut maker = Maker { network: Network::default(), dice: Dice(u64::from(seed)), counting, values: vec![] };
    maker.network.name = format!("Random{seed}");
    maker.inputs();
    if has_tokens(seed) {
        // What does not fit is left out.
        let _ = maker.tokens(seed);
    }
    let steps = 3 + maker.dice.below(9);
    for step in 0..steps {
        maker.network.graph.set_label(&format!("step{step}"));
        maker.step(step);
    }
    if seed % 4 == 1 {
        maker.network.graph.set_label("loop");
        // What does not fit adds nothing.
        let _ = maker.through_time(seed);
    }
    maker.finish();
    if is_mixed(seed) {
        // Gradients are moderate, so a scale of this size is what they need.
        let scale = LossScale { initial: 1024.0, dynamic: !seed.is_multiple_of(2), ..LossScale::default() };
        maker.network.precision = Precision::Mixed(scale);
    }
    options::draw(&mut maker.network, seed);
    maker.network
}

/// Whether the network of this number computes in mixed precision: numbers that differ by less than f32 can tell may then be rounded
/// to neighbouring f16.
pub fn is_mixed(seed: u32) -> bool {
    seed % 5 == 3
}

/// Whether the network of this number reads tokens. Rows that are equal sum to numbers in the middle between two f16, which f64 need
/// not tell, so none of them computes in mixed precision.
pub fn has_tokens(seed: u32) -> bool {
    seed % 4 == 2 && !is_mixed(seed)
}

/// A small generator of random numbers: SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A value that later steps can use, and about how large its elements get.
#[derive(Clone, Copy)]
struct Value {
    node: NodeId,
    bound: f64,
}

struct Maker {
    network: Network,
    dice: Dice,
    /// Draws what counts in losses.
    counting: Dice,
    values: Vec<Value>,
}

/// More elements than this in one sample are made fewer.
const LARGE: usize = 400;

impl Maker {
    fn inputs(&mut self) {
        self.network.inputs = 1 + self.dice.below(3);
        for i in 0..self.network.inputs {
            let dims = self.dims();
            let node = self.field(&format!("input{i}"), &dims, None);
            self.values.push(Value { node, bound: 1.0 });
        }
    }

    fn dims(&mut self) -> Vec<usize> {
        if self.dice.one_in(12) {
            return vec![self.dice.pick(&[300, 257, 320])];
        }
        if self.dice.one_in(4) {
            return self.image_dims();
        }
        let rank = self.dice.pick(&[1, 1, 2, 2, 3]);
        (0..rank).map(|_| self.dice.pick(&[1, 2, 3, 4, 4, 5, 6, 7, 8])).collect()
    }

    fn field(&mut self, name: &str, dims: &[usize], classes: Option<usize>) -> NodeId {
        let number = self.network.fields.len();
        self.network.fields.push(Field { name: name.to_owned(), dims: dims.to_vec(), classes });
        self.network.graph.leaf(Leaf::Field(number), Shape::batched(dims))
    }

    fn dims_of(&self, x: Value) -> Vec<usize> {
        self.network.graph.shape(x.node).dims.clone()
    }

    fn graph(&mut self) -> &mut Graph {
        &mut self.network.graph
    }

    /// Adds one more value. A combination that does not fit adds nothing.
    fn step(&mut self, number: usize) {
        // Mostly what is new, sometimes anything.
        let recent = self.values.len().saturating_sub(2);
        let position = if self.dice.one_in(3) { self.dice.below(self.values.len()) } else { recent };
        let mut x = self.values[position.max(self.dice.below(self.values.len()).min(recent))];
        if x.bound > 3.0 {
            let factor = 2.0 / x.bound;
            x = Value { node: self.graph().scale(x.node, factor), bound: 2.0 };
        }
        let made = match self.dice.below(17) {
            0 | 1 => self.affine(number, x),
            2 | 3 => self.activation(number, x),
            4 => self.function(x),
            5 | 6 => self.combination(x),
            7 => self.reduction(x),
            8 => self.movement(x),
            9 => self.product(x),
            10 => self.normalization(x),
            11..14 => self.convolution(number, x),
            14 => self.pooling(x),
            15 => self.batch_norm(number, x),
            _ => self.parameter(number, x),
        };
        if let Ok(value) = made
            && self.network.graph.shape(value.node).size() <= 2 * LARGE
        {
            self.values.push(value);
        }
    }

    fn affine(&mut self, number: usize, mut x: Value) -> Result<Value, Fact> {
        let path = format!("step{number}.linear");
        let options = Affine { bias: !self.dice.one_in(4), ..Affine::new(self.dice.pick(&[1, 2, 3, 4, 7, 8, 12, 16])) };
        if self.dice.one_in(2) {
            x.node = layers::flatten(self.graph(), x.node)?;
        }
        let inputs = self.dims_of(x).last().copied().unwrap_or(1);
        let node = layers::linear(&mut self.network, &path, x.node, &options)?;
        Ok(Value { node, bound: x.bound * (inputs as f64).sqrt() + 1.0 })
    }

    fn activation(&mut self, number: usize, x: Value) -> Result<Value, Fact> {
        let path = format!("step{number}.prelu");
        let kind = self.dice.below(22);
        let slopes = if self.dice.one_in(2) { self.dims_of(x).first().copied().unwrap_or(1) } else { 1 };
        let tanh_form = self.dice.one_in(2);
        let g = &mut self.network.graph;
        let node = match kind {
            0 => layers::relu(g, x.node),
            1 => layers::tanh(g, x.node),
            2 => layers::sigmoid(g, x.node),
            3 => layers::gelu(g, x.node, tanh_form),
            4 => layers::silu(g, x.node),
            5 => layers::elu(g, x.node, 1.3),
            6 => layers::selu(g, x.node),
            7 => layers::celu(g, x.node, 0.7),
            8 => layers::mish(g, x.node),
            9 => layers::softplus(g, x.node, 1.5, 20.0),
            10 => layers::softsign(g, x.node),
            11 => layers::hard_sigmoid(g, x.node),
            12 => layers::hard_swish(g, x.node),
            13 => layers::leaky_relu(g, x.node, 0.1),
            14 => layers::relu6(g, x.node),
            15 => layers::step(g, x.node),
            16 => layers::maxout(g, x.node, 2),
            17 | 18 => layers::dropout(g, x.node, 0.3),
            19 => layers::clamp(g, x.node, Some(-0.6), Some(0.8)),
            _ => layers::prelu(&mut self.network, &path, x.node, slopes, 0.25),
        }?;
        Ok(Value { node, bound: x.bound.max(1.0) * 1.5 })
    }

    fn function(&mut self, x: Value) -> Result<Value, Fact> {
        let kind = self.dice.below(8);
        let exponent = self.dice.pick(&[-2.0, 1.5, 2.0, 3.0]);
        let g = self.graph();
        let (node, bound) = match kind {
            0 => (layers::exp(g, x.node)?, x.bound.exp()),
            1 => {
                let squared = layers::square(g, x.node)?;
                let positive = g.offset(squared, 0.3);
                (layers::log(g, positive)?, 3.0)
            }
            2 => {
                let squared = layers::square(g, x.node)?;
                let positive = g.offset(squared, 0.3);
                (layers::sqrt(g, positive)?, x.bound + 1.0)
            }
            3 => (layers::abs(g, x.node)?, x.bound),
            4 => (layers::negate(g, x.node)?, x.bound),
            5 => (layers::square(g, x.node)?, x.bound * x.bound),
            6 => {
                let size = layers::abs(g, x.node)?;
                let positive = g.offset(size, 0.8);
                let exponent = g.constant(exponent);
                (layers::pow(g, positive, exponent)?, 30.0)
            }
            _ => {
                let exponent = g.constant(3.0);
                (layers::pow(g, x.node, exponent)?, x.bound.powi(3))
            }
        };
        Ok(Value { node, bound })
    }

    /// Two values elementwise, broadcast where they can be.
    fn combination(&mut self, x: Value) -> Result<Value, Fact> {
        let dims = self.dims_of(x);
        let fits =
            |other: &[usize]| other.iter().rev().zip(dims.iter().rev()).all(|(a, b)| a == b || *a == 1 || *b == 1);
        let partners: Vec<Value> = self.values.iter().copied().filter(|v| fits(&self.dims_of(*v))).collect();
        let y = match partners[..] {
            _ if self.dice.one_in(5) => Value { node: self.graph().constant(0.7), bound: 0.7 },
            [] => x,
            _ => self.dice.pick(&partners),
        };
        let kind = self.dice.below(8);
        let g = self.graph();
        let (node, bound) = match kind {
            0 | 1 => (layers::add(g, x.node, y.node)?, x.bound + y.bound),
            2 => (layers::subtract(g, y.node, x.node)?, x.bound + y.bound),
            3 | 4 => (layers::multiply(g, x.node, y.node)?, x.bound * y.bound),
            5 => {
                let squared = layers::square(g, y.node)?;
                let positive = g.offset(squared, 0.5);
                (layers::divide(g, x.node, positive)?, x.bound * 2.0)
            }
            6 => (layers::minimum(g, x.node, y.node)?, x.bound.max(y.bound)),
            _ => (layers::maximum(g, x.node, y.node)?, x.bound.max(y.bound)),
        };
        Ok(Value { node, bound })
    }

    fn reduction(&mut self, x: Value) -> Result<Value, Fact> {
        let dims = self.dims_of(x);
        let mut axes: Vec<i64> = (0..dims.len() as i64).filter(|_| self.dice.one_in(2)).collect();
        if axes.is_empty() && !dims.is_empty() {
            axes.push(-1);
        }
        let axes = if self.dice.one_in(5) { None } else { Some(&axes[..]) };
        let keep = self.dice.one_in(2);
        let kind = self.dice.below(3);
        let g = self.graph();
        let size: usize = dims.iter().product();
        let (node, bound) = match kind {
            0 => (layers::sum(g, x.node, axes, keep)?, x.bound * (size as f64).sqrt()),
            1 => (layers::mean(g, x.node, axes, keep)?, x.bound),
            _ => (layers::max(g, x.node, axes, keep)?, x.bound),
        };
        Ok(Value { node, bound })
    }

    fn movement(&mut self, x: Value) -> Result<Value, Fact> {
        let dims = self.dims_of(x);
        let rank = dims.len();
        match self.dice.below(4) {
            0 if rank > 0 => {
                // With another value that differs in one axis at most, or with its own negation.
                let axis = self.dice.below(rank);
                let same = |other: &[usize]| other.len() == rank && (0..rank).all(|i| i == axis || other[i] == dims[i]);
                let partners: Vec<Value> = self.values.iter().copied().filter(|v| same(&self.dims_of(*v))).collect();
                let mut parts = vec![x];
                for _ in 0..1 + self.dice.below(2) {
                    let part = match partners[..] {
                        [] => Value { node: self.graph().scale(x.node, -0.5), bound: x.bound },
                        _ => self.dice.pick(&partners),
                    };
                    parts.push(part);
                }
                let nodes: Vec<NodeId> = parts.iter().map(|p| p.node).collect();
                let node = layers::concat(self.graph(), &nodes, axis as i64)?;
                Ok(Value { node, bound: parts.iter().map(|p| p.bound).fold(0.0, f64::max) })
            }
            1 if rank > 1 => {
                let mut order: Vec<usize> = (0..rank).collect();
                let (a, b) = (self.dice.below(rank), self.dice.below(rank));
                order.swap(a, b);
                Ok(Value { node: self.graph().permute(x.node, &order), ..x })
            }
            2 if rank > 0 => {
                let starts: Vec<usize> = dims.iter().map(|&d| self.dice.below(d)).collect();
                let sizes: Vec<usize> = dims.iter().zip(&starts).map(|(d, s)| 1 + self.dice.below(d - s)).collect();
                Ok(Value { node: self.graph().slice(x.node, &starts, &sizes), ..x })
            }
            _ => {
                let size: usize = dims.iter().product();
                let divisors: Vec<usize> = (1..=size).filter(|d| size.is_multiple_of(*d)).collect();
                let first = self.dice.pick(&divisors);
                let rest = size / first;
                let divisors: Vec<usize> = (1..=rest).filter(|d| rest.is_multiple_of(*d)).collect();
                let second = self.dice.pick(&divisors);
                let node = self.graph().reshape(x.node, &[first, second, rest / second]);
                Ok(Value { node, ..x })
            }
        }
    }

    /// A matrix product of a value with itself, with another one, or with a parameter.
    fn product(&mut self, x: Value) -> Result<Value, Fact> {
        let dims = self.dims_of(x);
        let [.., rows, columns] = dims[..] else { return self.affine(100 + self.values.len(), x) };
        let transposed = |g: &mut Graph, node: NodeId| {
            let rank = g.shape(node).rank();
            let mut order: Vec<usize> = (0..rank).collect();
            order.swap(rank - 1, rank - 2);
            g.permute(node, &order)
        };
        let partners: Vec<Value> = (self.values.iter().copied())
            .filter(|v| matches!(self.dims_of(*v)[..], [.., r, _] if r == columns))
            .collect();
        let y = match partners[..] {
            [_, ..] if self.dice.one_in(2) => self.dice.pick(&partners),
            _ if self.dice.one_in(2) => {
                let width = self.dice.pick(&[1, 3, 4, 8]);
                let name = format!("matrix{}", self.network.parameters.len());
                let init = Init::Uniform { low: -1.0, high: 1.0 }.resolve(&[columns, width])?;
                let node = layers::add_parameter(&mut self.network, name, &[columns, width], init)?;
                Value { node, bound: 1.0 }
            }
            _ => Value { node: transposed(self.graph(), x.node), bound: x.bound },
        };
        let node = layers::matmul(self.graph(), x.node, y.node)?;
        let inner = rows.max(columns) as f64;
        Ok(Value { node, bound: x.bound * y.bound * inner.sqrt() })
    }

    fn normalization(&mut self, x: Value) -> Result<Value, Fact> {
        let rank = self.dims_of(x).len();
        let axis = if rank == 0 { -1 } else { self.dice.below(rank) as i64 };
        let kind = self.dice.below(3);
        let g = self.graph();
        match kind {
            0 => Ok(Value { node: layers::softmax(g, x.node, axis)?, bound: 1.0 }),
            1 => Ok(Value { node: layers::log_softmax(g, x.node, axis)?, bound: 2.0 * x.bound + 3.0 }),
            _ => {
                let mean = layers::mean(g, x.node, Some(&[axis]), true)?;
                let centered = layers::subtract(g, x.node, mean)?;
                let squared = layers::square(g, centered)?;
                let variance = layers::mean(g, squared, Some(&[axis]), true)?;
                let variance = g.offset(variance, 0.2);
                let deviation = layers::sqrt(g, variance)?;
                Ok(Value { node: layers::divide(g, centered, deviation)?, bound: 3.0 })
            }
        }
    }

    /// A parameter without a layer: it has no batch until it meets something that has one.
    fn parameter(&mut self, number: usize, x: Value) -> Result<Value, Fact> {
        let mut dims = self.dims_of(x);
        dims.iter_mut().for_each(|d| *d = if self.dice.one_in(3) { 1 } else { *d });
        let init = Init::Uniform { low: -1.0, high: 1.0 }.resolve(&dims)?;
        let node = layers::add_parameter(&mut self.network, format!("step{number}.parameter"), &dims, init)?;
        let node = if self.dice.one_in(2) { layers::tanh(self.graph(), node)? } else { node };
        let node = layers::multiply(self.graph(), x.node, node)?;
        Ok(Value { node, bound: x.bound })
    }

    /// Outputs, the loss, metrics and the optimizer.
    fn finish(&mut self) {
        let last = self.values[self.values.len() - 1];
        for (i, value) in self.values.clone().into_iter().rev().take(1 + self.dice.below(2)).enumerate() {
            self.network.graph.set_label(&format!("output{i}"));
            let node = layers::output(self.graph(), value.node);
            self.network.outputs.push((format!("output{i}"), node));
        }
        self.network.graph.set_label("loss");
        let losses: Vec<NodeId> = (0..1 + self.dice.below(2)).filter_map(|i| self.loss(i, last).ok()).collect();
        let mut loss = losses[0];
        for &other in &losses[1..] {
            let weighted = self.graph().scale(other, 0.3);
            loss = self.graph().add2(loss, weighted);
        }
        self.network.loss = Some(loss);
        self.network.optimizer = Some(self.optimizer());
    }

    fn loss(&mut self, number: usize, x: Value) -> Result<NodeId, Fact> {
        let factor = if x.bound > 3.0 { 2.0 / x.bound } else { 1.0 };
        let x = self.graph().scale(x.node, factor);
        // Everything meets in one vector, so that every step counts.
        let mut parts = vec![layers::flatten(self.graph(), x)?];
        for value in self.values.clone().into_iter().rev().skip(1).take(3) {
            let scaled = self.graph().scale(value.node, 1.0 / value.bound.max(1.0));
            parts.push(layers::flatten(self.graph(), scaled)?);
        }
        let all = layers::concat(self.graph(), &parts, 0)?;
        let all = layers::output(self.graph(), all);
        let path = format!("loss{number}.dense");
        let kind = self.dice.below(9);
        if kind < 3 {
            let classes = 2 + self.dice.below(6);
            let logits = layers::dense(&mut self.network, &path, all, &Affine::new(classes))?;
            let node = self.field(&format!("label{number}"), &[], Some(classes));
            let target = Target::Classes { node, classes };
            let ignore_index = self.counting.one_in(3).then_some(0);
            let counting = Counting { mask: None, ignore_index };
            let g = self.graph();
            let accuracy = layers::right(g, logits, target, -1, None, counting)?.mean(g);
            self.metric(format!("accuracy{number}"), accuracy)?;
            let smoothing = if kind == 0 { 0.1 } else { 0.0 };
            let g = self.graph();
            return Ok(losses::cross_entropy(g, logits, target, -1, smoothing, None, counting)?.mean(g));
        }
        let width = self.dice.pick(&[1, 2, 4, 5, 8]);
        let prediction = layers::dense(&mut self.network, &path, all, &Affine::new(width))?;
        let target = self.field(&format!("target{number}"), &[width], None);
        if self.dice.one_in(3) {
            let r2 = layers::r2(self.graph(), &format!("r2_{number}"), prediction, target, Default::default())?;
            self.network.metrics.push(r2);
        }
        let mask = self.counting.one_in(4).then(|| self.field(&format!("mask{number}"), &[], Some(2)));
        let g = self.graph();
        let errors = match kind {
            3 => losses::mae(g, prediction, target),
            4 => losses::huber(g, prediction, target, 0.5),
            5 => losses::log_cosh(g, prediction, target),
            6 => losses::hinge(g, prediction, Target::Values(target)),
            7 => {
                let share = layers::sigmoid(g, target)?;
                losses::binary_cross_entropy_with_logits(g, prediction, Target::Values(share))
            }
            _ => losses::mse(g, prediction, target),
        }?;
        let counting = Counting { mask, ignore_index: None };
        Ok(errors.counting(g, Target::Values(target), counting)?.mean(g))
    }

    fn metric(&mut self, name: String, per_sample: NodeId) -> Result<(), Fact> {
        let metric: MetricDeclaration = layers::mean_metric(self.graph(), &name, per_sample)?;
        self.network.metrics.push(metric);
        Ok(())
    }

    /// Small denominators would magnify rounding, so every `eps` is large.
    fn optimizer(&mut self) -> Optimizer {
        let flag = self.dice.one_in(2);
        let rule = match self.dice.below(8) {
            0 => Rule::Sgd { momentum: 0.0, dampening: 0.0, nesterov: false },
            1 => Rule::Sgd { momentum: 0.9, dampening: 0.0, nesterov: flag },
            2 => Rule::RmsProp { alpha: 0.9, eps: 0.1, momentum: 0.5, centered: false },
            3 => Rule::Adagrad { lr_decay: 0.01, eps: 0.1, initial_accumulator: 0.1 },
            4 => Rule::Adadelta { rho: 0.9, eps: 0.1 },
            5 => Rule::Adam { beta1: 0.9, beta2: 0.999, eps: 0.1, amsgrad: flag },
            6 => Rule::AdamW { beta1: 0.9, beta2: 0.99, eps: 0.1, amsgrad: false },
            _ => Rule::Adamax { beta1: 0.9, beta2: 0.999, eps: 0.1 },
        };
        Optimizer {
            rule,
            learning_rate: 0.05,
            weight_decay: self.dice.pick(&[0.0, 0.0, 0.01]),
            clip_norm: if self.dice.one_in(3) { Some(0.5) } else { None },
            clip_value: if self.dice.one_in(4) { Some(0.2) } else { None },
            skip_non_finite: self.network.parameters.len() % 4 == 1,
            ema: None,
            groups: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_network() {
        let (a, b) = (network(7), network(7));
        assert_eq!(
            a.graph.nodes().map(|(_, n)| n).collect::<Vec<_>>(),
            b.graph.nodes().map(|(_, n)| n).collect::<Vec<_>>()
        );
        assert_ne!(network(8).graph.len(), a.graph.len());
    }
}
