//! Optimizers, over the vectors of all parameters, gradients and states. The formulas are those of `torch.optim`.

use crate::graph::{Binary, Graph, NodeId, Reduction, StepScalar, Unary};
use crate::network::{Group, LossScale, Optimizer, Precision, Rule};
use crate::shape::{self, Allowed, Fact};

/// The smallest normal number.
const NORMAL: f64 = f32::MIN_POSITIVE as f64;
/// The smallest `eps` beside which the roots of what [`Step`] takes for 0 are nothing: their squares are below 1e-34.
const NEGLIGIBLE: f64 = 1e-10;

/// What one step makes of parameters and states.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The parameters after the step.
    pub new_parameters: NodeId,
    /// The rule's states after the step, in the order of [`state_init`].
    pub new_states: Vec<NodeId>,
}

/// Whether an optimizer's options make sense.
pub fn check_optimizer(optimizer: &Optimizer) -> Result<(), Fact> {
    let Optimizer { rule, learning_rate, weight_decay, clip_norm, clip_value, .. } = *optimizer;
    let not_negative = |name, value| shape::option(name, value, Allowed::AtLeast(0.0));
    let share = |name, value| shape::option(name, value, Allowed::FromBelow(0.0, 1.0));
    optimizer.ema.map_or(Ok(()), |keep| share("ema", keep))?;
    not_negative("learning_rate", learning_rate)?;
    not_negative("weight_decay", weight_decay)?;
    for (name, bound) in [("clip_norm", clip_norm), ("clip_value", clip_value)] {
        bound.map_or(Ok(()), |b| shape::option(name, b, Allowed::Above(0.0)))?;
    }
    if optimizer.groups.iter().any(|group| group.learning_rate.is_some()) {
        // Groups keep their proportion to it.
        shape::option("learning_rate", learning_rate, Allowed::Above(0.0))?;
    }
    match rule {
        Rule::Sgd { momentum, dampening, nesterov } => {
            not_negative("momentum", momentum)?;
            shape::option("dampening", dampening, Allowed::Finite)?;
            let conflict = |other, allowed| Err(Fact::Conflict { option: "nesterov", other, allowed });
            match nesterov {
                true if momentum == 0.0 => conflict("momentum", Allowed::Above(0.0)),
                true if dampening != 0.0 => conflict("dampening", Allowed::Exactly(0.0)),
                _ => Ok(()),
            }
        }
        Rule::RmsProp { alpha, eps, momentum, .. } => {
            share("alpha", alpha)?;
            not_negative("eps", eps)?;
            not_negative("momentum", momentum)
        }
        Rule::Adagrad { lr_decay, eps, initial_accumulator } => {
            not_negative("lr_decay", lr_decay)?;
            not_negative("eps", eps)?;
            not_negative("initial_accumulator", initial_accumulator)
        }
        Rule::Adadelta { rho, eps } => {
            shape::option("rho", rho, Allowed::Between(0.0, 1.0))?;
            not_negative("eps", eps)
        }
        Rule::Adam { beta1, beta2, eps, .. }
        | Rule::AdamW { beta1, beta2, eps, .. }
        | Rule::Adamax { beta1, beta2, eps } => {
            share("beta1", beta1)?;
            share("beta2", beta2)?;
            not_negative("eps", eps)
        }
    }
}

/// Whether the options of a precision make sense.
pub fn check_precision(precision: &Precision) -> Result<(), Fact> {
    let Precision::Mixed(scale) = precision else { return Ok(()) };
    let LossScale { initial, growth_factor, backoff_factor, .. } = *scale;
    shape::option("loss_scale", initial, Allowed::Above(0.0))?;
    shape::option("growth_factor", growth_factor, Allowed::Above(1.0))?;
    shape::option("backoff_factor", backoff_factor, Allowed::Above(0.0))?;
    shape::option("backoff_factor", backoff_factor, Allowed::FromBelow(0.0, 1.0))
}

/// Whether the options of a group make sense.
pub fn check_group(group: &Group) -> Result<(), Fact> {
    for (name, value) in [("learning_rate", group.learning_rate), ("weight_decay", group.weight_decay)] {
        value.map_or(Ok(()), |value| shape::option(name, value, Allowed::AtLeast(0.0)))?;
    }
    Ok(())
}

