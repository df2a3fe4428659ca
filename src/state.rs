//! The state of a chunk of chains: one array of shape (chains, blocks·dim), the chain axis contiguous.

use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

use crate::dynamics::Layout;
use crate::error::{Error, Result, count};
use crate::noise::{Draw, Noise, Purpose};
use crate::real::Real;

/// A column-major view of `rows` × `columns` numbers.
pub(crate) fn columns<F>(data: &[F], rows: usize, columns: usize) -> ArrayView2<'_, F> {
    // The slice is cut to the length that the shape asks for, so this cannot fail.
    ArrayView2::from_shape((rows, columns).f(), &data[..rows * columns]).expect("length matches the shape")
}

/// A column-major mutable view of `rows` × `columns` numbers.
pub(crate) fn columns_mut<F>(data: &mut [F], rows: usize, columns: usize) -> ArrayViewMut2<'_, F> {
    // As above.
    ArrayViewMut2::from_shape((rows, columns).f(), &mut data[..rows * columns]).expect("length matches the shape")
}

/// Positions, and momenta where the dynamics has them, of a chunk of chains.
///
/// Shape (chains, blocks·dim), columns `[position | momentum]`. Memory is column-major: every coordinate is one
/// contiguous run over chains, so every kernel vectorises over chains, whatever the dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct State<F> {
    chains: Vec<u32>,
    dim: usize,
    blocks: usize,
    data: Vec<F>,
}

impl<F: Real> State<F> {
    /// A state of zeros for the chains `first_chain`, `first_chain` + 1, … of dimension `dim`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are no chains, no dimensions, or chain numbers above 2³² − 1.
    pub fn zeros(first_chain: u32, chains: usize, dim: usize, layout: Layout) -> Result<Self> {
        const CHAINS: &str = "a whole number >= 1, with chain numbers below 4294967296";
        count("chains", chains, 1, (u32::MAX - first_chain) as usize + 1, CHAINS)?;
        count("dimension", dim, 1, u32::MAX as usize, "a whole number >= 1")?;
        let ids = (0..chains as u32).map(|i| first_chain + i).collect();
        Ok(Self { chains: ids, dim, blocks: layout.blocks, data: vec![F::zero(); chains * layout.blocks * dim] })
    }

    /// A state from an array of shape (chains, dim) or (chains, blocks·dim); momenta that are not given are drawn from
    /// their stationary law.
    ///
    /// # Errors
    /// [`Error::Shape`] if `start` has another shape, [`Error::NonFinite`] if it holds NaN or infinity.
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
            state.draw_momenta(layout, noise, 0);
        }
        Ok(state)
    }

    /// Draws the momentum block from its stationary law, as of this step; nothing where there is none.
    pub(crate) fn draw_momenta(&mut self, layout: Layout, noise: &dyn Noise<F>, step: u32) {
        if layout.blocks == 2 {
            let scale = F::from_f64(layout.momentum_variance.sqrt());
            let half = self.data.len() / 2;
            noise.normals(Draw::new(step, Purpose::Momentum, 0), &self.chains, &mut self.data[half..]);
            self.data[half..].iter_mut().for_each(|v| *v *= scale);
        }
    }

    /// Number of chains.
    pub fn len(&self) -> usize {
        self.chains.len()
    }

    /// Never true: a state has at least one chain.
    pub fn is_empty(&self) -> bool {
        self.chains.is_empty()
    }

    /// Dimension of one block.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of blocks: 1, or 2 with momenta.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// The numbers of the chains, which their noise depends on.
    pub fn chains(&self) -> &[u32] {
        &self.chains
    }

    /// The whole state, (chains, blocks·dim).
    pub fn view(&self) -> ArrayView2<'_, F> {
        columns(&self.data, self.chains.len(), self.blocks * self.dim)
    }

    /// The whole state for writing, (chains, blocks·dim).
    pub fn view_mut(&mut self) -> ArrayViewMut2<'_, F> {
        columns_mut(&mut self.data, self.chains.len(), self.blocks * self.dim)
    }

    /// The positions, (chains, dim).
    pub fn positions(&self) -> ArrayView2<'_, F> {
        columns(&self.data, self.chains.len(), self.dim)
    }

    /// The momenta, (chains, dim), where the dynamics has them.
    pub fn momenta(&self) -> Option<ArrayView2<'_, F>> {
        let length = self.chains.len() * self.dim;
        (self.blocks == 2).then(|| columns(&self.data[length..], self.chains.len(), self.dim))
    }

    pub(crate) fn data(&self) -> &[F] {
        &self.data
    }

    pub(crate) fn data_mut(&mut self) -> &mut [F] {
        &mut self.data
    }

    /// The numbers of the chains and the state itself, for a sampler that reads one and writes the other.
    pub(crate) fn parts(&mut self) -> (&[u32], &mut [F]) {
        (&self.chains, &mut self.data)
    }

    /// Gives the state to other chains, keeping its memory: `rows` chains from `first_chain` on.
    pub(crate) fn reset(&mut self, first_chain: u32, rows: usize) {
        self.chains.clear();
        self.chains.extend((0..rows as u32).map(|i| first_chain + i));
        self.data.resize(rows * self.blocks * self.dim, F::zero());
    }

    /// Takes over the chains and positions of another state, keeping its own memory; momenta are left to be drawn.
    pub(crate) fn take_positions(&mut self, other: &Self) {
        self.chains.clear();
        self.chains.extend_from_slice(&other.chains);
        self.dim = other.dim;
        let length = other.chains.len() * other.dim;
        self.data.resize(length * self.blocks, F::zero());
        self.data[..length].copy_from_slice(&other.data[..length]);
    }

    /// Copies rows of shape (chains, some or all columns) in.
    pub(crate) fn load(&mut self, rows: ArrayView2<'_, F>) {
        let n = self.chains.len();
        for (j, column) in rows.columns().into_iter().enumerate() {
            self.data[j * n..(j + 1) * n].iter_mut().zip(column).for_each(|(to, from)| *to = *from);
        }
    }
}

/// Checks the shape and the numbers of a start array.
pub(crate) fn check_start<F: Real>(start: ArrayView2<'_, F>, dim: usize, layout: Layout) -> Result<()> {
    if start.ncols() != dim && start.ncols() != layout.blocks * dim {
        let given = format!("({}, {})", start.nrows(), start.ncols());
        let expected = if layout.blocks == 2 {
            format!("(chains, {dim}) for positions or (chains, {}) for positions and momenta", 2 * dim)
        } else {
            format!("(chains, {dim})")
        };
        return Err(Error::Shape { what: "start", given, expected });
    }
    match start.indexed_iter().find(|(_, x)| !x.is_finite()) {
        Some(((row, column), _)) => Err(Error::NonFinite { what: "start", row, column }),
        None => Ok(()),
    }
}
