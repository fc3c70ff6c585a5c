//! Several texts of one kernel, for different devices: which ones there are, and for whom.
//!
//! A contraction that fills a device (it has a dispatch of its own, see [`levels`](crate::levels)) has, beside the text that
//! every device can run, texts of other tile shapes. All of them add the products of a sum in the same order, so they give the
//! same bits and any of them may run: a cost model of each class of devices chooses here, and the runtime may measure instead.
//! Texts that no class would take are not printed.
//!
//! Where the invocations of a workgroup make one number of what each has (rows, statistics, split sums), a dispatch has a second text in
//! which neighbours do so within subgroups (`combine`), with the same bits, for all who have them.

use super::archetype::Archetype;
use super::block::Block;
use super::contract::Contract;
use super::cooperative;
use super::function::Function;
use super::panels::{self, Panels};
use super::subgroups::{self, SUBGROUP};
use super::text::Count;
use super::tiled::{self, Expense, Tiled};
use crate::levels;

/// What tells one text of a dispatch from another. Mirrors `nn_runtime::program::Variant`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// What it is called among the texts of its dispatch: `64x64`, after its tile. The shader's name ends with it.
    pub name: String,
    /// Rows and columns of sums that a workgroup does.
    pub tile: [u32; 2],
    /// What a device must have.
    pub needs: Vec<DeviceFeature>,
    /// The classes of devices that take it, if they have what it needs; the last one of those that suit is taken.
    pub classes: Vec<DeviceClass>,
    /// Whether it gives the same bits as the first text.
    pub exact: bool,
    /// Whether somebody may measure it against the first text: neither writes anything that a network keeps.
    pub measured: bool,
}

impl Variant {
    /// A dispatch's text in which neighbours combine what they have within subgroups. It has fewer barriers and is otherwise the same,
    /// so there is nothing to measure.
    pub(super) fn in_subgroups() -> Self {
        let classes = vec![DeviceClass::Discrete, DeviceClass::Integrated, DeviceClass::Software];
        let needs = vec![DeviceFeature::Subgroups];
        Variant { name: "subgroups".to_owned(), tile: [1, 1], needs, classes, exact: true, measured: false }
    }
}

/// Classes of devices, as far as a cost model tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceClass {
    /// Thousands of invocations at once, and fast memory in each workgroup that is not a part of the cache.
    Discrete,
    /// Fewer of both, and memory that is shared with the processor.
    Integrated,
    /// A processor that plays a GPU: everything is cache, and a barrier suspends invocations one by one.
    Software,
}

/// What only some devices have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceFeature {
    /// Operations among the invocations of a subgroup, which has at least eight of them.
    Subgroups,
    /// f16 in shaders, and cooperative matrices of 8 x 8 of them with sums in f32.
    CooperativeMatrix8,
    /// The same of 16 x 16.
    CooperativeMatrix16,
}

/// What things cost on a class of devices, in multiply-adds of an invocation. Estimates that only their order matters of.
struct Costs {
    class: DeviceClass,
    /// Invocations that fill it.
    invocations: f64,
    /// Reading a float that neighbours read, too.
    cached: f64,
    /// Reading one that nobody has read.
    memory: f64,
    /// Reading one from the workgroup's memory.
    shared: f64,
    /// Getting one from a neighbour in the subgroup.
    broadcast: f64,
    /// A multiply-add of a cooperative matrix.
    matrix: f64,
    /// A barrier.
    barrier: f64,
}

const COSTS: [Costs; 3] = [
    Costs {
        class: DeviceClass::Discrete,
        invocations: 16384.0,
        cached: 3.0,
        memory: 8.0,
        shared: 0.6,
        broadcast: 1.0,
        matrix: 0.1,
        barrier: 32.0,
    },
    Costs {
        class: DeviceClass::Integrated,
        invocations: 1024.0,
        cached: 1.5,
        memory: 3.0,
        shared: 1.5,
        broadcast: 0.5,
        matrix: 0.2,
        barrier: 64.0,
    },
    Costs {
        class: DeviceClass::Software,
        invocations: 16.0,
        cached: 4.0,
        memory: 4.0,
        shared: 4.0,
        broadcast: 0.1,
        matrix: 100.0,
        barrier: 1000.0,
    },
];

/// How much dearer than a class's cheapest text another one may be in order to be printed, for those who measure.
const WORTH_MEASURING: f64 = 1.25;

