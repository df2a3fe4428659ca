//! The covariances of the components of a mixture.

use ndarray::{Array2, Array3, ArrayView2};

/// The covariances of the components.
#[derive(Clone, Debug)]
pub(crate) enum Spread {
    /// One standard deviation for all components.
    Isotropic(f64),
    /// Variances of the coordinates, (components, dim).
    Diagonal(Array2<f64>),
    /// Lower Cholesky factors, (components, dim, dim).
    Full(Array3<f64>),
}

impl Spread {
    /// The smallest standard deviation or variance, or diagonal entry of a factor.
    pub(super) fn smallest(&self) -> f64 {
        let least =
            |numbers: &mut dyn Iterator<Item = &f64>| numbers.fold(f64::INFINITY, |a, b| a.min(*b));
        match self {
            Self::Isotropic(std) => *std,
            Self::Diagonal(variances) => least(&mut variances.iter()),
            Self::Full(factors) => {
                let diagonals = factors.outer_iter().map(|factor| least(&mut factor.diag().iter()));
                diagonals.fold(f64::INFINITY, f64::min)
            }
        }
    }
}

/// The lower Cholesky factor. The error holds the row, what is wrong there, and the number found.
/// It is a pivot that is not positive, or an asymmetry.
pub(crate) fn cholesky(
    matrix: ArrayView2<'_, f64>,
) -> std::result::Result<Array2<f64>, (usize, &'static str, f64)> {
    let dim = matrix.nrows();
    let mut factor = Array2::<f64>::zeros((dim, dim));
    for i in 0..dim {
        for j in 0..=i {
            let value = matrix[[i, j]];
            let mirrored = matrix[[j, i]];
            // A round trip through decimal digits may break the symmetry slightly. The tolerance is
            // in units of the standard deviations.
            let scale = (matrix[[i, i]] * matrix[[j, j]]).abs().sqrt();
            if i != j && !((value - mirrored).abs() <= 1e-9 * scale) {
                return Err((i, "asymmetry", value - mirrored));
            }
            let dot: f64 = (0..j).map(|k| factor[[i, k]] * factor[[j, k]]).sum();
            let rest = value - dot;
            if i == j {
                if !(rest > 0.0 && rest.is_finite()) {
                    return Err((i, "pivot", rest));
                }
                factor[[i, i]] = rest.sqrt();
            } else {
                factor[[i, j]] = rest / factor[[j, j]];
            }
        }
    }
    Ok(factor)
}
