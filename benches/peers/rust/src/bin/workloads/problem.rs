//! The workloads, as workloads.json has them, and their targets.

use std::sync::LazyLock;

use langevin::BoxError;
use langevin::ndarray::{Array1, Array2, Array3, Axis, concatenate};
use langevin::prelude::*;
use serde_json::Value;

const TEXT: &str = include_str!("../../../../workloads.json");
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/data");
/// Standard deviation of a Gaussian of both mixtures.
pub const STD: f64 = 0.5;

static SETTINGS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(TEXT).expect("workloads.json is JSON"));

/// A workload's entries.
#[derive(Clone, Copy)]
pub struct Settings(&'static Value);

impl Settings {
    pub fn of(workload: &str) -> Self {
        Self(&SETTINGS[workload])
    }

    /// A number. It is NaN if there is none, and no run accepts that.
    pub fn number(self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap_or(f64::NAN)
    }

    /// A whole number, or 0.
    pub fn count(self, name: &str) -> usize {
        self.0[name].as_u64().unwrap_or(0) as usize
    }

    pub fn value(self, name: &str) -> &'static Value {
        &self.0[name]
    }

    /// Chains times steps.
    pub fn chain_steps(self) -> usize {
        self.count("chains") * self.count("steps")
    }

    pub fn grid(self) -> Result<TimeGrid> {
        TimeGrid::uniform(self.number("step"), self.count("steps"))
    }
}

/// Means of eight Gaussians on a circle of radius 4.
pub fn circle() -> Array2<f64> {
    Array2::from_shape_fn((8, 2), |(k, j)| {
        let angle = std::f64::consts::TAU * k as f64 / 8.0;
        4.0 * if j == 0 { angle.cos() } else { angle.sin() }
    })
}

/// Means of sixteen Gaussians in 64 dimensions, by a small linear congruence.
pub fn sixteen() -> Array2<f64> {
    let mut word = 1u32;
    Array2::from_shape_simple_fn((16, 64), || {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(word >> 8) / f64::from(1 << 23) - 1.0
    })
}

pub fn mixture(means: &Array2<f64>) -> Result<GaussianMixture> {
    GaussianMixture::isotropic(means.view(), STD)
}

/// The breast cancer data: 30 standardised features and an intercept, with a prior N(0, 1).
pub fn logistic() -> std::result::Result<LogisticRegression, BoxError> {
    let raw: Array2<f64> = ndarray_npy::read_npy(format!("{DATA}/breast_cancer_x_f64.npy"))?;
    let benign: Array1<u8> = ndarray_npy::read_npy(format!("{DATA}/breast_cancer_y_u8.npy"))?;
    let mean = raw.mean_axis(Axis(0)).ok_or("the data file is empty")?;
    let standardised = (&raw - &mean) / raw.std_axis(Axis(0), 0.0);
    let features = concatenate![Axis(1), standardised, Array2::ones((raw.nrows(), 1))];
    Ok(LogisticRegression::new(features.view(), benign.mapv(f64::from).view(), 1.0)?)
}

/// The real digits in [-1, 1], noised.
pub fn digits() -> std::result::Result<DiffusedMixture, BoxError> {
    let ink: Array3<u8> = ndarray_npy::read_npy(format!("{DATA}/digits_8x8_u8.npy"))?;
    let rows = ink.dim().0;
    let data = ink.mapv(|ink| f64::from(ink) / 8.0 - 1.0).into_shape_with_order((rows, 64))?;
    let bandwidth = Settings::of("W5").number("bandwidth");
    Ok(DiffusedMixture::new(GaussianMixture::from_data(data.view(), bandwidth)?))
}
