//! A declared network against its fixture.

use std::collections::BTreeSet;

use nn::{Device, PrCurve, RocCurve};
use nn_runtime::private::{DataSet, Figure, Net, figure_names, names};
use nn_runtime::program::{Field, Program};

use crate::{Case, Fixture, assert_close};

/// For values and gradients, relative to the largest number of the tensor.
const TOLERANCE: f64 = 1e-5;
/// For what ten optimizer steps lead to.
const AFTER_TEN_STEPS: f64 = 2e-5;

/// A case: its family, its name (and its fixture's), and the statements of its network.
#[macro_export]
macro_rules! parity {
    ($family:literal $case:ident { $($statements:tt)+ }) => {
        $crate::parity! { $family $case { $($statements)+ } by $crate::parity::check }
    };
    ($family:literal $case:ident { $($statements:tt)+ } by $check:path) => {
        mod $case {
            nn::network! { network Case { $($statements)+ } }

            fn check(device: &nn::Device) {
                let program = Case::new(device, 0).unwrap().net.program();
                $check($family, stringify!($case), program, device);
            }

            #[test]
            fn cpu() {
                check(&nn::Device::cpu());
            }

            #[test]
            fn gpu() {
                $crate::gpu().into_iter().for_each(check);
            }
        }
    };
}

/// `case [width] { targets and metrics }`, or `case [width, shape]`: metrics of `p`, so many numbers by a dense layer, in this shape.
#[macro_export]
macro_rules! parity_of_metrics {
    ($family:literal $($case:ident [$width:literal $(, $shape:tt)?] { $($statements:tt)+ })+) => { $(
        $crate::parity! { $family $case {
            input x: [5];
            p = x >> dense($width) $(>> reshape($shape))?;
            output p = p;
            loss mean(square(p));
            $($statements)+
        } by $crate::parity::check_metrics }
    )+ };
}

/// Outputs, loss, all gradients, and ten optimizer steps of a program are PyTorch's.
pub fn check(family: &str, case: &str, program: &'static Program, device: &Device) {
    check_within(family, case, program, device, [TOLERANCE, AFTER_TEN_STEPS]);
}

/// As [`check`], within other bounds: for values and gradients, and for what ten optimizer steps lead to.
pub fn check_within(family: &str, case: &str, program: &'static Program, device: &Device, bounds: [f64; 2]) {
    let [tolerance, after_ten_steps] = bounds;
    let fixture = Fixture::read(family);
    let case = fixture.case(case);
    let mut net = with_parameters(case, program, device);
    let data = data(case, program);
    let batches: Vec<usize> = case.only("batches").iter().map(|b| *b as usize).collect();
    let first = data.slice(0..batches[0]);

    let outputs_are = |net: &Net, group: &str, tolerance: f64| {
        let inputs: Vec<_> = (0..program.inputs).map(|i| first.input(i)).collect();
        let outputs = net.predict(&inputs).unwrap();
        assert_eq!(case.group(group).len(), outputs.len());
        for (output, got) in program.outputs.iter().zip(&outputs) {
            assert_close(&format!("{group} {}", output.name), got, &case.group(group)[output.name].1, tolerance);
        }
    };
    outputs_are(&net, "output", tolerance);
    let loss = net.evaluate(&first).unwrap().numbers[0] as f32;
    assert_close("evaluated loss", &[loss], case.only("evaluated"), tolerance);

    let gradients = net.gradients(&first).unwrap();
    assert_close("loss", &[gradients.loss()], case.only("loss"), tolerance);
    for (name, (_, expected)) in case.group("gradient") {
        assert_close(&format!("gradient of {name}"), gradients.parameter(name).unwrap(), expected, tolerance);
    }
    // Classes have no gradient.
    if program.fields[..program.inputs].iter().any(|field| field.classes.is_none()) {
        for (name, (_, expected)) in case.group("field_gradient") {
            assert_close(&format!("gradient of input {name}"), gradients.input(name).unwrap(), expected, tolerance);
        }
    }

    let mut start = 0;
    let losses: Vec<f32> = (batches.iter())
        .map(|size| {
            let batch = data.slice(start..start + size);
            start = (start + size) % data.len();
            net.train_batch(&batch).unwrap().numbers[0] as f32
        })
        .collect();
    assert_close("losses of ten steps", &losses, case.only("losses"), tolerance);
    for (name, (_, expected)) in case.group("after") {
        assert_close(&format!("{name} after ten steps"), &net.parameter(name).unwrap(), expected, after_ten_steps);
    }
    outputs_are(&net, "output_after", after_ten_steps);
    if program.ema.is_some() {
        let average = case.group("average");
        assert!(!average.is_empty());
        let current = net.begin_ema().unwrap();
        for (name, (_, expected)) in average {
            assert_close(&format!("average of {name}"), &net.parameter(name).unwrap(), expected, after_ten_steps);
        }
        net.end_ema(&current).unwrap();
        outputs_are(&net, "output_after", after_ten_steps);
    }
}

