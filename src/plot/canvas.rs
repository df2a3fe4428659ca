//! The drawing surface: lines, shapes and text in pixels, which plotters writes as SVG.

use crate::error::Error;
use plotters::coord::Shift;
use plotters::prelude::{
    DrawingArea, IntoDrawingArea, PathElement, Polygon, RGBColor, Rectangle, SVGBackend, WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, FontTransform, ShapeStyle, TextStyle,
};
use std::fmt::Write as _;

/// Plotters uses whole pixels only. So pictures are drawn this many times larger and shown at
/// normal size.
const FINE: f64 = 4.0;

/// Plotters divides font sizes by this number when it writes an SVG file.
const PLOTTERS_FONT_FACTOR: f64 = 1.24;

/// Colour of titles and labels.
pub(super) const INK: RGBColor = RGBColor(0x26, 0x2B, 0x33);
/// Colour of captions and axis numbers.
pub(super) const SOFT_INK: RGBColor = RGBColor(0x5B, 0x63, 0x6E);

/// A point in pixels, measured from the upper left corner of the picture.
pub(super) type Pixel = (f64, f64);

/// The placement of a text relative to its anchor point, its size in pixels and its colour.
#[derive(Clone, Copy)]
pub(super) struct Lettering {
    pub(super) size: f64,
    pub(super) colour: RGBColor,
    pub(super) bold: bool,
    pub(super) upwards: bool,
    pub(super) horizontal: HPos,
    pub(super) vertical: VPos,
}

impl Lettering {
    /// Plain text. The anchor is at its left end, at half height.
    pub(super) fn plain(size: f64, colour: RGBColor) -> Self {
        Self {
            size,
            colour,
            bold: false,
            upwards: false,
            horizontal: HPos::Left,
            vertical: VPos::Center,
        }
    }

    /// The same text with another anchor.
    pub(super) fn anchored(self, horizontal: HPos, vertical: VPos) -> Self {
        Self { horizontal, vertical, ..self }
    }
}

/// Many equal discs. They are kept apart, because plotters would repeat the style for each disc.
pub(super) struct Dots {
    pub(super) colour: RGBColor,
    pub(super) opacity: f64,
    pub(super) radius: f64,
    pub(super) centres: Vec<Pixel>,
}

/// The picture that is being drawn.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

impl Canvas<'_> {
    /// An open line through the points.
    pub(super) fn line(&self, points: &[Pixel], colour: RGBColor, width: f64) -> Result<(), Error> {
        let style = ShapeStyle {
            color: colour.to_rgba(),
            filled: false,
            stroke_width: fine(width).max(1) as u32,
        };
        self.area.draw(&PathElement::new(snapped(points), style)).map_err(refused)
    }

    /// A filled polygon.
    pub(super) fn polygon(&self, corners: &[Pixel], colour: RGBColor) -> Result<(), Error> {
        self.area.draw(&Polygon::new(snapped(corners), colour.filled())).map_err(refused)
    }

    /// A filled rectangle between two opposite corners.
    pub(super) fn rectangle(
        &self,
        one: Pixel,
        other: Pixel,
        colour: RGBColor,
    ) -> Result<(), Error> {
        let corners = [(fine(one.0), fine(one.1)), (fine(other.0), fine(other.1))];
        self.area.draw(&Rectangle::new(corners, colour.filled())).map_err(refused)
    }

    /// One line of text.
    pub(super) fn text(&self, text: &str, at: Pixel, how: Lettering) -> Result<(), Error> {
        let weight = if how.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font =
            FontDesc::new(FontFamily::SansSerif, how.size * FINE * PLOTTERS_FONT_FACTOR, weight);
        let font = if how.upwards { font.transform(FontTransform::Rotate270) } else { font };
        let style =
            TextStyle::from(font).color(&how.colour).pos(Pos::new(how.horizontal, how.vertical));
        self.area.draw_text(&printable(text), &style, (fine(at.0), fine(at.1))).map_err(refused)
    }
}

