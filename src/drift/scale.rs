//! A linear map of coordinates: a centre with a scale for each coordinate, or with a matrix.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, ShapeBuilder};

use super::batch::in_columns;
use super::mixture::cholesky;
use crate::error::{Error, Result, finite, positive};
use crate::math::eigen::{gram, norm};
use crate::math::simd::dispatch;
use crate::real::Real;

mod kernel;

use kernel::{Map, Triangular};

/// Coordinates y in which a target is closer to a standard normal.
///
/// ```text
/// x = m + s ∘ y     diagonal
/// x = m + L y       dense, L lower triangular, L Lᵀ = covariance
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    center: Array1<f64>,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Diagonal(Array1<f64>),
    /// The lower triangular factor L, with zeros above.
    Dense(Array2<f64>),
}

impl Scale {
    /// The scale s of each coordinate around the centre m.
    ///
    /// # Errors
    /// [`Error::Shape`] unless both have the same length, at least 1. [`Error::Invalid`] if a scale
    /// is not finite and positive, or a centre not finite.
    pub fn diagonal(center: ArrayView1<'_, f64>, scales: ArrayView1<'_, f64>) -> Result<Self> {
        check_length("scales", scales.len(), center.len())?;
        check_center(center)?;
        for scale in scales {
            positive("scale", *scale)?;
        }
        Ok(Self { center: center.to_owned(), kind: Kind::Diagonal(scales.to_owned()) })
    }

    /// The covariance around the centre m.
    ///
    /// # Errors
    /// [`Error::Shape`] unless it is square and as long as the centre, [`Error::Invalid`] if a
    /// centre is not finite, and [`Error::NotPositiveDefinite`] for a matrix that is no covariance.
    pub fn dense(center: ArrayView1<'_, f64>, covariance: ArrayView2<'_, f64>) -> Result<Self> {
        check_square("covariance", covariance, center.len())?;
        check_center(center)?;
        let factor = cholesky(covariance).map_err(|(row, found, value)| {
            Error::NotPositiveDefinite { component: 0, row, found, value }
        })?;
        Ok(Self { center: center.to_vec().into(), kind: Kind::Dense(factor) })
    }

    /// The lower triangular factor L around the centre m. What is above its diagonal is ignored.
    ///
    /// # Errors
    /// [`Error::Shape`] unless it is square and as long as the centre, and [`Error::Invalid`] if a
    /// number is not finite or the diagonal not positive.
    pub fn triangular(center: ArrayView1<'_, f64>, factor: ArrayView2<'_, f64>) -> Result<Self> {
        check_square("factor", factor, center.len())?;
        check_center(center)?;
        let mut lower = Array2::zeros(factor.raw_dim());
        for ((i, j), l) in factor.indexed_iter().filter(|((i, j), _)| j <= i) {
            lower[[i, j]] = match i == j {
                true => positive("diagonal of the factor", *l)?,
                false => finite("factor", *l)?,
            };
        }
        Ok(Self { center: center.to_vec().into(), kind: Kind::Dense(lower) })
    }

    /// Dimension of a point.
    pub fn dimension(&self) -> usize {
        self.center.len()
    }

