//! SVG text: shapes in pixels, with colours that colour-blind people tell apart, and text whose width is known.

use std::fmt::Write;

/// Text, axes.
pub(super) const INK: &str = "#222222";
/// What is less important than the ink: tick labels, notes.
pub(super) const GREY: &str = "#5f6368";
/// Lines behind curves.
pub(super) const GRID: &str = "#e4e6e9";
/// Behind everything.
pub(super) const PAPER: &str = "#ffffff";
/// Okabe and Ito's colours, in an order in which neighbours differ in brightness too.
pub(super) const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

/// Size of ordinary text.
pub(super) const TEXT: f64 = 12.0;
/// Size of small text: ticks, notes.
pub(super) const SMALL: f64 = 10.5;

/// Where text stands beside its point.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A rectangle: its left upper corner and its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    pub(super) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// What is left within these margins; never less than a pixel.
    pub(super) fn inside(&self, left: f64, top: f64, right: f64, bottom: f64) -> Area {
        Area {
            x: self.x + left,
            y: self.y + top,
            width: (self.width - left - right).max(1.0),
            height: (self.height - top - bottom).max(1.0),
        }
    }

    /// Cells of equal size, row by row.
    pub(super) fn cells(&self, columns: usize, rows: usize, gap: f64) -> impl Iterator<Item = Area> + use<> {
        let (area, columns, rows) = (*self, columns.max(1), rows.max(1));
        let width = (area.width - gap * (columns - 1) as f64) / columns as f64;
        let height = (area.height - gap * (rows - 1) as f64) / rows as f64;
        (0..columns * rows).map(move |i| Area {
            x: area.x + (i % columns) as f64 * (width + gap),
            y: area.y + (i / columns) as f64 * (height + gap),
            width: width.max(1.0),
            height: height.max(1.0),
        })
    }
}

/// A drawing that is being made.
#[derive(Default)]
pub(super) struct Svg {
    text: String,
}

impl Svg {
    /// The whole file.
    pub(super) fn finish(self, width: f64, height: f64, title: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" font-family=\"DejaVu Sans, Verdana, sans-serif\"><title>{}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"{PAPER}\"/>\n{}</svg>\n",
            escaped(title),
            self.text
        )
    }

    /// A filled rectangle; `hint` is what a browser shows beneath the pointer, nothing if empty.
    pub(super) fn rect(&mut self, area: Area, fill: &str, hint: &str) {
        self.outlined(area, fill, "none", hint);
    }

    /// A filled rectangle with an outline.
    pub(super) fn outlined(&mut self, area: Area, fill: &str, stroke: &str, hint: &str) {
        let Area { x, y, width, height } = area;
        let _ = write!(
            self.text,
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{fill}\""
        );
        if stroke != "none" {
            let _ = write!(self.text, " stroke=\"{stroke}\"");
        }
        self.end("rect", hint);
    }

    /// A filled rectangle with round corners and an outline.
    pub(super) fn round(&mut self, area: Area, radius: f64, fill: &str, stroke: &str, hint: &str) {
        let Area { x, y, width, height } = area;
        let _ = write!(
            self.text,
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" rx=\"{radius}\" fill=\"{fill}\" \
             stroke=\"{stroke}\""
        );
        self.end("rect", hint);
    }

    fn end(&mut self, tag: &str, hint: &str) {
        let _ = match hint {
            "" => writeln!(self.text, "/>"),
            hint => writeln!(self.text, "><title>{}</title></{tag}>", escaped(hint)),
        };
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: &str, width: f64) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = writeln!(
            self.text,
            "<line x1=\"{x1:.2}\" y1=\"{y1:.2}\" x2=\"{x2:.2}\" y2=\"{y2:.2}\" stroke=\"{stroke}\" stroke-width=\"{width}\"/>"
        );
    }

    /// An open curve through points.
    pub(super) fn curve(&mut self, points: &[(f64, f64)], stroke: &str, width: f64, dashed: bool) {
        self.path(&polyline(points), "none", stroke, width, if dashed { "6 4" } else { "" });
    }

    /// Anything, by SVG's path commands.
    pub(super) fn path(&mut self, commands: &str, fill: &str, stroke: &str, width: f64, dashes: &str) {
        let _ =
            write!(self.text, "<path d=\"{commands}\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{width}\"");
        if stroke != "none" {
            self.text.push_str(" stroke-linejoin=\"round\"");
        }
        if !dashes.is_empty() {
            let _ = write!(self.text, " stroke-dasharray=\"{dashes}\"");
        }
        self.text.push_str("/>\n");
    }

    pub(super) fn dot(&mut self, (x, y): (f64, f64), radius: f64, fill: &str, hint: &str) {
        let _ = write!(self.text, "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius}\" fill=\"{fill}\"");
        self.end("circle", hint);
    }

    /// Text on a baseline.
    pub(super) fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, size: f64, fill: &str, text: &str) {
        self.words(&format!("x=\"{x:.2}\" y=\"{y:.2}\""), anchor, size, fill, "", text);
    }

    /// Heavy text on a baseline.
    pub(super) fn heading(&mut self, (x, y): (f64, f64), anchor: Anchor, size: f64, text: &str) {
        self.words(&format!("x=\"{x:.2}\" y=\"{y:.2}\""), anchor, size, INK, " font-weight=\"600\"", text);
    }

    /// Text that is read from below, with its baseline at `x`.
    pub(super) fn upwards(&mut self, (x, y): (f64, f64), anchor: Anchor, size: f64, fill: &str, text: &str) {
        self.words(&format!("transform=\"translate({x:.2} {y:.2}) rotate(-90)\""), anchor, size, fill, "", text);
    }

    fn words(&mut self, place: &str, anchor: Anchor, size: f64, fill: &str, more: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let text = escaped(text);
        let _ = writeln!(self.text, "<text {place}{anchor} font-size=\"{size}\" fill=\"{fill}\"{more}>{text}</text>");
    }
}

