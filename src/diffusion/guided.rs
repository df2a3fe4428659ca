//! Guidance: two models, or two drifts, combined, as one of a class and one of all data.

use ndarray::{ArrayView2, ArrayViewMut2, Zip};

use super::denoiser::{Denoiser, Levels};
use super::prediction::Prediction;
use crate::drift::{Drift, Times};
use crate::error::{BoxError, Error, Result, finite};
use crate::real::Real;
use crate::scratch::ScratchPool;
use crate::state::columns_mut;

/// Classifier-free guidance of one model, or drift, away from another.
///
/// ```text
/// b = u + w (c − u)            c: conditional, u: unconditional, w: weight
/// ```
///
/// w = 0 is u, w = 1 is c. With w > 1 it goes beyond c: samples are fewer and more typical of the
/// class, and no longer follow its distribution. Every evaluation evaluates both parts.
///
/// Source: Ho & Salimans 2022 (arXiv 2207.12598), whose weight is w − 1.
///
/// ```
/// use langevin::ndarray::array;
/// use langevin::prelude::*;
///
/// let all = GaussianMixture::isotropic(array![[-2.0], [2.0]].view(), 1.0)?;
/// let right = GaussianMixture::isotropic(array![[2.0]].view(), 1.0)?;
/// let guided = Guided::drifts(&right, &all, 2.0)?;
/// let sampler = EulerMaruyama::new(Overdamped);
/// let samples = Run::new(&sampler, &guided, TimeGrid::uniform(0.1, 300)?).chains(200).run()?;
/// assert!(samples.positions().mean().unwrap() > 2.0);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Guided<F, C, U> {
    conditional: C,
    unconditional: U,
    weight: f64,
    scratch: ScratchPool<Vec<F>>,
}

impl<F: Real, C, U> Guided<F, C, U> {
    /// Combines two models of noised data with this weight.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the weight is not finite, [`Error::Shape`] if the two require
    /// different numbers of columns, [`Error::Model`] if they predict different things.
    pub fn models(conditional: C, unconditional: U, weight: f64) -> Result<Self>
    where
        C: Denoiser<F>,
        U: Denoiser<F>,
    {
        check_columns(conditional.columns(), unconditional.columns())?;
        let from = conditional.prediction();
        let expected = unconditional.prediction();
        if from != expected {
            let given = format!("a conditional prediction of {from}");
            let expected = format!("{expected}, as the unconditional model predicts");
            return Err(Error::Model { given, expected });
        }
        Self::combine(conditional, unconditional, weight)
    }

    /// Combines two drifts with this weight.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the weight is not finite, [`Error::Shape`] if the two require
    /// different numbers of columns.
    pub fn drifts(conditional: C, unconditional: U, weight: f64) -> Result<Self>
    where
        C: Drift<F>,
        U: Drift<F>,
    {
        check_columns(conditional.columns(), unconditional.columns())?;
        Self::combine(conditional, unconditional, weight)
    }

    fn combine(conditional: C, unconditional: U, weight: f64) -> Result<Self> {
        finite("guidance", weight)?;
        Ok(Self { conditional, unconditional, weight, scratch: ScratchPool::default() })
    }

    /// Moves `out`, which holds c, to u + w (c − u); `write` writes u.
    fn guide(
        &self,
        mut out: ArrayViewMut2<'_, F>,
        write: impl FnOnce(ArrayViewMut2<'_, F>) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let weight = F::from_f64(self.weight);
        if !weight.is_finite() {
            let given = self.weight;
            return Err(
                format!("the guidance {given:e} is too large for {}; use f64", F::NAME).into()
            );
        }
        self.scratch.with(|scratch| {
            let (rows, columns) = out.dim();
            scratch.resize(rows * columns, F::zero());
            let mut other = columns_mut(scratch, rows, columns);
            write(other.view_mut())?;
            Zip::from(&mut out).and(&other).for_each(|b, u| *b = *u + weight * (*b - *u));
            Ok(())
        })
    }
}

fn check_columns(conditional: Option<usize>, unconditional: Option<usize>) -> Result<()> {
    match (conditional, unconditional) {
        (Some(given), Some(expected)) if given != expected => Err(Error::Shape {
            what: "columns of the conditional part",
            given: given.to_string(),
            expected: format!("{expected}, as the unconditional part has"),
        }),
        _ => Ok(()),
    }
}

impl<F: Real, C: Drift<F>, U: Drift<F>> Drift<F> for Guided<F, C, U> {
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.conditional.eval(times, x, out.view_mut())?;
        self.guide(out, |other| self.unconditional.eval(times, x, other))
    }

    fn columns(&self) -> Option<usize> {
        self.conditional.columns().or(self.unconditional.columns())
    }
}

impl<F: Real, C: Denoiser<F>, U: Denoiser<F>> Denoiser<F> for Guided<F, C, U> {
    fn prediction(&self) -> Prediction {
        self.conditional.prediction()
    }

    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.conditional.predict(levels, x, out.view_mut())?;
        self.guide(out, |other| self.unconditional.predict(levels, x, other))
    }

    fn columns(&self) -> Option<usize> {
        self.conditional.columns().or(self.unconditional.columns())
    }

    fn passes(&self) -> usize {
        self.conditional.passes() + self.unconditional.passes()
    }

    fn range(&self) -> Option<[f64; 2]> {
        self.conditional.range()
    }
}