/// Metrics over more than one batch are scikit-learn's.
pub fn check_metrics(family: &str, case: &str, program: &'static Program, device: &Device) {
    let fixture = Fixture::read(family);
    let case = fixture.case(case);
    let net = with_parameters(case, program, device);
    let measured = net.evaluate(&data(case, program)).unwrap();
    assert_eq!(case.group("metric").len(), program.metrics.len());
    let expected = |name: &str| &case.group("metric")[name].1[..];
    for (name, got) in names(program).zip(&measured.numbers).skip(1) {
        assert_close(name, &[*got as f32], expected(name), TOLERANCE);
    }
    for (name, figure) in figure_names(program).zip(&measured.figures) {
        assert_figure(name, figure, expected(name));
    }
}

/// A figure as one list of numbers, as NumPy's `concatenate` makes it.
fn assert_figure(name: &str, figure: &Figure, expected: &[f32]) {
    let roc = |curve: &RocCurve| [&curve.fpr[..], &curve.tpr, &curve.thresholds].concat();
    let pr = |curve: &PrCurve| [&curve.precision[..], &curve.recall, &curve.thresholds].concat();
    let numbers = match figure {
        Figure::PerClass(numbers) => numbers.clone(),
        Figure::ConfusionMatrix(matrix) => {
            assert!(matrix.counts().iter().zip(expected).all(|(a, b)| *a as f32 == *b), "{matrix}\n{expected:?}");
            return;
        }
        Figure::RocCurve(curve) => roc(curve),
        Figure::RocCurves(curves) => curves.iter().flat_map(roc).collect(),
        Figure::PrCurve(curve) => pr(curve),
        Figure::PrCurves(curves) => curves.iter().flat_map(pr).collect(),
        other => panic!("{other:?}"),
    };
    assert_eq!(numbers.len(), expected.len(), "{name}: as many points");
    for (got, expected) in numbers.iter().zip(expected) {
        let (got, expected) = (*got as f32, *expected);
        assert!(got == expected || (got - expected).abs() <= TOLERANCE as f32, "{name}: {got}, expected {expected}");
    }
}

/// Every case of a family is a word of this source.
pub fn assert_all_named(family: &str, source: &str) {
    let words: BTreeSet<&str> = source.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for case in Fixture::read(family).names() {
        assert!(words.contains(case), "`{case}` of {family} has no test");
    }
}

/// A network that starts where the fixture does; its parameters must be the fixture's in name and shape.
fn with_parameters(case: &Case, program: &'static Program, device: &Device) -> Net {
    let mut net = Net::new(device, program, 0).unwrap();
    let before = case.group("before");
    let mut names: Vec<&str> = program.parameters.iter().map(|p| p.name).collect();
    names.sort_unstable();
    assert_eq!(names, before.keys().collect::<Vec<_>>(), "names of the parameters");
    for p in program.parameters {
        let (dims, values) = &before[p.name];
        assert_eq!(p.dims, dims, "shape of {}", p.name);
        net.set_parameter(p.name, values).unwrap();
    }
    net
}

fn data(case: &Case, program: &'static Program) -> DataSet {
    let columns = case.group("data");
    let column = |f: &Field| {
        let (dims, values) = &columns[f.name];
        assert_eq!(&dims[1..], f.dims, "shape of {}", f.name);
        values.clone()
    };
    DataSet::from_flat(program.fields, program.fields.iter().map(column).collect()).unwrap()
}
