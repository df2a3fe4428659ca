//! Linear combinations of arrays in one pass over memory, in place.

use crate::math::aligned::Aligned;
use crate::math::simd::{self, Kernel};
use crate::real::Real;
use crate::sampler::update::{lanes, lanes_mut};

/// Replaces arrays by linear combinations, all at once. Returns whether the sums are finite.
pub(super) fn sum<F: Real>(
    to: &mut [&mut [F]],
    others: &[&[F]],
    factors: &[Vec<F>],
    includes_old: bool,
) -> bool {
    let mut finite = true;
    let mut scratch = Aligned::new();
    scratch.resize(to.len() * LANES, F::zero());
    simd::dispatch(Sum {
        to,
        others,
        factors,
        includes_old,
        scratch: &mut scratch,
        finite: &mut finite,
    });
    finite
}

/// Numbers that are summed together.
const LANES: usize = 64;

/// Factors times arrays, summed in order; those of the old values, if they are included, come
/// first.
struct Sum<'a, 'b, F> {
    to: &'a mut [&'b mut [F]],
    others: &'a [&'a [F]],
    factors: &'a [Vec<F>],
    includes_old: bool,
    scratch: &'a mut [F],
    finite: &'a mut bool,
}

impl<F: Real> Kernel for Sum<'_, '_, F> {
    #[inline(always)]
    fn run(mut self) {
        let size = self.to.first().map_or(0, |to| to.len());
        let whole = size / LANES * LANES;
        for start in (0..whole).step_by(LANES) {
            self.block::<LANES>(start);
        }
        for start in whole..size {
            self.block::<1>(start);
        }
    }
}

impl<F: Real> Sum<'_, '_, F> {
    /// N numbers of every array.
    #[inline(always)]
    #[allow(clippy::eq_op)]
    fn block<const N: usize>(&mut self, start: usize) {
        let old = if self.includes_old { self.to.len() } else { 0 };
        // 0 as long as all sums are finite: x − x is NaN for others.
        let mut away = [F::zero(); N];
        for b in 0..self.to.len() {
            let mut sum = [F::zero(); N];
            for (c, factor) in self.factors[b].iter().enumerate() {
                if *factor == F::zero() {
                    continue;
                }
                let from = if c < old { &*self.to[c] } else { self.others[c - old] };
                let from: &[F; N] = lanes(from, start);
                for i in 0..N {
                    sum[i] = factor.fma(from[i], sum[i]);
                }
            }
            for i in 0..N {
                away[i] += sum[i] - sum[i];
            }
            *lanes_mut(self.scratch, b * N) = sum;
        }
        for b in 0..self.to.len() {
            *lanes_mut(self.to[b], start) = *lanes::<F, N>(self.scratch, b * N);
        }
        let mut finite = true;
        for i in 0..N {
            finite &= away[i] == F::zero();
        }
        *self.finite &= finite;
    }
}

#[cfg(test)]
mod tests {
    use super::sum;

    /// Whole blocks and a rest, against sums one by one.
    #[test]
    fn sums_are_taken_at_once_and_in_place() {
        for size in [0, 1, 63, 64, 200] {
            let array = |seed: usize| -> Vec<f64> {
                (0..size).map(|i| ((i * 37 + seed * 11) % 101) as f64 / 50.0 - 1.0).collect()
            };
            let [mut x, mut memory, output, z] = [1, 2, 3, 4].map(array);
            let factors = [vec![0.5, -0.25, 2.0, 0.0], vec![1.5, 0.0, -1.0, 0.125]];
            let expected: Vec<Vec<f64>> = factors
                .iter()
                .map(|f| {
                    let all = |i: usize| [x[i], memory[i], output[i], z[i]];
                    (0..size).map(|i| all(i).iter().zip(f).map(|(x, f)| x * f).sum()).collect()
                })
                .collect();
            assert!(sum(&mut [&mut x, &mut memory], &[&output, &z], &factors, true));
            for (found, expected) in [&x, &memory].into_iter().zip(&expected) {
                let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-15;
                assert!(found.iter().zip(expected).all(close), "{size}");
            }
            // Without the old values, and without a factor at all.
            assert!(sum(&mut [&mut x], &[&output], &[vec![3.0]], false));
            assert!(x.iter().zip(&output).all(|(x, output)| *x == 3.0 * output));
            assert!(sum(&mut [&mut x], &[&output], &[vec![0.0]], false));
            assert!(x.iter().all(|x| *x == 0.0));
            for bad in (0..size).step_by(50) {
                let mut output = output.clone();
                output[bad] = f64::MAX;
                assert!(!sum(&mut [&mut x], &[&output], &[vec![4.0]], false), "{size} {bad}");
            }
        }
    }
}
