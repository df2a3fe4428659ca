//! The transitions of many intervals at once, number by number. Dynamics of this crate compute them
//! over lanes.

use std::ops::Range;

use super::closed_form::{ClosedForm, Form};
use super::linear::ContinuousDynamics;
use super::transition::Transition;
use super::underdamped::transition_lanes;
use crate::math::block::Block;
use crate::math::simd::{Kernel, dispatch};

/// Intervals that are processed together.
const LANES: usize = 16;

/// A, G and Q of many intervals. Number s of interval i is at s · count + i. Numbers that are zero
/// because a dynamics has one block, or one input, are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transitions {
    count: usize,
    data: Vec<f64>,
}

const GAIN: usize = 4;
const COVARIANCE: usize = 8;
const SLOTS: usize = 12;

impl Transitions {
    /// Computes the transitions over these intervals.
    pub(crate) fn fill<D: ContinuousDynamics>(
        &mut self,
        dynamics: &D,
        starts: &[f64],
        lengths: &[f64],
    ) {
        self.count = lengths.len();
        self.data.resize(SLOTS * self.count, 0.0);
        match dynamics.closed_form() {
            Some(ClosedForm(Form::Overdamped)) => self.overdamped(lengths),
            Some(ClosedForm(Form::Underdamped { friction, inverse_mass })) => {
                let data = &mut self.data;
                dispatch(UnderdampedLanes { friction, inverse_mass, lengths, data });
            }
            None => {
                for (i, (start, length)) in starts.iter().zip(lengths).enumerate() {
                    let transition = dynamics.transition(*start, *length);
                    put(&mut self.data, self.count, i, &transition);
                }
            }
        }
    }

    fn overdamped(&mut self, lengths: &[f64]) {
        let count = self.count;
        self.data[..count].fill(1.0);
        self.data[GAIN * count..(GAIN + 1) * count].copy_from_slice(lengths);
        let variances = &mut self.data[COVARIANCE * count..(COVARIANCE + 1) * count];
        variances.iter_mut().zip(lengths).for_each(|(q, length)| *q = 2.0 * length);
    }

    /// The transitions of these intervals.
    pub(crate) fn of(&self, range: Range<usize>) -> Part<'_> {
        Part { count: self.count, range, data: &self.data }
    }
}

/// The transitions of consecutive intervals.
pub(crate) struct Part<'a> {
    count: usize,
    range: Range<usize>,
    data: &'a [f64],
}

impl<'a> Part<'a> {
    /// The number of intervals.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.range.len()
    }

    #[inline(always)]
    fn slot(&self, slot: usize) -> &'a [f64] {
        &self.data[slot * self.count..(slot + 1) * self.count][self.range.clone()]
    }

    /// Entry (r, k) of A, interval after interval.
    #[inline(always)]
    pub(crate) fn propagator(&self, r: usize, k: usize) -> &'a [f64] {
        self.slot(2 * r + k)
    }

    /// Entry (r, k) of G.
    #[inline(always)]
    pub(crate) fn gain(&self, r: usize, k: usize) -> &'a [f64] {
        self.slot(GAIN + 2 * r + k)
    }

    /// Entry (r, k) of Q.
    #[inline(always)]
    pub(crate) fn covariance(&self, r: usize, k: usize) -> &'a [f64] {
        self.slot(COVARIANCE + 2 * r + k)
    }
}

fn put(data: &mut [f64], count: usize, i: usize, transition: &Transition) {
    let Transition { propagator, gain, covariance } = transition;
    let numbers =
        [propagator, gain, covariance].into_iter().flat_map(|block: &Block| block.as_flattened());
    for (slot, number) in numbers.enumerate() {
        data[slot * count + i] = *number;
    }
}

/// [`Underdamped::transition`](super::LinearDynamics::transition) over lanes.
struct UnderdampedLanes<'a> {
    friction: f64,
    inverse_mass: f64,
    lengths: &'a [f64],
    data: &'a mut [f64],
}

impl Kernel for UnderdampedLanes<'_> {
    #[inline(always)]
    fn run(self) {
        let count = self.lengths.len();
        let whole = count / LANES * LANES;
        let [friction, inverse_mass] = [self.friction, self.inverse_mass];
        let (blocks, rest) = self.lengths.as_chunks::<LANES>();
        for (block, lengths) in blocks.iter().enumerate() {
            for (slot, numbers) in transition_lanes(friction, inverse_mass, lengths) {
                let to = &mut self.data[slot * count + block * LANES..][..LANES];
                to.as_chunks_mut::<LANES>().0[0] = numbers;
            }
        }
        for (i, length) in rest.iter().enumerate() {
            for (slot, [number]) in transition_lanes(friction, inverse_mass, &[*length]) {
                self.data[slot * count + whole + i] = number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamics::{Overdamped, Underdamped};

    fn compare<D: ContinuousDynamics>(dynamics: &D, lengths: &[f64]) {
        let mut all = Transitions::default();
        let starts = vec![0.0; lengths.len()];
        all.fill(dynamics, &starts, lengths);
        let blocks = dynamics.layout().blocks();
        let part = all.of(3..lengths.len());
        for (i, length) in lengths[3..].iter().enumerate() {
            let want = dynamics.transition(0.0, *length);
            for r in 0..blocks {
                for k in 0..blocks {
                    let found = [part.propagator(r, k)[i], part.covariance(r, k)[i]];
                    let want = [want.propagator[r][k], want.covariance[r][k]];
                    assert_eq!(found.map(f64::to_bits), want.map(f64::to_bits), "{length}");
                }
                let found = part.gain(r, 0)[i];
                assert_eq!(found.to_bits(), want.gain[r][0].to_bits(), "{length}");
            }
        }
    }

    #[test]
    fn lanes_have_the_bits_of_single_transitions() {
        let lengths: Vec<f64> = (0..200).map(|i| 0.61 * f64::from(i * 37 % 200) / 200.0).collect();
        compare(&Overdamped, &lengths);
        for friction in [1e-120, 1e-3, 0.3, 1.0, 2.0, 40.0, 1e110] {
            compare(&Underdamped::new(friction, 0.7).unwrap(), &lengths);
        }
    }
}
