//! Whether the draws of a posterior can be trusted: mixing, and a bias that is measured.

use std::fmt;

use ndarray::{Array1, ArrayView3, Axis, s};

use super::gathered::Gathered;
use crate::math::digits::number;
use crate::metrics::{Estimate, Posterior, normal_quantile};
use crate::quoted::escaped;

/// The probability that a run without bias is called biased, over all parameters together.
const FALSE_ALARM: f64 = 0.005;
/// A bias of a mean in standard deviations, or of a standard deviation relative to itself.
const BIAS: f64 = 0.05;
/// The bias above which the step is halved once more, although the run may count as converged.
const FINE: f64 = 0.02;
/// The largest bias that a converged run may have, with two standard errors of its estimate.
const BOUND: f64 = 0.1;
/// The same for the two gradient identities.
const IDENTITY: f64 = 0.15;
/// The largest error of a mean in standard deviations, or relative error of a standard deviation.
const ERROR: f64 = 0.02;
/// The largest R̂ of a mixed run.
const R_HAT: f64 = 1.1;
/// An R̂ of chains that do not come together.
const HOPELESS: f64 = 2.0;
/// The least effective sample size of a mixed run, and that for each chain: a few of very many
/// chains in another mode hardly change R̂.
const SIZE: f64 = 400.0;
const PER_CHAIN: f64 = 10.0;

/// What is known about one parameter. Each [`Estimate`] has its standard error, from the spread
/// over the chains, which are independent.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Check {
    /// The name of the parameter.
    pub name: String,
    /// Rank-normalised split R̂.
    pub r_hat: f64,
    /// Bulk effective sample size.
    pub ess: f64,
    /// Monte Carlo error of the mean in standard deviations.
    pub mean_error: f64,
    /// Relative Monte Carlo error of the standard deviation.
    pub sd_error: f64,
    /// Bias of the mean in standard deviations: 4/3 of what halving the step changes. An adjusted
    /// run has none: 0 ± 0.
    pub mean_bias: Estimate,
    /// Relative bias of the standard deviation, likewise.
    pub sd_bias: Estimate,
    /// The mean of b in a coordinate of the scale, the one with the number of this parameter. It is
    /// 0 for the target.
    pub pull: Estimate,
    /// −1 minus the mean of (y − m) b there. It is 0 for the target, and the relative bias of the
    /// variance of a Gaussian.
    pub identity: Estimate,
}

/// The outcome of a [`Diagnosis`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Verdict {
    /// The chains have mixed, and every bias is small.
    Converged,
    /// The step changes the result.
    Biased,
    /// The chains have not mixed.
    NotMixed,
    /// Nothing is wrong, but the errors of the estimates are too large to say so.
    Unclear,
}

/// Whether draws can be trusted.
///
/// ```text
/// coupled halving      two runs on the same noise, bias(h) ≈ 4/3 (mean_h − mean_(h/2))
/// gradient identities  E[b_i] = 0,  E[(x_i − m_i) b_i] = −1        b = ∇ log π, under π
/// kinetic temperature  E[v²]/u = 1
/// ```
///
/// | verdict | when |
/// |---|---|
/// | not mixed | R̂ above 1.1, or a bulk effective sample size below 400 or 10 per chain |
/// | biased | a bias above 0.05, or an identity off by 0.15, and beyond its error |
/// | unclear | a mean is not known to 0.02 sd or a sd to 2 %, or a bias of 0.1 is not ruled out |
/// | converged | else |
///
/// An adjusted run has no second run: its two biases are 0, and the gradient identities are those
/// of π only if the gradient is that of the log density.
///
/// A run without bias is called biased with a probability of 0.5 %: the threshold takes account of
/// the number of parameters. A mode that no chain has visited cannot be seen.
///
/// Sources: Geyer 1992 and Vehtari et al. 2021 for R̂ and the effective sample size, Gorham &
/// Mackey 2015 for the identities, which are Stein's. The kinetic temperature is reported only:
/// that of BAOAB is below 1 by about h²/4 where positions have no bias.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Diagnosis {
    /// The outcome.
    pub verdict: Verdict,
    /// One entry for each parameter.
    pub checks: Vec<Check>,
    /// The kinetic temperature, 1 for the target.
    pub kinetic: Estimate,
    /// The step h.
    pub step: f64,
    /// The share of accepted proposals of an adjusted run.
    pub acceptance: Option<f64>,
    /// What is wrong, in words.
    pub reasons: Vec<String>,
    /// Whether halving the step changes something by more than a share of what is allowed.
    #[cfg_attr(feature = "serde", serde(skip))]
    finer: bool,
    /// Chains.
    #[cfg_attr(feature = "serde", serde(skip))]
    chains: usize,
}

