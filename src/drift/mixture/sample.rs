//! Exact samples of a mixture, for comparison with the output of a sampler.

use ndarray::{Array2, Axis};

use super::GaussianMixture;
use super::spread::Spread;
use crate::error::{Result, count};
use crate::noise::{Address, Noise, Philox, Purpose};

impl GaussianMixture {
    /// Returns `samples` independent exact samples, shape (samples, dim). Sample i depends only on
    /// i and the seed.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if `samples` is not from 1 to 2³² − 1.
    pub fn sample(&self, samples: usize, seed: u64) -> Result<Array2<f64>> {
        count("samples", samples, 1, u32::MAX as usize, "a whole number from 1 to 4294967295")?;
        let noise = Philox::new(seed);
        let dim = self.dimension();
        let mut cumulative = self.weights().to_vec();
        for k in 1..cumulative.len() {
            cumulative[k] += cumulative[k - 1];
        }
        let last = self.weights().iter().rposition(|w| *w > 0.0).unwrap_or(0);
        let mut out = Array2::zeros((samples, dim));
        let mut normals = vec![0.0; dim];
        for (i, mut row) in out.axis_iter_mut(Axis(0)).enumerate() {
            let chain = [i as u32];
            let mut u = [0.0];
            Noise::<f64>::uniforms(&noise, Address::new(0, Purpose::Target, 0), &chain, &mut u);
            noise.normals(Address::new(0, Purpose::Target, 1), &chain, &mut normals);
            let k = cumulative.partition_point(|c| *c <= u[0]).min(last);
            row.assign(&self.means().row(k));
            match self.spread() {
                Spread::Isotropic(std) => {
                    row.iter_mut().zip(&normals).for_each(|(x, z)| *x += std * z)
                }
                Spread::Diagonal(variances) => {
                    row.iter_mut()
                        .zip(&normals)
                        .zip(variances.row(k))
                        .for_each(|((x, z), v)| *x += v.sqrt() * z);
                }
                Spread::Full(factors) => {
                    let factor = factors.index_axis(Axis(0), k);
                    for (a, x) in row.iter_mut().enumerate() {
                        *x += (0..=a).map(|b| factor[[a, b]] * normals[b]).sum::<f64>();
                    }
                }
            }
        }
        Ok(out)
    }
}
