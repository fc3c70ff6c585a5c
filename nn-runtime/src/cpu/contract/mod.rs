//! Sums of products with one operand read through windows: the engine behind convolutions of every kind.
//!
//! A convolution and each of its gradients are one form with three kinds of loops. *Positions* are where a window lies,
//! *taps* are what lies in it (places of the kernel, and the channels that it reads), *channels* belong to the other operand:
//!
//! - forward, gradient of the input: `c[channel, position] = Σ_tap a[position, tap] * b[channel, tap]` ([`forward`])
//! - gradient of the weights: `c[channel, tap] = Σ_position a[position, tap] * b[channel, position]` ([`weights`])
//!
//! Loops that move all three are *groups* and are run one after another.
//!
//! No matrix of windows is made. The windowed operand is copied once for each sample, with its margins of zeros
//! ([`stage`]): then an element of a window is at `offset of the position + offset of the tap`, and register tiles
//! ([`tile`]) read vectors of neighbouring positions right there. Strides larger than 1 are undone by that copy, which puts
//! every second (third, …) element side by side. Where nothing needs margins the tensor is read in place. Divisors (gradients
//! of strided convolutions, transposed ones) are split off before: each remainder is a convolution of its own, without a
//! divisor ([`phases`]).
//!
//! Convolutions of 3 x 3 at stride 1 with enough channels are computed in another way ([`winograd`]). Which ones is decided when
//! the kernels are printed.
//!
//! Every element of a result is summed in one order that shapes decide, so the number of threads changes no bit.

mod blocks;
mod forward;
mod layout;
mod phases;
mod problem;
mod stage;
mod tables;
mod tile;
mod weights;
mod winograd;

use problem::{Operands, Problem};

use super::memory::Shared;
use super::scratch::{Need, noted};
use super::simd::Level;

/// A contraction whose first operand is read through windows.
#[derive(Clone, Copy, Debug)]
pub struct Contract<'a> {
    /// The loops, outermost first. Those that do not move the result are summed over.
    pub loops: &'a [Loop],
    /// The dimensions of the first operand that need care. What is not in them is in the loops' steps.
    pub windows: &'a [Window<'a>],
    /// Which loops the windows move along.
    pub along: Along,
    /// How it is computed.
    pub method: Method,
    /// The elements of both operands and of the result where all loops are at 0 and all windows at 0.
    pub first: [isize; 3],
}

/// A loop of a [`Contract`]: how often, and its steps in both operands and in the result.
#[derive(Clone, Copy, Debug)]
pub struct Loop {
    /// How often.
    pub count: usize,
    /// Step of the first operand, beside what its windows do.
    pub a: isize,
    /// Step of the second operand.
    pub b: isize,
    /// Step of the result.
    pub c: isize,
}

/// A dimension of the first operand, read at `u / divisor` for `u = offset + Σ step * loop`. Where that is not within
/// `0 <= u < end`, or leaves a remainder, the element counts as 0.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// `u` where all loops are at 0.
    pub offset: isize,
    /// How each loop moves `u`.
    pub steps: &'a [isize],
    /// The end of what is there, before the division.
    pub end: usize,
    /// What `u` is divided by.
    pub divisor: usize,
    /// How many elements apart two neighbours of this dimension lie.
    pub stride: isize,
}

/// Where the positions of windows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// In the result: a forward pass, or the gradient of an input.
    Result,
    /// In the sums: the gradient of weights.
    Sums,
}

/// How a contraction is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As sums of products, whatever it is.
    Direct,
    /// By Winograd's transforms (`contract/winograd`), if it is a convolution of 3 x 3 at stride 1 of enough positions; directly
    /// otherwise.
    Winograd,
}

/// Computes a contraction.
///
/// # Panics
/// If a slice is too short, if the result's elements lie on one another, if a loop of groups moves a window, or if there are
/// more loops and windows than any convolution has.
pub fn contract(p: &Contract<'_>, a: &[f32], b: &[f32], c: &mut [f32]) {
    contract_at(Level::best(), p, a, b, c);
}

fn contract_at(level: Level, p: &Contract<'_>, a: &[f32], b: &[f32], c: &mut [f32]) {
    let problem = Problem::new(p);
    problem.check([a.len(), b.len(), c.len()]);
    let o = Operands { a, b, c: Shared::new(c) };
    if p.method == Method::Winograd
        && let Some((form, problem)) = winograd::Form::of(&problem, p.along)
    {
        return winograd::run(level, &problem, &form, p.along, o);
    }
    phases::each(&problem, &mut |problem: &Problem| match p.along {
        _ if problem.is_empty() => {
            if !noted(Need::default()) {
                problem.clear(o);
            }
        }
        Along::Result => forward::run(level, problem, o),
        Along::Sums => weights::run(level, problem, o),
    });
}

#[cfg(test)]
mod tests;
