use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::draw::{bytes, draw};
use super::state::{Curve, State};

/// A run in its third epoch.
fn state(metrics: usize) -> State {
    let curve = |i: usize| Curve {
        name: format!("metric {i}"),
        train: (1..=20).map(|k| (f64::from(k) / 10.0, 1.0 / f64::from(k))).collect(),
        validation: vec![(1.0, 0.4), (2.0, 0.2)],
    };
    let mut state = State::default();
    (state.network, state.device, state.doing) = ("Digits", "CPU".into(), "training");
    state.curves = (0..metrics).map(curve).collect();
    (state.epoch, state.epochs, state.batch, state.batches) = (3, 10, 50, 100);
    (state.samples, state.steps, state.learning_rate, state.seconds) = (3200, 12_345, 1e-3, 2.0);
    state
}

fn text(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn everything_is_shown_on_80_columns_and_24_lines() {
    let text = text(&state(2), 80, 24);
    for part in [
        "Digits on CPU",
        "training",
        "batch 50 of 100",
        "epoch 3/10",
        "25 %",
        "metric 0",
        "metric 1",
        "train 0.05",
        "val 0.2",
        "1,600 samples/s",
        "step 12,345",
        "learning rate 0.001",
        "memory",
        "pause",
        "save",
        "stop",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(text.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "curves are drawn:\n{text}");
}

#[test]
fn no_size_and_no_state_is_a_panic() {
    for (width, height) in [(1, 1), (10, 3), (30, 10), (40, 12), (300, 100)] {
        for metrics in [0, 1, 7] {
            text(&state(metrics), width, height);
        }
        text(&State::default(), width, height);
        let mut equal = state(1);
        equal.curves[0] = Curve { name: "a".repeat(200), train: vec![(0.5, 3.0)], validation: vec![] };
        text(&equal, width, height);
    }
}

#[test]
fn what_has_no_room_is_on_another_page() {
    let mut state = state(9);
    assert!(text(&state, 80, 24).contains("metric 0"));
    state.page = 1;
    let second = text(&state, 80, 24);
    assert!(second.contains("metric 4") && !second.contains("metric 0"), "{second}");
}

#[test]
fn a_pause_does_not_count_as_time() {
    let mut state = state(1);
    state.pause();
    assert!(text(&state, 80, 24).contains("paused") && text(&state, 80, 24).contains("go on"));
    state.pause();
    assert!(state.paused.is_none() && state.elapsed() == 0.0);
    assert_eq!([0, 2048, 3 << 20].map(bytes), ["0 B", "2.0 KiB", "3.0 MiB"]);
}

#[test]
fn curves_that_take_readbacks_grow_twice_a_second() {
    use super::every;
    assert_eq!(every(1000, 10.0), 50);
    assert_eq!(every(1000, 0.1), 1000, "once an epoch");
    assert_eq!((every(3, 1000.0), every(0, 0.0)), (1, 1));
}
