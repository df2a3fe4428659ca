//! The exact stationary covariance of a sampler on a Gaussian target. There is no simulation, no
//! seed and no tolerance window.
//!
//! The target is N(0, 1/k) with the drift b(x) = −k x. Once the coins of the method are fixed, a
//! step is affine in the state and the normals:
//!
//! ```text
//! X⁺ = M X + B z                       M, B depend on the coins
//! S  = E[ M S Mᵀ + B Bᵀ ]              the mean is over the coins
//! ```
//!
//! Unit vectors fed through a [`Scripted`](crate::noise::Scripted) source give M and B. The coins
//! are averaged exactly. The stationary covariance S then solves a linear equation.
//!
//! The probe answers one question: how biased is this method at this step on a target of this
//! curvature? The answer is exact up to rounding errors, and it comes with a bound of these.
//!
//! What the probe assumes, it checks. Steps must be affine and alike, each with noise of its own.
//! The dynamics must have N(0, 1/k) as its stationary distribution. Otherwise there is an error.
//!
//! ```
//! use langevin::{EulerMaruyama, Overdamped, probe};
//! let stationary = probe::stationary_covariance(&EulerMaruyama::new(Overdamped), 0.1, 1.0)?;
//! // ULA on N(0, 1) has the variance 1/(1 − h/2).
//! assert!((stationary.covariance[[0, 0]] - 1.0 / 0.95).abs() < 1e-14);
//! # Ok::<(), langevin::Error>(())
//! ```

mod assumptions;
mod matrices;
mod moments;

use std::fmt;

use ndarray::Array2;

use crate::error::{Error, Result, positive};
use crate::grid::TimeGrid;
use crate::math::digits;
use crate::sampler::Sampler;
use matrices::Reader;
use moments::SecondMoments;

/// Second moments that grow by less than this per step cannot be told from moments that do not.
const CLOSE: f64 = 1e-12;

/// The result of [`stationary_covariance`]. It prints itself as a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stationary {
    /// Covariance of the sampler's stationary distribution, (blocks, blocks), in the order
    /// position, momentum.
    pub covariance: Array2<f64>,
    /// Covariance of the target distribution, diag(1/k, u).
    pub target: Array2<f64>,
    /// Factor by which second moments approach the stationary ones per step. The closer to 1, the
    /// slower.
    pub contraction: f64,
    /// Bounds of the rounding errors of [`covariance`](Self::covariance).
    pub rounding: Array2<f64>,
}

impl Stationary {
    /// The bias of a variance, relative to the target: entry / target − 1. `None` if rounding
    /// errors are as large as the bias.
    ///
    /// # Panics
    /// If there is no such block: 0 is the position, 1 the momentum.
    pub fn excess(&self, block: usize) -> Option<f64> {
        let target = self.target[[block, block]];
        let excess = self.covariance[[block, block]] / target - 1.0;
        (excess.abs() > self.rounding[[block, block]] / target).then_some(excess)
    }

    /// The bias with the digits that are no rounding errors, or the bound that it is below.
    fn excess_text(&self, block: usize) -> String {
        let error = self.rounding[[block, block]] / self.target[[block, block]];
        let Some(excess) = self.excess(block) else { return format!("below {error:.1e}") };
        let digits = libm::floor(libm::log10(excess.abs() / error)).clamp(0.0, 6.0);
        format!("{excess:+.*e}", digits as usize)
    }
}

impl fmt::Display for Stationary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [exact, target, excess] = ["exact", "target", "relative excess"];
        write!(f, "{:<19}{exact:>17}{target:>22}{excess:>17}", "stationary variance")?;
        let blocks = self.covariance.nrows();
        let pair = |at: [usize; 2]| {
            let scale = self.target[[at[0], at[0]]];
            let [exact, target] = [&self.covariance, &self.target].map(|matrix| matrix[at]);
            let [exact, target] = [exact, target].map(|x| digits::precise(x, scale));
            format!("{exact:>21} {target:>21}")
        };
        for (i, name) in ["position", "velocity"].into_iter().enumerate().take(blocks) {
            write!(f, "\n  {name:<12} {} {:>16}", pair([i, i]), self.excess_text(i))?;
        }
        if blocks == 2 {
            write!(f, "\n  {:<12} {}", "covariance", pair([0, 1]))?;
        }
        let factor = match self.contraction {
            slow if slow > 0.999 => format!("1 - {:.3e}", 1.0 - slow),
            factor => format!("{factor:.6}"),
        };
        write!(f, "\n\nsecond moments approach it by a factor {factor} per step")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Stationary {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let rows = |matrix: &Array2<f64>| -> Vec<Vec<f64>> {
            matrix.outer_iter().map(|row| row.to_vec()).collect()
        };
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("covariance", &rows(&self.covariance))?;
        map.serialize_entry("target", &rows(&self.target))?;
        map.serialize_entry("contraction", &self.contraction)?;
        map.serialize_entry("rounding", &rows(&self.rounding))?;
        map.end()
    }
}

