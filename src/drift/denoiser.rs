//! Models of noised data, what they predict, and the adapter that makes a drift of them.

use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use super::{Drift, ScratchPool, Times};
use crate::error::{BoxError, Error, Result};
use crate::real::Real;
use crate::schedule::{Level, LevelTable};

/// What a model of noised data says about x = √ᾱ x₀ + √(1−ᾱ) ε.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prediction {
    /// ∇ log p(x), the score of the noised law.
    Score,
    /// The noise, ε̂ = −√(1−ᾱ) score.
    Epsilon,
    /// The data, x̂₀ = (x − √(1−ᾱ) ε̂)/√ᾱ.
    Data,
    /// The velocity, √ᾱ ε̂ − √(1−ᾱ) x̂₀.
    Velocity,
}

impl Prediction {
    /// (c, d) with ε̂ = c x + d · (this prediction).
    fn to_epsilon(self, level: Level) -> (f64, f64) {
        let (a, s) = (level.signal(), level.noise());
        match self {
            Self::Score => (0.0, -s),
            Self::Epsilon => (0.0, 1.0),
            Self::Data => (1.0 / s, -a / s),
            Self::Velocity => (s, a),
        }
    }

    /// (c, d) with (`wanted`) = c x + d · (this prediction) at a level.
    pub fn convert(self, wanted: Self, level: Level) -> (f64, f64) {
        if self == wanted {
            return (0.0, 1.0);
        }
        let (a, s) = (level.signal(), level.noise());
        match (self, wanted) {
            // Directly, so that nothing is divided by a noise that vanishes.
            (Self::Velocity, Self::Data) => (a, -s),
            (Self::Data, Self::Velocity) => (a / s, -1.0 / s),
            (Self::Score, Self::Data) => (1.0 / a, s * s / a),
            (Self::Data, Self::Score) => (-1.0 / (s * s), a / (s * s)),
            _ => {
                let (c, d) = self.to_epsilon(level);
                let (x, e) = match wanted {
                    Self::Score => (0.0, -1.0 / s),
                    Self::Epsilon => (0.0, 1.0),
                    Self::Data => (1.0 / a, -s / a),
                    Self::Velocity => (-s / a, 1.0 / a),
                };
                (x + e * c, e * d)
            }
        }
    }

    /// Whether what is wanted follows from this at a level: from ε or the score alone, the data is
    /// unknown in pure noise.
    fn reaches(self, wanted: Self, level: Level) -> bool {
        let (c, d) = self.convert(wanted, level);
        c.is_finite() && d.is_finite()
    }
}

/// The levels of the rows of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Levels<'a> {
    /// All rows have this level.
    Shared(Level),
    /// Row i has level `levels[i]`.
    PerRow(&'a [Level]),
}

impl Levels<'_> {
    /// The level of a row.
    #[inline]
    pub fn at(&self, row: usize) -> Level {
        match self {
            Self::Shared(level) => *level,
            Self::PerRow(levels) => levels[row],
        }
    }
}

/// A model of noised data: a noised mixture, or a trained network.
pub trait Denoiser<F: Real>: Sync {
    /// What [`predict`](Self::predict) writes.
    fn prediction(&self) -> Prediction;

    /// Writes the prediction for every row of `x`, shape (rows, dim), at its level. As for
    /// [`Drift::eval`], rows are independent, and in a run both arrays are column-major.
    ///
    /// # Errors
    /// Any error stops the run.
    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError>;

    /// The width it insists on, where it does.
    fn dim(&self) -> Option<usize> {
        None
    }
}

/// Which level belongs to which time of a run: sampling time starts at the noise and increases
/// towards the data.
#[derive(Clone, Debug, PartialEq)]
pub enum Clock {
    /// Time s is Ornstein–Uhlenbeck time `horizon` − s.
    Reverse {
        /// The OU time at which the run starts.
        horizon: f64,
    },
    /// Time s is level n − s of a table.
    Chain(LevelTable),
    /// Every time is this level: Langevin dynamics on a noised law.
    Frozen(Level),
}

impl Clock {
    /// The level at a time. Times outside the process take its nearest end.
    pub fn level(&self, time: f64) -> Level {
        match self {
            Self::Reverse { horizon } => {
                Level::from_ou_time((horizon - time).max(0.0)).unwrap_or(Level::CLEAN)
            }
            Self::Chain(table) => table.level(table.number_at(time)),
            Self::Frozen(level) => *level,
        }
    }
}

