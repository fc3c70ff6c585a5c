//! The arguments of a block, or of `repeat`, meet its parameters.

use proc_macro2::Ident;
use syn::Expr;

use super::Elaborator;
use super::call::{Call, Named, Positional, call_parts, option};
use super::value::Value;
use crate::functions;
use crate::suggest::nearest;
use crate::text;

/// What is called.
pub struct Callee<'s> {
    /// What messages call it: "block `stage`".
    pub name: String,
    /// Its parameters.
    pub slots: Vec<Slot<'s>>,
    /// Whether it has no mistake of its own, which arguments could follow from.
    pub sound: bool,
    /// How it is called, for a note.
    pub signature: &'s dyn Fn() -> String,
}

/// A parameter.
pub struct Slot<'s> {
    /// Its name.
    pub name: String,
    /// Whether it is a block itself.
    pub is_block: bool,
    /// Whether it has no default.
    pub required: bool,
    /// Where it is declared.
    pub declaration: Option<&'s Ident>,
}

/// An argument.
pub struct Argument<'e> {
    /// Its value; a [`Value::Block`] where a block is expected.
    pub value: Value,
    /// As written.
    pub expression: &'e Expr,
}

impl Elaborator<'_, '_> {
    /// An argument for each parameter; `None` where the default stands. Nothing at all if something is wrong.
    pub fn fill<'e>(&mut self, callee: &Callee<'_>, call: &mut Call<'e>) -> Option<Vec<Option<Argument<'e>>>> {
        let slots = &callee.slots;
        let mut filled: Vec<Option<Argument<'e>>> = slots.iter().map(|_| None).collect();
        // What is missing may be what an argument for nothing is meant for.
        let (mut sound, mut astray) = (true, false);
        let is_piped = call.piped.is_some();
        let mut position = usize::from(is_piped);
        if let Some(Positional { value, expression }) = call.piped.take() {
            match slots.first() {
                None => (sound, astray) = (self.surplus(callee, call, is_piped, expression), true),
                Some(slot) if slot.is_block => {
                    let message = format!("{} takes a block first, so nothing can be piped into it", callee.name);
                    self.diagnostics.error(call.word.span(), message).note((callee.signature)());
                    sound = false;
                }
                Some(_) => {}
            }
            if let Some(place) = filled.first_mut() {
                *place = Some(Argument { value, expression });
            }
        }
        for argument in call.written.into_iter().flatten() {
            let (slot, expression) = match option(argument) {
                Some(Named { name, value }) => match index_of(slots, name) {
                    Some(slot) if filled[slot].is_some() => {
                        self.argument_of_nothing(value);
                        self.diagnostics
                            .error(name.span(), format!("`{name}` is given already"))
                            .note((callee.signature)());
                        sound = false;
                        continue;
                    }
                    Some(slot) => (slot, value),
                    None => {
                        self.argument_of_nothing(value);
                        let message = format!("{} has no parameter `{name}`", callee.name);
                        let found = self.diagnostics.error(name.span(), message);
                        if let Some(near) = nearest(&name.to_string(), slots.iter().map(|s| s.name.as_str())) {
                            found.help(format!("did you mean `{near}`?"));
                        }
                        found.note((callee.signature)());
                        (sound, astray) = (false, true);
                        continue;
                    }
                },
                None => {
                    position += 1;
                    if position > slots.len() {
                        // The first of them is reported.
                        self.argument_of_nothing(argument);
                        if position == slots.len() + 1 {
                            (sound, astray) = (self.surplus(callee, call, is_piped, argument), true);
                        }
                        continue;
                    }
                    if filled[position - 1].is_some() {
                        self.argument_of_nothing(argument);
                        let name = &slots[position - 1].name;
                        let message = format!("by its position this is `{name}`, which is given already");
                        self.diagnostics.error(argument, message).note((callee.signature)());
                        sound = false;
                        continue;
                    }
                    (position - 1, argument)
                }
            };
            let value = self.argument(callee, &slots[slot], astray, expression);
            // A block for a value may be one parameter too early.
            astray |= !slots[slot].is_block && self.block_for_value(expression).is_some();
            filled[slot] = Some(Argument { value, expression });
        }
        let is_missing = |(slot, argument): &(&Slot<'_>, &Option<Argument<'_>>)| slot.required && argument.is_none();
        let missing: Vec<&str> = slots.iter().zip(&filled).filter(is_missing).map(|(s, _)| s.name.as_str()).collect();
        if !astray && !missing.is_empty() {
            let names = text::list(missing.iter().copied(), "and");
            self.diagnostics
                .error(call.word.span(), format!("{} lacks {names}", callee.name))
                .note((callee.signature)());
        }
        sound &= missing.is_empty();
        if !sound {
            self.look_at_blocks(filled.iter().flatten().map(|argument| &argument.value));
        }
        sound.then_some(filled)
    }

