//! The posteriors: log density and gradient at a point, and what is known of them.

use std::sync::Arc;

use langevin::drift::LogisticRegression;
use langevin::ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, concatenate};
use langevin::prelude::*;

use crate::known;

/// Means and standard deviations of the coordinates.
pub struct Known {
    pub mean: Vec<f64>,
    pub sd: Vec<f64>,
}

/// A posterior.
///
/// All methods in Rust share `both`. It is inlined, so whoever takes the gradient alone does not
/// pay for the log density.
pub trait Target: Clone + Send + Sync + 'static {
    const NAME: &'static str;
    /// No method is right here: errors are expected, and should be reported.
    const HARD: bool = false;

    fn dim(&self) -> usize;

    /// Returns log π up to a constant, and writes its gradient.
    fn both(&self, x: &[f64], gradient: &mut [f64]) -> f64;

    /// `None`: known from a long run only, see the file of references.
    fn known(&self) -> Option<Known> {
        None
    }

    /// As a user of our crate writes it.
    fn drift(&self) -> impl Drift<f64> {
        let target = self.clone();
        PerRow::new(self.dim(), move |_time, x: &[f64], out: &mut [f64]| {
            target.both(x, out);
        })
    }
}

/// A Gaussian of condition number 10⁴ in turned coordinates, around (1, …, 1).
#[derive(Clone)]
pub struct Turned {
    precision: Arc<Array2<f64>>,
    sd: Vec<f64>,
}

impl Turned {
    pub fn new(dim: usize) -> Self {
        // A product of reflections is orthogonal.
        let mut q = Array2::<f64>::eye(dim);
        for k in 0..5 {
            let v = Array1::from_shape_fn(dim, |j| ((3 * k + 7 * j + j * j) as f64).sin());
            let vq = v.dot(&q);
            let square = v.dot(&v);
            for ((i, j), q) in q.indexed_iter_mut() {
                *q -= 2.0 * v[i] * vq[j] / square;
            }
        }
        let variance = |k: usize| 10f64.powf(-2.0 + 4.0 * k as f64 / (dim - 1) as f64);
        let of = |power: f64| {
            let scaled = Array2::from_shape_fn((dim, dim), |(i, k)| {
                q[[i, k]] * variance(k).powf(power / 2.0)
            });
            scaled.dot(&scaled.t())
        };
        let sd = of(1.0).diag().mapv(f64::sqrt).to_vec();
        Self { precision: Arc::new(of(-1.0)), sd }
    }
}

impl Target for Turned {
    const NAME: &'static str = "gaussian";

    fn dim(&self) -> usize {
        self.sd.len()
    }

    #[inline(always)]
    fn both(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        for (row, x) in self.precision.outer_iter().zip(x) {
            let row = row.to_slice().unwrap_or(&[]);
            let away = 1.0 - x;
            for (g, p) in gradient.iter_mut().zip(row) {
                *g += away * p;
            }
        }
        gradient.iter().zip(x).map(|(g, x)| -0.5 * g * (1.0 - x)).sum()
    }

    fn known(&self) -> Option<Known> {
        Some(Known { mean: vec![1.0; self.dim()], sd: self.sd.clone() })
    }

    fn drift(&self) -> impl Drift<f64> {
        let precision = Arc::clone(&self.precision);
        let eval = move |_: Times<'_>, x: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>| {
            out.assign(&(1.0 - &x).dot(&*precision));
            Ok(())
        };
        Batched::new(self.dim(), eval)
    }
}

pub const Y: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
pub const SIGMA: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];

/// The eight schools: mu, log tau and eight effects in units of tau.
#[derive(Clone)]
pub struct Schools;

impl Target for Schools {
    const NAME: &'static str = "schools";

    fn dim(&self) -> usize {
        10
    }

    #[inline(always)]
    fn both(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let tau = x[1].exp();
        let cauchy = tau * tau / 25.0;
        gradient[0] = -x[0] / 25.0;
        gradient[1] = 1.0 - 2.0 * cauchy / (1.0 + cauchy);
        let mut log = -x[0] * x[0] / 50.0 + x[1] - (1.0 + cauchy).ln();
        for j in 0..8 {
            let effect = x[2 + j];
            let away = Y[j] - x[0] - tau * effect;
            let rest = away / (SIGMA[j] * SIGMA[j]);
            gradient[0] += rest;
            gradient[1] += rest * tau * effect;
            gradient[2 + j] = rest * tau - effect;
            log -= 0.5 * (away * rest + effect * effect);
        }
        log
    }

