//! Gaussian mixtures: the target whose score, log density and samples are all exact; a data set is
//! one too.

mod kernel;
mod sample;
#[cfg(test)]
mod tests;

pub(crate) use kernel::Tables;

use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, ArrayView3, ArrayViewMut2, Axis};

use super::{Drift, LogDensity, Times, check_batch, with_columns};
use crate::error::{BoxError, Error, Result, count, positive};
use crate::math::eigen::gram;
use crate::math::simd;
use crate::real::Real;
use kernel::{Evaluate, Output};

/// The covariances of the components.
#[derive(Clone, Debug)]
pub(crate) enum Spread {
    /// One standard deviation each.
    Isotropic(f64),
    /// Variances by coordinate, (components, dim).
    Diagonal(Array2<f64>),
    /// Lower Cholesky factors, (components, dim, dim).
    Full(Array3<f64>),
}

/// A mixture of Gaussians, π(x) = Σ wₖ N(x; μₖ, Σₖ).
///
/// ```text
/// log π(x) = log Σ wₖ N(x; μₖ, Σₖ)             the largest exponent is subtracted before exp
/// rₖ(x)    = wₖ N(x; μₖ, Σₖ) / π(x)             responsibilities
/// score(x) = Σ rₖ(x) Σₖ⁻¹ (μₖ − x)              what the drift writes
/// ```
///
/// Parameters are f64; as a drift it works in the precision of the state. Any number of components:
/// a data set with a bandwidth is a mixture with one component for each row. Cost of a row:
/// components × dim (× dim / 2 with full covariances).
///
/// ```
/// use langevin::GaussianMixture;
/// use langevin::ndarray::array;
/// let target = GaussianMixture::isotropic(array![[-2.0, 0.0], [2.0, 0.0]].view(), 0.5)?.with_weights(&[1.0, 3.0])?;
/// assert_eq!(target.weights(), [0.25, 0.75]);
/// # Ok::<(), langevin::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GaussianMixture {
    weights: Vec<f64>,
    means: Array2<f64>,
    spread: Spread,
    single: Tables<f32>,
    double: Tables<f64>,
}

impl GaussianMixture {
    /// Components of equal weight and the same standard deviation `std`, with `means` of shape
    /// (components, dim).
    ///
    /// # Errors
    /// [`Error::Invalid`] if `std` is not finite and positive, [`Error::Shape`] if there are no
    /// means, [`Error::NonFinite`] if one is not finite.
    pub fn isotropic(means: ArrayView2<'_, f64>, std: f64) -> Result<Self> {
        positive("std", std)?;
        Self::build(means, Spread::Isotropic(std))
    }

    /// One component for each row of a data set, shape (rows, dim): its kernel density estimate
    /// with this bandwidth.
    ///
    /// # Errors
    /// As for [`isotropic`](Self::isotropic), with `bandwidth` named.
    pub fn from_data(data: ArrayView2<'_, f64>, bandwidth: f64) -> Result<Self> {
        positive("bandwidth", bandwidth)?;
        Self::build(data, Spread::Isotropic(bandwidth))
    }

    /// Components of equal weight with diagonal covariances: `variances` has the shape (components,
    /// dim) of `means`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ, [`Error::Component`] if a variance is not finite and
    /// positive.
    pub fn diagonal(means: ArrayView2<'_, f64>, variances: ArrayView2<'_, f64>) -> Result<Self> {
        if variances.dim() != means.dim() {
            return Err(Error::Shape {
                what: "variances",
                given: format!("{:?}", variances.dim()),
                expected: format!("{:?}, as the means have", means.dim()),
            });
        }
        for ((component, _), &given) in variances.indexed_iter() {
            if !(given > 0.0 && given.is_finite()) {
                return Err(Error::Component {
                    component,
                    name: "variance",
                    given,
                    expected: "a finite number > 0",
                });
            }
        }
        Self::build(means, Spread::Diagonal(variances.to_owned()))
    }

    /// Components of equal weight with full covariances, shape (components, dim, dim).
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not fit; [`Error::NotPositiveDefinite`] naming the first
    /// component whose covariance is not symmetric positive definite.
    pub fn full(means: ArrayView2<'_, f64>, covariances: ArrayView3<'_, f64>) -> Result<Self> {
        let (components, dim) = means.dim();
        if covariances.dim() != (components, dim, dim) {
            return Err(Error::Shape {
                what: "covariances",
                given: format!("{:?}", covariances.dim()),
                expected: format!("{:?}", (components, dim, dim)),
            });
        }
        let mut factors = Array3::zeros((components, dim, dim));
        for (component, covariance) in covariances.axis_iter(Axis(0)).enumerate() {
            let factor = cholesky(covariance).map_err(|(row, found, value)| {
                Error::NotPositiveDefinite { component, row, found, value }
            })?;
            factors.index_axis_mut(Axis(0), component).assign(&factor);
        }
        Self::build(means, Spread::Full(factors))
    }

