//! A straight map of numbers from one interval to another, as from pixels to the range of a model.

use std::fmt;

use ndarray::{Array2, ArrayView2};

use crate::error::Error;

/// Maps the ends of one interval to the ends of another. Numbers outside are mapped likewise.
///
/// ```
/// use langevin::image::Map;
/// use langevin::ndarray::array;
/// let map = Map::new((0.0, 255.0), (-1.0, 1.0))?;
/// let mut pixels = array![[0.0, 255.0, 127.5, 510.0]];
/// map.apply(&mut pixels);
/// assert_eq!(pixels, array![[-1.0, 1.0, 0.0, 3.0]]);
/// assert_eq!(map.to_string(), "0 .. 255 mapped to -1 .. 1");
/// # Ok::<(), langevin::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Map {
    from: (f64, f64),
    to: (f64, f64),
}

impl Map {
    /// The map of `from` to `to`.
    ///
    /// # Errors
    /// [`Error::Value`] if the ends of an interval are equal, or no finite distance apart.
    pub fn new(from: (f64, f64), to: (f64, f64)) -> Result<Self, Error> {
        for (low, high) in [from, to] {
            let length = high - low;
            if length == 0.0 || !length.is_finite() {
                return Err(Error::Value {
                    option: "range of the numbers".into(),
                    given: format!("from {low} to {high}"),
                    expected: "different numbers, a finite distance apart".into(),
                });
            }
        }
        Ok(Self { from, to })
    }

    /// The map of the smallest of some values to the first end, and of the largest to the second.
    ///
    /// # Errors
    /// As for [`new`](Self::new), with the extremes of the values.
    pub fn of_extremes(values: ArrayView2<'_, f64>, to: (f64, f64)) -> Result<Self, Error> {
        Self::new(super::extremes(values)?, to)
    }

    /// The interval that is mapped.
    pub fn from(&self) -> (f64, f64) {
        self.from
    }

    /// The interval that it is mapped to.
    pub fn to(&self) -> (f64, f64) {
        self.to
    }

    /// Maps all values. The ends are met exactly.
    pub fn apply(&self, values: &mut Array2<f64>) {
        let length = self.from.1 - self.from.0;
        values.mapv_inplace(|x| {
            let share = (x - self.from.0) / length;
            self.to.0 * (1.0 - share) + self.to.1 * share
        });
    }
}

impl fmt::Display for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.from;
        write!(f, "{low} .. {high} mapped to {} .. {}", self.to.0, self.to.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn values_meet_both_ends() {
        let mut values = array![[0.0, 5.0], [10.0, 2.5]];
        Map::of_extremes(values.view(), (-1.0, 1.0)).expect("a map").apply(&mut values);
        assert_eq!(values, array![[-1.0, 0.0], [1.0, -0.5]]);
        let same = array![[2.0, 2.0]];
        let error = Map::of_extremes(same.view(), (0.0, 1.0)).expect_err("refused");
        assert!(error.to_string().contains("from 2 to 2"), "{error}");
        for bad in [(1.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY), (-1e308, 1e308)] {
            assert!(Map::new(bad, (0.0, 1.0)).is_err() && Map::new((0.0, 1.0), bad).is_err());
        }
    }
}
