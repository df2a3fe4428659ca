//! The coefficients of the rows of a block, from each of their sources.

use super::by_index::Indexed;
use super::by_row::RowCoefficients;
use super::panel::lanes;
use crate::real::Real;

/// One coefficient for a block of lanes.
pub(super) trait Number<F>: Copy {
    fn lane(self, i: usize) -> F;
}

/// The same coefficient for all lanes.
#[derive(Clone, Copy)]
pub(super) struct Same<F>(pub(super) F);

impl<F: Real> Number<F> for Same<F> {
    #[inline(always)]
    fn lane(self, _: usize) -> F {
        self.0
    }
}

/// One coefficient for every lane.
#[derive(Clone, Copy)]
pub(super) struct Each<'a, F, const N: usize>(&'a [F; N]);

impl<F: Real, const N: usize> Number<F> for Each<'_, F, N> {
    #[inline(always)]
    fn lane(self, i: usize) -> F {
        self.0[i]
    }
}

/// A copy of one coefficient for every lane.
#[derive(Clone, Copy)]
pub(super) struct Copied<F, const N: usize>([F; N]);

impl<F: Real, const N: usize> Number<F> for Copied<F, N> {
    #[inline(always)]
    fn lane(self, i: usize) -> F {
        self.0[i]
    }
}

/// The coefficients of a block of lanes. The columns of G and C are in the order of summation.
#[derive(Clone, Copy)]
pub(super) struct Numbers<C, const M: usize, const P: usize, const Z: usize> {
    pub(super) propagator: [[C; M]; M],
    pub(super) gain: [[C; P]; M],
    pub(super) noise: [[C; Z]; M],
    /// Whether the noise of the second block reaches the first.
    pub(super) crosses: bool,
    /// For each block of normals, its column of C.
    pub(super) columns: [usize; Z],
}

impl<C: Copy, const M: usize, const P: usize, const Z: usize> Numbers<C, M, P, Z> {
    /// Row r of the update on N lanes.
    #[inline(always)]
    pub(super) fn row<F: Real, const N: usize>(
        &self,
        r: usize,
        x: [&[F; N]; M],
        b: [&[F; N]; P],
        z: [&[F; N]; Z],
    ) -> [F; N]
    where
        C: Number<F>,
    {
        let mut sum = [F::zero(); N];
        for i in 0..N {
            sum[i] = self.propagator[r][0].lane(i) * x[0][i];
        }
        self.add_terms(r, sum, x, b, z)
    }

    /// Adds the terms of row r beside that of the first block to a sum.
    #[inline(always)]
    pub(super) fn add_terms<F: Real, const N: usize>(
        &self,
        r: usize,
        mut sum: [F; N],
        x: [&[F; N]; M],
        b: [&[F; N]; P],
        z: [&[F; N]; Z],
    ) -> [F; N]
    where
        C: Number<F>,
    {
        for k in 1..M {
            for i in 0..N {
                sum[i] = self.propagator[r][k].lane(i).fma(x[k][i], sum[i]);
            }
        }
        for k in 0..P {
            for i in 0..N {
                sum[i] = self.gain[r][k].lane(i).fma(b[k][i], sum[i]);
            }
        }
        for k in 0..Z {
            if self.columns[k] <= r || self.crosses {
                for i in 0..N {
                    sum[i] = self.noise[r][k].lane(i).fma(z[k][i], sum[i]);
                }
            }
        }
        sum
    }
}

/// The coefficients of the N rows from `start` on.
#[inline(always)]
pub(super) fn by_row<F: Real, const N: usize, const M: usize, const P: usize, const Z: usize>(
    table: &RowCoefficients<F>,
    start: usize,
    inputs: [usize; P],
    columns: [usize; Z],
) -> Numbers<Each<'_, F, N>, M, P, Z> {
    let each = |slot: usize| Each(lanes(table.slot(slot), start));
    Numbers {
        propagator: std::array::from_fn(|r| {
            std::array::from_fn(|k| each(table.propagator_slot(r, k)))
        }),
        gain: std::array::from_fn(|r| inputs.map(|k| each(table.gain_slot(r, k)))),
        noise: std::array::from_fn(|r| columns.map(|k| each(table.noise_slot(r, k)))),
        crosses: false,
        columns,
    }
}

/// The same, copied out of a table.
#[inline(always)]
pub(super) fn by_index<F: Real, const N: usize, const M: usize, const P: usize, const Z: usize>(
    table: Indexed<'_, F>,
    start: usize,
    inputs: [usize; P],
    columns: [usize; Z],
) -> Numbers<Copied<F, N>, M, P, Z> {
    let index: &[u32; N] = lanes(table.index, start);
    let zero = Copied([F::zero(); N]);
    let mut numbers = Numbers {
        propagator: [[zero; M]; M],
        gain: [[zero; P]; M],
        noise: [[zero; Z]; M],
        crosses: false,
        columns,
    };
    for l in 0..N {
        let entry = &table.entries[index[l] as usize];
        for r in 0..M {
            for k in 0..M {
                numbers.propagator[r][k].0[l] = entry.propagator[r][k];
            }
            for k in 0..P {
                numbers.gain[r][k].0[l] = entry.gain[r][inputs[k]];
            }
            for k in 0..Z {
                numbers.noise[r][k].0[l] = entry.noise[r][columns[k]];
            }
        }
    }
    numbers
}