    fn build(means: ArrayView2<'_, f64>, spread: Spread) -> Result<Self> {
        let (components, dim) = means.dim();
        if components == 0 || dim == 0 {
            return Err(Error::Shape {
                what: "means",
                given: format!("{:?}", means.dim()),
                expected: "at least one component and one dimension".into(),
            });
        }
        if let Some(((row, column), _)) = means.indexed_iter().find(|(_, x)| !x.is_finite()) {
            return Err(Error::NonFinite { what: "means", row, column });
        }
        let weights = vec![1.0 / components as f64; components];
        let means = means.as_standard_layout().into_owned();
        let double = Tables::<f64>::new(&weights, &means, &spread);
        let single = double.rounded();
        Ok(Self { weights, means, spread, single, double })
    }

    /// The same components with these weights, normalised to sum to 1.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is not one for each component, [`Error::Component`] if one is
    /// negative or not finite, [`Error::Invalid`] if all are zero.
    pub fn with_weights(mut self, weights: &[f64]) -> Result<Self> {
        if weights.len() != self.components() {
            return Err(Error::Shape {
                what: "weights",
                given: format!("{} numbers", weights.len()),
                expected: format!("{}, one for each component", self.components()),
            });
        }
        for (component, &given) in weights.iter().enumerate() {
            if !(given >= 0.0 && given.is_finite()) {
                return Err(Error::Component {
                    component,
                    name: "weight",
                    given,
                    expected: "a finite number >= 0",
                });
            }
        }
        let total: f64 = weights.iter().sum();
        positive("sum of the weights", total)?;
        self.weights = weights.iter().map(|w| w / total).collect();
        self.double = Tables::new(&self.weights, &self.means, &self.spread);
        self.single = self.double.rounded();
        Ok(self)
    }

    /// Number of components.
    pub fn components(&self) -> usize {
        self.means.nrows()
    }

    /// Dimension of a point.
    pub fn dimension(&self) -> usize {
        self.means.ncols()
    }

    /// The weights, summing to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The means of the components, (components, dim).
    pub fn means(&self) -> &Array2<f64> {
        &self.means
    }

    /// The mean of the mixture, (dim).
    pub fn mean(&self) -> Array1<f64> {
        ArrayView1::from(&self.weights).dot(&self.means)
    }

    /// The covariance of the mixture, (dim, dim).
    pub fn covariance(&self) -> Array2<f64> {
        let (dim, mean) = (self.dimension(), self.mean());
        let mut total = Array2::zeros((dim, dim));
        for (k, &weight) in self.weights.iter().enumerate() {
            let away = &self.means.row(k) - &mean;
            for i in 0..dim {
                for j in 0..dim {
                    total[[i, j]] += weight * away[i] * away[j];
                }
            }
            match &self.spread {
                Spread::Isotropic(std) => {
                    (0..dim).for_each(|i| total[[i, i]] += weight * std * std)
                }
                Spread::Diagonal(variances) => {
                    (0..dim).for_each(|i| total[[i, i]] += weight * variances[[k, i]])
                }
                Spread::Full(factors) => {
                    let factor = factors.index_axis(Axis(0), k);
                    total.scaled_add(weight, &gram(factor));
                }
            }
        }
        total
    }

    /// log π of every row of `x`, shape (rows, dim).
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has another width.
    pub fn log_density(&self, x: ArrayView2<'_, f64>) -> Result<Array1<f64>> {
        let out = self.output(x, 1, |out| Output::LogDensity(out))?;
        Ok(out.into_iter().collect())
    }

    /// The probability that each row of `x` belongs to each component, (rows, components).
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has another width.
    pub fn responsibilities(&self, x: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        self.output(x, self.components(), |out| Output::Responsibilities(out))
    }

    /// For each row of `x` the distance to the nearest mode in units of that mode's spread, the
    /// smallest √((x−μₖ)ᵀ Σₖ⁻¹ (x−μₖ)).
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has another width.
    pub fn distance_to_nearest_mode(&self, x: ArrayView2<'_, f64>) -> Result<Array1<f64>> {
        let out = self.output(x, 1, |out| Output::Distance(out))?;
        Ok(out.into_iter().collect())
    }

    fn check(&self, shape: (usize, usize)) -> Result<()> {
        if shape.1 == self.dimension() {
            return Ok(());
        }
        let expected = format!("(rows, {})", self.dimension());
        Err(Error::Shape { what: "points", given: format!("{shape:?}"), expected })
    }

