//! Scores of a mixture over a few lanes of chains, as one writes them by hand.

use langevin::ndarray::Array2;

use super::lanes::Lane;
use super::problem::STD;

/// A mixture of K Gaussians in D dimensions with equal weights and one standard deviation.
pub struct Mixture<F, const K: usize, const D: usize> {
    /// Means over the variance.
    scaled: [[F; D]; K],
    /// -|mean|^2 / (2 variance)
    offset: [F; K],
    precision: F,
}

impl<F: Lane, const K: usize, const D: usize> Mixture<F, K, D> {
    pub fn new(means: &Array2<f64>) -> Self {
        let precision = 1.0 / (STD * STD);
        let square = |k: usize| means.row(k).dot(&means.row(k));
        Self {
            scaled: std::array::from_fn(|k| {
                std::array::from_fn(|j| F::of(precision * means[[k, j]]))
            }),
            offset: std::array::from_fn(|k| F::of(-0.5 * precision * square(k))),
            precision: F::of(precision),
        }
    }

    /// Writes the score of L chains. T divides K and D: so many sums are in registers at once.
    #[inline(always)]
    pub fn score<const L: usize, const T: usize>(&self, x: &[[F; L]; D], out: &mut [[F; L]; D]) {
        let mut weights = [[F::ZERO; L]; K];
        for k in (0..K).step_by(T) {
            let mut sums: [[F; L]; T] = std::array::from_fn(|t| [self.offset[k + t]; L]);
            for j in 0..D {
                for t in 0..T {
                    for l in 0..L {
                        sums[t][l] = x[j][l].fma(self.scaled[k + t][j], sums[t][l]);
                    }
                }
            }
            weights[k..k + T].copy_from_slice(&sums);
        }
        let mut largest = weights[0];
        for k in 1..K {
            for l in 0..L {
                let w = weights[k][l];
                largest[l] = if w > largest[l] { w } else { largest[l] };
            }
        }
        let mut total = [F::ZERO; L];
        for k in 0..K {
            for l in 0..L {
                weights[k][l] = (weights[k][l] - largest[l]).exp();
                total[l] += weights[k][l];
            }
        }
        let mut inverse = [F::ZERO; L];
        for l in 0..L {
            inverse[l] = F::of(1.0) / total[l];
        }
        for j in (0..D).step_by(T.min(D)) {
            let mut sums = [[F::ZERO; L]; T];
            for k in 0..K {
                for t in 0..T.min(D) {
                    for l in 0..L {
                        sums[t][l] = weights[k][l].fma(self.scaled[k][j + t], sums[t][l]);
                    }
                }
            }
            for t in 0..T.min(D) {
                for l in 0..L {
                    let pull = sums[t][l] * inverse[l];
                    out[j + t][l] = x[j + t][l].fma(-self.precision, pull);
                }
            }
        }
    }
}
