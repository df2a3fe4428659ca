//! Models of noised phase-space data, the exact one made of any model of noised data, and the
//! adapter to a drift.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::{Denoiser, Drift, Levels, Prediction, ScratchPool, Times, check_batch, with_columns};
use crate::error::{BoxError, Error, Result, positive};
use crate::math::block::Block;
use crate::real::Real;
use crate::schedule::{Factor, Level, Observation, Psld};
use crate::state::{columns, columns_mut};

/// What a model of phase-space data says about z = (x, m).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhasePrediction {
    /// The joint score ∇ log p(z).
    Score,
    /// The noise ε in both blocks, with z = e^{Fτ} (x₀, 0) + (root) ε and this root.
    Epsilon(Factor),
}

/// A model of noised phase-space data: of rows `[x | m]`, 2·dim columns.
pub trait PhaseDenoiser<F: Real>: Sync {
    /// What [`predict`](Self::predict) writes.
    fn prediction(&self) -> PhasePrediction;

    /// Writes the prediction, 2·dim columns, for every row of `z`; `taus` has τ = ∫₀ᵗ β of the
    /// rows. As for [`Drift::eval`], rows are independent, and in a run both arrays are
    /// column-major.
    ///
    /// # Errors
    /// Any error stops the run.
    fn predict(
        &self,
        taus: Times<'_>,
        z: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError>;

    /// The number of columns of z it insists on, where it does.
    fn dim(&self) -> Option<usize> {
        None
    }
}

/// The joint score of phase-space data from any model of noised data: exact where that model is.
///
/// Given x₀, z is Gaussian, so all that z says about x₀ is one number for each coordinate, y = w·z
/// = x₀ + N(0, n): data noised the ordinary way. With E the first column of e^{Fτ}, R the
/// covariance of z given x₀ and q ⟂ E:
///
/// ```text
/// w = R⁻¹E/(EᵀR⁻¹E)     n = 1/(EᵀR⁻¹E)
/// ∇ log p(z) = w · ∇ log p_n(w·z) − q (q·z)/(qᵀRq)               p_n: data with noise of variance n
/// ```
///
/// So a [`DiffusedMixture`](crate::DiffusedMixture) gives the exact score here, and a network
/// trained for a variance-preserving process samples along this one without being trained again.
pub struct Lifted<'a, F> {
    model: &'a dyn Denoiser<F>,
    process: Psld,
    scratch: ScratchPool<Scratch<F>>,
}

#[derive(Clone, Debug)]
struct Scratch<F> {
    seen: Vec<F>,
    said: Vec<F>,
    observations: Vec<Observation>,
    levels: Vec<Level>,
}

impl<F> Default for Scratch<F> {
    fn default() -> Self {
        Self { seen: Vec::new(), said: Vec::new(), observations: Vec::new(), levels: Vec::new() }
    }
}

impl<'a, F: Real> Lifted<'a, F> {
    /// The joint score under this process.
    pub fn new(model: &'a dyn Denoiser<F>, process: Psld) -> Self {
        Self { model, process, scratch: ScratchPool::default() }
    }
}

/// Factors of (x, m, what the model saw, what it said) in the score of both blocks.
fn factors(observation: &Observation, prediction: Prediction) -> [[f64; 4]; 2] {
    let Observation { weights: w, level, across: q, across_variance } = *observation;
    // The score of w·z is c (w·z) + d (prediction).
    let (c, d) = prediction.convert(Prediction::Score, level);
    [0, 1].map(|r| {
        let across = -q[r] / across_variance;
        [across * q[0], across * q[1], w[r] * c, w[r] * d]
    })
}

impl<F: Real> PhaseDenoiser<F> for Lifted<'_, F> {
    fn prediction(&self) -> PhasePrediction {
        PhasePrediction::Score
    }

    fn predict(
        &self,
        taus: Times<'_>,
        z: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let rows = z.nrows();
        let dim = z.ncols() / 2;
        check_batch("batch given to a phase-space model", 2 * dim, &z, &out)?;
        let mut result = Ok(());
        with_columns(z, out, |z, out| {
            result = self.scratch.with(|scratch| {
                let Scratch { seen, said, observations, levels } = scratch;
                observations.clear();
                match taus {
                    Times::Shared(tau) => observations.push(self.process.observation(tau)),
                    Times::PerRow(taus) => {
                        observations.extend(taus.iter().map(|tau| self.process.observation(*tau)))
                    }
                }
                levels.clear();
                levels.extend(observations.iter().map(|observation| observation.level));
                let levels = match taus {
                    Times::Shared(_) => Levels::Shared(levels[0]),
                    Times::PerRow(_) => Levels::PerRow(levels),
                };
                let size = rows * dim;
                seen.resize(size, F::zero());
                said.resize(size, F::zero());
                let (x, m) = z.split_at(size);
                let (score_x, score_m) = out.split_at_mut(size);
                let own = |row: usize| observations[row.min(observations.len() - 1)];
                by_row(rows, observations.len() == 1, |row| own(row).weights.map(F::from_f64))
                    .for_each(|(range, [a, b])| {
                        for i in range.columns(dim) {
                            seen[i] = a * x[i] + b * m[i];
                        }
                    });
                self.model.predict(
                    levels,
                    columns(seen, rows, dim),
                    columns_mut(said, rows, dim),
                )?;
                by_row(rows, observations.len() == 1, |row| {
                    factors(&own(row), self.model.prediction()).map(|row| row.map(F::from_f64))
                })
                .for_each(|(range, [f, g])| {
                    for i in range.columns(dim) {
                        score_x[i] = f[0] * x[i] + f[1] * m[i] + (f[2] * seen[i] + f[3] * said[i]);
                        score_m[i] = g[0] * x[i] + g[1] * m[i] + (g[2] * seen[i] + g[3] * said[i]);
                    }
                });
                Ok(())
            });
        });
        result
    }

    fn dim(&self) -> Option<usize> {
        self.model.dim().map(|dim| 2 * dim)
    }
}

