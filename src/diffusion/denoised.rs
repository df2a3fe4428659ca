//! The drift made of a model of noised data: the prediction that a dynamics needs, at the level of
//! its clock.

use std::marker::PhantomData;

use ndarray::{ArrayView2, ArrayViewMut2, Axis, Zip};

use super::clock::Clock;
use super::denoiser::{Denoiser, Levels, predict_with};
use super::prediction::{Factors, Prediction};
use super::schedule::Level;
use crate::drift::batch::check_rows;
use crate::drift::{Drift, Times, eval_both_ways};
use crate::error::{BoxError, Error, Result};
use crate::math::block::Block;
use crate::real::Real;
use crate::scratch::ScratchPool;

/// A drift made of a model of noised data: the prediction that a dynamics needs, at the level that
/// its clock gives for the time.
#[derive(Debug)]
pub struct Denoised<F, M> {
    model: M,
    clock: Clock,
    wanted: Prediction,
    /// What is wanted from a time on, if that is another prediction.
    later: Option<(f64, Prediction)>,
    /// What is wanted in pure noise, where it does not follow from the prediction.
    in_pure_noise: Option<Vec<F>>,
    levels: ScratchPool<Vec<Level>>,
    precision: PhantomData<fn() -> F>,
}

impl<F: Real, M: Denoiser<F>> Denoised<F, M> {
    /// The prediction `wanted` of the model, by this clock.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if `wanted` does not follow from what the model predicts at the
    /// noisiest level of the clock: ε at ᾱ = 0 says nothing about the data, except where the data
    /// are known ([`Denoiser::known_data`]): then x̂₀ is their mean. [`Error::Model`] if the
    /// model is about data and the clock about phase space, or the other way round.
    pub fn new(model: M, clock: Clock, wanted: Prediction) -> Result<Self> {
        Self::starting_at(0.0, model, clock, wanted)
    }

    /// The same for a run that starts at this time, the noisiest of it.
    pub(crate) fn starting_at(
        time: f64,
        model: M,
        clock: Clock,
        wanted: Prediction,
    ) -> Result<Self> {
        let from = model.prediction();
        let mut in_pure_noise = None;
        if matches!(clock, Clock::Phase { .. }) {
            let wants = matches!(wanted, Prediction::JointScore | Prediction::JointData);
            if !from.is_joint() || from == Prediction::JointData || !wants {
                let given = format!("a prediction of {from}, to give {wanted}");
                let expected = "a model of position and momentum, to give the joint score".into();
                return Err(Error::Model { given, expected });
            }
        } else {
            let level = clock.level(time)?;
            if from.is_joint() {
                let given = format!("a prediction of {from}, of position and momentum");
                let expected = "a model of data noised by a variance-preserving process".into();
                return Err(Error::Model { given, expected });
            }
            in_pure_noise = model.known_data().and_then(|data| match wanted {
                Prediction::Data => Some(data.mean().mapv(F::from_f64).to_vec()),
                Prediction::Velocity => Some(data.mean().mapv(|m| F::from_f64(-m)).to_vec()),
                _ => None,
            });
            let known = level == Level::PURE_NOISE && in_pure_noise.is_some();
            if !known && !from.reaches(wanted, level) {
                let from = from.name();
                let wanted = wanted.name();
                return Err(Error::Unreachable { from, wanted, alpha_bar: level.alpha_bar() });
            }
        }
        in_pure_noise = in_pure_noise.filter(|_| !from.reaches(wanted, Level::PURE_NOISE));
        let levels = ScratchPool::default();
        let later = None;
        Ok(Self { model, clock, wanted, later, in_pure_noise, levels, precision: PhantomData })
    }

    /// The same, with another prediction from a time on.
    pub(crate) fn changing(mut self, later: Option<(f64, Prediction)>) -> Self {
        self.later = later;
        self
    }