/// What each of the optimizer's state vectors starts from. The parameters' running average, if there is one, comes last; it starts
/// from the parameters, whatever is said here.
pub fn state_init(optimizer: &Optimizer) -> Vec<f64> {
    let mut states = rule_init(optimizer);
    states.extend(optimizer.ema.map(|_| 0.0));
    states
}

/// What the states of the rule itself start from.
fn rule_init(optimizer: &Optimizer) -> Vec<f64> {
    let count = match optimizer.rule {
        Rule::Sgd { momentum, .. } => usize::from(momentum != 0.0),
        Rule::RmsProp { momentum, centered, .. } => 1 + usize::from(momentum != 0.0) + usize::from(centered),
        Rule::Adagrad { initial_accumulator, .. } => return vec![initial_accumulator],
        Rule::Adadelta { .. } | Rule::Adamax { .. } => 2,
        Rule::Adam { amsgrad, .. } | Rule::AdamW { amsgrad, .. } => 2 + usize::from(amsgrad),
    };
    vec![0.0; count]
}

/// What a step reads: vectors of one length, without batch.
#[derive(Clone, Copy, Debug)]
pub struct OptimizerStep<'a> {
    /// The parameters before the step.
    pub parameters: NodeId,
    /// Their gradients, clipped.
    pub gradients: NodeId,
    /// As many as [`state_init`] has, but for the running average.
    pub states: &'a [NodeId],
}

/// Adds one step of an optimizer to the graph, for parameters that all belong to one of its groups (or to none). Weight decay is
/// added to gradients that have been clipped before.
pub fn optimizer_step(
    g: &mut Graph,
    optimizer: &Optimizer,
    group: Option<usize>,
    OptimizerStep { parameters, gradients, states }: &OptimizerStep<'_>,
) -> Update {
    let (factor, decay) = optimizer.options_of(group);
    let (parameters, gradients) = (*parameters, *gradients);
    let rate = g.scalar(StepScalar::LearningRate);
    let rate = g.scale(rate, factor);
    let (parameters, gradients) = if let Rule::AdamW { .. } = optimizer.rule {
        // Decoupled: parameters shrink by learning_rate * weight_decay before the step.
        let shrink = g.scale(rate, -decay);
        let keep = g.offset(shrink, 1.0);
        (g.mul(parameters, keep), gradients)
    } else {
        let pull = g.scale(parameters, decay);
        (parameters, g.add2(gradients, pull))
    };
    let is_exact = match optimizer.rule {
        Rule::Sgd { .. } => false,
        Rule::RmsProp { eps, .. }
        | Rule::Adagrad { eps, .. }
        | Rule::Adadelta { eps, .. }
        | Rule::Adam { eps, .. }
        | Rule::AdamW { eps, .. }
        | Rule::Adamax { eps, .. } => eps < NEGLIGIBLE,
    };
    let mut step = Step { g, rate, gradients, states, is_exact };
    let (direction, states) = match optimizer.rule {
        Rule::Sgd { momentum, dampening, nesterov } => step.sgd(momentum, dampening, nesterov),
        Rule::RmsProp { alpha, eps, momentum, centered } => step.rmsprop(alpha, eps, momentum, centered),
        Rule::Adagrad { lr_decay, eps, .. } => step.adagrad(lr_decay, eps),
        Rule::Adadelta { rho, eps } => step.adadelta(rho, eps),
        Rule::Adam { beta1, beta2, eps, amsgrad } | Rule::AdamW { beta1, beta2, eps, amsgrad } => {
            step.adam(beta1, beta2, eps, amsgrad)
        }
        Rule::Adamax { beta1, beta2, eps } => step.adamax(beta1, beta2, eps),
    };
    Update { new_parameters: g.sub(parameters, direction), new_states: states }
}

/// The parameters' running average after a step, as `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn` has it: the
/// first step's is the parameters.
pub fn optimizer_average(g: &mut Graph, keep: f64, average: NodeId, new_parameters: NodeId) -> NodeId {
    let difference = g.sub(new_parameters, average);
    let step = g.scale(difference, 1.0 - keep);
    let moved = g.add2(average, step);
    let (t, one) = (g.scalar(StepScalar::Step), g.constant(1.0));
    let first = g.binary(Binary::Equal, t, one);
    let first = g.broadcast(first, &g.shape(moved).clone());
    g.select(first, new_parameters, moved)
}

