//! Scatter pictures of the first two coordinates of samples, alone or over the density that they
//! should follow.

use super::axis::{Axis, Interval, widened};
use super::canvas::{Canvas, Dots, INK, Lettering, Pixel, SOFT_INK, render};
use super::contour::{Grid, LogDensity, each};
use super::frame::{FOOT, Frame, HEAD, SMALL, caption, counted};
use super::range::{padded, robust, shown};
use crate::error::Error;
use ndarray::ArrayView2;
use plotters::prelude::RGBColor;

/// Largest number of points. More points are thinned to this number, evenly over the rows.
const MOST_POINTS: usize = 4000;
/// Side of the frame in pixels.
const SIDE: f64 = 520.0;
/// Number of nodes of the density grid along each axis.
const GRID_NODES: usize = 160;
/// Level lines with more points than this (a density like noise) are drawn from a coarser grid.
const MOST_LINE_POINTS: usize = 12_000;
/// Masses inside the level lines, as fractions and as labels, from the outermost (lowest) line
/// inwards.
const MASSES: [(f64, &str); 5] =
    [(0.95, "95 %"), (0.8, "80 %"), (0.6, "60 %"), (0.4, "40 %"), (0.2, "20 %")];
/// Colours inside the level lines, from the outermost inwards.
const SHADES: [RGBColor; 5] = [
    RGBColor(0xE8, 0xF0, 0xF8),
    RGBColor(0xCD, 0xE0, 0xF1),
    RGBColor(0xA9, 0xCC, 0xE6),
    RGBColor(0x7E, 0xB2, 0xD8),
    RGBColor(0x55, 0x95, 0xC7),
];
/// Colour of the level lines.
const LINE_COLOUR: RGBColor = RGBColor(0x4A, 0x82, 0xB4);
/// Colour of the points.
const POINT_COLOUR: RGBColor = RGBColor(0xC4, 0x45, 0x00);

/// Draws the first two coordinates of `samples`, shape (samples, dimension ≥ 2), over a
/// two-dimensional density.
///
/// `log_density` takes two numbers and is needed up to a constant only. It is called some 50 000
/// times. In more than two dimensions, pass the log density of the marginal of the first two
/// coordinates.
///
/// Shades show the smallest regions that hold 20, 40, 60, 80 and 95 % of the mass. They are found
/// on a grid of 160 × 160 nodes.
///
/// The frame shows the samples without outliers, and the density's mass if it is found near them.
/// At most 4000 samples inside the frame are drawn, evenly strided. The caption counts the samples
/// that are drawn, not finite or outside. Both axes have the same scale, unless one is more than
/// 2.5 times as long as the other.
///
/// # Errors
/// - [`Error::Shape`] if the samples have fewer than two coordinates or none is finite.
/// - [`Error::Picture`] if the SVG writer fails.
pub fn scatter_over_density(
    samples: ArrayView2<'_, f64>,
    log_density: impl Fn(&[f64]) -> f64,
    title: &str,
) -> Result<String, Error> {
    draw(samples, Some(&each(|x, y| log_density(&[x, y]))), title)
}

/// The same with a density that takes many points at once.
pub(crate) fn scatter_over(
    samples: ArrayView2<'_, f64>,
    log_density: LogDensity<'_>,
    title: &str,
) -> Result<String, Error> {
    draw(samples, Some(log_density), title)
}

/// Draws the first two coordinates of `samples`, shape (samples, dimension ≥ 2).
///
/// Range, thinning and caption are those of [`scatter_over_density`].
///
/// # Errors
/// - [`Error::Shape`] if the samples have fewer than two coordinates or none is finite.
/// - [`Error::Picture`] if the SVG writer fails.
pub fn scatter(samples: ArrayView2<'_, f64>, title: &str) -> Result<String, Error> {
    draw(samples, None, title)
}

