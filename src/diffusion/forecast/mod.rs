//! The distribution at the end of a plan ahead of time: exact means and variances for Gaussian
//! data, without sampling.
//!
//! For data N(μ, C) every prediction of a model is affine in each eigen-direction of C, and so is a
//! step of every method once its coins are fixed. Unit vectors fed through the sampler give the
//! matrices of a step, and the coins are averaged exactly:
//!
//! ```text
//! X⁺ = M X + b + Σ c z                          M, b, c depend on the coins
//! m⁺ = E[ M m + b ]
//! S⁺ = E[ M S Mᵀ + Σ c cᵀ + (M m + b − m⁺)(M m + b − m⁺)ᵀ ]
//! ```
//!
//! So the numbers are those of the sampler that runs, whatever the method, the process and the
//! grid. They tell which method explodes, how much variance is lost, and which of two budgets is
//! enough.
//!
//! They cannot see what is not Gaussian: modes, features, guidance, and what a trained network does
//! away from the data that it was trained on. [`Calibration`] adds the error of a network.

mod calibration;
mod ranking;
mod reader;
mod spectrum;

pub use calibration::Calibration;
pub use ranking::{Ranked, Ranking};
pub use spectrum::Spectrum;

use super::plan::Plan;
use crate::error::{Error, Result};
use reader::Reader;
use spectrum::Exact;

/// Mean and variance in every eigen-direction of the data, at the end of a plan.
///
/// ```
/// use langevin::diffusion::Spectrum;
/// use langevin::prelude::*;
///
/// let data = Spectrum::diagonal(vec![0.0, 0.5], vec![1.0, 0.01])?;
/// let process = Process::vp(LevelTable::linear(1000)?);
/// let error = |method: &str, evaluations| -> Result<f64> {
///     let plan = method.parse::<Method>()?.plan(&process, evaluations)?;
///     Ok(plan.forecast(&data)?.frechet(&data))
/// };
/// assert!(error("ddim", 50)? < error("ddim", 10)?);
/// assert!(error("dpmpp2m", 20)? < error("ddim", 20)?);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Forecast {
    /// The mean in every eigen-direction.
    pub mean: Vec<f64>,
    /// The variance in every eigen-direction.
    pub variance: Vec<f64>,
    /// Whether the method adds noise in its steps.
    pub is_stochastic: bool,
    /// What a calibration adds to the squared Fréchet distance.
    rest: f64,
}

impl Plan {
    /// The exact distribution at the end of this plan, for Gaussian data and a perfect model. The
    /// run starts from the prior of the process.
    ///
    /// # Errors
    /// [`Error::NotProbeable`] if coins of the method cannot be averaged exactly: for
    /// predictor–corrector methods, and where a tolerance stops rounds early. So for a plan that is
    /// held to a known part of the data.
    pub fn forecast(&self, data: &Spectrum) -> Result<Forecast> {
        let prior = Spectrum::diagonal(vec![0.0; data.len()], vec![1.0; data.len()])?;
        self.forecast_from(data, &prior)
    }

    /// The same from another start: positions with these means and variances in the
    /// eigen-directions of the data.
    ///
    /// # Errors
    /// As for [`forecast`](Self::forecast), and [`Error::Shape`] if the start has another
    /// dimension.
    pub fn forecast_from(&self, data: &Spectrum, start: &Spectrum) -> Result<Forecast> {
        if start.len() != data.len() {
            let given = format!("{} dimensions", start.len());
            let expected = format!("{}, as the data", data.len());
            return Err(Error::Shape { what: "start of a forecast", given, expected });
        }
        if self.held.is_some() {
            let reason = "a known part of the data has no place in their eigen-directions";
            return Err(Error::NotProbeable { reason });
        }
        let sampler = self.sampler::<f64>()?;
        let drift = self.drift::<f64>(Exact::new(data, self.wanted()))?;
        let mut reader = Reader::new(&*sampler, &*drift, start);
        for interval in self.grid() {
            reader.step(interval)?;
        }
        let (mean, variance) = reader.position();
        if let Some(given) = mean.iter().chain(&variance).find(|x| x.is_nan()) {
            let expected = "numbers: the method is undefined on this process";
            return Err(Error::Invalid { name: "forecast", given: *given, expected });
        }
        Ok(Forecast { mean, variance, is_stochastic: reader.is_stochastic(), rest: 0.0 })
    }
}

impl Forecast {
    /// The squared Fréchet distance to the data, Σ (m − μ)² + (√S − √ℓ)².
    ///
    /// # Panics
    /// If the data have another dimension.
    pub fn frechet(&self, data: &Spectrum) -> f64 {
        let [mean, variance] = [data.mean(), data.variances()];
        assert_eq!(self.mean.len(), mean.len(), "dimensions of the forecast and the data");
        let part = |j: usize| {
            let shift = self.mean[j] - mean[j];
            let spread = self.variance[j].max(0.0).sqrt() - variance[j].sqrt();
            shift * shift + spread * spread
        };
        (0..mean.len()).map(part).sum::<f64>() + self.rest
    }

    /// The Kullback–Leibler divergence from the data, ½ Σ (S/ℓ − 1 − log(S/ℓ) + (m − μ)²/ℓ).
    /// Variances below `floor` count as `floor`: a coordinate that never varies has none.
    ///
    /// # Panics
    /// If the data have another dimension.
    pub fn divergence(&self, data: &Spectrum, floor: f64) -> f64 {
        let [mean, variance] = [data.mean(), data.variances()];
        assert_eq!(self.mean.len(), mean.len(), "dimensions of the forecast and the data");
        let part = |j: usize| {
            let wanted = variance[j].max(floor);
            let ratio = self.variance[j].max(floor) / wanted;
            let shift = self.mean[j] - mean[j];
            0.5 * (ratio - 1.0 - libm::log(ratio) + shift * shift / wanted)
        };
        (0..mean.len()).map(part).sum()
    }
}
