//! Facts become sentences: what is wrong, with both shapes, and ways out.

mod sequence;
mod window;

use nn_kernels::shape::{Allowed, Fact, Sized};
use proc_macro2::Ident;
use syn::{Expr, ExprBinary};

use super::Elaborator;
use super::bind::Binding;
use super::call::Call;
use crate::diagnostics::Place;
use crate::functions::{Arguments, Bound};
use crate::text;

/// What a fact is about.
pub struct Subject {
    /// Where it is reported, unless it is about an option.
    place: Place,
    /// What messages call it: `dense(10)`, `+`, `a loss`.
    name: String,
    /// The function's name.
    function: String,
    /// The data, as written.
    operands: Vec<String>,
    /// A call's arguments.
    arguments: Arguments,
    /// Whether the first operand was piped in.
    piped: bool,
}

impl Subject {
    fn new(place: Place, name: String, operands: Vec<String>) -> Self {
        Subject { place, function: name.clone(), name, operands, arguments: Arguments::default(), piped: false }
    }

    /// A call of a function.
    pub fn of_call(call: &Call<'_>, binding: Binding<'_>, piped: bool) -> Self {
        let operands = binding.data.iter().map(|e| text::of(*e)).collect();
        let (function, arguments) = (call.word.to_string(), binding.arguments);
        Subject { place: call.word.span().into(), name: call.text(), function, operands, arguments, piped }
    }

    /// An operator between two operands.
    pub fn of_operator(binary: &ExprBinary) -> Self {
        let operands = vec![text::of(&binary.left), text::of(&binary.right)];
        Subject::new(Place::from(&binary.op), text::of(&binary.op), operands)
    }

    /// The declaration of an input or target.
    pub fn of_declaration(place: Place, name: &Ident) -> Self {
        Subject::new(place, name.to_string(), vec![name.to_string()])
    }

    /// A value that has a role: "a loss".
    pub fn of_value(expression: &Expr, role: &str) -> Self {
        Subject::new(Place::from(expression), role.to_owned(), vec![text::of(expression)])
    }

    fn operand(&self, index: usize) -> &str {
        self.operands.get(index).map_or("the value", String::as_str)
    }

    /// Where an option is given.
    fn option(&self, name: &str) -> Option<Place> {
        self.arguments.places.get(name).copied()
    }
}

impl Elaborator<'_, '_> {
    /// Reports a fact.
    pub fn explain(&mut self, fact: &Fact, subject: &Subject) {
        // A loss and a metric of the same two values have one mistake, not two.
        if let Fact::Differ { left, right, .. } | Fact::Classes { logits: left, classes: _, fitting_axes: right, .. } =
            fact
            && let [prediction, target] = subject.operands.as_slice()
            && !self.compared.insert(format!("{prediction} {left:?} {target} {right:?}"))
        {
            return;
        }
        let Explanation { option, message, notes, helps } = Explanation::of(fact, subject);
        let place = option.and_then(|option| subject.option(option)).unwrap_or(subject.place);
        let found = self.diagnostics.error(place, message);
        for note in notes {
            found.note(note);
        }
        for help in helps {
            found.help(help);
        }
    }
}

/// A fact in words.
struct Explanation {
    /// The option that it is about.
    option: Option<&'static str>,
    message: String,
    notes: Vec<String>,
    helps: Vec<String>,
}

impl Explanation {
    fn new(message: String) -> Self {
        Explanation { option: None, message, notes: Vec::new(), helps: Vec::new() }
    }

