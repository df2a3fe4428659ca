//! The state of a chunk of chains: one array of shape (chains, blocks·dim), the chain axis
//! contiguous.

use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

use crate::dynamics::Layout;
use crate::error::{Error, Result, count};
use crate::noise::{Draw, Noise, Purpose};
use crate::real::Real;

/// A column-major view of `rows` × `columns` numbers.
pub(crate) fn columns<F>(data: &[F], rows: usize, columns: usize) -> ArrayView2<'_, F> {
    // The slice is cut to the length that the shape asks for, so this cannot fail.
    ArrayView2::from_shape((rows, columns).f(), &data[..rows * columns])
        .expect("length matches the shape")
}

/// A column-major mutable view of `rows` × `columns` numbers.
pub(crate) fn columns_mut<F>(data: &mut [F], rows: usize, columns: usize) -> ArrayViewMut2<'_, F> {
    // As above.
    ArrayViewMut2::from_shape((rows, columns).f(), &mut data[..rows * columns])
        .expect("length matches the shape")
}

/// Positions, and momenta where the dynamics has them, of a chunk of chains.
///
/// Shape (chains, columns), columns `[position | momentum | carried]`, the last two where the
/// sampler has them. Memory is column-major: every coordinate is one contiguous run over chains, so
/// every kernel vectorises over chains, whatever the dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct State<F> {
    chains: Vec<u32>,
    dim: usize,
    layout: Layout,
    /// Whether the carried block holds what its sampler left there for exactly these positions.
    carried_known: bool,
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
        Ok(Self {
            chains: ids,
            dim,
            layout,
            carried_known: false,
            data: vec![F::zero(); chains * layout.columns(dim)],
        })
    }

    /// A state from an array of positions, (chains, dim), or of positions and momenta; momenta that
    /// are not given are drawn from their stationary law.
    ///
    /// # Errors
    /// [`Error::Shape`] if `start` has another shape, [`Error::NonFinite`] if it holds NaN or
    /// infinity.
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

    /// Draws the momentum block from its stationary law, as of this step; nothing where there is
    /// none.
    pub(crate) fn draw_momenta(&mut self, noise: &dyn Noise<F>, step: u32) {
        if self.layout.blocks == 2 {
            let scale = F::from_f64(self.layout.momentum_variance.sqrt());
            let size = self.chains.len() * self.dim;
            let momenta = &mut self.data[size..2 * size];
            noise.normals(Draw::new(step, Purpose::Momentum, 0), &self.chains, momenta);
            momenta.iter_mut().for_each(|v| *v *= scale);
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

    /// Number of blocks: 1, or 2 with momenta; what a sampler carries is not counted.
    pub fn blocks(&self) -> usize {
        self.layout.blocks
    }

    /// The numbers of the chains, which their noise depends on.
    pub fn chains(&self) -> &[u32] {
        &self.chains
    }

    /// The whole state, (chains, columns).
    pub fn view(&self) -> ArrayView2<'_, F> {
        columns(&self.data, self.chains.len(), self.layout.columns(self.dim))
    }

    /// The whole state for writing, (chains, columns). What a sampler carried there counts as
    /// unknown from now on, as the positions may be others: the next step evaluates the drift
    /// again.
    pub fn view_mut(&mut self) -> ArrayViewMut2<'_, F> {
        self.carried_known = false;
        columns_mut(&mut self.data, self.chains.len(), self.layout.columns(self.dim))
    }

    /// The positions, (chains, dim).
    pub fn positions(&self) -> ArrayView2<'_, F> {
        columns(&self.data, self.chains.len(), self.dim)
    }

    /// The momenta, (chains, dim), where the dynamics has them.
    pub fn momenta(&self) -> Option<ArrayView2<'_, F>> {
        let length = self.chains.len() * self.dim;
        (self.layout.blocks == 2)
            .then(|| columns(&self.data[length..2 * length], self.chains.len(), self.dim))
    }

    pub(crate) fn data(&self) -> &[F] {
        &self.data
    }

    pub(crate) fn data_mut(&mut self) -> &mut [F] {
        &mut self.data
    }

    /// The numbers of the chains and the state itself, for a sampler that reads one and writes the
    /// other.
    pub(crate) fn parts(&mut self) -> (&[u32], &mut [F]) {
        (&self.chains, &mut self.data)
    }

    /// Whether the carried block is that of these positions.
    pub(crate) fn carried_known(&self) -> bool {
        self.carried_known
    }

    /// Says whether the carried block is that of these positions.
    pub(crate) fn set_carried_known(&mut self, known: bool) {
        self.carried_known = known;
    }

    /// Gives the state to other chains, keeping its memory: `rows` chains from `first_chain` on.
    pub(crate) fn reset(&mut self, first_chain: u32, rows: usize) {
        self.chains.clear();
        self.chains.extend((0..rows as u32).map(|i| first_chain + i));
        self.carried_known = false;
        self.data.resize(rows * self.layout.columns(self.dim), F::zero());
    }

    /// Takes over the chains and positions of another state under this layout, keeping its own
    /// memory; momenta are left to be drawn.
    pub(crate) fn take_positions(&mut self, other: &Self, layout: Layout) {
        self.layout = layout;
        self.chains.clear();
        self.chains.extend_from_slice(&other.chains);
        self.dim = other.dim;
        let length = other.chains.len() * other.dim;
        self.carried_known = false;
        self.data.resize(other.chains.len() * self.layout.columns(self.dim), F::zero());
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
pub(crate) fn check_start<F: Real>(
    start: ArrayView2<'_, F>,
    dim: usize,
    layout: Layout,
) -> Result<()> {
    if start.ncols() != dim && start.ncols() != layout.blocks * dim {
        let given = format!("({}, {})", start.nrows(), start.ncols());
        let mut expected = format!("(chains, {dim})");
        if layout.blocks == 2 {
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
