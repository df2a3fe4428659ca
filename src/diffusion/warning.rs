//! What a plan, or the samples of a run, cannot be trusted for: with numbers, and what to try.

use std::fmt;

use ndarray::ArrayView2;

use super::clock::Clock;
use super::denoiser::Denoiser;
use super::plan::Plan;
use super::start::Mismatch;
use crate::error::Result;
use crate::real::Real;

/// Numbers that are more than this many half widths away from the middle of the range of the data
/// are no samples of them.
const FAR: f64 = 10.0;

/// Something that makes the samples of a plan doubtful. It prints itself with what to try.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// The run takes fewer steps than the method needs. Its samples may be off by orders of
    /// magnitude.
    FewSteps {
        /// The method.
        method: String,
        /// The steps of the plan.
        steps: usize,
        /// The fewest steps from which on the variance of Gaussian data is right within a factor
        /// of 2, on all schedules and grids.
        enough: usize,
        /// Evaluations that pay for so many steps.
        evaluations: usize,
        /// A method that needs fewer.
        other: &'static str,
    },
    /// The run starts from the prior of the process. The noised data at its first level differ from
    /// that.
    Start {
        /// ᾱ at the first level.
        alpha_bar: f64,
        /// How far the mean may be off, in standard deviations.
        mean: f64,
        /// How far variances may be off, as a part of them.
        variance: f64,
    },
    /// A given start is not like the noised data at the first level.
    GivenStart {
        /// Its mean square.
        square: f64,
        /// How far from 1, that of pure noise, it may be for a right start.
        allowed: f64,
    },
    /// Samples are more than ten times as far from the middle of the range of the data as its ends.
    Range {
        /// How many numbers are so far away.
        count: usize,
        /// How many numbers there are.
        of: usize,
        /// The number that is farthest away.
        farthest: f64,
        /// The range of the data.
        range: [f64; 2],
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewSteps { method, steps, enough, evaluations, other } => write!(
                f,
                "{method} takes {steps} steps, and below {enough} its samples may be far off; \
                 try {evaluations} evaluations or more, or {other}"
            ),
            Self::Start { alpha_bar, mean, variance } => write!(
                f,
                "the run starts from pure noise, but at its first level alpha bar is \
                 {alpha_bar:.2e}: there the mean of the noised data may be off by {mean:.2} \
                 standard deviations and their variance by {:.0} %; \
                 begin at a noisier level, or give a start",
                100.0 * variance
            ),
            Self::GivenStart { square, allowed } => write!(
                f,
                "the mean square of the start is {square:.3}, but that of the noised data at the \
                 first level is 1 within {allowed:.2}; if these are data, noise them first \
                 (--noise-start, Plan::noised)"
            ),
            Self::Range { count, of, farthest, range: [low, high] } => write!(
                f,
                "{count} of {of} numbers are far outside of the range of the data, \
                 {low} to {high}; the farthest is {farthest:.3e}; \
                 try more evaluations, another grid or another method"
            ),
        }
    }
}

impl Warning {
    /// A warning if numbers of samples, shape (chains, dim), are more than ten times as far from
    /// the middle of a range as its ends. NaN and infinite numbers count as well.
    pub fn of_samples<F: Real>(samples: ArrayView2<'_, F>, range: [f64; 2]) -> Option<Self> {
        let [low, high] = range;
        let middle = 0.5 * (low + high);
        let limit = FAR * 0.5 * (high - low);
        let mut count = 0;
        let mut farthest = middle;
        for x in samples.iter().map(|x| x.widen()) {
            if (x - middle).abs() <= limit {
                continue;
            }
            count += 1;
            if !((x - middle).abs() <= (farthest - middle).abs()) {
                farthest = x;
            }
        }
        (count > 0).then_some(Self::Range { count, of: samples.len(), farthest, range })
    }
}

