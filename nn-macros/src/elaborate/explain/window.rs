//! Facts about windows, groups and edges in words.

use nn_kernels::shape::{Fact, Grouped, LAYOUTS, Margin, PaddingMode, Windows};

use super::{Explanation, Subject};
use crate::text;

/// The fact in words, if it is one of these.
pub fn explain(fact: &Fact, subject: &Subject) -> Option<Explanation> {
    let name = format!("`{}`", subject.name);
    let x = format!("`{}`", subject.operand(0));
    Some(match fact {
        Fact::Layout { operand, shape, layout } => wrong_layout(subject, *operand, shape, layout),
        Fact::AxisCount { option, given, axes } => {
            let e = if let [axis] = axes {
                Explanation::new(format!("`{option}` of {name} is one number, for the {axis}, but the list has {given}"))
            } else {
                let axes = enumerated(axes);
                Explanation::new(format!("`{option}` of {name} is one number, or one for each of {axes}, but the list has {given}"))
            };
            e.at(option)
        }
        Fact::Window { shape, axis, windows } => window(subject, shape, *axis, windows),
        Fact::SameStride { stride } => Explanation::new(format!(
            "with `padding = same` the result has the size of the input, so the stride must be 1, but it is {stride}"
        ))
        .at("stride")
        .help("give the padding as a number: half of the kernel, rounded down, makes the result as large as the input over the stride"),
        Fact::PoolPadding { padding, extent } => Explanation::new(format!(
            "padding by {padding} is more than half of a window of {extent}, so windows could lie outside of {x}"
        ))
        .at("padding")
        .help(format!("pad by at most {}", extent / 2)),
        Fact::Groups { what, size, groups, divisors } => {
            let what = match what {
                Grouped::Channels => format!("{x} has {}", text::count(*size, "channel")),
                Grouped::Filters => format!("{name} has {}", text::count(*size, "filter")),
            };
            let e = Explanation::new(format!("{what}, which {groups} groups cannot share equally")).at("groups");
            let list: Vec<String> = divisors.iter().map(usize::to_string).collect();
            if list.is_empty() { e } else { e.help(format!("{size} is a multiple of {}", list.join(" and "))) }
        }
        Fact::OutputPadding { output_padding, stride, dilation } => {
            Explanation::new(format!("`output_padding` is {output_padding}, but must be smaller than the stride or the dilation"))
                .at("output_padding")
                .note(format!("the stride is {stride}, the dilation {dilation}; it chooses between the sizes that a convolution with this stride makes equal"))
        }
        Fact::TransposedPadding { shape, axis, spread, padding } => Explanation::new(format!(
            "axis {axis} of {x}, {shape:?}, becomes {spread} long, and padding by {padding} cuts off all of it"
        ))
        .at("padding")
        .note("the padding of a transposed convolution makes its result smaller: a convolution with this padding would undo it"),
        Fact::Margins { option, shape, given } => {
            Explanation::new(format!("{x} is {shape:?}, but here are margins for {}", axes(*given)))
                .at(option)
                .help("they belong to the last axes; one number stands for both sides of all axes but the first one")
        }
        Fact::PaddingTooLarge { mode, shape, axis, padding, limit } => {
            let what = match mode {
                PaddingMode::Reflect => "there is nothing to reflect beyond",
                _ => "it would go around more than once, beyond",
            };
            Explanation::new(format!(
                "axis {axis} of {x}, {shape:?}, cannot be padded by {padding} in mode `{}`: {what} {limit}",
                mode.name()
            ))
            .at("padding")
            .help(format!("pad by at most {limit}, or take the mode `replicate`"))
        }
        Fact::Crop { shape, axis, margin } => crop(&x, shape, *axis, *margin),
        Fact::Permutation { shape, given } => {
            let rank = shape.len();
            let e = Explanation::new(format!("{x} is {shape:?}, but {given:?} is an order of {}", axes(given.len())))
                .at("axes");
            e.help(format!("name each of the axes 0 to {} once", rank.saturating_sub(1)))
        }
        Fact::Parts { shape, axis, sizes, sum } => Explanation::new(format!(
            "axis {axis} of {x}, {shape:?}, has {}, but {sizes:?} are {sum}",
            shape[*axis]
        ))
        .at("size"),
        Fact::Stack { operand, first, shape } => Explanation::new(format!(
            "{x} is {first:?} and `{}` is {shape:?}: only tensors of one shape can be stacked",
            subject.operand(*operand)
        )),
        Fact::Range { shape, axis, start, end } => {
            let size = shape[*axis];
            let written = end.map_or("its end".to_owned(), |end| end.to_string());
            let from_start = |i: i64| if i < 0 { i.saturating_add(size as i64) } else { i };
            let e = Explanation::new(format!(
                "axis {axis} of {x}, {shape:?}, has no elements from {start} to before {written}"
            ));
            let e = if from_start(*start) >= 0 && end.is_some_and(|end| from_start(end) > size as i64) {
                e.at("end")
            } else {
                e.at("start")
            };
            e.note(format!("its elements are 0 to {}, or -{size} to -1 from the end", size - 1))
        }
        _ => return None,
    })
}