fn draw(
    samples: ArrayView2<'_, f64>,
    log_density: Option<LogDensity<'_>>,
    title: &str,
) -> Result<String, Error> {
    let (rows, dimension) = samples.dim();
    if dimension < 2 {
        return Err(Error::Shape {
            what: "samples for a scatter picture",
            given: format!("shape ({rows}, {dimension})"),
            expected: "at least two coordinates".into(),
        });
    }
    let points = || samples.rows().into_iter().map(|row| (row[0], row[1]));
    let finite: Vec<Pixel> =
        points().filter(|point| point.0.is_finite() && point.1.is_finite()).collect();
    let mut x_range = robust(finite.iter().map(|point| point.0))?;
    let mut y_range = robust(finite.iter().map(|point| point.1))?;
    if let Some(log_density) = log_density
        && let (x, Some(y)) = shown((x_range, Some(y_range)), log_density)
    {
        (x_range, y_range) = (x, y);
    }
    let (x_range, y_range) = one_scale(padded(x_range, 0.05), padded(y_range, 0.05));
    let x_axis = Axis::linear(x_range.0, x_range.1);
    let y_axis = Axis::linear(y_range.0, y_range.1);
    let frame = Frame::new(x_axis, y_axis, SIDE, SIDE);

    let inside: Vec<Pixel> =
        finite.iter().copied().filter(|&(x, y)| frame.contains(x, y)).collect();
    let most = inside.len().min(MOST_POINTS);
    // Index k·n/most spreads the points over all rows, for any n.
    let centres: Vec<Pixel> = (0..most)
        .map(|k| inside[k * inside.len() / most])
        .map(|(x, y)| frame.pixel(x, y))
        .collect();
    let all = counted(rows, "sample", "");
    let drawn = if most == rows { all } else { all.map(|all| format!("{most} of {all}")) };
    let caption = caption([
        drawn,
        counted(finite.len() - inside.len(), "sample", " outside the frame"),
        counted(rows - finite.len(), "non-finite sample", " not drawn"),
    ]);

    let key_room = if log_density.is_some() { 96.0 } else { 28.0 };
    let size = (frame.right() + key_room, HEAD + SIDE + FOOT);
    render(size, |canvas| {
        if let Some(log_density) = log_density {
            let shaded = shade(canvas, &frame, (x_range, y_range), log_density)?;
            draw_key(canvas, &frame, shaded)?;
        }
        frame.draw_axes(canvas, "x₁", "x₂")?;
        frame.draw_head(canvas, title, &caption, size.0 - frame.left - 12.0)?;
        Ok(Some(dots(centres)))
    })
}

/// Widens the shorter range to the length of the longer one, so that circles look round. If that
/// would waste space, both ranges stay as they are.
fn one_scale(x: Interval, y: Interval) -> (Interval, Interval) {
    let x = widened(x.0, x.1);
    let y = widened(y.0, y.1);
    let x_length = x.1 - x.0;
    let y_length = y.1 - y.0;
    let length = x_length.max(y_length);
    if length > 2.5 * x_length.min(y_length) {
        return (x, y);
    }
    (padded(x, 0.5 * (length / x_length - 1.0)), padded(y, 0.5 * (length / y_length - 1.0)))
}

/// Few points are drawn larger and less transparent than many.
fn dots(centres: Vec<Pixel>) -> Dots {
    let (radius, opacity) = match centres.len() {
        0..=100 => (3.0, 0.8),
        101..=1000 => (2.0, 0.55),
        _ => (1.5, 0.38),
    };
    Dots { colour: POINT_COLOUR, opacity, radius, centres }
}

/// Paints the regions of the density. Returns false if there is no mass to paint.
fn shade(
    canvas: &Canvas<'_>,
    frame: &Frame,
    (x_range, y_range): (Interval, Interval),
    log_density: LogDensity<'_>,
) -> Result<bool, Error> {
    let mut nodes = GRID_NODES;
    let rings = loop {
        let grid = Grid::evaluate(x_range, y_range, (nodes, nodes), log_density);
        let rings = grid.rings(&grid.levels(&MASSES.map(|(fraction, _)| fraction)));
        if nodes <= 20
            || rings.iter().map(|ring| ring.points.len()).sum::<usize>() <= MOST_LINE_POINTS
        {
            break rings;
        }
        nodes /= 2;
    };
    for ring in &rings {
        let mut outline: Vec<Pixel> = ring.points.iter().map(|&(x, y)| frame.pixel(x, y)).collect();
        let colour = match ring.level - usize::from(ring.hole) {
            0 => RGBColor(0xFF, 0xFF, 0xFF),
            level => SHADES[level - 1],
        };
        canvas.polygon(&outline, colour)?;
        // Only the outermost region needs a line, to stand out from the white background.
        if ring.level == 1 {
            outline.extend_from_within(..1);
            canvas.line(&outline, LINE_COLOUR, 0.75)?;
        }
    }
    Ok(!rings.is_empty())
}

