//! Runs until the draws can be trusted: longer, with a finer step, or in better coordinates.

use ndarray::{Array2, s};

use super::adjusted::{accepting, adjusted, leapfrogs};
use super::block::sum;
use super::diagnosis::{Diagnosis, Verdict};
use super::gathered::Gathered;
use super::outcome::Outcome;
use super::pair::{Chains, Length, Pair, State};
use super::stream;
use super::tune::{Pace, Warm, is_close, retuned};
use super::tuned::Tuned;
use crate::drift::{Counted, Distributed, Drift};
use crate::error::{Error, Result};
use crate::metrics::Posterior;

/// Frames that are kept of each chain, if they are not too many numbers.
const MOST: usize = 1000;
/// Frames that are kept in any case.
const LEAST: usize = 32;
/// Numbers that frames may have, unless they are [`LEAST`].
const NUMBERS: usize = 1 << 25;
/// A first run of at least this number of steps keeps every second one.
const LONG: usize = 500;
/// Steps of the shortest run.
const LEAST_STEPS: usize = 16;
/// A run that must be longer by this factor begins anew: what it has is little, and a chain that
/// was lost in it may be back by now.
const ANEW: f64 = 4.0;
/// Frames that new coordinates are made of.
const SOME: usize = 10;
/// Runs before the last one is returned as it is.
const ATTEMPTS: u64 = 8;
/// Steps of all runs together, in those of a first one.
const BUDGET: usize = 64;
/// Runs after which chains that are as far apart as ever are given up.
const EARLY: u64 = 3;
/// Parts of the seed from here on belong to runs, and those below to the rounds of the warm-up.
const ATTEMPT: u64 = 1 << 16;
/// Parts of the seed for the step of adjusted runs.
const ACCEPTANCE: u64 = 1 << 17;
/// The time of a burn-in in the coordinates of the scale.
const BURN_IN: f64 = 20.0;

/// What all runs have in common.
pub(super) struct Plan<'p, D> {
    pub drift: &'p Distributed<Counted<D>>,
    pub chains: Chains,
    pub names: Option<&'p [String]>,
    pub adjusted: bool,
    /// Steps of a first run.
    pub steps: usize,
}

/// Settings, where chains are, and what they have left with these settings.
struct Stage {
    tuned: Tuned,
    /// Halvings of the step since the warm-up.
    halvings: u32,
    state: State,
    gathered: Option<Gathered>,
}

impl Stage {
    /// Steps with these settings.
    fn taken(&self) -> usize {
        self.gathered.as_ref().map_or(0, |gathered| gathered.pair.own.steps)
    }

    /// Begins anew from where the chains are, with half the step.
    fn halve(&mut self) {
        self.tuned = self.tuned.clone().halved();
        self.halvings += 1;
        if let Some(gathered) = self.gathered.take() {
            self.state = gathered.pair.own.end;
        }
    }
}

