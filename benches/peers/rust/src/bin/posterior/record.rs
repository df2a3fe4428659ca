//! One line of the results: what a run cost and what it is worth, measured alike for all methods.

use std::collections::BTreeMap;

use langevin::BoxError;
use langevin::metrics::Posterior;
use langevin::ndarray::ArrayView3;
use serde::{Deserialize, Serialize};

use crate::targets::{Known, Target};

/// Means and standard deviations from a long run.
#[derive(Serialize, Deserialize)]
pub struct Reference {
    pub mean: Vec<f64>,
    pub sd: Vec<f64>,
    /// The effective sample size of the worst coordinate.
    pub ess: f64,
}

/// References by the names of targets.
pub type References = BTreeMap<String, Reference>;

/// What a method says of its run. Peers in other languages write it with the path of their draws.
#[derive(Clone, Serialize, Deserialize)]
pub struct Cost {
    pub target: String,
    pub method: String,
    pub seed: u64,
    pub chains: usize,
    /// Over all chains, with the warm-up.
    pub gradients: u64,
    /// With the warm-up, without compilation.
    pub seconds: f64,
    /// Without the warm-up.
    pub sampling: Option<f64>,
    pub compilation: Option<f64>,
    pub divergences: Option<u64>,
    /// What the method says of its own draws.
    pub verdict: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draws: Option<String>,
}

/// A line of the results.
#[derive(Serialize)]
pub struct Record {
    #[serde(flatten)]
    pub cost: Cost,
    pub hard: bool,
    pub frames: usize,
    /// Of the worst coordinate. All null if there are no draws, or not finite ones.
    pub ess: Option<f64>,
    pub r_hat: Option<f64>,
    /// The largest error of a mean, in standard deviations.
    pub mean_error: Option<f64>,
    /// The largest relative error of a standard deviation.
    pub sd_error: Option<f64>,
}

impl Record {
    /// Measures draws, (frames, chains, dim). Without frames the method failed.
    pub fn of<T: Target>(
        target: &T,
        cost: Cost,
        draws: ArrayView3<'_, f64>,
        references: &References,
    ) -> Result<Self, BoxError> {
        let frames = draws.dim().0;
        let mut record = Self {
            cost,
            hard: T::HARD,
            frames,
            ess: None,
            r_hat: None,
            mean_error: None,
            sd_error: None,
        };
        if frames == 0 || draws.iter().any(|x| !x.is_finite()) {
            return Ok(record);
        }
        let posterior = Posterior::of(draws)?;
        let all = &posterior.parameters;
        record.ess = Some(all.iter().map(|p| p.ess_bulk).fold(f64::INFINITY, f64::min));
        record.r_hat = Some(all.iter().map(|p| p.r_hat).fold(0.0, f64::max));
        let known = target.known().or_else(|| {
            let found = references.get(T::NAME)?;
            Some(Known { mean: found.mean.clone(), sd: found.sd.clone() })
        });
        if let Some(known) = known {
            let means = all.iter().zip(&known.mean).zip(&known.sd);
            let worst = means.map(|((p, mean), sd)| (p.mean - mean).abs() / sd).fold(0.0, f64::max);
            record.mean_error = Some(worst);
            let sds = all.iter().zip(&known.sd);
            record.sd_error = Some(sds.map(|(p, sd)| (p.sd / sd - 1.0).abs()).fold(0.0, f64::max));
        }
        Ok(record)
    }
}
