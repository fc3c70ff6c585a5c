//! An independent check of memory plans and of levels: every kernel is replayed element by element, with nothing but the
//! question whose number lies in which cell, and who else touches it meanwhile.

use std::collections::HashMap;

use nn_kernels::graph::Extent;
use nn_kernels::ir::{Index, TensorId, Value};
use nn_kernels::plan::{Place, Plan, Schedule, Tensor};
use nn_kernels::{Options, compile, random_graph};

/// Samples in the batch, and in the arena.
const BATCH: usize = 3;
const CAPACITY: usize = 4;

/// A float somewhere: the vector it is in, and its position there.
type Cell = (u8, usize);

/// The number of the arena of f16.
const HALVES: u8 = 100;

/// Which tensor's element a cell of the arena holds.
type Owners = HashMap<Cell, (TensorId, usize)>;

fn cell(schedule: &Schedule, tensor: &Tensor, element: usize) -> Cell {
    match tensor.place {
        Place::Sample(o) => (0, schedule.fixed_floats + CAPACITY * o + element),
        Place::Fixed(o) => (0, o + element),
        Place::HalfSample(o) => (HALVES, schedule.fixed_halves + CAPACITY * o + element),
        Place::HalfFixed(o) => (HALVES, o + element),
        Place::Parameters(o) => (1, o + element),
        Place::Gradients(o) => (2, o + element),
        Place::Results(o) => (3, o + element),
        Place::State(i, o) => (4 + i as u8, o + element),
    }
}

fn elements(tensor: &Tensor) -> usize {
    tensor.size() * if tensor.batch { BATCH } else { 1 }
}

fn points(extents: &[Extent]) -> Vec<Vec<usize>> {
    extents.iter().fold(vec![vec![]], |all, extent| {
        all.iter().flat_map(|p| (0..extent.at(BATCH)).map(move |i| p.iter().copied().chain([i]).collect())).collect()
    })
}

/// The kernels in the order in which they are played, each with the step of its loop.
fn played(schedule: &Schedule) -> Vec<(usize, usize)> {
    let mut all = vec![];
    let mut first = 0;
    while first < schedule.kernels.len() {
        let (body, steps) = schedule.loop_of(first).map_or((first..first + 1, 1), |l| (l.kernels.clone(), l.steps));
        all.extend((0..steps).flat_map(|step| body.clone().map(move |kernel| (kernel, step))));
        first = body.end;
    }
    all
}

/// Says the first thing that is wrong with where a schedule's tensors lie, or with which kernels run at the same time.
fn check(schedule: &Schedule) -> Result<(), String> {
    let in_order: Vec<usize> = schedule.levels.iter().flat_map(Clone::clone).collect();
    if in_order != (0..schedule.kernels.len()).collect::<Vec<_>>() {
        return Err(format!("levels {:?} of {} kernels", schedule.levels, schedule.kernels.len()));
    }
    let level_of = |kernel: usize| schedule.levels.iter().position(|level| level.contains(&kernel));
    // A loop's kernels are whole levels.
    let of_loops = schedule.loops.iter().flat_map(|l| [l.kernels.start, l.kernels.end]);
    let edges = [schedule.shared, schedule.update].into_iter().chain(of_loops);
    for edge in edges.filter(|&edge| 0 < edge && edge < in_order.len()) {
        if level_of(edge - 1) == level_of(edge) {
            return Err(format!("a level has kernels from before and behind {edge}"));
        }
    }
    let mut owners = Owners::new();
    let in_arena = |t: &Tensor| matches!(t.place, Place::Sample(_) | Place::Fixed(_)) || t.place.is_half();
    let ends = [
        schedule.fixed_floats + CAPACITY * schedule.sample_floats,
        schedule.fixed_halves + CAPACITY * schedule.sample_halves,
    ];
    for (_, id) in schedule.fields.iter().chain(&schedule.kept) {
        let tensor = &schedule.tensors[id.0 as usize];
        (0..elements(tensor)).for_each(|e| {
            owners.insert(cell(schedule, tensor, e), (*id, e));
        });
    }
    // What the kernels of this level have read and written, each with the number of the kernel.
    let (mut level, mut read) = (None, HashMap::<Cell, usize>::new());
    let mut written = HashMap::<Cell, usize>::new();
    for (this, loop_step) in played(schedule) {
        let kernel = &schedule.kernels[this];
        if level != Some((level_of(this), loop_step)) {
            level = Some((level_of(this), loop_step));
            read.clear();
            written.clear();
        }
        let fail = |what: String| Err(format!("kernel `{}`: {what}", kernel.name));
        let outer = points(&kernel.outer);
        // Who reads and writes what, each with the number of the outer point.
        let mut reads: HashMap<Cell, Vec<usize>> = HashMap::new();
        let mut writes: HashMap<Cell, (usize, TensorId, usize)> = HashMap::new();
        for (number, o) in outer.iter().enumerate() {
            for stage in &kernel.stages {
                for inner in points(&stage.inner) {
                    let point: Vec<usize> = o.iter().chain(&inner).copied().collect();
                    let access = |id: &TensorId, index: &Index| {
                        let (id, first) = schedule.tensor_at(*id, loop_step);
                        let tensor = &schedule.tensors[id.0 as usize];
                        let element = usize::try_from(index.eval(&point)).ok().map(|e| e + first);
                        match element.filter(|&e| e < elements(tensor)) {
                            Some(e) => Ok((cell(schedule, tensor, e), e, id)),
                            None => Err(format!("kernel `{}` leaves `{}`", kernel.name, tensor.name)),
                        }
                    };
                    for value in &stage.body {
                        let Value::Load { tensor, index, within } = value else { continue };
                        if !within.iter().all(|bound| bound.holds(&point)) {
                            continue;
                        }
                        let (at, element, tensor) = access(tensor, index)?;
                        let t = &schedule.tensors[tensor.0 as usize];
                        if in_arena(t) && owners.get(&at) != Some(&(tensor, element)) {
                            return fail(format!("`{}`[{element}] is not there when it is read", t.name));
                        }
                        reads.entry(at).or_default().push(number);
                    }
                    for store in &stage.stores {
                        let (at, element, tensor) = access(&store.tensor, &store.index)?;
                        let t = &schedule.tensors[tensor.0 as usize];
                        if in_arena(t) && at.1 >= ends[usize::from(t.place.is_half())] {
                            return fail(format!("`{}` lies behind the arena's end", t.name));
                        }
                        if let Some((other, ..)) = writes.insert(at, (number, tensor, element))
                            && other != number
                        {
                            return fail(format!("two points write `{}`[{element}]", t.name));
                        }
                    }
                }
            }
        }
        for (at, (number, tensor, element)) in writes {
            let t = &schedule.tensors[tensor.0 as usize];
            for (others, does) in [(&read, "reads"), (&written, "writes")] {
                if let Some(&other) = others.get(&at).filter(|&&other| other != this) {
                    let other = &schedule.kernels[other].name;
                    return fail(format!("`{other}` of the same level {does} what it overwrites with `{}`", t.name));
                }
            }
            written.insert(at, this);
            if reads.get(&at).is_some_and(|readers| readers.iter().any(|r| *r != number)) {
                return fail(format!("one point reads what another one overwrites with `{}`[{element}]", t.name));
            }
            owners.insert(at, (tensor, element));
        }
        for at in reads.into_keys() {
            if let Some(&other) = written.get(&at).filter(|&&other| other != this) {
                return fail(format!("reads what `{}` of the same level writes", schedule.kernels[other].name));
            }
            read.insert(at, this);
        }
    }
    let pairs = schedule.field_gradients.iter().chain(&schedule.kept);
    for id in schedule.outputs.iter().chain(pairs.map(|(_, t)| t)) {
        let tensor = &schedule.tensors[id.0 as usize];
        if let Some(e) = (0..elements(tensor)).find(|&e| owners.get(&cell(schedule, tensor, e)) != Some(&(*id, e))) {
            return Err(format!("`{}`[{e}] is not there at the end", tensor.name));
        }
    }
    Ok(())
}

