//! Numbers as people read them.

use std::fmt;

/// A number with four or five significant digits, short for tables and progress bars.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-3..1e5).contains(&size) {
        let magnitude = if size >= 1.0 { size.log10() as usize } else { 0 };
        let zeros = if size > 0.0 && size < 0.1 { -size.log10() as usize } else { 0 };
        format!("{value:.*}", (4 + zeros).saturating_sub(magnitude))
    } else if value.is_finite() {
        format!("{value:.3e}")
    } else {
        format!("{value}")
    }
}

/// Writes `loss 0.0123, accuracy 0.9876`.
pub fn display(f: &mut fmt::Formatter<'_>, values: &[(&str, f64)]) -> fmt::Result {
    for (i, (name, value)) in values.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(f, "{comma}{name} {}", short(*value))?;
    }
    Ok(())
}
