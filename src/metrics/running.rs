//! Mean and covariance of rows that arrive in batches, in memory O(dim²).

use ndarray::{Array1, Array2, ArrayView2};

use super::check;
use super::moments::{add_outer, mirror};
use crate::error::{Error, Result};

/// Running mean and covariance. Push rows as they come, and merge the accumulators of several
/// workers.
///
/// Rows are added one by one (Welford, Technometrics 4 (1962)). So the result does not depend on
/// how the rows were cut into batches, to the last bit. [`merge`](Self::merge) (Chan, Golub &
/// LeVeque 1983) is exact in exact arithmetic but rounds differently. Merge in a fixed order to get
/// the same bits twice.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningMoments {
    count: usize,
    mean: Array1<f64>,
    /// Upper triangle of Σ (x − mean)(x − mean)ᵀ.
    products: Array2<f64>,
}

impl RunningMoments {
    /// An empty accumulator for rows of `dim` coordinates.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `dim` is zero.
    pub fn new(dim: usize) -> Result<Self> {
        if dim == 0 {
            return Err(Error::Invalid { name: "dim", given: 0.0, expected: "at least 1" });
        }
        Ok(Self { count: 0, mean: Array1::zeros(dim), products: Array2::zeros((dim, dim)) })
    }

    /// Adds `rows`, shape (rows, dim), in any layout. There may be no rows.
    ///
    /// # Errors
    /// If it fails, nothing was added.
    ///
    /// - [`Error::Shape`] if the number of columns differs.
    /// - [`Error::NonFinite`] for a NaN or an infinity. Its row counts within this batch.
    pub fn push_rows(&mut self, rows: ArrayView2<'_, f64>) -> Result<()> {
        self.same_dim("rows", rows.nrows(), rows.ncols())?;
        check::finite("rows", rows)?;
        let mut difference = Array1::zeros(self.mean.len());
        for row in rows.rows() {
            let before = self.count as f64;
            self.count += 1;
            let after = self.count as f64;
            difference.assign(&row);
            difference -= &self.mean;
            self.mean.zip_mut_with(&difference, |mean, d| *mean += d / after);
            add_outer(&mut self.products, &difference, before / after);
        }
        Ok(())
    }

    /// Adds all rows of `other`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the dimensions differ. Nothing was added then.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.same_dim("other", other.count, other.mean.len())?;
        if other.count == 0 {
            return Ok(());
        }
        let here = self.count as f64;
        let there = other.count as f64;
        let total = here + there;
        let difference = &other.mean - &self.mean;
        self.count += other.count;
        self.mean.zip_mut_with(&difference, |mean, d| *mean += d * (there / total));
        self.products += &other.products;
        add_outer(&mut self.products, &difference, here * there / total);
        Ok(())
    }

    /// Number of rows so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Mean of the rows so far, shape (dim).
    ///
    /// # Errors
    /// [`Error::Shape`] without rows.
    pub fn mean(&self) -> Result<Array1<f64>> {
        self.at_least(1)?;
        Ok(self.mean.clone())
    }

    /// Unbiased covariance (divided by count − 1) of the rows so far, shape (dim, dim), exactly
    /// symmetric.
    ///
    /// # Errors
    /// [`Error::Shape`] with fewer than two rows.
    pub fn covariance(&self) -> Result<Array2<f64>> {
        self.at_least(2)?;
        let mut covariance = &self.products / (self.count as f64 - 1.0);
        mirror(&mut covariance);
        Ok(covariance)
    }

    fn same_dim(&self, what: &'static str, rows: usize, dim: usize) -> Result<()> {
        if dim == self.mean.len() {
            return Ok(());
        }
        Err(Error::Shape {
            what,
            given: format!("({rows}, {dim})"),
            expected: format!("(rows, {})", self.mean.len()),
        })
    }

    fn at_least(&self, rows: usize) -> Result<()> {
        if self.count >= rows {
            return Ok(());
        }
        let dim = self.mean.len();
        Err(Error::Shape {
            what: "rows pushed so far",
            given: format!("({}, {dim})", self.count),
            expected: format!("(rows >= {rows}, {dim})"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::moments;
    use super::*;
    use crate::noise::splitmix::SplitMix64;
    use ndarray::{array, s};

    fn data() -> Array2<f64> {
        let mut generator = SplitMix64::new(11);
        Array2::from_shape_simple_fn((300, 4), || 1e3 + generator.normal_pair()[0])
    }

    fn close(a: &Array2<f64>, b: &Array2<f64>) {
        assert!(a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-12), "{a} {b}");
    }

    #[test]
    fn batches_do_not_change_a_bit_and_agree_with_two_passes() {
        let data = data();
        let mut whole = RunningMoments::new(4).unwrap();
        whole.push_rows(data.view()).unwrap();
        for size in [1, 7, 64, 300] {
            let mut parts = RunningMoments::new(4).unwrap();
            for batch in data.axis_chunks_iter(ndarray::Axis(0), size) {
                parts.push_rows(batch).unwrap();
            }
            assert_eq!(parts, whole);
        }
        let exact = moments(data.view()).unwrap();
        assert_eq!(whole.count(), exact.count);
        close(&whole.covariance().unwrap(), &exact.covariance);
        assert!((whole.mean().unwrap() - exact.mean).iter().all(|e| e.abs() < 1e-12));
    }

    #[test]
    fn merging_is_pushing() {
        let data = data();
        let mut whole = RunningMoments::new(4).unwrap();
        whole.push_rows(data.view()).unwrap();
        for cut in [0, 1, 150, 299, 300] {
            let mut left = RunningMoments::new(4).unwrap();
            let mut right = left.clone();
            left.push_rows(data.slice(s![..cut, ..])).unwrap();
            right.push_rows(data.slice(s![cut.., ..])).unwrap();
            left.merge(&right).unwrap();
            assert_eq!(left.count(), 300);
            close(&left.covariance().unwrap(), &whole.covariance().unwrap());
            assert!((left.mean().unwrap() - whole.mean().unwrap()).iter().all(|e| e.abs() < 1e-12));
        }
    }

    #[test]
    fn a_refused_batch_adds_nothing() {
        let mut running = RunningMoments::new(2).unwrap();
        assert!(running.mean().is_err());
        running.push_rows(array![[1.0, 2.0]].view()).unwrap();
        assert!(running.covariance().is_err());
        let before = running.clone();
        let error = running.push_rows(array![[0.0, 0.0], [f64::INFINITY, 0.0]].view()).unwrap_err();
        assert!(matches!(error, Error::NonFinite { what: "rows", row: 1, column: 0 }));
        assert!(matches!(running.push_rows(array![[0.0]].view()), Err(Error::Shape { .. })));
        assert!(matches!(
            running.merge(&RunningMoments::new(3).unwrap()),
            Err(Error::Shape { .. })
        ));
        assert_eq!(running, before);
        assert!(RunningMoments::new(0).is_err());
    }
}
