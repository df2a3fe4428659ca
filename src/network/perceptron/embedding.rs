//! The vector made of the number that tells a network the time.

use super::description;
use super::tensors::Tensors;
use crate::error::Result;

/// [cos(ω₀ t), …, sin(ω₀ t), …], computed in f64 and rounded last.
#[derive(Clone)]
pub(super) struct Embedding {
    rates: Vec<f64>,
}

impl Embedding {
    pub(super) fn new(
        embedding: &description::Embedding,
        tensors: &mut Tensors<'_>,
    ) -> Result<Self> {
        let rates = match embedding {
            description::Embedding::Sinusoidal { width, max_period, scale } => {
                let half = width / 2;
                let rate =
                    |j: usize| scale * libm::exp(-libm::log(*max_period) * j as f64 / half as f64);
                (0..half).map(rate).collect()
            }
            description::Embedding::Fourier { tensor } => {
                let (_, numbers) = tensors.read(tensor, &[None], "(W/2), the frequencies")?;
                numbers.iter().map(|f| std::f64::consts::TAU * f64::from(*f)).collect()
            }
        };
        Ok(Self { rates })
    }

    pub(super) fn width(&self) -> usize {
        2 * self.rates.len()
    }

    /// Writes entry j to `out[j * stride]`.
    pub(super) fn write(&self, number: f64, out: &mut [f32], stride: usize) {
        let half = self.rates.len();
        for (j, rate) in self.rates.iter().enumerate() {
            let (sin, cos) = libm::sincos(rate * number);
            out[j * stride] = cos as f32;
            out[(half + j) * stride] = sin as f32;
        }
    }
}
