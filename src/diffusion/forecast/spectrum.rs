//! Gaussian data by the mean and the variances of their eigen-directions, and the perfect model of
//! them.

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis};

use crate::diffusion::denoiser::{Denoiser, Levels};
use crate::diffusion::prediction::Prediction;
use crate::error::{BoxError, Error, Result, count};
use crate::math::eigen;

/// The largest dimension of a covariance whose eigen-directions are computed.
const MOST_DIMENSIONS: usize = 4096;

/// Data N(μ, C) in the eigen-directions of C.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    mean: Vec<f64>,
    variances: Vec<f64>,
    /// Eigenvectors as columns, or `None` where C is diagonal.
    basis: Option<Array2<f64>>,
}

impl Spectrum {
    /// Independent coordinates with these means and variances.
    ///
    /// # Errors
    /// [`Error::Shape`] if they are not as many, [`Error::Invalid`] if there are none, a mean is
    /// not finite, or a variance is negative or not finite.
    pub fn diagonal(mean: Vec<f64>, variances: Vec<f64>) -> Result<Self> {
        count("dimension", mean.len(), 1, u32::MAX as usize, "a whole number >= 1")?;
        if variances.len() != mean.len() {
            let given = format!("{} variances", variances.len());
            let expected = format!("{}, one for each mean", mean.len());
            return Err(Error::Shape { what: "spectrum", given, expected });
        }
        if let Some(given) = mean.iter().find(|m| !m.is_finite()) {
            let expected = "a finite number";
            return Err(Error::Invalid { name: "mean", given: *given, expected });
        }
        if let Some(given) = variances.iter().find(|v| !(**v >= 0.0 && v.is_finite())) {
            let expected = "a finite number >= 0";
            return Err(Error::Invalid { name: "variance", given: *given, expected });
        }
        Ok(Self { mean, variances, basis: None })
    }

    /// Data with this mean and covariance.
    ///
    /// # Errors
    /// [`Error::Shape`] if the covariance is not square of the length of the mean, or not
    /// symmetric; as for [`diagonal`](Self::diagonal); and [`Error::Invalid`] above 4096
    /// dimensions.
    pub fn new(mean: Array1<f64>, covariance: ArrayView2<'_, f64>) -> Result<Self> {
        let d = mean.len();
        count("dimension", d, 1, MOST_DIMENSIONS, "a whole number from 1 to 4096")?;
        let scale = covariance.iter().fold(0.0f64, |most, x| most.max(x.abs()));
        let symmetric = covariance.dim() == (d, d)
            && covariance
                .indexed_iter()
                .all(|((i, j), x)| (x - covariance[[j, i]]).abs() <= 1e-9 * scale && x.is_finite());
        if !symmetric {
            let given = format!("{:?}", covariance.dim());
            let expected = format!("({d}, {d}), symmetric and finite");
            return Err(Error::Shape { what: "covariance", given, expected });
        }
        let (variances, basis) = eigen::symmetric(&covariance.to_owned());
        // Rounding makes variances of 0 negative.
        let variances = variances.mapv(|v| if v > -1e-9 * scale { v.max(0.0) } else { v });
        let mean = eigen::product(basis.t(), mean.insert_axis(Axis(1)).view());
        let spectrum = Self::diagonal(mean.into_iter().collect(), variances.to_vec())?;
        Ok(Self { basis: Some(basis), ..spectrum })
    }

    /// The moments of data, shape (rows, dim).
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are no rows, and as for [`new`](Self::new).
    pub fn of_data(data: ArrayView2<'_, f64>) -> Result<Self> {
        count("rows of the data", data.nrows(), 1, usize::MAX, "at least one")?;
        let (mean, covariance) = moments(data);
        Self::new(mean, covariance.view())
    }

    /// The number of dimensions.
    pub fn len(&self) -> usize {
        self.mean.len()
    }

    /// Never true: there is at least one dimension.
    pub fn is_empty(&self) -> bool {
        self.mean.is_empty()
    }

    /// The mean in every eigen-direction.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The variance in every eigen-direction.
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// Samples, shape (rows, dim), in the eigen-directions.
    pub(super) fn turned(&self, samples: ArrayView2<'_, f64>) -> Array2<f64> {
        match &self.basis {
            Some(basis) => eigen::product(samples, basis.view()),
            None => samples.to_owned(),
        }
    }
}

/// Mean and covariance of rows.
pub(super) fn moments(data: ArrayView2<'_, f64>) -> (Array1<f64>, Array2<f64>) {
    let rows = data.nrows() as f64;
    let mean = data.columns().into_iter().map(|c| c.iter().sum::<f64>() / rows);
    let mean: Array1<f64> = mean.collect();
    let centred = &data - &mean;
    let covariance = eigen::gram(centred.t()) / rows;
    (mean, covariance)
}

/// The perfect model of Gaussian data in their eigen-directions. It answers what is wanted without
/// a conversion, so no digits are lost.
///
/// ```text
/// v = ᾱ ℓ + 1 − ᾱ      score = −(x − √ᾱ μ)/v      x̂₀ = (√ᾱ ℓ x + (1−ᾱ) μ)/v
/// ```
pub(super) struct Exact<'s> {
    data: &'s Spectrum,
    prediction: Prediction,
}

impl<'s> Exact<'s> {
    pub(super) fn new(data: &'s Spectrum, wanted: Prediction) -> Self {
        let native = matches!(
            wanted,
            Prediction::Score | Prediction::Epsilon | Prediction::Data | Prediction::Velocity
        );
        let other = if wanted.is_joint() { Prediction::Score } else { Prediction::Data };
        Self { data, prediction: if native { wanted } else { other } }
    }
}

impl Denoiser<f64> for Exact<'_> {
    fn prediction(&self) -> Prediction {
        self.prediction
    }

    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, f64>,
        mut out: ArrayViewMut2<'_, f64>,
    ) -> Result<(), BoxError> {
        for row in 0..x.nrows() {
            let level = levels.at(row);
            let a = level.signal();
            let s = level.noise();
            for j in 0..x.ncols() {
                let mean = self.data.mean[j];
                let variance = self.data.variances[j];
                let v = a * a * variance + s * s;
                let x = x[[row, j]];
                out[[row, j]] = match self.prediction {
                    Prediction::Score => -(x - a * mean) / v,
                    Prediction::Epsilon => s * (x - a * mean) / v,
                    Prediction::Velocity => s * (a * (1.0 - variance) * x - mean) / v,
                    _ => (a * variance * x + s * s * mean) / v,
                };
            }
        }
        Ok(())
    }

    fn columns(&self) -> Option<usize> {
        Some(self.data.len())
    }
}
