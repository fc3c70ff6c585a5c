//! A pair of axes: their range, ticks at round numbers, and where a point of the data lies in the picture.

use super::svg::{Anchor, Area, COLOURS, GREY, GRID, INK, SMALL, Svg, TEXT, fitted, width};

/// How values become distances.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scale {
    Linear,
    /// Equal distances are equal ratios; what is not positive has no place.
    Log,
    /// Ticks at whole numbers only.
    Whole,
    /// Bytes, with ticks at round powers of two.
    Bytes,
}

/// One axis.
#[derive(Clone)]
pub(super) struct Axis {
    pub label: String,
    pub low: f64,
    pub high: f64,
    pub scale: Scale,
}

impl Axis {
    /// With exactly this range.
    pub(super) fn new(label: &str, low: f64, high: f64, scale: Scale) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Axis { label: label.to_owned(), low, high, scale }
    }

    /// Around all of these values that have a place on it, with some air.
    pub(super) fn around(label: &str, values: impl Iterator<Item = f64>, scale: Scale) -> Self {
        let has_place = |v: &f64| v.is_finite() && (scale != Scale::Log || *v > 0.0);
        let (low, high) =
            values.filter(has_place).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = match scale {
            _ if low > high => (if scale == Scale::Log { 0.1 } else { 0.0 }, 1.0),
            Scale::Log if high < low * 1.5 => (low / 2.0, high * 2.0),
            Scale::Log => {
                let air = (high / low).powf(0.05);
                (low / air, high * air)
            }
            Scale::Whole | Scale::Bytes => (low, high),
            Scale::Linear => {
                let air = if high > low { (high - low) * 0.05 } else { (high.abs() * 0.1).max(1e-12) };
                // What is never negative has an axis that is not either.
                (if low >= 0.0 && low < air * 4.0 { 0.0 } else { low - air }, high + air)
            }
        };
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
        Axis { label: label.to_owned(), low, high, scale }
    }

    /// How far a value is from the axis' beginning, as a part of its length; `None` for what has no place.
    pub(super) fn part(&self, value: f64) -> Option<f64> {
        let part = match self.scale {
            Scale::Log if value > 0.0 => (value / self.low).ln() / (self.high / self.low).ln(),
            Scale::Log => return None,
            _ => (value - self.low) / (self.high - self.low),
        };
        part.is_finite().then_some(part)
    }

    /// Values with their text, about `count` of them.
    pub(super) fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let count = count.max(2);
        match self.scale {
            Scale::Log => log_ticks(self.low, self.high, count),
            Scale::Bytes => {
                let step = ((self.high - self.low) / count as f64).max(1.0).log2().ceil().exp2();
                multiples(self.low, self.high, step).map(|v| (v, bytes(v))).collect()
            }
            scale => {
                let ticks = |count: usize| -> Vec<(f64, String)> {
                    let step = step(self.low, self.high, count);
                    let step = if scale == Scale::Whole { step.max(1.0).round() } else { step };
                    let largest = self.low.abs().max(self.high.abs());
                    multiples(self.low, self.high, step).map(|v| (v, tick(v, step, largest))).collect()
                };
                // One tick alone tells no scale.
                let enough = (count..count + 4).map(ticks).find(|ticks| ticks.len() > 1);
                enough.unwrap_or_else(|| ticks(count))
            }
        }
    }
}

/// The multiples of a step in a range.
fn multiples(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    (0..=((last - first).clamp(0.0, 1000.0) as usize)).map(move |i| (first + i as f64) * step)
}

/// 1, 2 or 5 times a power of ten.
fn step(low: f64, high: f64, count: usize) -> f64 {
    let rough = (high - low) / count as f64;
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|m| m * power).find(|&s| s >= rough * 0.999).unwrap_or(10.0 * power)
}

