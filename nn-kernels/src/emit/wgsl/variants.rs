//! Several texts of one kernel, for different devices: which ones there are, and for whom.
//!
//! A contraction that fills a device (it has a dispatch of its own, see [`levels`](crate::levels)) has, beside the text that
//! every device can run, texts of other tile shapes. All of them add the products of a sum in the same order, so they give the
//! same bits and any of them may run: a cost model of each class of devices chooses here, and the runtime may measure instead.
//! Texts that no class would take are not printed.

use super::archetype::Archetype;
use super::block::Block;
use super::contract::Contract;
use super::function::Function;
use super::panels::{self, Panels};
use super::subgroups;
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
        barrier: 32.0,
    },
    Costs {
        class: DeviceClass::Integrated,
        invocations: 1024.0,
        cached: 1.5,
        memory: 3.0,
        shared: 1.5,
        broadcast: 0.5,
        barrier: 64.0,
    },
    Costs {
        class: DeviceClass::Software,
        invocations: 16.0,
        cached: 4.0,
        memory: 4.0,
        shared: 4.0,
        broadcast: 0.1,
        barrier: 1000.0,
    },
];

/// How much dearer than a class's cheapest text another one may be in order to be printed, for those who measure.
const WORTH_MEASURING: f64 = 1.25;

impl Costs {
    /// What a contraction costs in the text that every device can run.
    fn first(&self, contract: &Contract) -> f64 {
        self.of(contract, contract.block, contract.block, self.cached * each(contract.block))
    }

    /// What it costs in another one.
    fn other(&self, contract: &Contract, text: Other) -> f64 {
        let (block, tile) = (text.block(), text.tile());
        let reads = match text {
            Other::Panels(Panels { depth, .. }) => {
                let barriers = 2.0 * self.barrier / (depth * block.rows * block.columns) as f64;
                self.memory * each(tile) + self.shared * each(block) + barriers
            }
            // The rows' factors come from neighbours.
            Other::Subgroups => self.cached / block.rows as f64 + self.broadcast / block.columns as f64,
        };
        self.of(contract, block, tile, reads)
    }

    /// `reads` is what is read for a product.
    fn of(&self, contract: &Contract, block: Block, tile: Block, reads: f64) -> f64 {
        let (m, n, k) = (contract.m.at(64) as f64, contract.n.at(64) as f64, contract.k.at(64) as f64);
        let whole = |points: f64, size: usize| (points / size as f64).ceil() * size as f64;
        let sums = contract.group.at(64) as f64 * whole(m, tile.rows) * whole(n, tile.columns);
        let idle = (self.invocations * (block.rows * block.columns) as f64 / sums).max(1.0);
        sums * k * (1.0 + reads) * idle
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
}

impl Other {
    /// Those that suit a contraction.
    fn of(contract: &Contract) -> Vec<Other> {
        let panels = Panels::SHAPES.into_iter().filter(|panels| panels.suits(contract)).map(Other::Panels);
        panels.chain(subgroups::suits(contract).then_some(Other::Subgroups)).collect()
    }

    fn block(self) -> Block {
        match self {
            Other::Panels(panels) => panels.block,
            Other::Subgroups => subgroups::BLOCK,
        }
    }

    fn tile(self) -> Block {
        match self {
            Other::Panels(panels) => panels.tile,
            Other::Subgroups => subgroups::TILE,
        }
    }

    fn print(self, contract: &Contract, classes: Vec<DeviceClass>) -> (Variant, Function) {
        let Block { rows, columns } = self.tile();
        let (prefix, needs, function) = match self {
            Other::Panels(panels) => ("", vec![], panels::print(contract.clone(), panels)),
            Other::Subgroups => ("subgroups_", vec![DeviceFeature::Subgroups], subgroups::print(contract.clone())),
        };
        let name = format!("{prefix}{rows}x{columns}");
        (Variant { name, tile: [rows as u32, columns as u32], needs, classes }, function)
    }
}

/// The other texts of a kernel that has a dispatch of its own.
pub(super) fn print(kernel: &Archetype) -> Vec<(Variant, Function)> {
    match kernel {
        Archetype::Contract(contract) if levels::is_large(contract.printer.kernel) => of_contraction(contract),
        _ => vec![],
    }
}

/// What the cost model makes of a contraction: for each class of devices the cheapest text of those that every device can run, and
/// the cheapest of all; and what is hardly dearer than that, to be measured.
fn of_contraction(contract: &Contract) -> Vec<(Variant, Function)> {
    let texts = Other::of(contract);
    let mut classes = vec![vec![]; texts.len()];
    let mut printed = vec![false; texts.len()];
    for costs in &COSTS {
        let first = costs.first(contract);
        let mut least = first;
        let all: Vec<f64> = texts.iter().map(|&text| costs.other(contract, text)).collect();
        for (i, &cost) in all.iter().enumerate() {
            if cost < least {
                // Only what every device can run takes the place of another one.
                if texts[i] != Other::Subgroups {
                    classes.iter_mut().for_each(|classes: &mut Vec<_>| classes.retain(|&class| class != costs.class));
                }
                classes[i].push(costs.class);
                least = cost;
            }
        }
        for (printed, &cost) in printed.iter_mut().zip(&all) {
            *printed |= cost <= least * WORTH_MEASURING && cost < first;
        }
    }
    let all = texts.into_iter().zip(classes).zip(printed);
    all.filter(|((_, classes), printed)| *printed || !classes.is_empty())
        .map(|((text, classes), _)| text.print(contract, classes))
        .collect()
}