impl Costs {
    /// What a contraction costs in the text that every device can run.
    fn first(&self, contract: &Contract) -> f64 {
        self.of(contract, contract.block, contract.block, 1.0 + self.cached * each(contract.block))
    }

    /// What it costs in another one.
    fn other(&self, contract: &Contract, text: Other) -> f64 {
        let (block, tile) = (text.block(), text.tile());
        let product = match text {
            Other::Panels(Panels { depth, .. }) => {
                let barriers = 2.0 * self.barrier / (depth * block.rows * block.columns) as f64;
                1.0 + self.memory * each(tile) + self.shared * each(block) + barriers
            }
            // The rows' factors come from neighbours.
            Other::Subgroups => 1.0 + self.cached / block.rows as f64 + self.broadcast / block.columns as f64,
            Other::Cooperative(_) => self.matrix + self.memory * each(tile) / 2.0,
        };
        self.of(contract, block, tile, product)
    }

    /// `product` is what a product costs with what is read for it.
    fn of(&self, contract: &Contract, block: Block, tile: Block, product: f64) -> f64 {
        let (m, n, k) = (contract.m.at(64) as f64, contract.n.at(64) as f64, contract.k.at(64) as f64);
        let whole = |points: f64, size: usize| (points / size as f64).ceil() * size as f64;
        let sums = contract.group.at(64) as f64 * whole(m, tile.rows) * whole(n, tile.columns);
        let idle = (self.invocations * (block.rows * block.columns) as f64 / sums).max(1.0);
        sums * k * product * idle
    }
}

impl Costs {
    /// What a contraction with windows costs in tiles, each of which is an invocation's.
    fn of_tiles(&self, tiled: &Tiled) -> f64 {
        let Expense { elements: [a, b], more } = tiled.expense();
        let Block { rows, columns } = tiled.block();
        let invocations = Count::of(&tiled.printer.kernel.outer).at(64) as f64 * more / (rows * columns) as f64;
        let rows = match tiled.tile.in_subgroups {
            true => a * (self.cached / SUBGROUP as f64 + self.broadcast),
            false => a * self.cached,
        };
        (1.0 + rows + b * self.cached) * more * (self.invocations / invocations).max(1.0)
    }
}

/// Elements that a block reads for each of its products.
fn each(block: Block) -> f64 {
    1.0 / block.rows as f64 + 1.0 / block.columns as f64
}

/// A text that is not a dispatch's first one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Other {
    Panels(Panels),
    Subgroups,
    /// With small matrices of this size.
    Cooperative(usize),
}

impl Other {
    /// Those that suit a contraction.
    fn of(contract: &Contract) -> Vec<Other> {
        let panels = Panels::SHAPES.into_iter().filter(|panels| panels.suits(contract)).map(Other::Panels);
        let subgroups = subgroups::suits(contract).then_some(Other::Subgroups);
        let sizes = cooperative::SIZES.into_iter().filter(|_| cooperative::suits(contract));
        panels.chain(subgroups).chain(sizes.map(Other::Cooperative)).collect()
    }

    fn block(self) -> Block {
        match self {
            Other::Panels(panels) => panels.block,
            Other::Subgroups => subgroups::BLOCK,
            Other::Cooperative(_) => cooperative::BLOCK,
        }
    }

    fn tile(self) -> Block {
        match self {
            Other::Panels(panels) => panels.tile,
            Other::Subgroups => subgroups::TILE,
            Other::Cooperative(_) => cooperative::TILE,
        }
    }

    fn name(self) -> String {
        let Block { rows, columns } = self.tile();
        match self {
            Other::Panels(_) => format!("{rows}x{columns}"),
            Other::Subgroups => format!("subgroups_{rows}x{columns}"),
            Other::Cooperative(size) => format!("matrices_{size}x{size}"),
        }
    }

    /// What a device must have.
    fn needs(self) -> Option<DeviceFeature> {
        match self {
            Other::Panels(_) => None,
            Other::Subgroups => Some(DeviceFeature::Subgroups),
            Other::Cooperative(8) => Some(DeviceFeature::CooperativeMatrix8),
            Other::Cooperative(_) => Some(DeviceFeature::CooperativeMatrix16),
        }
    }

