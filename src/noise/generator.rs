//! An adapter that makes noise from any seedable generator of the `rand` family.

use std::marker::PhantomData;

use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

use super::philox::{UNIFORM, philox4x32_10, tag};
use super::{Address, Noise};
use crate::math::box_muller::open_unit;
use crate::real::Real;

/// Noise from a generator `R`, for users who need their own.
///
/// For every seed, draw and chain a new `R` is seeded with bits that Philox computes from this
/// address. Its output goes through the standard normal of `rand_distr`. So the noise is a pure
/// function, as with [`Philox`](super::Philox). It is slower, because seeding a generator costs
/// more than most draws. Results are stable as long as `R` and `rand_distr` are.
///
/// ```
/// use langevin::advanced::{Address, Generator, Noise, Purpose};
/// let noise = Generator::<rand_chacha::ChaCha8Rng>::new(7);
/// let mut z = [0.0f64; 6];
/// // Three chains, two coordinates.
/// noise.normals(Address::new(0, Purpose::User, 0), &[4, 5, 6], &mut z);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Generator<R> {
    key: [u32; 2],
    generator: PhantomData<fn() -> R>,
}

impl<R: SeedableRng + Rng> Generator<R> {
    /// Noise with this seed.
    pub fn new(seed: u64) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], generator: PhantomData }
    }

    /// Seeds a generator. `first` is 0 for normals. [`UNIFORM`] keeps uniforms apart from them.
    fn open(&self, address: Address, chain: u32, first: u32) -> R {
        let mut seed = R::Seed::default();
        for (block, bytes) in seed.as_mut().chunks_mut(16).enumerate() {
            let words = philox4x32_10(
                [chain, address.step, first ^ (block as u32) << 16, tag(address)],
                self.key,
            );
            for (to, word) in bytes.chunks_mut(4).zip(words) {
                let length = to.len();
                to.copy_from_slice(&word.to_le_bytes()[..length]);
            }
        }
        R::from_seed(seed)
    }
}

impl<F: Real, R: SeedableRng + Rng> Noise<F> for Generator<R> {
    fn normals(&self, address: Address, chains: &[u32], out: &mut [F]) {
        let n = chains.len();
        for (i, chain) in chains.iter().enumerate() {
            let mut generator = self.open(address, *chain, 0);
            for z in out.iter_mut().skip(i).step_by(n) {
                *z = F::from_f64(StandardNormal.sample(&mut generator));
            }
        }
    }

    fn uniforms(&self, address: Address, chains: &[u32], out: &mut [f64]) {
        for (chain, u) in chains.iter().zip(out) {
            *u = open_unit(self.open(address, *chain, UNIFORM).next_u64());
        }
    }
}
