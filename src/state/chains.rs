//! The state of a chunk of chains, (chains, columns). The chain axis is contiguous.

use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

use super::layout::Layout;
use crate::error::{Error, Result, count};
use crate::math::aligned::Aligned;
use crate::noise::{Address, Noise, Purpose};
use crate::real::Real;

/// A column-major view of `rows` × `columns` numbers.
pub(crate) fn columns<F>(data: &[F], rows: usize, columns: usize) -> ArrayView2<'_, F> {
    // The slice is cut to the length of the shape, so this cannot fail.
    ArrayView2::from_shape((rows, columns).f(), &data[..rows * columns])
        .expect("length matches the shape")
}

/// A column-major mutable view of `rows` × `columns` numbers.
pub(crate) fn columns_mut<F>(data: &mut [F], rows: usize, columns: usize) -> ArrayViewMut2<'_, F> {
    // The slice is cut to the length of the shape, so this cannot fail.
    ArrayViewMut2::from_shape((rows, columns).f(), &mut data[..rows * columns])
        .expect("length matches the shape")
}

/// Positions of a chunk of chains, and momenta if the dynamics has them.
///
/// The shape is (chains, columns) with columns `[position | momentum | carried]`. The last two
/// exist only if the sampler has them. Memory is column-major: the values of a coordinate are
/// contiguous over chains. So every kernel vectorises over chains, whatever the dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct State<F> {
    chains: Vec<u32>,
    dim: usize,
    layout: Layout,
    /// Whether the carried block belongs to these positions.
    carried_known: bool,
    data: Aligned<F>,
    /// The low part of the positions, if the layout keeps it, else empty.
    low: Aligned<F>,
    density: KnownDensity,
}

/// The log density at the positions, if a sampler knows it, else empty. It may save time and never
/// changes a result, so it is no part of the value of a state.
#[derive(Clone, Debug, Default)]
struct KnownDensity(Vec<f64>);

impl PartialEq for KnownDensity {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The parts of a state that a sampler reads and writes at once.
pub(crate) struct Parts<'s, F> {
    /// The updated blocks.
    pub own: &'s mut [F],
    /// The carried block.
    pub carried: &'s mut [F],
    /// The low part of the positions. Empty if the state has none.
    pub low: &'s mut [F],
}

impl<F: Real> State<F> {
    /// A state of zeros for the chains `first_chain`, `first_chain` + 1, … of dimension `dim`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are no chains or no dimensions, or if a chain number would be
    /// above 2³² − 1. [`Error::Memory`] if memory cannot hold the state.
    pub fn zeros(first_chain: u32, chains: usize, dim: usize, layout: Layout) -> Result<Self> {
        const CHAINS: &str = "a whole number >= 1, with chain numbers below 4294967296";
        count("chains", chains, 1, ((u32::MAX - first_chain) as usize).saturating_add(1), CHAINS)?;
        count("dimension", dim, 1, u32::MAX as usize, "a whole number >= 1")?;
        let bytes = (chains as u128) * (layout.columns(dim) as u128) * size_of::<F>() as u128;
        let too_large = || Error::Memory { chains, dim, bytes };
        let size = chains.checked_mul(layout.columns(dim)).ok_or_else(too_large)?;
        let mut data = Aligned::new();
        data.try_reserve(size).map_err(|_| too_large())?;
        data.resize(size, F::zero());
        let mut low = Aligned::new();
        low.resize(if layout.keeps_low::<F>() { chains * dim } else { 0 }, F::zero());
        let chains = (0..chains).map(|i| first_chain + i as u32).collect();
        Ok(Self {
            chains,
            dim,
            layout,
            carried_known: false,
            data,
            low,
            density: KnownDensity::default(),
        })
    }

    /// A state from an array of positions, (chains, dim), or of positions and momenta, (chains,
    /// 2·dim). Momenta that are not given are drawn from their stationary distribution.
    ///
    /// # Errors
    /// - [`Error::Shape`] if `start` has another shape.
    /// - [`Error::NonFinite`] if `start` contains NaN or infinity.
    /// - [`Error::Invalid`] as for [`zeros`](Self::zeros).
    pub fn new(
        start: ArrayView2<'_, F>,
        dim: usize,
        layout: Layout,
        first_chain: u32,
        noise: &dyn Noise<F>,
    ) -> Result<Self> {
        let mut state = Self::zeros(first_chain, start.nrows(), dim, layout)?;
        check_start(start, dim, layout)?;
        state.load(start);
        if start.ncols() == dim {
            state.draw_momenta(noise, 0);
        }
        Ok(state)
    }

