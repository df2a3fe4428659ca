//! The part of the line or plane that a picture shows: robust ranges of samples, and the support of
//! a density.

use super::axis::{Interval, widened};
use super::contour::{Grid, LogDensity};
use crate::error::Error;

/// Larger numbers would overflow in the computation of pixels. They count as outside the frame.
const LARGEST: f64 = 1e100;

/// If fewer grid nodes than this lie in the dense part of a density, the grid missed the density.
const MOST_GUESSED_NODES: usize = 8;

/// The range of the values without outliers. An outlier lies outside the central 99 % of the values
/// by more than half the width of that part. The range of equal values has no length.
///
/// Non-finite values are skipped.
///
/// # Errors
/// [`Error::Shape`] if no value can be drawn.
pub(super) fn robust(values: impl Iterator<Item = f64>) -> Result<Interval, Error> {
    let mut given = 0usize;
    let counted = values.inspect(|_| given += 1);
    let mut sorted: Vec<f64> = counted.filter(|value| value.abs() <= LARGEST).collect();
    sorted.sort_by(f64::total_cmp);
    let (Some(&least), Some(&most)) = (sorted.first(), sorted.last()) else {
        return Err(Error::Shape {
            what: "samples to draw",
            given: format!("{given} samples, none of them finite"),
            expected: "at least one finite sample".into(),
        });
    };
    let quantile = |fraction: f64| sorted[(fraction * (sorted.len() - 1) as f64).round() as usize];
    let low = quantile(0.005);
    let high = quantile(0.995);
    let reach = 0.5 * (high - low);
    Ok((least.max(low - reach), most.min(high + reach)))
}

/// The smallest interval that contains both.
pub(super) fn joined(one: Interval, other: Interval) -> Interval {
    (one.0.min(other.0), one.1.max(other.1))
}

/// The interval with a margin of `fraction` of its length at each end.
pub(super) fn padded((low, high): Interval, fraction: f64) -> Interval {
    let margin = fraction * (high - low);
    (low - margin, high + margin)
}

/// One range, or two of the plane.
pub(super) type Ranges = (Interval, Option<Interval>);

/// The ranges that show samples and density: those of the samples, joined with the box of the
/// density if it is found.
pub(super) fn shown(samples: Ranges, log_density: LogDensity<'_>) -> Ranges {
    let wide = |range: Interval| widened(range.0, range.1);
    let start = (wide(samples.0), samples.1.map(wide));
    match density_box(start, log_density) {
        Some(dense) => {
            let both = samples.1.zip(dense.1);
            (joined(samples.0, dense.0), both.map(|(one, other)| joined(one, other)))
        }
        None => start,
    }
}

/// The box that holds 98 % of a density's mass. The search begins at `start` and widens step by
/// step.
///
/// A wider search is preferred if it finds more mass, such as modes that no sample has reached. If
/// all searches miss the density, it is narrow, and the search closes in on its highest node. The
/// result is `None` if the density vanishes, or has no end, within 24 times the start.
fn density_box(start: Ranges, log_density: LogDensity<'_>) -> Option<Ranges> {
    let mut best = None;
    let mut most_mass = f64::NEG_INFINITY;
    for doubling in 0..=4 {
        let margin = 0.5 * (1.5 * f64::from(1 << doubling) - 1.0);
        let range = (padded(start.0, margin), start.1.map(|range| padded(range, margin)));
        let look = Look::at(range, log_density);
        // A gain of 3 % may be an error of the quadrature.
        if let Some(found) = look.found
            && look.log_mass > most_mass + 0.03
        {
            most_mass = look.log_mass;
            best = Some(found);
        }
    }
    best.or_else(|| close_in(start, log_density))
}

/// Factor by which the search narrows, and how often. Together they are below the distance of
/// neighbouring numbers.
const NARROWER: f64 = 1.0 / 16.0;
const TIMES: usize = 13;

/// Narrows the search around the highest node until the density has an end inside.
fn close_in(start: Ranges, log_density: LogDensity<'_>) -> Option<Ranges> {
    let mut range = start;
    for _ in 0..TIMES {
        let look = Look::at(range, log_density);
        if look.found.is_some() {
            return look.found;
        }
        let (x, y) = look.highest?;
        let around = |centre: f64, (low, high): Interval| {
            let half = 0.5 * NARROWER * (high - low);
            (centre - half, centre + half)
        };
        range = (around(x, range.0), range.1.map(|range| around(y, range)));
    }
    None
}

/// A density on a grid over a range.
struct Look {
    /// The part that holds 98 % of the mass, if it ends inside and has enough nodes.
    found: Option<Ranges>,
    log_mass: f64,
    /// The highest node, unless many are equally high.
    highest: Option<(f64, f64)>,
}