/// Rows that have the same coefficients: all of them, or one.
struct Rows {
    rows: usize,
    row: Option<usize>,
}

impl Rows {
    /// Places in a column-major array of `dim` columns.
    fn columns(&self, dim: usize) -> std::iter::StepBy<std::ops::Range<usize>> {
        match self.row {
            None => (0..self.rows * dim).step_by(1),
            Some(row) => (row..self.rows * dim).step_by(self.rows),
        }
    }
}

/// The coefficients of all rows at once where they are shared, and of one row after the other where
/// not.
fn by_row<T>(
    rows: usize,
    shared: bool,
    coefficients: impl Fn(usize) -> T,
) -> impl Iterator<Item = (Rows, T)> {
    let parts = if shared { 0..1 } else { 0..rows };
    parts.map(move |row| (Rows { rows, row: (!shared).then_some(row) }, coefficients(row)))
}

/// The drift of the reverse process: the joint score of a model of phase-space data, at τ =
/// `horizon` − time.
pub struct PhaseDenoised<'a, F> {
    model: &'a dyn PhaseDenoiser<F>,
    process: Psld,
    horizon: f64,
    taus: ScratchPool<Vec<f64>>,
}

impl<'a, F: Real> PhaseDenoised<'a, F> {
    /// The joint score of this model of data noised by `process` from time 0 of the run, τ =
    /// `horizon` > 0, on.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the horizon is not finite and positive.
    pub fn new(model: &'a dyn PhaseDenoiser<F>, process: Psld, horizon: f64) -> Result<Self> {
        positive("horizon", horizon)?;
        Ok(Self { model, process, horizon, taus: ScratchPool::default() })
    }
}

impl<F: Real> Drift<F> for PhaseDenoised<'_, F> {
    fn eval(
        &self,
        times: Times<'_>,
        z: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let predict = |taus: Times<'_>, out: ArrayViewMut2<'_, F>| {
            let given: &[f64] = match &taus {
                Times::Shared(tau) => std::slice::from_ref(tau),
                Times::PerRow(taus) => taus,
            };
            if let Some(tau) = given.iter().copied().find(|tau| !(*tau > 0.0)) {
                let expected =
                    "a time before the end of the reverse process, where the score still exists";
                return Err(Error::Invalid { name: "tau", given: tau, expected }.into());
            }
            self.model.predict(taus, z, out)
        };
        match times {
            Times::Shared(time) => {
                let taus = Times::Shared(self.horizon - time);
                predict(taus, out.view_mut())?;
                self.to_score(taus, out);
            }
            Times::PerRow(times) => self.taus.with(|taus| {
                taus.clear();
                taus.extend(times.iter().map(|time| self.horizon - time));
                predict(Times::PerRow(taus), out.view_mut())?;
                self.to_score(Times::PerRow(taus), out);
                Ok::<(), BoxError>(())
            })?,
        }
        Ok(())
    }

    fn dim(&self) -> Option<usize> {
        self.model.dim()
    }
}

impl<F: Real> PhaseDenoised<'_, F> {
    /// Turns a prediction of ε into the score, in place.
    fn to_score(&self, taus: Times<'_>, mut out: ArrayViewMut2<'_, F>) {
        let PhasePrediction::Epsilon(factor) = self.model.prediction() else { return };
        let dim = out.ncols() / 2;
        let shared = matches!(taus, Times::Shared(_));
        let (mut x, mut m) = out.view_mut().split_at(ndarray::Axis(1), dim);
        let matrix = |tau: f64| -> Block { self.process.score_of_noise(tau, factor) };
        if shared {
            let [[a, b], [c, d]] = matrix(taus.at(0)).map(|row| row.map(F::from_f64));
            ndarray::Zip::from(&mut x)
                .and(&mut m)
                .for_each(|x, m| (*x, *m) = (a * *x + b * *m, c * *x + d * *m));
            return;
        }
        for (row, (mut x, mut m)) in x.rows_mut().into_iter().zip(m.rows_mut()).enumerate() {
            let [[a, b], [c, d]] = matrix(taus.at(row)).map(|row| row.map(F::from_f64));
            ndarray::Zip::from(&mut x)
                .and(&mut m)
                .for_each(|x, m| (*x, *m) = (a * *x + b * *m, c * *x + d * *m));
        }
    }
}
