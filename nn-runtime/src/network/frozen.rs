//! Parameters that training leaves as they are, chosen while the program runs.

use std::ops::Range;

use wildmatch::WildMatch;

use super::Net;
use crate::error::{Error, Result};
use crate::program::{Parameter, Program};

impl Net {
    /// Freezes the parameters whose names match a pattern, in which `*` stands for any characters and `?` for one: `"stem.*"`.
    ///
    /// Training then leaves them as they are, bit for bit, and what the optimizer knows of them, too; they do not decay, and to
    /// `clip_norm` they have no gradient. Running statistics whose names match stay as well; in training, a batch norm still
    /// normalizes by the statistics of its batch. Patterns add up; they hold for all training to come, also after a load, and are not
    /// saved with weights.
    ///
    /// Nothing else of the network changes: gradients are computed as before, and each step puts the frozen parameters back (which costs
    /// a copy of them, in time and memory, and a copy of their optimizer's states in memory).
    ///
    /// # Errors
    /// If no parameter has such a name, or if the device fails.
    pub fn freeze(&mut self, pattern: &str) -> Result<()> {
        self.change_frozen(pattern, true)
    }

    /// Lets training change parameters again whose names match a pattern; see [`Net::freeze`].
    ///
    /// # Errors
    /// If no parameter has such a name, or if the device fails.
    pub fn unfreeze(&mut self, pattern: &str) -> Result<()> {
        self.change_frozen(pattern, false)
    }

    /// The names of all frozen parameters, in order of declaration.
    pub fn frozen(&self) -> Vec<&'static str> {
        let all = self.program.parameters.iter().zip(&self.frozen);
        all.filter(|(_, frozen)| **frozen).map(|(parameter, _)| parameter.name).collect()
    }

    fn change_frozen(&mut self, pattern: &str, freeze: bool) -> Result<()> {
        let pattern = checked(self.program, pattern)?;
        let mut frozen = self.frozen.clone();
        for (frozen, parameter) in frozen.iter_mut().zip(self.program.parameters) {
            if pattern.matches(parameter.name) {
                *frozen = freeze;
            }
        }
        self.set_frozen(frozen)
    }

    /// Chooses for each parameter whether training leaves it as it is.
    pub(super) fn set_frozen(&mut self, frozen: Vec<bool>) -> Result<()> {
        if frozen != self.frozen {
            self.backend.set_frozen(ranges(self.program, &frozen))?;
            self.frozen = frozen;
        }
        Ok(())
    }
}

/// A pattern that a parameter's name matches.
fn checked(program: &Program, pattern: &str) -> Result<WildMatch> {
    let matcher = WildMatch::new(pattern);
    if program.parameters.iter().any(|parameter| matcher.matches(parameter.name)) {
        return Ok(matcher);
    }
    const LISTED: usize = 12;
    let names = program.parameters.iter().map(|parameter| format!("`{}`", parameter.name));
    let more = program.parameters.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let names: Vec<String> = names.take(LISTED).collect();
    let list = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let name = program.name;
    Err(Error::Option(format!("no parameter of `{name}` has the name `{pattern}`; there are {list}{more}")))
}

/// Where frozen parameters lie in the vectors; neighbours are one range.
fn ranges(program: &Program, frozen: &[bool]) -> Vec<Range<usize>> {
    // Every tensor has whole fours of floats to itself.
    let range = |p: &Parameter| p.offset..p.offset + p.dims.iter().product::<usize>().next_multiple_of(4);
    let mut all: Vec<Range<usize>> =
        program.parameters.iter().zip(frozen).filter(|(_, frozen)| **frozen).map(|(p, _)| range(p)).collect();
    all.sort_by_key(|range| range.start);
    let mut ranges: Vec<Range<usize>> = vec![];
    for range in all {
        match ranges.last_mut().filter(|last| last.end == range.start) {
            Some(last) => last.end = range.end,
            None => ranges.push(range),
        }
    }
    ranges
}
