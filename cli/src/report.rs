//! What is said and drawn about final positions, whichever command made them.

use std::path::Path;

use langevin::ndarray::{Array1, ArrayView2, Axis};
use langevin::{Divergence, GaussianMixture, Real, plot};
use serde_json::{Value, json};

use crate::arguments::RunOptions;
use crate::failure::Failure;
use crate::simulation::{MOST_MOMENTS, Outcome};

/// Coordinates listed, and half the modes.
const SHOWN: usize = 8;
/// Modes are not told apart where there are more: the target is a data set then.
pub const MOST_MODES: usize = 256;

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
        let modes = target
            .map(|target| mode_weights(target, outcome.samples.positions()))
            .transpose()?
            .flatten();
        Ok(Self { options, target, outcome, modes })
    }

    pub fn json(&self) -> Value {
        let (options, outcome, samples) = (self.options, self.outcome, &self.outcome.samples);
        let diverged = |d: &Divergence| json!({"chain": d.chain, "step": d.step, "time": d.time});
        let mut report = json!({
            "steps": samples.steps,
            "chains": options.chains,
            "first_chain": options.first_chain,
            "dim": samples.dim,
            "seed": options.seed,
            "precision": F::NAME,
            "evaluations_per_chain": samples.evaluations_per_chain(),
            "batched_calls": samples.batched_calls,
            "rounds": samples.rounds,
            "seconds": outcome.seconds,
            "mean": outcome.mean.as_ref().map(|mean| mean.to_vec()),
            "covariance": outcome.covariance.as_ref().map(|c| c.outer_iter().map(|r| r.to_vec()).collect::<Vec<_>>()),
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
                let (mean, sd) = (mean[j], covariance[[j, j]].sqrt());
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
            let (count, step) = (diverged.len(), first.step);
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

/// The mean responsibility of every component over the finite final positions: its expectation
/// under the target is the component's weight. None for a data set of many components.
fn mode_weights<F: Real>(
    target: &GaussianMixture,
    positions: ArrayView2<'_, F>,
) -> Result<Option<Vec<f64>>, Failure> {
    if target.components() > MOST_MODES {
        return Ok(None);
    }
    let (mut sums, mut count) = (Array1::<f64>::zeros(target.components()), 0.0);
    for block in positions.axis_chunks_iter(Axis(0), 1024) {
        let responsibilities = target.responsibilities(block.mapv(F::widen).view())?;
        for row in responsibilities.rows() {
            if row.iter().all(|r| r.is_finite()) {
                sums += &row;
                count += 1.0;
            }
        }
    }
    Ok((count > 0.0).then(|| (sums / count).to_vec()))
}

/// The final positions over the density, where it is known, as the bytes of an SVG file.
pub fn draw<F: Real>(
    target: Option<&GaussianMixture>,
    positions: ArrayView2<'_, F>,
    title: &str,
) -> Result<Vec<u8>, Failure> {
    let Some(target) = target else {
        return Ok(plot::scatter(positions.mapv(F::widen).view(), title)?.into_bytes());
    };
    let coordinates: Vec<usize> = (0..target.dimension().min(2)).collect();
    let marginal = target.marginal(&coordinates)?;
    let log_density = |point: &[f64]| {
        let point = ArrayView2::from_shape((1, point.len()), point).ok();
        point
            .and_then(|point| marginal.log_density(point).ok())
            .map_or(f64::NAN, |values| values[0])
    };
    let shown = positions.select(Axis(1), &coordinates).mapv(F::widen);
    let svg = if coordinates.len() == 1 {
        let column: Vec<f64> = shown.column(0).to_vec();
        plot::histogram_over_density(&column, |x| log_density(&[x]), title)?
    } else {
        plot::scatter_over_density(shown.view(), log_density, title)?
    };
    Ok(svg.into_bytes())
}
