//! A model that rounds its input to few bits, so that it is locally constant and the bits of a
//! windowed run settle.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::data_of::DataOf;
use super::denoiser::{Denoiser, Levels, predict_both_ways, predict_with};
use super::prediction::Prediction;
use crate::drift::GaussianMixture;
use crate::error::{BoxError, Result, count};
use crate::math::aligned::Aligned;
use crate::real::Real;
use crate::scratch::ScratchPool;
use crate::state::columns_mut;

/// Another model at the input rounded to a few bits of mantissa.
///
/// ```text
/// x̃ = x, rounded to k bits behind the leading one, to the nearest, ties to even
/// x̂₀ = what the model says about the data at x̃            of x̃, not of x
/// ```
///
/// A run that is parallel in time ends where model outputs no longer change by a bit. The sums of a
/// network round, so the last bit of one input changes the last bits of all outputs, and bits of a
/// network do not settle. A model that is constant near every point forgets the last bits. The
/// rounding belongs to the model: the sequential run of the rounded model has the same result.
///
/// 10 bits, those of TF32 matrix products, move the input by at most 5e-4 of itself. A model of
/// position and momentum keeps its prediction.
///
/// The rounding is ours.
#[derive(Debug)]
pub struct Rounded<F, M> {
    model: DataOf<F, M>,
    bits: u32,
    scratch: ScratchPool<Aligned<F>>,
}

impl<F: Real, M: Denoiser<F>> Rounded<F, M> {
    /// The customary number of bits.
    pub const BITS: usize = 10;

    /// This model with inputs rounded to so many bits of mantissa.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if there are no bits, or more than 52.
    pub fn new(model: M, bits: usize) -> Result<Self> {
        count("input bits", bits, 1, 52, "a whole number from 1 to 52")?;
        let model = DataOf::new(model);
        Ok(Self { model, bits: bits as u32, scratch: ScratchPool::default() })
    }
}

/// The nearest number with so many bits of mantissa, ties to even.
fn round(x: f64, bits: u32) -> f64 {
    let dropped = 52 - bits;
    if dropped == 0 || !x.is_finite() {
        return x;
    }
    let whole = x.to_bits();
    let half = (1u64 << (dropped - 1)) - 1 + (whole >> dropped & 1);
    f64::from_bits((whole + half) >> dropped << dropped)
}

impl<F: Real, M: Denoiser<F>> Rounded<F, M> {
    /// Predicts, with the numbers of the chains if they are known.
    fn predict_some(
        &self,
        chains: Option<&[u32]>,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.scratch.with(|scratch| {
            let (rows, columns) = x.dim();
            scratch.resize(rows * columns, F::zero());
            let mut rounded = columns_mut(scratch, rows, columns);
            rounded.zip_mut_with(&x, |to, x| *to = F::from_f64(round(x.widen(), self.bits)));
            if self.prediction() == Prediction::Data {
                self.model.predict(chains, levels, rounded.view(), out)
            } else {
                predict_with(&self.model.model, chains, levels, rounded.view(), out)
            }
        })
    }
}

impl<F: Real, M: Denoiser<F>> Denoiser<F> for Rounded<F, M> {
    fn prediction(&self) -> Prediction {
        let own = self.model.model.prediction();
        if own.is_joint() { own } else { Prediction::Data }
    }

    predict_both_ways!();

    fn batch(&self) -> Option<usize> {
        self.model.model.batch()
    }

    fn columns(&self) -> Option<usize> {
        self.model.model.columns()
    }

    fn passes(&self) -> usize {
        self.model.model.passes()
    }

    fn known_data(&self) -> Option<&GaussianMixture> {
        self.model.model.known_data()
    }

    fn range(&self) -> Option<[f64; 2]> {
        self.model.model.range()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_to_the_nearest_and_ties_to_even() {
        let unit = 2f64.powi(-10);
        for (x, want) in [
            (1.0 + 0.4 * unit, 1.0),
            (1.0 + 0.5 * unit, 1.0),
            (1.0 + 1.5 * unit, 1.0 + 2.0 * unit),
            (-(1.0 + 0.6 * unit), -(1.0 + unit)),
            (2.0 - 0.1 * unit, 2.0),
            (0.0, 0.0),
            (f64::INFINITY, f64::INFINITY),
        ] {
            assert_eq!(round(x, 10), want, "{x}");
            assert_eq!(round(want, 10), want);
            assert_eq!(round(x, 52), x);
        }
        assert!(round(f64::NAN, 10).is_nan());
        assert_eq!(round(-0.0, 10).to_bits(), (-0.0f64).to_bits());
    }
}