/// Path commands of a curve through points.
fn polyline(points: &[(f64, f64)]) -> String {
    let mut commands = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        let _ = write!(commands, "{}{x:.2} {y:.2}", if i == 0 { 'M' } else { 'L' });
    }
    commands
}

/// Text as it may stand in SVG and HTML. What no XML may hold (control characters) is left out.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => safe.push(c),
        }
    }
    safe
}

/// Advance widths of the characters from space to `~` in DejaVu Sans, in thousandths of the size.
const WIDTHS: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636, 636,
    636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863,
    748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635,
    615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636,
    337, 636, 838,
];

/// How wide a text is at a size.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let of =
        |c: char| (c as usize).checked_sub(32).and_then(|i| WIDTHS.get(i)).map_or(0.85, |&w| f64::from(w) / 1000.0);
    text.chars().map(of).sum::<f64>() * size
}

/// The text, or as much of its beginning and end as fits, with `…` between.
pub(super) fn fitted(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let all: Vec<char> = text.chars().collect();
    let shortened = |kept: usize| -> String {
        let (front, back) = (kept.div_ceil(2), kept / 2);
        all[..front].iter().chain(&['…']).chain(&all[all.len() - back..]).collect()
    };
    let kept = (1..all.len()).rev().find(|&kept| width(&shortened(kept), size) <= room);
    kept.map_or(String::new(), shortened)
}

/// A colour between white and dark blue; `0..=1`.
pub(super) fn blue(part: f64) -> String {
    between(&[(247, 251, 255), (198, 219, 239), (107, 174, 214), (33, 113, 181), (8, 48, 107)], part)
}

/// A colour of viridis, which grows evenly brighter; `0..=1`.
pub(super) fn viridis(part: f64) -> String {
    between(&[(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)], part)
}

/// A colour from blue over white to red-brown; `-1..=1`.
pub(super) fn diverging(part: f64) -> String {
    between(&[(5, 72, 140), (146, 197, 222), (247, 247, 247), (244, 165, 130), (160, 60, 5)], (part + 1.0) / 2.0)
}

fn between(stops: &[(u8, u8, u8)], part: f64) -> String {
    let place = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 } * (stops.len() - 1) as f64;
    let at = (place as usize).min(stops.len() - 2);
    let (a, b, t) = (stops[at], stops[at + 1], place - at as f64);
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * t).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(escaped("<b a=\"1\">&\u{1}x"), "&lt;b a=&quot;1&quot;&gt;&amp;x");
    }

    #[test]
    fn long_text_is_cut_in_its_middle() {
        assert_eq!(fitted("short", 12.0, 100.0), "short");
        let cut = fitted("a.very.long.name.of.a.layer", 12.0, 60.0);
        assert!(width(&cut, 12.0) <= 60.0 && cut.starts_with("a.v") && cut.contains('…'), "{cut}");
        assert_eq!(fitted("anything", 12.0, 1.0), "");
    }

    #[test]
    fn colours_are_within_their_ramps() {
        assert_eq!([blue(0.0), blue(1.0), blue(9.0), viridis(f64::NAN)], ["#f7fbff", "#08306b", "#08306b", "#440154"]);
        assert_eq!(diverging(0.0), "#f7f7f7");
    }
}
