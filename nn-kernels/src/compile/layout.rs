//! What all programs of a network agree on: where parameters lie, and what a step's results are.

use std::ops::Range;

use super::control::Control;
use super::results;
use crate::network::Network;
use crate::plan::{LossTerm, Metric, Parameter};

/// What all programs of a network agree on.
pub(super) struct Layout {
    pub(super) parameters: Vec<Parameter>,
    pub(super) parameter_floats: usize,
    pub(super) trained_floats: usize,
    /// Where the buffers end, which lie behind what is trained.
    pub(super) changed_floats: usize,
    /// Floats of buffers and of `control`, which lie side by side.
    pub(super) buffer_floats: usize,
    pub(super) control: Control,
    /// The parts of the vectors that the optimizer treats alike, in order; together they are `trained_floats`.
    pub(super) segments: Vec<Segment>,
    pub(super) metrics: Vec<Metric>,
    pub(super) slot: results::Slot,
    /// Where a step's results have terms of its loss.
    pub(super) loss_terms: Vec<LossTerm>,
    /// Where a step's results say whether it was skipped.
    pub(super) skipped: Option<usize>,
    /// Where they say whether a gradient was not finite, where nothing else would show it.
    pub(super) non_finite: Option<usize>,
}

/// Parameters that the optimizer updates with the same options: a range of the vectors.
pub(super) struct Segment {
    pub(super) floats: Range<usize>,
    /// Which of the optimizer's groups they belong to, if any.
    pub(super) group: Option<usize>,
    /// The parameter's number, if it has a constraint: then it is alone.
    pub(super) constrained: Option<usize>,
}

impl Layout {
    /// Places first what the optimizer updates, group by group (and what is constrained last in each), then buffers, then parameters that the loss does not reach, so that
    /// each kernel behind the pass has one range.
    pub(super) fn of(network: &Network, terms: &[results::LossTerm]) -> Self {
        let mut offsets = vec![0; network.parameters.len()];
        let mut place = |number: usize, at: usize| {
            offsets[number] = at;
            // Every tensor starts at 16 bytes, so that kernels may read four floats at once.
            at + network.parameters[number].dims.iter().product::<usize>().next_multiple_of(4)
        };
        let trained = network.trained();
        let numbers = || 0..network.parameters.len();
        let constrained = |i: usize| network.constraints.contains_key(&i).then_some(i);
        let mut updated: Vec<(Option<usize>, Option<usize>, usize)> =
            numbers().filter(|&i| trained[i]).map(|i| (network.group_of(i), constrained(i), i)).collect();
        updated.sort();
        let mut segments: Vec<Segment> = vec![];
        let mut trained_floats = 0;
        for (group, constrained, number) in updated {
            let start = trained_floats;
            trained_floats = place(number, start);
            let alike = |last: &&mut Segment| last.group == group && last.constrained.or(constrained).is_none();
            match segments.last_mut().filter(alike) {
                Some(segment) => segment.floats.end = trained_floats,
                None => segments.push(Segment { floats: start..trained_floats, group, constrained }),
            }
        }
        let buffers = numbers().filter(|&i| !network.parameters[i].trainable);
        let changed_floats = buffers.fold(trained_floats, |end, number| place(number, end));
        let control = Control::new(network, changed_floats);
        let buffer_floats = control.end - trained_floats;
        let unreached = numbers().filter(|&i| network.parameters[i].trainable && !trained[i]);
        let floats = unreached.fold(control.end, |end, number| place(number, end));
        let parameters = (network.parameters.iter().zip(&offsets))
            .map(|(p, &offset)| {
                let (name, dims) = (p.name.clone(), p.dims.clone());
                Parameter { name, dims, init: p.init, zero_row: p.zero_row, offset, trainable: p.trainable }
            })
            .collect();
        let (metrics, mut slot) = results::metrics(network);
        let parameter_floats = floats.max(4);
        let loss_terms = slot.terms(terms);
        let skipped = network.skips_non_finite().then(|| slot.take());
        let non_finite = network.hides_non_finite().then(|| slot.take());
        Layout {
            parameters,
            parameter_floats,
            trained_floats,
            changed_floats,
            buffer_floats,
            control,
            segments,
            metrics,
            slot,
            loss_terms,
            skipped,
            non_finite,
        }
    }

    /// What the part of a vector that begins here is called: it is one of the trained parameters' or the buffers' one.
    pub(super) fn name(&self, start: usize, [trained, buffers]: [&str; 2]) -> String {
        if start < self.trained_floats { trained } else { buffers }.to_owned()
    }
}
