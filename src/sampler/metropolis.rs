//! The proposal and the test of the Metropolis-adjusted Langevin algorithm, over lanes of chains.

use super::update::{LANES, lanes, lanes_mut, two_sums};
use crate::math::elementary::ln_as_libm;
use crate::math::simd::Kernel;
use crate::real::Real;

/// The points of a column-major array, their low parts or none, and the drift at them.
#[derive(Clone, Copy)]
pub(super) struct Points<'a, F> {
    pub x: &'a [F],
    pub low: &'a [F],
    pub b: &'a [F],
}

/// The same for writing.
pub(super) struct PointsMut<'a, F> {
    pub x: &'a mut [F],
    pub low: &'a mut [F],
    pub b: &'a mut [F],
}

/// Proposes a point for every chain: y = √(2h) z + h b + x, in this order of summation. With low
/// parts, those of y receive what rounding cuts off.
pub(super) struct Propose<'a, F> {
    pub h: f64,
    pub z: &'a [F],
    pub from: Points<'a, F>,
    pub to: &'a mut [F],
    pub low: &'a mut [F],
}

impl<F: Real> Kernel for Propose<'_, F> {
    #[inline(always)]
    fn run(self) {
        let spread = F::from_f64((2.0 * self.h).sqrt());
        let h = F::from_f64(self.h);
        let n = self.to.len();
        let [x, b, z] = [self.from.x, self.from.b, self.z].map(|numbers| &numbers[..n]);
        if self.low.is_empty() {
            for i in 0..n {
                self.to[i] = h.fma(b[i], spread * z[i]) + x[i];
            }
            return;
        }
        for i in 0..n {
            let terms = h.fma(b[i], spread * z[i]);
            let sum = two_sums(&[x[i]], &[terms + self.from.low[i]]);
            ([self.to[i]], [self.low[i]]) = (sum.high, sum.low);
        }
    }
}

/// Accepts or rejects the proposal of every chain.
///
/// ```text
/// log α = after − before + ( |y − x − h b(x)|² − |x − y − h b(y)|² ) / 4h
/// ```
pub(super) struct Decide<'a, F> {
    pub h: f64,
    pub coins: &'a [f64],
    /// log π at the points. Those of accepted proposals take their place.
    pub before: &'a mut [f64],
    /// log π at the proposals.
    pub after: &'a [f64],
    pub old: PointsMut<'a, F>,
    pub new: Points<'a, F>,
    pub verdict: &'a mut Verdict,
}

/// What came of the tests.
#[derive(Default)]
pub(super) struct Verdict {
    pub accepted: u64,
    /// Whether a ratio was NaN. Such a chain becomes NaN.
    pub undefined: bool,
}

impl<F: Real> Kernel for Decide<'_, F> {
    #[inline(always)]
    fn run(mut self) {
        let rows = self.coins.len();
        let whole = rows / LANES * LANES;
        // Loops and no `for_each`: its closure would be compiled for the baseline.
        for at in (0..whole).step_by(LANES) {
            self.block::<LANES>(at);
        }
        for at in whole..rows {
            self.block::<1>(at);
        }
    }
}

/// The logarithms of coins. A coin may come from a source that gives 0.
#[inline(always)]
fn logs<const N: usize>(coins: &[f64; N]) -> [f64; N] {
    let mut logs = [0.0; N];
    let mut ordinary = true;
    for l in 0..N {
        logs[l] = ln_as_libm(coins[l]);
        ordinary &= coins[l] >= f64::MIN_POSITIVE;
    }
    if ordinary { logs } else { coins.map(libm::log) }
}

impl<F: Real> Decide<'_, F> {
    /// N rows.
    #[inline(always)]
    fn block<const N: usize>(&mut self, at: usize) {
        let rows = self.coins.len();
        let size = self.old.x.len();
        let h = self.h;
        let [mut forth, mut back] = [[0.0; N]; 2];
        for place in (at..size).step_by(rows) {
            let x: &[F; N] = lanes(self.old.x, place);
            let y: &[F; N] = lanes(self.new.x, place);
            let mut away = [0.0; N];
            for l in 0..N {
                away[l] = y[l].widen() - x[l].widen();
            }
            if !self.new.low.is_empty() {
                let x: &[F; N] = lanes(self.old.low, place);
                let y: &[F; N] = lanes(self.new.low, place);
                for l in 0..N {
                    away[l] += y[l].widen() - x[l].widen();
                }
            }
            let b: &[F; N] = lanes(self.old.b, place);
            let b_new: &[F; N] = lanes(self.new.b, place);
            for l in 0..N {
                let f = away[l] - h * b[l].widen();
                let g = -away[l] - h * b_new[l].widen();
                forth[l] += f * f;
                back[l] += g * g;
            }
        }
        let after: &[f64; N] = lanes(self.after, at);
        let before: &mut [f64; N] = lanes_mut(self.before, at);
        let log_coins = logs(lanes::<f64, N>(self.coins, at));
        let mut accepts = [false; N];
        let mut undefined = [false; N];
        let mut accepted = 0;
        let mut any_undefined = false;
        for l in 0..N {
            let log_ratio = after[l] - before[l] + (forth[l] - back[l]) / (4.0 * h);
            let inside = after[l] != f64::NEG_INFINITY;
            accepts[l] = inside & (log_coins[l] < log_ratio);
            undefined[l] = inside & log_ratio.is_nan();
            any_undefined |= undefined[l];
            before[l] = if accepts[l] { after[l] } else { before[l] };
            accepted += u64::from(accepts[l]);
        }
        self.verdict.accepted += accepted;
        self.take(at, &accepts);
        if any_undefined {
            self.verdict.undefined = true;
            for (l, undefined) in undefined.iter().enumerate() {
                for place in (at + l..size).step_by(rows) {
                    let x = &mut self.old.x[place];
                    *x = if *undefined { F::nan() } else { *x };
                }
            }
        }
    }

    /// Moves the accepted chains of N rows.
    #[inline(always)]
    fn take<const N: usize>(&mut self, at: usize, accepts: &[bool; N]) {
        let rows = self.coins.len();
        for place in (at..self.old.x.len()).step_by(rows) {
            choose(accepts, self.new.x, self.old.x, place);
            choose(accepts, self.new.b, self.old.b, place);
            if !self.new.low.is_empty() {
                choose(accepts, self.new.low, self.old.low, place);
            }
        }
    }
}

#[inline(always)]
fn choose<F: Real, const N: usize>(accepts: &[bool; N], from: &[F], to: &mut [F], place: usize) {
    let from: &[F; N] = lanes(from, place);
    let to: &mut [F; N] = lanes_mut(to, place);
    for l in 0..N {
        to[l] = if accepts[l] { from[l] } else { to[l] };
    }
}
