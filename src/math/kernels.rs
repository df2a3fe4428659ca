//! The block updates of all samplers as vector kernels: fused multiply-adds over contiguous chains.
//!
//! Arrays are column-major panels: `rows` chains, column j at `offset + j · stride`. Block r of a
//! state of dimension `dim` is columns r·dim to (r+1)·dim.

use crate::dynamics::{Layout, Transition};
use crate::math::block::{self, Block};
use crate::math::simd::{self, Kernel};
use crate::real::Real;

/// Chains worked on together.
pub(super) const LANES: usize = 16;

/// Coefficients of one update in f64: x ← A x + G b + C z with C Cᵀ = Q.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coefficients {
    pub propagator: Block,
    pub gain: Block,
    pub factor: Block,
}

impl Coefficients {
    pub(crate) fn new(transition: &Transition) -> Self {
        Self {
            propagator: transition.propagator,
            gain: transition.gain,
            factor: block::cholesky(&transition.covariance),
        }
    }

    /// False for a deterministic step, which then draws no numbers.
    pub(crate) fn is_noisy(&self) -> bool {
        self.factor != block::ZERO
    }
}

/// Where the columns of an array stand in a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panel {
    pub offset: usize,
    pub stride: usize,
}

impl Panel {
    pub(crate) fn contiguous(rows: usize) -> Self {
        Self { offset: 0, stride: rows }
    }

    #[inline(always)]
    pub(crate) fn at(&self, column: usize) -> usize {
        self.offset + column * self.stride
    }
}

#[inline(always)]
fn load<F: Real>(from: &[F], start: usize, count: usize) -> [F; LANES] {
    let mut lanes = [F::zero(); LANES];
    if count == LANES {
        lanes.copy_from_slice(&from[start..start + LANES]);
    } else {
        lanes[..count].copy_from_slice(&from[start..start + count]);
    }
    lanes
}

#[inline(always)]
fn store<F: Real>(lanes: &[F; LANES], to: &mut [F], start: usize, count: usize) {
    if count == LANES {
        to[start..start + LANES].copy_from_slice(lanes);
    } else {
        to[start..start + count].copy_from_slice(&lanes[..count]);
    }
}

/// Coefficients by row, in the precision of the state: slot s of row i at `s · rows + i`.
#[derive(Debug, Default)]
pub(crate) struct RowCoefficients<F> {
    rows: usize,
    inputs: usize,
    blocks: usize,
    data: Vec<F>,
}

impl<F: Real> RowCoefficients<F> {
    pub(crate) fn resize(&mut self, rows: usize, layout: Layout) {
        let (m, p) = (layout.blocks, layout.inputs);
        (self.rows, self.blocks, self.inputs) = (rows, m, p);
        self.data.resize(rows * (2 * m * m + m * p), F::zero());
    }

    #[inline]
    pub(crate) fn set(&mut self, row: usize, c: &Coefficients) {
        let (m, p, n) = (self.blocks, self.inputs, self.rows);
        for r in 0..m {
            for k in 0..m {
                self.data[(r * m + k) * n + row] = F::from_f64(c.propagator[r][k]);
                self.data[(m * m + m * p + r * m + k) * n + row] = F::from_f64(c.factor[r][k]);
            }
            for k in 0..p {
                self.data[(m * m + r * p + k) * n + row] = F::from_f64(c.gain[r][k]);
            }
        }
    }
}

/// One matrix by row, (outputs × inputs): entry (r, k) of row i at `(r · inputs + k) · rows + i`.
#[derive(Debug, Default)]
pub(crate) struct RowMatrix<F> {
    rows: usize,
    outputs: usize,
    inputs: usize,
    data: Vec<F>,
}

impl<F: Real> RowMatrix<F> {
    pub(crate) fn resize(&mut self, rows: usize, outputs: usize, inputs: usize) {
        (self.rows, self.outputs, self.inputs) = (rows, outputs, inputs);
        self.data.resize(rows * outputs * inputs, F::zero());
    }

    #[inline]
    pub(crate) fn set(&mut self, row: usize, matrix: &Block) {
        for r in 0..self.outputs {
            for k in 0..self.inputs {
                self.data[(r * self.inputs + k) * self.rows + row] = F::from_f64(matrix[r][k]);
            }
        }
    }

    #[inline(always)]
    pub(crate) fn get(&self, row: usize, output: usize, input: usize) -> F {
        self.data[(output * self.inputs + input) * self.rows + row]
    }
}