/// Each gradient within ± [`Optimizer::clip_value`], as by `torch.nn.utils.clip_grad_value_`.
pub fn clip_by_value(g: &mut Graph, optimizer: &Optimizer, gradients: NodeId) -> NodeId {
    let Some(bound) = optimizer.clip_value else { return gradients };
    let shape = g.shape(gradients).clone();
    let (low, high) = (g.filled(-bound, &shape), g.filled(bound, &shape));
    let clipped = g.binary(Binary::Minimum, gradients, high);
    g.binary(Binary::Maximum, clipped, low)
}

/// What gradients are multiplied by so that the norm of all of them together is at most [`Optimizer::clip_norm`], as by
/// `torch.nn.utils.clip_grad_norm_`: one number, 1 without a bound.
pub fn clip_factor(g: &mut Graph, optimizer: &Optimizer, gradients: &[NodeId]) -> NodeId {
    let mut squares = None;
    for &part in gradients {
        let square = g.mul(part, part);
        let sum = g.reduce(Reduction::Sum, square, &[0], false);
        squares = Some(squares.map_or(sum, |squares| g.add2(squares, sum)));
    }
    let (Some(squares), Some(bound)) = (squares, optimizer.clip_norm) else { return g.constant(1.0) };
    let norm = g.unary(Unary::Sqrt, squares);
    let safe = g.offset(norm, 1e-6);
    let bound = g.constant(bound);
    let factor = g.div(bound, safe);
    let one = g.constant(1.0);
    g.binary(Binary::Minimum, factor, one)
}

/// One step in the making. Each rule returns what is subtracted from the parameters, and the new states.
///
/// States of a gradient that has become 0 decay until they are subnormal numbers, and stay so: rounded to the nearest, 0.9 of the
/// smallest one is that number again. Many processors take a hundred times as long for each of them. So what is below the normal numbers
/// becomes 0: in sums with what else there is, `eps` or the parameters, it changes nothing.
struct Step<'a> {
    g: &'a mut Graph,
    rate: NodeId,
    gradients: NodeId,
    states: &'a [NodeId],
    /// Whether nothing is taken for 0, since there is no `eps` to speak of: then states are divided by one another alone.
    is_exact: bool,
}

