//! What random networks ask of their optimizer beside a rule: groups, penalties, constraints, a running average.

use super::Dice;
use crate::layers::state_init;
use crate::network::{Constrained, Constraint, Group, Network, Penalty};

/// Draws them, without changing what else is drawn for this number.
pub(super) fn draw(network: &mut Network, seed: u32) {
    let mut dice = Dice(u64::from(seed) ^ 0x0097_1045);
    penalties(network, &mut dice);
    constraints(network, &mut dice);
    let names: Vec<String> = network.parameters.iter().map(|p| p.name.clone()).collect();
    let Some(optimizer) = &mut network.optimizer else { return };
    if dice.one_in(3) {
        let bias = Group { patterns: vec!["*.bias".into()], learning_rate: None, weight_decay: Some(0.0) };
        let step = names.get(dice.below(names.len().max(1))).and_then(|name| name.split('.').next()).unwrap_or("none");
        let own = Group {
            patterns: vec![format!("{step}.w*"), format!("{step}.p?rameter")],
            learning_rate: Some(dice.pick(&[0.0, 0.01, 0.2])),
            weight_decay: dice.one_in(2).then_some(0.05),
        };
        optimizer.groups = if dice.one_in(2) { vec![bias, own] } else { vec![own] };
    }
    optimizer.ema = dice.one_in(4).then_some(0.9);
    if state_init(optimizer).len() > 3 {
        optimizer.ema = None;
    }
}

fn penalties(network: &mut Network, dice: &mut Dice) {
    for (number, _) in network.parameters.iter().enumerate().filter(|(_, p)| p.trainable) {
        if dice.one_in(8) {
            let (l1, l2) = dice.pick(&[(0.01, 0.0), (0.0, 0.02), (0.005, 0.01)]);
            network.penalties.insert(number, Penalty { l1, l2 });
        }
    }
}

fn constraints(network: &mut Network, dice: &mut Dice) {
    for (number, parameter) in network.parameters.iter().enumerate().filter(|(_, p)| p.trainable) {
        if !dice.one_in(12) {
            continue;
        }
        let unit: usize = parameter.dims.iter().skip(usize::from(parameter.dims.len() > 1)).product();
        let constraint = match dice.below(3) {
            0 => Constraint::MaxNorm(0.8),
            // A norm near 0 would magnify rounding.
            1 if unit > 3 => Constraint::UnitNorm,
            _ => Constraint::NonNegative,
        };
        network.constraints.insert(number, Constrained::rows(constraint, &parameter.dims));
    }
}