fn schedules(plan: &Plan) -> impl Iterator<Item = &Schedule> {
    std::iter::once(&plan.predict).chain([&plan.evaluate, &plan.train, &plan.gradients].into_iter().flatten())
}

#[test]
fn no_tensor_is_overwritten_while_it_lives_and_no_kernel_meets_its_own_operands() {
    for seed in 0..24 {
        for fuse in [true, false] {
            let plan = compile(&random_graph::network(seed), &Options { fuse });
            for schedule in schedules(&plan) {
                check(schedule).unwrap_or_else(|e| panic!("network {seed}, fuse = {fuse}: {e}"));
            }
        }
    }
}

#[test]
fn arenas_are_smaller_than_a_buffer_for_each_tensor() {
    let (mut arenas, mut buffers, mut smaller, mut all) = (0, 0, 0, 0);
    for seed in 0..80 {
        let plan = compile(&random_graph::network(seed), &Options { fuse: false });
        for schedule in schedules(&plan) {
            let in_sample_zone = schedule.tensors.iter().filter(|t| matches!(t.place, Place::Sample(_)));
            let sum: usize = in_sample_zone.map(Tensor::size).sum();
            assert!(schedule.sample_floats <= sum, "network {seed}");
            smaller += usize::from(schedule.sample_floats < sum);
            (arenas, buffers, all) = (arenas + schedule.sample_floats, buffers + sum, all + 1);
        }
    }
    assert!(smaller * 10 > all * 8, "{smaller} of {all} arenas share memory");
    assert!(arenas * 2 < buffers, "{arenas} floats in arenas, {buffers} in buffers");
}

#[test]
fn the_checker_sees_tensors_that_share_too_much() {
    let mut caught = 0;
    for seed in 0..20 {
        let plan = compile(&random_graph::network(seed), &Options { fuse: false });
        let mut schedule = plan.train.expect("every random network trains");
        schedule.tensors.iter_mut().for_each(|t| {
            if let Place::Sample(o) = &mut t.place {
                *o /= 2;
            }
        });
        caught += usize::from(check(&schedule).is_err());
    }
    assert_eq!(caught, 20);
}

/// Each kernel waits for one of the level before its own, so no two levels can be one.
#[test]
fn the_checker_sees_levels_that_should_be_two() {
    let mut levels = 0;
    for seed in 0..4 {
        let plan = compile(&random_graph::network(seed), &Options::default());
        let whole = plan.train.expect("every random network trains");
        for first in 1..whole.levels.len() {
            let mut schedule = whole.clone();
            let second = schedule.levels.remove(first);
            schedule.levels[first - 1].end = second.end;
            assert!(check(&schedule).is_err(), "network {seed}: {:?} at {first}", schedule.levels);
            levels += 1;
        }
    }
    assert!(levels > 20, "{levels}");
}
