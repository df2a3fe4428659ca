//! Networks of other processes as models: which variable they read, which number they are told, and
//! what they predict.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::denoiser::{Denoiser, Levels, predict_both_ways};
use super::prediction::Prediction;
use super::schedule::Level;
use crate::drift::batch::with_columns;
use crate::drift::{Drift, Times, eval_with};
use crate::error::{BoxError, Error, Result};
use crate::math::aligned::Aligned;
use crate::real::Real;
use crate::scratch::ScratchPool;
use crate::state::{columns, columns_mut};

/// The variable that a network reads, a multiple of y = √ᾱ x₀ + √(1−ᾱ) ε.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum InputScale {
    /// y itself, as networks of variance-preserving processes.
    Preserving,
    /// (1−t) x₀ + t ε = c y, c = 1/(√ᾱ + √(1−ᾱ)), as networks of flow matching.
    Flow,
    /// x₀ + σ ε = y/√ᾱ, as networks of variance-exploding processes.
    Exploding,
    /// (x₀ + σ ε)/√(σ² + σ_d²), as raw networks of EDM.
    Edm {
        /// Standard deviation σ_d of the data.
        sigma_data: f64,
    },
}

impl InputScale {
    /// The factor of y at a level.
    pub fn factor(self, level: Level) -> f64 {
        let a = level.signal();
        let s = level.noise();
        match self {
            Self::Preserving => 1.0,
            Self::Flow => level.flow_scale(),
            Self::Exploding => 1.0 / a,
            // c_in/√ᾱ = 1/√(1 − ᾱ + ᾱ σ_d²)
            Self::Edm { sigma_data } => 1.0 / libm::hypot(s, a * sigma_data),
        }
    }

    /// The factor of a score of the variable that turns it into the score of y.
    pub(crate) fn score_factor(self, level: Level) -> f64 {
        match self {
            Self::Edm { .. } => Self::Exploding.factor(level),
            other => other.factor(level),
        }
    }
}

/// The number that tells a network the level.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Told {
    /// t of flow matching, from 0 at the data to 1.
    FlowTime,
    /// 1000 t.
    FlowTimestep,
    /// σ.
    Sigma,
    /// log σ.
    LogSigma,
    /// ¼ log σ, as networks of EDM.
    QuarterLogSigma,
    /// log(ᾱ/(1−ᾱ)).
    LogSnr,
}

impl Told {
    /// The number at a level.
    pub fn number(self, level: Level) -> f64 {
        match self {
            Self::FlowTime => level.flow_time(),
            Self::FlowTimestep => 1000.0 * level.flow_time(),
            Self::Sigma => level.sigma(),
            Self::LogSigma => -0.5 * level.log_snr(),
            Self::QuarterLogSigma => -0.125 * level.log_snr(),
            Self::LogSnr => level.log_snr(),
        }
    }
}

/// How a network sees noised data.
///
/// | | reads | is told | predicts |
/// |---|---|---|---|
/// | [`flow`](Self::flow) | (1−t) x₀ + t ε | t | ε − x₀ |
/// | [`edm`](Self::edm) | (x₀ + σ ε)/√(σ² + σ_d²) | ¼ log σ | F of the EDM preconditioning |
/// | [`ve`](Self::ve) | x₀ + σ ε | σ | the data |
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Face {
    /// The variable that is read.
    pub input: InputScale,
    /// The number that is told.
    pub told: Told,
    /// What is predicted. A score is that of the variable; for EDM of x₀ + σ ε.
    pub prediction: Prediction,
}

impl Face {
    /// A network of flow matching that predicts ε − x₀ and is told t.
    pub fn flow() -> Self {
        Self { input: InputScale::Flow, told: Told::FlowTime, prediction: Prediction::Flow }
    }

    /// A raw network of EDM, for data of standard deviation σ_d = `sigma_data`, customarily 0.5.
    pub fn edm(sigma_data: f64) -> Self {
        let prediction = Prediction::Edm { sigma_data };
        Self { input: InputScale::Edm { sigma_data }, told: Told::QuarterLogSigma, prediction }
    }

    /// A network of a variance-exploding process that predicts the data and is told σ, such as D of
    /// EDM with its preconditioning inside.
    pub fn ve() -> Self {
        Self { input: InputScale::Exploding, told: Told::Sigma, prediction: Prediction::Data }
    }

    /// The same network, told another number.
    pub fn telling(self, told: Told) -> Self {
        Self { told, ..self }
    }

    /// The same network with another prediction.
    pub fn predicting(self, prediction: Prediction) -> Self {
        Self { prediction, ..self }
    }
}

