//! The noise of long steps that follow the path of steps half as long.

use super::{Address, Noise, Purpose};
use crate::real::Real;

/// The noise of a run with steps 2h, coupled with a run with steps h and the noise `fine`.
///
/// ```text
/// z_k = a z′_(2k) + b z′_(2k+1)      a = e^(−γh)/√(1 + e^(−2γh))    b = 1/√(1 + e^(−2γh))
/// ```
///
/// Without a drift two steps of an Ornstein–Uhlenbeck process of friction γ with z′ are one step
/// with z, so both runs follow one path. With γ = 0, as for a Brownian motion, a = b = 1/√2. It
/// holds for methods with one normal for each coordinate of a step, such as BAOAB and
/// Euler–Maruyama of overdamped dynamics. Other draws than increments are those of `fine`.
#[derive(Clone, Debug)]
pub struct Coarse<N> {
    fine: N,
    first: f64,
    second: f64,
}

impl<N> Coarse<N> {
    /// The noise of steps 2h from that of steps `step` = h, for this friction γ, 0 for none.
    pub fn new(fine: N, friction: f64, step: f64) -> Self {
        let decay = libm::exp(-friction * step);
        let second = 1.0 / (decay * decay + 1.0).sqrt();
        Self { fine, first: decay * second, second }
    }
}

impl<F: Real, N: Noise<F>> Noise<F> for Coarse<N> {
    fn normals(&self, address: Address, chains: &[u32], out: &mut [F]) {
        if address.purpose() != Purpose::Increment {
            return self.fine.normals(address, chains, out);
        }
        let at = |half: u32| {
            let step = address.step().wrapping_mul(2).wrapping_add(half);
            Address::new(step, Purpose::Increment, address.index())
        };
        let mut second = vec![F::zero(); out.len()];
        self.fine.normals(at(0), chains, out);
        self.fine.normals(at(1), chains, &mut second);
        for (z, other) in out.iter_mut().zip(second) {
            *z = F::from_f64(self.first * z.widen() + self.second * other.widen());
        }
    }

    fn uniforms(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        self.fine.uniforms(address, chains, out);
    }
}
