//! The `stepwise` statement: which inputs arrive one row at a time, and whether the network can work so.

use nn_kernels::stepwise::{Obstacle, Reason, stepwise};
use proc_macro2::Ident;

use super::Elaborator;
use super::statement::Declared;
use crate::diagnostics::Place;
use crate::suggest::nearest;
use crate::text;

impl Elaborator<'_, '_> {
    /// `stepwise name, name;`
    pub(super) fn stepwise(&mut self, word: &Ident, names: &[Ident], declared: &mut Declared) {
        self.note_word(word);
        if let Some((first, _)) = &declared.stepwise {
            let line = Place::from(first.span()).line();
            self.diagnostics
                .error(word.span(), format!("`stepwise` stands at most once, and there is one on line {line}"))
                .help("name all inputs in one: `stepwise a, b;`");
            return;
        }
        let mut numbers: Vec<usize> = vec![];
        let mut length: Option<(usize, &Ident)> = None;
        for name in names {
            let Some(number) = declared.inputs.iter().position(|input| input.name.ident == *name) else {
                self.no_input(name, declared);
                // Probably one that is not named yet: so the generated methods have as many arguments as they should.
                let other = (0..declared.inputs.len()).find(|number| !numbers.contains(number));
                numbers.extend(other.filter(|_| names.len() > numbers.len()));
                continue;
            };
            if numbers.contains(&number) {
                self.diagnostics.error(name.span(), format!("`{name}` stands here twice")).help("name it once");
                continue;
            }
            numbers.push(number);
            let Some(kind) = &declared.inputs[number].kind else { continue };
            let dims = &kind.dims;
            match (dims.first(), length) {
                (None, _) => {
                    self.diagnostics
                        .error(name.span(), format!("`{name}` is one number, but what arrives stepwise is a sequence"))
                        .help(format!("give it a first axis: `input {name}: [16];`"));
                }
                (Some(1), _) => {
                    self.diagnostics
                        .error(name.span(), format!("`{name}` has one row only: there is nothing to give step by step"))
                        .help("declare it as long as the sequences that the network learns from");
                }
                (Some(&rows), Some((other_rows, other))) if rows != other_rows => {
                    self.diagnostics.error(
                        name.span(),
                        format!(
                            "`{name}` has {rows} rows and `{other}` has {other_rows}, but at each step both give one"
                        ),
                    );
                }
                (Some(&rows), _) => length = length.or(Some((rows, name))),
            }
        }
        numbers.sort_unstable();
        declared.stepwise = Some((word.clone(), numbers));
    }

    fn no_input(&mut self, name: &Ident, declared: &Declared) {
        let is_target = declared.targets.iter().any(|target| target.name.ident == *name);
        let known = self.lookup(&name.to_string()).is_some();
        let inputs: Vec<String> = declared.inputs.iter().map(|input| input.name.ident.to_string()).collect();
        let message = match (is_target, known) {
            (true, _) => format!("`{name}` is a target, and predicting needs none"),
            (_, true) => format!("`{name}` is no input"),
            _ => format!("cannot find input `{name}`"),
        };
        let found = self.diagnostics.error(name.span(), message);
        match nearest(&name.to_string(), inputs.iter().map(String::as_str)) {
            Some(near) if !known => found.help(format!("did you mean `{near}`?")),
            _ if inputs.is_empty() => found.help("declare the inputs before this statement"),
            _ => found.help(format!("the inputs so far are {}", text::list(inputs.iter().map(String::as_str), "and"))),
        };
    }

    /// Whether a network without other mistakes can be given its sequences step by step.
    pub(super) fn check_steps(&mut self, declared: &Declared) {
        let Some((word, numbers)) = &declared.stepwise else { return };
        if self.network.outputs.is_empty() {
            self.diagnostics
                .error(word.span(), "there is no output that steps could give")
                .help("say what each step gives: `output y = …;`");
            return;
        }
        match stepwise(&self.network, numbers) {
            Ok(_) => self.network.stepwise = numbers.clone(),
            Err(obstacle) => self.no_steps(word, &obstacle),
        }
    }

    fn no_steps(&mut self, word: &Ident, Obstacle { label, reason }: &Obstacle) {
        let culprit = if label.is_empty() { "an operation".to_owned() } else { format!("`{label}`") };
        let (does, help) = match reason {
            Reason::LooksAhead => (
                "depends on all positions, also on those that are yet to come".to_owned(),
                "attention needs `causal = true`; a mean, a maximum or a normalization over positions has no steps",
            ),
            Reason::Window(1) => ("reads the next position".to_owned(), CAUSAL),
            Reason::Window(ahead) => (format!("reads {ahead} positions ahead"), CAUSAL),
            Reason::Backwards => (
                "goes from the last position to the first one".to_owned(),
                "leave out `bidirectional` or the flip: a step knows only what came before it",
            ),
            Reason::End => (
                "uses at each position what is known only behind the last one".to_owned(),
                "let each position depend on those before it, as the outputs of recurrent layers do",
            ),
            Reason::Merged => (
                "makes one axis of positions and something else".to_owned(),
                "use `linear`, which works on each position by itself",
            ),
            Reason::Length => (
                "has another number of positions than what it reads".to_owned(),
                "keep the length: with `padding = causal` in convolutions, and without slices of positions",
            ),
            Reason::Stride => {
                ("goes over positions in larger steps than one".to_owned(), "use a stride of 1 along the sequence")
            }
            Reason::Loop => (
                "loops over something else than the positions that arrive".to_owned(),
                "scan over the stepwise input, in its direction",
            ),
            Reason::Pairs => {
                ("gives a value for each pair of positions".to_owned(), "let outputs have one row for each position")
            }
        };
        self.diagnostics
            .error(word.span(), format!("this network cannot work step by step: {culprit} {does}"))
            .help(help);
    }
}

const CAUSAL: &str = "use `padding = causal`, which reads none but earlier ones";
