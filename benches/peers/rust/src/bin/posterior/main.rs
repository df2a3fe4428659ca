//! Posteriors by our sampler and by NUTS.
//!
//! ```text
//! posterior run SEED…            ours and nuts-rs, one line of JSON for each target and method
//! posterior read FILE.jsonl      the same lines for draws of another program
//! posterior reference            long runs of nuts-rs, for the file of references
//! ```
//!
//! `TARGETS=banana,funnel` selects targets. With `OURS=1` ours alone run, for a profile.

mod known;
mod nuts;
mod record;
mod targets;

use std::time::Instant;

use langevin::BoxError;
use langevin::ndarray::Array3;
use langevin::posterior::{Outcome, Sampling, Tuned};
use nuts_rs::{DiagNutsSettings, LowRankNutsSettings, Settings};

use nuts::Plan;
use record::{Cost, Record, Reference, References};
use targets::{Target, Visit};

const CHAINS: usize = 64;
const THREADS: usize = 2;
/// Steps of a run without a warm-up. Nothing repeats it, so it must be long enough by itself.
const AGAIN: usize = 4000;
const REFERENCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../references.json");

fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or(&[]);
    match arguments.first().map(String::as_str) {
        Some("run") => {
            for seed in rest {
                targets::each(&mut Running { seed: seed.parse()?, references: references()? })?;
            }
        }
        Some("read") => {
            for path in rest {
                let text = std::fs::read_to_string(path)?;
                let costs = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
                targets::each(&mut Reading { costs, references: references()? })?;
            }
        }
        Some("reference") => {
            let mut long = Long { references: References::new() };
            targets::each(&mut long)?;
            println!("{}", serde_json::to_string_pretty(&long.references)?);
        }
        _ => return Err("say run, read or reference".into()),
    }
    Ok(())
}

fn references() -> Result<References, BoxError> {
    Ok(serde_json::from_str(&std::fs::read_to_string(REFERENCES)?)?)
}

fn selected(name: &str) -> bool {
    std::env::var("TARGETS").map_or(true, |names| names.split(',').any(|other| other == name))
}

struct Running {
    seed: u64,
    references: References,
}

impl Visit for Running {
    fn visit<T: Target>(&mut self, target: &T) -> Result<(), BoxError> {
        if !selected(T::NAME) {
            return Ok(());
        }
        if let Some(tuned) = self.ours(target, None)? {
            self.ours(target, Some(tuned))?;
        }
        if std::env::var_os("OURS").is_some() {
            return Ok(());
        }
        self.nuts(target, "nuts-rs", &DiagNutsSettings::default())?;
        self.nuts(target, "nuts-rs, low rank", &LowRankNutsSettings::default())
    }
}

impl Running {
    /// A complete call, or one run with the settings of such a call. A failure is a result too.
    fn ours<T: Target>(&self, target: &T, tuned: Option<Tuned>) -> Result<Option<Tuned>, BoxError> {
        let drift = target.drift();
        let again = tuned.is_some();
        let begin = Instant::now();
        let mut sampling = Sampling::new(&drift, target.dim());
        sampling = sampling.chains(CHAINS).threads(THREADS).seed(self.seed);
        if let Some(tuned) = tuned {
            sampling = sampling.tuned(tuned).steps(AGAIN);
        }
        let result = sampling.run();
        let seconds = begin.elapsed().as_secs_f64();
        let method = if again { "langevin, tuned before" } else { "langevin" };
        let Outcome { draws, diagnosis, tuned, evaluations, .. } = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                let verdict = Some(format!("error: {error}"));
                let cost = Cost { verdict, ..self.cost::<T>(method, seconds) };
                self.print(target, cost, &Array3::zeros((0, CHAINS, target.dim())))?;
                return Ok(None);
            }
        };
        let cost = Cost {
            gradients: evaluations,
            verdict: Some(diagnosis.verdict.to_string()),
            ..self.cost::<T>(method, seconds)
        };
        self.print(target, cost, &draws)?;
        Ok(Some(tuned))
    }

    fn nuts<T: Target, S: Settings>(
        &self,
        target: &T,
        method: &str,
        settings: &S,
    ) -> Result<(), BoxError> {
        let plan = Plan { chains: CHAINS, threads: THREADS, seed: self.seed };
        let drawn = nuts::run(target, settings, plan)?;
        let cost = Cost {
            gradients: drawn.gradients,
            sampling: Some(drawn.sampling),
            divergences: Some(drawn.divergences),
            ..self.cost::<T>(method, drawn.seconds)
        };
        self.print(target, cost, &drawn.draws)
    }

    fn cost<T: Target>(&self, method: &str, seconds: f64) -> Cost {
        Cost {
            target: T::NAME.into(),
            method: method.into(),
            seed: self.seed,
            chains: CHAINS,
            gradients: 0,
            seconds,
            sampling: None,
            compilation: None,
            divergences: None,
            verdict: None,
            draws: None,
        }
    }

    fn print<T: Target>(
        &self,
        target: &T,
        cost: Cost,
        draws: &Array3<f64>,
    ) -> Result<(), BoxError> {
        let record = Record::of(target, cost, draws.view(), &self.references)?;
        println!("{}", serde_json::to_string(&record)?);
        Ok(())
    }
}

struct Reading {
    costs: Vec<Cost>,
    references: References,
}

impl Visit for Reading {
    fn visit<T: Target>(&mut self, target: &T) -> Result<(), BoxError> {
        for cost in self.costs.iter().filter(|cost| cost.target == T::NAME) {
            let path = cost.draws.as_ref().ok_or("a line has no path of draws")?;
            let draws: Array3<f64> = ndarray_npy::read_npy(path)?;
            let record = Record::of(target, cost.clone(), draws.view(), &self.references)?;
            println!("{}", serde_json::to_string(&record)?);
        }
        Ok(())
    }
}

struct Long {
    references: References,
}

impl Visit for Long {
    fn visit<T: Target>(&mut self, target: &T) -> Result<(), BoxError> {
        if T::HARD || target.known().is_some() || !selected(T::NAME) {
            return Ok(());
        }
        let settings =
            LowRankNutsSettings { num_tune: 2000, num_draws: 8000, ..Default::default() };
        let plan = Plan { chains: CHAINS, threads: THREADS, seed: 1 << 20 };
        let draws = nuts::run(target, &settings, plan)?.draws;
        self.references.insert(T::NAME.into(), reference(&draws)?);
        Ok(())
    }
}

fn reference(draws: &Array3<f64>) -> Result<Reference, BoxError> {
    let parameters = langevin::metrics::Posterior::of(draws.view())?.parameters;
    Ok(Reference {
        mean: parameters.iter().map(|p| p.mean).collect(),
        sd: parameters.iter().map(|p| p.sd).collect(),
        ess: parameters.iter().map(|p| p.ess_bulk).fold(f64::INFINITY, f64::min),
    })
}
