//! Samples over the density of a mixture, as a picture.

use ndarray::{Array2, ArrayView2, Axis};

use super::GaussianMixture;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::plot;
use crate::real::Real;

impl GaussianMixture {
    /// The first one or two coordinates of samples, shape (samples, dim), over their density under
    /// the mixture, as an SVG picture.
    ///
    /// # Errors
    /// [`Error::Shape`] if the samples have another dimension, and those of the functions of
    /// [`plot`](crate::plot).
    pub fn picture<F: Real>(&self, samples: ArrayView2<'_, F>, title: &str) -> Result<String> {
        self.check(samples.dim())?;
        let coordinates: Vec<usize> = (0..self.dimension().min(2)).collect();
        let marginal = self.marginal(&coordinates)?;
        let dim = coordinates.len();
        let log_density = |points: &[[f64; 2]]| {
            let numbers = points.iter().flat_map(|point| &point[..dim]).copied().collect();
            let points = Array2::from_shape_vec((points.len(), dim), numbers).ok();
            let values = points.and_then(|points| marginal.log_density(points.view()).ok());
            values.map_or_else(Vec::new, |values| values.to_vec())
        };
        let shown = samples.select(Axis(1), &coordinates).mapv(F::widen);
        if dim == 1 {
            return plot::histogram(&shown.column(0).to_vec(), &log_density, title);
        }
        plot::scatter_over(shown.view(), &log_density, title)
    }
}