    /// Draws the momentum block, if there is one, from its stationary distribution. It uses the
    /// noise of this step.
    pub(crate) fn draw_momenta(&mut self, noise: &dyn Noise<F>, step: u32) {
        if let Some(variance) = self.layout.momentum_variance() {
            let scale = F::from_f64(variance.sqrt());
            let size = self.chains.len() * self.dim;
            let momenta = &mut self.data[size..2 * size];
            noise.normals(Address::new(step, Purpose::Momentum, 0), &self.chains, momenta);
            momenta.iter_mut().for_each(|v| *v *= scale);
        }
    }

    /// Number of chains.
    pub fn len(&self) -> usize {
        self.chains.len()
    }

    /// Always false, because a state has at least one chain.
    pub fn is_empty(&self) -> bool {
        self.chains.is_empty()
    }

    /// Number of columns of one block.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The layout of the columns.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The numbers of the chains. Their noise depends on these numbers.
    pub fn chains(&self) -> &[u32] {
        &self.chains
    }

    /// The whole state, (chains, columns).
    pub fn view(&self) -> ArrayView2<'_, F> {
        columns(&self.data, self.chains.len(), self.layout.columns(self.dim))
    }

    /// The whole state for writing, (chains, columns). The positions may change, so the carried
    /// block counts as unknown from now on, and a low part of the positions is zero. The next step
    /// evaluates the drift again.
    pub fn view_mut(&mut self) -> ArrayViewMut2<'_, F> {
        self.carried_known = false;
        self.density.0.clear();
        self.low.fill(F::zero());
        columns_mut(&mut self.data, self.chains.len(), self.layout.columns(self.dim))
    }

    /// The positions, (chains, dim).
    pub fn positions(&self) -> ArrayView2<'_, F> {
        columns(&self.data, self.chains.len(), self.dim)
    }

    /// The momenta, (chains, dim), or `None` if the dynamics has none.
    pub fn momenta(&self) -> Option<ArrayView2<'_, F>> {
        let length = self.chains.len() * self.dim;
        let momentum = self.layout.momentum_variance();
        momentum.map(|_| columns(&self.data[length..2 * length], self.chains.len(), self.dim))
    }

    pub(crate) fn data(&self) -> &[F] {
        &self.data
    }

    pub(crate) fn data_mut(&mut self) -> &mut [F] {
        self.density.0.clear();
        &mut self.data
    }

    /// The low part of the positions, column-major. Empty if the state keeps none.
    pub(crate) fn low(&self) -> &[F] {
        &self.low
    }

    pub(crate) fn low_mut(&mut self) -> &mut [F] {
        self.density.0.clear();
        &mut self.low
    }

    /// The parts of the state, so that a sampler can read one and write another.
    pub(crate) fn parts(&mut self) -> Parts<'_, F> {
        self.density.0.clear();
        let own = self.chains.len() * self.layout.blocks() * self.dim;
        let (own, carried) = self.data.split_at_mut(own);
        Parts { own, carried, low: &mut self.low }
    }

    /// The updated blocks: all except the carried one.
    pub(crate) fn blocks(&self) -> &[F] {
        &self.data[..self.chains.len() * self.layout.blocks() * self.dim]
    }

    /// Whether the carried block belongs to these positions.
    pub(crate) fn carried_known(&self) -> bool {
        self.carried_known
    }

    /// Takes the log density at the positions out of the state. It is empty if it is not known:
    /// whatever may move a position forgets it.
    pub(crate) fn take_density(&mut self) -> Vec<f64> {
        std::mem::take(&mut self.density.0)
    }

    /// Keeps the log density at the positions, a number for each chain.
    pub(crate) fn keep_density(&mut self, density: Vec<f64>) {
        self.density.0 = density;
    }

    /// Sets whether the carried block belongs to these positions.
    pub(crate) fn set_carried_known(&mut self, known: bool) {
        self.carried_known = known;
    }

    /// Assigns the state to `rows` chains from `first_chain` on. It reuses its memory.
    pub(crate) fn reset(&mut self, first_chain: u32, rows: usize) {
        self.chains.clear();
        self.chains.extend((0..rows as u32).map(|i| first_chain + i));
        self.carried_known = false;
        self.density.0.clear();
        self.data.resize(rows * self.layout.columns(self.dim), F::zero());
        if self.layout.keeps_low::<F>() {
            self.low.clear();
            self.low.resize(rows * self.dim, F::zero());
        }
    }

    /// Copies the chains and positions of another state into this layout. It reuses its own memory.
    /// Momenta must be drawn afterwards.
    pub(crate) fn take_positions(&mut self, other: &Self, layout: Layout) {
        self.layout = layout;
        self.chains.clear();
        self.chains.extend_from_slice(&other.chains);
        self.dim = other.dim;
        let length = other.chains.len() * other.dim;
        self.carried_known = false;
        self.density.0.clear();
        self.data.resize(other.chains.len() * self.layout.columns(self.dim), F::zero());
        self.data[..length].copy_from_slice(&other.data[..length]);
        self.low.clear();
        self.low.resize(if layout.keeps_low::<F>() { length } else { 0 }, F::zero());
    }

    /// Copies another state. It reuses its own memory.
    pub(crate) fn assign(&mut self, other: &Self) {
        self.chains.clone_from(&other.chains);
        self.data.clone_from(&other.data);
        self.low.clone_from(&other.low);
        self.dim = other.dim;
        self.layout = other.layout;
        self.carried_known = other.carried_known;
        self.density.0.clear();
    }

    /// Copies the chains in these rows of another state that keeps no low part. It reuses its own
    /// memory.
    pub(crate) fn take_rows(&mut self, other: &Self, rows: &[usize]) {
        self.dim = other.dim;
        self.layout = other.layout;
        self.carried_known = other.carried_known;
        self.density.0.clear();
        self.chains.clear();
        self.chains.extend(rows.iter().map(|row| other.chains[*row]));
        self.data.resize(rows.len() * other.layout.columns(other.dim), F::zero());
        let to = self.data.chunks_exact_mut(rows.len());
        for (to, column) in to.zip(other.data.chunks_exact(other.chains.len())) {
            to.iter_mut().zip(rows).for_each(|(x, row)| *x = column[*row]);
        }
    }

    /// Copies the chains back to these rows of the state that they were taken from.
    pub(crate) fn put_rows(&self, other: &mut Self, rows: &[usize]) {
        other.density.0.clear();
        let to = other.data.chunks_exact_mut(other.chains.len());
        for (column, from) in to.zip(self.data.chunks_exact(rows.len())) {
            rows.iter().zip(from).for_each(|(row, x)| column[*row] = *x);
        }
    }

    /// Copies `rows` into the state. They have shape (chains, some or all columns).
    pub(crate) fn load(&mut self, rows: ArrayView2<'_, F>) {
        self.density.0.clear();
        column_major(rows, &mut self.data);
    }

    /// Copies the low part of the positions into the state: (chains, dim), or no columns at all.
    pub(crate) fn load_low(&mut self, rows: ArrayView2<'_, F>) {
        self.density.0.clear();
        column_major(rows, &mut self.low);
    }

    /// The low part of the positions, (chains, dim), or no columns if the state keeps none.
    pub(crate) fn low_view(&self) -> ArrayView2<'_, F> {
        let n = self.chains.len();
        columns(&self.low, n, self.low.len() / n)
    }
}

