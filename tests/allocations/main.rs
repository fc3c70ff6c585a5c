//! What a step allocates: nothing; and before the first one, what was said. Counted by the allocator of this program.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use nn::{Device, Fit};

nn::network! {
    /// One region of straight-line code.
    network Curve {
        input  x: [1];
        target y: [1];
        fitted = x >> dense(16) >> tanh >> dense(16) >> tanh >> dense(1);
        output    curve = fitted;
        loss      mse(fitted, y);
        optimizer sgd(learning_rate = 0.1);
    }

    /// Products on several threads.
    network Dense {
        input  image: [784];
        target digit: class(10);
        logits = image >> dense(128) >> relu >> dense(10);
        output    scores = logits;
        output    hidden = softmax(logits);
        loss      cross_entropy(logits, digit);
        metric    accuracy(logits, digit);
        optimizer adam(learning_rate = 1e-3);
    }

    /// Windows, batch statistics and random numbers.
    network Images {
        input  image: [1, 12, 12];
        target digit: class(10);
        body   = image >> conv2d(8, 3, padding = 1) >> batch_norm >> relu >> max_pool2d(2) >> dropout(0.1);
        logits = body >> conv2d(8, 3, stride = 2) >> flatten >> dense(10);
        output    scores = logits;
        loss      cross_entropy(logits, digit);
        optimizer sgd(learning_rate = 0.01, momentum = 0.9);
    }
}

nn::network! {
    /// States and rows that are kept from step to step.
    network Sensor {
        input  x: [16, 8];
        output y = x >> lstm(16) >> self_attention(2, causal = true) >> linear(4);
        stepwise x;
    }
}

/// The system's allocator, and how often it was asked for memory.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
/// Bytes of zeros that it was asked for: arenas and scratch are such.
static ZEROS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        ZEROS.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller says.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller says.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(run: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    run();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

fn noise<const N: usize>(rows: usize) -> Vec<[f32; N]> {
    (0..rows).map(|i| std::array::from_fn(|j| ((i * 31 + j * 17) % 64) as f32 / 32.0 - 1.0)).collect()
}

fn labels(rows: usize) -> Vec<u32> {
    (0..rows as u32).map(|i| i % 10).collect()
}

/// Allocations of an epoch of few steps and of one of many: the least of several, since a helping thread that has its first
/// piece of work makes room for it.
macro_rules! epochs {
    ($network:ident, $data:ident, $x:expr, $y:expr) => {{
        const BATCH: usize = 16;
        let mut net = $network::new(&Device::cpu(), 1).unwrap();
        let mut train = |steps: usize| {
            let data = $data::new($x(steps * BATCH), $y(steps * BATCH)).unwrap();
            count(|| {
                net.fit(&data, Fit::default().epochs(1).batch_size(BATCH).quiet()).unwrap();
            })
        };
        [4, 64].map(|steps| (0..6).map(|_| train(steps)).min())
    }};
}

/// What `scratch` says, and what the first step of a new network allocates beyond what that of the next one does, which finds the scratch
/// there: on a thread that has computed nothing before.
macro_rules! scratch {
    ($network:ident, $data:ident, $x:expr, $batch:expr) => {{
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        alone.install(|| {
            let data = $data::new($x($batch), labels($batch)).unwrap();
            let said = $network::new(&Device::cpu(), 1).unwrap().scratch($batch).unwrap();
            let [first, second] = [1, 2].map(|seed| {
                let mut net = $network::new(&Device::cpu(), seed).unwrap();
                let before = ZEROS.load(Ordering::Relaxed);
                net.train_batch(&data).unwrap();
                ZEROS.load(Ordering::Relaxed) - before
            });
            (said, first - second)
        })
    }};
}

/// There is one test in this program, or another one's allocations would count.
#[test]
fn steps_and_predictions_allocate_nothing() {
    let number = |rows| noise::<1>(rows);
    let pairs = [
        ("curve", epochs!(Curve, CurveData, number, number)),
        ("dense", epochs!(Dense, DenseData, noise::<784>, labels)),
        ("images", epochs!(Images, ImagesData, noise::<144>, labels)),
    ];
    for (name, [few, many]) in pairs {
        assert_eq!(few, many, "`{name}`: allocations of an epoch of 4 and of 64 steps");
    }

    let each = [
        ("a product", scratch!(Dense, DenseData, noise::<784>, 300)),
        ("convolutions", scratch!(Images, ImagesData, noise::<144>, 64)),
    ];
    for (name, (said, allocated)) in each {
        // Both parts are a cache line longer, so that they can begin at one.
        let lines = allocated - said;
        assert!(said > 30_000 && (lines == 64 || lines == 128), "{name}: {said} bytes said, {allocated} allocated");
    }

    let curve = Curve::new(&Device::cpu(), 1).unwrap();
    let dense = Dense::new(&Device::cpu(), 1).unwrap();
    let images = Images::new(&Device::cpu(), 1).unwrap();
    let (x, vector, image) = (noise::<1>(1), noise::<784>(1), noise::<144>(1));
    let (mut y, mut scores, mut hidden, mut image_scores) = ([[0.0; 1]], [[0.0; 10]], [[0.0; 10]], [[0.0; 10]]);
    let mut predict = || {
        curve.predict_into(&x, &mut y).unwrap();
        dense.predict_into(&vector, &mut scores, &mut hidden).unwrap();
        images.predict_into(&image, &mut image_scores).unwrap();
    };
    let least = (0..6).map(|_| count(&mut predict)).min();
    assert_eq!(least, Some(0), "predictions of one sample");

    let sensor = Sensor::new(&Device::cpu(), 1).unwrap();
    let mut steps = sensor.stepwise(2).unwrap();
    let (read, mut now) = (noise::<8>(2), [[0.0; 4]; 2]);
    steps.step_into(&read, &mut now).unwrap();
    let mut step = || steps.step_into(&read, &mut now).unwrap();
    let least = (0..6).map(|_| count(&mut step)).min();
    assert_eq!(least, Some(0), "a step of a sequence");

    let predict = || {
        curve.predict(&x).unwrap();
        dense.predict(&vector).unwrap();
        images.predict(&image).unwrap();
    };
    let least = (0..6).map(|_| count(predict)).min();
    assert_eq!(least, Some(4), "predictions into vectors of their own: one for each output");

    assert_eq!(curve.predict(&x).unwrap(), y);
    let both = dense.predict(&vector).unwrap();
    assert_eq!((both.scores, both.hidden), (scores.to_vec(), hidden.to_vec()));
    let error = images.predict_into(&image, &mut [[0.0; 10]; 3]).unwrap_err().to_string();
    assert_eq!(error, "`scores` of `Images` has room for 3 samples, but 1 were given");
}