/// The stationary covariance of a sampler with steps of length `step` on the target N(0,
/// 1/`curvature`).
///
/// # Errors
/// - [`Error::Invalid`] if step or curvature is not finite and positive.
/// - [`Error::Unstable`] if there is no stationary distribution.
/// - [`Error::NotProbeable`] if the coins of the method cannot be averaged exactly, or if an
///   assumption fails: the step is not affine, steps differ with their number or time, a step uses
///   noise or coins that are not its own, or the stationary distribution of the dynamics is not
///   that of Langevin dynamics.
pub fn stationary_covariance(
    sampler: &dyn Sampler<f64>,
    step: f64,
    curvature: f64,
) -> Result<Stationary> {
    positive("curvature", curvature)?;
    let interval = TimeGrid::uniform(step, 1)?.interval(0);
    let scripts = sampler.coin_scripts().or_else(|_| sampler.coin_scripts_of(interval))?;
    let reader = Reader { sampler, interval, curvature };
    assumptions::same_steps(&reader, &scripts)?;
    if let Some(dynamics) = sampler.dynamics() {
        assumptions::stationary_target(dynamics, step, curvature)?;
    }
    let blocks = sampler.layout().blocks();
    let mut mean = SecondMoments::default();
    // Scripts are probed in batches. The unit vectors of all scripts of a batch are its chains.
    for scripts in scripts.chunks(256) {
        for (script, matrices) in scripts.iter().zip(reader.read(scripts)?) {
            mean.add(script.weight, &matrices, blocks);
        }
    }
    let size = if blocks == 2 { 3 } else { 1 };
    let contraction = mean.growth(size);
    // A deterministic word conserves some second moment. Its factor is 1 up to rounding. A single
    // number that shrinks is known to all digits, however slowly it does.
    let rate = mean.change[0][0];
    let shrinks = size == 1 && -1.0 < rate.value && rate.value < -rate.error;
    if !(contraction < 1.0 - CLOSE || shrinks) {
        return Err(Error::Unstable { growth: contraction });
    }
    let solution = mean.solve(size);
    let matrix = |values: [f64; 3]| Array2::from_shape_fn((blocks, blocks), |(i, j)| values[i + j]);
    let mut target = Array2::zeros((blocks, blocks));
    target[[0, 0]] = 1.0 / curvature;
    if let Some(variance) = sampler.layout().momentum_variance() {
        target[[1, 1]] = variance;
    }
    Ok(Stationary {
        covariance: matrix(solution.moments),
        rounding: matrix(solution.errors),
        target,
        contraction,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_print_as_a_table() {
        let covariance = ndarray::array![[1.5]];
        let target = ndarray::array![[1.0]];
        let rounding = ndarray::array![[1e-15]];
        let mut found = Stationary { covariance, target, contraction: 0.25, rounding };
        let lines = [
            "stationary variance            exact                target  relative excess",
            "  position         1.500000000000000     1.000000000000000     +5.000000e-1",
            "",
            "second moments approach it by a factor 0.250000 per step",
        ];
        assert_eq!(found.to_string(), lines.join("\n"));
        // Digits that are rounding errors are not printed.
        for (excess, text) in [(1e-3, "+1e-3"), (1e-9, "below 3.0e-4"), (0.0, "below 3.0e-4")] {
            found.covariance[[0, 0]] = 1.0 + excess;
            found.rounding[[0, 0]] = 3e-4;
            assert_eq!(found.excess_text(0), text);
        }
        assert_eq!(found.excess(0), None);
    }
}