impl<D: Drift<f64>> Plan<'_, D> {
    /// One run with settings that are given, after a burn-in of half as many steps.
    pub(super) fn once(&self, tuned: &Tuned, start: Array2<f64>) -> Result<Gathered> {
        let state = State { positions: start, momenta: None };
        let mut stage = Stage { tuned: tuned.clone(), halvings: 0, state, gathered: None };
        self.extend(&mut stage, self.steps, self.steps / 2, 0)?;
        Ok(stage.gathered.expect("a run has been made"))
    }

    /// Runs until the draws can be trusted.
    pub(super) fn search(&self, warm: Warm) -> Result<Outcome> {
        let Warm { tuned, state } = self.accepting(warm, 0)?;
        let mut stage = Stage { tuned, halvings: 0, state, gathered: None };
        // Draws with a verdict say more than an error, and converged ones more than others.
        let mut best: Option<Outcome> = None;
        let budget = self.steps.saturating_mul(BUDGET);
        let mut steps = self.steps;
        let mut spent = 0;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let burn_in = if stage.gathered.is_some() { 0 } else { self.burn_in(&stage, steps) };
            match self.extend(&mut stage, steps, burn_in, attempt) {
                Err(Error::Diverged { .. }) if attempt < ATTEMPTS => {
                    steps = steps.max(2 * stage.taken()).min(budget);
                    stage.halve();
                    continue;
                }
                Err(error @ Error::Diverged { .. }) => {
                    let outcome = best.ok_or(error)?;
                    return Ok(Outcome { evaluations: self.evaluations()?, ..outcome });
                }
                Err(error) => return Err(error),
                Ok(()) => {}
            }
            spent += steps;
            let gathered = stage.gathered.as_ref().expect("a run has been made");
            let outcome = self.outcome(gathered, &stage.tuned)?;
            let diagnosis = outcome.diagnosis.clone();
            let outcome = match best.take() {
                Some(best) if best.diagnosis.is_converged() && !diagnosis.is_converged() => best,
                _ => outcome,
            };
            let finer = diagnosis.could_be_finer();
            let biased = diagnosis.verdict == Verdict::Biased;
            // No step mends an adjusted run whose gradient is not that of its log density.
            let hopeless = diagnosis.is_hopeless() || (self.adjusted && biased);
            let ends = attempt == ATTEMPTS || (attempt >= EARLY && hopeless);
            if !ends && (finer || !diagnosis.is_converged()) {
                let wanted = if finer || (biased && !self.adjusted) {
                    let wanted = 2 * stage.taken();
                    stage.halve();
                    wanted
                } else {
                    self.longer(&mut stage, &diagnosis, attempt)?
                };
                let left = budget.saturating_sub(spent);
                steps = wanted.min(left);
                // Little more than nothing would take the place of what is there.
                let is_enough = stage.gathered.is_some() || 2 * steps >= wanted;
                if steps >= LEAST_STEPS && is_enough {
                    best = Some(outcome);
                    continue;
                }
            }
            return Ok(Outcome { evaluations: self.evaluations()?, ..outcome });
        }
    }

    /// How many steps more. They continue the run, unless chains are apart or there are better
    /// coordinates now that there are draws. 0 if chains become infinite in these.
    fn longer(&self, stage: &mut Stage, diagnosis: &Diagnosis, attempt: u64) -> Result<usize> {
        let Some(gathered) = &stage.gathered else { return Ok(0) };
        let own = &gathered.pair.own;
        let taken = own.steps;
        let longer = diagnosis.longer();
        let times = |factor: f64| (taken as f64 * factor).min(1e15) as usize;
        let is_short = !diagnosis.is_apart() && longer < ANEW;
        let more = times((1.1 * longer - 1.0).max(0.25));
        if is_short && self.adjusted {
            return Ok(more);
        }
        let sparse = (own.frames.dim().0 / SOME).max(1);
        let frames = own.frames.slice(s![..;sparse, .., ..]);
        let positions = gathered.without_lost(stage.tuned.scale());
        let pace = Pace { time: f64::INFINITY, falling: false };
        let before = stage.tuned.scale();
        let tuned = retuned(self.drift, before, frames, positions.view(), pace)?;
        let halved = |tuned| (0..stage.halvings).fold(tuned, |tuned: Tuned, _| tuned.halved());
        if is_short && is_close(&stage.tuned, &halved(tuned.clone())) {
            return Ok(more);
        }
        let warm = Warm { tuned, state: State { positions, momenta: None } };
        let warm = match self.accepting(warm, attempt) {
            Err(Error::Diverged { .. }) => return Ok(0),
            warm => warm?,
        };
        stage.tuned = halved(warm.tuned);
        stage.state = warm.state;
        stage.gathered = None;
        Ok(times(longer.clamp(2.0, ANEW)))
    }

    fn burn_in(&self, stage: &Stage, steps: usize) -> usize {
        let leapfrogs = if self.adjusted { leapfrogs(&stage.tuned) } else { 1.0 };
        let time = (BURN_IN / (leapfrogs * stage.tuned.step())).min(1e5) as usize;
        time.max(steps / 10)
    }

    /// The same with a step that is right for an adjusted run, if it is to be one.
    fn accepting(&self, warm: Warm, attempt: u64) -> Result<Warm> {
        if !self.adjusted {
            return Ok(warm);
        }
        let seed = stream(self.chains.seed, ACCEPTANCE + attempt);
        accepting(self.drift, Chains { seed, ..self.chains }, warm)
    }

    /// Runs chains, and keeps what they leave with what was there before.
    fn extend(&self, stage: &mut Stage, steps: usize, burn_in: usize, part: u64) -> Result<()> {
        let dim = stage.state.positions.ncols();
        let most = (NUMBERS / (self.chains.chains * dim)).clamp(LEAST, MOST);
        let mut interval = stage.gathered.as_ref().map_or(1, |before| before.interval);
        let before = stage.taken();
        if before == 0 && steps >= LONG {
            interval = 2;
        }
        while (before + steps).div_ceil(interval) > most {
            interval *= 2;
            if let Some(gathered) = &mut stage.gathered {
                gathered.thin();
            }
        }
        let length = Length { burn_in, interval, frames: steps.div_ceil(interval) };
        let chains = Chains { seed: stream(self.chains.seed, ATTEMPT + part), ..self.chains };
        let tuned = &stage.tuned;
        let [own, halved] = match &stage.gathered {
            Some(Gathered { pair, .. }) => {
                [Some(&pair.own.end), pair.halved.as_ref().map(|p| &p.end)]
            }
            None => [None, None],
        };
        let own = own.unwrap_or(&stage.state);
        let pair = if self.adjusted {
            Pair { own: adjusted(self.drift, tuned, chains, own, length)?, halved: None }
        } else {
            Pair::coupled(self.drift, tuned, chains, [own, halved.unwrap_or(own)], length)?
        };
        match &mut stage.gathered {
            Some(gathered) => gathered.append(self.drift, tuned, pair)?,
            None => stage.gathered = Some(Gathered::new(self.drift, tuned, pair, interval)?),
        }
        Ok(())
    }

    /// Evaluations so far, of all ranks.
    pub(super) fn evaluations(&self) -> Result<u64> {
        sum(self.drift.ranks(), self.drift.inner().rows())
    }

    /// What the draws say.
    pub(super) fn outcome(&self, gathered: &Gathered, tuned: &Tuned) -> Result<Outcome> {
        let frames = gathered.pair.own.frames.view();
        let mut summary = match self.chains.threads {
            Some(1) => Posterior::on_one_thread(frames)?,
            _ => Posterior::of(frames)?,
        };
        if let Some(names) = self.names {
            summary = summary.names(names.iter().cloned())?;
        }
        let diagnosis = Diagnosis::of(gathered, &summary, tuned.step());
        Ok(Outcome {
            draws: gathered.pair.own.frames.clone(),
            summary,
            diagnosis,
            tuned: tuned.clone(),
            evaluations: self.evaluations()?,
        })
    }
}
