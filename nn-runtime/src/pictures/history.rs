//! A run: loss and metrics of training and validation, and the learning rate, over epochs.

use super::Picture;
use super::axes::{Axis, Plot, Scale, legend};
use super::svg::{Anchor, INK, TEXT, fitted};
use crate::fit::Report;
use crate::history::History;

/// One curve of each kind for a number that is followed.
struct Panel {
    name: String,
    train: Vec<(f64, f64)>,
    validation: Vec<(f64, f64)>,
    scale: Scale,
}

/// Loss and every metric over the epochs, of training and of validation, and the learning rate: a panel each. Losses that
/// differ by more than a factor of a hundred have a logarithmic axis. A cross marks an epoch whose value was infinite or no number.
#[must_use]
pub fn history<R: Report>(history: &History<R>) -> Picture {
    let panels = panels(history);
    let validated = panels.iter().any(|p| !p.validation.is_empty());
    let columns = if panels.len() == 1 { 1 } else { 2 };
    let rows = panels.len().div_ceil(columns);
    let size = (40.0 + 420.0 * columns as f64, 80.0 + 250.0 * rows as f64);
    let epochs = history.epochs.len();
    let seconds: f64 = history.epochs.iter().map(|epoch| epoch.seconds).sum();
    let note = match epochs {
        0 => "no epochs".to_owned(),
        1 => format!("1 epoch in {seconds:.1} s"),
        n => format!("{n} epochs in {seconds:.1} s"),
    };
    Picture::new("History", size, move |svg, area| {
        let mut entries = vec![("training".to_owned(), 0, false)];
        if validated {
            entries.push(("validation".to_owned(), 1, true));
        }
        let taken = legend(svg, area, &entries);
        let (first, last) = (history_start(&panels), history_end(&panels));
        for (panel, cell) in panels.iter().zip(area.inside(0.0, taken, 0.0, 0.0).cells(columns, rows, 18.0)) {
            let heading = fitted(&panel.name, TEXT * 1.1, cell.width);
            svg.heading((cell.x, cell.y + TEXT), Anchor::Start, TEXT, &heading);
            let values = panel.train.iter().chain(&panel.validation).map(|&(_, value)| value);
            let y = Axis::around("", values, panel.scale);
            let x = Axis::new("epoch", first, last, Scale::Whole);
            let plot = Plot::new(svg, cell.inside(0.0, TEXT + 6.0, 0.0, 0.0), x, y);
            if panel.train.iter().chain(&panel.validation).all(|&(_, value)| !value.is_finite()) {
                let middle = (plot.area.x + plot.area.width / 2.0, plot.area.y + plot.area.height / 2.0);
                svg.text(middle, Anchor::Middle, TEXT, INK, "no finite value");
            }
            plot.curve(svg, &panel.train, 0, false);
            plot.curve(svg, &panel.validation, 1, true);
        }
    })
    .note(note)
}

/// The first epoch's number; half an epoch before it, if there is only one.
fn history_start(panels: &[Panel]) -> f64 {
    let first = panels.first().and_then(|p| p.train.first()).map_or(1.0, |&(epoch, _)| epoch);
    if panels.first().is_some_and(|p| p.train.len() == 1) { first - 0.5 } else { first }
}

fn history_end(panels: &[Panel]) -> f64 {
    let last = panels.first().and_then(|p| p.train.last()).map_or(2.0, |&(epoch, _)| epoch);
    if panels.first().is_some_and(|p| p.train.len() == 1) { last + 0.5 } else { last }
}

fn panels<R: Report>(history: &History<R>) -> Vec<Panel> {
    let mut panels: Vec<Panel> = vec![];
    for epoch in &history.epochs {
        let at = epoch.number as f64;
        let mut add = |report: &R, validation: bool| {
            for (name, value) in report.scalars() {
                let panel = match panels.iter_mut().position(|p| p.name == name) {
                    Some(i) => &mut panels[i],
                    None => {
                        let name = name.to_owned();
                        panels.push(Panel { name, train: vec![], validation: vec![], scale: Scale::Linear });
                        let last = panels.len() - 1;
                        &mut panels[last]
                    }
                };
                if validation { &mut panel.validation } else { &mut panel.train }.push((at, value));
            }
        };
        add(&epoch.train, false);
        epoch.validation.iter().for_each(|report| add(report, true));
    }
    for panel in panels.iter_mut().take(1) {
        let values = panel.train.iter().chain(&panel.validation).map(|&(_, v)| v).filter(|v| v.is_finite());
        let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
        if low > 0.0 && high > 100.0 * low {
            panel.scale = Scale::Log;
        }
    }
    let rates: Vec<(f64, f64)> = history.epochs.iter().map(|e| (e.number as f64, f64::from(e.learning_rate))).collect();
    let (low, high) = rates.iter().fold((f64::INFINITY, 0.0_f64), |(l, h), &(_, v)| (l.min(v), h.max(v)));
    let scale = if low > 0.0 && high > 100.0 * low { Scale::Log } else { Scale::Linear };
    panels.push(Panel { name: "learning rate".into(), train: rates, validation: vec![], scale });
    panels
}