impl Look {
    fn at(range: Ranges, log_density: LogDensity<'_>) -> Self {
        // A line needs a finer search than a plane, and can afford it.
        let nodes = if range.1.is_some() { 64 } else { 2000 };
        let size = (nodes, range.1.map_or(1, |_| nodes));
        let grid = Grid::evaluate(range.0, range.1.unwrap_or((0.0, 1.0)), size, log_density);
        let Some(&level) = grid.levels(&[0.98]).first() else {
            return Self { found: None, log_mass: f64::NEG_INFINITY, highest: None };
        };
        let mut columns = (nodes, 0);
        let mut rows = (nodes, 0);
        let mut dense = 0;
        for ((row, column), _) in grid.indexed().filter(|&(_, value)| value >= level) {
            columns = (columns.0.min(column), columns.1.max(column));
            rows = (rows.0.min(row), rows.1.max(row));
            dense += 1;
        }
        let inside = |(first, last): (usize, usize)| first > 0 && last + 1 < nodes;
        let closed = inside(columns) && (range.1.is_none() || inside(rows));
        // A mass on a few nodes is a guess.
        let found = (closed && dense >= MOST_GUESSED_NODES).then(|| {
            // One more node on each side, because the edge lies between nodes.
            let x = (grid.x(columns.0 - 1), grid.x(columns.1 + 1));
            (x, range.1.map(|_| (grid.y(rows.0 - 1), grid.y(rows.1 + 1))))
        });
        let most = grid.indexed().map(|(_, value)| value).fold(f64::NEG_INFINITY, f64::max);
        // A plateau has no highest node, but a peak may lie between two.
        let tops: Vec<_> = grid.indexed().filter(|&(_, value)| value == most).collect();
        let peak = tops.first().filter(|_| tops.len() <= MOST_GUESSED_NODES);
        let highest = peak.map(|((row, column), _)| (grid.x(*column), grid.y(*row)));
        Self { found, log_mass: grid.log_mass(), highest }
    }
}

#[cfg(test)]
mod tests {
    use super::super::contour::each;
    use super::*;

    #[test]
    fn stragglers_do_not_stretch_the_range() {
        let values = (0..10_000).map(|k| f64::from(k) / 10_000.0).chain([
            1e6,
            f64::NAN,
            f64::INFINITY,
            1e300,
        ]);
        let (low, high) = robust(values).expect("a range");
        assert_eq!(low, 0.0);
        assert!(high < 1.6);
    }

    #[test]
    fn equal_values_get_a_width_and_none_gets_an_error() {
        assert_eq!(robust([3.0; 5].into_iter()).expect("a range"), (3.0, 3.0));
        assert_eq!(shown(((0.0, 0.0), None), &each(|_, _| 0.0)), ((-1.0, 1.0), None));
        assert!(robust(std::iter::empty()).is_err());
        assert!(robust([f64::NAN, 1e300].into_iter()).is_err());
    }

    #[test]
    fn far_modes_of_the_density_are_found() {
        let two_modes = |x: f64, _: f64| {
            let mode = |centre: f64| (-2.0 * (x - centre) * (x - centre)).exp();
            (mode(-4.0) + mode(4.0)).ln()
        };
        let found = density_box(((3.0, 5.0), None), &each(two_modes)).expect("a box");
        assert!(found.0.0 < -4.9 && found.0.1 > 4.9, "{found:?}");
        assert!(found.0.0 > -7.0 && found.0.1 < 7.0, "{found:?}");
    }

    #[test]
    fn narrow_densities_are_found_from_far() {
        let narrow =
            |sd: f64| move |x: f64, y: f64| -0.5 * ((x - 100.0).powi(2) + y * y) / (sd * sd);
        for sd in [1e-3, 1e-6, 1e-9] {
            // From a single sample at the mode, and from samples far wider than the density.
            let line = |x: f64, _: f64| narrow(sd)(x, 0.0);
            let (x, _) = shown(((100.0, 100.0), None), &each(line));
            assert!(x.0 < 100.0 - 2.0 * sd && x.0 > 100.0 - 6.0 * sd, "{sd} {x:?}");
            let found = density_box(((99.0, 101.3), None), &each(line)).expect("a box");
            assert!(found.0.1 - found.0.0 < 12.0 * sd, "{sd} {found:?}");
            let start = ((99.0, 101.3), Some((-1.0, 1.1)));
            let (x, y) = density_box(start, &each(narrow(sd))).expect("a box");
            let y = y.expect("two ranges");
            assert!(x.1 - x.0 < 20.0 * sd && y.1 - y.0 < 20.0 * sd, "{sd} {x:?} {y:?}");
        }
    }

    #[test]
    fn endless_and_vanishing_densities_have_no_box() {
        let start = ((-1.0, 1.0), Some((-1.0, 1.0)));
        assert!(density_box(start, &each(|_, _| 0.0)).is_none());
        assert!(density_box(start, &each(|_, _| f64::NEG_INFINITY)).is_none());
        assert!(density_box(start, &each(|_, _| f64::NAN)).is_none());
    }
}
