//! The frame of a chart: the map from data to pixels, the axes, the title and the caption.

use super::axis::Axis;
use super::canvas::{Canvas, INK, Lettering, Pixel, SOFT_INK, shortened, text_width};
use crate::error::Error;
use plotters::prelude::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

/// Colour of the frame and its ticks.
const FRAME_COLOUR: RGBColor = RGBColor(0x8A, 0x91, 0x9B);
/// Colour of the grid behind curves.
const GRID_COLOUR: RGBColor = RGBColor(0xE6, 0xE9, 0xED);

/// Font size of numbers, captions and keys, in pixels.
pub(super) const SMALL: f64 = 12.0;
/// Font size of axis labels.
const MEDIUM: f64 = 13.5;
/// Font size of the title.
const LARGE: f64 = 16.0;
/// Height above a frame for title and caption.
pub(super) const HEAD: f64 = 62.0;
/// Height below a frame for numbers and axis label.
pub(super) const FOOT: f64 = 54.0;

/// A rectangle of the picture, in pixels, with an axis along its lower side and its left side.
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) x: Axis,
    pub(super) y: Axis,
}

impl Frame {
    /// A frame below the head of the picture. The numbers of the y axis determine its distance from
    /// the left edge.
    pub(super) fn new(x: Axis, y: Axis, width: f64, height: f64) -> Self {
        let numbers = 0.6 * SMALL * y.label_length() as f64;
        Self { left: (44.0 + numbers).max(64.0), top: HEAD, width, height, x, y }
    }

    /// Right end of the frame.
    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Lower end of the frame.
    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// The pixel of a data point. Points outside move to the border of the frame.
    pub(super) fn pixel(&self, x: f64, y: f64) -> Pixel {
        (
            self.left + self.width * self.x.position(x),
            self.bottom() - self.height * self.y.position(y),
        )
    }

    /// Whether a data point lies within the frame. It is false for NaN.
    pub(super) fn contains(&self, x: f64, y: f64) -> bool {
        self.x.contains(x) && self.y.contains(y)
    }

    /// Draws the lines of the grid. Call it before the data are drawn.
    pub(super) fn draw_grid(&self, canvas: &Canvas<'_>, vertical: bool) -> Result<(), Error> {
        for (value, _) in self.x.ticks.iter().filter(|_| vertical) {
            let x = self.left + self.width * self.x.position(*value);
            canvas.line(&[(x, self.top), (x, self.bottom())], GRID_COLOUR, 1.0)?;
        }
        for (value, _) in &self.y.ticks {
            let y = self.bottom() - self.height * self.y.position(*value);
            canvas.line(&[(self.left, y), (self.right(), y)], GRID_COLOUR, 1.0)?;
        }
        Ok(())
    }