    /// The centre m.
    pub fn center(&self) -> ArrayView1<'_, f64> {
        self.center.view()
    }

    /// The scale of each coordinate: s, or the root of the diagonal of the covariance.
    pub fn scales(&self) -> Array1<f64> {
        match &self.kind {
            Kind::Diagonal(scales) => scales.clone(),
            Kind::Dense(factor) => factor.rows().into_iter().map(norm).collect(),
        }
    }

    /// The lower triangular factor L, or `None` for a diagonal scale.
    pub fn factor(&self) -> Option<ArrayView2<'_, f64>> {
        match &self.kind {
            Kind::Diagonal(_) => None,
            Kind::Dense(factor) => Some(factor.view()),
        }
    }

    /// Whether the scale is a matrix.
    pub fn is_dense(&self) -> bool {
        matches!(self.kind, Kind::Dense(_))
    }

    /// The logarithm of the determinant of L.
    pub(crate) fn log_volume(&self) -> f64 {
        match &self.kind {
            Kind::Diagonal(scales) => scales.iter().map(|s| libm::log(*s)).sum(),
            Kind::Dense(factor) => factor.diag().iter().map(|l| libm::log(*l)).sum(),
        }
    }

    /// The matrix L Lᵀ, or `None` for a diagonal scale.
    pub fn covariance(&self) -> Option<Array2<f64>> {
        match &self.kind {
            Kind::Diagonal(_) => None,
            Kind::Dense(factor) => Some(gram(factor.view())),
        }
    }

    /// The points x of `y`, both (rows, dim).
    pub fn to_x<F: Real>(&self, y: ArrayView2<'_, F>) -> Array2<F> {
        let mut x = Array2::zeros(y.raw_dim().f());
        x.assign(&y);
        self.replace_by_x(x.view_mut());
        x
    }

    /// The points y of `x`, both (rows, dim).
    pub fn to_y<F: Real>(&self, x: ArrayView2<'_, F>) -> Array2<F> {
        let mut y = Array2::zeros(x.raw_dim());
        // In f64, so that the way back loses only what the last rounding takes.
        let mut own = Array2::zeros(x.raw_dim().f());
        own.zip_mut_with(&x, |own, x| *own = x.widen());
        self.map(Map::Back, own.view_mut());
        y.zip_mut_with(&own, |y, own| *y = F::from_f64(*own));
        y
    }

    /// Writes m + s ∘ y or m + L y to every row y.
    pub(super) fn replace_by_x<F: Real>(&self, y: ArrayViewMut2<'_, F>) {
        self.map(Map::Forth, y);
    }

    /// Writes s ∘ b or Lᵀ b to every row b.
    pub(super) fn transpose<F: Real>(&self, b: ArrayViewMut2<'_, F>) {
        self.map(Map::Transposed, b);
    }

    /// s ∘ b or Lᵀ b, for every row.
    pub(crate) fn transposed<F: Real>(&self, b: ArrayView2<'_, F>) -> Array2<F> {
        let mut to = Array2::zeros(b.raw_dim().f());
        to.assign(&b);
        self.transpose(to.view_mut());
        to
    }

    fn map<F: Real>(&self, map: Map, mut values: ArrayViewMut2<'_, F>) {
        match &self.kind {
            Kind::Diagonal(scales) => {
                let numbers = self.center.iter().zip(scales);
                for (mut column, (m, s)) in values.axis_iter_mut(Axis(1)).zip(numbers) {
                    let m = F::from_f64(*m);
                    let s = F::from_f64(*s);
                    match map {
                        Map::Forth => column.mapv_inplace(|y| m + s * y),
                        Map::Back => column.mapv_inplace(|x| (x - m) / s),
                        Map::Transposed => column.mapv_inplace(|b| s * b),
                    }
                }
            }
            Kind::Dense(factor) => in_columns(values, |rows, values| {
                let factor = factor.as_slice().unwrap_or(&[]);
                let center = self.center.as_slice().unwrap_or(&[]);
                dispatch(Triangular { factor, center, map, rows, values });
            }),
        }
    }
}

fn check_length(what: &'static str, given: usize, expected: usize) -> Result<()> {
    if given == expected && given > 0 {
        return Ok(());
    }
    let expected = format!("({expected}), as many as the centre has, at least 1");
    Err(Error::Shape { what, given: format!("({given})"), expected })
}

fn check_square(what: &'static str, matrix: ArrayView2<'_, f64>, dim: usize) -> Result<()> {
    if matrix.dim() == (dim, dim) && dim > 0 {
        return Ok(());
    }
    let expected = format!("({dim}, {dim}), as many as the centre has, at least 1");
    Err(Error::Shape { what, given: format!("{:?}", matrix.dim()), expected })
}

