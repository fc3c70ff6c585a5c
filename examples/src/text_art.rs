//! Pictures as text.

use crate::drawn_digits::SIDE;

/// From paper to ink.
const SHADES: [char; 6] = [' ', '.', ':', 'o', 'O', '@'];

/// Prints images side by side, each under its caption.
pub fn side_by_side(images: &[(String, &[[f32; SIDE]; SIDE])]) -> String {
    let captions = images.iter().map(|(caption, _)| format!("{caption:SIDE$}")).collect::<Vec<_>>();
    let mut text = captions.join("  ").trim_end().to_owned() + "\n";
    // Characters are about twice as high as wide: one for each pair of rows.
    for row in (0..SIDE).step_by(2) {
        let parts = images.iter().map(|(_, image)| line(image, row)).collect::<Vec<_>>();
        text += parts.join("  ").trim_end();
        text.push('\n');
    }
    text
}

fn line(image: &[[f32; SIDE]; SIDE], row: usize) -> String {
    image[row].iter().zip(&image[row + 1]).map(|(upper, lower)| shade((upper + lower) / 2.0)).collect()
}

fn shade(ink: f32) -> char {
    let index = (ink * SHADES.len() as f32) as usize;
    SHADES[index.min(SHADES.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ink_is_dark_and_images_stand_side_by_side() {
        let paper = [[0.0; SIDE]; SIDE];
        let mut ink = paper;
        ink[..2].fill([1.0; SIDE]);
        let text = side_by_side(&[("paper".into(), &paper), ("ink".into(), &ink)]);
        let lines = text.lines().collect::<Vec<_>>();
        assert_eq!(lines[0], format!("{:28}  ink", "paper"));
        assert_eq!(lines[1], format!("{:28}  {}", "", "@".repeat(28)));
        assert_eq!(lines.len(), 1 + SIDE / 2);
    }
}
