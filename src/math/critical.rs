//! Exponentials of a critically damped 2 × 2 matrix, and their integrals. The matrix has one double
//! eigenvalue and no eigenbasis.

use super::block::{Block, IDENTITY, product, scaled, sum, transpose};
use super::phi::power_means;

/// K = k I + N with N² = 0, so exp(K s) = e^(ks) (I + s N).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Critical {
    pub eigenvalue: f64,
    pub nilpotent: Block,
}

impl Critical {
    /// The matrix K.
    pub(crate) fn matrix(&self) -> Block {
        sum(&scaled(&IDENTITY, self.eigenvalue), &self.nilpotent)
    }

    /// −K.
    pub(crate) fn negated(&self) -> Self {
        Self { eigenvalue: -self.eigenvalue, nilpotent: scaled(&self.nilpotent, -1.0) }
    }

    /// exp(K h).
    pub(crate) fn exponential(&self, h: f64) -> Block {
        scaled(&sum(&IDENTITY, &scaled(&self.nilpotent, h)), libm::exp(self.eigenvalue * h))
    }

    /// ∫₀ʰ exp(K s) ds.
    pub(crate) fn integral(&self, h: f64) -> Block {
        let [zeroth, first, _] = power_means(self.eigenvalue * h);
        sum(&scaled(&IDENTITY, h * zeroth), &scaled(&self.nilpotent, h * h * first))
    }

    /// ∫₀ʰ exp(K s) D exp(Kᵀ s) ds for D ≥ 0 diagonal. It uses moments of e^(2ks), so nothing
    /// cancels for small h.
    pub(crate) fn covariance(&self, h: f64, diagonal: [f64; 2]) -> Block {
        let [zeroth, first, second] = power_means(2.0 * self.eigenvalue * h);
        let d = [[diagonal[0], 0.0], [0.0, diagonal[1]]];
        let n = &self.nilpotent;
        let nd = product(n, &d);
        let mut q = scaled(&d, h * zeroth);
        q = sum(&q, &scaled(&sum(&nd, &transpose(&nd)), h * h * first));
        sum(&q, &scaled(&product(&nd, &transpose(n)), h * h * h * second))
    }
}
