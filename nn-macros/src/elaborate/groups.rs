//! Groups of an optimizer's parameters, by patterns of their names.

use nn_kernels::layers;
use nn_kernels::network::Group;
use syn::Expr;

use super::Elaborator;
use super::argument::is_value;
use super::call::{Call, Written, call_parts, option};
use super::explain::Subject;
use crate::diagnostics::Place;
use crate::functions::{self, Apply, Bound};
use crate::suggest::nearest;
use crate::text;

/// How many names a message lists.
const LISTED: usize = 12;

/// A pattern as written.
pub struct Pattern {
    place: Place,
    text: String,
    /// The number of its group.
    group: usize,
}

impl Elaborator<'_, '_> {
    /// `[group("*.bias", weight_decay = 0.0), …]`
    pub fn bind_groups(&mut self, expression: &Expr, what: &str) -> Option<Bound> {
        const FORM: &str = "write `groups = [group(\"*.bias\", weight_decay = 0.0)]`";
        let Expr::Array(array) = expression else {
            let value = self.expression(expression);
            let is = is_value(&text::of(expression), &value.describe(&self.network.graph));
            self.diagnostics.error(expression, format!("{what} is a list of groups, but {is}")).help(FORM);
            return None;
        };
        let mut groups = Vec::new();
        let mut sound = true;
        for element in &array.elems {
            let function = call_parts(element).and_then(|(word, _)| functions::find(&word.to_string()));
            let (Some((word, written)), Some((function, Apply::Group(apply)))) =
                (call_parts(element), function.map(|f| (f, &f.apply)))
            else {
                let message = format!("{what} is a list of groups, but `{}` is none", text::of(element));
                self.diagnostics.error(element, message).help(FORM);
                sound = false;
                continue;
            };
            self.note_word(word);
            let mut call = Call { word, piped: None, written, whole: element };
            let Some(binding) = self.bind(function, &mut call) else {
                sound = false;
                continue;
            };
            let group = apply(&binding.arguments);
            self.remember_patterns(groups.len(), &group, written);
            match layers::check_group(&group) {
                Ok(()) => groups.push(group),
                Err(fact) => {
                    self.explain(&fact, &Subject::of_call(&call, binding, false));
                    sound = false;
                }
            }
        }
        sound.then_some(Bound::Groups(groups))
    }

    fn remember_patterns(&mut self, number: usize, group: &Group, written: Option<&Written>) {
        let Some(argument) = written.into_iter().flatten().find(|argument| option(argument).is_none()) else { return };
        let places: Vec<Place> = match argument {
            Expr::Array(array) => array.elems.iter().map(Place::from).collect(),
            other => vec![Place::from(other)],
        };
        for (i, text) in group.patterns.iter().enumerate() {
            let place = places.get(i).copied().unwrap_or(Place::from(argument));
            self.patterns.push(Pattern { place, text: text.clone(), group: number });
        }
    }

    /// Every pattern must be for a parameter that no group before has.
    pub fn check_patterns(&mut self) {
        let Some(optimizer) = self.network.optimizer.clone() else { return };
        for Pattern { place, text: pattern, group } in std::mem::take(&mut self.patterns) {
            let alone = Group { patterns: vec![pattern.clone()], learning_rate: None, weight_decay: None };
            let parameters = self.network.parameters.iter();
            let all: Vec<&str> = parameters.clone().filter(|p| p.trainable).map(|p| p.name.as_str()).collect();
            let own: Vec<&str> = all.iter().copied().filter(|name| alone.has(name)).collect();
            if own.iter().any(|name| optimizer.group_of(name) == Some(group)) {
                continue;
            }
            if let Some(name) = own.first() {
                let message = format!("`{pattern}` adds nothing to its group: `{name}` is in an earlier one");
                let found = self.diagnostics.error(place, message);
                found.note("a parameter belongs to the first group that has its name");
                continue;
            }
            if let Some(buffer) = parameters.clone().find(|p| !p.trainable && alone.has(&p.name)) {
                let message = format!("`{pattern}` has only running statistics, such as `{}`", buffer.name);
                self.diagnostics.error(place, message).note("no optimizer changes them");
                continue;
            }
            let found = self.diagnostics.error(place, format!("no parameter has the name `{pattern}`"));
            if let Some(near) = near(&pattern, &all) {
                found.help(format!("did you mean `{near}`?"));
            }
            let more = if all.len() > LISTED { format!(", and {} more", all.len() - LISTED) } else { String::new() };
            let names = all.iter().take(LISTED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            found.note(format!("the parameters are {names}{more}"));
        }
    }
}

/// The pattern that was probably meant: a name; or the beginning or the end of one where the pattern leaves the rest open.
fn near(pattern: &str, names: &[&str]) -> Option<String> {
    if let Some(start) = pattern.strip_suffix(".*") {
        let parts = start.split('.').count();
        let starts: Vec<String> =
            names.iter().map(|n| n.split('.').take(parts).collect::<Vec<_>>().join(".")).collect();
        return nearest(start, starts.iter().map(String::as_str)).map(|near| format!("{near}.*"));
    }
    if let Some(end) = pattern.strip_prefix("*.") {
        let parts = end.split('.').count();
        let last = |name: &&str| {
            let all: Vec<&str> = name.split('.').collect();
            all[all.len().saturating_sub(parts)..].join(".")
        };
        let ends: Vec<String> = names.iter().map(last).collect();
        return nearest(end, ends.iter().map(String::as_str)).map(|near| format!("*.{near}"));
    }
    nearest(pattern, names.iter().copied()).map(str::to_owned)
}
