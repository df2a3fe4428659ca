//! The vector kernel of a triangular matrix: its products and its inverse, with one row of the
//! batch per lane.

use crate::math::rows::gather;
use crate::math::simd::Kernel;
use crate::real::Real;

/// Coordinates whose sums are in registers together. Their order within a sum is that of the index,
/// whatever the group.
const GROUP: usize = 6;

/// What to do with every row y.
#[derive(Clone, Copy)]
pub(super) enum Map {
    /// m + L y
    Forth,
    /// L⁻¹ (y − m)
    Back,
    /// Lᵀ y
    Transposed,
}

/// Replaces rows, column-major, by what a map makes of them.
pub(super) struct Triangular<'a, F> {
    /// L, row by row, with zeros above the diagonal.
    pub factor: &'a [f64],
    pub center: &'a [f64],
    pub map: Map,
    pub rows: usize,
    pub values: &'a mut [F],
}

impl<F: Real> Kernel for Triangular<'_, F> {
    #[inline(always)]
    fn run(self) {
        // 64 bytes: a register of AVX-512, or two of AVX2.
        if size_of::<F>() == 4 { self.all::<16>() } else { self.all::<8>() }
    }
}

impl<F: Real> Triangular<'_, F> {
    #[inline(always)]
    fn all<const W: usize>(mut self) {
        let dim = self.center.len();
        let mut points = vec![[F::zero(); W]; dim];
        for start in (0..self.rows).step_by(W) {
            let count = W.min(self.rows - start);
            gather(self.values, self.rows, start, count, &mut points);
            if let Map::Back = self.map {
                self.solve(&mut points);
                for (j, y) in points.iter().enumerate() {
                    self.write(j, start, y);
                }
                continue;
            }
            let groups = dim / GROUP * GROUP;
            for i in (0..groups).step_by(GROUP) {
                self.group::<W, GROUP>(i, start, &points);
            }
            for i in groups..dim {
                self.group::<W, 1>(i, start, &points);
            }
        }
    }

    #[inline(always)]
    fn write<const W: usize>(&mut self, column: usize, start: usize, lanes: &[F; W]) {
        let count = W.min(self.rows - start);
        self.values[column * self.rows + start..][..count].copy_from_slice(&lanes[..count]);
    }

    /// N coordinates of a product. The corner where the triangle ends has sums of different
    /// lengths.
    #[inline(always)]
    fn group<const W: usize, const N: usize>(&mut self, i: usize, start: usize, points: &[[F; W]]) {
        let dim = self.center.len();
        let mut sums = [[F::zero(); W]; N];
        if let Map::Transposed = self.map {
            for n in 0..N {
                for k in i + n..i + N {
                    add(&mut sums[n], self.factor[k * dim + i + n], &points[k]);
                }
            }
            sums = self.add_below(i, &points[i + N..], sums);
        } else {
            sums = self.add_left(i, &points[..i], sums);
            for n in 0..N {
                let row = (i + n) * dim;
                for k in i..i + n + 1 {
                    add(&mut sums[n], self.factor[row + k], &points[k]);
                }
                let m = F::from_f64(self.center[i + n]);
                for l in 0..W {
                    sums[n][l] = m + sums[n][l];
                }
            }
        }
        for (n, sum) in sums.iter().enumerate() {
            self.write(i + n, start, sum);
        }
    }

    /// Adds what N rows of the factor have left of column i. Sums come and go by value, so that
    /// they are in registers.
    #[inline(always)]
    fn add_left<const W: usize, const N: usize>(
        &self,
        i: usize,
        points: &[[F; W]],
        mut sums: [[F; W]; N],
    ) -> [[F; W]; N] {
        let dim = self.center.len();
        let rows: [&[f64]; N] =
            std::array::from_fn(|n| &self.factor[(i + n) * dim..][..points.len()]);
        for (k, point) in points.iter().enumerate() {
            for n in 0..N {
                let c = F::from_f64(rows[n][k]);
                for l in 0..W {
                    sums[n][l] += c * point[l];
                }
            }
        }
        sums
    }

    /// Adds what N columns of the factor from i have below row i + N.
    #[inline(always)]
    fn add_below<const W: usize, const N: usize>(
        &self,
        i: usize,
        points: &[[F; W]],
        mut sums: [[F; W]; N],
    ) -> [[F; W]; N] {
        let dim = self.center.len();
        let rows = self.factor[(i + N) * dim..].chunks_exact(dim);
        for (row, point) in rows.zip(points) {
            let row = &row[i..i + N];
            for n in 0..N {
                let c = F::from_f64(row[n]);
                for l in 0..W {
                    sums[n][l] += c * point[l];
                }
            }
        }
        sums
    }

    /// Forward substitution.
    #[inline(always)]
    fn solve<const W: usize>(&self, points: &mut [[F; W]]) {
        let dim = self.center.len();
        let groups = dim / GROUP * GROUP;
        for i in (0..groups).step_by(GROUP) {
            self.solve_group::<W, GROUP>(i, points);
        }
        for i in groups..dim {
            self.solve_group::<W, 1>(i, points);
        }
    }

    #[inline(always)]
    fn solve_group<const W: usize, const N: usize>(&self, i: usize, points: &mut [[F; W]]) {
        let dim = self.center.len();
        // The neutral number of a sum: +0 would change the sign of a zero.
        let sums = self.add_left(i, &points[..i], [[-F::zero(); W]; N]);
        for (n, mut sum) in sums.into_iter().enumerate() {
            let row = &self.factor[(i + n) * dim..][..=i + n];
            for k in i..i + n {
                add(&mut sum, row[k], &points[k]);
            }
            let m = F::from_f64(self.center[i + n]);
            let pivot = F::from_f64(row[i + n]);
            let own = &mut points[i + n];
            for l in 0..W {
                own[l] = (own[l] - m - sum[l]) / pivot;
            }
        }
    }
}

#[inline(always)]
fn add<F: Real, const W: usize>(sum: &mut [F; W], factor: f64, point: &[F; W]) {
    let c = F::from_f64(factor);
    for l in 0..W {
        sum[l] += c * point[l];
    }
}
