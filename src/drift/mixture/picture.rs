//! Samples over the density of a mixture, as a picture.

use ndarray::{ArrayView2, Axis};

use super::GaussianMixture;
use crate::error::Result;
use crate::plot;
use crate::real::Real;

impl GaussianMixture {
    /// The first one or two coordinates of samples, shape (samples, dim), over their density under
    /// the mixture, as an SVG picture.
    ///
    /// # Errors
    /// Those of [`marginal`](Self::marginal) and of the functions of [`plot`](crate::plot).
    pub fn picture<F: Real>(&self, samples: ArrayView2<'_, F>, title: &str) -> Result<String> {
        let coordinates: Vec<usize> = (0..self.dimension().min(2)).collect();
        let marginal = self.marginal(&coordinates)?;
        let log_density = |point: &[f64]| {
            let point = ArrayView2::from_shape((1, point.len()), point).ok();
            let values = point.and_then(|point| marginal.log_density(point).ok());
            values.map_or(f64::NAN, |values| values[0])
        };
        let shown = samples.select(Axis(1), &coordinates).mapv(F::widen);
        if coordinates.len() == 1 {
            let column = shown.column(0).to_vec();
            return plot::histogram_over_density(&column, |x| log_density(&[x]), title);
        }
        plot::scatter_over_density(shown.view(), log_density, title)
    }
}
