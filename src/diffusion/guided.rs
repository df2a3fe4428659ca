//! Guidance: two models, or two drifts, combined, as one of a class and one of all data.

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, Zip};

use super::denoiser::{Denoiser, Levels, predict_both_ways, predict_with};
use super::prediction::Prediction;
use super::schedule::Level;
use crate::drift::{Drift, Times};
use crate::error::{BoxError, Error, Result, finite};
use crate::math::aligned::Aligned;
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
/// class, and no longer follow its distribution. Every evaluation evaluates both parts, except
/// outside of an [interval](Self::in_interval). With a smaller or less trained model of the same
/// condition as u it is autoguidance (Karras et al. 2024, arXiv 2406.02507).
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
    /// The noise σ at which it guides: above the first, up to the second.
    interval: Option<[f64; 2]>,
    /// φ, the share of the result whose spread is that of c.
    rescale: f64,
    scratch: ScratchPool<Scratch<F>>,
}

/// Room for the other part, and for the rows that are guided.
#[derive(Debug)]
struct Scratch<F> {
    other: Aligned<F>,
    x: Aligned<F>,
    rows: Vec<usize>,
    levels: Vec<Level>,
    chains: Vec<u32>,
}

impl<F> Default for Scratch<F> {
    fn default() -> Self {
        Self {
            other: Aligned::new(),
            x: Aligned::new(),
            rows: Vec::new(),
            levels: Vec::new(),
            chains: Vec::new(),
        }
    }
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
        let scratch = ScratchPool::default();
        Ok(Self { conditional, unconditional, weight, interval: None, rescale: 0.0, scratch })
    }

    /// Guides models only where the noise σ = √((1−ᾱ)/ᾱ) is above the first number and not above
    /// the second. Elsewhere the result is c, and u is not asked.
    ///
    /// Source: Kynkäänniemi et al. 2024 (arXiv 2404.07724).
    ///
    /// # Errors
    /// [`Error::Invalid`] if an end is negative or not finite, or they are not in order.
    pub fn in_interval(self, interval: [f64; 2]) -> Result<Self>
    where
        C: Denoiser<F>,
        U: Denoiser<F>,
    {
        let [low, high] = interval;
        if !(low >= 0.0 && low < high && high.is_finite()) {
            let given = if low >= 0.0 && low.is_finite() { high } else { low };
            let expected = "two finite numbers >= 0, the first below the second";
            return Err(Error::Invalid { name: "guidance interval", given, expected });
        }
        Ok(Self { interval: Some(interval), ..self })
    }

    /// Mixes the result of guided models with one that has the spread of c, in the share φ:
    ///
    /// ```text
    /// b ← φ b std(c)/std(b) + (1 − φ) b            std over the coordinates of a row
    /// ```
    ///
    /// It is of the raw prediction of the models, as in diffusers: so a model of noise and one of
    /// data differ. A row without spread stays as it is. Customary: 0.7.
    ///
    /// Source: Lin et al. 2023 (arXiv 2305.08891).
    ///
    /// # Errors
    /// [`Error::Invalid`] if the share is not in [0, 1].
    pub fn rescaled(self, share: f64) -> Result<Self>
    where
        C: Denoiser<F>,
        U: Denoiser<F>,
    {
        if !(0.0..=1.0).contains(&share) {
            let expected = "a number in [0, 1]";
            return Err(Error::Invalid { name: "guidance rescale", given: share, expected });
        }
        Ok(Self { rescale: share, ..self })
    }

    /// The weight, if the precision can hold it.
    fn weight(&self) -> Result<F, BoxError> {
        let weight = F::from_f64(self.weight);
        if weight.is_finite() {
            return Ok(weight);
        }
        let given = self.weight;
        Err(format!("the guidance {given:e} is too large for {}; use f64", F::NAME).into())
    }

    /// Whether it guides at a level.
    fn guides(&self, level: Level) -> bool {
        let inside = |[low, high]: [f64; 2]| low < level.sigma() && level.sigma() <= high;
        self.interval.is_none_or(inside)
    }

    /// Moves `out`, which holds c, to u + w (c − u); `write` writes u.
    fn guide(
        &self,
        mut out: ArrayViewMut2<'_, F>,
        write: impl FnOnce(ArrayViewMut2<'_, F>) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let weight = self.weight()?;
        self.scratch.with(|scratch| {
            let (rows, columns) = out.dim();
            scratch.other.resize(rows * columns, F::zero());
            scratch.other.fill(F::nan());
            let mut other = columns_mut(&mut scratch.other, rows, columns);
            write(other.view_mut())?;
            if self.rescale == 0.0 {
                Zip::from(&mut out).and(&other).for_each(|b, u| *b = *u + weight * (*b - *u));
                return Ok(());
            }
            for (row, u) in out.rows_mut().into_iter().zip(other.rows()) {
                self.guide_row(weight, row, u);
            }
            Ok(())
        })
    }

    /// The same for those rows whose level is inside the interval.
    fn guide_some(
        &self,
        chains: Option<&[u32]>,
        levels: &[Level],
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError>
    where
        U: Denoiser<F>,
    {
        let weight = self.weight()?;
        self.scratch.with(|scratch| {
            let Scratch { other, x: inputs, rows, levels: inside, chains: own } = scratch;
            rows.clear();
            rows.extend((0..levels.len()).filter(|row| self.guides(levels[*row])));
            if rows.is_empty() {
                return Ok(());
            }
            inside.clear();
            inside.extend(rows.iter().map(|row| levels[*row]));
            let count = rows.len();
            inputs.resize(count * x.ncols(), F::zero());
            other.clear();
            other.resize(count * x.ncols(), F::nan());
            let mut inputs = columns_mut(inputs, count, x.ncols());
            for (mut to, row) in inputs.rows_mut().into_iter().zip(&*rows) {
                to.assign(&x.row(*row));
            }
            let mut other = columns_mut(other, count, x.ncols());
            let inside = Levels::PerRow(inside);
            own.clear();
            let own = chains.map(|all| {
                own.extend(rows.iter().map(|row| all[*row]));
                &own[..]
            });
            predict_with(&self.unconditional, own, inside, inputs.view(), other.view_mut())?;
            for (u, row) in other.rows().into_iter().zip(&*rows) {
                self.guide_row(weight, out.row_mut(*row), u);
            }
            Ok(())
        })
    }

    /// Moves a row c to u + w (c − u), rescaled.
    fn guide_row(&self, weight: F, mut row: ArrayViewMut1<'_, F>, u: ArrayView1<'_, F>) {
        let before = if self.rescale == 0.0 { 0.0 } else { spread(row.view()) };
        Zip::from(&mut row).and(&u).for_each(|b, u| *b = *u + weight * (*b - *u));
        if self.rescale == 0.0 {
            return;
        }
        let ratio = before / spread(row.view());
        if ratio.is_finite() {
            let factor = self.rescale * ratio + (1.0 - self.rescale);
            row.mapv_inplace(|b| F::from_f64(factor * b.widen()));
        }
    }
}

/// The standard deviation of the numbers of a row.
fn spread<F: Real>(row: ArrayView1<'_, F>) -> f64 {
    let count = row.len() as f64;
    let mean = row.iter().map(|x| x.widen()).sum::<f64>() / count;
    let squares: f64 = row.iter().map(|x| (x.widen() - mean) * (x.widen() - mean)).sum();
    (squares / count).sqrt()
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

    fn eval_chains(
        &self,
        chains: &[u32],
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self.conditional.eval_chains(chains, times, x, out.view_mut())?;
        self.guide(out, |other| self.unconditional.eval_chains(chains, times, x, other))
    }

    fn batch(&self) -> Option<usize> {
        self.conditional.batch().max(self.unconditional.batch())
    }

    fn columns(&self) -> Option<usize> {
        self.conditional.columns().or(self.unconditional.columns())
    }
}

impl<F: Real, C: Denoiser<F>, U: Denoiser<F>> Guided<F, C, U> {
    /// Predicts, with the numbers of the chains if they are known.
    fn predict_some(
        &self,
        chains: Option<&[u32]>,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        predict_with(&self.conditional, chains, levels, x, out.view_mut())?;
        match (self.interval, levels) {
            (Some(_), Levels::Shared(level)) if !self.guides(level) => Ok(()),
            (Some(_), Levels::PerRow(levels)) => self.guide_some(chains, levels, x, out),
            _ => self.guide(out, |out| predict_with(&self.unconditional, chains, levels, x, out)),
        }
    }
}

impl<F: Real, C: Denoiser<F>, U: Denoiser<F>> Denoiser<F> for Guided<F, C, U> {
    fn prediction(&self) -> Prediction {
        self.conditional.prediction()
    }

    predict_both_ways!();

    fn batch(&self) -> Option<usize> {
        self.conditional.batch().max(self.unconditional.batch())
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
