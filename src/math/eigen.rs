//! Eigenvalues and eigenvectors of small symmetric matrices, by Jacobi rotations.

use ndarray::{Array1, Array2};

/// Eigenvalues, and the eigenvectors as columns in the same order.
pub(crate) fn symmetric(matrix: &Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    let n = matrix.nrows();
    let (mut a, mut q) = (matrix.clone(), Array2::<f64>::eye(n));
    // Quadratic convergence: a handful of sweeps reach rounding; the bound is never met.
    for _ in 0..60 {
        let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[[i, j]] * a[[i, j]]).sum();
        let diagonal: f64 = a.diag().iter().map(|x| x * x).sum();
        if off <= 1e-34 * diagonal {
            break;
        }
        for i in 0..n {
            for j in 0..i {
                if a[[i, j]] != 0.0 {
                    rotate(&mut a, &mut q, i, j);
                }
            }
        }
    }
    (a.diag().to_owned(), q)
}

/// The rotation in the plane (i, j) that makes a[i, j] zero.
fn rotate(a: &mut Array2<f64>, q: &mut Array2<f64>, i: usize, j: usize) {
    let theta = (a[[j, j]] - a[[i, i]]) / (2.0 * a[[i, j]]);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    let n = a.nrows();
    for k in 0..n {
        let (x, y) = (a[[k, i]], a[[k, j]]);
        (a[[k, i]], a[[k, j]]) = (c * x - s * y, s * x + c * y);
    }
    for k in 0..n {
        let (x, y) = (a[[i, k]], a[[j, k]]);
        (a[[i, k]], a[[j, k]]) = (c * x - s * y, s * x + c * y);
        let (x, y) = (q[[k, i]], q[[k, j]]);
        (q[[k, i]], q[[k, j]]) = (c * x - s * y, s * x + c * y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_rebuild_the_matrix() {
        for n in [1, 2, 5, 20] {
            let root = Array2::from_shape_fn((n, n), |(i, j)| ((i * 7 + j * 3) % 11) as f64 / 5.0 - 1.0);
            let matrix = root.dot(&root.t()) + Array2::<f64>::eye(n) * 0.1;
            let (values, vectors) = symmetric(&matrix);
            let rebuilt = vectors.dot(&Array2::from_diag(&values)).dot(&vectors.t());
            assert!((&rebuilt - &matrix).iter().all(|d| d.abs() < 1e-12 * n as f64));
            assert!((vectors.t().dot(&vectors) - Array2::<f64>::eye(n)).iter().all(|d| d.abs() < 1e-13 * n as f64));
            assert!(values.iter().all(|v| *v > 0.0));
        }
    }
}