    fn print(self, contract: &Contract, classes: Vec<DeviceClass>) -> (Variant, Vec<Function>) {
        let Block { rows, columns } = self.tile();
        let function = match self {
            Other::Panels(panels) => panels::print(contract.clone(), panels),
            Other::Subgroups => subgroups::print(contract.clone()),
            Other::Cooperative(size) => cooperative::print(contract.clone(), size),
        };
        let (tile, exact) = ([rows as u32, columns as u32], !matches!(self, Other::Cooperative(_)));
        let needs = self.needs().into_iter().collect();
        (Variant { name: self.name(), tile, needs, classes, exact, measured: exact }, vec![function])
    }
}

/// The other texts of a kernel that has a dispatch of its own.
pub(super) fn print(kernel: &Archetype) -> Vec<(Variant, Vec<Function>)> {
    match kernel {
        Archetype::Contract(contract) if levels::is_large(contract.printer.kernel) => of_product(contract),
        Archetype::Tiled(tiled) if levels::is_large(tiled.printer.kernel) => of_windows(tiled),
        _ => vec![],
    }
}

/// What the cost model makes of a matrix product: each class of devices takes the cheapest of those texts that every device can run, and
/// of the others what is cheaper still; what is hardly dearer is printed, too, to be measured.
fn of_product(contract: &Contract) -> Vec<(Variant, Vec<Function>)> {
    let texts = Other::of(contract);
    let mut classes = vec![vec![]; texts.len()];
    let mut printed = vec![false; texts.len()];
    for costs in &COSTS {
        let first = costs.first(contract);
        let all: Vec<f64> = texts.iter().map(|&text| costs.other(contract, text)).collect();
        let general = |i: &usize| texts[*i].needs().is_none();
        let best = (0..texts.len()).filter(general).min_by(|&i, &j| all[i].total_cmp(&all[j]));
        let best = best.filter(|&i| all[i] < first);
        let least = best.map_or(first, |i| all[i]);
        for (i, &cost) in all.iter().enumerate() {
            if best == Some(i) || (texts[i].needs().is_some() && cost < least) {
                classes[i].push(costs.class);
            }
            printed[i] |= cost <= least * WORTH_MEASURING && cost < first;
        }
    }
    let all = texts.into_iter().zip(classes).zip(printed);
    all.filter(|((_, classes), printed)| *printed || !classes.is_empty())
        .map(|((text, classes), _)| text.print(contract, classes))
        .collect()
}

/// Sums of an invocation's tile in the texts of contractions with windows that are not the first ones, at most.
const SMALLER: [usize; 2] = [32, 16];
/// The same where subgroups share rows.
const SHARED: [usize; 2] = [64, 32];
/// How much cheaper than the first text another one must be for a class of devices to be printed.
const WORTH_PRINTING: f64 = 0.9;

/// What the cost model makes of a contraction with windows: smaller tiles, which are more invocations, for those classes of devices that
/// the first text leaves idle, and tiles whose rows subgroups share, where that is cheaper still.
fn of_windows(tiled: &Tiled) -> Vec<(Variant, Vec<Function>)> {
    let smaller = SMALLER.into_iter().filter_map(|sums| tiled.other(sums, false));
    let shared = SHARED.into_iter().filter_map(|sums| tiled.other(sums, true));
    let others: Vec<Tiled> = smaller.chain(shared).collect();
    let mut classes = vec![vec![]; others.len()];
    for costs in &COSTS {
        let all: Vec<f64> = others.iter().map(|other| costs.of_tiles(other)).collect();
        let mut least = costs.of_tiles(tiled);
        for in_subgroups in [false, true] {
            let these = (0..others.len()).filter(|&i| others[i].tile.in_subgroups == in_subgroups);
            let best = these.min_by(|&i, &j| all[i].total_cmp(&all[j]));
            if let Some(i) = best.filter(|&i| all[i] < least * WORTH_PRINTING) {
                classes[i].push(costs.class);
                least = all[i];
            }
        }
    }
    let wanted = others.into_iter().zip(classes).filter(|(_, classes)| !classes.is_empty());
    wanted
        .map(|(other, classes)| {
            let Block { rows, columns } = other.block();
            let tile = [rows as u32, columns as u32];
            let (name, needs) = match other.tile.in_subgroups {
                true => (format!("subgroups_{rows}x{columns}"), vec![DeviceFeature::Subgroups]),
                false => (format!("blocks_{rows}x{columns}"), vec![]),
            };
            (Variant { name, tile, needs, classes, exact: true, measured: true }, vec![tiled::print(other)])
        })
        .collect()
}
