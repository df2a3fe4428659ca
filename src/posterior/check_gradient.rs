//! Whether a gradient is that of its log density.

use ndarray::{Array2, ArrayView2};

use super::pair::drift_at;
use crate::drift::Drift;
use crate::error::{Error, Result};

/// The largest difference that passes, relative to the size of the gradient.
const TOLERANCE: f64 = 1e-5;

/// Compares the drift at a point with differences of its log density, coordinate by coordinate.
///
/// ```
/// use langevin::ndarray::ArrayView2;
/// use langevin::posterior::check_gradient;
/// use langevin::prelude::*;
///
/// let density = |x: ArrayView2<f64>, out: &mut [f64]| -> std::result::Result<(), BoxError> {
///     out.iter_mut().zip(x.rows()).for_each(|(log, x)| *log = -0.25 * x[0].powi(4));
///     Ok(())
/// };
/// let right = PerRow::new(1, |_, x: &[f64], out: &mut [f64]| out[0] = -x[0].powi(3));
/// check_gradient(&WithDensity::new(right, density), &[1.3])?;
/// let wrong = PerRow::new(1, |_, x: &[f64], out: &mut [f64]| out[0] = x[0].powi(3));
/// assert!(check_gradient(&WithDensity::new(wrong, density), &[1.3]).is_err());
/// # Ok::<(), Error>(())
/// ```
///
/// ```text
/// b_j ≈ (8 (L(x + εe_j) − L(x − εe_j)) − (L(x + 2εe_j) − L(x − 2εe_j)))/12ε      L = log π
/// ```
///
/// The rule has order 4, with ε = 1e-3 (1 + |x_j|). A coordinate passes if the difference is below
/// 1e-5 times 1 plus the largest component of the gradient, plus what rounding of L costs.
///
/// # Errors
/// [`Error::Value`] names the coordinate that is most wrong, with both numbers.
/// [`Error::NoDensity`] without a log density. [`Error::Drift`] if one of them fails.
pub fn check_gradient<D: Drift<f64>>(drift: &D, point: &[f64]) -> Result<()> {
    let density = drift.density().ok_or(Error::NoDensity { method: "check_gradient" })?;
    let dim = point.len();
    let x = Array2::from_shape_fn((1, dim), |(_, j)| point[j]);
    let b = drift_at(drift, x.view())?;
    let of = |x: ArrayView2<'_, f64>| {
        let mut out = vec![f64::NAN; x.nrows()];
        let result = density.log_density(x, &mut out);
        result.map_err(|source| Error::Drift { step: 0, time: 0.0, chain: 0, source })?;
        Ok(out)
    };
    let steps: Vec<f64> = point.iter().map(|x| 1e-3 * (1.0 + x.abs())).collect();
    let largest = b.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    let mut worst: Option<(f64, Error)> = None;
    for (j, step) in steps.iter().enumerate() {
        let mut rows = Array2::from_shape_fn((4, dim), |(_, k)| point[k]);
        for (row, times) in [1.0, -1.0, 2.0, -2.0].into_iter().enumerate() {
            rows[[row, j]] += times * step;
        }
        let l = of(rows.view())?;
        let expected = (8.0 * (l[0] - l[1]) - (l[2] - l[3])) / (12.0 * step);
        let given = b[[0, j]];
        let size = l.iter().fold(0.0, |a: f64, l| a.max(l.abs()));
        let allowed = TOLERANCE * (1.0 + largest) + 4.0 * f64::EPSILON * size / step;
        let off = (given - expected).abs() / allowed;
        // NaN is wrong, too.
        let off = if off.is_nan() { f64::INFINITY } else { off };
        if off > 1.0 && worst.as_ref().is_none_or(|(most, _)| off > *most) {
            worst = Some((off, wrong(j, given, expected)));
        }
    }
    worst.map_or(Ok(()), |(_, error)| Err(error))
}

fn wrong(coordinate: usize, given: f64, expected: f64) -> Error {
    Error::Value {
        option: format!("coordinate {coordinate} of the gradient"),
        given: format!("{given:.8e}"),
        expected: format!("{expected:.8e}, from differences of the log density"),
    }
}
