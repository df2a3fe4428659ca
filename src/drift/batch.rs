//! Batches as column-major slices, and the check of their shape.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::interface::Times;
use crate::error::{Error, Result};
use crate::real::Real;
use crate::state::{column_major, columns};

/// Runs `f` on column-major numbers. Column-major arrays, as in a run, are used in place. Others
/// are copied.
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
    let mut from = vec![F::zero(); x.len()];
    column_major(x, &mut from);
    let mut to = vec![F::nan(); from.len()];
    f(&from, &mut to);
    out.assign(&columns(&to, rows, width));
}

/// Changes column-major numbers by `f`, which is told their number of rows.
pub(crate) fn in_columns<F: Real>(
    mut values: ArrayViewMut2<'_, F>,
    f: impl FnOnce(usize, &mut [F]),
) {
    let (rows, width) = values.dim();
    if let Some(values) = values.view_mut().reversed_axes().into_slice() {
        return f(rows, values);
    }
    let mut copy = vec![F::zero(); values.len()];
    column_major(values.view(), &mut copy);
    f(rows, &mut copy);
    values.assign(&columns(&copy, rows, width));
}

/// Rejects a list that has not one number for each row.
pub(crate) fn check_rows(what: &'static str, rows: usize, given: usize) -> Result<()> {
    if given == rows {
        return Ok(());
    }
    let expected = format!("({rows}), one for each row");
    Err(Error::Shape { what, given: format!("({given})"), expected })
}

/// Rejects times of another number than the rows.
pub(crate) fn check_times(times: Times<'_>, rows: usize) -> Result<()> {
    match times {
        Times::Shared(_) => Ok(()),
        Times::PerRow(times) => check_rows("times", rows, times.len()),
    }
}

/// Rejects a batch with another number of columns.
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
