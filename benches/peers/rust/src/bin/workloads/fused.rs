//! Loops by hand for W0 to W3: noise, score and update of a few chains in one body.
//!
//! They are what the arithmetic costs. They know the target and the dimension when they are
//! compiled, check nothing, and keep no promise about bits. `our noise` takes the normals of the
//! library, Philox in f64; `cheap noise` a xoshiro256+ for each lane and Box-Muller, in f32 for
//! f32.

use std::rc::Rc;

use langevin::BoxError;
use langevin::advanced::{Address, Noise, Philox, Purpose};
use langevin::ndarray::{Array2, ShapeBuilder};
use langevin::prelude::Real;

use super::lanes::{Lane, Words};
use super::problem::{self, Settings};
use super::vectors::Mixture;
use super::{Body, Contestant};

const SEED: u64 = 11;

/// Chains of a block: all steps of one block come before the next block.
const L: usize = 16;

type Block<F, const D: usize> = [[F; L]; D];

/// Where a loop gets its normals: D rows of L for the chains from `first`.
trait Source<F> {
    fn fill<const D: usize>(&mut self, step: u32, first: usize, out: &mut [[F; L]; D]);
}

struct OurNoise {
    noise: Philox,
    ids: Vec<u32>,
}

impl<F: Lane + Real> Source<F> for OurNoise {
    #[inline(always)]
    fn fill<const D: usize>(&mut self, step: u32, first: usize, out: &mut [[F; L]; D]) {
        let address = Address::new(step, Purpose::User, 1);
        self.noise.normals(address, &self.ids[first..first + L], out.as_flattened_mut());
    }
}

struct CheapNoise(Words<L>);

impl<F: Lane> Source<F> for CheapNoise {
    #[inline(always)]
    fn fill<const D: usize>(&mut self, _: u32, _: usize, out: &mut [[F; L]; D]) {
        for pair in out.chunks_exact_mut(2) {
            let normals = F::normals(&mut self.0);
            pair.copy_from_slice(&normals);
        }
    }
}

/// What is done with a block: all steps from 0.
trait Scheme<F, const D: usize>: 'static {
    fn block(&self, settings: Settings, first: usize, noise: &mut impl Source<F>) -> Block<F, D>;
}

/// ULA with K Gaussians; T sums are in registers at once.
struct Ula<F, const K: usize, const D: usize, const T: usize>(Mixture<F, K, D>);

impl<F: Lane, const K: usize, const D: usize, const T: usize> Scheme<F, D> for Ula<F, K, D, T> {
    #[inline(always)]
    fn block(&self, settings: Settings, first: usize, noise: &mut impl Source<F>) -> Block<F, D> {
        let h = settings.number("step");
        let [step, width] = [h, (2.0 * h).sqrt()].map(F::of);
        let [mut x, mut z, mut score] = [[[F::ZERO; L]; D]; 3];
        for n in 0..settings.count("steps") {
            noise.fill(n as u32, first, &mut z);
            self.0.score::<L, T>(&x, &mut score);
            for j in 0..D {
                for l in 0..L {
                    x[j][l] = z[j][l].fma(width, score[j][l].fma(step, x[j][l]));
                }
            }
        }
        x
    }
}

/// BAOAB, likewise. The score of the last B is that of the next B.
struct Baoab<F, const K: usize, const D: usize, const T: usize>(Mixture<F, K, D>);

impl<F: Lane, const K: usize, const D: usize, const T: usize> Scheme<F, D> for Baoab<F, K, D, T> {
    #[inline(always)]
    fn block(&self, settings: Settings, first: usize, noise: &mut impl Source<F>) -> Block<F, D> {
        let h = settings.number("step");
        let keep = (-settings.number("friction") * h).exp();
        let [half, kept, width] = [0.5 * h, keep, (1.0 - keep * keep).sqrt()].map(F::of);
        let [mut x, mut v, mut z, mut score] = [[[F::ZERO; L]; D]; 4];
        noise.fill(u32::MAX, first, &mut v);
        self.0.score::<L, T>(&x, &mut score);
        for n in 0..settings.count("steps") {
            noise.fill(n as u32, first, &mut z);
            for j in 0..D {
                for l in 0..L {
                    let kicked = score[j][l].fma(half, v[j][l]);
                    let middle = kicked.fma(half, x[j][l]);
                    v[j][l] = z[j][l].fma(width, kicked * kept);
                    x[j][l] = v[j][l].fma(half, middle);
                }
            }
            self.0.score::<L, T>(&x, &mut score);
            for j in 0..D {
                for l in 0..L {
                    v[j][l] = score[j][l].fma(half, v[j][l]);
                }
            }
        }
        x
    }
}