/// Draws a picture of `size` (width, height) pixels and returns its SVG text. The dots are drawn
/// over everything else.
pub(super) fn render(
    size: (f64, f64),
    draw: impl FnOnce(&Canvas<'_>) -> Result<Option<Dots>, Error>,
) -> Result<String, Error> {
    let width = fine(size.0) as u32;
    let height = fine(size.1) as u32;
    let mut drawn = String::new();
    let canvas =
        Canvas { area: SVGBackend::with_string(&mut drawn, (width, height)).into_drawing_area() };
    canvas.area.fill(&WHITE).map_err(refused)?;
    let dots = draw(&canvas)?;
    canvas.area.present().map_err(refused)?;
    drop(canvas);

    let unexpected =
        || Error::Picture { format: "SVG", message: "plotters wrote no svg element".into() };
    let inner = drawn.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>"));
    let (body, _) = inner.ok_or_else(unexpected)?;
    let mut svg = String::with_capacity(
        drawn.len() + 40 * dots.as_ref().map_or(0, |dots| dots.centres.len()),
    );
    // Writing to a String cannot fail, so the results below are ignored.
    let _ = write!(
        svg,
        "<svg width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\" \
         xmlns=\"http://www.w3.org/2000/svg\">{body}",
        size.0, size.1
    );
    if let Some(dots) = dots {
        let RGBColor(red, green, blue) = dots.colour;
        let _ = writeln!(
            svg,
            "<g fill=\"#{red:02X}{green:02X}{blue:02X}\" fill-opacity=\"{}\">",
            dots.opacity
        );
        for &(x, y) in &dots.centres {
            let _ = writeln!(
                svg,
                "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"/>",
                fine(x),
                fine(y),
                fine(dots.radius)
            );
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// The text, shortened with an ellipsis to about `width` pixels at font size `size`.
pub(super) fn shortened(text: &str, size: f64, width: f64) -> String {
    let room = (width / (CHARACTER_WIDTH * size)).max(2.0) as usize;
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Mean width of a character of a wide sans-serif font, in font sizes. There is no font file to
/// measure.
const CHARACTER_WIDTH: f64 = 0.6;

/// Approximate width of the text in pixels at font size `size`.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    CHARACTER_WIDTH * size * text.chars().count() as f64
}

/// Removes control characters. XML does not allow them, even escaped.
fn printable(text: &str) -> String {
    let allowed = |c: char| !c.is_control() && c != '\u{FFFE}' && c != '\u{FFFF}';
    text.chars().map(|c| if allowed(c) { c } else { ' ' }).collect()
}

fn fine(pixels: f64) -> i32 {
    (pixels * FINE).round() as i32
}

/// The points on the fine raster. Immediate repetitions are left out, because they only cost bytes.
fn snapped(points: &[Pixel]) -> Vec<(i32, i32)> {
    let mut snapped: Vec<_> = points.iter().map(|&(x, y)| (fine(x), fine(y))).collect();
    snapped.dedup();
    snapped
}

fn refused(error: impl std::fmt::Display) -> Error {
    Error::Picture { format: "SVG", message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_freed_of_control_characters() {
        let svg = render((100.0, 50.0), |canvas| {
            canvas.text("a < b & c\u{0}\u{1b}", (10.0, 10.0), Lettering::plain(12.0, INK))?;
            Ok(None)
        });
        let svg = svg.expect("drawn");
        assert!(svg.contains("a &lt; b &amp; c"));
        assert!(!svg.contains('\u{0}') && !svg.contains('\u{1b}'));
        assert!(svg.starts_with("<svg width=\"100\" height=\"50\" viewBox=\"0 0 400 200\""));
        assert!(svg.ends_with("</svg>\n"));
    }

    #[test]
    fn dots_cost_few_bytes() {
        let centres = (0..1000).map(|k| (f64::from(k), 17.25)).collect();
        let svg = render((1000.0, 50.0), |_| {
            Ok(Some(Dots { colour: INK, opacity: 0.5, radius: 1.5, centres }))
        });
        let svg = svg.expect("drawn");
        assert_eq!(svg.matches("<circle").count(), 1000);
        assert!(svg.contains("<circle cx=\"3996\" cy=\"69\" r=\"6\"/>"));
        assert!(svg.len() < 40_000);
    }

    #[test]
    fn long_text_is_shortened() {
        assert_eq!(shortened("short", 10.0, 600.0), "short");
        assert_eq!(shortened("a long label", 10.0, 36.0), "a lon…");
    }
}
