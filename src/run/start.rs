//! Where a run starts: normals, one point, rows, or the final state of another run.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, s};

use super::calls::Calls;
use super::memory::Demand;
use super::samples::{Divergence, NonFinite, Samples};
use crate::drift::mixture::cholesky;
use crate::error::{Error, Result, count};
use crate::noise::{Address, Noise, Purpose};
use crate::real::Real;
use crate::sampler::Cost;
use crate::state::{Layout, check_finite, check_start};

/// Where chains start. An array has one row for each chain. A slice is one point for all.
#[derive(Clone, Debug)]
pub struct Start<F>(Kind<F>);

#[derive(Clone, Debug)]
enum Kind<F> {
    Normal(usize),
    Point(Vec<F>),
    Rows(Array2<F>),
    Whole { state: Array2<F>, low: Array2<F> },
    Gaussian(Gaussian),
}

/// A normal distribution of positions, or of positions and momenta together.
#[derive(Clone, Debug)]
struct Gaussian {
    mean: Array1<f64>,
    /// The lower Cholesky factor of the covariance.
    factor: Array2<f64>,
}

impl<F: Clone + Default> Start<F> {
    /// Independent standard normal positions of this dimension.
    pub fn normal(dim: usize) -> Self {
        Self(Kind::Normal(dim))
    }

    /// The final state of an earlier run of the same sampler, as an array alone.
    pub(super) fn array(state: Array2<F>) -> Self {
        let low = Array2::default((state.nrows(), 0));
        Self(Kind::Whole { state, low })
    }

    /// The final state of an earlier run of the same sampler.
    pub(super) fn whole(samples: &Samples<F>) -> Self {
        Self(Kind::Whole { state: samples.state.clone(), low: samples.low.clone() })
    }
}

/// What a run takes over from an earlier one, beside its state.
#[derive(Clone, Debug, Default)]
pub(super) struct Earlier {
    pub layout: Option<Layout>,
    pub cost: Cost,
    pub frozen: Vec<Divergence>,
    pub calls: Option<Calls>,
    /// Whether the noise was not that of a seed.
    pub other_noise: bool,
}

impl Earlier {
    /// Refuses to continue with another layout, with other noise, or with frozen chains that would
    /// move again.
    pub(super) fn check(&self, layout: Layout, policy: NonFinite, noise_given: bool) -> Result<()> {
        let Some(earlier) = self.layout else { return Ok(()) };
        let mismatch = |what: &str, given: String, expected: String| {
            Err(Error::Mismatch { what: what.into(), given, expected })
        };
        if earlier != layout {
            return mismatch("blocks of the state", layout.to_string(), earlier.to_string());
        }
        if self.other_noise && !noise_given {
            let expected = "the noise of that run, which is not that of a seed";
            return mismatch("noise", "a seed".into(), expected.into());
        }
        if policy == NonFinite::Stop && !self.frozen.is_empty() {
            let expected = format!("freeze, as {} chains are frozen", self.frozen.len());
            return mismatch("policy for chains that are not finite", policy.to_string(), expected);
        }
        Ok(())
    }
}

impl<F: Real> Start<F> {
    /// Independent normal positions with this mean and covariance; with twice as many numbers,
    /// positions and momenta. Formed in f64 and rounded last.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if the mean is not finite, [`Error::Shape`] if the covariance has other
    /// sides than the mean,
    /// [`Error::NotPositiveDefinite`] if it is not positive definite.
    pub fn gaussian(mean: Array1<f64>, covariance: ArrayView2<'_, f64>) -> Result<Self> {
        let size = mean.len();
        if covariance.dim() != (size, size) {
            let given = format!("{:?}", covariance.dim());
            let expected = format!("({size}, {size}), the numbers of the mean");
            return Err(Error::Shape { what: "covariance of the start", given, expected });
        }
        if let Some(column) = mean.iter().position(|x| !x.is_finite()) {
            return Err(Error::NonFinite { what: "mean of the start", row: 0, column });
        }
        let factor = cholesky(covariance).map_err(|(row, found, value)| {
            Error::NotPositiveDefinite { component: 0, row, found, value }
        })?;
        Ok(Self(Kind::Gaussian(Gaussian { mean, factor })))
    }
}

