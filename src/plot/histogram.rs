//! A histogram of one-dimensional samples, with the density that they should follow.

use super::axis::{Axis, Interval};
use super::canvas::{Canvas, Lettering, Pixel, SOFT_INK, render};
use super::contour::{LogDensity, each, evaluate};
use super::frame::{FOOT, Frame, HEAD, SMALL, caption, counted};
use super::range::{padded, robust, shown};
use crate::error::Error;
use plotters::prelude::RGBColor;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const BAR_COLOUR: RGBColor = RGBColor(0xA9, 0xCC, 0xE6);
const CURVE_COLOUR: RGBColor = RGBColor(0xC4, 0x45, 0x00);
/// Number of points of the density curve, and of the quadrature over each frame length.
const CURVE_POINTS: usize = 640;

/// Draws a histogram of `samples`, as a density, and over it the curve of `log_density`.
///
/// `log_density` is needed up to a constant only. The curve is scaled so that it holds mass one
/// over three lengths of the frame.
///
/// The histogram counts every finite sample. If samples lie outside the frame, the bars inside hold
/// less than mass one. The caption counts the samples outside and the non-finite ones.
///
/// The width of a bin follows the rule of Freedman and Diaconis (1981, doi:10.1007/BF01025868), 2
/// IQR n^(−1/3). That rule blurs modes that are far apart. So there are at least 2 n^(1/3) bins,
/// and from 5 to 160.
///
/// # Errors
/// [`Error::Shape`] if no sample is finite. [`Error::Picture`] if the SVG writer fails.
pub fn histogram_over_density(
    samples: &[f64],
    log_density: impl Fn(f64) -> f64,
    title: &str,
) -> Result<String, Error> {
    histogram(samples, &each(|x, _| log_density(x)), title)
}

/// The same with a density that takes many points at once.
pub(crate) fn histogram(
    samples: &[f64],
    log_density: LogDensity<'_>,
    title: &str,
) -> Result<String, Error> {
    let finite: Vec<f64> = samples.iter().copied().filter(|value| value.is_finite()).collect();
    let (range, _) = shown((robust(finite.iter().copied())?, None), log_density);
    let range = padded(range, 0.04);
    let bars = Bars::count(&finite, range);
    let curve = scaled_curve(range, log_density);

    let highest_bar = bars.heights.iter().copied().fold(0.0, f64::max);
    let highest_point = curve.iter().map(|point| point.1).fold(0.0, f64::max);
    // A pole of the density must not flatten the bars.
    let highest = if highest_bar > 0.0 {
        highest_bar.max(highest_point.min(4.0 * highest_bar))
    } else {
        highest_point
    };
    let frame = Frame::new(
        Axis::linear(range.0, range.1),
        Axis::linear(0.0, 1.08 * highest),
        WIDTH,
        HEIGHT,
    );
    let outside = finite.iter().filter(|&&value| !frame.x.contains(value)).count();
    let caption = caption([
        counted(samples.len(), "sample", ""),
        counted(outside, "sample", " outside the frame"),
        counted(samples.len() - finite.len(), "non-finite sample", " not drawn"),
    ]);

    let size = (frame.right() + 28.0, HEAD + HEIGHT + FOOT);
    render(size, |canvas| {
        frame.draw_grid(canvas, false)?;
        for (index, &height) in bars.heights.iter().enumerate().filter(|(_, height)| **height > 0.0)
        {
            let low = bars.start + bars.width * index as f64;
            let upper_left = frame.pixel(low, height);
            let lower_right = frame.pixel(low + bars.width, 0.0);
            // A thin line of background separates the bars, unless the bars are as thin themselves.
            let gap = if lower_right.0 - upper_left.0 > 3.0 { 0.5 } else { 0.0 };
            canvas.rectangle(
                (upper_left.0 + gap, upper_left.1),
                (lower_right.0 - gap, lower_right.1),
                BAR_COLOUR,
            )?;
        }
        for run in curve.split(|point| point.1.is_nan()).filter(|run| run.len() > 1) {
            let line: Vec<Pixel> = run.iter().map(|&(x, y)| frame.pixel(x, y)).collect();
            canvas.line(&line, CURVE_COLOUR, 2.0)?;
        }
        frame.draw_axes(canvas, "x", "probability density")?;
        frame.draw_head(canvas, title, &caption, WIDTH)?;
        draw_key(canvas, &frame)?;
        Ok(None)
    })
}

