//! What is said and drawn about final positions, whichever command made them.

use std::path::Path;

use langevin::ndarray::{Array2, ArrayView2};
use langevin::run::Divergence;
use langevin::{GaussianMixture, Real, plot};
use serde_json::{Value, json};

use crate::arguments::RunOptions;
use crate::failure::Failure;
use crate::simulation::{MOST_MOMENTS, Outcome};

/// Coordinates listed, and half the modes.
const SHOWN: usize = 8;
/// Modes are not told apart where there are more: the target is a data set then.
const MOST_MODES: usize = 256;

/// The parts of a report that do not depend on the command.
pub struct Report<'r, F> {
    options: &'r RunOptions,
    target: Option<&'r GaussianMixture>,
    outcome: &'r Outcome<F>,
    modes: Option<Vec<f64>>,
}

impl<'r, F: Real> Report<'r, F> {
    /// `target` is the law that was to be sampled, where it is known.
    pub fn new(
        options: &'r RunOptions,
        target: Option<&'r GaussianMixture>,
        outcome: &'r Outcome<F>,
    ) -> Result<Self, Failure> {
        let modes = match target.filter(|target| target.components() <= MOST_MODES) {
            Some(target) => target.mean_responsibilities(outcome.samples.positions())?,
            None => None,
        };
        let modes = modes.map(|modes| modes.to_vec());
        Ok(Self { options, target, outcome, modes })
    }

    pub fn json(&self) -> Value {
        let rows =
            |matrix: &Array2<f64>| matrix.outer_iter().map(|r| r.to_vec()).collect::<Vec<_>>();
        let options = self.options;
        let outcome = self.outcome;
        let samples = &self.outcome.samples;
        let diverged = |d: &Divergence| json!({"chain": d.chain, "step": d.step, "time": d.time});
        let mut report = json!({
            "steps": samples.steps,
            "chains": options.chains,
            "first_chain": options.first_chain,
            "dim": samples.dim,
            "seed": options.seed,
            "precision": F::NAME,
            "evaluations_per_chain": samples.evaluations_per_chain(),
            "batched_calls": samples.cost.batched_calls,
            "rounds": samples.cost.rounds,
            "seconds": outcome.seconds,
            "mean": outcome.mean.as_ref().map(|mean| mean.to_vec()),
            "covariance": outcome.covariance.as_ref().map(rows),
            "diverged": samples.diverged.len(),
            "diverged_chains": samples.diverged.iter().take(100).map(diverged).collect::<Vec<_>>(),
        });
        if let Some(modes) = &self.modes {
            report["mode_weights"] = json!(modes);
        }
        if let Some(acceptance) = samples.acceptance() {
            report["acceptance"] = json!(acceptance);
        }
        report
    }

    /// Mean and spread of the coordinates and the weights of the modes, beside those of the target.
    pub fn tables(&self) -> Result<String, Failure> {
        let dim = self.outcome.samples.dim;
        let mut text = String::new();
        if dim > MOST_MOMENTS {
            text +=
                &format!("\nmean and covariance are left out above {MOST_MOMENTS} dimensions\n");
        }
        if let (Some(mean), Some(covariance)) = (&self.outcome.mean, &self.outcome.covariance) {
            // The covariance of a data set in all dimensions would cost more than the run.
            let first: Vec<usize> = (0..dim.min(SHOWN)).collect();
            let target = self.target.map(|target| target.marginal(&first)).transpose()?;
            let exact = target.map(|target| (target.mean(), target.covariance()));
            text += "\ncoordinate         mean";
            text += if exact.is_some() {
                "        target           sd        target\n"
            } else {
                "           sd\n"
            };
            for j in first {
                let mean = mean[j];
                let sd = covariance[[j, j]].sqrt();
                text += &match &exact {
                    Some((exact_mean, exact)) => {
                        let exact = (exact_mean[j], exact[[j, j]].sqrt());
                        format!(
                            "  {j:<10} {mean:>12.5}  {:>12.5} {sd:>12.5}  {:>12.5}\n",
                            exact.0, exact.1
                        )
                    }
                    None => format!("  {j:<10} {mean:>12.5} {sd:>12.5}\n"),
                };
            }
            if dim > SHOWN {
                text += &format!("  ... and {} more\n", dim - SHOWN);
            }
        }
        if let (Some(modes), Some(target)) =
            (self.modes.as_ref().filter(|modes| modes.len() > 1), self.target)
        {
            text += "\nmode          weight        target\n";
            for (k, weight) in modes.iter().enumerate().take(2 * SHOWN) {
                text += &format!("  {k:<8} {weight:>9.5}     {:>9.5}\n", target.weights()[k]);
            }
            if modes.len() > 2 * SHOWN {
                text += &format!("  ... and {} more\n", modes.len() - 2 * SHOWN);
            }
        }
        Ok(text)
    }

    /// Chains that diverged, and the files that were written.
    pub fn ending(&self, written: &[Option<&Path>]) -> String {
        let diverged = &self.outcome.samples.diverged;
        let mut text = String::new();
        if let Some(first) = diverged.first() {
            let count = diverged.len();
            let step = first.step;
            text += &format!(
                "\n{count} chains diverged, chain {} at step {step} the first listed\n",
                first.chain
            );
        }
        for path in written.iter().flatten() {
            text += &format!("\nwritten: {}", path.display());
        }
        text
    }
}

/// The final positions over the density, if it is known, as the bytes of an SVG file.
pub fn draw<F: Real>(
    target: Option<&GaussianMixture>,
    positions: ArrayView2<'_, F>,
    title: &str,
) -> Result<Vec<u8>, Failure> {
    let svg = match target {
        Some(target) => target.picture(positions, title)?,
        None => plot::scatter(positions.mapv(F::widen).view(), title)?,
    };
    Ok(svg.into_bytes())
}
