//! The engine against sums in f64, on every path.

use super::*;
use crate::cpu::simd::Level;

fn numbers(count: usize, seed: u32) -> Vec<f32> {
    (0..count as u32)
        .map(|i| ((i + 1).wrapping_mul(seed | 1).wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0)
        .collect()
}

/// All ways in which operands may lie: row by row, column by column, with gaps, and as parts of something larger.
fn layouts(m: usize, n: usize, k: usize) -> Vec<Product> {
    let ways = |rows: usize, columns: usize| [[columns, 1], [1, rows], [columns + 3, 1], [2 * columns, 2]];
    let mut all = vec![];
    for a in ways(m, k) {
        for b in ways(k, n) {
            all.extend([[n, 1], [1, m], [n + 5, 1], [3 * n, 3]].map(|c| Product { m, n, k, a, b, c }));
        }
    }
    all
}

fn len(strides: [usize; 2], sizes: [usize; 2]) -> usize {
    (sizes[0] - 1) * strides[0] + (sizes[1] - 1) * strides[1] + 1
}

/// Fails unless `run` gives what the sums are.
fn check(p: &Product, add: bool, run: impl Fn(&[f32], &[f32], &mut [f32])) {
    let (a, b) = (numbers(len(p.a, [p.m, p.k]), 3), numbers(len(p.b, [p.k, p.n]), 5));
    let before = numbers(len(p.c, [p.m, p.n]), 7);
    let mut c = before.clone();
    run(&a, &b, &mut c);
    let mut touched = vec![false; c.len()];
    for (i, j) in (0..p.m).flat_map(|i| (0..p.n).map(move |j| (i, j))) {
        let at = i * p.c[0] + j * p.c[1];
        let start = if add { f64::from(before[at]) } else { 0.0 };
        let term = |k: usize| f64::from(a[i * p.a[0] + k * p.a[1]]) * f64::from(b[k * p.b[0] + j * p.b[1]]);
        let sum = start + (0..p.k).map(term).sum::<f64>();
        assert!((f64::from(c[at]) - sum).abs() < 2e-6 * p.k as f64 + 1e-6, "{p:?} at {i}, {j}: {} for {sum}", c[at]);
        touched[at] = true;
    }
    for ((touched, c), before) in touched.iter().zip(&c).zip(&before) {
        assert!(*touched || c == before, "{p:?}: something beside the result has changed");
    }
}

/// Computes a product with these vectors, in exactly the memory that the engine asks for.
fn on(level: Level, engine: Engine, p: &Product, o: Operands<'_>) {
    match engine {
        Engine::Dots { is_far } => level.run(Dots { p, o, is_far }),
        _ => in_tiles(level, Cut::new(level, p, [p.m, p.n]), p, o),
    }
}

/// Computes a product in tiles, cut like this.
fn in_tiles(level: Level, cut: Cut, p: &Product, o: Operands<'_>) {
    let need = cut.need();
    let [mut slivers, mut own] = [need.shared, need.own].map(|floats| vec![f32::NAN; floats]);
    split::pack_once(level, p, o.a, cut, &mut slivers);
    level.run(Tiles { p, o, cut, slivers: &slivers, own: &mut own });
}

const SIZES: [[usize; 3]; 16] = [
    [1, 1, 1],
    [1, 16, 32],
    [32, 1, 16],
    [33, 1, 100],
    [3, 10, 9],
    [4, 7, 100],
    [6, 16, 16],
    [7, 17, 5],
    [12, 33, 64],
    [32, 16, 1],
    [13, 8, 600],
    [64, 40, 20],
    [31, 81, 24],
    [2, 100, 3],
    [1, 10, 64],
    [2, 19, 37],
];

#[test]
fn every_layout_and_size() {
    for [m, n, k] in SIZES {
        for p in layouts(m, n, k) {
            check(&p, false, |a, b, c| product(&p, &[], a, b, c));
        }
    }
}

#[test]
fn tiles_of_every_level_and_onto_something() {
    for [m, n, k] in SIZES {
        for p in layouts(m, n, k).into_iter().filter(|p| p.c[1] == 1) {
            for (add, level) in
                [false, true].into_iter().flat_map(|add| Level::all().into_iter().map(move |l| (add, l)))
            {
                let dots = [false, true].map(|is_far| Engine::Dots { is_far }).into_iter().filter(|_| dots::suits(&p));
                for engine in dots.chain([Engine::Tiles { is_large: false }]) {
                    check(&p, add, |a, b, c| on(level, engine, &p, Operands { a, b, c: Shared::new(c), add }));
                }
            }
        }
    }
}

/// Levels that round alike, as all do that have fused multiply-add.
#[test]
fn the_width_of_vectors_changes_no_bit() {
    for [m, n, k] in SIZES {
        let p = Product { m, n, k, a: [k, 1], b: [n, 1], c: [n, 1] };
        let (a, b) = (numbers(m * k, 3), numbers(k * n, 5));
        let mut all = Level::all().into_iter().filter(|level| !matches!(level, Level::Plain)).map(|level| {
            let mut c = vec![0.0; m * n];
            let o = Operands { a: &a, b: &b, c: Shared::new(&mut c), add: false };
            on(level, Engine::Tiles { is_large: false }, &p, o);
            let mut packed = vec![0.0; m * n];
            let o = Operands { a: &a, b: &b, c: Shared::new(&mut packed), add: false };
            in_tiles(level, Cut::new(level, &p, [p.m, p.n]).packed(), &p, o);
            assert_eq!(c, packed);
            c
        });
        if let Some(first) = all.next() {
            assert!(all.all(|c| c == first), "{p:?}");
        }
    }
}

#[test]
fn the_width_of_vectors_changes_no_bit_of_sums_along_them() {
    // Whole steps and rests of terms, groups of columns and rests of them, up to all rows.
    for (m, n, k) in
        (1..=dots::ROWS).flat_map(|m| [1, 4, 10, 19].into_iter().flat_map(move |n| [8, 16, 21, 45].map(|k| (m, n, k))))
    {
        let p = Product { m, n, k, a: [k, 1], b: [1, k], c: [n, 1] };
        let engine = Engine::of(&p);
        assert_eq!(engine, Engine::Dots { is_far: false });
        let (a, b) = (numbers(m * k, 3), numbers(k * n, 5));
        let mut all = Level::all().into_iter().filter(|level| !matches!(level, Level::Plain)).map(|level| {
            let mut c = vec![0.0; m * n];
            on(level, engine, &p, Operands { a: &a, b: &b, c: Shared::new(&mut c), add: false });
            c
        });
        if let Some(first) = all.next() {
            assert!(all.all(|c| c == first), "{p:?}");
        }
    }
}

#[test]
fn large_products() {
    // More than one block of rows, group of columns and chunk of terms, whole ones and rests.
    for [m, n, k] in [[70, 900, 300], [900, 70, 300], [300, 300, 400], [1100, 600, 33], [256, 544, 512], [8, 2000, 600]]
    {
        for p in layouts(m, n, k).into_iter().step_by(5) {
            check(&p, false, |a, b, c| product(&p, &[], a, b, c));
        }
    }
}

#[test]
fn packing_changes_no_bit_of_large_products() {
    // The first operand of one is packed once for both groups of columns; the other's is too large for that.
    for m in [300, 2200] {
        let p = Product { m, n: 528, k: 600, a: [1, m], b: [528, 1], c: [528, 1] };
        let (a, b) = (numbers(m * p.k, 3), numbers(p.k * p.n, 5));
        let level = Level::best();
        let cut = Cut::new(level, &p, [p.m, p.n]);
        let [in_place, cut, packed] = [cut.in_place(), cut, cut.packed()].map(|cut| {
            let mut c = vec![0.0; m * p.n];
            in_tiles(level, cut, &p, Operands { a: &a, b: &b, c: Shared::new(&mut c), add: false });
            c
        });
        assert!(in_place == packed && cut == packed, "{p:?}");
    }
}

#[test]
fn loops_around_are_separate_products_or_one_sum() {
    // Two products side by side, each a sum over 3 blocks of 4 terms.
    let p = Product { m: 2, n: 2, k: 4, a: [12, 1], b: [2, 1], c: [2, 1] };
    let around = [Around { count: 2, a: 24, b: 24, c: 4 }, Around { count: 3, a: 4, b: 8, c: 0 }];
    let (a, b) = (numbers(48, 3), numbers(48, 5));
    let mut c = vec![9.0; 8];
    product(&p, &around, &a, &b, &mut c);
    for (g, i, j) in (0..8).map(|x| (x / 4, x / 2 % 2, x % 2)) {
        let sum: f32 = (0..12).map(|k| a[g * 24 + i * 12 + k] * b[g * 24 + k * 2 + j]).sum();
        assert!((c[g * 4 + i * 2 + j] - sum).abs() < 1e-5);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let sizes = [[64, 128, 784], [64, 256, 784], [300, 500, 200], [100, 4000, 30], [2000, 70, 130], [3, 4000, 500]];
    let layers = sizes.map(|[m, n, k]| Product { m, n, k, a: [k, 1], b: [1, k], c: [n, 1] });
    // A step of a recurrent layer: each thread has samples of its own.
    let step = Product { m: 32, n: 512, k: 200, a: [200, 1], b: [512, 1], c: [512, 1] };
    // The gradient of weights: slivers are packed once for all blocks, by all threads; or more of them than that.
    let weights =
        [[700, 1000, 600], [2200, 800, 520]].map(|[m, n, k]| Product { m, n, k, a: [1, m], b: [n, 1], c: [n, 1] });
    for p in layers.into_iter().chain([step]).chain(weights) {
        let Product { m, n, k, .. } = p;
        let (a, b) = (numbers(m * k, 3), numbers(n * k, 5));
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut c = vec![0.0; m * n];
            pool.install(|| product(&p, &[], &a, &b, &mut c));
            c
        };
        let one = run(1);
        assert!(one == run(2) && one == run(3));
    }
}

#[test]
#[should_panic(expected = "the second operand is too short")]
fn short_operands_are_refused() {
    let p = Product { m: 2, n: 2, k: 2, a: [2, 1], b: [2, 1], c: [2, 1] };
    product(&p, &[], &[0.0; 4], &[0.0; 3], &mut [0.0; 4]);
}

#[test]
#[should_panic(expected = "lie on one another")]
fn a_result_on_itself_is_refused() {
    let p = Product { m: 2, n: 2, k: 2, a: [2, 1], b: [2, 1], c: [1, 1] };
    product(&p, &[], &[0.0; 4], &[0.0; 4], &mut [0.0; 4]);
}