impl Gaussian {
    /// Replaces standard normals z by m + L z.
    fn shape<F: Real>(&self, mut rows: ArrayViewMut2<'_, F>) {
        let mut z = vec![0.0; self.mean.len()];
        for mut row in rows.rows_mut() {
            z.iter_mut().zip(&row).for_each(|(z, x)| *z = x.widen());
            for (i, x) in row.iter_mut().enumerate() {
                let sum: f64 = (0..=i).map(|j| self.factor[[i, j]] * z[j]).sum();
                *x = F::from_f64(self.mean[i] + sum);
            }
        }
    }
}

impl<F> From<Array2<F>> for Start<F> {
    fn from(rows: Array2<F>) -> Self {
        Self(Kind::Rows(rows))
    }
}

impl<F> From<Vec<F>> for Start<F> {
    fn from(point: Vec<F>) -> Self {
        Self(Kind::Point(point))
    }
}

impl<F: Real> From<&[F]> for Start<F> {
    fn from(point: &[F]) -> Self {
        Self(Kind::Point(point.to_vec()))
    }
}

impl<F: Real, const N: usize> From<[F; N]> for Start<F> {
    fn from(point: [F; N]) -> Self {
        Self(Kind::Point(point.to_vec()))
    }
}

/// What the start of a run depends on.
pub(super) struct Setup<'s, F: Real> {
    pub layout: Layout,
    /// The number of columns that the drift requires, if any.
    pub columns: Option<usize>,
    pub chains: Option<usize>,
    pub first_chain: u32,
    pub noise: &'s dyn Noise<F>,
    /// Whether numbers that are not finite are ignored.
    pub ignores: bool,
    pub demand: Demand<'s, F>,
}

/// The state of all chains before the first step.
pub(super) struct Initial<F> {
    pub state: Array2<F>,
    /// The low part of the positions, (chains, dim), or no columns if the state keeps none.
    pub low: Array2<F>,
    pub dim: usize,
    /// Whether the state holds the blocks that the sampler carries.
    pub carried_known: bool,
}