    fn output(
        &self,
        x: ArrayView2<'_, f64>,
        width: usize,
        output: impl for<'a> Fn(&'a mut [f64]) -> Output<'a, f64>,
    ) -> Result<Array2<f64>> {
        self.check(x.dim())?;
        // Block by block: a large array of points is not copied whole.
        let mut all = Array2::zeros((x.nrows(), width));
        let (mut points, mut numbers) = (Vec::new(), Vec::new());
        for (x, mut to) in
            x.axis_chunks_iter(Axis(0), 1024).zip(all.axis_chunks_iter_mut(Axis(0), 1024))
        {
            let rows = x.nrows();
            points.clear();
            points.extend(x.t().iter().copied());
            numbers.resize(rows * width, 0.0);
            self.double.scratch.with(|scratch| {
                let output = output(&mut numbers[..rows * width]);
                simd::dispatch(Evaluate {
                    tables: &self.double,
                    rows,
                    x: &points,
                    output,
                    scratch,
                });
            });
            to.assign(&crate::state::columns(&numbers, rows, width));
        }
        Ok(all)
    }

    /// The law of some of the coordinates: a mixture of the same weights in fewer dimensions.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a coordinate is not below the dimension, [`Error::Shape`] if none is
    /// given.
    pub fn marginal(&self, coordinates: &[usize]) -> Result<Self> {
        for &j in coordinates {
            count("coordinate", j, 0, self.dimension() - 1, "a number below the dimension")?;
        }
        let means = self.means.select(Axis(1), coordinates);
        let marginal = match &self.spread {
            Spread::Isotropic(std) => Self::isotropic(means.view(), *std)?,
            Spread::Diagonal(variances) => {
                Self::diagonal(means.view(), variances.select(Axis(1), coordinates).view())?
            }
            Spread::Full(factors) => {
                let kept = coordinates.len();
                let mut covariances = Array3::zeros((self.components(), kept, kept));
                for (factor, mut to) in factors.outer_iter().zip(covariances.outer_iter_mut()) {
                    let factor = factor.select(Axis(0), coordinates);
                    to.assign(&gram(factor.view()));
                }
                Self::full(means.view(), covariances.view())?
            }
        };
        marginal.with_weights(&self.weights)
    }

    pub(crate) fn spread(&self) -> &Spread {
        &self.spread
    }
}

impl<F: Real> Drift<F> for GaussianMixture {
    fn eval(
        &self,
        _: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        check_batch("batch given to a mixture", self.dimension(), &x, &out)?;
        let (tables, rows) = (F::table(&self.single, &self.double), x.nrows());
        with_columns(x, out, |x, out| {
            tables.scratch.with(|scratch| {
                simd::dispatch(Evaluate { tables, rows, x, output: Output::Score(out), scratch });
            });
        });
        Ok(())
    }

    fn dim(&self) -> Option<usize> {
        Some(self.dimension())
    }

    fn density(&self) -> Option<&dyn LogDensity<F>> {
        Some(self)
    }
}

impl<F: Real> LogDensity<F> for GaussianMixture {
    fn log_density(&self, x: ArrayView2<'_, F>, out: &mut [f64]) -> Result<(), BoxError> {
        self.check(x.dim())?;
        let (rows, pool) = (x.nrows(), &self.double.scratch);
        pool.with(|points| {
            points.clear();
            points.extend(x.t().iter().map(|x| x.widen()));
            pool.with(|scratch| {
                let output = Output::LogDensity(out);
                simd::dispatch(Evaluate { tables: &self.double, rows, x: points, output, scratch });
            });
        });
        Ok(())
    }
}

/// Lower Cholesky factor, or the row where a pivot is not positive or the matrix not symmetric,
/// which of the two, and the number found.
fn cholesky(
    matrix: ArrayView2<'_, f64>,
) -> std::result::Result<Array2<f64>, (usize, &'static str, f64)> {
    let dim = matrix.nrows();
    let mut factor = Array2::<f64>::zeros((dim, dim));
    for i in 0..dim {
        for j in 0..=i {
            let (value, mirrored) = (matrix[[i, j]], matrix[[j, i]]);
            // Symmetric up to what a round trip through decimal digits may do, in units of the
            // standard deviations.
            let scale = (matrix[[i, i]] * matrix[[j, j]]).abs().sqrt();
            if i != j && !((value - mirrored).abs() <= 1e-9 * scale) {
                return Err((i, "asymmetry", value - mirrored));
            }
            let dot: f64 = (0..j).map(|k| factor[[i, k]] * factor[[j, k]]).sum();
            let rest = value - dot;
            if i == j {
                if !(rest > 0.0 && rest.is_finite()) {
                    return Err((i, "pivot", rest));
                }
                factor[[i, i]] = rest.sqrt();
            } else {
                factor[[i, j]] = rest / factor[[j, j]];
            }
        }
    }
    Ok(factor)
}
