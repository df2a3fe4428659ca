//! Mean, and covariance or variances, of rows that arrive in batches.

use ndarray::{Array1, Array2, ArrayView2};

use super::check;
use super::moments::{add_outer, add_squares, mirror};
use crate::error::{Error, Result};

/// Running mean and covariance, or the mean and the variances alone. Push rows as they come, and
/// merge the accumulators of several workers.
///
/// A row costs O(dim²) and so does memory. With the variances alone both are O(dim). The numbers on
/// the diagonal are the same to the last bit.
///
/// Rows are added one by one (Welford, Technometrics 4 (1962)). So the result does not depend on
/// how the rows were cut into batches, to the last bit. [`merge`](Self::merge) (Chan, Golub &
/// LeVeque 1983) is exact in exact arithmetic but rounds differently. Merge in a fixed order to get
/// the same bits twice.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningMoments {
    count: usize,
    mean: Array1<f64>,
    products: Products,
}

#[derive(Debug, Clone, PartialEq)]
enum Products {
    /// Upper triangle of Σ (x − mean)(x − mean)ᵀ.
    All(Array2<f64>),
    /// Its diagonal.
    Squares(Array1<f64>),
}

impl Products {
    fn add(&mut self, difference: &Array1<f64>, scale: f64) {
        match self {
            Self::All(products) => add_outer(products, difference, scale),
            Self::Squares(squares) => add_squares(squares, difference, scale),
        }
    }
}

impl RunningMoments {
    /// An empty accumulator of mean and covariance, for rows of `dim` coordinates.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `dim` is zero, or if memory cannot hold its square.
    pub fn new(dim: usize) -> Result<Self> {
        let expected = "a dimension whose square fits into memory";
        let too_large = || Error::Invalid { name: "dim", given: dim as f64, expected };
        let size = dim.checked_mul(dim).ok_or_else(too_large)?;
        let mut zeros = Vec::new();
        zeros.try_reserve_exact(size).map_err(|_| too_large())?;
        zeros.resize(size, 0.0);
        let products = Array2::from_shape_vec((dim, dim), zeros).map_err(|_| too_large())?;
        Self::with(dim, Products::All(products))
    }

    /// An empty accumulator of mean and variances, for rows of `dim` coordinates. It has no
    /// [`covariance`](Self::covariance).
    ///
    /// # Errors
    /// [`Error::Invalid`] if `dim` is zero.
    pub fn variances(dim: usize) -> Result<Self> {
        Self::with(dim, Products::Squares(Array1::zeros(dim)))
    }

    fn with(dim: usize, products: Products) -> Result<Self> {
        if dim == 0 {
            return Err(Error::Invalid { name: "dim", given: 0.0, expected: "at least 1" });
        }
        Ok(Self { count: 0, mean: Array1::zeros(dim), products })
    }

    /// Adds `count` rows of this mean. `products` holds the upper triangle of their products, row
    /// by row, or its diagonal alone.
    pub(crate) fn merge_sums(
        &mut self,
        count: usize,
        mean: &[f64],
        products: &[f64],
    ) -> Result<()> {
        let mean = Array1::from(mean.to_vec());
        let products = match &self.products {
            Products::All(own) => {
                let all = Array2::from_shape_vec(own.dim(), products.to_vec());
                Products::All(all.map_err(|_| no_covariance())?)
            }
            Products::Squares(_) => Products::Squares(Array1::from(products.to_vec())),
        };
        self.merge(&Self { count, mean, products })
    }

    /// The number of rows, their mean, and the products of [`merge_sums`](Self::merge_sums).
    pub(crate) fn sums(&self) -> (usize, &[f64], &[f64]) {
        let products = match &self.products {
            Products::All(products) => products.as_slice(),
            Products::Squares(squares) => squares.as_slice(),
        };
        (self.count, self.mean.as_slice().unwrap_or(&[]), products.unwrap_or(&[]))
    }

