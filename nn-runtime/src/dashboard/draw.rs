//! The dashboard's picture.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, LegendPosition, Paragraph};

use super::state::{Curve, State};
use crate::metrics::short;

const TRAIN: Color = Color::Cyan;
const VALIDATION: Color = Color::Yellow;
/// What a curve needs at least.
const CURVE: (u16, u16) = (34, 8);

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State) {
    let area = frame.area();
    if area.height < 10 || area.width < 30 {
        let text = format!("epoch {}/{}: {:.0} %", state.epoch, state.epochs, state.part() * 100.0);
        return frame.render_widget(Paragraph::new(text), area);
    }
    let [head, gauges, curves, facts, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Min(5),
        Constraint::Length(2),
        Constraint::Length(1),
    ])
    .areas(area);
    self::head(frame, head, state);
    self::gauges(frame, gauges, state);
    self::curves(frame, curves, state);
    self::facts(frame, facts, state);
    self::keys(frame, keys, state);
}

fn head(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let line = Line::from(vec![Span::styled(state.network, bold), Span::raw(format!(" on {}", state.device))]);
    frame.render_widget(Paragraph::new(line), area);
    let (doing, style) = match state.paused {
        Some(_) => ("paused", bold.fg(Color::Black).bg(VALIDATION)),
        None => (state.doing, bold),
    };
    let doing = Line::from(Span::styled(format!(" {doing} "), style)).alignment(Alignment::Right);
    frame.render_widget(Paragraph::new(doing), area);
}

fn gauges(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let [epoch, run] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
    let mut gauge = |area: Rect, name: String, part: f64, label: String| {
        let [left, right] = Layout::horizontal([Constraint::Length(16), Constraint::Min(10)]).areas(area);
        frame.render_widget(Paragraph::new(name), left);
        let style = Style::new().fg(Color::Blue).bg(Color::DarkGray);
        let part = part.clamp(0.0, 1.0);
        frame.render_widget(Gauge::default().ratio(part).label(label).gauge_style(style).use_unicode(true), right);
    };
    let part = state.batch as f64 / state.batches.max(1) as f64;
    gauge(epoch, "this epoch".into(), part, format!("batch {} of {}", state.batch, state.batches));
    let name = format!("epoch {}/{}", state.epoch, state.epochs);
    gauge(run, name, state.part(), format!("{:.0} %", state.part() * 100.0));
}

fn curves(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let fits = |room: u16, least: u16| usize::from(room / least).max(1);
    let columns = fits(area.width, CURVE.0).min(state.curves.len().max(1)).min(3);
    let rows = fits(area.height, CURVE.1).min(state.curves.len().div_ceil(columns).max(1));
    let pages: Vec<&[Curve]> = state.curves.chunks(columns * rows).collect();
    let Some(page) = pages.get(state.page % pages.len().max(1)) else { return };
    let lines = Layout::vertical(vec![Constraint::Fill(1); rows]).split(area);
    for (line, curves) in lines.iter().zip(page.chunks(columns)) {
        let cells = Layout::horizontal(vec![Constraint::Fill(1); columns]).split(*line);
        for (cell, curve) in cells.iter().zip(curves) {
            self::curve(frame, *cell, curve, state);
        }
    }
}

fn curve(frame: &mut Frame<'_>, area: Rect, curve: &Curve, state: &State) {
    let last = |points: &[(f64, f64)]| points.last().map(|point| short(point.1));
    let mut title = vec![Span::styled(format!(" {} ", curve.name), Style::new().add_modifier(Modifier::BOLD))];
    for (points, colour, name) in [(&curve.train, TRAIN, "train"), (&curve.validation, VALIDATION, "val")] {
        if let Some(value) = last(points) {
            title.push(Span::styled(format!("{name} {value} "), Style::new().fg(colour)));
        }
    }
    let block = Block::bordered().title(Line::from(title)).border_style(Style::new().fg(Color::DarkGray));
    let points = || curve.train.iter().chain(&curve.validation);
    if points().next().is_none() {
        let text = if state.batch > 0 { "known at the end of the epoch" } else { "nothing yet" };
        return frame.render_widget(Paragraph::new(text).alignment(Alignment::Center).block(block), area);
    }
    let (low, high) = points().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p.1), h.max(p.1)));
    let air = if high > low { (high - low) * 0.05 } else { high.abs().max(1e-6) * 0.1 };
    let (low, high) = (low - air, high + air);
    // The axis ends where the run is, so that the curve fills the picture.
    let first = points().map(|p| p.0).fold(f64::INFINITY, f64::min).floor();
    let now = points().map(|p| p.0).fold(first, f64::max).max(first + 1.0).ceil();
    let dataset = |points, colour| {
        let style = Style::new().fg(colour);
        Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).style(style).data(points)
    };
    let grey = Style::new().fg(Color::Gray);
    let x = Axis::default().bounds([first, now]).labels([format!("epoch {first:.0}"), format!("{now:.0}")]).style(grey);
    let y =
        Axis::default().bounds([low, high]).labels([short(low), short((low + high) / 2.0), short(high)]).style(grey);
    let datasets = vec![dataset(&curve.train, TRAIN), dataset(&curve.validation, VALIDATION)];
    let position: Option<LegendPosition> = None;
    frame.render_widget(Chart::new(datasets).block(block).x_axis(x).y_axis(y).legend_position(position), area);
}

fn facts(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let left = state.left().map_or("unknown".to_owned(), time);
    let speed = state.speed().map_or("unknown".to_owned(), |speed| format!("{} samples/s", grouped(speed as u64)));
    let first =
        format!("{speed} · step {} · learning rate {}", grouped(state.steps), short(f64::from(state.learning_rate)));
    let second = format!("memory {} · {} so far, {left} left", bytes(state.bytes()), time(state.elapsed()));
    frame.render_widget(Paragraph::new(vec![Line::from(first), Line::from(second)]), area);
}

fn keys(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let key = |key: &'static str| Span::styled(key, Style::new().add_modifier(Modifier::REVERSED));
    let pause = if state.paused.is_some() { " go on  " } else { " pause  " };
    let mut line = vec![key(" p "), pause.into(), key(" s "), " save  ".into(), key(" q "), " stop  ".into()];
    line.push(Span::styled(state.message.as_str(), Style::new().fg(Color::Green)));
    frame.render_widget(Paragraph::new(Line::from(line)), area);
}

/// `1:02:03`, or `2:03`.
fn time(seconds: f64) -> String {
    let s = seconds.round().min(1e9) as u64;
    if s < 3600 {
        format!("{}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }
}

/// `12,345`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|g| str::from_utf8(g).ok()).collect();
    groups.join(",")
}

/// `1.5 MiB`.
pub(super) fn bytes(bytes: usize) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b < 1024.0 => format!("{b:.0} B"),
        b if b < 1024.0 * 1024.0 => format!("{:.1} KiB", b / 1024.0),
        b if b < 1024.0 * 1024.0 * 1024.0 => format!("{:.1} MiB", b / 1024.0 / 1024.0),
        b => format!("{:.1} GiB", b / 1024.0 / 1024.0 / 1024.0),
    }
}
