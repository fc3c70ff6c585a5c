//! How accurate the shaders' helper functions are: their text is parsed by naga and run in f32 against f64.

mod common;

use naga::{BinaryOperator, Expression, Function, Handle, Literal, MathFunction, Module, ScalarKind, Statement};
use nn_kernels::emit::wgsl::print_schedule;

#[derive(Clone, Copy, Debug)]
enum Number {
    F(f32),
    I(i32),
    U(u32),
    B(bool),
}

use Number::{B, F, I, U};

impl Number {
    fn f(self) -> f32 {
        if let F(x) = self { x } else { panic!("{self:?} is no float") }
    }

    fn bits(self) -> u32 {
        match self {
            F(x) => x.to_bits(),
            I(x) => x as u32,
            U(x) => x,
            B(x) => u32::from(x),
        }
    }

    fn of_kind(bits: u32, kind: ScalarKind) -> Number {
        match kind {
            ScalarKind::Float => F(f32::from_bits(bits)),
            ScalarKind::Sint => I(bits as i32),
            ScalarKind::Uint => U(bits),
            other => panic!("no bits of {other:?}"),
        }
    }
}

/// Runs functions of scalars without branches.
struct Machine<'a> {
    module: &'a Module,
    /// Whether `fma` rounds once. WGSL leaves it open.
    fused: bool,
}

/// What a running function knows.
struct Frame<'a> {
    function: &'a Function,
    arguments: Vec<Number>,
    locals: Vec<Option<Number>>,
    values: Vec<Option<Number>>,
}

