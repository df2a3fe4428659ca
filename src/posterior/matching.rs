//! The matrix at which draws and gradients have the same covariance.

use ndarray::{Array1, Array2, ArrayView2};

use crate::math::eigen::{gram, product, symmetric};

/// Added to the diagonals, in units of their mean, so that roots exist.
const RIDGE: f64 = 1e-10;

/// The covariance A with A cov(b) A = cov(x), or `None` if its condition number is at most `least`,
/// or if it is none.
///
/// ```text
/// A = B^(−½) (B^½ X B^½)^½ B^(−½)      X = cov(x), B = cov(b)
/// ```
///
/// On a Gaussian b = −Σ⁻¹(x − μ), so that B = Σ⁻¹ X Σ⁻¹ and A = Σ, wherever the rows are: it needs
/// more rows than columns, and no chain that has mixed. Both are given around their means.
pub(super) fn matching(
    x: ArrayView2<'_, f64>,
    b: ArrayView2<'_, f64>,
    least: f64,
) -> Option<Array2<f64>> {
    let of_x = covariance(x);
    let (values, vectors) = symmetric(&covariance(b));
    let of_b = root(&values, &vectors)?;
    let inverse = inverse_root(&values, &vectors)?;
    let inner = product(product(of_b.view(), of_x.view()).view(), of_b.view());
    let (values, vectors) = symmetric(&even(inner));
    let inner = root(&values, &vectors)?;
    let all = product(product(inverse.view(), inner.view()).view(), inverse.view());
    let all = even(all);
    let (values, _) = symmetric(&all);
    let most = values.fold(0.0, |a: f64, b| a.max(*b));
    let smallest = values.fold(f64::INFINITY, |a, b| a.min(*b));
    let sound = smallest > 0.0 && most.is_finite() && smallest > 1e-12 * most;
    (sound && most > least * smallest).then_some(all)
}

/// The covariance of rows around zero, with sums in their order.
fn covariance(x: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut all = gram(x.t().as_standard_layout().view()) / x.nrows() as f64;
    let ridge = RIDGE * all.diag().sum() / all.nrows() as f64;
    all.diag_mut().mapv_inplace(|c| c + ridge);
    all
}

/// V diag(√values) Vᵀ.
fn root(values: &Array1<f64>, vectors: &Array2<f64>) -> Option<Array2<f64>> {
    positive(values)?;
    Some(gram((vectors * &values.mapv(|value| value.sqrt().sqrt())).view()))
}

/// V diag(1/√values) Vᵀ.
fn inverse_root(values: &Array1<f64>, vectors: &Array2<f64>) -> Option<Array2<f64>> {
    positive(values)?;
    Some(gram((vectors * &values.mapv(|value| 1.0 / value.sqrt().sqrt())).view()))
}

fn positive(values: &Array1<f64>) -> Option<()> {
    values.iter().all(|value| *value > 0.0 && value.is_finite()).then_some(())
}

/// The mean of a matrix and its transpose.
fn even(matrix: Array2<f64>) -> Array2<f64> {
    0.5 * (&matrix + &matrix.t())
}