impl<F: Real> Setup<'_, F> {
    /// The state before the first step. All input is checked here.
    pub(super) fn state(&self, start: Option<Start<F>>) -> Result<Initial<F>> {
        let known = self.columns.map(|columns| columns / self.layout.inputs());
        let kind = match (start, known) {
            (Some(start), _) => start.0,
            (None, Some(dim)) => Kind::Normal(dim),
            (None, None) => return Err(Error::NoDimension),
        };
        let dim = self.dim(&kind, known)?;
        let columns = self.layout.columns(dim);
        self.check_memory(&kind, dim)?;
        let chains = self.chains(&kind)?;
        match kind {
            Kind::Whole { state, low } => self.resumed(state, low, chains, dim),
            // A whole state is taken as it is, so a large start is not copied.
            Kind::Rows(rows) if rows.ncols() == columns && rows.is_standard_layout() => {
                check_start(rows.view(), dim, self.layout)?;
                check_rows(&rows, chains)?;
                Ok(self.initial(rows, dim))
            }
            Kind::Rows(rows) => {
                check_start(rows.view(), dim, self.layout)?;
                check_rows(&rows, chains)?;
                let mut state = Array2::zeros((chains, columns));
                state.slice_mut(s![.., ..rows.ncols()]).assign(&rows);
                self.completed(state, rows.ncols(), dim)
            }
            Kind::Point(point) => {
                let point = ArrayView1::from(&point[..]);
                check_start(point.insert_axis(Axis(0)), dim, self.layout)?;
                let mut state = Array2::zeros((chains, columns));
                state.slice_mut(s![.., ..point.len()]).assign(&point);
                self.completed(state, point.len(), dim)
            }
            Kind::Normal(_) => {
                let mut state = Array2::zeros((chains, columns));
                self.draw(state.slice_mut(s![.., ..dim]), Purpose::Start, F::one());
                self.completed(state, dim, dim)
            }
            Kind::Gaussian(gaussian) => {
                let width = gaussian.mean.len();
                let mut state = Array2::zeros((chains, columns));
                self.draw(state.slice_mut(s![.., ..dim]), Purpose::Start, F::one());
                if width > dim {
                    let momenta = state.slice_mut(s![.., dim..width]);
                    self.draw(momenta, Purpose::Momentum, F::one());
                }
                gaussian.shape(state.slice_mut(s![.., ..width]));
                self.completed(state, width, dim)
            }
        }
    }

    /// Refuses more chains than memory can hold.
    fn check_memory(&self, kind: &Kind<F>, dim: usize) -> Result<()> {
        let chains = self.chains.unwrap_or(1);
        let given = match kind {
            Kind::Rows(rows) | Kind::Whole { state: rows, .. } => {
                self.chains.is_none_or(|chains| chains == rows.nrows())
            }
            _ => false,
        };
        // A start with a row for each chain is in memory already.
        if given { Ok(()) } else { self.demand.check(chains, dim) }
    }

    fn chains(&self, kind: &Kind<F>) -> Result<usize> {
        const CHAINS: &str = "a whole number >= 1, with chain numbers below 4294967296";
        let rows = match kind {
            Kind::Rows(rows) | Kind::Whole { state: rows, .. } => rows.nrows(),
            _ => 1,
        };
        let most = ((u32::MAX - self.first_chain) as usize).saturating_add(1);
        count("chains", self.chains.unwrap_or(rows), 1, most, CHAINS)
    }

    /// The number of coordinates of a position. It is `known` if the drift requires it.
    fn dim(&self, kind: &Kind<F>, known: Option<usize>) -> Result<usize> {
        let dim = match kind {
            Kind::Normal(dim) => *dim,
            Kind::Point(point) => known.unwrap_or(point.len()),
            Kind::Rows(rows) => known.unwrap_or(rows.ncols()),
            Kind::Gaussian(gaussian) => known.unwrap_or(gaussian.mean.len()),
            Kind::Whole { state, .. } => state.ncols() / self.layout.columns(1),
        };
        count("dimension", dim, 1, u32::MAX as usize, "a whole number >= 1")?;
        if let Kind::Gaussian(gaussian) = kind {
            let size = gaussian.mean.len();
            let momenta = self.layout.momentum_variance().is_some();
            if size != dim && !(momenta && size == 2 * dim) {
                let given = format!("a normal distribution of {size} numbers");
                let expected = format!("{dim}, or twice as many with momenta");
                return Err(Error::Shape { what: "start", given, expected });
            }
        }
        match (known, self.columns) {
            (Some(known), Some(columns)) if columns != self.layout.inputs() * dim => {
                let given = format!("(chains, {dim})");
                let expected = format!("(chains, {known}), the number of columns of the drift");
                Err(Error::Shape { what: "start", given, expected })
            }
            _ => Ok(dim),
        }
    }

    /// The start from the final state of another run.
    fn resumed(
        &self,
        rows: Array2<F>,
        low: Array2<F>,
        chains: usize,
        dim: usize,
    ) -> Result<Initial<F>> {
        let columns = self.layout.columns(dim);
        if rows.ncols() != columns {
            let given = format!("({}, {})", rows.nrows(), rows.ncols());
            let expected = format!("(chains, {columns}), the state of a run with this sampler");
            return Err(Error::Shape { what: "state to resume from", given, expected });
        }
        if !self.ignores {
            check_finite(rows.view())?;
        }
        check_rows(&rows, chains)?;
        let standard = rows.is_standard_layout();
        let state = if standard { rows } else { rows.as_standard_layout().into_owned() };
        let mut initial = self.initial(state, dim);
        if low.dim() == initial.low.dim() {
            initial.low = low;
        }
        Ok(Initial { carried_known: true, ..initial })
    }

    /// A state whose carried block is not known yet, without low parts.
    fn initial(&self, state: Array2<F>, dim: usize) -> Initial<F> {
        let columns = if self.layout.keeps_low::<F>() { dim } else { 0 };
        let low = Array2::zeros((state.nrows(), columns));
        Initial { state, low, dim, carried_known: false }
    }

    /// The state with its momenta. They are drawn unless the `given` columns include them.
    fn completed(&self, mut state: Array2<F>, given: usize, dim: usize) -> Result<Initial<F>> {
        if let Some(variance) = self.layout.momentum_variance()
            && given == dim
        {
            let scale = F::from_f64(variance.sqrt());
            let mut momenta = state.slice_mut(s![.., dim..2 * dim]);
            self.draw(momenta.view_mut(), Purpose::Momentum, scale);
            if !momenta.iter().all(|v| v.is_finite()) {
                const EXPECTED: &str = "a variance whose draws are finite in this precision";
                let name = "variance of the momenta";
                return Err(Error::Invalid { name, given: variance, expected: EXPECTED });
            }
        }
        Ok(self.initial(state, dim))
    }

    /// Fills columns with normals of standard deviation `scale`.
    fn draw(&self, mut rows: ArrayViewMut2<'_, F>, purpose: Purpose, scale: F) {
        let dim = rows.ncols();
        let mut chains = Vec::new();
        let mut normals = Vec::new();
        let mut next = self.first_chain;
        for mut block in rows.axis_chunks_iter_mut(Axis(0), 256) {
            let n = block.nrows();
            chains.clear();
            chains.extend((0..n as u32).map(|i| next + i));
            normals.resize(n * dim, F::zero());
            let address = Address::new(0, purpose, 0);
            self.noise.normals(address, &chains, &mut normals[..n * dim]);
            for (j, mut column) in block.columns_mut().into_iter().enumerate() {
                column.iter_mut().zip(&normals[j * n..]).for_each(|(x, z)| *x = *z * scale);
            }
            next = next.wrapping_add(n as u32);
        }
    }
}