/// x ← A x + G b + C z with the same coefficients for all rows. `drift` and `normals` may be empty:
/// then their terms are left out.
pub(crate) struct Shared<'a, F> {
    pub layout: Layout,
    pub coefficients: &'a Coefficients,
    pub rows: usize,
    pub dim: usize,
    pub state: &'a mut [F],
    pub drift: &'a [F],
    pub drift_panel: Panel,
    pub normals: &'a [F],
}

/// x ← a x + g b for states of one block.
pub(crate) fn update_positions<F: Real>(
    state: &mut [F],
    rows: usize,
    dim: usize,
    a: f64,
    g: f64,
    drift: &[F],
) {
    let coefficients =
        Coefficients { propagator: block::one(a), gain: block::one(g), factor: block::ZERO };
    simd::dispatch(Shared {
        layout: Layout { blocks: 1, inputs: 1, momentum_variance: 0.0, carried: 0 },
        coefficients: &coefficients,
        rows,
        dim,
        state,
        drift,
        drift_panel: Panel::contiguous(rows),
        normals: &[],
    });
}

impl<F: Real> Kernel for Shared<'_, F> {
    #[inline(always)]
    fn run(self) {
        match (self.layout.blocks, self.layout.inputs) {
            (1, _) => self.update::<1, 1>(),
            (_, 1) => self.update::<2, 1>(),
            _ => self.update::<2, 2>(),
        }
    }
}

impl<F: Real> Shared<'_, F> {
    #[inline(always)]
    fn update<const M: usize, const P: usize>(self) {
        let c = self.coefficients;
        let (mut a, mut g, mut l) = ([[F::zero(); M]; M], [[F::zero(); P]; M], [[F::zero(); M]; M]);
        for r in 0..M {
            for k in 0..M {
                a[r][k] = F::from_f64(c.propagator[r][k]);
                l[r][k] = F::from_f64(c.factor[r][k]);
            }
            for k in 0..P {
                g[r][k] = F::from_f64(c.gain[r][k]);
            }
        }
        // Where the drift is contiguous, a whole block is one long column.
        let flat = self.drift.is_empty()
            || (self.drift_panel.offset == 0 && self.drift_panel.stride == self.rows);
        let (columns, length) =
            if flat { (1, self.rows * self.dim) } else { (self.dim, self.rows) };
        let size = self.rows * self.dim;
        for j in 0..columns {
            for start in (0..length).step_by(LANES) {
                let count = LANES.min(length - start);
                let at = j * length + start;
                let mut x = [[F::zero(); LANES]; M];
                for r in 0..M {
                    x[r] = load(self.state, r * size + at, count);
                }
                let mut y = [[F::zero(); LANES]; M];
                for r in 0..M {
                    for i in 0..LANES {
                        y[r][i] = a[r][0] * x[0][i];
                    }
                    for k in 1..M {
                        for i in 0..LANES {
                            y[r][i] = a[r][k].fma(x[k][i], y[r][i]);
                        }
                    }
                }
                if !self.drift.is_empty() {
                    for k in 0..P {
                        let from = if flat {
                            k * size + at
                        } else {
                            self.drift_panel.at(k * self.dim + j) + start
                        };
                        let b = load(self.drift, from, count);
                        for r in 0..M {
                            for i in 0..LANES {
                                y[r][i] = g[r][k].fma(b[i], y[r][i]);
                            }
                        }
                    }
                }
                if !self.normals.is_empty() {
                    for k in 0..M {
                        let z = load(self.normals, k * size + at, count);
                        for r in k..M {
                            for i in 0..LANES {
                                y[r][i] = l[r][k].fma(z[i], y[r][i]);
                            }
                        }
                    }
                }
                for r in 0..M {
                    store(&y[r], self.state, r * size + at, count);
                }
            }
        }
    }
}

/// x ← A x + G b + C z with coefficients of its own for every row. `drift` and `normals` may be
/// empty.
pub(crate) struct PerRow<'a, F> {
    pub coefficients: &'a RowCoefficients<F>,
    pub dim: usize,
    pub state: &'a mut [F],
    pub drift: &'a [F],
    pub normals: &'a [F],
}

impl<F: Real> Kernel for PerRow<'_, F> {
    #[inline(always)]
    fn run(self) {
        match (self.coefficients.blocks, self.coefficients.inputs) {
            (1, _) => self.update::<1, 1>(),
            (_, 1) => self.update::<2, 1>(),
            _ => self.update::<2, 2>(),
        }
    }
}

