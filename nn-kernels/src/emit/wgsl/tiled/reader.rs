//! Prints the loads of an operand's elements, each element once.

use std::collections::BTreeMap;

use super::operand::{Element, Elements, LocalPoint};
use crate::emit::wgsl::printer::Printer;
use crate::emit::wgsl::text::{self, Text};
use crate::ir::Index;

const COMPONENTS: [&str; 4] = ["x", "y", "z", "w"];

/// An index that fails every check, also with a little added.
const NOWHERE: &str = "0x80000000u";

pub(super) struct Reader {
    pub(super) elements: Elements,
    /// `a` or `b`, and `x` or `y` for what is read.
    letter: char,
    value: char,
    /// Elements of the aligned groups that are read: 4, 2 or 1.
    group: i64,
    /// Lines to print at the beginning of each loop's body; the first ones stand before all loops.
    lines: Vec<Vec<String>>,
    base: String,
    /// What the index of each check is called, where elements have checks of their own.
    indices: Vec<String>,
    /// Whether what is the same for the whole tile holds.
    holds: Option<String>,
    /// Names of the last check's index where the earlier ones of an element hold too, and of what was read.
    guarded: BTreeMap<Vec<(usize, i64)>, String>,
    read: BTreeMap<Element, String>,
}

impl Reader {
    /// `levels` says in which loop each axis gets its value (0: before all of them), `names` what tiles begin with.
    pub(super) fn new(
        elements: Elements,
        letter: char,
        printer: &mut Printer,
        names: &[String],
        levels: &[usize],
    ) -> Self {
        let depth = levels.iter().max().map_or(1, |l| l + 1);
        let level = |index: &Index| (0..levels.len()).filter(|&a| index.uses(a)).map(|a| levels[a]).max().unwrap_or(0);
        let binding = printer.binding(elements.tensor);
        let group = match elements.group {
            4 if printer.packed.contains(&binding) => 4,
            4 | 2 if printer.paired.contains(&binding) => 2,
            _ => 1,
        };
        let mut lines = vec![vec![]; depth];

        let mut base = printer.base(elements.tensor);
        for (depth, lines) in lines.iter_mut().enumerate() {
            let mut part = elements.base.clone();
            part.terms.retain(|t| level(&Index { offset: 0, terms: vec![t.clone()] }) == depth);
            let part = text::index(&part, names);
            if part != text::ZERO {
                let name = format!("{letter}{depth}");
                lines.push(format!("let {name} = {};", text::sum(&base, &part)));
                base = name;
            }
        }

        let mut indices = vec![];
        let (mut holds, mut deepest) = (vec![], 0);
        for (i, check) in elements.checks.iter().enumerate() {
            let name = format!("{letter}_index{i}");
            let depth = level(&check.index);
            let index = text::index(&check.index, names);
            if elements.needs(i) {
                lines[depth].push(format!("let {name} = {index};"));
                if !check.varies {
                    let step =
                        if check.step == 1 { String::new() } else { format!(" && {name} % {}u == 0u", check.step) };
                    holds.push(format!("{name} < {}u{step}", check.end));
                    deepest = deepest.max(depth);
                }
            }
            indices.push(name);
        }
        let holds = (!holds.is_empty()).then(|| {
            let name = format!("{letter}_holds");
            lines[deepest].push(format!("let {name} = {};", holds.join(" && ")));
            name
        });
        let value = if letter == 'a' { 'x' } else { 'y' };
        let (guarded, read) = (BTreeMap::new(), BTreeMap::new());
        Reader { elements, letter, value, group, lines, base, indices, holds, guarded, read }
    }

    /// Prints what changes with a loop only, at the beginning of its body (0: before all loops).
    pub(super) fn lines(&self, out: &mut Text, level: usize) {
        self.lines.get(level).into_iter().flatten().for_each(|line| out.line(line));
    }