/// Draws the key right of the frame: the meaning of the shades.
fn draw_key(canvas: &Canvas<'_>, frame: &Frame, shaded: bool) -> Result<(), Error> {
    let left = frame.right() + 18.0;
    let top = frame.top + 8.0;
    let text = Lettering::plain(SMALL, SOFT_INK);
    if !shaded {
        canvas.text("no density", (left, top), text)?;
        return canvas.text("in frame", (left, top + 16.0), text);
    }
    canvas.text("density", (left, top), Lettering::plain(SMALL, INK))?;
    canvas.text("mass inside", (left, top + 16.0), text)?;
    for (index, ((_, label), shade)) in MASSES.iter().zip(SHADES).rev().enumerate() {
        let y = top + 32.0 + 20.0 * index as f64;
        canvas.rectangle((left, y), (left + 18.0, y + 20.0), shade)?;
        canvas.text(label, (left + 25.0, y + 10.0), text)?;
    }
    let right = left + 18.0;
    let bottom = top + 132.0;
    let border = [
        (left, top + 32.0),
        (right, top + 32.0),
        (right, bottom),
        (left, bottom),
        (left, top + 32.0),
    ];
    canvas.line(&border, LINE_COLOUR, 0.75)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn gaussian(x: &[f64]) -> f64 {
        -0.5 * (x[0] * x[0] + x[1] * x[1])
    }

    /// A cloud without random numbers: a low-discrepancy sequence, transformed by the inverse of a
    /// heavy-tailed distribution.
    fn cloud(rows: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, 2), |(row, column)| {
            let step = [0.754_877_666_246_693, 0.569_840_290_998_053][column];
            let u = (0.5 + step * row as f64).fract();
            (u / (1.0 - u)).ln()
        })
    }

    #[test]
    fn large_samples_stay_small_files() {
        let svg = scatter_over_density(cloud(100_000).view(), gaussian, "large").expect("drawn");
        assert!(svg.contains("4000 of 100000 samples"));
        assert_eq!(svg.matches("<circle").count(), 4000);
        assert!(svg.len() < 400_000, "{}", svg.len());
        assert!(scatter(cloud(100_000).view(), "large").expect("drawn").len() < 400_000);
    }

    #[test]
    fn a_density_like_noise_stays_a_small_file() {
        let noise = |x: &[f64]| 3.0 * (12.9898e4 * x[0] + 78.233e4 * x[1]).sin();
        let svg = scatter_over_density(cloud(10_000).view(), noise, "noise").expect("drawn");
        assert!(svg.len() < 400_000, "{}", svg.len());
    }

    #[test]
    fn non_finite_samples_are_counted() {
        let mut samples = cloud(50);
        samples[[3, 0]] = f64::NAN;
        samples[[7, 1]] = f64::INFINITY;
        samples[[9, 0]] = 1e300;
        let svg = scatter_over_density(samples.view(), gaussian, "holes").expect("drawn");
        assert!(svg.contains(
            "47 of 50 samples · 1 sample outside the frame · 2 non-finite samples not drawn"
        ));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        samples.fill(f64::NAN);
        assert!(matches!(scatter(samples.view(), "nothing"), Err(Error::Shape { .. })));
    }

    #[test]
    fn degenerate_samples_do_not_panic() {
        for value in [0.0, 4.0, -1e99] {
            let svg =
                scatter_over_density(Array2::from_elem((20, 3), value).view(), gaussian, "equal")
                    .expect("drawn");
            assert!(svg.contains("20 samples"));
        }
        assert!(scatter(cloud(1).view(), "one").expect("drawn").contains("1 sample"));
        assert!(matches!(scatter(cloud(0).view(), "none"), Err(Error::Shape { .. })));
        assert!(matches!(scatter(Array2::zeros((5, 1)).view(), "line"), Err(Error::Shape { .. })));
    }

    #[test]
    fn odd_densities_do_not_panic() {
        for density in [f64::NAN, f64::NEG_INFINITY, f64::INFINITY] {
            let svg = scatter_over_density(cloud(20).view(), |_| density, "odd").expect("drawn");
            assert!(svg.contains("no density"));
        }
        let flat = scatter_over_density(cloud(20).view(), |_| 0.0, "flat").expect("drawn");
        assert!(flat.contains("mass inside"));
    }

    #[test]
    fn nearly_equal_scales_become_equal() {
        assert_eq!(one_scale((0.0, 4.0), (0.0, 2.0)), ((0.0, 4.0), (-1.0, 3.0)));
        assert_eq!(one_scale((0.0, 40.0), (0.0, 2.0)), ((0.0, 40.0), (0.0, 2.0)));
    }
}
