//! Guidance: two drifts combined, as one of a class and one of all data.

use ndarray::{ArrayView2, ArrayViewMut2, Zip};

use super::{Drift, ScratchPool, Times};
use crate::error::{BoxError, Error, Result, finite};
use crate::real::Real;

/// Classifier-free guidance of one drift away from another.
///
/// ```text
/// b = u + w (c − u)            c: conditional, u: unconditional, w: weight
/// ```
///
/// w = 0 is u, w = 1 is c, and w > 1 goes beyond c: fewer and more typical samples of the class, no
/// longer its law. Every evaluation of this drift evaluates both. The prediction that the two
/// drifts make (score, ε or x̂₀) does not matter, as all are affine in each other.
///
/// Source: Ho & Salimans 2022 (arXiv 2207.12598), whose weight is w − 1.
///
/// ```
/// use langevin::ndarray::array;
/// use langevin::*;
///
/// let all = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 1.0)?;
/// let right = GaussianMixture::isotropic(array![[2.0]].view(), 1.0)?;
/// let guided = Guided::<f64>::new(&right, &all, 2.0)?;
/// let grid = TimeGrid::uniform(0.1, 300)?;
/// let samples = Run::new(&EulerMaruyama::new(Overdamped), &guided, grid).chains(200).run()?;
/// assert!(samples.positions().mean().unwrap() > 2.0);
/// # Ok::<(), Error>(())
/// ```
pub struct Guided<'a, F> {
    conditional: &'a dyn Drift<F>,
    unconditional: &'a dyn Drift<F>,
    weight: F,
    scratch: ScratchPool<Vec<F>>,
}

impl<'a, F: Real> Guided<'a, F> {
    /// Combines the two with this weight.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the weight is not finite, [`Error::Shape`] if the two insist on
    /// different widths.
    pub fn new(
        conditional: &'a dyn Drift<F>,
        unconditional: &'a dyn Drift<F>,
        weight: f64,
    ) -> Result<Self> {
        finite("guidance", weight)?;
        if let (Some(given), Some(expected)) = (conditional.dim(), unconditional.dim())
            && given != expected
        {
            let (given, expected) =
                (given.to_string(), format!("{expected}, as the unconditional drift"));
            return Err(Error::Shape { what: "conditional drift", given, expected });
        }
        let (weight, scratch) = (F::from_f64(weight), ScratchPool::default());
        Ok(Self { conditional, unconditional, weight, scratch })
    }
}

impl<F: Real> Drift<F> for Guided<'_, F> {
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.conditional.eval(times, x, out.view_mut())?;
        self.scratch.with(|scratch| {
            let (rows, width) = x.dim();
            scratch.resize(rows * width, F::zero());
            let mut unconditional = crate::state::columns_mut(scratch, rows, width);
            self.unconditional.eval(times, x, unconditional.view_mut())?;
            Zip::from(&mut out)
                .and(&unconditional)
                .for_each(|b, u| *b = *u + self.weight * (*b - *u));
            Ok(())
        })
    }

    fn dim(&self) -> Option<usize> {
        self.conditional.dim().or(self.unconditional.dim())
    }
}
