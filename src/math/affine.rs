//! The update of a position and a momentum by one affine map, as a vector kernel: what several
//! letters of a splitting word do together.

use super::block::{Block, IDENTITY, ZERO, cholesky, product, sum};
use super::kernels::LANES;
use super::simd::Kernel;
use crate::dynamics::Transition;
use crate::real::Real;

/// z ← P z + G b + C ξ of a (position, momentum) pair. Unlike a covariance, C keeps track of which
/// normal does what.
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
/// `drift` has one block or two, as the gain asks for; `normals` has one block (ξ of the momentum
/// alone) or two. Either may be empty: then its term is left out.
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
        // A loop for each number of blocks: what is there is known while it is compiled.
        match (self.drift.len() / size.max(1), self.normals.len() / size.max(1)) {
            (0, 0) => self.update::<0, 0>(),
            (0, 1) => self.update::<0, 1>(),
            (0, _) => self.update::<0, 2>(),
            (1, 0) => self.update::<1, 0>(),
            (1, 1) => self.update::<1, 1>(),
            (1, _) => self.update::<1, 2>(),
            (_, 0) => self.update::<2, 0>(),
            (_, 1) => self.update::<2, 1>(),
            _ => self.update::<2, 2>(),
        }
    }
}

/// The numbers of a map in the precision of the state, as they meet B blocks of drift and Z of
/// normals.
#[derive(Clone, Copy)]
struct Rounded<F, const B: usize, const Z: usize> {
    propagator: [[F; 2]; 2],
    gain: [[F; B]; 2],
    noise: [[F; Z]; 2],
}

impl<F: Real, const B: usize, const Z: usize> Rounded<F, B, Z> {
    #[inline(always)]
    fn new(map: &Affine) -> Self {
        // One block of normals is that of the momentum, the last column; one block of drift is the
        // first.
        Self {
            propagator: map.propagator.map(|row| row.map(F::from_f64)),
            gain: map.gain.map(|row| std::array::from_fn(|k| F::from_f64(row[k]))),
            noise: map.noise.map(|row| std::array::from_fn(|k| F::from_f64(row[k + 2 - Z]))),
        }
    }

    /// Row r of the map on N lanes: the state, then drift and normals from the last block to the
    /// first.
    #[inline(always)]
    fn row<const N: usize>(
        &self,
        r: usize,
        z: [&[F; N]; 2],
        drift: [&[F; N]; B],
        normals: [&[F; N]; Z],
    ) -> [F; N] {
        let mut sum = [F::zero(); N];
        let p = self.propagator[r];
        for i in 0..N {
            sum[i] = p[1].fma(z[1][i], p[0] * z[0][i]);
        }
        for k in (0..B).rev() {
            for i in 0..N {
                sum[i] = self.gain[r][k].fma(drift[k][i], sum[i]);
            }
        }
        for k in (0..Z).rev() {
            for i in 0..N {
                sum[i] = self.noise[r][k].fma(normals[k][i], sum[i]);
            }
        }
        sum
    }
}

impl<F: Real> Apply<'_, F> {
    #[inline(always)]
    fn update<const B: usize, const Z: usize>(self) {
        let numbers = Rounded::<F, B, Z>::new(self.map);
        // A kick alone leaves the position where it is.
        let moves = self.map.propagator[0] != IDENTITY[0]
            || self.map.gain[0] != ZERO[0]
            || self.map.noise[0] != ZERO[0];
        let whole = self.position.len() / LANES * LANES;
        self.lanes::<LANES, B, Z>(0..whole, &numbers, moves).lanes::<1, B, Z>(
            whole..usize::MAX,
            &numbers,
            moves,
        );
    }

    /// Updates N lanes at a time, from the start of the range as far as there are whole ones.
    #[inline(always)]
    fn lanes<const N: usize, const B: usize, const Z: usize>(
        self,
        range: std::ops::Range<usize>,
        numbers: &Rounded<F, B, Z>,
        moves: bool,
    ) -> Self {
        let size = self.position.len();
        let range = range.start..range.end.min(size);
        let (positions, _) = self.position[range.clone()].as_chunks_mut::<N>();
        let (momenta, _) = self.momentum[range.clone()].as_chunks_mut::<N>();
        let block =
            |all: &'_ [F], k: usize| k * size + range.start..(k * size + range.end).min(all.len());
        let drift: [&[[F; N]]; B] =
            std::array::from_fn(|k| self.drift[block(self.drift, k)].as_chunks::<N>().0);
        let normals: [&[[F; N]]; Z] =
            std::array::from_fn(|k| self.normals[block(self.normals, k)].as_chunks::<N>().0);
        for (i, (x, m)) in positions.iter_mut().zip(momenta).enumerate() {
            let (b, z) =
                (std::array::from_fn(|k| &drift[k][i]), std::array::from_fn(|k| &normals[k][i]));
            let moved = numbers.row(1, [x, m], b, z);
            if moves {
                *x = numbers.row(0, [x, m], b, z);
            }
            *m = moved;
        }
        self
    }
}
