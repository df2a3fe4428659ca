//! The largest curvature of a log density at points, from differences of its gradient.

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip};

use super::pair::drift_at;
use crate::drift::Drift;
use crate::error::{Error, Result};
use crate::math::eigen::norm;
use crate::noise::splitmix::SplitMix64;

/// Iterations of [`largest_curvature`].
const MOST: usize = 200;
/// The relative change at which it ends.
const SMALL: f64 = 1e-3;

/// The largest curvature of log π at each of these points, (points, dim): the largest absolute
/// eigenvalue of the matrix of second derivatives. Splitting words are stable while h²u times it is
/// below 4, Euler–Maruyama while h times it is below 2.
///
/// ```text
/// v ← (b(x + εv) − b(x − εv))/2ε,  curvature = |v|,  v ← v/|v|
/// ```
///
/// Power iteration on differences of the drift, with ε = 1e-5 (1 + |x|). It ends when no point
/// changes by more than 0.1 %, or after 200 iterations, with two evaluations each. A second
/// eigenvalue that is nearly as large costs iterations, not accuracy of the value.
///
/// # Errors
/// [`Error::Shape`] without points, [`Error::Drift`] if the drift fails, and [`Error::NonFinite`]
/// if it is not finite near a point.
pub fn largest_curvature<D: Drift<f64>>(
    drift: &D,
    points: ArrayView2<'_, f64>,
) -> Result<Array1<f64>> {
    if points.is_empty() {
        let given = format!("{:?}", points.dim());
        let expected = "(points, dim), at least one of each".into();
        return Err(Error::Shape { what: "points", given, expected });
    }
    let mut iteration = Iteration::new(points);
    let mut before = Array1::zeros(points.nrows());
    for _ in 0..MOST {
        let now = iteration.next(drift)?;
        if let Some(row) = now.iter().position(|x: &f64| !x.is_finite()) {
            return Err(Error::NonFinite { what: "drift near points", row, column: 0 });
        }
        let settled = |(now, before): (&f64, &f64)| (now - before).abs() <= SMALL * now;
        if now.iter().zip(&before).all(settled) {
            return Ok(now);
        }
        before = now;
    }
    Ok(before)
}

/// A power iteration at many points.
pub(super) struct Iteration<'p> {
    points: ArrayView2<'p, f64>,
    /// A direction of length one for each point.
    directions: Array2<f64>,
    /// The length of a difference, for each point.
    lengths: Array1<f64>,
}

impl<'p> Iteration<'p> {
    /// From directions that a fixed generator draws.
    pub(super) fn new(points: ArrayView2<'p, f64>) -> Self {
        let mut generator = SplitMix64::new(0);
        let mut directions =
            Array2::from_shape_simple_fn(points.raw_dim(), || generator.uniform() - 0.5);
        normalise(&mut directions);
        let lengths = points.rows().into_iter().map(|row| 1e-5 * (1.0 + norm(row))).collect();
        Self { points, directions, lengths }
    }

    /// One iteration: the curvatures so far.
    pub(super) fn next<D: Drift<f64>>(&mut self, drift: &D) -> Result<Array1<f64>> {
        let lengths = self.lengths.view().insert_axis(Axis(1));
        let step = &self.directions * &lengths;
        let ahead = drift_at(drift, (&self.points + &step).view())?;
        let behind = drift_at(drift, (&self.points - &step).view())?;
        Zip::from(&mut self.directions).and(&ahead).and(&behind).for_each(|v, a, b| *v = a - b);
        self.directions /= &(2.0 * &lengths);
        Ok(normalise(&mut self.directions))
    }
}

/// Divides every row by its length, and returns the lengths. A row of zeros stays.
fn normalise(rows: &mut Array2<f64>) -> Array1<f64> {
    let lengths: Array1<f64> = rows.rows().into_iter().map(norm).collect();
    for (mut row, length) in rows.rows_mut().into_iter().zip(&lengths) {
        if *length > 0.0 {
            row /= *length;
        }
    }
    lengths
}