/// Copies an array to the start of a column-major slice.
pub(crate) fn column_major<F: Copy>(rows: ArrayView2<'_, F>, to: &mut [F]) {
    /// A tile of so many rows and columns stays in the cache.
    const TILE: usize = 16;
    let [n, width] = [rows.nrows(), rows.ncols()];
    if let Some(columns) = rows.reversed_axes().to_slice() {
        return to[..columns.len()].copy_from_slice(columns);
    }
    let Some(from) = rows.to_slice() else {
        return to.iter_mut().zip(rows.t().iter()).for_each(|(to, from)| *to = *from);
    };
    for first in (0..width).step_by(TILE) {
        let last = width.min(first + TILE);
        for top in (0..n).step_by(TILE) {
            // A row of a tile at a time: rows may be a multiple of the cache's period apart.
            for row in top..n.min(top + TILE) {
                for column in first..last {
                    to[column * n + row] = from[row * width + column];
                }
            }
        }
    }
}

/// Checks the shape and the numbers of a start array.
pub(crate) fn check_start<F: Real>(
    start: ArrayView2<'_, F>,
    dim: usize,
    layout: Layout,
) -> Result<()> {
    if !layout.start_columns(dim).contains(&start.ncols()) {
        let given = format!("({}, {})", start.nrows(), start.ncols());
        let mut expected = format!("(chains, {dim})");
        if layout.momentum_variance().is_some() {
            expected +=
                &format!(" for positions or (chains, {}) for positions and momenta", 2 * dim);
        }
        return Err(Error::Shape { what: "start", given, expected });
    }
    check_finite(start)
}

/// Checks the numbers of a start array.
pub(crate) fn check_finite<F: Real>(start: ArrayView2<'_, F>) -> Result<()> {
    match start.indexed_iter().find(|(_, x)| !x.is_finite()) {
        Some(((row, column), _)) => Err(Error::NonFinite { what: "start", row, column }),
        None => Ok(()),
    }
}
