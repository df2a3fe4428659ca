//! The joint score of phase-space data, made of any model of noised data.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::denoiser::{Denoiser, Levels, predict_both_ways, predict_with};
use super::prediction::{Factors, Prediction};
use super::psld::{Observation, Psld};
use super::schedule::Level;
use crate::drift::GaussianMixture;
use crate::drift::batch::{check_batch, check_rows, with_columns};
use crate::error::{BoxError, Error, Result};
use crate::math::aligned::Aligned;
use crate::real::Real;
use crate::scratch::ScratchPool;
use crate::state::{columns, columns_mut};

/// The joint score of phase-space data from any model of noised data: exact where that model is.
///
/// Given x₀, z is Gaussian, so all that z says about x₀ is one number for each coordinate, y = w·z
/// = x₀ + N(0, n): data noised the ordinary way. With E the first column of e^{Fτ}, R the
/// covariance of z given x₀ and q ⟂ E:
///
/// ```text
/// w = R⁻¹E/(EᵀR⁻¹E)     n = 1/(EᵀR⁻¹E)
/// ∇ log p(z) = w · ∇ log p_n(w·z) − q (q·z)/(qᵀRq)     p_n: data with noise of variance n
/// ```
///
/// So a [`DiffusedMixture`](super::DiffusedMixture) gives the exact score here, and a network
/// trained for a variance-preserving process samples along this one without being trained again.
#[derive(Debug)]
pub struct Lifted<F, M> {
    model: M,
    process: Psld,
    scratch: ScratchPool<Scratch<F>>,
}

/// Working memory: what the model reads and writes, and what it is asked.
#[derive(Clone, Debug)]
struct Scratch<F> {
    input: Aligned<F>,
    output: Aligned<F>,
    observations: Vec<Observation>,
    levels: Vec<Level>,
}

impl<F> Default for Scratch<F> {
    fn default() -> Self {
        Self {
            input: Aligned::new(),
            output: Aligned::new(),
            observations: Vec::new(),
            levels: Vec::new(),
        }
    }
}

impl<F: Real, M: Denoiser<F>> Lifted<F, M> {
    /// The joint score under this process.
    ///
    /// # Errors
    /// [`Error::Model`] if the model is about position and momentum already.
    pub fn new(model: M, process: Psld) -> Result<Self> {
        let from = model.prediction();
        if from.is_joint() {
            let given = format!("a prediction of {from}, of position and momentum");
            let expected = "a model of data noised by a variance-preserving process".into();
            return Err(Error::Model { given, expected });
        }
        Ok(Self { model, process, scratch: ScratchPool::default() })
    }

    /// Writes the joint score of column-major rows.
    fn score(
        &self,
        asked: Asked<'_>,
        z: &[F],
        out: &mut [F],
        scratch: &mut Scratch<F>,
    ) -> Result<(), BoxError> {
        let Asked { rows, chains, levels } = asked;
        let Scratch { input, output, observations, levels: own } = scratch;
        let observe = |level: &Level| self.process.observation(level.tau());
        observations.clear();
        match &levels {
            Levels::Shared(level) => observations.push(observe(level)),
            Levels::PerRow(levels) => observations.extend(levels.iter().map(observe)),
        }
        own.clear();
        own.extend(observations.iter().map(|observation| observation.level));
        let shared = matches!(levels, Levels::Shared(_));
        let levels = if shared { Levels::Shared(own[0]) } else { Levels::PerRow(own) };
        let size = z.len() / 2;
        let dim = size / rows.max(1);
        input.resize(size, F::zero());
        output.resize(size, F::zero());
        let (x, m) = z.split_at(size);
        for (range, observation) in by_row(rows, shared, observations) {
            let [a, b] = observation.weights.map(F::from_f64);
            for i in range.columns(dim) {
                input[i] = a * x[i] + b * m[i];
            }
        }
        let output_rows = columns_mut(output, rows, dim);
        predict_with(&self.model, chains, levels, columns(input, rows, dim), output_rows)?;
        let (score_x, score_m) = out.split_at_mut(size);
        for (range, observation) in by_row(rows, shared, observations) {
            let [f, g] = factors(observation, self.model.prediction());
            let f = f.map(F::from_f64);
            let g = g.map(F::from_f64);
            for i in range.columns(dim) {
                score_x[i] = f[0] * x[i] + f[1] * m[i] + (f[2] * input[i] + f[3] * output[i]);
                score_m[i] = g[0] * x[i] + g[1] * m[i] + (g[2] * input[i] + g[3] * output[i]);
            }
        }
        Ok(())
    }
}

/// The rows of a call.
#[derive(Clone, Copy)]
struct Asked<'r> {
    rows: usize,
    chains: Option<&'r [u32]>,
    levels: Levels<'r>,
}

/// Factors of (x, m, model input, model output) in the score of both blocks.
fn factors(observation: &Observation, prediction: Prediction) -> [[f64; 4]; 2] {
    let Observation { weights: w, level, across: q, across_variance } = *observation;
    // The score of w·z is c (w·z) + d (prediction).
    let Factors { input: c, prediction: d } = prediction.convert(Prediction::Score, level);
    [0, 1].map(|r| {
        let across = -q[r] / across_variance;
        [across * q[0], across * q[1], w[r] * c, w[r] * d]
    })
}

impl<F: Real, M: Denoiser<F>> Lifted<F, M> {
    /// Predicts, with the numbers of the chains if they are known.
    fn predict_some(
        &self,
        chains: Option<&[u32]>,
        levels: Levels<'_>,
        z: ArrayView2<'_, F>,
        out: ArrayViewMut2<'_, F>,
    ) -> Result<(), BoxError> {
        let rows = z.nrows();
        let width = z.ncols() / 2 * 2;
        check_batch("batch given to a phase-space model", width, &z, &out)?;
        if let Levels::PerRow(levels) = levels {
            check_rows("levels of a batch", rows, levels.len())?;
        }
        let mut result = Ok(());
        with_columns(z, out, |z, out| {
            result = self
                .scratch
                .with(|scratch| self.score(Asked { rows, chains, levels }, z, out, scratch));
        });
        result
    }
}

impl<F: Real, M: Denoiser<F>> Denoiser<F> for Lifted<F, M> {
    fn prediction(&self) -> Prediction {
        Prediction::JointScore
    }

    predict_both_ways!();

    fn batch(&self) -> Option<usize> {
        self.model.batch()
    }

    fn columns(&self) -> Option<usize> {
        self.model.columns().map(|dim| 2 * dim)
    }

    fn passes(&self) -> usize {
        self.model.passes()
    }

    fn known_data(&self) -> Option<&GaussianMixture> {
        self.model.known_data()
    }

    fn range(&self) -> Option<[f64; 2]> {
        self.model.range()
    }
}

/// Rows that have the same coefficients: all of them, or one.
struct Rows {
    rows: usize,
    row: Option<usize>,
}

impl Rows {
    /// Places in a column-major array of `dim` columns.
    fn columns(&self, dim: usize) -> std::iter::StepBy<std::ops::Range<usize>> {
        match self.row {
            None => (0..self.rows * dim).step_by(1),
            Some(row) => (row..self.rows * dim).step_by(self.rows),
        }
    }
}

/// All rows with the first item if it is shared, and otherwise each row with its own.
fn by_row<T>(rows: usize, shared: bool, items: &[T]) -> impl Iterator<Item = (Rows, &T)> {
    let parts = if shared { 0..1 } else { 0..rows };
    let part = move |row: usize| Rows { rows, row: (!shared).then_some(row) };
    parts.map(part).zip(items)
}
