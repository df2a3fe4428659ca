//! The error of a trained network in a forecast, from samples of one good run with noise and one
//! without.

use ndarray::{Array2, ArrayView2};

use super::Forecast;
use super::spectrum::{Spectrum, moments};
use crate::error::{Error, Result};
use crate::math::eigen;

/// What the samples of a good run tell about a network.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    mean: Vec<f64>,
    variance: Vec<f64>,
    /// The part of the squared Fréchet distance that the eigen-directions do not see.
    rest: f64,
}

/// The error of a network, from the samples of one good run of a deterministic method and one of a
/// stochastic method, such as `dpmpp2m` and `sde-dpmpp2m` with 80 evaluations.
///
/// ```text
/// mean      m + m̄ − μ            m̄, S̄: of the samples of the run
/// variance  S S̄/ℓ                in eigen-directions with ℓ > 0
/// Fréchet   that of these, and what the run has beside its eigen-directions
/// ```
///
/// A deterministic method is calibrated by the deterministic run, a stochastic one by the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    flow: Run,
    reverse_sde: Run,
}

impl Calibration {
    /// From samples of a deterministic run, and of a stochastic one, each of shape (chains, dim).
    ///
    /// # Errors
    /// [`Error::Shape`] if their number of columns is not the dimension of the data, and those of
    /// [`frechet_distance`](crate::metrics::frechet_distance).
    pub fn new(
        data: &Spectrum,
        flow: ArrayView2<'_, f64>,
        reverse_sde: ArrayView2<'_, f64>,
    ) -> Result<Self> {
        Ok(Self { flow: Run::new(data, flow)?, reverse_sde: Run::new(data, reverse_sde)? })
    }

    /// The forecast of a perfect model, corrected for the error of the network.
    pub fn apply(&self, data: &Spectrum, forecast: &Forecast) -> Forecast {
        let run = if forecast.is_stochastic { &self.reverse_sde } else { &self.flow };
        let wanted = data.variances();
        let mean = (0..data.len()).map(|j| forecast.mean[j] + run.mean[j] - data.mean()[j]);
        let variance = (0..data.len()).map(|j| match wanted[j] > 0.0 {
            true => forecast.variance[j] * run.variance[j] / wanted[j],
            false => forecast.variance[j] + run.variance[j],
        });
        Forecast {
            mean: mean.collect(),
            variance: variance.collect(),
            is_stochastic: forecast.is_stochastic,
            rest: run.rest,
        }
    }
}

impl Run {
    fn new(data: &Spectrum, samples: ArrayView2<'_, f64>) -> Result<Self> {
        if samples.ncols() != data.len() || samples.nrows() < 2 {
            let given = format!("{:?}", samples.dim());
            let expected = format!("(chains, {}), at least two chains", data.len());
            return Err(Error::Shape { what: "samples of a calibration", given, expected });
        }
        let (mean, covariance) = moments(data.turned(samples).view());
        let variance = covariance.diag().to_vec();
        let own = Forecast { mean: mean.to_vec(), variance, is_stochastic: false, rest: 0.0 };
        let rest = (whole(data, &own.mean, &covariance) - own.frechet(data)).max(0.0);
        Ok(Self { mean: own.mean, variance: own.variance, rest })
    }
}

/// The squared Fréchet distance to the data with all covariances:
///
/// ```text
/// |m − μ|² + tr S + tr ℓ − 2 tr (ℓ^½ S ℓ^½)^½
/// ```
fn whole(data: &Spectrum, mean: &[f64], covariance: &Array2<f64>) -> f64 {
    let wanted = data.variances();
    let shift: f64 = mean.iter().zip(data.mean()).map(|(m, mu)| (m - mu) * (m - mu)).sum();
    let scaled = Array2::from_shape_fn(covariance.dim(), |(i, j)| {
        (wanted[i] * wanted[j]).sqrt() * covariance[[i, j]]
    });
    let (shared, _) = eigen::symmetric(&scaled);
    let roots: f64 = shared.iter().map(|x| x.max(0.0).sqrt()).sum();
    shift + covariance.diag().sum() + wanted.iter().sum::<f64>() - 2.0 * roots
}
