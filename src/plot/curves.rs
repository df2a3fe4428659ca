//! Curves with markers and error bars, such as the error of samplers against their evaluations.

use super::axis::Axis;
use super::canvas::{Canvas, INK, Lettering, Pixel, render, shortened, text_width};
use super::frame::{FOOT, Frame, HEAD, SMALL, caption, counted};
use crate::error::Error;
use plotters::prelude::RGBColor;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 400.0;
/// The palette of Okabe and Ito, which colour-blind readers can tell apart. Its yellow is left out,
/// because it is hard to see on white.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0x26, 0x2B, 0x33),
];
/// Markers as corners on a circle of radius one. Five shapes and seven colours give 35 different
/// curves.
const MARKERS: [&[Pixel]; 4] = [
    &[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
    &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
    &[(0.0, 1.2), (-1.1, -0.8), (1.1, -0.8)],
];
/// A curve with more points than this has neither markers nor error bars.
const MOST_MARKERS: usize = 60;
/// Approximate number of points of all curves together. Longer curves are thinned.
const MOST_POINTS: usize = 12_000;
/// Largest width of the legend text in pixels.
const LEGEND: f64 = 230.0;

/// A named sequence of points, joined by a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Name in the legend.
    pub label: String,
    /// Points (x, y, error of y), drawn in this order. The error, if any, is half the length of the
    /// error bar.
    pub points: Vec<(f64, f64, Option<f64>)>,
}

/// Draws curves with markers, error bars and a legend over linear or logarithmic axes.
///
/// - A point that is not finite, or not positive on a logarithmic axis, cannot be shown. It
///   interrupts its curve and is counted in the caption.
/// - An error bar that reaches zero on a logarithmic axis extends down to the frame.
/// - A curve of more than 60 points is a plain line.
/// - Of more than 12 000 points in total, evenly strided ones are drawn. The caption reports it.
///
/// # Errors
/// [`Error::Shape`] if no point can be shown. [`Error::Picture`] if the SVG writer fails.
pub fn curves(
    series: &[Curve],
    x_label: &str,
    y_label: &str,
    title: &str,
    log_x: bool,
    log_y: bool,
) -> Result<String, Error> {
    let fits = |value: f64, log: bool| value.abs() <= 1e100 && (!log || value >= 1e-100);
    let shown = |point: &(f64, f64, Option<f64>)| fits(point.0, log_x) && fits(point.1, log_y);
    let all = || series.iter().flat_map(|curve| &curve.points);
    let hidden = all().filter(|point| !shown(point)).count();
    let x_axis = axis(all().filter(|point| shown(point)).map(|point| point.0), log_x);
    let ends = |&(_, y, error): &(f64, f64, Option<f64>)| {
        let error = error.filter(|error| error.is_finite()).unwrap_or(0.0).abs();
        // A bar down to zero has no lower end on a logarithmic axis. Half a decade of it is shown.
        [y, y + error, if log_y { (y - error).max(0.3 * y) } else { y - error }]
    };
    let y_axis =
        axis(all().filter(|point| shown(point)).flat_map(ends).filter(|&y| fits(y, log_y)), log_y);
    let (Some(x_axis), Some(y_axis)) = (x_axis, y_axis) else {
        return Err(Error::Shape {
            what: "curves to draw",
            given: format!("{} points, none of which can be shown", all().count()),
            expected: "at least one finite point, positive along logarithmic axes".into(),
        });
    };
    let frame = Frame::new(x_axis, y_axis, WIDTH, HEIGHT);
    let stride = all().count() / MOST_POINTS + 1;
    let reason = if log_x || log_y {
        " not drawn: not finite or not positive"
    } else {
        " not drawn: not finite"
    };
    let thinned = (stride > 1).then(|| format!("one in {stride} points of each long curve"));
    let caption = caption([counted(hidden, "point", reason), thinned]);

    let names: Vec<String> =
        series.iter().map(|curve| shortened(&curve.label, SMALL, LEGEND)).collect();
    let widest = names.iter().map(|name| text_width(name, SMALL)).fold(0.0, f64::max);
    let legend_height = 20.0 * names.len() as f64 + 16.0;
    let size = (frame.right() + 62.0 + widest, HEAD + HEIGHT.max(legend_height) + FOOT);
    render(size, |canvas| {
        frame.draw_grid(canvas, true)?;
        for (index, curve) in series.iter().enumerate() {
            let marked = curve.points.len() <= MOST_MARKERS;
            let every = if marked { 1 } else { stride };
            let points: Vec<_> = curve.points.iter().step_by(every).collect();
            for run in points.split(|point| !shown(point)) {
                draw_run(canvas, &frame, run, Ink::of(index), marked)?;
            }
        }
        draw_legend(canvas, &frame, series, &names)?;
        frame.draw_axes(canvas, x_label, y_label)?;
        frame.draw_head(canvas, title, &caption, size.0 - frame.left - 12.0)?;
        Ok(None)
    })
}

/// Draws a line, a marker and a name for each curve, to the right of the frame.
fn draw_legend(
    canvas: &Canvas<'_>,
    frame: &Frame,
    series: &[Curve],
    names: &[String],
) -> Result<(), Error> {
    for (index, (name, curve)) in names.iter().zip(series).enumerate() {
        let left = frame.right() + 16.0;
        let y = frame.top + 10.0 + 20.0 * index as f64;
        let ink = Ink::of(index);
        canvas.line(&[(left, y), (left + 24.0, y)], ink.colour, 1.75)?;
        if curve.points.len() <= MOST_MARKERS {
            ink.draw_marker(canvas, (left + 12.0, y))?;
        }
        canvas.text(name, (left + 31.0, y), Lettering::plain(SMALL, INK))?;
    }
    Ok(())
}

