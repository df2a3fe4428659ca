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
        let mut sums = [[F::zero(); W]; N];
        match self.map {
            Map::Transposed => {
                for k in i..i + N {
                    self.include(&mut sums[..k - i + 1], |n| (k, i + n), &points[k]);
                }
                for (k, point) in points.iter().enumerate().skip(i + N) {
                    self.include(&mut sums, |n| (k, i + n), point);
                }
            }
            Map::Forth | Map::Back => {
                for (k, point) in points[..i].iter().enumerate() {
                    self.include(&mut sums, |n| (i + n, k), point);
                }
                for k in i..i + N {
                    self.include(&mut sums[k - i..], |n| (k + n, k), &points[k]);
                }
                for (sum, m) in sums.iter_mut().zip(&self.center[i..]) {
                    let m = F::from_f64(*m);
                    for l in 0..W {
                        sum[l] = m + sum[l];
                    }
                }
            }
        }
        for (n, sum) in sums.iter().enumerate() {
            self.write(i + n, start, sum);
        }
    }

    /// Adds a coordinate to some sums. `entry` is where the factor has its number for a sum.
    #[inline(always)]
    fn include<const W: usize>(
        &self,
        sums: &mut [[F; W]],
        entry: impl Fn(usize) -> (usize, usize),
        point: &[F; W],
    ) {
        let dim = self.center.len();
        for (n, sum) in sums.iter_mut().enumerate() {
            let (row, column) = entry(n);
            let c = F::from_f64(self.factor[row * dim + column]);
            for l in 0..W {
                sum[l] += c * point[l];
            }
        }
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
        let mut sums = [[-F::zero(); W]; N];
        for (k, point) in points[..i].iter().enumerate() {
            self.include(&mut sums, |n| (i + n, k), point);
        }
        for n in 0..N {
            let k = i + n;
            let m = F::from_f64(self.center[k]);
            let pivot = F::from_f64(self.factor[k * dim + k]);
            let mut own = points[k];
            for l in 0..W {
                own[l] = (own[l] - m - sums[n][l]) / pivot;
            }
            points[k] = own;
            self.include(&mut sums[n + 1..], |after| (k + 1 + after, k), &own);
        }
    }
}
