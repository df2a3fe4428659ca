//! Eigenvalues and eigenvectors of small symmetric matrices, and singular values of any matrix, by
//! Jacobi rotations. Products whose sums have a fixed order.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

/// L Lᵀ. Its sums run in the order of the index. A matrix library would choose the order by the
/// processor.
pub(crate) fn gram(l: ArrayView2<'_, f64>) -> Array2<f64> {
    Array2::from_shape_fn((l.nrows(), l.nrows()), |(i, j)| {
        l.row(i).iter().zip(l.row(j)).map(|(a, b)| a * b).sum()
    })
}

/// The product of two matrices. Its sums run in the order of the index, as those of [`gram`].
pub(crate) fn product(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    let columns = b.t().as_standard_layout().into_owned();
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
        a.row(i).iter().zip(columns.row(j)).map(|(x, y)| x * y).sum()
    })
}

/// Eigenvalues, and eigenvectors as columns in the same order.
pub(crate) fn symmetric(matrix: &Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    let n = matrix.nrows();
    let mut a = matrix.clone();
    let mut q = Array2::<f64>::eye(n);
    // Convergence is quadratic. A few sweeps reach rounding, and the bound of 60 is never reached.
    for _ in 0..60 {
        let off: f64 = (0..n)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[[i, j]] * a[[i, j]])
            .sum();
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
        let x = a[[k, i]];
        let y = a[[k, j]];
        (a[[k, i]], a[[k, j]]) = (c * x - s * y, s * x + c * y);
    }
    for k in 0..n {
        let x = a[[i, k]];
        let y = a[[j, k]];
        (a[[i, k]], a[[j, k]]) = (c * x - s * y, s * x + c * y);
        let x = q[[k, i]];
        let y = q[[k, j]];
        (q[[k, i]], q[[k, j]]) = (c * x - s * y, s * x + c * y);
    }
}