    fn known(&self) -> Option<Known> {
        Some(known::schools(false))
    }
}

/// The eight schools: mu, log tau and eight effects.
#[derive(Clone)]
pub struct CentredSchools;

impl Target for CentredSchools {
    const NAME: &'static str = "centred schools";
    const HARD: bool = true;

    fn dim(&self) -> usize {
        10
    }

    #[inline(always)]
    fn both(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let tau = x[1].exp();
        let cauchy = tau * tau / 25.0;
        gradient[0] = -x[0] / 25.0;
        gradient[1] = 1.0 - 2.0 * cauchy / (1.0 + cauchy) - 8.0;
        let mut log = -x[0] * x[0] / 50.0 - 7.0 * x[1] - (1.0 + cauchy).ln();
        for j in 0..8 {
            let t = (x[2 + j] - x[0]) / tau;
            let rest = (Y[j] - x[2 + j]) / (SIGMA[j] * SIGMA[j]);
            gradient[0] += t / tau;
            gradient[1] += t * t;
            gradient[2 + j] = rest - t / tau;
            log -= 0.5 * ((Y[j] - x[2 + j]) * rest + t * t);
        }
        log
    }

    fn known(&self) -> Option<Known> {
        Some(known::schools(true))
    }
}

/// x₀ ~ N(0, 1), x₁ ~ N(x₀², 1).
#[derive(Clone)]
pub struct Banana;

impl Target for Banana {
    const NAME: &'static str = "banana";

    fn dim(&self) -> usize {
        2
    }

    #[inline(always)]
    fn both(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let bend = x[1] - x[0] * x[0];
        gradient[0] = 2.0 * x[0] * bend - x[0];
        gradient[1] = -bend;
        -0.5 * (x[0] * x[0] + bend * bend)
    }

    fn known(&self) -> Option<Known> {
        Some(Known { mean: vec![0.0, 1.0], sd: vec![1.0, 3f64.sqrt()] })
    }
}

/// Two independent Student's t with 5 degrees of freedom, in units of 30 and 0.03.
#[derive(Clone)]
pub struct Student;

const UNITS: [f64; 2] = [30.0, 0.03];

impl Target for Student {
    const NAME: &'static str = "student";

    fn dim(&self) -> usize {
        2
    }

    #[inline(always)]
    fn both(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let mut log = 0.0;
        for j in 0..2 {
            let t = x[j] / UNITS[j];
            gradient[j] = -6.0 * t / (5.0 + t * t) / UNITS[j];
            log -= 3.0 * (1.0 + t * t / 5.0).ln();
        }
        log
    }

    fn known(&self) -> Option<Known> {
        let sd = (5f64 / 3.0).sqrt();
        Some(Known { mean: vec![0.0; 2], sd: UNITS.map(|unit| unit * sd).to_vec() })
    }
}

/// Two wells at x₀ = ±1, log π = −2 (x₀² − 1)² − x₁²/2.
#[derive(Clone)]
pub struct DoubleWell;

impl Target for DoubleWell {
    const NAME: &'static str = "double well";

    fn dim(&self) -> usize {
        2
    }

    #[inline(always)]
    fn both(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let out = x[0] * x[0] - 1.0;
        gradient[0] = -8.0 * x[0] * out;
        gradient[1] = -x[1];
        -2.0 * out * out - 0.5 * x[1] * x[1]
    }

    fn known(&self) -> Option<Known> {
        let first = known::double_well();
        Some(Known { mean: vec![0.0; 2], sd: vec![first.sd[0], 1.0] })
    }
}

/// Neal's funnel in ten dimensions.
#[derive(Clone)]
pub struct Funnel;

impl Target for Funnel {
    const NAME: &'static str = "funnel";
    const HARD: bool = true;

    fn dim(&self) -> usize {
        10
    }

