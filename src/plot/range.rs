//! The part of the line or plane that a picture shows: robust ranges of samples, and the support of
//! a density.

use super::axis::{Interval, widened};
use super::contour::Grid;
use crate::error::Error;

/// Larger numbers would overflow in the computation of pixels. They count as outside the frame.
const LARGEST: f64 = 1e100;

/// If fewer grid nodes than this lie in the dense part of a density, the grid missed the density.
const MOST_GUESSED_NODES: usize = 8;

/// The range of the values without outliers. An outlier lies outside the central 99 % of the values
/// by more than half the width of that part.
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
    Ok(widened(least.max(low - reach), most.min(high + reach)))
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

/// The box that holds 98 % of a density's mass. The search begins at `start` and widens step by
/// step.
///
/// A wider search is preferred if it finds more mass, such as modes that no sample has reached. The
/// result is `None` if the density vanishes, or has no end, within 24 times the start.
pub(super) fn density_box(
    start: (Interval, Option<Interval>),
    log_density: &dyn Fn(f64, f64) -> f64,
) -> Option<(Interval, Option<Interval>)> {
    // A line needs a finer search than a plane, and can afford it.
    let nodes = if start.1.is_some() { 64 } else { 2000 };
    let mut best = None;
    let mut most_mass = f64::NEG_INFINITY;
    for doubling in 0..=4 {
        let margin = 0.5 * (1.5 * f64::from(1 << doubling) - 1.0);
        let x_range = padded(start.0, margin);
        let y_range = start.1.map(|range| padded(range, margin));
        let size = (nodes, y_range.map_or(1, |_| nodes));
        let grid = Grid::evaluate(x_range, y_range.unwrap_or((0.0, 1.0)), size, log_density);
        let Some(&level) = grid.levels(&[0.98]).first() else { continue };
        let mut columns = (nodes, 0);
        let mut rows = (nodes, 0);
        let mut dense = 0;
        for ((row, column), _) in grid.indexed().filter(|&(_, value)| value >= level) {
            columns = (columns.0.min(column), columns.1.max(column));
            rows = (rows.0.min(row), rows.1.max(row));
            dense += 1;
        }
        let inside = |(first, last): (usize, usize)| first > 0 && last + 1 < nodes;
        let closed = inside(columns) && (y_range.is_none() || inside(rows));
        // A mass on a few nodes is a guess. A gain of 3 % may be an error of the quadrature.
        let trusted = dense >= MOST_GUESSED_NODES && grid.log_mass() > most_mass + 0.03;
        if closed && trusted {
            most_mass = grid.log_mass();
            // One more node on each side, because the edge lies between nodes.
            let x = (grid.x(columns.0 - 1), grid.x(columns.1 + 1));
            best = Some((x, y_range.map(|_| (grid.y(rows.0 - 1), grid.y(rows.1 + 1)))));
        }
    }
    best
}

#[cfg(test)]
mod tests {
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
        assert_eq!(robust([0.0; 5].into_iter()).expect("a range"), (-1.0, 1.0));
        assert!(robust(std::iter::empty()).is_err());
        assert!(robust([f64::NAN, 1e300].into_iter()).is_err());
    }

    #[test]
    fn far_modes_of_the_density_are_found() {
        let two_modes = |x: f64, _: f64| {
            let mode = |centre: f64| (-2.0 * (x - centre) * (x - centre)).exp();
            (mode(-4.0) + mode(4.0)).ln()
        };
        let found = density_box(((3.0, 5.0), None), &two_modes).expect("a box");
        assert!(found.0.0 < -4.9 && found.0.1 > 4.9, "{found:?}");
        assert!(found.0.0 > -7.0 && found.0.1 < 7.0, "{found:?}");
    }

    #[test]
    fn endless_and_vanishing_densities_have_no_box() {
        let start = ((-1.0, 1.0), Some((-1.0, 1.0)));
        assert!(density_box(start, &|_, _| 0.0).is_none());
        assert!(density_box(start, &|_, _| f64::NEG_INFINITY).is_none());
        assert!(density_box(start, &|_, _| f64::NAN).is_none());
    }
}