    /// Draws the border, the ticks with their numbers and the labels of both axes. Call it after
    /// the data are drawn.
    pub(super) fn draw_axes(
        &self,
        canvas: &Canvas<'_>,
        x_label: &str,
        y_label: &str,
    ) -> Result<(), Error> {
        let left = self.left;
        let right = self.right();
        let top = self.top;
        let bottom = self.bottom();
        let border =
            [(left, top), (right, top), (right, bottom), (left, bottom), (left, top), (right, top)];
        canvas.line(&border, FRAME_COLOUR, 1.0)?;
        let x_place = |value: f64| left + self.width * self.x.position(value);
        let y_place = |value: f64| bottom - self.height * self.y.position(value);
        for &value in &self.x.small_ticks {
            canvas.line(
                &[(x_place(value), bottom), (x_place(value), bottom + 3.0)],
                FRAME_COLOUR,
                1.0,
            )?;
        }
        for &value in &self.y.small_ticks {
            canvas.line(
                &[(left - 3.0, y_place(value)), (left, y_place(value))],
                FRAME_COLOUR,
                1.0,
            )?;
        }
        let number = Lettering::plain(SMALL, SOFT_INK);
        let mut free_from = f64::NEG_INFINITY;
        for (value, label) in &self.x.ticks {
            let x = x_place(*value);
            canvas.line(&[(x, bottom), (x, bottom + 5.0)], FRAME_COLOUR, 1.0)?;
            // A number that would touch the one before is left out. Its tick remains.
            let half_width = 0.5 * text_width(label, SMALL);
            if x - half_width > free_from {
                canvas.text(label, (x, bottom + 9.0), number.anchored(HPos::Center, VPos::Top))?;
                free_from = x + half_width + 4.0;
            }
        }
        for (value, label) in &self.y.ticks {
            let y = y_place(*value);
            canvas.line(&[(left - 5.0, y), (left, y)], FRAME_COLOUR, 1.0)?;
            canvas.text(label, (left - 9.0, y), number.anchored(HPos::Right, VPos::Center))?;
        }
        let name = Lettering::plain(MEDIUM, INK).anchored(HPos::Center, VPos::Top);
        let middle = (left + 0.5 * self.width, bottom + 31.0);
        canvas.text(&shortened(&self.x.named(x_label), MEDIUM, self.width), middle, name)?;
        let middle = (12.0, top + 0.5 * self.height);
        canvas.text(
            &shortened(&self.y.named(y_label), MEDIUM, self.height),
            middle,
            Lettering { upwards: true, ..name },
        )
    }

    /// Writes the title and below it the caption into `width` pixels. A long title is shortened. A
    /// long caption gets smaller instead, because all its counts must be visible.
    pub(super) fn draw_head(
        &self,
        canvas: &Canvas<'_>,
        title: &str,
        caption: &str,
        width: f64,
    ) -> Result<(), Error> {
        let title_size = fitting(title, 1.1 * LARGE, width).clamp(0.75 * LARGE, LARGE);
        let title_style = Lettering { bold: true, ..Lettering::plain(title_size, INK) };
        // Without a caption the title is closer to the frame.
        let title_height = if caption.is_empty() { 39.0 } else { 23.0 };
        canvas.text(
            &shortened(title, 1.1 * title_size, width),
            (self.left, title_height),
            title_style,
        )?;
        let caption_style = Lettering::plain(fitting(caption, SMALL, width), SOFT_INK);
        canvas.text(caption, (self.left, 45.0), caption_style)
    }
}

/// The font size, or a smaller one at which the text takes at most `width` pixels.
fn fitting(text: &str, size: f64, width: f64) -> f64 {
    size * (width / text_width(text, size).max(1.0)).min(1.0)
}

/// Joins the non-empty parts of a caption by dots.
pub(super) fn caption(parts: impl IntoIterator<Item = Option<String>>) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Text such as "3 non-finite samples not drawn" or "1 non-finite sample not drawn", or `None` for
/// a count of 0.
pub(super) fn counted(count: usize, what: &str, fate: &str) -> Option<String> {
    let plural = if count == 1 { "" } else { "s" };
    (count > 0).then(|| format!("{count} {what}{plural}{fate}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_of_the_data_are_corners_of_the_frame() {
        let frame = Frame::new(Axis::linear(0.0, 2.0), Axis::linear(-1.0, 1.0), 400.0, 300.0);
        assert_eq!(frame.pixel(0.0, -1.0), (frame.left, frame.bottom()));
        assert_eq!(frame.pixel(2.0, 1.0), (frame.right(), frame.top));
        assert_eq!(frame.pixel(99.0, -99.0), (frame.right(), frame.bottom()));
        assert!(
            frame.contains(1.0, 0.0) && !frame.contains(2.1, 0.0) && !frame.contains(1.0, f64::NAN)
        );
    }

    #[test]
    fn captions_leave_out_what_did_not_happen() {
        assert_eq!(
            caption([
                Some("10 samples".into()),
                counted(0, "point", " lost"),
                counted(3, "point", " lost")
            ]),
            "10 samples · 3 points lost"
        );
    }
}
