//! What a convolutional network learnt: its first filters, and which classes it takes for which.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::blend;
use crate::confusion::Confusion;

/// The colours of weights below and above 0; 0 is white.
const NEGATIVE: RGBColor = RGBColor(41, 98, 168);
const POSITIVE: RGBColor = RGBColor(214, 69, 65);
/// The colour of a confusion, and of what is right.
const WRONG: RGBColor = POSITIVE;
const RIGHT: RGBColor = NEGATIVE;

const WIDTH: i32 = 900;
const HEIGHT: i32 = 440;
/// Where the confusion matrix begins.
const MIDDLE: i32 = 440;
/// Space for titles and around.
const TOP: i32 = 44;
const MARGIN: i32 = 20;

/// What to draw.
#[derive(Clone, Debug)]
pub struct LearntChart<'a> {
    /// Square filters of one channel, one after another.
    pub filters: &'a [f32],
    /// Weights along one side of a filter.
    pub side: usize,
    /// What was taken for what.
    pub confusion: &'a Confusion,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

impl LearntChart<'_> {
    /// Draws the chart and writes it to a file.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (WIDTH as u32, HEIGHT as u32)).into_drawing_area();
            root.fill(&WHITE)?;
            self.draw_filters(&root)?;
            self.draw_confusion(&root)?;
            root.present()?;
        }
        super::write(path, svg)
    }

    /// Each filter as a square of coloured weights, against its own largest one.
    fn draw_filters<'a>(&self, area: &Area<'a>) -> Drawn<'a> {
        title(area, "first filters: blue below 0, red above", MARGIN)?;
        let filters = self.filters.chunks_exact((self.side * self.side).max(1));
        let columns = (filters.len() as f64).sqrt().ceil().max(1.0) as i32;
        let cell = (MIDDLE - 2 * MARGIN).min(HEIGHT - TOP - MARGIN) / columns;
        let pixel = (cell - 8) / self.side.max(1) as i32;
        for (index, filter) in (0..).zip(filters) {
            let largest = filter.iter().fold(f32::MIN_POSITIVE, |largest, weight| largest.max(weight.abs()));
            let corner = (MARGIN + index % columns * cell, TOP + index / columns * cell);
            for (row, weights) in (0..).zip(filter.chunks_exact(self.side)) {
                for (column, weight) in (0..).zip(weights) {
                    let color = if *weight < 0.0 { NEGATIVE } else { POSITIVE };
                    let from = (corner.0 + column * pixel, corner.1 + row * pixel);
                    let field = Rectangle::new([from, (from.0 + pixel, from.1 + pixel)], {
                        blend(color, f64::from(weight.abs() / largest)).filled()
                    });
                    area.draw(&field)?;
                }
            }
            let frame = [corner, (corner.0 + pixel * self.side as i32, corner.1 + pixel * self.side as i32)];
            area.draw(&Rectangle::new(frame, BLACK.mix(0.35)))?;
        }
        Ok(())
    }

    /// A field for each pair of classes, against the size of its true class.
    fn draw_confusion<'a>(&self, area: &Area<'a>) -> Drawn<'a> {
        title(area, "rows: what it is, columns: what it was read as", MIDDLE + MARGIN)?;
        let rows = self.confusion.counts();
        let classes = rows.len().max(1) as i32;
        let field = (WIDTH - MIDDLE - 2 * MARGIN).min(HEIGHT - TOP - MARGIN) / (classes + 1);
        let corner = (MIDDLE + MARGIN + field, TOP + field);
        let text = |place: (i32, i32), words: String, color: &'static RGBColor| {
            let style = ("sans-serif", 13).into_text_style(area).color(color);
            Text::new(words, place, style.pos(Pos::new(HPos::Center, VPos::Center)))
        };
        for (row, counts) in (0..).zip(rows) {
            let middle = |index: i32| index * field + field / 2;
            area.draw(&text((corner.0 - field / 2, corner.1 + middle(row)), row.to_string(), &BLACK))?;
            area.draw(&text((corner.0 + middle(row), corner.1 - field / 2), row.to_string(), &BLACK))?;
            let total = counts.iter().sum::<usize>().max(1) as f64;
            for (column, &count) in (0..).zip(counts) {
                let share = count as f64 / total;
                // Few confusions are still to be seen.
                let (color, amount) =
                    if row == column { (RIGHT, share) } else { (WRONG, (4.0 * share).min(1.0).sqrt()) };
                let from = (corner.0 + column * field, corner.1 + row * field);
                let field =
                    Rectangle::new([from, (from.0 + field - 1, from.1 + field - 1)], blend(color, amount).filled());
                area.draw(&field)?;
                if count > 0 {
                    let ink = if amount > 0.6 { &WHITE } else { &BLACK };
                    area.draw(&text((corner.0 + middle(column), corner.1 + middle(row)), count.to_string(), ink))?;
                }
            }
        }
        Ok(())
    }
}

fn title<'a>(area: &Area<'a>, words: &str, left: i32) -> Drawn<'a> {
    area.draw(&Text::new(words, (left, MARGIN), ("sans-serif", 16).into_text_style(area)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_and_every_count_is_drawn() {
        let path = std::env::temp_dir().join(format!("nn-learnt-{}.svg", std::process::id()));
        let confusion = Confusion::new(3, [(0, 0), (1, 1), (1, 1), (2, 0)]);
        let filters = [[-1.0, 0.0, 0.5, 1.0], [0.0; 4]].concat();
        LearntChart { filters: &filters, side: 2, confusion: &confusion }.save(&path).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        // The paper, four weights and a frame for each filter, the fields.
        assert_eq!(svg.matches("<rect").count(), 1 + 2 * 5 + 9);
        // Two titles, six classes, three counts.
        assert_eq!(svg.matches("<text").count(), 2 + 6 + 3);
        for color in ["#2962A8", "#D64541", "#FFFFFF"] {
            assert!(svg.contains(color), "{color}");
        }
    }
}
