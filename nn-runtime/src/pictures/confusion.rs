//! The confusion matrix.

use super::Picture;
use super::svg::{Anchor, Area, GREY, INK, PAPER, SMALL, TEXT, blue, fitted, width};
use crate::metrics::ConfusionMatrix;

/// How often each class (rows) was taken for each class (columns), with counts; the darker a cell, the larger its part of its row.
/// Names are for the classes in order; those without a name are numbered. With a metric `matrix = confusion_matrix(…)`,
/// `pictures::confusion_matrix(&report.matrix, &["cat", "dog"])`.
#[must_use]
pub fn confusion_matrix<S: AsRef<str>>(matrix: &ConfusionMatrix, names: &[S]) -> Picture {
    let classes = matrix.classes();
    let counts: Vec<Vec<u64>> = matrix.counts().chunks(classes.max(1)).map(<[u64]>::to_vec).collect();
    let names: Vec<String> =
        (0..classes).map(|i| names.get(i).map_or_else(|| i.to_string(), |n| n.as_ref().to_owned())).collect();
    let (all, right) =
        (counts.iter().flatten().sum::<u64>(), (0..classes).filter_map(|i| counts.get(i)?.get(i)).sum::<u64>());
    let note = match all {
        0 => "no samples".to_owned(),
        all => format!("{right} of {all} samples on the diagonal ({:.2} %)", right as f64 / all as f64 * 100.0),
    };
    let widest = names.iter().map(|n| width(n, SMALL)).fold(0.0, f64::max).min(140.0);
    let cell = match classes {
        0..=12 => 44.0,
        13..=30 => 26.0,
        _ => (760.0 / classes as f64).max(5.0),
    };
    let side = widest + 60.0 + cell * classes.max(2) as f64;
    // All of the note has room.
    let wide = side.max(width(&note, TEXT * 1.08));
    Picture::new("Confusion matrix", (wide + 28.0, side + 60.0), move |svg, area| {
        let (left, top) = (widest + TEXT + 14.0, 0.0);
        let side =
            ((area.width - left) / classes.max(1) as f64).min((area.height - left) / classes.max(1) as f64).max(0.5);
        let origin = (area.x + left, area.y + top);
        // Where names would touch each other, some are left out.
        let every = ((SMALL + 2.0) / side).ceil().max(1.0) as usize;
        let names_fit = names.iter().all(|name| width(&fitted(name, SMALL, widest), SMALL) + 6.0 < side * every as f64);
        for (i, row) in counts.iter().enumerate() {
            let sum: u64 = row.iter().sum();
            let y = origin.1 + side * i as f64;
            for (j, &count) in row.iter().enumerate().take(classes) {
                let part = if sum == 0 { 0.0 } else { count as f64 / sum as f64 };
                let cell = Area { x: origin.0 + side * j as f64, y, width: side, height: side };
                let hint = format!("{} taken for {}: {count} of {sum} ({:.1} %)", names[i], names[j], part * 100.0);
                svg.outlined(cell, &blue(part), if side > 12.0 { PAPER } else { "none" }, &hint);
                let text = count.to_string();
                let size = TEXT.min(side * 0.9 / width(&text, 1.0));
                if count > 0 && size >= 7.0 && side > size {
                    let at = (cell.x + side / 2.0, y + side / 2.0 + size * 0.36);
                    svg.text(at, Anchor::Middle, size, if part > 0.5 { PAPER } else { INK }, &text);
                }
            }
            if i % every == 0 {
                let name = fitted(&names[i], SMALL, widest);
                svg.text((origin.0 - 6.0, y + side / 2.0 + SMALL * 0.36), Anchor::End, SMALL, GREY, &name);
                let x = origin.0 + side * (i as f64 + 0.5);
                let below = origin.1 + side * classes as f64 + 6.0;
                if names_fit {
                    svg.text((x, below + SMALL), Anchor::Middle, SMALL, GREY, &name);
                } else {
                    svg.upwards((x + SMALL * 0.36, below), Anchor::End, SMALL, GREY, &name);
                }
            }
        }
        let middle = side * classes as f64 / 2.0;
        svg.upwards((area.x + TEXT, origin.1 + middle), Anchor::Middle, TEXT, INK, "true class");
        let lower = origin.1 + side * classes as f64 + widest.max(SMALL) + 14.0 + TEXT;
        svg.text((origin.0 + middle, lower.min(area.bottom())), Anchor::Middle, TEXT, INK, "predicted class");
    })
    .note(note)
}