fn check_center(center: ArrayView1<'_, f64>) -> Result<()> {
    center.iter().try_for_each(|m| finite("centre", *m).map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::s;

    /// Numbers without order, between -1 and 1.
    fn number(k: usize) -> f64 {
        ((k * k % 101 + 7 * k % 29) as f64 / 65.0) - 1.0
    }

    fn dense(dim: usize) -> Scale {
        let center = Array1::from_shape_fn(dim, |i| number(i + 5));
        let factor = Array2::from_shape_fn((dim, dim), |(i, j)| {
            if i == j { 1.0 + 0.5 * number(i) } else { 0.3 * number(3 * i + 11 * j) }
        });
        Scale::triangular(center.view(), factor.view()).unwrap()
    }

    /// The sums in the order of the index, one by one.
    fn one_by_one<F: Real>(scale: &Scale, y: ArrayView2<'_, F>) -> [Array2<F>; 3] {
        let factor = scale.factor().unwrap();
        let dim = scale.dimension();
        let mut x = Array2::zeros(y.raw_dim());
        let mut transposed = Array2::zeros(y.raw_dim());
        let mut back = Array2::zeros(y.raw_dim());
        for r in 0..y.nrows() {
            let mut own: Vec<f64> = Vec::new();
            for i in 0..dim {
                let l = |i: usize, k: usize| F::from_f64(factor[[i, k]]);
                let mut sums = [F::zero(); 2];
                (0..i + 1).for_each(|k| sums[0] += l(i, k) * y[[r, k]]);
                (i..dim).for_each(|k| sums[1] += l(k, i) * y[[r, k]]);
                x[[r, i]] = F::from_f64(scale.center()[i]) + sums[0];
                transposed[[r, i]] = sums[1];
                let dot: f64 = (0..i).map(|k| factor[[i, k]] * own[k]).sum();
                own.push((y[[r, i]].widen() - scale.center()[i] - dot) / factor[[i, i]]);
                back[[r, i]] = F::from_f64(own[i]);
            }
        }
        [x, transposed, back]
    }

    fn every_row_has_the_bits_of_plain_sums<F: Real>() {
        // Whole groups of coordinates and parts of one, whole blocks of rows and parts of one.
        for dim in [1, 5, 6, 7, 19] {
            let scale = dense(dim);
            let y = Array2::from_shape_fn((41, dim), |(r, j)| F::from_f64(number(13 * r + 3 * j)));
            let [x, transposed, back] = one_by_one(&scale, y.view());
            for rows in [0..41, 0..1, 3..20, 33..41] {
                let some = s![rows, ..];
                let y = y.slice(some);
                // Row by row, and column by column.
                let mut columns = Array2::zeros(y.raw_dim().f());
                columns.assign(&y);
                for y in [y, columns.view()] {
                    assert_eq!(scale.to_x(y), x.slice(some));
                    assert_eq!(scale.transposed(y), transposed.slice(some));
                    assert_eq!(scale.to_y(y), back.slice(some));
                }
            }
        }
    }

    #[test]
    fn a_dense_scale_has_the_bits_of_plain_sums() {
        every_row_has_the_bits_of_plain_sums::<f64>();
        every_row_has_the_bits_of_plain_sums::<f32>();
    }

    #[test]
    fn what_is_not_finite_stays_in_its_row() {
        let scale = dense(7);
        let mut y = Array2::zeros((20, 7));
        y[[9, 2]] = f64::NAN;
        y[[12, 0]] = f64::INFINITY;
        for to in [scale.to_x(y.view()), scale.to_y(y.view()), scale.transposed(y.view())] {
            for (r, row) in to.rows().into_iter().enumerate() {
                assert_eq!(row.iter().all(|x| x.is_finite()), r != 9 && r != 12, "{r}");
            }
        }
    }
}
