//! Optimizers against loops.

use super::*;

fn clip(g: &mut Graph, optimizer: &Optimizer, gradients: NodeId) -> NodeId {
    let clipped = clip_by_value(g, optimizer, gradients);
    let factor = clip_factor(g, optimizer, &[clipped]);
    g.mul(clipped, factor)
}

/// Ten steps of an optimizer on the gradients 2 x + 0.1, by its graph.
fn ten_steps(optimizer: &Optimizer) -> Vec<f64> {
    let all = Shape::fixed(&[3]);
    let mut g = Graph::new();
    let parameters = g.leaf(Leaf::Parameters(0), all.clone());
    let gradients = g.leaf(Leaf::Gradients(0), all.clone());
    let mut states: Vec<Vec<f64>> = state_init(optimizer).iter().map(|&s| vec![s; 3]).collect();
    let nodes: Vec<NodeId> = (0..states.len()).map(|i| g.leaf(Leaf::State(i, 0), all.clone())).collect();
    let gradients = clip(&mut g, optimizer, gradients);
    let step = OptimizerStep { parameters, gradients, states: &nodes };
    let update = optimizer_step(&mut g, optimizer, None, &step);
    assert_eq!(update.new_states.len(), states.len());
    let mut x = vec![1.0, -2.0, 0.5];
    for step in 0..10 {
        let leaf = |leaf: &Leaf| match leaf {
            Leaf::Parameters(_) => x.clone(),
            Leaf::Gradients(_) => x.iter().map(|x| 2.0 * x + 0.1).collect(),
            Leaf::State(i, _) => states[*i].clone(),
            _ => unreachable!("an optimizer reads nothing else"),
        };
        let learning_rate = optimizer.learning_rate;
        let results =
            evaluate(&g, &Environment { batch: 1, leaf: &leaf, learning_rate, step, seed: 0, training: true });
        states = update.new_states.iter().map(|s| results[s.index()].clone()).collect();
        x = results[update.new_parameters.index()].clone();
    }
    x
}

/// The new parameter from the old one, its gradient, the step's number and the state.
type Rules<'a> = &'a dyn Fn(f64, f64, i32, &mut [f64; 3]) -> f64;

/// The same by a loop over one parameter after another.
fn by_loop(initial: [f64; 3], f: Rules<'_>) -> Vec<f64> {
    let run = |mut x: f64| {
        let mut state = initial;
        for t in 1..=10 {
            x = f(x, 2.0 * x + 0.1, t, &mut state);
        }
        x
    };
    vec![run(1.0), run(-2.0), run(0.5)]
}

fn optimizer(rule: Rule, learning_rate: f64, weight_decay: f64) -> Optimizer {
    let optimizer = Optimizer { weight_decay, ..Optimizer::new(rule, learning_rate) };
    assert_eq!(check_optimizer(&optimizer), Ok(()));
    optimizer
}

/// What a step makes of these states of one parameter with this gradient.
fn states_after(rule: Rule, gradient: f64, states: &[f64]) -> Vec<f64> {
    let optimizer = optimizer(rule, 0.1, 0.0);
    let mut g = Graph::new();
    let [parameters, gradients] =
        [Leaf::Parameters(0), Leaf::Gradients(0)].map(|leaf| g.leaf(leaf, Shape::fixed(&[1])));
    let nodes: Vec<NodeId> = (0..states.len()).map(|i| g.leaf(Leaf::State(i, 0), Shape::fixed(&[1]))).collect();
    let update = optimizer_step(&mut g, &optimizer, None, &OptimizerStep { parameters, gradients, states: &nodes });
    let leaf = |leaf: &Leaf| match leaf {
        Leaf::Gradients(_) => vec![gradient],
        Leaf::State(i, _) => vec![states[*i]],
        _ => vec![1.0],
    };
    let environment = Environment { batch: 1, leaf: &leaf, learning_rate: 0.1, step: 5, seed: 0, training: true };
    let results = evaluate(&g, &environment);
    update.new_states.iter().map(|state| results[state.index()][0]).collect()
}