/// A drift made of a model of noised data: the prediction that a dynamics asks for, at the level of
/// its clock.
pub struct Denoised<'a, F> {
    model: &'a dyn Denoiser<F>,
    clock: Clock,
    wanted: Prediction,
    levels: ScratchPool<Vec<Level>>,
}

impl<'a, F: Real> Denoised<'a, F> {
    /// The prediction `wanted` of the model, by this clock.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if at the clock's noisiest level what is wanted does not follow from
    /// what the model predicts: ε at ᾱ = 0 says nothing about the data.
    pub fn new(model: &'a dyn Denoiser<F>, clock: Clock, wanted: Prediction) -> Result<Self> {
        let noisiest = clock.level(0.0);
        if !model.prediction().reaches(wanted, noisiest) {
            return Err(Error::Unreachable {
                from: model.prediction(),
                wanted,
                alpha_bar: noisiest.alpha_bar(),
            });
        }
        Ok(Self { model, clock, wanted, levels: ScratchPool::default() })
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl<F: Real> Drift<F> for Denoised<'_, F> {
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let from = self.model.prediction();
        match times {
            Times::Shared(time) => {
                let level = self.clock.level(time);
                self.model.predict(Levels::Shared(level), x, out.view_mut())?;
                let (c, d) = from.convert(self.wanted, level);
                if (c, d) != (0.0, 1.0) {
                    let (c, d) = (F::from_f64(c), F::from_f64(d));
                    out.zip_mut_with(&x, |p, x| *p = c * *x + d * *p);
                }
                Ok(())
            }
            Times::PerRow(times) => self.levels.with(|levels| {
                levels.clear();
                levels.extend(times.iter().map(|time| self.clock.level(*time)));
                self.model.predict(Levels::PerRow(levels), x, out.view_mut())?;
                if from != self.wanted {
                    for (row, level) in levels.iter().enumerate() {
                        let (c, d) = from.convert(self.wanted, *level);
                        let (c, d) = (F::from_f64(c), F::from_f64(d));
                        let x = x.index_axis(Axis(0), row);
                        out.index_axis_mut(Axis(0), row)
                            .zip_mut_with(&x, |p, x| *p = c * *x + d * *p);
                    }
                }
                Ok(())
            }),
        }
    }

    fn dim(&self) -> Option<usize> {
        self.model.dim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_agree_with_the_definitions() {
        use Prediction::{Data, Epsilon, Score, Velocity};
        let (x0, noise) = (0.7, -1.3);
        for alpha_bar in [0.999_999, 0.9, 0.5, 0.01, 1e-6] {
            let level = Level::from_alpha_bar(alpha_bar).unwrap();
            let (a, s) = (level.signal(), level.noise());
            let x = a * x0 + s * noise;
            let value = |p: Prediction| match p {
                Score => -noise / s,
                Epsilon => noise,
                Data => x0,
                Velocity => a * noise - s * x0,
            };
            for from in [Score, Epsilon, Data, Velocity] {
                for wanted in [Score, Epsilon, Data, Velocity] {
                    let (c, d) = from.convert(wanted, level);
                    let found = c * x + d * value(from);
                    // Data from ε loses digits as ᾱ → 0, ε from data as ᾱ → 1: that much is in the
                    // problem.
                    let scale = value(wanted).abs() + (c * x).abs() + (d * value(from)).abs();
                    assert!(
                        (found - value(wanted)).abs() < 1e-14 * scale,
                        "{from:?} -> {wanted:?} at {alpha_bar}"
                    );
                }
            }
        }
    }

    #[test]
    fn pure_noise_says_nothing_about_the_data() {
        assert!(!Prediction::Epsilon.reaches(Prediction::Data, Level::PURE_NOISE));
        assert!(!Prediction::Score.reaches(Prediction::Velocity, Level::PURE_NOISE));
        assert!(Prediction::Velocity.reaches(Prediction::Data, Level::PURE_NOISE));
        assert!(Prediction::Data.reaches(Prediction::Epsilon, Level::PURE_NOISE));
        assert!(Prediction::Score.reaches(Prediction::Epsilon, Level::PURE_NOISE));
    }
}