/// Positions of all chains, from those of their blocks.
fn gathered<F: Lane, const D: usize>(
    chains: usize,
    mut block: impl FnMut(usize) -> Block<F, D>,
) -> Array2<f64> {
    let mut out = Array2::zeros((chains, D).f());
    for first in (0..chains).step_by(L) {
        let x = block(first);
        for j in 0..D {
            for l in 0..L {
                out[[first + l, j]] = x[j][l].wide();
            }
        }
    }
    out
}

/// A scheme with both sources of noise.
fn pair<F: Lane + Real, const D: usize>(
    workload: &'static str,
    scheme: impl Scheme<F, D>,
) -> Result<Vec<Contestant>, BoxError> {
    let settings = Settings::of(workload);
    let chains = settings.count("chains");
    if !chains.is_multiple_of(L) {
        return Err(format!("the loops by hand take chains by {L}, not {chains}").into());
    }
    let ids: Vec<u32> = (0..chains as u32).collect();
    let scheme = Rc::new(scheme);
    let same = Rc::clone(&scheme);
    let ours: Body = Box::new(move |keep| {
        let mut noise = OurNoise { noise: Philox::new(SEED), ids: ids.clone() };
        let x = gathered(chains, |first| scheme.block(settings, first, &mut noise));
        Ok(Some(x).filter(|_| keep))
    });
    let cheap: Body = Box::new(move |keep| {
        let mut noise = CheapNoise(Words::new(SEED));
        let x = gathered(chains, |first| same.block(settings, first, &mut noise));
        Ok(Some(x).filter(|_| keep))
    });
    let named = |(variant, body)| {
        Contestant::new(workload, "by hand", settings.chain_steps(), body)
            .variant(variant)
            .precision(F::NAME)
    };
    Ok([("fused, our noise", ours), ("fused, cheap noise", cheap)].map(named).into())
}

/// The cheap normals alone, into memory that is there.
fn normals<F: Lane + Real>() -> Contestant {
    let settings = Settings::of("W0");
    let [chains, dim] = ["chains", "dim"].map(|name| settings.count(name));
    let mut noise = Words::<L>::new(SEED);
    let mut out = vec![[F::zero(); L]; chains * dim / L];
    let body: Body = Box::new(move |keep| {
        for _ in 0..settings.count("steps") {
            for pair in out.chunks_exact_mut(2) {
                pair.copy_from_slice(&F::normals(&mut noise));
            }
        }
        let flat = || out.as_flattened().iter().map(|z| z.wide()).collect();
        let shaped = || Array2::from_shape_vec((chains, dim), flat());
        Ok(if keep { Some(shaped()?) } else { None })
    });
    let contestant = Contestant::new("W0", "by hand", settings.chain_steps() * dim, body);
    contestant.variant("cheap noise").precision(F::NAME)
}

pub fn contestants(workload: &str) -> Result<Vec<Contestant>, BoxError> {
    let [small, large] = [problem::circle(), problem::sixteen()];
    // The sums of f64 and of f32 at once fill eight registers of AVX2.
    let pairs = match workload {
        "W0" => [vec![normals::<f64>()], vec![normals::<f32>()]],
        "W1" => [
            pair("W1", Ula::<f64, 8, 2, 2>(Mixture::new(&small)))?,
            pair("W1", Ula::<f32, 8, 2, 4>(Mixture::new(&small)))?,
        ],
        "W2" => [
            pair("W2", Ula::<f64, 16, 64, 2>(Mixture::new(&large)))?,
            pair("W2", Ula::<f32, 16, 64, 4>(Mixture::new(&large)))?,
        ],
        "W3" => [
            pair("W3", Baoab::<f64, 8, 2, 2>(Mixture::new(&small)))?,
            pair("W3", Baoab::<f32, 8, 2, 4>(Mixture::new(&small)))?,
        ],
        _ => return Ok(Vec::new()),
    };
    Ok(pairs.into_iter().flatten().collect())
}