#[test]
fn states_never_become_subnormal() {
    let least = f64::from(f32::MIN_POSITIVE);
    let adam = |eps| Rule::Adam { beta1: 0.9, beta2: 0.999, eps, amsgrad: false };
    let rules = [
        (Rule::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false }, 1),
        (Rule::RmsProp { alpha: 0.99, eps: 1e-8, momentum: 0.9, centered: true }, 3),
        (Rule::Adadelta { rho: 0.9, eps: 1e-6 }, 2),
        (adam(1e-8), 2),
    ];
    for (rule, count) in rules {
        // Decayed below the normal numbers by this very step; squares that are below them.
        for (gradient, state) in [(0.0, least), (1e-25, 0.0)] {
            let found = states_after(rule, gradient, &vec![state; count]);
            assert!(found.iter().all(|&x| x == 0.0 || x.abs() >= least), "{rule:?}: {found:?}");
        }
        let found = states_after(rule, 0.0, &vec![least * 4.0; count]);
        assert!(found.iter().all(|&x| x >= least), "{rule:?}: {found:?}");
    }
    let adagrad = Rule::Adagrad { lr_decay: 0.0, eps: 1e-10, initial_accumulator: 0.0 };
    assert_eq!(states_after(adagrad, 1e-20, &[0.0]), [0.0]);
    // Divided by one another alone, they stay what they are.
    let found = states_after(adam(0.0), 0.0, &[least, least]);
    assert!(found.iter().all(|&x| x > 0.0 && x < least), "{found:?}");
}

#[test]
fn sgd_is_its_loop() {
    for (momentum, dampening, nesterov, decay) in
        [(0.0, 0.0, false, 0.0), (0.9, 0.0, false, 0.1), (0.9, 0.0, true, 0.1), (0.9, 0.3, false, 0.0)]
    {
        let found = ten_steps(&optimizer(Rule::Sgd { momentum, dampening, nesterov }, 0.1, decay));
        let expected = by_loop([0.0; 3], &|x, g, t, s| {
            let g = g + decay * x;
            s[0] = if t == 1 { g } else { momentum * s[0] + (1.0 - dampening) * g };
            let direction = match (momentum == 0.0, nesterov) {
                (true, _) => g,
                (_, true) => g + momentum * s[0],
                _ => s[0],
            };
            x - 0.1 * direction
        });
        close(&found, &expected);
    }
}

#[test]
fn rmsprop_is_its_loop() {
    for (momentum, centered) in [(0.0, false), (0.9, false), (0.0, true), (0.9, true)] {
        let rule = Rule::RmsProp { alpha: 0.99, eps: 1e-8, momentum, centered };
        let expected = by_loop([0.0; 3], &|x, g, _, s| {
            let g = g + 0.01 * x;
            s[0] = 0.99 * s[0] + 0.01 * g * g;
            s[1] = 0.99 * s[1] + 0.01 * g;
            let variance = if centered { s[0] - s[1] * s[1] } else { s[0] };
            let direction = g / (variance.sqrt() + 1e-8);
            s[2] = momentum * s[2] + direction;
            x - 0.01 * s[2]
        });
        close(&ten_steps(&optimizer(rule, 0.01, 0.01)), &expected);
    }
}

#[test]
fn adagrad_and_adadelta_are_their_loops() {
    for lr_decay in [0.0, 0.1] {
        let rule = Rule::Adagrad { lr_decay, eps: 1e-10, initial_accumulator: 0.2 };
        let expected = by_loop([0.2, 0.0, 0.0], &|x, g, t, s| {
            s[0] += g * g;
            x - 0.1 / (1.0 + f64::from(t - 1) * lr_decay) * g / (s[0].sqrt() + 1e-10)
        });
        close(&ten_steps(&optimizer(rule, 0.1, 0.0)), &expected);
    }
    let expected = by_loop([0.0; 3], &|x, g, _, s| {
        s[0] = 0.9 * s[0] + 0.1 * g * g;
        let delta = ((s[1] + 1e-6) / (s[0] + 1e-6)).sqrt() * g;
        s[1] = 0.9 * s[1] + 0.1 * delta * delta;
        x - delta
    });
    close(&ten_steps(&optimizer(Rule::Adadelta { rho: 0.9, eps: 1e-6 }, 1.0, 0.0)), &expected);
}