    /// The accumulator with these [`sums`](Self::sums) in place of its own.
    pub(crate) fn with_sums(
        mut self,
        count: usize,
        mean: &[f64],
        products: &[f64],
    ) -> Option<Self> {
        let own = match &mut self.products {
            Products::All(own) => own.as_slice_mut()?,
            Products::Squares(own) => own.as_slice_mut()?,
        };
        if own.len() != products.len() || self.mean.len() != mean.len() {
            return None;
        }
        own.copy_from_slice(products);
        self.mean = Array1::from(mean.to_vec());
        self.count = count;
        Some(self)
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
            self.products.add(&difference, before / after);
        }
        Ok(())
    }

    /// Adds all rows of `other`.
    ///
    /// # Errors
    /// If it fails, nothing was added.
    ///
    /// - [`Error::Shape`] if the dimensions differ.
    /// - [`Error::Missing`] if only one of the two has a covariance.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.same_dim("other", other.count, other.mean.len())?;
        match (&mut self.products, &other.products) {
            (Products::All(own), Products::All(other)) => *own += other,
            (Products::Squares(own), Products::Squares(other)) => *own += other,
            _ => return Err(no_covariance()),
        }
        if other.count == 0 {
            return Ok(());
        }
        let here = self.count as f64;
        let there = other.count as f64;
        let total = here + there;
        let difference = &other.mean - &self.mean;
        self.count += other.count;
        self.mean.zip_mut_with(&difference, |mean, d| *mean += d * (there / total));
        self.products.add(&difference, here * there / total);
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

    /// Unbiased variances (divided by count − 1) of the rows so far, shape (dim).
    ///
    /// # Errors
    /// [`Error::Shape`] with fewer than two rows.
    pub fn variance(&self) -> Result<Array1<f64>> {
        self.at_least(2)?;
        let squares = match &self.products {
            Products::All(products) => products.diag(),
            Products::Squares(squares) => squares.view(),
        };
        Ok(&squares / (self.count as f64 - 1.0))
    }

    /// Unbiased covariance (divided by count − 1) of the rows so far, shape (dim, dim), exactly
    /// symmetric.
    ///
    /// # Errors
    /// - [`Error::Shape`] with fewer than two rows.
    /// - [`Error::Missing`] for an accumulator of [`variances`](Self::variances) alone.
    pub fn covariance(&self) -> Result<Array2<f64>> {
        self.at_least(2)?;
        let Products::All(products) = &self.products else { return Err(no_covariance()) };
        let mut covariance = products / (self.count as f64 - 1.0);
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

fn no_covariance() -> Error {
    Error::Missing { option: "covariance", by: "the covariance of running variances".into() }
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
    fn variances_alone_are_the_diagonal_to_the_last_bit() {
        let data = data();
        let mut full = RunningMoments::new(4).unwrap();
        let mut short = RunningMoments::variances(4).unwrap();
        for batch in data.axis_chunks_iter(ndarray::Axis(0), 77) {
            full.push_rows(batch).unwrap();
            short.push_rows(batch).unwrap();
        }
        assert_eq!(short.mean().unwrap(), full.mean().unwrap());
        assert_eq!(short.variance().unwrap(), full.variance().unwrap());
        assert_eq!(full.variance().unwrap(), full.covariance().unwrap().diag());
        let error = short.covariance().unwrap_err().to_string();
        assert!(error.contains("covariance"), "{error}");
        let before = short.clone();
        assert!(short.merge(&full).is_err() && full.clone().merge(&short).is_err());
        assert_eq!(short, before);
        full.merge(&full.clone()).unwrap();
        short.merge(&short.clone()).unwrap();
        assert_eq!(short.variance().unwrap(), full.variance().unwrap());
        // A covariance would be 8 · 10¹⁶ bytes.
        assert!(RunningMoments::variances(100_000_000).is_ok());
        assert!(RunningMoments::new(100_000_000).is_err());
        assert!(RunningMoments::new(usize::MAX).is_err());
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
