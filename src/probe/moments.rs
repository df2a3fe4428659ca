//! The map of second moments over a step, and its fixed point.

use super::matrices::{Matrices, Rounded};

/// Symmetric second moments in this order: s₀₀, s₀₁, s₁₁.
pub(super) const PAIRS: [(usize, usize); 3] = [(0, 0), (0, 1), (1, 1)];

/// The map of second moments over a step, s⁺ = s + R s + q. It is averaged over the coins.
///
/// R and not I + R is kept, because the entries of R are small for short steps.
#[derive(Clone, Debug, Default)]
pub(super) struct SecondMoments {
    pub(super) change: [[Rounded; 3]; 3],
    pub(super) constant: [f64; 3],
}

/// Second moments with bounds of their rounding errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Solution {
    pub(super) moments: [f64; 3],
    pub(super) errors: [f64; 3],
}

impl SecondMoments {
    /// Adds the map of one outcome of the coins, which has this weight.
    pub(super) fn add(&mut self, weight: f64, matrices: &Matrices, blocks: usize) {
        let d = &matrices.change;
        for (to, (r, c)) in PAIRS.into_iter().enumerate() {
            for (from, (a, b)) in PAIRS.into_iter().enumerate() {
                if blocks == 2 || from == 0 {
                    // (M S Mᵀ)_rc contains S_ab once if a = b, and twice otherwise, as S_ab and
                    // S_ba.
                    let mut entry = term(d, (r, a), (c, b));
                    if a != b {
                        let other = term(d, (r, b), (c, a));
                        entry.value += other.value;
                        entry.error += other.error;
                    }
                    self.change[to][from].value += weight * entry.value;
                    self.change[to][from].error += weight.abs() * entry.error;
                }
            }
            let columns = matrices.noise.iter();
            self.constant[to] += weight * columns.map(|column| column[r] * column[c]).sum::<f64>();
        }
    }

    /// The fixed point, with errors.
    pub(super) fn solve(&self, size: usize) -> Solution {
        let matrix = self.change.map(|row| row.map(|entry| -entry.value));
        let moments = linear(&matrix, &self.constant, size);
        // To first order the error of the solution is the inverse times the errors of the equation.
        let mut equation = [0.0; 3];
        for i in 0..size {
            let products = (0..size).map(|j| self.change[i][j].error * moments[j].abs());
            equation[i] = f64::EPSILON * self.constant[i].abs() + products.sum::<f64>();
        }
        let mut errors = [0.0; 3];
        for j in 0..size {
            let mut unit = [0.0; 3];
            unit[j] = equation[j];
            let column = linear(&matrix, &unit, size);
            errors.iter_mut().zip(column).for_each(|(error, part)| *error += part.abs());
        }
        for i in 0..size {
            errors[i] += 2.0 * f64::EPSILON * moments[i].abs();
        }
        Solution { moments, errors }
    }

    /// The factor by which second moments grow per step: the spectral radius of I + R, by repeated
    /// squaring with rescaling. It is the norm of the power 2^40 to the power of 2^−40.
    pub(super) fn growth(&self, size: usize) -> f64 {
        let mut power = [[0.0; 3]; 3];
        for i in 0..size {
            for j in 0..size {
                power[i][j] = f64::from(i == j) + self.change[i][j].value;
            }
        }
        let mut log_scale = 0.0;
        const SQUARINGS: i32 = 40;
        for _ in 0..SQUARINGS {
            let mut square = [[0.0; 3]; 3];
            for i in 0..size {
                for j in 0..size {
                    square[i][j] = (0..size).map(|k| power[i][k] * power[k][j]).sum();
                }
            }
            let norm = square.iter().flatten().fold(0.0f64, |m, x| m.max(x.abs()));
            if norm == 0.0 {
                return 0.0;
            }
            if !square.iter().flatten().all(|x| x.is_finite()) {
                return f64::INFINITY;
            }
            square.iter_mut().flatten().for_each(|x| *x /= norm);
            power = square;
            log_scale = 2.0 * log_scale + libm::log(norm);
        }
        libm::exp(libm::ldexp(log_scale, -SQUARINGS))
    }
}

/// (I + D)_ra (I + D)_cb without the part of the identity.
fn term(d: &[[Rounded; 2]; 2], ra: (usize, usize), cb: (usize, usize)) -> Rounded {
    let left = d[ra.0][ra.1];
    let right = d[cb.0][cb.1];
    let left_one = f64::from(ra.0 == ra.1);
    let right_one = f64::from(cb.0 == cb.1);
    Rounded {
        value: left_one * right.value + left.value * right_one + left.value * right.value,
        error: (left_one + left.value.abs()) * right.error
            + (right_one + right.value.abs()) * left.error,
    }
}

/// Gaussian elimination with pivoting.
fn linear(matrix: &[[f64; 3]; 3], right: &[f64; 3], size: usize) -> [f64; 3] {
    let mut rows: Vec<[f64; 4]> =
        (0..size).map(|i| [matrix[i][0], matrix[i][1], matrix[i][2], right[i]]).collect();
    for i in 0..size {
        let pivot =
            (i..size).max_by(|a, b| rows[*a][i].abs().total_cmp(&rows[*b][i].abs())).unwrap_or(i);
        rows.swap(i, pivot);
        for k in 0..size {
            if k != i {
                let factor = rows[k][i] / rows[i][i];
                let pivot_row = rows[i];
                rows[k].iter_mut().zip(pivot_row).for_each(|(x, p)| *x -= factor * p);
            }
        }
    }
    let mut solution = [0.0; 3];
    (0..size).for_each(|i| solution[i] = rows[i][3] / rows[i][i]);
    solution
}