/// Draws the points of a curve between two that cannot be shown.
fn draw_run(
    canvas: &Canvas<'_>,
    frame: &Frame,
    points: &[&(f64, f64, Option<f64>)],
    ink: Ink,
    marked: bool,
) -> Result<(), Error> {
    let line: Vec<Pixel> = points.iter().map(|point| frame.pixel(point.0, point.1)).collect();
    if line.len() > 1 {
        canvas.line(&line, ink.colour, if marked { 1.75 } else { 1.25 })?;
    }
    for point in points.iter().filter(|_| marked) {
        draw_error_bar(canvas, frame, point, ink.colour)?;
    }
    for &at in line.iter().filter(|_| marked) {
        ink.draw_marker(canvas, at)?;
    }
    // A single point between two hidden ones has no line, so a short one is drawn.
    if let (false, &[(x, y)]) = (marked, line.as_slice()) {
        canvas.line(&[(x - 1.0, y), (x + 1.0, y)], ink.colour, 2.0)?;
    }
    Ok(())
}

/// An axis over all values, or `None` without values.
fn axis(values: impl Iterator<Item = f64>, logarithmic: bool) -> Option<Axis> {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return None;
    }
    if logarithmic {
        return Some(Axis::logarithmic(low, high));
    }
    let margin = 0.04 * (high - low);
    Some(Axis::linear(low - margin, high + margin))
}

/// Draws the bar from y − error to y + error. An end has a cap if it lies within the frame.
fn draw_error_bar(
    canvas: &Canvas<'_>,
    frame: &Frame,
    &(x, y, error): &(f64, f64, Option<f64>),
    colour: RGBColor,
) -> Result<(), Error> {
    let Some(error) = error.filter(|error| error.is_finite()) else { return Ok(()) };
    let ends = [y - error, y + error];
    canvas.line(&ends.map(|end| frame.pixel(x, end)), colour, 1.0)?;
    for (across, end) in
        ends.into_iter().filter(|&end| frame.y.contains(end)).map(|end| frame.pixel(x, end))
    {
        canvas.line(&[(across - 3.0, end), (across + 3.0, end)], colour, 1.0)?;
    }
    Ok(())
}

/// The properties that distinguish one curve from the others.
struct Ink {
    colour: RGBColor,
    marker: Option<&'static [Pixel]>,
}

impl Ink {
    fn of(index: usize) -> Self {
        let marker = (index % (MARKERS.len() + 1)).checked_sub(1).map(|which| MARKERS[which]);
        Self { colour: PALETTE[index % PALETTE.len()], marker }
    }

    /// Draws the marker in colour on a slightly larger white one, which separates it from lines
    /// behind it.
    fn draw_marker(&self, canvas: &Canvas<'_>, (x, y): Pixel) -> Result<(), Error> {
        let disc: Vec<Pixel> =
            (0..24).map(|k| (f64::from(k) * std::f64::consts::TAU / 24.0).sin_cos()).collect();
        let shape = self.marker.unwrap_or(&disc);
        for (radius, colour) in [(4.9, RGBColor(0xFF, 0xFF, 0xFF)), (3.8, self.colour)] {
            let corners: Vec<Pixel> =
                shape.iter().map(|&(dx, dy)| (x + radius * dx, y + radius * dy)).collect();
            canvas.polygon(&corners, colour)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(f64, f64, Option<f64>)]) -> Curve {
        Curve { label: "a < b".into(), points: points.to_vec() }
    }

    #[test]
    fn points_that_cannot_be_shown_are_counted() {
        let points = [
            (1.0, 1.0, None),
            (10.0, 0.0, None),
            (f64::NAN, 1.0, None),
            (100.0, 0.1, Some(0.2)),
            (1e3, -1.0, None),
        ];
        let svg = curves(&[curve(&points)], "n", "error", "t", true, true).expect("drawn");
        assert!(svg.contains("3 points not drawn: not finite or not positive"));
        assert!(svg.contains("a &lt; b") && svg.contains("10²") && !svg.contains("NaN"));
    }

    #[test]
    fn degenerate_inputs_do_not_panic() {
        for log in [false, true] {
            assert!(matches!(curves(&[], "x", "y", "t", log, log), Err(Error::Shape { .. })));
            assert!(matches!(
                curves(&[curve(&[])], "x", "y", "t", log, log),
                Err(Error::Shape { .. })
            ));
            assert!(curves(&[curve(&[(1.0, 1.0, None)])], "x", "y", "t", log, log).is_ok());
            let odd_error = [
                (5.0, 2.0, Some(f64::NAN)),
                (5.0, 2.0, Some(f64::INFINITY)),
                (5.0, 2.0, Some(-1e99)),
            ];
            assert!(curves(&[curve(&odd_error)], "x", "y", "t", log, log).is_ok());
            let extreme = [(1e-99, 1e99, Some(1e99)), (1e99, 1e-99, None)];
            assert!(curves(&[curve(&extreme)], "x", "y", "t", log, log).is_ok());
        }
        assert!(curves(&[curve(&[(-1.0, -1.0, None)])], "x", "y", "t", true, true).is_err());
    }

    #[test]
    fn long_curves_stay_small_files() {
        let long = Curve {
            label: "x".repeat(500),
            points: (0..200_000).map(|k| (f64::from(k), f64::from(k % 977), None)).collect(),
        };
        let svg = curves(&vec![long; 3], "x", "y", &"t".repeat(500), false, false).expect("drawn");
        assert!(svg.len() < 400_000, "{}", svg.len());
        assert!(svg.contains("one in 51 points of each long curve"));
    }
}