#[test]
fn adam_and_its_kin_are_their_loops() {
    let (beta1, beta2, eps) = (0.9, 0.999, 1e-8);
    for (decoupled, amsgrad) in [(false, false), (false, true), (true, false), (true, true)] {
        let rule = if decoupled {
            Rule::AdamW { beta1, beta2, eps, amsgrad }
        } else {
            Rule::Adam { beta1, beta2, eps, amsgrad }
        };
        let expected = by_loop([0.0; 3], &|x, g, t, s| {
            let (x, g) = if decoupled { (x * (1.0 - 0.05 * 0.1), g) } else { (x, g + 0.1 * x) };
            s[0] = beta1 * s[0] + (1.0 - beta1) * g;
            s[1] = beta2 * s[1] + (1.0 - beta2) * g * g;
            s[2] = s[2].max(s[1]);
            let v = if amsgrad { s[2] } else { s[1] };
            let m = s[0] / (1.0 - beta1.powi(t));
            x - 0.05 * m / ((v / (1.0 - beta2.powi(t))).sqrt() + eps)
        });
        close(&ten_steps(&optimizer(rule, 0.05, 0.1)), &expected);
    }
    let expected = by_loop([0.0; 3], &|x, g, t, s| {
        s[0] = beta1 * s[0] + (1.0 - beta1) * g;
        s[1] = (beta2 * s[1]).max(g.abs() + eps);
        x - 0.05 / (1.0 - beta1.powi(t)) * s[0] / s[1]
    });
    close(&ten_steps(&optimizer(Rule::Adamax { beta1, beta2, eps }, 0.05, 0.0)), &expected);
}

#[test]
fn gradients_are_clipped_by_value_then_by_norm() {
    let rule = Rule::Sgd { momentum: 0.0, dampening: 0.0, nesterov: false };
    let clipped = Optimizer { clip_value: Some(0.6), clip_norm: Some(0.5), ..optimizer(rule, 0.1, 0.0) };
    let mut x = [1.0, -2.0, 0.5];
    for _ in 0..10 {
        let g = x.map(|x: f64| (2.0 * x + 0.1).clamp(-0.6, 0.6));
        let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
        let factor = (0.5 / (norm + 1e-6)).min(1.0);
        x.iter_mut().zip(g).for_each(|(x, g)| *x -= 0.1 * factor * g);
    }
    close(&ten_steps(&clipped), &x);
}

#[test]
fn optimizers_options_are_checked() {
    let rule = |momentum, dampening, nesterov| Optimizer::new(Rule::Sgd { momentum, dampening, nesterov }, 0.1);
    let conflict = |other, allowed| Err(Fact::Conflict { option: "nesterov", other, allowed });
    assert_eq!(check_optimizer(&rule(0.0, 0.0, true)), conflict("momentum", Allowed::Above(0.0)));
    assert_eq!(check_optimizer(&rule(0.9, 0.5, true)), conflict("dampening", Allowed::Exactly(0.0)));
    let fact = |name, value, allowed| Err(Fact::Option { name, value, allowed });
    assert_eq!(check_optimizer(&rule(-0.1, 0.0, false)), fact("momentum", -0.1, Allowed::AtLeast(0.0)));
    let negative = Optimizer { learning_rate: -0.1, ..rule(0.0, 0.0, false) };
    assert_eq!(check_optimizer(&negative), fact("learning_rate", -0.1, Allowed::AtLeast(0.0)));
    let clip = Optimizer { clip_norm: Some(0.0), ..rule(0.0, 0.0, false) };
    assert_eq!(check_optimizer(&clip), fact("clip_norm", 0.0, Allowed::Above(0.0)));
    let adam = Rule::Adam { beta1: 1.0, beta2: 0.999, eps: 1e-8, amsgrad: false };
    let adam = Optimizer { rule: adam, ..rule(0.0, 0.0, false) };
    assert_eq!(check_optimizer(&adam), fact("beta1", 1.0, Allowed::FromBelow(0.0, 1.0)));
}
