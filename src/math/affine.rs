//! The update of a position and a momentum by one affine map, as a vector kernel: what several letters of a splitting word
//! do together.

use super::block::{Block, IDENTITY, ZERO, cholesky, product, sum};
use super::kernels::{LANES, load, store};
use super::simd::Kernel;
use crate::dynamics::Transition;
use crate::real::Real;

/// z ← P z + G b + C ξ of a (position, momentum) pair. Unlike a covariance, C keeps track of which normal does what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine {
    pub propagator: Block,
    pub gain: Block,
    pub noise: Block,
}

impl Affine {
    pub(crate) const IDENTITY: Self = Self { propagator: IDENTITY, gain: ZERO, noise: ZERO };

    /// This map and then a transition, whose own noise is that of the normals of this map.
    pub(crate) fn then(&self, next: &Transition) -> Self {
        let a = &next.propagator;
        Self {
            propagator: product(a, &self.propagator),
            gain: sum(&product(a, &self.gain), &next.gain),
            noise: sum(&product(a, &self.noise), &cholesky(&next.covariance)),
        }
    }
}

/// Applies an affine map with the same coefficients for all rows, column-major.
///
/// `drift` has one block or two, as the gain asks for; `normals` has one block (ξ of the momentum alone) or two. Either may
/// be empty: then its term is left out.
pub(crate) struct Apply<'a, F> {
    pub map: &'a Affine,
    pub position: &'a mut [F],
    pub momentum: &'a mut [F],
    pub drift: &'a [F],
    pub normals: &'a [F],
}

impl<F: Real> Kernel for Apply<'_, F> {
    #[inline(always)]
    fn run(self) {
        let size = self.position.len();
        let round = |block: &Block| block.map(|row| row.map(F::from_f64));
        let (p, g, c) = (round(&self.map.propagator), round(&self.map.gain), round(&self.map.noise));
        let (force, score_x) = if self.drift.len() > size { (size, true) } else { (0, false) };
        let (second, first) = if self.normals.len() > size { (size, true) } else { (0, false) };
        let (kicked, noisy) = (!self.drift.is_empty(), !self.normals.is_empty());
        // A kick alone leaves the position where it is.
        let moves =
            self.map.propagator[0] != IDENTITY[0] || self.map.gain[0] != ZERO[0] || self.map.noise[0] != ZERO[0];
        if !moves && self.map.propagator == IDENTITY && !noisy && !score_x {
            return kick(self.momentum, g[1][0], self.drift);
        }
        // With one block of drift, or of normals, it is the second column of the matrix for normals and the first for drift.
        let (gx, gm) = if score_x {
            ([g[0][0], g[0][1]], [g[1][0], g[1][1]])
        } else {
            ([F::zero(), g[0][0]], [F::zero(), g[1][0]])
        };
        for start in (0..size).step_by(LANES) {
            let count = LANES.min(size - start);
            let (x, m) = (load(self.position, start, count), load(self.momentum, start, count));
            let (mut y, mut w) = ([F::zero(); LANES], [F::zero(); LANES]);
            for i in 0..LANES {
                y[i] = p[0][1].fma(m[i], p[0][0] * x[i]);
                w[i] = p[1][1].fma(m[i], p[1][0] * x[i]);
            }
            if kicked {
                let b = load(self.drift, force + start, count);
                for i in 0..LANES {
                    y[i] = gx[1].fma(b[i], y[i]);
                    w[i] = gm[1].fma(b[i], w[i]);
                }
                if score_x {
                    let s = load(self.drift, start, count);
                    for i in 0..LANES {
                        y[i] = gx[0].fma(s[i], y[i]);
                        w[i] = gm[0].fma(s[i], w[i]);
                    }
                }
            }
            if noisy {
                let xi = load(self.normals, second + start, count);
                for i in 0..LANES {
                    y[i] = c[0][1].fma(xi[i], y[i]);
                    w[i] = c[1][1].fma(xi[i], w[i]);
                }
                if first {
                    let xi = load(self.normals, start, count);
                    for i in 0..LANES {
                        y[i] = c[0][0].fma(xi[i], y[i]);
                        w[i] = c[1][0].fma(xi[i], w[i]);
                    }
                }
            }
            if moves {
                store(&y, self.position, start, count);
            }
            store(&w, self.momentum, start, count);
        }
    }
}

/// m ← m + g b: a letter B alone, the same bits as the general update.
#[inline(always)]
fn kick<F: Real>(momentum: &mut [F], gain: F, drift: &[F]) {
    let size = drift.len();
    for start in (0..size).step_by(LANES) {
        let count = LANES.min(size - start);
        let (mut m, b) = (load(momentum, start, count), load(drift, start, count));
        for i in 0..LANES {
            m[i] = gain.fma(b[i], m[i]);
        }
        store(&m, momentum, start, count);
    }
}
