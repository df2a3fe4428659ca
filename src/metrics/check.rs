//! The checks of sample arrays that every metric makes first.

use ndarray::ArrayView2;

use crate::error::{Error, Result};

/// Requires at least `rows` rows, at least one column and no NaN or infinity.
pub(super) fn samples(what: &'static str, array: ArrayView2<'_, f64>, rows: usize) -> Result<()> {
    if array.nrows() < rows || array.ncols() == 0 {
        return Err(Error::Shape {
            what,
            given: format!("({}, {})", array.nrows(), array.ncols()),
            expected: format!("(samples >= {rows}, dim >= 1)"),
        });
    }
    finite(what, array)
}

/// Requires the same number of columns in `b` as in `a`.
pub(super) fn same_columns(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Result<()> {
    if a.ncols() == b.ncols() {
        return Ok(());
    }
    Err(Error::Shape {
        what: "b",
        given: format!("({}, {})", b.nrows(), b.ncols()),
        expected: format!("(samples, {})", a.ncols()),
    })
}

/// Rejects NaN and infinities. The error names the first one in row order, whatever the memory
/// layout.
pub(super) fn finite(what: &'static str, array: ArrayView2<'_, f64>) -> Result<()> {
    for (row, values) in array.rows().into_iter().enumerate() {
        if let Some(column) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NonFinite { what, row, column });
        }
    }
    Ok(())
}

/// The same two checks for a list of numbers. Errors give the position as the row.
pub(super) fn list(what: &'static str, values: &[f64], length: usize) -> Result<()> {
    if values.len() < length {
        return Err(Error::Shape {
            what,
            given: format!("({})", values.len()),
            expected: format!("(samples >= {length})"),
        });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(Error::NonFinite { what, row, column: 0 }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_first_bad_value_in_row_order_is_named() {
        let good = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        samples("x", good.view(), 2).unwrap();
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut array = good.clone();
            array[[0, 2]] = bad;
            array[[1, 0]] = bad;
            assert!(matches!(
                samples("x", array.view(), 1),
                Err(Error::NonFinite { what: "x", row: 0, column: 2 })
            ));
            // The transpose of a copied transpose has the other memory order.
            let reversed = array.t().as_standard_layout().to_owned();
            assert!(matches!(
                samples("x", reversed.t(), 1),
                Err(Error::NonFinite { what: "x", row: 0, column: 2 })
            ));
            assert!(matches!(
                list("y", &[0.0, bad], 1),
                Err(Error::NonFinite { what: "y", row: 1, column: 0 })
            ));
        }
    }

    #[test]
    fn too_few_rows_or_no_columns_are_shape_errors() {
        let array = ndarray::Array2::<f64>::zeros((3, 2));
        assert!(matches!(samples("x", array.view(), 4), Err(Error::Shape { .. })));
        let empty = ndarray::Array2::<f64>::zeros((3, 0));
        assert!(matches!(samples("x", empty.view(), 1), Err(Error::Shape { .. })));
        assert!(matches!(list("x", &[], 1), Err(Error::Shape { .. })));
    }
}