/// The bars of a histogram, normalised to a density over all counted samples.
struct Bars {
    start: f64,
    width: f64,
    heights: Vec<f64>,
}

impl Bars {
    /// Counts finite samples in bins. The bins cover the part of the samples that lies in `range`.
    fn count(samples: &[f64], range: Interval) -> Self {
        let mut inside: Vec<f64> =
            samples.iter().copied().filter(|value| (range.0..=range.1).contains(value)).collect();
        inside.sort_by(f64::total_cmp);
        let (Some(&least), Some(&most)) = (inside.first(), inside.last()) else {
            return Self { start: range.0, width: range.1 - range.0, heights: vec![0.0] };
        };
        // Equal samples still get visible bars.
        let shortest = 0.05 * (range.1 - range.0);
        let grow = 0.5 * (shortest - (most - least)).max(0.0);
        let start = (least - grow).max(range.0);
        let end = (most + grow).min(range.1);
        let quantile =
            |fraction: f64| inside[(fraction * (inside.len() - 1) as f64).round() as usize];
        let cube_root = (inside.len() as f64).cbrt();
        let wanted = (end - start) * cube_root / (2.0 * (quantile(0.75) - quantile(0.25)));
        let bins = if wanted.is_finite() { wanted.max(2.0 * cube_root) } else { 2.0 * cube_root };
        let bins = bins.ceil().clamp(5.0, 160.0) as usize;
        let width = (end - start) / bins as f64;
        let mut heights = vec![0.0; bins];
        let one = 1.0 / (width * samples.len() as f64);
        for value in inside {
            heights[(((value - start) / width) as usize).min(bins - 1)] += one;
        }
        Self { start, width, heights }
    }
}

/// The density at points over the range, scaled to mass one over three lengths of it. It is NaN at
/// points where it is not finite.
///
/// The result is empty if there is no mass.
fn scaled_curve((low, high): Interval, log_density: LogDensity<'_>) -> Vec<(f64, f64)> {
    let step = (high - low) / CURVE_POINTS as f64;
    let points: Vec<f64> =
        (0..=3 * CURVE_POINTS).map(|k| low + step * (k as f64 - CURVE_POINTS as f64)).collect();
    let values = evaluate(log_density, points.iter().map(|x| [*x, 0.0]));
    let finite = |log: f64| if log < f64::INFINITY { log } else { f64::NAN };
    let logs: Vec<(f64, f64)> =
        points.into_iter().zip(values).map(|(x, log)| (x, finite(log))).collect();
    // f64::max ignores NaN.
    let highest = logs.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
    if !highest.is_finite() {
        return Vec::new();
    }
    let relative = |log: f64| (log - highest).exp();
    let mass: f64 = step
        * logs.iter().map(|point| relative(point.1)).filter(|value| !value.is_nan()).sum::<f64>();
    let shown = &logs[CURVE_POINTS..=2 * CURVE_POINTS];
    shown.iter().map(|&(x, log)| (x, relative(log) / mass)).collect()
}