    /// Reports the first argument for which there is no parameter. Always false.
    fn surplus(&mut self, callee: &Callee<'_>, call: &Call<'_>, is_piped: bool, first: &Expr) -> bool {
        let written = call.written.into_iter().flatten().filter(|a| option(a).is_none()).count();
        let given = written + usize::from(is_piped);
        let count = text::count(callee.slots.len(), "parameter");
        self.diagnostics
            .error(first, format!("{} has {count}, but {given} are given", callee.name))
            .note((callee.signature)());
        false
    }

    /// The value of one argument. If others went `astray`, it may be meant for another parameter.
    fn argument(&mut self, callee: &Callee<'_>, slot: &Slot<'_>, astray: bool, expression: &Expr) -> Value {
        if slot.is_block {
            return self.applicable(expression, &format!("`{}` of {}", slot.name, callee.name));
        }
        if let Some(is) = self.block_for_value(expression) {
            if callee.sound && !astray {
                let message = format!("`{}` of {} is a value, but here is {is}", slot.name, callee.name);
                let found = self.diagnostics.error(expression, message).note((callee.signature)());
                if let Some(declaration) = slot.declaration {
                    found.help(format!("to pass a block, declare the parameter as one: `{declaration}: block`"));
                }
            }
            self.argument_of_nothing(expression);
            return Value::Error;
        }
        self.expression(expression)
    }

    /// What stands in the parentheses of something unknown may have mistakes of its own, and uses names.
    pub fn arguments_of_nothing(&mut self, call: &Call<'_>) {
        for argument in call.written.into_iter().flatten() {
            self.argument_of_nothing(option(argument).map_or(argument, |named| named.value));
        }
    }

    fn argument_of_nothing(&mut self, expression: &Expr) {
        match expression {
            Expr::Group(group) => return self.argument_of_nothing(&group.expr),
            Expr::Paren(paren) => return self.argument_of_nothing(&paren.expr),
            Expr::Closure(_) => {
                let block = self.applicable(expression, "this");
                return self.look_at_blocks([&block]);
            }
            _ => {}
        }
        // What names a function may be meant as a block, or as a value: who knows.
        let Some((word, written)) = call_parts(expression) else { return drop(self.expression(expression)) };
        let name = word.to_string();
        let block = self.visible_block(&name);
        let is_known = match self.lookup(&name).map(|name| &name.value) {
            Some(value) => matches!(value, Value::Block(_)),
            None => block.is_some() || functions::find(&name).is_some_and(|f| f.apply.is_value()),
        };
        if !is_known {
            self.expression(expression);
            return;
        }
        self.mention_words([name.as_str()]);
        for argument in written.into_iter().flatten() {
            self.argument_of_nothing(option(argument).map_or(argument, |named| named.value));
        }
    }
}

fn index_of(slots: &[Slot<'_>], name: &Ident) -> Option<usize> {
    let name = name.to_string();
    slots.iter().position(|slot| slot.name == name)
}