/// "1 axis", "2 axes".
fn axes(n: usize) -> String {
    if n == 1 { "one axis".to_owned() } else { format!("{n} axes") }
}

/// "height and width".
fn enumerated(words: &[&str]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => words.concat(),
    }
}

/// `conv2d` takes [channels, height, width], but `x` is [784].
fn wrong_layout(subject: &Subject, operand: usize, shape: &[usize], layout: &[&str]) -> Explanation {
    let operand = subject.operand(operand);
    let wanted = layout.join(", ");
    let e = Explanation::new(format!("`{}` takes [{wanted}], but `{operand}` is {shape:?}", subject.name));
    // The same function for as many axes as there are.
    let kind = LAYOUTS.iter().position(|l| l.len() == shape.len()).map(|i| format!("{}d", i + 1));
    let own = LAYOUTS.iter().position(|l| *l == layout).map(|i| format!("{}d", i + 1));
    let sibling = own.zip(kind).filter(|(own, _)| subject.function.ends_with(own.as_str()));
    let sibling = sibling.map(|(own, kind)| subject.function.trim_end_matches(own.as_str()).to_owned() + &kind);
    let sibling = sibling.filter(|s| crate::functions::find(s).is_some());
    let e = e.help_layout(shape, layout, &wanted);
    match sibling {
        Some(sibling) => e.help(format!("`{sibling}` takes [{}]", LAYOUTS[shape.len() - 2].join(", "))),
        None => e,
    }
}

impl Explanation {
    /// How an operand could get the axes of a layout.
    fn help_layout(self, shape: &[usize], layout: &[&str], wanted: &str) -> Self {
        match shape {
            // The batch, or another axis, is there where the channels are missing.
            _ if shape.len() + 1 == layout.len() && !shape.is_empty() => {
                let mut dims = vec![1];
                dims.extend(shape);
                self.help(format!("insert `reshape({dims:?})` before it: one channel"))
            }
            [n] => {
                let dims = unflattened(*n, layout.len() - 1);
                match dims {
                    Some(dims) => self.help(format!("insert `reshape({dims:?})` before it, if that is how it lies")),
                    None => self.help(format!("insert `reshape([{wanted}])` before it, with the sizes that it has")),
                }
            }
            [1, rest @ ..] if rest.len() == layout.len() => {
                self.help(format!("insert `reshape({rest:?})` before it: the batch is never written"))
            }
            [_, rest @ ..] if rest.len() == 3 && layout.len() == 3 => {
                self.note(format!("if the first axis is the batch: it is never written, and one sample is {rest:?}"))
            }
            _ => self,
        }
    }
}

/// n elements as one square (or cube) with one or three channels.
fn unflattened(n: usize, axes: usize) -> Option<Vec<usize>> {
    [1, 3].into_iter().find_map(|channels| {
        let side = ((n / channels) as f64).powf(1.0 / axes as f64).round() as usize;
        let exact = side > 1 && side.checked_pow(axes as u32).and_then(|s| s.checked_mul(channels)) == Some(n);
        exact.then(|| std::iter::once(channels).chain(std::iter::repeat_n(side, axes)).collect())
    })
}

/// The kernel covers more than there is.
fn window(subject: &Subject, shape: &[usize], axis: usize, w: &Windows) -> Explanation {
    let room = w.size + w.before + w.after;
    let kernel = match w.dilation {
        1 => format!("a kernel of {}", w.kernel),
        d => format!("a kernel of {} with dilation {d} covers {} and", w.kernel, w.extent()),
    };
    let padded = match w.before + w.after {
        0 => String::new(),
        padding => format!(" and {padding} of padding"),
    };
    let e = Explanation::new(format!(
        "{kernel} does not fit into axis {axis} of `{}`, {shape:?}, which has {}{padded}",
        subject.operand(0),
        w.size
    ))
    .at("kernel");
    // With a dilation, the largest kernel is not worth a sentence.
    let (e, or) = match w.dilation {
        1 => (e.help(format!("the kernel can be at most {room} there")), "or "),
        _ => (e, ""),
    };
    if subject.function.starts_with("conv") && w.stride == 1 {
        return e.help(format!("{or}add `padding = same`, which keeps the size"));
    }
    e.help(format!("{or}pad by {} on both sides", (w.extent() - w.size).div_ceil(2)))
}

fn crop(x: &str, shape: &[usize], axis: usize, (before, after): Margin) -> Explanation {
    Explanation::new(format!(
        "axis {axis} of {x}, {shape:?}, has {}, so nothing is left without {before} before and {after} after",
        shape[axis]
    ))
    .at("margins")
}