/// Mean over chains, and its error from their spread.
fn over_chains(means: &Array1<f64>) -> Estimate {
    let n = means.len() as f64;
    let value = means.sum() / n;
    let square: f64 = means.iter().map(|x| (x - value) * (x - value)).sum();
    Estimate { value, error: (square / (n - 1.0).max(1.0) / n).sqrt() }
}

/// The mean over frames of one parameter, for each chain.
fn chain_means(frames: ArrayView3<'_, f64>, j: usize, f: impl Fn(f64) -> f64) -> Array1<f64> {
    let parameter = frames.index_axis(Axis(2), j);
    let count = parameter.nrows() as f64;
    parameter
        .columns()
        .into_iter()
        .map(|chain| chain.iter().map(|x| f(*x)).sum::<f64>() / count)
        .collect()
}

impl Gathered {
    /// The bias of mean and standard deviation of parameter j, from what halving the step changes
    /// in the chains that have both runs.
    fn biases(&self, j: usize) -> [Estimate; 2] {
        let Some(halved) = &self.pair.halved else {
            return [Estimate { value: 0.0, error: 0.0 }; 2];
        };
        let all = self.pair.own.frames.view();
        let fine = halved.frames.view();
        let coarse = all.slice(s![.., ..fine.dim().1, ..]);
        let mean = over_chains(&chain_means(all, j, |x| x)).value;
        let square = |x: f64| (x - mean) * (x - mean);
        let variance = over_chains(&chain_means(all, j, square)).value;
        let change = chain_means(coarse, j, |x| x) - chain_means(fine, j, |x| x);
        let spread = chain_means(coarse, j, square) - chain_means(fine, j, square);
        let of_mean = over_chains(&(change / (0.75 * variance.sqrt())));
        [of_mean, over_chains(&(spread / (1.5 * variance)))]
    }

    /// E[b] and −E[(y − m) b] − 1 of coordinate j of the scale.
    fn identities(&self, j: usize) -> [Estimate; 2] {
        let positions = self.positions.view();
        let center = over_chains(&chain_means(positions, j, |y| y)).value;
        let gradients = self.gradients.index_axis(Axis(2), j);
        let centred = positions.index_axis(Axis(2), j).mapv(|y| y - center);
        let products = -(centred * gradients) - 1.0;
        let pull = over_chains(&chain_means(self.gradients.view(), j, |b| b));
        [pull, over_chains(&chain_means(products.view().insert_axis(Axis(2)), 0, |x| x))]
    }
}

impl Diagnosis {
    pub(super) fn of(gathered: &Gathered, summary: &Posterior, step: f64) -> Self {
        let own = &gathered.pair.own;
        let mut checks = Vec::new();
        for (j, parameter) in summary.parameters.iter().enumerate() {
            let [mean_bias, sd_bias] = gathered.biases(j);
            let [pull, identity] = gathered.identities(j);
            checks.push(Check {
                name: parameter.name.clone(),
                r_hat: parameter.r_hat,
                ess: parameter.ess_bulk,
                mean_error: parameter.mcse_mean / parameter.sd,
                sd_error: parameter.mcse_sd / parameter.sd,
                mean_bias,
                sd_bias,
                pull,
                identity,
            });
        }
        let mut diagnosis = Self {
            verdict: Verdict::Converged,
            checks,
            kinetic: over_chains(&own.kinetic),
            step,
            acceptance: own.acceptance,
            reasons: Vec::new(),
            finer: false,
            chains: own.frames.dim().1,
        };
        let pairs = gathered.pair.halved.as_ref().map_or(2, |halved| halved.frames.dim().1);
        diagnosis.judge(pairs);
        diagnosis
    }

    /// Whether chains do not come together.
    pub(super) fn is_apart(&self) -> bool {
        !self.checks.iter().all(|check| check.r_hat <= R_HAT)
    }

    /// How many times as long a run must be, for all errors to be small enough.
    pub(super) fn longer(&self) -> f64 {
        let square = |x: f64| x * x;
        let needed = |estimate: &Estimate, least: f64| {
            square(2.0 * estimate.error / (BOUND.max(least) - estimate.value.abs()).max(0.01))
        };
        let one = |check: &Check| {
            [
                square(check.mean_error / ERROR),
                square(check.sd_error / ERROR),
                self.least_size() / check.ess,
                needed(&check.mean_bias, BIAS),
                needed(&check.sd_bias, BIAS),
                needed(&check.pull, IDENTITY),
                needed(&check.identity, IDENTITY),
            ]
        };
        self.checks.iter().flat_map(one).fold(1.0, f64::max)
    }

    /// The effective sample size that a mixed run has at least.
    fn least_size(&self) -> f64 {
        SIZE.max(PER_CHAIN * self.chains as f64)
    }

    /// Whether chains are so far apart that a longer run does not help.
    pub(super) fn is_hopeless(&self) -> bool {
        self.checks.iter().any(|check| check.r_hat > HOPELESS)
    }