    /// What is wanted at a time.
    fn wanted_at(&self, time: f64) -> Prediction {
        match self.later {
            Some((from, later)) if time >= from => later,
            _ => self.wanted,
        }
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The model.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Turns predictions into what is wanted, in place.
    fn convert(
        &self,
        times: Times<'_>,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) {
        match (&self.clock, self.model.prediction()) {
            (Clock::Phase { process, .. }, from) => {
                if let Prediction::JointEpsilon(factor) = from {
                    let score = |level: Level| process.score_of_noise(level.tau(), factor);
                    convert_joint(levels, out.view_mut(), score);
                }
                // All rows of a batch are wanted alike, as they are of one step.
                if !out.is_empty() && self.wanted_at(times.at(0)) == Prediction::JointData {
                    turn_to_data(levels, x, out, |level| process.data_of_score(level.tau()));
                }
            }
            (_, from) => {
                let factors = |row, level| from.convert(self.wanted_at(times.at(row)), level);
                convert_data(levels, x, out.view_mut(), factors);
                if let Some(known) = &self.in_pure_noise {
                    let in_noise = |row: &usize| levels.at(*row) == Level::PURE_NOISE;
                    for row in (0..out.nrows()).filter(in_noise) {
                        out.row_mut(row).iter_mut().zip(known).for_each(|(to, x)| *to = *x);
                    }
                }
            }
        }
    }
}

impl<F: Real, M: Denoiser<F>> Denoised<F, M> {
    /// Evaluates, with the numbers of the chains if they are known.
    fn eval_some(
        &self,
        chains: Option<&[u32]>,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        match times {
            Times::Shared(time) => {
                let levels = Levels::Shared(self.clock.level(time)?);
                predict_with(&self.model, chains, levels, x, out.view_mut())?;
                self.convert(times, levels, x, out);
                Ok(())
            }
            Times::PerRow(each) => self.levels.with(|own| {
                check_rows("times of a batch", x.nrows(), each.len())?;
                own.clear();
                for time in each {
                    own.push(self.clock.level(*time)?);
                }
                let levels = Levels::PerRow(own);
                predict_with(&self.model, chains, levels, x, out.view_mut())?;
                self.convert(times, levels, x, out);
                Ok(())
            }),
        }
    }
}

impl<F: Real, M: Denoiser<F>> Drift<F> for Denoised<F, M> {
    eval_both_ways!();

    fn batch(&self) -> Option<usize> {
        self.model.batch()
    }

    fn columns(&self) -> Option<usize> {
        self.model.columns()
    }
}

/// out ← c x + d out, with factors for all rows or for each.
pub(super) fn convert_data<F: Real>(
    levels: Levels<'_>,
    x: ArrayView2<'_, F>,
    mut out: ArrayViewMut2<'_, F>,
    factors: impl Fn(usize, Level) -> Factors,
) {
    match levels {
        Levels::Shared(level) => {
            let factors = factors(0, level);
            if factors != Factors::SAME {
                let c = F::from_f64(factors.input);
                let d = F::from_f64(factors.prediction);
                out.zip_mut_with(&x, |p, x| *p = c * *x + d * *p);
            }
        }
        Levels::PerRow(levels) => {
            for (row, level) in levels.iter().enumerate() {
                let factors = factors(row, *level);
                if factors == Factors::SAME {
                    continue;
                }
                let c = F::from_f64(factors.input);
                let d = F::from_f64(factors.prediction);
                let x = x.index_axis(Axis(0), row);
                let mut out = out.index_axis_mut(Axis(0), row);
                out.zip_mut_with(&x, |p, x| *p = c * *x + d * *p);
            }
        }
    }
}

/// (x, m) ← matrix (x, m), with one matrix for all rows or one for each.
fn convert_joint<F: Real>(
    levels: Levels<'_>,
    mut out: ArrayViewMut2<'_, F>,
    matrix: impl Fn(Level) -> Block,
) {
    let dim = out.ncols() / 2;
    let (mut x, mut m) = out.view_mut().split_at(Axis(1), dim);
    let rounded = |level| matrix(level).map(|row| row.map(F::from_f64));
    match levels {
        Levels::Shared(level) => {
            let [[a, b], [c, d]] = rounded(level);
            let turn = |x: &mut F, m: &mut F| (*x, *m) = (a * *x + b * *m, c * *x + d * *m);
            Zip::from(&mut x).and(&mut m).for_each(turn);
        }
        Levels::PerRow(levels) => {
            let rows = x.rows_mut().into_iter().zip(m.rows_mut());
            for ((mut x, mut m), level) in rows.zip(levels) {
                let [[a, b], [c, d]] = rounded(*level);
                let turn = |x: &mut F, m: &mut F| (*x, *m) = (a * *x + b * *m, c * *x + d * *m);
                Zip::from(&mut x).and(&mut m).for_each(turn);
            }
        }
    }
}

/// out ← P z + Q̃ out, with matrices for all rows or for each.
fn turn_to_data<F: Real>(
    levels: Levels<'_>,
    z: ArrayView2<'_, F>,
    mut out: ArrayViewMut2<'_, F>,
    matrices: impl Fn(Level) -> [Block; 2],
) {
    let dim = out.ncols() / 2;
    let rounded = |level| matrices(level).map(|m| m.map(|row| row.map(F::from_f64)));
    let shared = match levels {
        Levels::Shared(level) => Some(rounded(level)),
        Levels::PerRow(_) => None,
    };
    for (row, mut out) in out.rows_mut().into_iter().enumerate() {
        let [p, q] = shared.unwrap_or_else(|| rounded(levels.at(row)));
        for j in 0..dim {
            let z = [z[[row, j]], z[[row, j + dim]]];
            let score = [out[j], out[j + dim]];
            let part = |i: usize| {
                (p[i][0] * z[0] + p[i][1] * z[1]) + (q[i][0] * score[0] + q[i][1] * score[1])
            };
            out[j] = part(0);
            out[j + dim] = part(1);
        }
    }
}