impl Plan {
    /// What makes the samples of this plan on a model doubtful, before anything is run.
    ///
    /// A difference between prior and noised data is found from the range of the data
    /// ([`Denoiser::range`]), or for data in [−1, 1] where it is not known. It is no warning where
    /// [`start`](Self::start) removes it.
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub fn warnings<F: Real>(&self, model: &dyn Denoiser<F>) -> Result<Vec<Warning>> {
        let mut all: Vec<Warning> = self.few_steps().into_iter().collect();
        let mismatch = self.mismatch(model.range())?;
        let matched = model.known_data().is_some_and(Self::can_match);
        if mismatch.matters() && !matched {
            let alpha_bar = self.first_level()?.alpha_bar();
            let Mismatch { mean, variance } = mismatch;
            all.push(Warning::Start { alpha_bar, mean, variance });
        }
        Ok(all)
    }

    /// A warning if a given start, shape (chains, dim), is not like the noised data at the first
    /// level: its mean square is not 1, as far as its size and the range of the data can tell.
    ///
    /// # Errors
    /// Those of [`start`](Self::start).
    pub fn given_start<F: Real>(
        &self,
        start: ArrayView2<'_, F>,
        model: &dyn Denoiser<F>,
    ) -> Result<Option<Warning>> {
        let count = start.len() as f64;
        let square = start.iter().map(|x| x.widen() * x.widen()).sum::<f64>() / count;
        let Mismatch { mean, variance } = self.mismatch(model.range())?;
        // The mean square of n standard normals has the standard deviation √(2/n).
        let allowed = variance + mean * mean + 6.0 * (2.0 / count).sqrt() + 0.05;
        let right = (square - 1.0).abs() <= allowed;
        Ok((!right).then_some(Warning::GivenStart { square, allowed }))
    }

    fn few_steps(&self) -> Option<Warning> {
        let steps = self.method_grid().steps();
        let enough = self.enough_steps();
        if steps + self.skipped >= enough {
            return None;
        }
        let in_phase_space = matches!(self.clock(), Clock::Phase { .. });
        let other = if in_phase_space { "sscs" } else { "dpmpp2m" };
        let method = self.method().name().to_owned();
        let evaluations = self.enough_evaluations(enough);
        Some(Warning::FewSteps { method, steps, enough, evaluations, other })
    }

    /// The fewest steps that are enough for the method on this grid. In phase space the longest of
    /// them is as short as one of half as many equal steps over τ = 8, what the customary rate
    /// gives.
    fn enough_steps(&self) -> usize {
        let least = self.method().enough_steps(self.process().kind());
        if !matches!(self.clock(), Clock::Phase { .. }) {
            return least;
        }
        let longest = self.method_grid().iter().map(|step| step.length).fold(0.0, f64::max);
        let steps = self.method_grid().steps() as f64;
        least.max((steps * longest / 8.0 * 0.5 * least as f64).ceil() as usize)
    }

    /// A budget that pays for so many steps.
    fn enough_evaluations(&self, steps: usize) -> usize {
        let per_step = self.evaluations() / self.method_grid().steps() as f64;
        let about = (per_step * steps as f64) as usize;
        let is_enough = |evaluations: &usize| {
            let plan = self.method().plan(self.process(), *evaluations);
            plan.is_ok_and(|plan| plan.method_grid().steps() >= plan.enough_steps())
        };
        (about..about + 100).find(is_enough).unwrap_or(about)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn samples_far_outside_of_the_range_are_seen() {
        let near = array![[9.9, -9.9], [0.0, 3.0]];
        assert_eq!(Warning::of_samples(near.view(), [-1.0, 1.0]), None);
        let far = array![[10.1, -9.9], [0.0, -301.0]];
        let Some(Warning::Range { count, of, farthest, .. }) =
            Warning::of_samples(far.view(), [-1.0, 1.0])
        else {
            panic!("two numbers are far outside");
        };
        assert_eq!((count, of, farthest), (2, 4, -301.0));
        let shifted = array![[110.0f32], [90.0]];
        assert_eq!(Warning::of_samples(shifted.view(), [99.0, 101.0]), None);
        for bad in [f64::NAN, f64::INFINITY] {
            assert!(Warning::of_samples(array![[bad]].view(), [-1.0, 1.0]).is_some());
        }
    }
}