fn check_rows<F>(rows: &Array2<F>, chains: usize) -> Result<()> {
    if rows.nrows() == chains {
        return Ok(());
    }
    Err(Error::Shape {
        what: "start",
        given: format!("({}, {})", rows.nrows(), rows.ncols()),
        expected: format!("{chains} rows, one for each chain"),
    })
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::{Demand, Setup, Start};
    use crate::noise::{Address, Purpose, Scripted};
    use crate::prelude::*;
    use crate::state::Layout;

    #[test]
    fn a_gaussian_start_is_the_mean_and_the_factor_times_normals() {
        // L = [[2, 0], [1, 2]].
        let covariance = array![[4.0, 2.0], [2.0, 5.0]];
        let start = || Start::<f64>::gaussian(array![1.0, -2.0], covariance.view()).unwrap();
        let mut noise = Scripted::new();
        noise.normal(Address::new(0, Purpose::Start, 0), 3, 0, 1.0);
        noise.normal(Address::new(0, Purpose::Start, 0), 4, 1, 1.0);
        noise.normal(Address::new(0, Purpose::Momentum, 0), 4, 0, 3.0);
        let setup = |layout, columns| {
            let setup = Setup {
                layout,
                columns,
                chains: Some(3),
                first_chain: 3,
                noise: &noise,
                ignores: false,
                demand: Demand { sampler: &Mala::new(), chunk: None, threads: Some(1) },
            };
            setup.state(Some(start())).map(|initial| initial.state)
        };
        let expected = array![[3.0, -1.0], [1.0, 0.0], [1.0, -2.0]];
        assert_eq!(setup(Layout::POSITION, None).unwrap(), expected);
        // The two numbers are position and momentum of one coordinate.
        let expected = array![[3.0, -1.0], [1.0, 4.0], [1.0, -2.0]];
        assert_eq!(setup(Layout::with_momentum(0.25), Some(1)).unwrap(), expected);
        assert!(setup(Layout::POSITION, Some(1)).is_err());
        assert!(Start::<f64>::gaussian(array![1.0], covariance.view()).is_err());
        assert!(Start::<f64>::gaussian(array![f64::NAN, 0.0], covariance.view()).is_err());
        assert!(Start::<f64>::gaussian(array![1.0, 2.0], (-covariance.clone()).view()).is_err());
    }
}
