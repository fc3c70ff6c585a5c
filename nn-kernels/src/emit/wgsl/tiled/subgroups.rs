//! Tiles whose rows' factors are the same for all invocations of a workgroup (the weights of a convolution, of which its invocations
//! do neighbouring positions): each brings an eighth of them, and hands them to the others by broadcasts.
//!
//! As in [the products](crate::emit::wgsl::subgroups) it does not matter which invocations are a subgroup, nor how large subgroups are,
//! if only they have eight invocations. Each sum adds the same products in the same order as in other tiles, so the bits are the same.

use super::operand::{Elements, LocalPoint};
use super::reader::Reader;
use super::{Tiled, Workgroups};
use crate::emit::wgsl::printer::Printer;
use crate::emit::wgsl::subgroups::SUBGROUP;
use crate::emit::wgsl::text::{self, Count, Text};
use crate::graph::Extent;
use crate::ir::{ContractionView, TensorId};

/// Invocations in a workgroup: few, since the last workgroup along the positions may have spare ones.
pub(super) const LANES: usize = 32;

/// Whether rows can be shared: what is read for them is always there, and all samples are in the columns.
pub(super) fn suits(view: &ContractionView, extents: &[Extent]) -> bool {
    let has_batch = |axes: &[usize]| axes.iter().any(|&a| extents[a] == Extent::Batch);
    view.a.within.is_empty() && has_batch(&view.n) && !has_batch(&view.m) && !has_batch(&view.group)
}

/// The rows' factors in one round of the loop, as the invocations of a subgroup bring them.
pub(super) struct Brought {
    tensor: TensorId,
    elements: Elements,
    base: String,
    /// Where each element lies from the base on, in the order in which they are brought.
    offsets: Vec<i64>,
}

impl Brought {
    /// Prints which elements an invocation brings, before all loops: `own0`, `own1`, ….
    pub(super) fn new(tiled: &Tiled, reader: &Reader, out: &mut Text) -> Self {
        let elements = reader.elements.clone();
        let offset = |point: &LocalPoint| elements.at(point).expect("rows that are always there").offset;
        let taps = super::points(&tiled.tile.taps);
        let rows = tiled.rows();
        let offsets: Vec<i64> =
            rows.iter().flat_map(|row| taps.iter().map(|tap| offset(&[&row[..], tap].concat()))).collect();
        // Rows and taps are one axis each.
        let apart = |from: usize| offsets.get(from).map_or(0, |there| there - offsets[0]);
        let (per_tap, per_row) = (apart(1), apart(taps.len()));
        for number in 0..offsets.len().div_ceil(SUBGROUP) {
            let first = number * SUBGROUP;
            let own = text::sum(&format!("sublane % {SUBGROUP}u"), &format!("{first}u"));
            let own = match offsets.len() < first + SUBGROUP {
                true => format!("min({own}, {}u)", offsets.len() - 1),
                false => format!("({own})"),
            };
            let (taps, start) = (taps.len(), offsets[0] as u32);
            let place = match per_row == per_tap * taps as i64 || rows.len() == 1 {
                true => format!("{own} * {}u", per_tap as u32),
                false if taps == 1 => format!("{own} * {}u", per_row as u32),
                false => format!("{own} / {taps}u * {}u + {own} % {taps}u * {}u", per_row as u32, per_tap as u32),
            };
            out.line(format!("let own{number} = {};", text::sum(&place, &format!("{start}u"))));
        }
        Brought { tensor: elements.tensor, base: reader.base().to_owned(), offsets, elements }
    }

    /// Prints the loads of what an invocation brings: `brought0`, `brought1`, ….
    pub(super) fn bring(&self, printer: &mut Printer, out: &mut Text) {
        for number in 0..self.offsets.len().div_ceil(SUBGROUP) {
            let value = printer.load(self.tensor, &text::sum(&self.base, &format!("own{number}")));
            out.line(format!("let brought{number} = {value};"));
        }
    }

    /// The factor at a point of the tile, from the invocation that has brought it.
    pub(super) fn one(&self, out: &mut Text, point: &LocalPoint) -> String {
        let offset = self.elements.at(point).expect("rows that are always there").offset;
        let number = self.offsets.iter().position(|&o| o == offset).expect("an element of the tile");
        let name = format!("x{number}");
        let (brought, lane) = (number / SUBGROUP, number % SUBGROUP);
        out.line(format!("let {name} = subgroupBroadcast(brought{brought}, {lane}u);"));
        name
    }
}

impl Tiled<'_> {
    /// The outer axes along which the tiles of a workgroup are the same, and those along which they are neighbours.
    fn shared_and_own(&self) -> [Vec<usize>; 2] {
        let (own, shared) = (0..self.printer.kernel.outer.len()).partition(|axis| self.view.n.contains(axis));
        [shared, own]
    }

    /// How many tiles lie along some outer axes.
    fn tiles_along(&self, axes: &[usize]) -> Count {
        let tiles = self.tiles();
        Count::of(axes.iter().map(|&axis| &tiles[axis]))
    }

    /// How many workgroups there are: some more than tiles need, since how many invocations the last ones have is known at run time only.
    pub(super) fn workgroups(&self) -> Workgroups {
        let [shared, own] = self.shared_and_own().map(|axes| self.tiles_along(&axes));
        let points = LANES as u64;
        Workgroups { fixed: shared.size * (points - 1), per_sample: shared.size * own.size, points }
    }

    /// Prints which tile this is. Spare invocations do the last one again, since others need what they bring.
    pub(super) fn place_in_subgroups(&self, out: &mut Text) {
        let [shared_axes, own_axes] = self.shared_and_own();
        let [shared, own] = [&shared_axes, &own_axes].map(|axes| self.tiles_along(axes).text());
        out.line(format!("let first = workgroup / {shared} * {LANES}u;"));
        out.open(format!("if first >= {own} {{"));
        out.line("return;");
        out.close();
        out.line(format!("let shared_tile = workgroup % {shared};"));
        out.line(format!("let own_tile = min(first + lane, {own} - 1u);"));
        self.place_along(out, &shared_axes, "shared_tile");
        self.place_along(out, &own_axes, "own_tile");
    }

    /// Prints that spare invocations are done when the sums are.
    pub(super) fn leave_spare(&self, out: &mut Text) {
        let [_, own] = self.shared_and_own();
        out.open(format!("if first + lane >= {} {{", self.tiles_along(&own).text()));
        out.line("return;");
        out.close();
    }
}