/// Singular values of a matrix in standard layout, given by its rows. They come in no particular
/// order and include zeros.
///
/// Hestenes' one-sided rotations make the rows orthogonal. The lengths of the rows are then the
/// singular values. No product of the matrix with itself is formed. So the error of each value is a
/// few roundings of the *largest* value. The root of an eigenvalue of the product would have an
/// error of the root of that.
pub(crate) fn singular_values(rows: &mut [f64], length: usize) -> Vec<f64> {
    let count = rows.len() / length;
    let mut squares = vec![0.0; count];
    // Convergence is quadratic here too.
    for _ in 0..60 {
        let mut turned = false;
        rows.chunks_exact(length)
            .zip(&mut squares)
            .for_each(|(row, square)| *square = dot(row, row));
        let largest = squares.iter().copied().fold(0.0, f64::max);
        for i in 1..count {
            let (above, below) = rows.split_at_mut(i * length);
            let u = &mut below[..length];
            for (j, v) in above.chunks_exact_mut(length).enumerate() {
                let product = dot(u, v);
                // The rows are orthogonal up to rounding, or one of them is only rounding errors.
                let bound = 1e-15 * (squares[i] * squares[j]).sqrt();
                if product.abs() <= bound || squares[i].min(squares[j]) <= 1e-36 * largest {
                    continue;
                }
                turned = true;
                let zeta = (squares[j] - squares[i]) / (2.0 * product);
                let t = zeta.signum() / (zeta.abs() + (zeta * zeta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for (x, y) in u.iter_mut().zip(v) {
                    (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                }
                squares[i] -= t * product;
                squares[j] += t * product;
            }
        }
        if !turned {
            break;
        }
    }
    rows.chunks_exact(length).map(|row| dot(row, row).sqrt()).collect()
}

/// The length of a row. Its sum runs in the order of the index.
pub(crate) fn norm(row: ArrayView1<'_, f64>) -> f64 {
    row.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Σ wᵢ rowᵢ. Its sums run in the order of the rows. The product of a matrix library would depend
/// on the processor, and on which library another crate has chosen.
pub(crate) fn weighted_sum(weights: &[f64], rows: ArrayView2<'_, f64>) -> Array1<f64> {
    let mut sum = Array1::zeros(rows.ncols());
    for (weight, row) in weights.iter().zip(rows.outer_iter()) {
        sum.scaled_add(*weight, &row);
    }
    sum
}

/// Dot product in eight lanes of fixed order. It vectorises and gives the same bits everywhere.
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let left_lines = left.chunks_exact(8);
    let right_lines = right.chunks_exact(8);
    let rest: f64 =
        left_lines.remainder().iter().zip(right_lines.remainder()).map(|(x, y)| x * y).sum();
    let mut lanes = [0.0; 8];
    for (x, y) in left_lines.zip(right_lines) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x * y;
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular_values_are_roots_of_eigenvalues_and_keep_the_small_ones() {
        for (n, m) in [(1, 1), (2, 5), (6, 3), (20, 20), (33, 17)] {
            let matrix = Array2::from_shape_fn((n, m), |(i, j)| {
                ((i * 7 + j * j * 3) % 11) as f64 / 5.0 - 1.0
            });
            let mut found = singular_values(&mut matrix.iter().copied().collect::<Vec<_>>(), m);
            let (values, _) = symmetric(&matrix.dot(&matrix.t()));
            let mut expected: Vec<f64> = values.iter().map(|v| v.max(0.0).sqrt()).collect();
            found.sort_by(f64::total_cmp);
            expected.sort_by(f64::total_cmp);
            // If an eigenvalue is zero, its root is accurate only to the root of rounding.
            assert!(
                found.iter().zip(&expected).all(|(x, y)| (x - y).abs() < 1e-6),
                "{found:?} {expected:?}"
            );
            let squares: f64 = found.iter().map(|x| x * x).sum();
            assert!((squares / matrix.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-13);
        }
        // diag(1, 1e-12), rotated on both sides. The small value survives, although its square
        // would be lost next to 1.
        let c = 0.6;
        let s = 0.8;
        let tiny = 1e-12;
        let mut rows = [
            c * s - s * c * tiny,
            c * c + s * s * tiny,
            s * s + c * c * tiny,
            s * c - c * s * tiny,
        ];
        let mut found = singular_values(&mut rows, 2);
        found.sort_by(f64::total_cmp);
        assert!((found[0] - 1e-12).abs() < 1e-15 && (found[1] - 1.0).abs() < 1e-15, "{found:?}");
        // Rank one. The other values are zero up to rounding, not up to the root of rounding.
        let mut rows: Vec<f64> =
            (0..100).map(|k| ((k / 10 + 1) * (k % 10 + 2)) as f64 / 7.0).collect();
        let mut found = singular_values(&mut rows, 10);
        found.sort_by(f64::total_cmp);
        assert!(found[8] < 1e-14 * found[9], "{found:?}");
        assert_eq!(singular_values(&mut [0.0; 6], 3), [0.0, 0.0]);
    }

    #[test]
    fn the_parts_rebuild_the_matrix() {
        for n in [1, 2, 5, 20] {
            let root =
                Array2::from_shape_fn((n, n), |(i, j)| ((i * 7 + j * 3) % 11) as f64 / 5.0 - 1.0);
            let matrix = root.dot(&root.t()) + Array2::<f64>::eye(n) * 0.1;
            let (values, vectors) = symmetric(&matrix);
            let rebuilt = vectors.dot(&Array2::from_diag(&values)).dot(&vectors.t());
            assert!((&rebuilt - &matrix).iter().all(|d| d.abs() < 1e-12 * n as f64));
            assert!(
                (vectors.t().dot(&vectors) - Array2::<f64>::eye(n))
                    .iter()
                    .all(|d| d.abs() < 1e-13 * n as f64)
            );
            assert!(values.iter().all(|v| *v > 0.0));
        }
    }
}