/// A tick's text: as many decimals as the step has.
fn tick(value: f64, step: f64, largest: f64) -> String {
    if !(1e-4..1e6).contains(&largest) {
        return if value == 0.0 { "0".into() } else { short(value) };
    }
    let decimals = (-(step.log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize;
    format!("{:.decimals$}", value + 0.0)
}

/// A number in few characters: three digits.
pub(super) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let text = if (1e-3..1e5).contains(&value.abs()) {
        let digits = (2.0 - value.abs().log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{value:.digits$}")
    } else {
        let text = format!("{value:.2e}");
        let (number, power) = text.split_once('e').unwrap_or((&text, "0"));
        let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
        return format!("{number}e{power}");
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn log_ticks(low: f64, high: f64, count: usize) -> Vec<(f64, String)> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let decades = high.log10() - low.log10();
    let factors: &[f64] = if decades < 1.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = ((decades / count as f64).ceil() as i32).max(1);
    let mut ticks = vec![];
    for power in (first..=last).filter(|p| p.rem_euclid(every) == 0) {
        for factor in factors {
            let value = factor * 10f64.powi(power);
            if (low * 0.999..=high * 1.001).contains(&value) {
                ticks.push((value, if (-3..5).contains(&power) { short(value) } else { format!("{factor}e{power}") }));
            }
        }
    }
    ticks
}

/// `1536.0` as `1.5 KiB`.
pub(super) fn bytes(bytes: f64) -> String {
    let units = [(1024.0 * 1024.0 * 1024.0, "GiB"), (1024.0 * 1024.0, "MiB"), (1024.0, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{} {name}", short(bytes / unit)),
        None => format!("{bytes:.0} B"),
    }
}

/// Axes that have been drawn.
pub(super) struct Plot {
    x: Axis,
    y: Axis,
    pub(super) area: Area,
}

impl Plot {
    /// Draws axes, ticks, labels and the grid, and leaves the area within for data.
    pub(super) fn new(svg: &mut Svg, outside: Area, x: Axis, y: Axis) -> Plot {
        let rows = ((outside.height - 40.0) / 36.0).clamp(2.0, 8.0) as usize;
        let y_ticks = y.ticks(rows);
        let widest = y_ticks.iter().map(|(_, text)| width(text, SMALL)).fold(0.0, f64::max);
        let left = (if y.label.is_empty() { 0.0 } else { TEXT + 6.0 }) + widest + 8.0;
        let bottom = SMALL + 8.0 + if x.label.is_empty() { 0.0 } else { TEXT + 6.0 };
        // The last label of the horizontal axis stands half outside.
        let area = outside.inside(left, 6.0, 16.0, bottom);
        let mut columns = (area.width / 64.0).clamp(2.0, 12.0) as usize;
        let mut x_ticks = x.ticks(columns);
        let crowded = |ticks: &[(f64, String)]| {
            let room: f64 = ticks.iter().map(|(_, text)| width(text, SMALL) + 12.0).sum();
            ticks.len() > 2 && room > area.width + 12.0
        };
        while crowded(&x_ticks) && columns > 2 {
            columns -= 1;
            x_ticks = x.ticks(columns);
        }
        let plot = Plot { x, y, area };
        for (value, text) in &y_ticks {
            let at = plot.height(*value);
            svg.line((area.x, at), (area.right(), at), GRID, 1.0);
            svg.text((area.x - 6.0, at + SMALL * 0.36), Anchor::End, SMALL, GREY, text);
        }
        for (value, text) in &x_ticks {
            let at = plot.across(*value);
            svg.line((at, area.y), (at, area.bottom()), GRID, 1.0);
            svg.text((at, area.bottom() + SMALL + 5.0), Anchor::Middle, SMALL, GREY, text);
        }
        svg.line((area.x, area.bottom()), (area.right(), area.bottom()), GREY, 1.0);
        svg.line((area.x, area.y), (area.x, area.bottom()), GREY, 1.0);
        let middle = (area.x + area.width / 2.0, area.bottom() + bottom - 3.0);
        svg.text(middle, Anchor::Middle, TEXT, INK, &fitted(&plot.x.label, TEXT, area.width + left));
        let middle = (outside.x + TEXT, area.y + area.height / 2.0);
        svg.upwards(middle, Anchor::Middle, TEXT, INK, &fitted(&plot.y.label, TEXT, area.height + bottom));
        plot
    }

    fn across(&self, x: f64) -> f64 {
        self.area.x + self.area.width * self.x.part(x).unwrap_or(0.0)
    }

    fn height(&self, y: f64) -> f64 {
        self.area.bottom() - self.area.height * self.y.part(y).unwrap_or(0.0)
    }

    /// Where a point lies; `None` if it has no place or lies outside of the axes.
    pub(super) fn place(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let within = |part: f64| (-1e-6..=1.0 + 1e-6).contains(&part);
        let (px, py) = (self.x.part(x)?, self.y.part(y)?);
        (within(px) && within(py)).then(|| (self.across(x), self.height(y)))
    }

    /// The rectangle between two points, cut off at the axes.
    pub(super) fn between(&self, (x0, y0): (f64, f64), (x1, y1): (f64, f64)) -> Area {
        let inside = |value: f64, from: f64, to: f64| value.clamp(from, to.max(from));
        let Area { x, y, .. } = self.area;
        let (left, right) = (self.across(x0.min(x1)), self.across(x0.max(x1)));
        let (top, bottom) = (self.height(y0.max(y1)), self.height(y0.min(y1)));
        let (left, right) = (inside(left, x, self.area.right()), inside(right, x, self.area.right()));
        let (top, bottom) = (inside(top, y, self.area.bottom()), inside(bottom, y, self.area.bottom()));
        Area { x: left, y: top, width: right - left, height: bottom - top }
    }

    /// A curve, with gaps where points have no place, and with dots where there are few of them. A cross at the lower edge marks
    /// what is infinite or no number.
    pub(super) fn curve(&self, svg: &mut Svg, points: &[(f64, f64)], colour: usize, dashed: bool) {
        let colour = COLOURS[colour % COLOURS.len()];
        let few = points.len() <= 25;
        let mut run: Vec<(f64, f64)> = vec![];
        for &point in points {
            let place = self.place(point);
            match place {
                Some(at) => {
                    run.push(at);
                    if few {
                        svg.dot(at, 2.5, colour, &format!("{}: {}", short(point.0), point.1));
                    }
                }
                None => {
                    stroke(svg, &mut run, colour, dashed);
                    if !point.1.is_finite() && point.0.is_finite() {
                        let (x, y) = (self.across(point.0), self.area.bottom() - 6.0);
                        svg.line((x - 4.0, y - 4.0), (x + 4.0, y + 4.0), colour, 2.0);
                        svg.line((x - 4.0, y + 4.0), (x + 4.0, y - 4.0), colour, 2.0);
                    }
                }
            }
        }
        stroke(svg, &mut run, colour, dashed);
    }
}

/// Draws a run of points and forgets it; a point alone is a dot.
fn stroke(svg: &mut Svg, run: &mut Vec<(f64, f64)>, colour: &str, dashed: bool) {
    // Points that nobody could tell apart only make files large.
    run.dedup_by(|next, last| (next.0 - last.0).abs() + (next.1 - last.1).abs() < 0.2);
    match run[..] {
        [] => {}
        [at] => svg.dot(at, 2.5, colour, ""),
        _ => svg.curve(run, colour, 2.0, dashed),
    }
    run.clear();
}

/// Names of curves beside their colours, in rows; gives the height that they take.
pub(super) fn legend(svg: &mut Svg, area: Area, entries: &[(String, usize, bool)]) -> f64 {
    let (mut x, mut y) = (area.x, area.y + TEXT);
    for (name, colour, dashed) in entries {
        let name = fitted(name, TEXT, area.width - 34.0);
        let room = 28.0 + width(&name, TEXT) + 18.0;
        if x > area.x && x + room - 18.0 > area.right() {
            (x, y) = (area.x, y + TEXT + 6.0);
        }
        svg.curve(&[(x, y - 4.0), (x + 22.0, y - 4.0)], COLOURS[colour % COLOURS.len()], 2.5, *dashed);
        svg.text((x + 28.0, y), Anchor::Start, TEXT, INK, &name);
        x += room;
    }
    y - area.y + 8.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis, count: usize) -> Vec<String> {
        axis.ticks(count).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        let axis = |low, high, scale| Axis::new("", low, high, scale);
        assert_eq!(texts(&axis(0.0, 1.0, Scale::Linear), 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(&axis(1.0, 4.0, Scale::Whole), 12), ["1", "2", "3", "4"]);
        assert_eq!(texts(&axis(1e-6, 1.0, Scale::Log), 3), ["1e-6", "1e-4", "0.01", "1"]);
        assert_eq!(texts(&axis(0.0, 3000.0, Scale::Bytes), 4), ["0 B", "1 KiB", "2 KiB"]);
        assert_eq!(texts(&axis(0.0, 3e7, Scale::Linear), 3), ["0", "1e7", "2e7", "3e7"]);
        assert_eq!(texts(&axis(-2e-5, 2e-5, Scale::Linear), 2), ["-2e-5", "0", "2e-5"]);
    }

    #[test]
    fn an_axis_has_a_range_whatever_the_values() {
        for values in [vec![], vec![f64::NAN], vec![3.0], vec![0.0, 0.0], vec![-1.0, f64::INFINITY]] {
            for scale in [Scale::Linear, Scale::Log, Scale::Whole, Scale::Bytes] {
                let axis = Axis::around("", values.iter().copied(), scale);
                assert!(axis.high > axis.low && axis.low.is_finite() && axis.high.is_finite());
                let _ = axis.ticks(5);
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 0.5, 1.0, 12.25, 123_456.0, 1e-5, f64::NAN].map(short);
        assert_eq!(numbers, ["0", "0.5", "1", "12.2", "1.23e5", "1e-5", "NaN"]);
        assert_eq!([0.0, 1536.0, 3.0 * 1024.0 * 1024.0].map(bytes), ["0 B", "1.5 KiB", "3 MiB"]);
    }
}