impl Machine<'_> {
    fn call(&self, name: &str, arguments: &[f32]) -> f32 {
        let mut functions = self.module.functions.iter();
        let (_, function) = functions.find(|(_, f)| f.name.as_deref() == Some(name)).expect("the function exists");
        self.run(function, arguments.iter().map(|&x| F(x)).collect()).f()
    }

    fn run(&self, function: &Function, arguments: Vec<Number>) -> Number {
        let mut frame = Frame {
            function,
            arguments,
            locals: vec![None; function.local_variables.len()],
            values: vec![None; function.expressions.len()],
        };
        for (handle, variable) in function.local_variables.iter() {
            frame.locals[handle.index()] = variable.init.map(|init| self.value(&mut frame, init));
        }
        self.block(&mut frame, &function.body).expect("a function returns")
    }

    fn block(&self, frame: &mut Frame, block: &naga::Block) -> Option<Number> {
        for statement in block.iter() {
            match statement {
                Statement::Emit(range) => range.clone().for_each(|h| {
                    // What an earlier emission computed may be stale by now: a load.
                    frame.values[h.index()] = None;
                    self.value(frame, h);
                }),
                Statement::Store { pointer, value } => {
                    let Expression::LocalVariable(local) = frame.function.expressions[*pointer] else {
                        panic!("a store to something else than a variable")
                    };
                    frame.locals[local.index()] = Some(self.value(frame, *value));
                }
                Statement::Call { function, arguments, result } => {
                    let arguments = arguments.iter().map(|&a| self.value(frame, a)).collect();
                    let value = self.run(&self.module.functions[*function], arguments);
                    frame.values[result.expect("helpers return something").index()] = Some(value);
                }
                Statement::Block(inner) => {
                    if let Some(value) = self.block(frame, inner) {
                        return Some(value);
                    }
                }
                Statement::Return { value } => return value.map(|v| self.value(frame, v)),
                other => panic!("{other:?} in a helper"),
            }
        }
        None
    }

    fn value(&self, frame: &mut Frame, handle: Handle<Expression>) -> Number {
        if let Some(value) = frame.values[handle.index()] {
            return value;
        }
        let function = frame.function;
        let mut v = |h: &Handle<Expression>| self.value(frame, *h);
        let value = match &function.expressions[handle] {
            Expression::Literal(Literal::F32(x)) => F(*x),
            Expression::Literal(Literal::I32(x)) => I(*x),
            Expression::Literal(Literal::U32(x)) => U(*x),
            Expression::FunctionArgument(i) => frame.arguments[*i as usize],
            Expression::Load { pointer } => {
                let Expression::LocalVariable(local) = function.expressions[*pointer] else {
                    panic!("a load from something else than a variable")
                };
                frame.locals[local.index()].expect("variables are set before they are read")
            }
            Expression::Unary { op: naga::UnaryOperator::Negate, expr } => match v(expr) {
                F(x) => F(-x),
                I(x) => I(x.wrapping_neg()),
                other => panic!("the negative of {other:?}"),
            },
            Expression::Binary { op, left, right } => binary(*op, v(left), v(right)),
            Expression::Select { condition, accept, reject } => match v(condition) {
                B(true) => v(accept),
                B(false) => v(reject),
                other => panic!("{other:?} as a condition"),
            },
            Expression::As { expr, kind, convert: None } => Number::of_kind(v(expr).bits(), *kind),
            Expression::As { expr, kind, convert: Some(_) } => match (v(expr), kind) {
                (F(x), ScalarKind::Sint) => I(x as i32),
                (I(x), ScalarKind::Float) => F(x as f32),
                (U(x), ScalarKind::Float) => F(x as f32),
                (x, kind) => Number::of_kind(x.bits(), *kind),
            },
            Expression::Math { fun, arg, arg1, arg2, .. } => {
                let (x, y, z) = (v(arg).f(), arg1.as_ref().map(|a| v(a).f()), arg2.as_ref().map(|a| v(a).f()));
                F(match (fun, y, z) {
                    (MathFunction::Abs, ..) => x.abs(),
                    (MathFunction::Floor, ..) => x.floor(),
                    (MathFunction::Min, Some(y), _) => x.min(y),
                    (MathFunction::Max, Some(y), _) => x.max(y),
                    (MathFunction::Clamp, Some(y), Some(z)) => x.max(y).min(z),
                    (MathFunction::Fma, Some(y), Some(z)) if self.fused => x.mul_add(y, z),
                    (MathFunction::Fma, Some(y), Some(z)) => x * y + z,
                    other => panic!("{other:?} in a helper"),
                })
            }
            other => panic!("{other:?} in a helper"),
        };
        frame.values[handle.index()] = Some(value);
        value
    }
}

fn binary(op: BinaryOperator, left: Number, right: Number) -> Number {
    use BinaryOperator::*;
    match (op, left, right) {
        (Add, F(a), F(b)) => F(a + b),
        (Subtract, F(a), F(b)) => F(a - b),
        (Multiply, F(a), F(b)) => F(a * b),
        (Divide, F(a), F(b)) => F(a / b),
        (Add, I(a), I(b)) => I(a.wrapping_add(b)),
        (Subtract, I(a), I(b)) => I(a.wrapping_sub(b)),
        (Divide, I(a), I(b)) => I(a / b),
        (And, I(a), I(b)) => I(a & b),
        (InclusiveOr, U(a), U(b)) => U(a | b),
        (And, U(a), U(b)) => U(a & b),
        (Add, U(a), U(b)) => U(a.wrapping_add(b)),
        (Subtract, U(a), U(b)) => U(a.wrapping_sub(b)),
        (ShiftRight, U(a), U(b)) => U(a.wrapping_shr(b)),
        (Less, U(a), U(b)) => B(a < b),
        (GreaterEqual, U(a), U(b)) => B(a >= b),
        (NotEqual, U(a), U(b)) => B(a != b),
        (ShiftLeft, I(a), U(b)) => I(a.wrapping_shl(b)),
        (ShiftRight, I(a), U(b)) => I(a.wrapping_shr(b)),
        (Equal, F(a), F(b)) => B(a == b),
        (Equal, I(a), I(b)) => B(a == b),
        (Less, F(a), F(b)) => B(a < b),
        (Greater, F(a), F(b)) => B(a > b),
        (GreaterEqual, I(a), I(b)) => B(a >= b),
        other => panic!("{other:?} in a helper"),
    }
}

