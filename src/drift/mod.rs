//! Drifts: the expensive part b(x, t) of an equation, in batches. A score, a posterior's gradient,
//! a network.

mod counted;
mod denoiser;
mod density;
pub(crate) mod diffused;
mod guided;
mod logistic_regression;
pub(crate) mod mixture;
mod per_row;
mod phase;
mod scratch;

pub use counted::Counted;
pub use denoiser::{Clock, Denoised, Denoiser, Levels, Prediction};
pub use density::{LogDensity, WithDensity};
pub use diffused::DiffusedMixture;
pub use guided::Guided;
pub use logistic_regression::LogisticRegression;
pub use mixture::GaussianMixture;
pub use per_row::PerRow;
pub use phase::{Lifted, PhaseDenoised, PhaseDenoiser, PhasePrediction};

pub(crate) use scratch::ScratchPool;

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::error::{BoxError, Error, Result};
use crate::grid::Step;
use crate::real::Real;
use crate::state::{columns, columns_mut};

/// The times of the rows of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Times<'a> {
    /// All rows have this time.
    Shared(f64),
    /// Row i has time `times[i]`.
    PerRow(&'a [f64]),
}

impl Times<'_> {
    /// The time of a row.
    #[inline]
    pub fn at(&self, row: usize) -> f64 {
        match self {
            Self::Shared(time) => *time,
            Self::PerRow(times) => times[row],
        }
    }
}

/// The drift b(x, t) of an equation, for a batch of rows.
///
/// For Langevin dynamics on a density π it is the score ∇ log π(x), whatever the normalisation of
/// π, and the time (that of the run) is usually ignored. Closures are drifts:
///
/// ```
/// use langevin::{BoxError, Drift, Times};
/// use langevin::ndarray::{ArrayView2, ArrayViewMut2, array};
///
/// // The score of a standard normal.
/// let score = |_: Times, x: ArrayView2<f64>, mut out: ArrayViewMut2<f64>| -> Result<(), BoxError> {
///     out.zip_mut_with(&x, |b, x| *b = -x);
///     Ok(())
/// };
/// let mut out = array![[0.0, 0.0]];
/// Drift::eval(&score, Times::Shared(0.0), array![[1.0, 2.0]].view(), out.view_mut()).unwrap();
/// assert_eq!(out, array![[-1.0, -2.0]]);
/// ```
///
/// [`PerRow`] makes a drift of a function of one point. Rows are independent: a drift must not let
/// one row's result depend on the others, or runs would depend on how chains are cut into chunks.
pub trait Drift<F: Real>: Sync {
    /// Writes b(x, t) for every row of `x`, shape (rows, width), to `out`, same shape. `out` holds
    /// old numbers; every one must be overwritten. In a run both are column-major: every column is
    /// contiguous.
    ///
    /// # Errors
    /// Any error stops the run, which reports step, time and the first chain of the batch. To fail
    /// softly, write NaN into the rows concerned; the run's policy for non-finite chains then
    /// decides.
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError>;

    /// The width it insists on, where it does; a run checks it once before the first step.
    fn dim(&self) -> Option<usize> {
        None
    }

    /// The log density whose gradient it is, where that is known; [`Mala`](crate::Mala) needs it.
    fn density(&self) -> Option<&dyn LogDensity<F>> {
        None
    }
}

impl<F, C> Drift<F> for C
where
    F: Real,
    C: Fn(Times<'_>, ArrayView2<'_, F>, ArrayViewMut2<'_, F>) -> Result<(), BoxError> + Sync,
{
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        self(times, x, out)
    }
}

/// Calls the drift on `rows` × `width` column-major numbers and says where it failed.
pub(crate) fn evaluate<F: Real>(
    drift: &dyn Drift<F>,
    times: Times<'_>,
    (rows, width): (usize, usize),
    x: &[F],
    out: &mut [F],
    (step, chain): (Step, u32),
) -> Result<()> {
    drift.eval(times, columns(x, rows, width), columns_mut(out, rows, width)).map_err(|source| {
        Error::Drift {
            chain: u64::from(chain),
            step: u64::from(step.index) + 1,
            time: step.start,
            source,
        }
    })
}

/// Runs `f` on column-major numbers: in place where the arrays are column-major, as in a run, and
/// on copies otherwise.
pub(crate) fn with_columns<F: Real>(
    x: ArrayView2<'_, F>,
    mut out: ArrayViewMut2<'_, F>,
    f: impl FnOnce(&[F], &mut [F]),
) {
    if let (Some(from), Some(to)) =
        (x.reversed_axes().to_slice(), out.view_mut().reversed_axes().into_slice())
    {
        return f(from, to);
    }
    let (rows, width) = x.dim();
    let from: Vec<F> = x.t().iter().copied().collect();
    let mut to = vec![F::zero(); from.len()];
    f(&from, &mut to);
    out.assign(&columns(&to, rows, width));
}

/// The error of a drift that was given a batch of another width.
pub(crate) fn check_batch<F>(
    what: &'static str,
    width: usize,
    x: &ArrayView2<'_, F>,
    out: &ArrayViewMut2<'_, F>,
) -> Result<()> {
    if x.ncols() == width && out.dim() == x.dim() {
        return Ok(());
    }
    let given = format!("{:?} -> {:?}", x.dim(), out.dim());
    Err(Error::Shape { what, given, expected: format!("(rows, {width}) -> (rows, {width})") })
}