/// A model of noised data made of a network of another process: its function of the numbers told
/// and the variable read, and its [`Face`].
///
/// ```
/// use langevin::diffusion::{Face, Faced};
/// use langevin::prelude::*;
///
/// // The exact velocity of flow matching for data N(0, 1): ε − x₀ given x_f.
/// let velocity = Batched::any(|times: Times<'_>, x, mut out| {
///     for ((row, column), v) in out.indexed_iter_mut() {
///         let t = times.at(row);
///         *v = (2.0 * t - 1.0) / (t * t + (1.0 - t) * (1.0 - t)) * x[[row, column]];
///     }
///     Ok(())
/// });
/// let model = Faced::new(Face::flow(), velocity);
/// let plan = "dpmpp2m".parse::<Method>()?.plan(&Process::flow(1.0)?, 20)?;
/// let samples = plan.run(&model)?.start_normal(2).chains(1000).seed(7).run()?;
/// let variance = samples.positions().mapv(|x: f64| x * x).sum() / 2000.0;
/// assert!((variance - 1.0).abs() < 0.1, "{variance}");
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Faced<F, N> {
    network: N,
    face: Face,
    scratch: ScratchPool<Scratch<F>>,
}

/// Working memory: what the network reads and is told.
#[derive(Clone, Debug)]
struct Scratch<F> {
    input: Aligned<F>,
    times: Vec<f64>,
}

impl<F> Default for Scratch<F> {
    fn default() -> Self {
        Self { input: Aligned::new(), times: Vec::new() }
    }
}

impl<F: Real, N: Drift<F>> Faced<F, N> {
    /// A model made of a network, which is a drift: times are the numbers told.
    pub fn new(face: Face, network: N) -> Self {
        Self { network, face, scratch: ScratchPool::default() }
    }

    /// How the network sees noised data.
    pub fn face(&self) -> Face {
        self.face
    }
}

impl<F: Real, N: Drift<F>> Faced<F, N> {
    /// Predicts, with the numbers of the chains if they are known.
    fn predict_some(
        &self,
        chains: Option<&[u32]>,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let rows = x.nrows();
        let width = x.ncols();
        check_input(self.face.input, levels)?;
        let mut result = Ok(());
        with_columns(x, out, |x, out| {
            result = self.scratch.with(|Scratch { input, times }| {
                input.clear();
                input.extend_from_slice(x);
                scale_rows(levels, rows, input, |level| self.face.input.factor(level));
                let input = columns(input, rows, width);
                let told = |level| self.face.told.number(level);
                match levels {
                    Levels::Shared(level) => {
                        let times = Times::Shared(told(level));
                        eval_with(
                            &self.network,
                            chains,
                            times,
                            input,
                            columns_mut(out, rows, width),
                        )
                    }
                    Levels::PerRow(levels) => {
                        times.clear();
                        times.extend(levels.iter().map(|level| told(*level)));
                        let times = Times::PerRow(times);
                        eval_with(
                            &self.network,
                            chains,
                            times,
                            input,
                            columns_mut(out, rows, width),
                        )
                    }
                }
            });
            if self.face.prediction == Prediction::Score {
                scale_rows(levels, rows, out, |level| self.face.input.score_factor(level));
            }
        });
        result
    }
}

impl<F: Real, N: Drift<F>> Denoiser<F> for Faced<F, N> {
    fn prediction(&self) -> Prediction {
        self.face.prediction
    }

    predict_both_ways!();

    fn batch(&self) -> Option<usize> {
        self.network.batch()
    }

    fn columns(&self) -> Option<usize> {
        self.network.columns()
    }
}

/// Refuses pure noise for a network that reads x₀ + σ ε: there σ is infinite.
pub(crate) fn check_input(scale: InputScale, levels: Levels<'_>) -> Result<()> {
    let in_noise = match levels {
        Levels::Shared(level) => level == Level::PURE_NOISE,
        Levels::PerRow(levels) => levels.contains(&Level::PURE_NOISE),
    };
    if !in_noise || scale != InputScale::Exploding {
        return Ok(());
    }
    let given = "pure noise, where sigma is infinite".into();
    let expected = "a noised level, for a network that reads x0 + sigma epsilon; \
                    take a grid that begins below, as grid=exponential:sigma-max=80"
        .into();
    Err(Error::Model { given, expected })
}

/// Multiplies column-major rows by a factor of their level: y by [`InputScale::factor`] is what a
/// network reads, and its score by [`InputScale::score_factor`] the score of y.
pub(crate) fn scale_rows<F: Real>(
    levels: Levels<'_>,
    rows: usize,
    numbers: &mut [F],
    factor: impl Fn(Level) -> f64,
) {
    match levels {
        Levels::Shared(level) => {
            let factor = F::from_f64(factor(level));
            numbers.iter_mut().for_each(|x| *x = factor * *x);
        }
        Levels::PerRow(levels) => {
            for (row, level) in levels.iter().enumerate() {
                let factor = F::from_f64(factor(*level));
                numbers.iter_mut().skip(row).step_by(rows).for_each(|x| *x = factor * *x);
            }
        }
    }
}
