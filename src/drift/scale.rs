//! A linear map of coordinates: a centre with a scale for each coordinate, or with a matrix.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, ShapeBuilder};

use super::mixture::cholesky;
use crate::error::{Error, Result, finite, positive};
use crate::math::eigen::{gram, norm};
use crate::real::Real;

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
        Ok(Self { center: center.to_owned(), kind: Kind::Dense(factor) })
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
        Ok(Self { center: center.to_owned(), kind: Kind::Dense(lower) })
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
        let mut x = self.times(y);
        for (mut column, m) in x.axis_iter_mut(Axis(1)).zip(&self.center) {
            let m = F::from_f64(*m);
            column.mapv_inplace(|x| m + x);
        }
        x
    }

    /// The points y of `x`, both (rows, dim).
    pub fn to_y<F: Real>(&self, x: ArrayView2<'_, F>) -> Array2<F> {
        let mut y = Array2::zeros(x.raw_dim());
        for (x, mut y) in x.rows().into_iter().zip(y.rows_mut()) {
            // In f64, so that the way back loses only what the last rounding takes.
            let mut own: Vec<f64> = Vec::with_capacity(x.len());
            for (i, (x, m)) in x.iter().zip(&self.center).enumerate() {
                let rest = x.widen() - m;
                own.push(match &self.kind {
                    Kind::Diagonal(scales) => rest / scales[i],
                    Kind::Dense(factor) => {
                        let dot: f64 = (0..i).map(|k| factor[[i, k]] * own[k]).sum();
                        (rest - dot) / factor[[i, i]]
                    }
                });
            }
            y.iter_mut().zip(&own).for_each(|(y, own)| *y = F::from_f64(*own));
        }
        y
    }

    /// s ∘ y or L y, for every row.
    pub(super) fn times<F: Real>(&self, y: ArrayView2<'_, F>) -> Array2<F> {
        self.apply(y, |factor, i, k| factor[[i, k]], |i, _| 0..i + 1)
    }

    /// s ∘ b or Lᵀ b, for every row.
    pub(crate) fn transposed<F: Real>(&self, b: ArrayView2<'_, F>) -> Array2<F> {
        self.apply(b, |factor, i, k| factor[[k, i]], |i, dim| i..dim)
    }

    /// The product with a triangular matrix, column by column, so that sums have a fixed order.
    fn apply<F: Real>(
        &self,
        from: ArrayView2<'_, F>,
        entry: impl Fn(&Array2<f64>, usize, usize) -> f64,
        range: impl Fn(usize, usize) -> std::ops::Range<usize>,
    ) -> Array2<F> {
        let mut to = Array2::zeros(from.raw_dim().f());
        for (i, mut column) in to.axis_iter_mut(Axis(1)).enumerate() {
            match &self.kind {
                Kind::Diagonal(scales) => {
                    let s = F::from_f64(scales[i]);
                    column.zip_mut_with(&from.column(i), |to, from| *to = s * *from);
                }
                Kind::Dense(factor) => {
                    for k in range(i, from.ncols()) {
                        let l = F::from_f64(entry(factor, i, k));
                        column.zip_mut_with(&from.column(k), |to, from| *to += l * *from);
                    }
                }
            }
        }
        to
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