    /// Where the innermost loop's elements begin, but for constant parts.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The value of one element as an f32; `None` where it is always 0.
    pub(super) fn one(&mut self, printer: &mut Printer, out: &mut Text, point: &LocalPoint) -> Option<String> {
        let element = self.elements.at(point)?;
        if self.group == 1 {
            return Some(self.load(printer, out, element));
        }
        let component = COMPONENTS[element.offset.rem_euclid(self.group) as usize];
        Some(format!("{}.{component}", self.group_of(printer, out, element)))
    }

    /// The values of four elements as a vec4<f32>; `None` where all of them are always 0.
    pub(super) fn four(&mut self, printer: &mut Printer, out: &mut Text, points: [&LocalPoint; 4]) -> Option<String> {
        let elements = points.map(|point| self.elements.at(point));
        if let [Some(first), ..] = &elements
            && self.group == 4
            && first.offset % 4 == 0
            && (elements.iter().enumerate())
                .all(|(i, e)| e.as_ref().is_some_and(|e| e.offset == first.offset + i as i64))
        {
            return Some(self.group_of(printer, out, first.clone()));
        }
        if elements.iter().all(Option::is_none) {
            return None;
        }
        let parts = points.map(|point| self.one(printer, out, point).unwrap_or_else(|| "0.0".to_owned()));
        Some(format!("vec4<f32>({})", parts.join(", ")))
    }

    /// The name of the aligned group that an element belongs to.
    fn group_of(&mut self, printer: &mut Printer, out: &mut Text, mut element: Element) -> String {
        let component = element.offset.rem_euclid(self.group);
        element.offset -= component;
        // Checks of fixed parts are the same for the group; that of the last one moves along.
        if let Some(last) = self.elements.checks.iter().rposition(|c| c.varies)
            && let Some((_, more)) = element.checks.iter_mut().find(|(number, _)| *number == last)
        {
            *more -= component;
        }
        self.load(printer, out, element)
    }

    fn load(&mut self, printer: &mut Printer, out: &mut Text, element: Element) -> String {
        if let Some(name) = self.read.get(&element) {
            return name.clone();
        }
        let tensor = self.elements.tensor;
        let address = text::sum(&self.base, &format!("{}u", element.offset as u32));
        let value = match self.group {
            4 => printer.load_group(tensor, &address),
            2 => printer.load_pair(tensor, &address),
            _ => printer.load(tensor, &address),
        };
        let value = match (self.condition(out, &element), self.group) {
            (None, _) => value,
            (Some(holds), 1) => format!("select(0.0, {value}, {holds})"),
            (Some(holds), n) => format!("select(vec{n}<f32>(0.0), {value}, vec{n}<bool>({holds}))"),
        };
        let name = format!("{}{}", self.value, self.read.len());
        out.line(format!("let {name} = {value};"));
        self.read.insert(element, name.clone());
        name
    }

    /// When an element may be read: one comparison for those that differ in the last check only.
    fn condition(&mut self, out: &mut Text, element: &Element) -> Option<String> {
        let checks = &self.elements.checks;
        let mut own: Vec<(usize, i64)> = element.checks.iter().copied().filter(|(i, _)| checks[*i].varies).collect();
        let test = |index: &str, (number, more): (usize, i64)| {
            format!("{} < {}u", text::sum(index, &format!("{}u", more as u32)), checks[number].end)
        };
        let Some(last) = own.pop() else { return self.holds.clone() };
        if own.is_empty() && self.holds.is_none() {
            return Some(test(&self.indices[last.0], last));
        }
        let mut key = own.clone();
        key.push((last.0, 0));
        let next = format!("{}_guarded{}", self.letter, self.guarded.len());
        let name = self.guarded.entry(key).or_insert_with(|| {
            let tests = self.holds.iter().cloned().chain(own.iter().map(|&c| test(&self.indices[c.0], c)));
            let tests = tests.collect::<Vec<_>>().join(" && ");
            out.line(format!("let {next} = select({NOWHERE}, {}, {tests});", self.indices[last.0]));
            next
        });
        Some(test(name, last))
    }
}