/// The module of a kernel that uses every function, one point at a time.
fn module() -> Module {
    let (plan, schedule) = common::kernels::elementwise(7);
    naga::front::wgsl::parse_str(&print_schedule(&plan, &schedule, "test", 0)[0].wgsl).expect("valid WGSL")
}

/// The largest relative error of a function over numbers from `low` to `high`, in units of 2^-23, and where it is.
fn worst(machine: &Machine, name: &str, exact: impl Fn(f64) -> f64, low: f32, high: f32) -> (f64, f32) {
    const STEPS: u32 = 20_000;
    let mut worst = (0.0, low);
    for i in 0..=STEPS {
        let x = low + (high - low) * (i as f32 / STEPS as f32);
        let (got, want) = (f64::from(machine.call(name, &[x])), exact(f64::from(x)));
        let ulp = f64::from(f32::EPSILON) * want.abs().max(f64::from(f32::MIN_POSITIVE));
        let error = (got - want).abs() / ulp;
        if error > worst.0 || error.is_nan() {
            worst = (error, x);
        }
    }
    worst
}

fn on_both(check: impl Fn(&Machine)) {
    let module = module();
    [true, false].into_iter().for_each(|fused| check(&Machine { module: &module, fused }));
}

#[test]
fn errors_stay_within_the_stated_bounds() {
    on_both(|m| {
        let check = |name: &str, exact: &dyn Fn(f64) -> f64, low: f32, high: f32, bound: f64| {
            let (error, at) = worst(m, name, exact, low, high);
            assert!(error <= bound, "{name}({at}) is {error} ulp off (fused: {})", m.fused);
        };
        check("exp_f", &f64::exp, -87.0, 88.5, 1.0);
        check("exp_f", &f64::exp, -1.0, 1.0, 1.0);
        check("expm1_f", &f64::exp_m1, -20.0, 80.0, 1.0);
        check("expm1_f", &f64::exp_m1, -1.0, 1.0, 1.0);
        check("expm1_f", &f64::exp_m1, -1e-3, 1e-3, 1.0);
        check("log_f", &f64::ln, 1e-30, 1e-3, 1.0);
        check("log_f", &f64::ln, 0.001, 3.0, 1.0);
        check("log_f", &f64::ln, 3.0, 1e30, 1.0);
        check("log1p_f", &f64::ln_1p, -0.999, 2.0, 2.0);
        check("log1p_f", &f64::ln_1p, -1e-3, 1e-3, 2.0);
        check("log1p_f", &f64::ln_1p, 2.0, 1e6, 2.0);
        check("tanh_f", &f64::tanh, -12.0, 12.0, 3.0);
        check("tanh_f", &f64::tanh, -0.01, 0.01, 3.0);
        check("sigmoid_f", &|x| 1.0 / (1.0 + (-x).exp()), -87.0, 100.0, 2.0);
        check("sigmoid_f", &|x| 1.0 / (1.0 + (-x).exp()), -4.0, 4.0, 2.0);
        check("erf_f", &libm::erf, -6.0, 6.0, 4.0);
        check("erf_f", &libm::erf, -0.01, 0.01, 4.0);
    });
}

#[test]
fn sine_and_cosine_are_absolutely_close() {
    on_both(|m| {
        for i in 0..20_000 {
            let x = (i as f32 - 10_000.0) * if i % 2 == 0 { 0.001 } else { 0.5 };
            for (name, exact) in [("sin_f", f64::sin(f64::from(x))), ("cos_f", f64::cos(f64::from(x)))] {
                let error = (f64::from(m.call(name, &[x])) - exact).abs();
                assert!(error < if x.abs() < 10.0 { 2e-7 } else { 1e-6 }, "{name}({x}) is {error} off");
            }
        }
    });
}