    /// Whether halving the step changes something by more than a share of what is allowed.
    pub(super) fn could_be_finer(&self) -> bool {
        self.finer
    }

    /// The verdict, where this number of chains has a second run.
    fn judge(&mut self, pairs: usize) {
        let tests = 4.0 * self.checks.len() as f64;
        let far = |chains: usize| student(1.0 - FALSE_ALARM / (2.0 * tests), chains as f64 - 1.0);
        let of_bias = far(pairs);
        let of_identity = far(self.chains);
        let seen = |bias: &Estimate| bias.value.abs() > FINE.max(of_bias * bias.error);
        self.finer = self.checks.iter().any(|c| seen(&c.mean_bias) || seen(&c.sd_bias));
        let mut mixed = Vec::new();
        let mut biased = Vec::new();
        let mut unclear = Vec::new();
        for check in &self.checks {
            let name = escaped(&check.name);
            // NaN, as of a parameter that never moves, is not below a threshold.
            if !(check.r_hat <= R_HAT && check.ess >= self.least_size()) {
                let size = check.ess;
                mixed.push(format!("{name} has R-hat {:.3} and {size:.0} draws", check.r_hat));
            }
            let biases = [
                ("the bias of the mean in sd", check.mean_bias, BIAS, of_bias),
                ("the relative bias of the sd", check.sd_bias, BIAS, of_bias),
                ("E[b], which should be 0,", check.pull, IDENTITY, of_identity),
                ("-E[(y - m) b] - 1, which should be 0,", check.identity, IDENTITY, of_identity),
            ];
            let errors =
                [("the mean", "sd", check.mean_error), ("the sd", "of it", check.sd_error)];
            for (what, unit, error) in errors {
                if !(error <= ERROR) {
                    unclear.push(format!("{what} of {name} is known to {error:.3} {unit}"));
                }
            }
            for (what, estimate, least, far) in biases {
                let size = estimate.value.abs();
                let text =
                    || format!("{what} of {name} is {:.3} ± {:.3}", estimate.value, estimate.error);
                if !(size <= least.max(far * estimate.error)) {
                    biased.push(text());
                } else if !(size + 2.0 * estimate.error < BOUND.max(least)) {
                    unclear.push(text());
                }
            }
        }
        let all =
            [(Verdict::NotMixed, mixed), (Verdict::Biased, biased), (Verdict::Unclear, unclear)];
        if let Some((verdict, _)) = all.iter().find(|(_, reasons)| !reasons.is_empty()) {
            self.verdict = *verdict;
        }
        self.reasons = all.into_iter().flat_map(|(_, reasons)| reasons).collect();
    }

    /// Whether the draws can be trusted.
    pub fn is_converged(&self) -> bool {
        self.verdict == Verdict::Converged
    }
}

/// A quantile of Student's distribution, by its expansion around the normal one.
fn student(probability: f64, freedom: f64) -> f64 {
    let z = normal_quantile(probability).unwrap_or(f64::INFINITY);
    let square = z * z;
    z + z * (square + 1.0) / (4.0 * freedom)
        + z * (5.0 * square * square + 16.0 * square + 3.0) / (96.0 * freedom * freedom)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Converged => "converged",
            Self::Biased => "biased",
            Self::NotMixed => "not mixed",
            Self::Unclear => "unclear",
        })
    }
}

/// Reasons that are printed.
const SHOWN: usize = 6;

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let worst = |of: fn(&Check) -> f64| self.checks.iter().map(of).fold(0.0, f64::max);
        write!(f, "{}", self.verdict)?;
        match self.verdict {
            Verdict::Converged => {}
            Verdict::Biased if self.acceptance.is_some() => {
                f.write_str(": is the gradient that of the log density? see check_gradient")?
            }
            Verdict::Biased => {
                write!(f, ": reduce the step, {}, or change the coordinates", number(self.step))?
            }
            Verdict::NotMixed => f.write_str(": run longer, or other coordinates")?,
            Verdict::Unclear => f.write_str(": run longer")?,
        }
        let mean = worst(|check| check.mean_bias.value.abs());
        let sd = worst(|check| check.sd_bias.value.abs());
        match self.acceptance {
            Some(share) => write!(f, "\nadjusted, so no bias of the step; {share:.3} accepted")?,
            None => {
                write!(f, "\nlargest bias of a mean {mean:.3} sd, of a sd {:.1} %", 100.0 * sd)?
            }
        }
        let pull = worst(|check| check.pull.value.abs());
        let identity = worst(|check| check.identity.value.abs());
        write!(f, "\ngradient identities off by {pull:.3} and {identity:.3}")?;
        write!(f, "; kinetic temperature {:.3}", self.kinetic.value)?;
        for reason in self.reasons.iter().take(SHOWN) {
            write!(f, "\n- {reason}")?;
        }
        match self.reasons.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n- and {more} more"),
        }
    }
}
