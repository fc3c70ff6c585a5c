//! How the invocations of a workgroup make one number of what each of them has: eight neighbours make one of theirs, and every
//! invocation combines what the eights have, in order.
//!
//! Eight neighbours halve their number three times: the first four take what the other four have, and so on. They do it in the
//! workgroup's memory, or, where the device has them, by exchanges in a subgroup, which always has whole eights. Either way the same
//! numbers meet in the same order, so both texts give the same bits; exchanges save one of two barriers and most of the memory.

use super::body::{Expr, accumulate};
use super::text::{self, Text};
use super::turns;
use crate::graph::Reduction;

/// Invocations that combine their numbers first. The smallest subgroup that we ask for has as many.
pub(super) const EIGHT: usize = 8;

/// Where neighbours combine their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Neighbours {
    /// In the workgroup's memory.
    Memory,
    /// In a subgroup. Drivers number the invocations of workgroups with one axis in order, so that eights are eights of a subgroup.
    Subgroup,
}

impl Neighbours {
    /// Floats of workgroup memory in which so many invocations combine so many numbers.
    pub(super) fn floats(self, numbers: usize, lanes: usize) -> usize {
        match self {
            Neighbours::Memory => numbers * (lanes + lanes / EIGHT),
            // Two places in turns.
            Neighbours::Subgroup => 2 * numbers * (lanes / EIGHT),
        }
    }

    /// The same for [`Neighbours::sums`].
    pub(super) fn floats_of_sums(self, sums: usize, lanes: usize) -> usize {
        match self {
            Neighbours::Memory => sums * lanes,
            Neighbours::Subgroup => sums * (lanes / EIGHT),
        }
    }

    /// Prints how neighbours combine what each invocation has summed, where many sums are combined once; gives how far apart the parts
    /// of two sums lie in the workgroup's memory, and those of two eights. What is printed behind it may read them.
    pub(super) fn sums(self, out: &mut Text, sums: &[Expr], lanes: usize) -> [usize; 2] {
        let eights = lanes / EIGHT;
        match self {
            Neighbours::Memory => {
                turns::each(out, sums, |out, t, sum| {
                    out.line(format!("shared_floats[{t} * {lanes}u + lane] = {};", sum.text));
                });
                out.line("workgroupBarrier();");
                out.open(format!("for (var eight = lane; eight < {}u; eight += {lanes}u) {{", sums.len() * eights));
                halve(out, "eight", &[(Reduction::Sum, 0)]);
                out.close();
            }
            Neighbours::Subgroup => turns::each(out, sums, |out, t, sum| {
                exchange(out, Reduction::Sum, "near", &sum.text);
                out.open(format!("if lane % {EIGHT}u == 0u {{"));
                out.line(format!("shared_floats[{t} * {eights}u + lane / {EIGHT}u] = near;"));
                out.close();
            }),
        }
        out.line("workgroupBarrier();");
        match self {
            Neighbours::Memory => [lanes, EIGHT],
            Neighbours::Subgroup => [eights, 1],
        }
    }
}

/// Eight numbers in the workgroup's memory become one in the place of the first, for each of these arrays of them, by where it begins.
fn halve(out: &mut Text, eight: &str, arrays: &[(Reduction, usize)]) {
    out.open(format!("for (var half = {}u + step.zero; half > 0u; half /= 2u) {{", EIGHT / 2));
    out.open(format!("for (var i = {eight} * {EIGHT}u; i < {eight} * {EIGHT}u + half; i++) {{"));
    for &(how, first) in arrays {
        out.line(accumulate(how, &at(first, "i"), &at(first, "i + half")));
    }
    out.close();
    out.close();
}

/// Eight neighbours make one number of theirs, which all of them get.
fn exchange(out: &mut Text, how: Reduction, near: &str, own: &str) {
    out.line(format!("var {near} = {own};"));
    for distance in [4, 2, 1] {
        out.line(accumulate(how, near, &format!("subgroupShuffleXor({near}, {distance}u)")));
    }
}

/// What is combined at once, and among whom.
pub(super) struct Combination<'a> {
    pub(super) neighbours: Neighbours,
    /// Invocations in the workgroup.
    pub(super) lanes: usize,
    /// How many numbers the kernel combines at most.
    pub(super) most: usize,
    /// How often it has combined numbers before.
    pub(super) turn: usize,
    /// How each number is combined: the variable that holds an invocation's own, and the one that gets the result.
    pub(super) numbers: &'a [(Reduction, String, String)],
}

impl Combination<'_> {
    /// Prints it. Barriers stand outside of all loops and tests.
    pub(super) fn print(&self, out: &mut Text) {
        let eights = self.lanes / EIGHT;
        let first = match self.neighbours {
            Neighbours::Memory => self.in_memory(out),
            Neighbours::Subgroup => self.in_subgroups(out),
        };
        out.line("workgroupBarrier();");
        for (n, (_, _, result)) in self.numbers.iter().enumerate() {
            out.line(format!("var {result} = {};", at(first + n * eights, text::ZERO)));
        }
        // The bound is one that no compiler can see: some unroll the loop otherwise, and take as much longer.
        out.open(format!("for (var i = 1u; i < {eights}u + step.zero; i++) {{"));
        for (n, (how, _, result)) in self.numbers.iter().enumerate() {
            out.line(accumulate(*how, result, &at(first + n * eights, "i")));
        }
        out.close();
    }

    /// Neighbours combine their numbers in place; gives where results lie. No barrier is needed before the next combination's first one:
    /// what is read behind the second one is written behind the next first one.
    fn in_memory(&self, out: &mut Text) -> usize {
        let (lanes, eights) = (self.lanes, self.lanes / EIGHT);
        let first = self.most * lanes;
        for (n, (_, own, _)) in self.numbers.iter().enumerate() {
            out.line(format!("{} = {own};", at(n * lanes, "lane")));
        }
        out.line("workgroupBarrier();");
        out.open(format!("if lane < {eights}u {{"));
        let arrays: Vec<_> = self.numbers.iter().enumerate().map(|(n, (how, _, _))| (*how, n * lanes)).collect();
        halve(out, "lane", &arrays);
        for n in 0..self.numbers.len() {
            out.line(format!("{} = {};", at(first + n * eights, "lane"), at(n * lanes, &format!("lane * {EIGHT}u"))));
        }
        out.close();
        first
    }

    /// Neighbours exchange their numbers; gives where results lie: in one of two places, so that those who are still reading the last
    /// ones are not disturbed. Whoever comes to the third has passed the barrier of the second, before which all have read the first.
    fn in_subgroups(&self, out: &mut Text) -> usize {
        let eights = self.lanes / EIGHT;
        let first = self.turn % 2 * self.most * eights;
        let near = |n: usize| format!("near{}_{n}", self.turn);
        for (n, (how, own, _)) in self.numbers.iter().enumerate() {
            exchange(out, *how, &near(n), own);
        }
        out.open(format!("if lane % {EIGHT}u == 0u {{"));
        for n in 0..self.numbers.len() {
            out.line(format!("{} = {};", at(first + n * eights, &format!("lane / {EIGHT}u")), near(n)));
        }
        out.close();
        first
    }
}

/// An element of the workgroup's memory.
fn at(first: usize, index: &str) -> String {
    format!("shared_floats[{}]", text::sum(index, &format!("{first}u")))
}
