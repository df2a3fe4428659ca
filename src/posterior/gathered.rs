//! What runs with the same settings have left: frames, and gradients at some of them.

use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView3, Axis, concatenate, s};

use super::pair::{Pair, Path, drift_at};
use super::scaling::{about_medians, quantile};
use super::tuned::Tuned;
use crate::drift::{Drift, Scale};
use crate::error::Result;
use crate::math::eigen::norm;

/// Frames between two at which gradients are taken.
const THIN: usize = 2;
/// Distances from the middle, in the median one, beyond which a chain may be lost.
const FAR: f64 = 20.0;
/// The least of −(y − m)·b per dimension of a chain that is lost.
const STEEP: f64 = 10.0;

/// Runs that continue one another, as one.
pub(super) struct Gathered {
    pub pair: Pair,
    /// Steps between two frames.
    pub interval: usize,
    /// Some positions in the coordinates of the scale, and the drift there, (frames, chains, dim).
    pub positions: Array3<f64>,
    pub gradients: Array3<f64>,
}

impl Gathered {
    pub(super) fn new<D: Drift<f64>>(
        drift: &D,
        tuned: &Tuned,
        pair: Pair,
        interval: usize,
    ) -> Result<Self> {
        let frames = thinned(pair.own.frames.view());
        let mut gradients = Array3::zeros(frames.raw_dim());
        for (i, frame) in frames.outer_iter().enumerate() {
            let b = drift_at(drift, frame)?;
            gradients.index_axis_mut(Axis(0), i).assign(&tuned.scale().transposed(b.view()));
        }
        Ok(Self::with_gradients(tuned, pair, interval, gradients))
    }

    /// The same where the gradients are known.
    pub(super) fn with_gradients(
        tuned: &Tuned,
        pair: Pair,
        interval: usize,
        gradients: Array3<f64>,
    ) -> Self {
        let mut positions = Array3::zeros(gradients.raw_dim());
        let frames = thinned(pair.own.frames.view());
        for (mut to, frame) in positions.outer_iter_mut().zip(frames.outer_iter()) {
            to.assign(&tuned.scale().to_y(frame));
        }
        Self { pair, interval, positions, gradients }
    }

    /// Adds a run that begins where these end.
    pub(super) fn append<D: Drift<f64>>(
        &mut self,
        drift: &D,
        tuned: &Tuned,
        pair: Pair,
    ) -> Result<()> {
        let next = Self::new(drift, tuned, pair, self.interval)?;
        self.positions = joined(self.positions.view(), next.positions.view());
        self.gradients = joined(self.gradients.view(), next.gradients.view());
        self.pair.own.append(next.pair.own);
        if let (Some(halved), Some(next)) = (&mut self.pair.halved, next.pair.halved) {
            halved.append(next);
        }
        Ok(())
    }

    /// Where chains are, but for lost ones, which are put where others are.
    ///
    /// A chain is lost if it is far outside of all others and has been falling all the time: the
    /// gradient towards the middle has hardly changed, and it is steep. E[(y − m)·b] is −dim in any
    /// equilibrium, and −10 dim or less here. In a mode of its own, or in a wide and flat part of
    /// the density, a chain stays.
    pub(super) fn without_lost(&self, scale: &Scale) -> Array2<f64> {
        let mut positions = self.pair.own.end.positions.clone();
        let y = about_medians(scale.to_y(positions.view()));
        let distances: Vec<f64> = y.rows().into_iter().map(norm).collect();
        let far = FAR * quantile(distances.iter().copied(), 0.5);
        let others: Vec<usize> = (0..distances.len()).filter(|k| distances[*k] <= far).collect();
        for (chain, distance) in distances.iter().enumerate() {
            if *distance > far && self.falls(chain, y.row(chain)) {
                let place = positions.row(others[chain % others.len()]).to_owned();
                positions.row_mut(chain).assign(&place);
            }
        }
        positions
    }

    /// Whether the gradient of a chain along the way from the middle leads back to it, is steep,
    /// and has a mean larger than its spread.
    fn falls(&self, chain: usize, direction: ArrayView1<'_, f64>) -> bool {
        let along = self.gradients.index_axis(Axis(1), chain).dot(&direction);
        let mean = along.mean().unwrap_or(0.0);
        let is_steep = mean < -STEEP * direction.len() as f64;
        is_steep && 2.0 * mean * mean > along.dot(&along) / along.len() as f64
    }

    /// Keeps every second frame, the last one among them.
    pub(super) fn thin(&mut self) {
        self.interval *= 2;
        for some in [&mut self.positions, &mut self.gradients] {
            *some = some.slice(s![..;2, .., ..]).to_owned();
        }
        for path in [Some(&mut self.pair.own), self.pair.halved.as_mut()].into_iter().flatten() {
            let first = (path.frames.dim().0 + 1) % 2;
            path.frames = path.frames.slice(s![first..;2, .., ..]).to_owned();
        }
    }
}

impl Path {
    /// Adds a run that begins where this one ends.
    fn append(&mut self, next: Self) {
        let share = next.steps as f64 / (self.steps + next.steps) as f64;
        let mixed = |a: f64, b: f64| a + share * (b - a);
        self.frames = joined(self.frames.view(), next.frames.view());
        let kinetic = self.kinetic.iter().zip(&next.kinetic).map(|(a, b)| mixed(*a, *b));
        self.kinetic = Array1::from_iter(kinetic);
        self.acceptance = self.acceptance.zip(next.acceptance).map(|(a, b)| mixed(a, b));
        self.tests.iter_mut().zip(next.tests).for_each(|(all, next)| *all += next);
        self.steps += next.steps;
        self.end = next.end;
    }
}

/// The frames at which gradients are taken.
pub(super) fn thinned(frames: ArrayView3<'_, f64>) -> ArrayView3<'_, f64> {
    frames.slice_move(s![..;THIN, .., ..])
}

fn joined(first: ArrayView3<'_, f64>, second: ArrayView3<'_, f64>) -> Array3<f64> {
    concatenate(Axis(0), &[first, second]).expect("frames of one shape")
}
