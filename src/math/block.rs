//! Two-by-two f64 matrices: the coefficients of block-scalar dynamics, with products and factors.

/// A matrix of at most 2 × 2 numbers. A smaller matrix leaves the rest zero.
pub type Block = [[f64; 2]; 2];

pub(crate) const ZERO: Block = [[0.0; 2]; 2];
pub(crate) const IDENTITY: Block = [[1.0, 0.0], [0.0, 1.0]];

/// The matrix of a single block.
pub(crate) fn one(number: f64) -> Block {
    [[number, 0.0], [0.0, 0.0]]
}

pub(crate) fn product(a: &Block, b: &Block) -> Block {
    let mut c = ZERO;
    for i in 0..2 {
        for j in 0..2 {
            c[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j];
        }
    }
    c
}

pub(crate) fn transpose(a: &Block) -> Block {
    [[a[0][0], a[1][0]], [a[0][1], a[1][1]]]
}

pub(crate) fn sum(a: &Block, b: &Block) -> Block {
    let mut c = *a;
    for i in 0..2 {
        for j in 0..2 {
            c[i][j] += b[i][j];
        }
    }
    c
}

pub(crate) fn scaled(a: &Block, factor: f64) -> Block {
    let mut c = *a;
    c.iter_mut().flatten().for_each(|x| *x *= factor);
    c
}

/// A pivot that is negative by no more than this share of its matrix is a rounding error.
const ROUNDING: f64 = 1e-9;

/// Lower Cholesky factor of a positive semidefinite matrix. A pivot that rounding made negative
/// counts as zero. The factor of any other matrix has NaN in it, so that every run notices.
#[inline(always)]
pub(crate) fn cholesky(q: &Block) -> Block {
    let l00 = root(q[0][0], q[1][1].abs());
    // Without branches, for the lanes of kernels. NaN is not 0.
    let ratio = q[1][0] / l00;
    let l10 = if l00 == 0.0 { no_remainder(q[1][0], q[1][1]) } else { ratio };
    let l11 = root(q[1][1] - l10 * l10, q[1][1].abs());
    [[l00, 0.0], [l10, l11]]
}

/// The root of a pivot in a matrix of this size.
#[inline(always)]
fn root(pivot: f64, size: f64) -> f64 {
    let root = pivot.sqrt();
    if (pivot < 0.0) & (pivot >= -ROUNDING * size) { 0.0 } else { root }
}

/// 0 beside a pivot of 0, where no covariance is possible.
#[inline(always)]
fn no_remainder(covariance: f64, size: f64) -> f64 {
    if covariance.abs() <= ROUNDING * size.abs() { 0.0 } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cholesky_rebuilds_its_matrix() {
        // Exact in floating point: the factor is [[2, 0], [1, 2]].
        let q = [[4.0, 2.0], [2.0, 5.0]];
        let l = cholesky(&q);
        assert_eq!(l, [[2.0, 0.0], [1.0, 2.0]]);
        assert_eq!(product(&l, &transpose(&l)), q);
        assert_eq!(cholesky(&ZERO), ZERO);
        // A noisy velocity with a noiseless position.
        assert_eq!(cholesky(&[[0.0, 0.0], [0.0, 9.0]]), [[0.0, 0.0], [0.0, 3.0]]);
        // Rounding.
        assert_eq!(cholesky(&[[1.0, 1.0], [1.0, 1.0 - 1e-15]])[1][1], 0.0);
        assert_eq!(cholesky(&[[-1e-20, 0.0], [0.0, 1.0]]), [[0.0, 0.0], [0.0, 1.0]]);
    }

    #[test]
    fn what_is_no_covariance_is_not_taken_for_no_noise() {
        let nan = f64::NAN;
        for q in [
            [[nan, 0.0], [0.0, 0.0]],
            [[1.0, nan], [nan, 1.0]],
            [[1.0, 0.0], [0.0, nan]],
            [[-1.0, 0.0], [0.0, 0.0]],
            [[-1.0, 0.0], [0.0, 2.0]],
            [[1.0, 0.0], [0.0, -1.0]],
            [[1.0, 2.0], [2.0, 1.0]],
            [[0.0, 1.0], [1.0, 1.0]],
        ] {
            assert!(cholesky(&q).iter().flatten().any(|x| x.is_nan()), "{q:?}");
        }
    }
}