impl Step<'_> {
    fn sgd(&mut self, momentum: f64, dampening: f64, nesterov: bool) -> (NodeId, Vec<NodeId>) {
        if momentum == 0.0 {
            return (self.g.mul(self.gradients, self.rate), vec![]);
        }
        let kept = self.g.scale(self.states[0], momentum);
        let damped = self.g.scale(self.gradients, 1.0 - dampening);
        let sum = self.g.add2(kept, damped);
        let mut buffer = self.normal(sum, NORMAL);
        if dampening != 0.0 {
            // PyTorch's first step takes the gradient undamped.
            let t = self.g.scalar(StepScalar::Step);
            let one = self.g.constant(1.0);
            let first = self.g.binary(Binary::Equal, t, one);
            let first = self.g.broadcast(first, &self.g.shape(buffer).clone());
            buffer = self.g.select(first, self.gradients, buffer);
        }
        let direction = if nesterov {
            let ahead = self.g.scale(buffer, momentum);
            self.g.add2(self.gradients, ahead)
        } else {
            buffer
        };
        (self.g.mul(direction, self.rate), vec![buffer])
    }

    fn rmsprop(&mut self, alpha: f64, eps: f64, momentum: f64, centered: bool) -> (NodeId, Vec<NodeId>) {
        let square = self.squared_average(self.states[0], self.gradients, alpha);
        let mut states = vec![square];
        let mut variance = square;
        let mean = centered.then(|| {
            let mean = self.average(self.states[self.states.len() - 1], self.gradients, alpha);
            let mean_square = self.g.mul(mean, mean);
            let difference = self.g.sub(square, mean_square);
            // Rounding may make it negative, where PyTorch's root would be NaN.
            let zero = self.g.constant(0.0);
            variance = self.g.broadcast_binary(Binary::Maximum, difference, zero);
            mean
        });
        let direction = self.over_root(self.gradients, variance, eps);
        let direction = if momentum == 0.0 {
            direction
        } else {
            let kept = self.g.scale(self.states[1], momentum);
            let sum = self.g.add2(kept, direction);
            let buffer = self.normal(sum, NORMAL);
            states.push(buffer);
            buffer
        };
        states.extend(mean);
        (self.g.mul(direction, self.rate), states)
    }

    fn adagrad(&mut self, lr_decay: f64, eps: f64) -> (NodeId, Vec<NodeId>) {
        let gradients = self.normal(self.gradients, NORMAL.sqrt());
        let square = self.g.mul(gradients, gradients);
        let sum = self.g.add2(self.states[0], square);
        let mut rate = self.rate;
        if lr_decay != 0.0 {
            let t = self.g.scalar(StepScalar::Step);
            let earlier = self.g.offset(t, -1.0);
            let slowed = self.g.scale(earlier, lr_decay);
            let slowed = self.g.offset(slowed, 1.0);
            rate = self.g.div(rate, slowed);
        }
        let direction = self.over_root(self.gradients, sum, eps);
        (self.g.mul(direction, rate), vec![sum])
    }

    fn adadelta(&mut self, rho: f64, eps: f64) -> (NodeId, Vec<NodeId>) {
        let square = self.squared_average(self.states[0], self.gradients, rho);
        let root = |g: &mut Graph, x: NodeId| {
            let safe = g.offset(x, eps);
            g.unary(Unary::Sqrt, safe)
        };
        let (above, below) = (root(self.g, self.states[1]), root(self.g, square));
        let ratio = self.g.div(above, below);
        let delta = self.g.mul(ratio, self.gradients);
        let accumulated = self.squared_average(self.states[1], delta, rho);
        (self.g.mul(delta, self.rate), vec![square, accumulated])
    }

    fn adam(&mut self, beta1: f64, beta2: f64, eps: f64, amsgrad: bool) -> (NodeId, Vec<NodeId>) {
        let mean = self.average(self.states[0], self.gradients, beta1);
        let square = self.squared_average(self.states[1], self.gradients, beta2);
        let mut states = vec![mean, square];
        let mut variance = square;
        if amsgrad {
            variance = self.g.binary(Binary::Maximum, self.states[2], square);
            states.push(variance);
        }
        let correction = self.g.scalar(StepScalar::BiasCorrection(beta1));
        let rate = self.g.div(self.rate, correction);
        let correction = self.g.scalar(StepScalar::BiasCorrection(beta2));
        let correction = self.g.unary(Unary::Sqrt, correction);
        let root = self.g.unary(Unary::Sqrt, variance);
        let root = self.g.div(root, correction);
        let root = self.g.offset(root, eps);
        let direction = self.g.div(mean, root);
        (self.g.mul(direction, rate), states)
    }

    fn adamax(&mut self, beta1: f64, beta2: f64, eps: f64) -> (NodeId, Vec<NodeId>) {
        let mean = self.average(self.states[0], self.gradients, beta1);
        let kept = self.g.scale(self.states[1], beta2);
        let size = self.g.unary(Unary::Abs, self.gradients);
        let size = self.g.offset(size, eps);
        let norm = self.g.binary(Binary::Maximum, kept, size);
        let correction = self.g.scalar(StepScalar::BiasCorrection(beta1));
        let rate = self.g.div(self.rate, correction);
        let direction = self.g.div(mean, norm);
        (self.g.mul(direction, rate), vec![mean, norm])
    }

    /// keep * old + (1 - keep) * new.
    fn average(&mut self, old: NodeId, new: NodeId, keep: f64) -> NodeId {
        let (old, new) = (self.g.scale(old, keep), self.g.scale(new, 1.0 - keep));
        let sum = self.g.add2(old, new);
        self.normal(sum, NORMAL)
    }

    /// keep * old + (1 - keep) * new².
    fn squared_average(&mut self, old: NodeId, new: NodeId, keep: f64) -> NodeId {
        // Those whose share of the average is a normal number.
        let new = self.normal(new, (NORMAL / (1.0 - keep).max(NORMAL)).sqrt());
        let square = self.g.mul(new, new);
        self.average(old, square, keep)
    }

    /// x, or 0 where it is closer to 0 than this.
    fn normal(&mut self, x: NodeId, least: f64) -> NodeId {
        if self.is_exact {
            return x;
        }
        let (size, shape) = (self.g.unary(Unary::Abs, x), self.g.shape(x).clone());
        let (least, zero) = (self.g.filled(least, &shape), self.g.filled(0.0, &shape));
        let is_less = self.g.binary(Binary::Less, size, least);
        self.g.select(is_less, zero, x)
    }

    /// x / (sqrt(y) + eps).
    fn over_root(&mut self, x: NodeId, y: NodeId, eps: f64) -> NodeId {
        let root = self.g.unary(Unary::Sqrt, y);
        let root = self.g.offset(root, eps);
        self.g.div(x, root)
    }
}