    #[inline(always)]
    fn both(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let weight = (-x[0]).exp();
        gradient[0] = -x[0] / 9.0;
        let mut log = -x[0] * x[0] / 18.0;
        for j in 1..10 {
            let square = x[j] * x[j] * weight;
            gradient[0] += 0.5 * (square - 1.0);
            gradient[j] = -x[j] * weight;
            log -= 0.5 * (square + x[0]);
        }
        log
    }

    fn known(&self) -> Option<Known> {
        let mut sd = vec![2.25f64.exp(); 10];
        sd[0] = 3.0;
        Some(Known { mean: vec![0.0; 10], sd })
    }
}

/// Logistic regression on the breast cancer data: 30 standardised features and an intercept, with
/// a prior N(0, 1).
#[derive(Clone)]
pub struct Logistic {
    ours: Arc<LogisticRegression>,
    /// One row for each feature.
    columns: Arc<Array2<f64>>,
    labels: Arc<Vec<f64>>,
}

impl Logistic {
    pub fn new() -> std::result::Result<Self, BoxError> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/data");
        let raw: Array2<f64> = ndarray_npy::read_npy(format!("{folder}/breast_cancer_x_f64.npy"))?;
        let benign: Array1<u8> = ndarray_npy::read_npy(format!("{folder}/breast_cancer_y_u8.npy"))?;
        let mean = raw.mean_axis(Axis(0)).ok_or("the data file is empty")?;
        let standardised = (&raw - &mean) / raw.std_axis(Axis(0), 0.0);
        let features = concatenate![Axis(1), standardised, Array2::ones((raw.nrows(), 1))];
        let labels = benign.mapv(f64::from);
        let ours = Arc::new(LogisticRegression::new(features.view(), labels.view(), 1.0)?);
        let columns = Arc::new(features.t().as_standard_layout().into_owned());
        Ok(Self { ours, columns, labels: Arc::new(labels.to_vec()) })
    }
}

impl Target for Logistic {
    const NAME: &'static str = "logistic";

    fn dim(&self) -> usize {
        self.columns.nrows()
    }

    /// Along the observations, so that all loops but the one with exp are vectorised.
    #[inline(always)]
    fn both(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let mut rest = vec![0.0; self.labels.len()];
        for (column, x) in self.columns.outer_iter().zip(x) {
            for (z, feature) in rest.iter_mut().zip(column.to_slice().unwrap_or(&[])) {
                *z += x * feature;
            }
        }
        let mut log = -0.5 * x.iter().map(|x| x * x).sum::<f64>();
        // One logarithm for all observations: the product is at most 2 to the power 569.
        let mut product = 1.0;
        for (z, label) in rest.iter_mut().zip(self.labels.iter()) {
            let e = (-z.abs()).exp();
            product *= 1.0 + e;
            log += label * *z - z.max(0.0);
            let large = 1.0 / (1.0 + e);
            *z = label - if *z > 0.0 { large } else { e * large };
        }
        for ((column, x), g) in self.columns.outer_iter().zip(x).zip(gradient) {
            *g = dot(column.to_slice().unwrap_or(&[]), &rest) - x;
        }
        log - product.ln()
    }

    fn drift(&self) -> impl Drift<f64> {
        (*self.ours).clone()
    }
}

/// A sum in eight parts, which the compiler vectorises.
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut parts = [0.0; 8];
    let head = a.len() / 8 * 8;
    for (a, b) in a[..head].chunks_exact(8).zip(b[..head].chunks_exact(8)) {
        for k in 0..8 {
            parts[k] += a[k] * b[k];
        }
    }
    let tail: f64 = a[head..].iter().zip(&b[head..]).map(|(a, b)| a * b).sum();
    parts.iter().sum::<f64>() + tail
}

/// What to do with a target.
pub trait Visit {
    fn visit<T: Target>(&mut self, target: &T) -> std::result::Result<(), BoxError>;
}

/// Visits all targets in the order of the table.
pub fn each(visit: &mut impl Visit) -> std::result::Result<(), BoxError> {
    visit.visit(&Turned::new(50))?;
    visit.visit(&Schools)?;
    visit.visit(&Logistic::new()?)?;
    visit.visit(&Banana)?;
    visit.visit(&Student)?;
    visit.visit(&DoubleWell)?;
    visit.visit(&CentredSchools)?;
    visit.visit(&Funnel)
}
