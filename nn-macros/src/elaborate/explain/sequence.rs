//! Facts about embeddings, attention and masks in words.

use nn_kernels::shape::SequenceFact;

use super::{Explanation, Subject};
use crate::suggest::nearest;
use crate::text;

/// The fact in words.
pub fn explain(fact: &SequenceFact, subject: &Subject) -> Explanation {
    let name = format!("`{}`", subject.name);
    let x = |operand: usize| format!("`{}`", subject.operand(operand));
    match fact {
        SequenceFact::Heads { operand, width, option, heads, divisors } => {
            let message = format!(
                "{} has {}, which {heads} heads cannot share equally",
                x(*operand),
                text::count(*width, "feature")
            );
            Explanation::new(message).at(option).help_divisors(*width, divisors)
        }
        SequenceFact::KvHeads { heads, kv_heads, divisors } => {
            let message = format!("{heads} heads of queries cannot share {kv_heads} heads of keys and values equally");
            Explanation::new(message).at("kv_heads").help_divisors(*heads, divisors)
        }
        SequenceFact::KeyWidth { queries, keys, expected } => Explanation::new(format!(
            "queries and keys are compared head by head, but {} is {queries:?} and {} is {keys:?}",
            x(0),
            x(1)
        ))
        .help(format!("let the keys have {}", text::count(*expected, "feature"))),
        SequenceFact::Lengths { operands: [a, b], shapes: [left, right], causal } => {
            let message = match causal {
                true => format!(
                    "with `causal`, queries and keys are the same positions, but {} is {left:?} and {} is {right:?}",
                    x(*a),
                    x(*b)
                ),
                false => {
                    format!("each key has a value, but {} is {left:?} and {} is {right:?}", x(*a), x(*b))
                }
            };
            let e = Explanation::new(message);
            if *causal { e.at("causal").help("say by a `mask` of [queries, keys] which of them are seen") } else { e }
        }
        SequenceFact::Mask { mask, allowed } => {
            let shapes: Vec<String> = allowed.iter().map(|shape| format!("{shape:?}")).collect();
            let shapes = shapes.join(" or ");
            let is = match subject.operands.get(1) {
                Some(text) if !subject.arguments.places.contains_key("mask") => format!("`{text}` is {mask:?}"),
                _ => format!("it is {mask:?}"),
            };
            let e = Explanation::new(format!("the mask of {name} is {shapes}, but {is}"));
            let place = if subject.arguments.places.contains_key("memory_mask")
                && !subject.arguments.places.contains_key("mask")
            {
                "memory_mask"
            } else {
                "mask"
            };
            let e = e.at(place);
            if allowed.len() == 3 {
                e.note("one number for each key, each query and key, or these for each head")
            } else {
                e
            }
        }
        SequenceFact::OddHead { operand, width, heads } => {
            let (x, each) = (x(*operand), width / heads.max(&1));
            let has = match heads {
                1 => format!("{x} has {width} of them"),
                _ => format!("each of the {heads} heads of {x} has {each} of its {width} features"),
            };
            Explanation::new(format!("features are turned in pairs, but {has}"))
                .help("let each head have an even number of features")
        }
        SequenceFact::PaddingIndex { index, classes } => {
            Explanation::new(format!("`padding_index` is {index}, but {} has {classes} tokens", x(0)))
                .at("padding_index")
                .help(format!("its tokens are 0 to {}, or -{classes} to -1 from the end", classes - 1))
        }
        SequenceFact::NoParameter { name, known } => {
            let e = Explanation::new(format!("no layer before this one is called `{name}`")).at("layer");
            let layers: Vec<&str> = known.iter().filter_map(|name| name.strip_suffix(".weight")).collect();
            let near = nearest(name, layers.iter().copied());
            let e = match near {
                Some(near) => e.help(format!("did you mean `{near}`?")),
                None => e,
            };
            match layers.as_slice() {
                [] => e.note("there is no layer with a weight before it"),
                [one] => e.note(format!("there is `{one}`")),
                layers => e.note(format!("there are {}", text::list(layers.iter().copied(), "and"))),
            }
        }
        SequenceFact::Tied { shape, name, dims } => match dims.as_slice() {
            [outputs, inputs] => Explanation::new(format!(
                "`{name}` is {dims:?}, so it makes {outputs} numbers of {inputs}, but {} is {shape:?}",
                x(0)
            ))
            .help(format!("insert `linear({inputs})` before it")),
            _ => {
                Explanation::new(format!("`{name}` is {dims:?}, and so no matrix that {} could be multiplied by", x(0)))
            }
        },
        SequenceFact::CausalPadding { shape } => Explanation::new(format!(
            "`padding = causal` is for sequences, of which one element comes before another one, but {} is {shape:?}",
            x(0)
        ))
        .at("padding")
        .help("write `padding = same`, or pad the sides that you want by `pad`"),
        SequenceFact::NotALength { option, shape, length } => {
            let is = length_of(subject, option);
            Explanation::new(format!("{is} is one number for each sample, but it is {shape:?}"))
                .at(option)
                .help(format!("declare it as `class({})`: 0 to {length}", length + 1))
        }
        SequenceFact::TooLong { option, longest, length } => {
            let is = length_of(subject, option);
            Explanation::new(format!("{is} may be up to {longest}, but there are {length} positions"))
                .at(option)
                .help(format!("declare it as `class({})`: 0 to {length}", length + 1))
        }
        SequenceFact::Labels { shape, classes } => {
            let e = Explanation::new(format!("{name} spells a sequence of labels, but {} is {shape:?}", x(1)));
            match shape.as_slice() {
                [] => e
                    .help(format!("declare it as `class({classes})[LONGEST]`"))
                    .help("or minimize `cross_entropy`, if there is one class for each sample"),
                _ => e,
            }
        }
        SequenceFact::Blank { blank, classes } => {
            Explanation::new(format!("`blank` is {blank}, but {} has {classes} classes", x(0)))
                .at("blank")
                .help(format!("its classes are 0 to {}, or -{classes} to -1 from the end", classes - 1))
        }
        SequenceFact::Spelling { classes, of_labels, blank } => {
            let e = Explanation::new(format!(
                "{} has {classes} classes, of which {blank} is the blank, but {} has {of_labels}",
                x(0),
                x(1)
            ))
            .note("both number the same classes, the blank among them");
            if of_labels + 1 == *classes && *blank == 0 {
                return e
                    .help(format!("declare the labels as `class({classes})`, numbered from 1"))
                    .help("or let the blank be the last class: `blank = -1`");
            }
            e.help(format!("give each step {of_labels} logits, or declare the labels as `class({classes})`"))
        }
    }
}

/// What a length is called: as written, or by its option.
fn length_of(subject: &Subject, option: &str) -> String {
    if subject.arguments.places.contains_key(option) {
        format!("`{option}` of `{}`", subject.function)
    } else {
        format!("`{}`", subject.operand(0))
    }
}

impl Explanation {
    fn help_divisors(self, size: usize, divisors: &[usize]) -> Self {
        let list: Vec<String> = divisors.iter().map(usize::to_string).collect();
        if list.is_empty() { self } else { self.help(format!("{size} is a multiple of {}", list.join(" and "))) }
    }
}
