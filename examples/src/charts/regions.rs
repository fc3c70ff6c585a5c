//! Which class a network gives to each point of the square, with the points that it learned from.

use std::path::Path;

use plotters::prelude::*;

use super::blend;
use crate::confusion::argmax;
use crate::points::CLASSES;

/// A colour for each class.
const COLORS: [RGBColor; CLASSES] = [RGBColor(41, 98, 168), RGBColor(222, 135, 35), RGBColor(52, 140, 78)];
/// Pixels along one side of the picture.
const PICTURE: i32 = 480;
/// Fields along one side of the grid on which regions are drawn.
const GRID: usize = 96;
/// How many shades there are between "as likely as any other class" and "certain".
const SHADES: f64 = 6.0;

/// What to draw.
#[derive(Clone, Debug)]
pub struct RegionChart<'a> {
    /// The probabilities of the classes at each point of [`RegionChart::grid`].
    pub probabilities: &'a [[f32; CLASSES]],
    /// Some points.
    pub points: &'a [[f32; 2]],
    /// Their classes.
    pub classes: &'a [u32],
}

impl RegionChart<'_> {
    /// The points at which the network has to be asked, row after row from the top.
    pub fn grid() -> Vec<[f32; 2]> {
        let place = |i: usize| (i as f32 + 0.5) / GRID as f32 * 2.0 - 1.0;
        (0..GRID * GRID).map(|i| [place(i % GRID), -place(i / GRID)]).collect()
    }

    /// Draws the chart and writes it to a file.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (PICTURE as u32, PICTURE as u32)).into_drawing_area();
            root.fill(&WHITE)?;
            let field = PICTURE / GRID as i32;
            for (row, line) in self.probabilities.chunks(GRID).enumerate() {
                let top = row as i32 * field;
                for (columns, (class, shade)) in runs(line) {
                    let corners = [(columns.start as i32 * field, top), (columns.end as i32 * field, top + field)];
                    let color = blend(COLORS[class], 0.12 + 0.33 * f64::from(shade) / SHADES);
                    root.draw(&Rectangle::new(corners, color.filled()))?;
                }
            }
            for (&[x, y], &class) in self.points.iter().zip(self.classes) {
                let color = COLORS.get(class as usize).copied().unwrap_or(BLACK);
                let place = |c: f32| ((c + 1.0) / 2.0 * PICTURE as f32) as i32;
                let center = (place(x), place(-y));
                root.draw(&Circle::new(center, 4, WHITE.filled()))?;
                root.draw(&Circle::new(center, 3, color.filled()))?;
            }
            root.present()?;
        }
        super::write(path, svg)
    }
}

/// Neighbours in a row with the same class and shade, as one.
fn runs(line: &[[f32; CLASSES]]) -> Vec<(std::ops::Range<usize>, (usize, u8))> {
    let mut runs: Vec<(std::ops::Range<usize>, (usize, u8))> = Vec::new();
    for (column, probabilities) in line.iter().enumerate() {
        let class = argmax(probabilities);
        let chance = 1.0 / CLASSES as f64;
        let certainty = ((f64::from(probabilities[class]) - chance) / (1.0 - chance)).clamp(0.0, 1.0);
        let look = (class, (certainty * SHADES).round() as u8);
        match runs.last_mut() {
            Some((columns, last)) if *last == look => columns.end = column + 1,
            _ => runs.push((column..column + 1, look)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_covers_the_square_from_the_top_left() {
        let grid = RegionChart::grid();
        assert_eq!(grid.len(), GRID * GRID);
        assert!(grid[0][0] < -0.98 && grid[0][1] > 0.98);
        assert!(grid[1][0] > grid[0][0] && grid[1][1] == grid[0][1]);
    }

    #[test]
    fn regions_and_points_are_drawn() {
        let halves = |[x, _]: [f32; 2]| if x < 0.0 { [1.0, 0.0, 0.0] } else { [0.0, 0.1, 0.9] };
        let probabilities = RegionChart::grid().into_iter().map(halves).collect::<Vec<_>>();
        let path = std::env::temp_dir().join(format!("nn-regions-{}.svg", std::process::id()));
        RegionChart { probabilities: &probabilities, points: &[[0.5, 0.5], [f32::NAN, 9.0]], classes: &[2, 77] }
            .save(&path)
            .unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        // The paper, and two runs in each row.
        assert_eq!(svg.matches("<rect").count(), 1 + 2 * GRID);
        assert_eq!(svg.matches("<circle").count(), 4);
    }
}