impl<F: Real> PerRow<'_, F> {
    #[inline(always)]
    fn update<const M: usize, const P: usize>(self) {
        let n = self.coefficients.rows;
        let c = &self.coefficients.data;
        let size = n * self.dim;
        for start in (0..n).step_by(LANES) {
            let count = LANES.min(n - start);
            let (mut a, mut g, mut l) = (
                [[[F::zero(); LANES]; M]; M],
                [[[F::zero(); LANES]; P]; M],
                [[[F::zero(); LANES]; M]; M],
            );
            for r in 0..M {
                for k in 0..M {
                    a[r][k] = load(c, (r * M + k) * n + start, count);
                    l[r][k] = load(c, (M * M + M * P + r * M + k) * n + start, count);
                }
                for k in 0..P {
                    g[r][k] = load(c, (M * M + r * P + k) * n + start, count);
                }
            }
            for j in 0..self.dim {
                let at = j * n + start;
                let mut x = [[F::zero(); LANES]; M];
                for r in 0..M {
                    x[r] = load(self.state, r * size + at, count);
                }
                let mut y = [[F::zero(); LANES]; M];
                for r in 0..M {
                    for i in 0..LANES {
                        y[r][i] = a[r][0][i] * x[0][i];
                    }
                    for k in 1..M {
                        for i in 0..LANES {
                            y[r][i] = a[r][k][i].fma(x[k][i], y[r][i]);
                        }
                    }
                }
                if !self.drift.is_empty() {
                    for k in 0..P {
                        let b = load(self.drift, k * size + at, count);
                        for r in 0..M {
                            for i in 0..LANES {
                                y[r][i] = g[r][k][i].fma(b[i], y[r][i]);
                            }
                        }
                    }
                }
                if !self.normals.is_empty() {
                    for k in 0..M {
                        let z = load(self.normals, k * size + at, count);
                        for r in k..M {
                            for i in 0..LANES {
                                y[r][i] = l[r][k][i].fma(z[i], y[r][i]);
                            }
                        }
                    }
                }
                for r in 0..M {
                    store(&y[r], self.state, r * size + at, count);
                }
            }
        }
    }
}

/// out ← out + C (b − minus), C by row. `minus` may be empty.
pub(crate) struct Add<'a, F> {
    pub matrix: &'a RowMatrix<F>,
    pub dim: usize,
    pub out: &'a mut [F],
    pub out_panel: Panel,
    pub input: &'a [F],
    pub input_panel: Panel,
    pub minus: &'a [F],
}

impl<F: Real> Kernel for Add<'_, F> {
    #[inline(always)]
    fn run(self) {
        let n = self.matrix.rows;
        for k in 0..self.matrix.inputs {
            for r in 0..self.matrix.outputs {
                let slot = (r * self.matrix.inputs + k) * n;
                for start in (0..n).step_by(LANES) {
                    let count = LANES.min(n - start);
                    let c = load(&self.matrix.data, slot + start, count);
                    for j in 0..self.dim {
                        let mut b =
                            load(self.input, self.input_panel.at(k * self.dim + j) + start, count);
                        if !self.minus.is_empty() {
                            let away = load(self.minus, (k * self.dim + j) * n + start, count);
                            for i in 0..LANES {
                                b[i] -= away[i];
                            }
                        }
                        let to = self.out_panel.at(r * self.dim + j) + start;
                        let mut x = load(self.out, to, count);
                        for i in 0..LANES {
                            x[i] = c[i].fma(b[i], x[i]);
                        }
                        store(&x, self.out, to, count);
                    }
                }
            }
        }
    }
}

/// Sets `finite` to whether every number is finite.
pub(crate) struct AllFinite<'a, F> {
    pub data: &'a [F],
    pub finite: &'a mut bool,
}

impl<F: Real> Kernel for AllFinite<'_, F> {
    #[inline(always)]
    #[allow(clippy::eq_op)]
    fn run(self) {
        // x − x is 0 for a finite x and NaN otherwise, and NaN stays in a sum: no branch in the
        // loop.
        let mut sums = [F::zero(); LANES];
        let mut blocks = self.data.chunks_exact(LANES);
        for block in &mut blocks {
            for i in 0..LANES {
                sums[i] += block[i] - block[i];
            }
        }
        for (sum, x) in sums.iter_mut().zip(blocks.remainder()) {
            *sum += *x - *x;
        }
        *self.finite = sums.iter().all(|s| *s == F::zero());
    }
}