/// Draws the key below the right end of the frame: samples and density.
fn draw_key(canvas: &Canvas<'_>, frame: &Frame) -> Result<(), Error> {
    let text = Lettering::plain(SMALL, SOFT_INK);
    let left = frame.right() - 156.0;
    let middle = frame.bottom() + 38.0;
    canvas.rectangle((left, middle - 5.0), (left + 14.0, middle + 5.0), BAR_COLOUR)?;
    canvas.text("samples", (left + 20.0, middle), text)?;
    canvas.line(&[(left + 84.0, middle), (left + 102.0, middle)], CURVE_COLOUR, 2.0)?;
    canvas.text("density", (left + 108.0, middle), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaussian(x: f64) -> f64 {
        7.0 - 0.5 * x * x
    }

    /// Quantiles of the logistic distribution at even steps.
    fn quantiles(count: u32) -> Vec<f64> {
        (0..count)
            .map(|k| (f64::from(k) + 0.5) / f64::from(count))
            .map(|u| (u / (1.0 - u)).ln())
            .collect()
    }

    #[test]
    fn bars_and_curve_hold_mass_one() {
        let samples = quantiles(1000);
        let bars = Bars::count(&samples, (-10.0, 10.0));
        assert!((bars.width * bars.heights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let half = Bars::count(&samples, (-10.0, 0.0));
        assert!((half.width * half.heights.iter().sum::<f64>() - 0.5).abs() < 1e-12);
        let curve = scaled_curve((-5.0, 5.0), &each(|x, _| gaussian(x)));
        assert_eq!(curve.len(), CURVE_POINTS + 1);
        let middle = curve[CURVE_POINTS / 2];
        assert!(
            (middle.1 - (2.0 * std::f64::consts::PI).sqrt().recip()).abs() < 1e-9,
            "{middle:?}"
        );
    }

    #[test]
    fn the_number_of_bins_is_sane() {
        assert_eq!(Bars::count(&[1.0], (0.0, 2.0)).heights.len(), 5);
        // Quartiles at ±ln 3 and ends at ±ln 1999: 2 ln 1999 / (2 · 2 ln 3 / 10) = 34.6.
        assert_eq!(Bars::count(&quantiles(1000), (-10.0, 10.0)).heights.len(), 35);
        let spiky: Vec<f64> = quantiles(100_000).into_iter().map(|x| x * x * x).collect();
        assert!(Bars::count(&spiky, (-2000.0, 2000.0)).heights.len() <= 160);
    }

    #[test]
    fn non_finite_and_far_samples_are_counted() {
        let mut samples = quantiles(1000);
        samples.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e9]);
        let svg = histogram_over_density(&samples, gaussian, "holes").expect("drawn");
        assert!(svg.contains(
            "1004 samples · 1 sample outside the frame · 3 non-finite samples not drawn"
        ));
        assert!(!svg.contains("NaN") && svg.len() < 60_000);
    }

    #[test]
    fn a_narrow_peak_far_from_zero_fills_the_picture() {
        let samples: Vec<f64> = quantiles(500).iter().map(|x| 100.0 + 1e-3 * x).collect();
        let density = |x: f64| -0.5 * ((x - 100.0) / 1e-3).powi(2);
        let svg = histogram_over_density(&samples, density, "narrow").expect("drawn");
        let numbers: Vec<f64> = svg.lines().filter_map(|line| line.trim().parse().ok()).collect();
        let inside =
            |low: f64, high: f64| numbers.iter().filter(|x| (low..high).contains(*x)).count();
        assert!(inside(99.98, 100.02) >= 4, "{numbers:?}");
        assert_eq!(inside(1.0, 99.0), inside(50.0, 99.0), "{numbers:?}");
        assert!(inside(200.0, 500.0) >= 2, "{numbers:?}");
    }

    #[test]
    fn degenerate_inputs_do_not_panic() {
        assert!(matches!(histogram_over_density(&[], gaussian, "none"), Err(Error::Shape { .. })));
        assert!(matches!(
            histogram_over_density(&[f64::NAN], gaussian, "none"),
            Err(Error::Shape { .. })
        ));
        for value in [0.0, 3.0, -1e99] {
            assert!(histogram_over_density(&[value], gaussian, "one").is_ok());
            assert!(histogram_over_density(&[value; 30], gaussian, "equal").is_ok());
        }
        for density in [f64::NAN, f64::NEG_INFINITY, f64::INFINITY, 0.0] {
            assert!(histogram_over_density(&quantiles(20), |_| density, "odd").is_ok());
        }
        let pole = |x: f64| -0.9 * x.abs().ln() - x.abs();
        assert!(histogram_over_density(&quantiles(200), pole, "pole").is_ok());
    }
}