#[test]
fn powers_are_those_of_c() {
    on_both(|m| {
        // Without fused products the exponent magnifies a rounding.
        let bound = if m.fused { 6e-7 } else { 3e-6 };
        for (i, b) in [-3.0_f32, -2.5, -1.0, -0.5, 0.5, 1.5, 2.0, 3.0, 4.0, 7.5].into_iter().enumerate() {
            for j in 0..2000 {
                let a = 0.003 + j as f32 * 0.01 + i as f32 * 1e-3;
                let (got, want) = (f64::from(m.call("power_f", &[a, b])), f64::from(a).powf(f64::from(b)));
                assert!((got / want - 1.0).abs() < bound, "{a}^{b} is {got} instead of {want}");
            }
        }
        assert!((m.call("power_f", &[-2.0, 3.0]) + 8.0).abs() < 1e-5);
        assert!((m.call("power_f", &[-2.0, 2.0]) - 4.0).abs() < 1e-5);
        assert!((m.call("power_f", &[-2.0, -1.0]) + 0.5).abs() < 1e-6);
        assert!(m.call("power_f", &[-2.0, 0.5]).is_nan());
        assert_eq!(m.call("power_f", &[0.0, 2.0]), 0.0);
        assert_eq!(m.call("power_f", &[0.0, -1.0]), f32::INFINITY);
        assert_eq!(m.call("power_f", &[0.0, 0.0]), 1.0);
        assert_eq!(m.call("power_f", &[-3.0, 0.0]), 1.0);
    });
}

#[test]
fn extremes_do_not_overflow_on_the_way() {
    on_both(|m| {
        assert_eq!(m.call("exp_f", &[-200.0]), 0.0);
        assert_eq!(m.call("exp_f", &[f32::MIN]), 0.0);
        assert_eq!(m.call("exp_f", &[f32::MAX]), f32::INFINITY);
        assert_eq!(m.call("exp_f", &[0.0]), 1.0);
        assert_eq!(m.call("expm1_f", &[-200.0]), -1.0);
        assert_eq!(m.call("log_f", &[1.0]), 0.0);
        assert_eq!(m.call("log_f", &[0.0]), f32::NEG_INFINITY);
        assert!(m.call("log_f", &[-1.0]).is_nan());
        for (name, low) in [("tanh_f", -1.0), ("erf_f", -1.0), ("sigmoid_f", 0.0)] {
            assert!((m.call(name, &[1e30]) - 1.0).abs() < 4e-7, "{name}");
            assert!((m.call(name, &[-1e30]) - low).abs() < 4e-7, "{name}");
        }
        assert_eq!(m.call("tanh_f", &[1e-30]), 1e-30);
    });
}

#[test]
fn rounding_to_f16_is_that_of_the_definition() {
    use nn_kernels::graph::Unary;

    on_both(|m| {
        let special = [0.0, 65_519.0, 65_520.0, 1e30, f32::MAX, f32::INFINITY, 1e-45, 6e-8];
        // Numbers of all sizes that f16 has and some more, with bits that are ties and with others.
        let many = (0..60_000u32).map(|i| f32::from_bits(0x3200_0000 + i * 4096 * 3 + i % 5));
        for x in special.into_iter().chain(many).flat_map(|x| [x, -x]) {
            let (got, want) = (m.call("to_half_f", &[x]), Unary::ToHalf.eval(f64::from(x)) as f32);
            assert_eq!(got.to_bits(), want.to_bits(), "{x:e}: {got}, not {want}");
            assert_eq!(m.call("is_finite_f", &[x]), f32::from(u8::from(x.is_finite())), "{x}");
        }
        assert!(m.call("to_half_f", &[f32::NAN]).is_nan());
        assert_eq!(m.call("is_finite_f", &[f32::NAN]), 0.0);
    });
}