    fn at(mut self, option: &'static str) -> Self {
        self.option = Some(option);
        self
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    fn of(fact: &Fact, subject: &Subject) -> Self {
        let name = format!("`{}`", subject.name);
        let x = |i: usize| format!("`{}`", subject.operand(i));
        match fact {
            Fact::NotAVector { operand, shape, features } => not_a_vector(subject, *operand, shape, *features),
            Fact::NotASequence { operand, shape } => {
                let e = Explanation::new(format!(
                    "{name} takes a sequence, [length, features], but {} is {shape:?}",
                    x(*operand)
                ));
                match shape.as_slice() {
                    [n] => e.help(format!(
                        "with one number at each of {n} steps it is one: `{} >> reshape([{n}, 1])`",
                        subject.operand(*operand)
                    )),
                    [n, rest @ ..] => {
                        let features: usize = rest.iter().product();
                        e.help(format!("all numbers of each step in a row: `reshape([{n}, {features}])`"))
                    }
                    [] => e,
                }
            }
            Fact::State { option, shape, expected } => {
                let function = &subject.function;
                let e =
                    Explanation::new(format!("`{option}` of `{function}` is {shape:?}, but its state is {expected:?}"))
                        .at(option);
                if expected.len() == 2 {
                    e.note("it has a row for each layer, and in it for each direction")
                } else {
                    e
                }
            }
            Fact::Stateful { option } => {
                let function = &subject.function;
                let e = match *option {
                    "bidirectional" => Explanation::new(format!(
                        "a stateful `{function}` goes on where the batch before ended, but the second direction of `bidirectional` begins \
                         at the end"
                    ))
                    .help("leave one of both out"),
                    _ => Explanation::new(format!(
                        "`{option}` is what `{function}` begins with, but a stateful one goes on where the batch before ended"
                    ))
                    .help(format!("leave `{option}` out: it begins with zeros, and `reset_states()` brings these back"))
                    .help("or leave `stateful` out, and hand each batch what the one before has left"),
                };
                e.at(option)
            }
            Fact::Shared { parameter, first, dims } => Explanation::new(format!(
                "{name} would need `{parameter}` as {dims:?}, but it is {first:?} since it was first applied"
            ))
            .note("the parameters of a shared block exist once, so all its applications need the same shapes")
            .help("declare the block without `shared`: each application has parameters of its own then"),
            Fact::SharedStart { parameter } => Explanation::new(format!(
                "{name} would start `{parameter}` in another way than where it was first applied"
            ))
            .note("the parameters of a shared block exist once, so all its applications must start them alike"),
            Fact::NotAScalar { shape } => {
                let (text, role) = (subject.operand(0), &subject.name);
                Explanation::new(format!("{role} is one number for each sample, but `{text}` is {shape:?}"))
                    .help(format!("take its mean: `mean({text})`"))
                    .help(format!("or its sum: `sum({text})`"))
            }
            Fact::TooFewAxes { operand, shape, needed } => {
                let axes = if *needed == 1 { "one axis".to_owned() } else { format!("{needed} axes") };
                let e = Explanation::new(format!("{name} needs at least {axes}, but {} is {shape:?}", x(*operand)));
                match (needed, shape.as_slice()) {
                    (1, _) => e.help(format!(
                        "`reshape([1])` makes a vector of it: `{} >> reshape([1])`",
                        subject.operand(*operand)
                    )),
                    (2, [n]) => e.help(format!("`reshape([1, {n}])` makes a matrix of it")),
                    _ => e,
                }
            }
            Fact::AxisOutOfRange { axis, shape } => axis_out_of_range(subject, *axis, shape),
            Fact::AxisTwice { axis, resolved, shape } => {
                let is = if *axis < 0 { format!(": it is axis {resolved}") } else { String::new() };
                let e = Explanation::new(format!("axis {axis} of {shape:?} is given twice{is}")).at("axes");
                match subject.function.as_str() {
                    "permute" => e.help(format!("name each of the axes 0 to {} once", shape.len() - 1)),
                    _ => e.help("remove one of them"),
                }
            }
            Fact::Broadcast { left, right, left_axis, right_axis } => {
                let (a, b) = (left[*left_axis], right[*right_axis]);
                Explanation::new(format!("{} is {left:?} and {} is {right:?}: they do not fit each other", x(0), x(1)))
                    .note(format!("axis {left_axis} is {a} on the left, axis {right_axis} is {b} on the right; axes are aligned at the last one, and must be equal or 1"))
                    .help_broadcast(subject, left, right)
            }
            Fact::Differ { left, right, same_size, would_broadcast } => {
                differ(subject, left, right, *same_size, *would_broadcast)
            }
            Fact::ReshapeSize { shape, elements, wanted, product, inferred } => {
                let e = Explanation::new(format!(
                    "{} is {shape:?} and has {elements} elements, which {wanted:?} cannot hold",
                    x(0)
                ))
                .at("dims");
                match inferred {
                    Some(_) => e.note(format!("{elements} is no multiple of {product}, so nothing fits for -1")),
                    None if elements % product == 0 => e
                        .note(format!("{wanted:?} has {product} elements"))
                        .help(format!("{elements} = {product} * {}", elements / product)),
                    None => e.note(format!("{wanted:?} has {product} elements")),
                }
            }
            Fact::ReshapeDimension { wanted, axis } => {
                let e = Explanation::new(format!("dimension {axis} of {wanted:?} is {}", wanted[*axis])).at("dims");
                if wanted[*axis] == -1 {
                    e.help("at most one dimension can be -1, which stands for what remains")
                } else {
                    e.help("dimensions are at least 1; one of them can be -1, which stands for what remains")
                }
            }
            Fact::NoParts => {
                let function = &subject.function;
                Explanation::new(format!("{name} has no parts")).help(format!("write `{function}([a, b])`"))
            }
            Fact::Concat { operand, first, shape, along, axis } => {
                let e = Explanation::new(format!(
                    "{} is {first:?} and {} is {shape:?}: they cannot be concatenated along axis {along}",
                    x(0),
                    x(*operand)
                ));
                match axis {
                    Some(axis) => {
                        let e = e.note(format!(
                            "all other axes must be equal, but axis {axis} is {} and {}",
                            first[*axis], shape[*axis]
                        ));
                        let fits = (0..first.len()).find(|&a| (0..first.len()).all(|i| i == a || first[i] == shape[i]));
                        match fits {
                            Some(fits) => e.help(format!("along axis {fits} they fit: `axis = {fits}`")),
                            None => e,
                        }
                    }
                    None => e.note(format!("one has {} axes, the other {}", first.len(), shape.len())),
                }
            }
            Fact::MatmulInner { left, right, left_size, right_size, transposed_left_fits, transposed_right_fits } => {
                let e = Explanation::new(format!("{} is {left:?} and {} is {right:?}: they have no matrix product", x(0), x(1)))
                    .note(format!("the last axis of the first is {left_size}, the last but one of the second is {right_size}; they must be equal"));
                if *transposed_right_fits || *transposed_left_fits {
                    let which = if *transposed_right_fits { x(1) } else { x(0) };
                    e.note(format!("with {which} transposed there would be one"))
                } else if left.len() == right.len() && right.last() == left.get(left.len() - 2) {
                    e.help(format!(
                        "the other way round there is one: `matmul({}, {})`",
                        subject.operand(1),
                        subject.operand(0)
                    ))
                } else {
                    e
                }
            }
            Fact::Classes { logits, axis, width, classes, fitting_axes } => {
                let e = Explanation::new(format!(
                    "{} is {logits:?}, {width} numbers along axis {axis}, but `{}` has {classes} classes",
                    x(0),
                    subject.operand(1)
                ));
                match fitting_axes.first() {
                    Some(fitting) => e.help(format!("its classes lie along axis {fitting}: add `axis = {fitting}`")),
                    None if logits.len() == 1 => e
                        .help(format!("let the last layer have {classes} features: `dense({classes})`"))
                        .help(format!("or declare `{}: class({width})`", subject.operand(1))),
                    None => e.help(format!("the logits need one number for each class: {classes} along axis {axis}")),
                }
            }
            Fact::Positions { logits, axis, label, expected, fitting_axes } => {
                let e = Explanation::new(format!(
                    "{} is {logits:?} with classes along axis {axis}, so there is a decision for each of {expected:?}, but `{}` has {label:?}",
                    x(0),
                    subject.operand(1)
                ));
                match fitting_axes.first() {
                    Some(fitting) => e.help(format!("if its classes lie along axis {fitting}, add `axis = {fitting}`")),
                    None => e.help(format!("declare the label with that shape: `class(…){expected:?}`")),
                }
            }
            Fact::NotBinary { classes } => {
                let e = Explanation::new(format!("{name} decides between two classes, but {} has {classes}", x(1)));
                if subject.arguments.places.contains_key("threshold") {
                    return e.at("threshold").help("without a threshold, the largest number along the axis decides");
                }
                e.help("for several classes use `cross_entropy`")
            }
            Fact::NotDivisible { shape, axis, size, divisor, divisors } => {
                let pieces = if subject.function == "split" { "parts" } else { "groups" };
                let e = Explanation::new(format!(
                    "{name} cuts axis {axis} of {shape:?} into {pieces} of {divisor}, but {size} is no multiple of {divisor}"
                ));
                if subject.function == "chunk" {
                    let pieces = format!("{divisor} parts");
                    let message = format!(
                        "{name} cuts axis {axis} of {shape:?} into {pieces}, but {size} is no multiple of {divisor}"
                    );
                    return Explanation::new(message);
                }
                if subject.function == "pixel_shuffle" {
                    let channels = size.next_multiple_of(*divisor);
                    return e.help(format!("let the layer before it have {channels} channels"));
                }
                let list: Vec<String> = divisors.iter().map(usize::to_string).collect();
                if list.is_empty() { e } else { e.help(format!("{size} is a multiple of {}", list.join(" and "))) }
            }
            Fact::Slopes { shape, slopes } => {
                let e = Explanation::new(format!("{} is {shape:?}, but there are {slopes} slopes", x(0)))
                    .at("num_parameters");
                match shape.first() {
                    Some(channels) => e.help(format!(
                        "take one slope for each channel, `num_parameters = {channels}`, or a single one"
                    )),
                    None => e.help("take a single slope: `num_parameters = 1`"),
                }
            }
            Fact::Zero { dims, axis } => {
                if dims.len() == 1 && !subject.arguments.bound.is_empty() {
                    Explanation::new(format!("{name} counts from 1, but here is 0"))
                } else {
                    Explanation::new(format!("dimension {axis} of {dims:?} is 0, so there would be nothing in it"))
                        .at("dims")
                        .help("dimensions are at least 1")
                }
            }
            Fact::TooLarge { what, dims, limit } => {
                let what = match what {
                    Sized::Tensor => format!("one sample of {name}, {dims:?},"),
                    Sized::Parameter => format!("a parameter of {name}, {dims:?},"),
                    Sized::AllParameters => format!("with {name}, all parameters together"),
                };
                let verb = if what.starts_with("with") { "would have" } else { "has" };
                Explanation::new(format!("{what} {verb} too many elements"))
                    .note(format!("there can be less than {limit} (2^31)"))
            }
            Fact::TooManyClasses { classes, limit } => Explanation::new(format!("{classes} classes are too many"))
                .note(format!("there can be less than {limit} (2^24)")),
            Fact::ClassWeights { given, classes } => {
                let given = crate::text::count(*given, "weight");
                Explanation::new(format!(
                    "`class_weights` has {given}, but `{}` has {classes} classes",
                    subject.operand(0)
                ))
                .at("class_weights")
            }
            Fact::Mask { mask, positions } => {
                let mut fitting: Vec<String> =
                    (0..positions.len()).rev().map(|n| format!("{:?}", &positions[..=n])).collect();
                fitting.push("[]".to_owned());
                let each = if positions.is_empty() {
                    "one value".to_owned()
                } else {
                    format!("a value for each of {positions:?}")
                };
                Explanation::new(format!("the mask is {mask:?}, but {name} has {each}")).at("mask").help(format!(
                    "a mask is {} here: it has the shape of those values, or of their first axes",
                    fitting.join(" or ")
                ))
            }
            Fact::IgnoredNumbers => {
                Explanation::new(format!("`ignore_index` is the number of a class, but {} is made of numbers", x(1)))
                    .at("ignore_index")
                    .help("say by `mask = …` what counts: 1 for what does, 0 for what does not")
            }
            Fact::CurvedMean => Explanation::new(format!(
                "{} makes something of a mean over what counts that cannot be averaged over batches",
                x(0)
            ))
            .note("a mask, an ignored class and weights of classes decide what counts in a batch")
            .note("such means can be added, subtracted, and multiplied by what does not depend on them")
            .help("declare the mean itself, or apply the function to each position before the mean"),
            Fact::TooMuchToKeep { what, numbers, limit } => {
                Explanation::new(format!("{name} would keep {numbers} {what}"))
                    .note(format!("there can be {limit} of them"))
            }
            Fact::NoFans { initializer, dims } => {
                let option = if subject.arguments.places.contains_key("bias_init") { "bias_init" } else { "init" };
                Explanation::new(format!("`{initializer}` needs a matrix, but this parameter is {dims:?}"))
                    .at(option)
                    .help("vectors such as a bias start from `zeros`, `constant(…)`, `uniform(…)` or `normal(…)`")
            }
            Fact::Option { name, value, allowed } => {
                let option = if subject.arguments.places.contains_key(name) {
                    name
                } else if subject.arguments.places.contains_key("init") {
                    "init"
                } else {
                    "bias_init"
                };
                Explanation::new(format!("`{name}` {}, but it is {value:?}", must_be(*allowed))).at(option)
            }
            Fact::Conflict { option, other, allowed } => {
                let e = Explanation::new(format!("with `{option}`, `{other}` {}", must_be(*allowed))).at(option);
                if *other == "momentum" { e.help("add `momentum = 0.9`, or remove `nesterov`") } else { e }
            }
            Fact::Sequence(fact) => sequence::explain(fact, subject),
            other => match window::explain(other, subject) {
                Some(explanation) => explanation,
                None => Explanation::new(format!("{name} cannot be applied to {}", x(0))),
            },
        }
    }

    /// How one of two shapes could be made to fit the other.
    fn help_broadcast(self, subject: &Subject, left: &[usize], right: &[usize]) -> Self {
        // A vector for each row or channel, where broadcasting wants one for each column.
        let (long, short, text) = if left.len() > right.len() {
            (left, right, subject.operand(1))
        } else {
            (right, left, subject.operand(0))
        };
        if let ([n], true) = (short, long.len() > 1)
            && let Some(axis) = long.iter().position(|d| d == n)
        {
            let mut dims = vec!["1".to_owned(); long.len() - axis];
            dims[0] = n.to_string();
            let piped = format!("({text} >> reshape([{}]))", dims.join(", "));
            return self.help(format!("to align it with axis {axis}, write `{piped}`"));
        }
        if let ([c, h, w], [d, i, j]) = (left, right) {
            return self.help_residual(subject, [[*c, *h, *w], [*d, *i, *j]]);
        }
        if left.iter().product::<usize>() == right.iter().product::<usize>() {
            return self.help(format!(
                "they have the same number of elements: `{} >> reshape({left:?})` would fit",
                subject.operand(1)
            ));
        }
        self
    }
}

impl Explanation {
    /// How one of two images could be projected so that both can be added.
    fn help_residual(self, subject: &Subject, images: [[usize; 3]; 2]) -> Self {
        // A kernel of 1 with stride s keeps every s-th position.
        let stride = |from: [usize; 3], to: [usize; 3]| {
            let stride = from[1].div_ceil(to[1]);
            (1..3).all(|axis| from[axis].div_ceil(stride) == to[axis]).then_some(stride)
        };
        let [left, right] = images;
        let projections = [(0, left, right), (1, right, left)].into_iter().filter_map(|(operand, from, to)| {
            // Of two that would do, the one with fewer channels is the way around a block.
            stride(from, to).map(|stride| (from[0], operand, to[0], stride))
        });
        match projections.min() {
            Some((_, operand, filters, stride)) => {
                let option = if stride == 1 { String::new() } else { format!(", stride = {stride}") };
                let projected = format!("({} >> conv2d({filters}, 1{option}))", subject.operand(operand));
                self.help(format!("a projection makes them fit: `{projected}`"))
            }
            None => self.help("a convolution without padding makes images smaller: `padding = same` keeps their size"),
        }
    }
}

fn not_a_vector(subject: &Subject, operand: usize, shape: &[usize], features: usize) -> Explanation {
    let e =
        Explanation::new(format!("`{}` takes a vector, but `{}` is {shape:?}", subject.name, subject.operand(operand)));
    if shape.is_empty() {
        return e.help("insert `reshape([1])` before it, which makes a vector of it");
    }
    let product: Vec<String> = shape.iter().map(usize::to_string).collect();
    let e = e.help(format!("insert `flatten` before it: {} = {features} features", product.join("*")));
    let Some(Bound::Integer(n)) = subject.arguments.bound.get("n") else { return e };
    let mut result = shape.to_vec();
    if let Some(last) = result.last_mut() {
        *last = usize::try_from(*n).unwrap_or(0);
    }
    let linear = subject.name.replacen(&subject.function, "linear", 1);
    let e = match shape {
        [steps, features] if *steps > 1 => {
            let features = text::count(*features, "feature");
            e.help(format!("or insert `last`, which takes the last step of a sequence: {features}"))
        }
        _ => e,
    };
    e.help(format!("or use `{linear}`, which acts on the last axis and gives {result:?}"))
}

fn axis_out_of_range(subject: &Subject, axis: i64, shape: &[usize]) -> Explanation {
    let option = if subject.arguments.places.contains_key("axes") { "axes" } else { "axis" };
    let e = Explanation::new(format!("`{}` is {shape:?} and has no axis {axis}", subject.operand(0))).at(option);
    let rank = shape.len();
    match rank {
        0 => e.note("it is a scalar, which has no axes"),
        1 => e.note("its only axis is 0, or -1 from the end"),
        _ => {
            let e = e.note(format!("its axes are 0 to {}, or -{rank} to -1 from the end", rank - 1));
            if axis == rank as i64 { e.note("the batch is not counted") } else { e }
        }
    }
}

fn differ(subject: &Subject, left: &[usize], right: &[usize], same_size: bool, would_broadcast: bool) -> Explanation {
    let function = &subject.function;
    let e = Explanation::new(format!(
        "`{function}` compares values of one shape, but `{}` is {left:?} and `{}` is {right:?}",
        subject.operand(0),
        subject.operand(1)
    ));
    let e = if would_broadcast { e.note("losses and metrics never broadcast") } else { e };
    let input = if subject.piped { "before it" } else { "into the first" };
    match (left, right) {
        _ if same_size => e.help(format!("insert `reshape({right:?})` {input}: both have the same number of elements")),
        ([_], [n]) => e.help(format!("let the last layer have {n} features: `dense({n})`")),
        (_, []) => e.help("reduce the prediction to one number, or declare the target with its shape"),
        _ => e,
    }
}

fn must_be(allowed: Allowed) -> String {
    match allowed {
        Allowed::Between(low, high) => format!("must be from {low:?} to {high:?}"),
        Allowed::FromBelow(low, high) => format!("must be from {low:?} to below {high:?}"),
        Allowed::AtLeast(low) => format!("must be at least {low:?}"),
        Allowed::Above(low) => format!("must be above {low:?}"),
        Allowed::Exactly(value) => format!("must be {value:?}"),
        Allowed::Finite => "must be finite".to_owned(),
        Allowed::NotZero => "must not be 0".to_owned(),
    }
}
