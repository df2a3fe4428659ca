//! The one list of methods and dynamics: it feeds the command line, the tests, the benches and the
//! tables.

use crate::dynamics::{
    ContinuousDynamics, Letter, LinearDynamics, Linearized, Overdamped, Underdamped,
};
use crate::error::{Error, Result};
use crate::real::Real;
use crate::sampler::{
    EulerMaruyama, Mala, PoissonMidpoint, RandomizedMidpoint, Sampler, Selection, Splitting, Word,
};

/// What is known about a method before it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub title: &'static str,
    /// The dynamics it works on.
    pub dynamics: &'static [&'static str],
    /// The options it takes, as spelled on the command line.
    pub options: &'static [&'static str],
    /// Drift evaluations per step.
    pub evaluations: &'static str,
    /// Batched drift calls per step, one after the other.
    pub batched_calls: &'static str,
    /// Where it comes from.
    pub source: &'static str,
}

/// All methods.
pub const METHODS: [Method; 9] = [
    Method {
        name: "em",
        title: "Euler-Maruyama: exponential integrator, drift frozen over the step (ULA, ULMC)",
        dynamics: BOTH,
        options: &["linearized"],
        evaluations: "1",
        batched_calls: "1",
        source: "Roberts & Tweedie 1996 (ULA); Cheng et al. 2018 (ULMC)",
    },
    Method {
        name: "pmm1",
        title: "Poisson midpoint, option 1: each of K sub-steps corrected with probability 1/K",
        dynamics: BOTH,
        options: &["substeps", "noise-scale", "linearized"],
        evaluations: "2 - 1/K",
        batched_calls: "2",
        source: "Kandasamy & Nagaraj 2024, arXiv 2405.17068",
    },
    Method {
        name: "pmm2",
        title: "Poisson midpoint, option 2: exactly one of K sub-steps corrected",
        dynamics: BOTH,
        options: &["substeps", "noise-scale", "linearized"],
        evaluations: "2 - 1/K",
        batched_calls: "2",
        source: "Kandasamy & Nagaraj 2024, arXiv 2405.17068",
    },
    Method {
        name: "rm",
        title: "randomized midpoint, R windows in parallel, P Picard rounds",
        dynamics: BOTH,
        options: &["windows", "rounds", "tolerance", "control-variate"],
        evaluations: "1 + (P + 1) R",
        batched_calls: "P + 2",
        source: "Shen & Lee 2019; Gupta, Cai & Chen 2024, arXiv 2406.00924",
    },
    splitting("baoab", "splitting B A O A B: positions exact on a harmonic oscillator at any step"),
    splitting("obabo", "splitting O B A B O: velocity Verlet between two half steps of friction"),
    splitting(
        "aboba",
        "splitting A B O B A: positions exact too at the end of a step, velocities too wide",
    ),
    Method {
        name: "splitting",
        title: "splitting by any word over A (position), B (momentum), O (friction and noise)",
        dynamics: UNDERDAMPED,
        options: &["word"],
        evaluations: "by the word",
        batched_calls: "the same",
        source: "Leimkuhler & Matthews 2013",
    },
    Method {
        name: "mala",
        title: "Metropolis-adjusted Langevin: unbiased, for reference",
        dynamics: OVERDAMPED,
        options: &[],
        evaluations: "1",
        batched_calls: "1",
        source: "Roberts & Tweedie 1996",
    },
];

const BOTH: &[&str] = &["overdamped", "underdamped"];
const OVERDAMPED: &[&str] = &["overdamped"];
const UNDERDAMPED: &[&str] = &["underdamped"];

const fn splitting(name: &'static str, title: &'static str) -> Method {
    Method {
        name,
        title,
        dynamics: UNDERDAMPED,
        options: &[],
        evaluations: "1",
        batched_calls: "1",
        source: "Leimkuhler & Matthews 2013",
    }
}

impl Method {
    /// The method of this name.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is none.
    pub fn named(name: &str) -> Result<&'static Self> {
        static ALL: [Method; METHODS.len()] = METHODS;
        ALL.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let known = names(&METHODS.map(|entry| entry.name));
            Error::Unknown { what: "method", given: name.into(), known }
        })
    }
}

/// All pairs of a dynamics and a method that make sense.
pub fn pairs() -> impl Iterator<Item = (DynamicsEntry, Method)> {
    let works =
        |(dynamics, method): &(DynamicsEntry, Method)| method.dynamics.contains(&dynamics.name);
    DYNAMICS.into_iter().flat_map(|dynamics| METHODS.map(|method| (dynamics, method))).filter(works)
}

/// What is known about a dynamics before it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DynamicsEntry {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub title: &'static str,
    /// The options it takes.
    pub options: &'static [&'static str],
}

/// All dynamics.
pub const DYNAMICS: [DynamicsEntry; 2] = [
    DynamicsEntry { name: "overdamped", title: "dX = b dt + sqrt(2) dW", options: &[] },
    DynamicsEntry {
        name: "underdamped",
        title: "dx = v dt, dv = -g v dt + u b dt + sqrt(2 g u) dW",
        options: &["friction", "inverse-mass"],
    },
];

/// Options of methods and dynamics; what is not given takes its default.
///
/// An option that the chosen method or dynamics does not take is an error, never ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Friction γ of underdamped dynamics. Default 2.
    pub friction: Option<f64>,
    /// Inverse mass u of underdamped dynamics. Default 1.
    pub inverse_mass: Option<f64>,
    /// Plain Euler coefficients in place of the exact ones. Default: exact.
    pub linearized: bool,
    /// Sub-steps K of the Poisson midpoint. Default 16.
    pub substeps: Option<usize>,
    /// Noise scale ρ of the Poisson midpoint. Default 1.
    pub noise_scale: Option<f64>,
    /// Windows R of the randomized midpoint. Default 1.
    pub windows: Option<usize>,
    /// Picard rounds P of the randomized midpoint. Default 0.
    pub rounds: Option<usize>,
    /// Tolerance that stops the rounds of a chain early. Default: none.
    pub tolerance: Option<f64>,
    /// Control variate of the randomized midpoint. Default: without.
    pub control_variate: bool,
    /// The word of a splitting. Required by `splitting`.
    pub word: Option<Word>,
}

impl Options {
    fn given(&self) -> Vec<&'static str> {
        let all = [
            ("friction", self.friction.is_some()),
            ("inverse-mass", self.inverse_mass.is_some()),
            ("substeps", self.substeps.is_some()),
            ("noise-scale", self.noise_scale.is_some()),
            ("windows", self.windows.is_some()),
            ("rounds", self.rounds.is_some()),
            ("tolerance", self.tolerance.is_some()),
            ("control-variate", self.control_variate),
            ("linearized", self.linearized),
            ("word", self.word.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }
}

/// Builds the sampler of these names.
///
/// ```
/// use langevin::{Sampler, catalog};
/// let options = catalog::Options { substeps: Some(32), ..Default::default() };
/// let sampler: Box<dyn Sampler<f64>> = catalog::sampler("underdamped", "pmm2", &options)?;
/// assert_eq!(sampler.evaluations_per_step(), 2.0 - 1.0 / 32.0);
/// # Ok::<(), langevin::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unknown`] for a name that is not in the lists, [`Error::NotTaken`] for an option that
/// the method or the dynamics does not take, and whatever their constructors refuse.
pub fn sampler<F: Real>(
    dynamics: &str,
    method: &str,
    options: &Options,
) -> Result<Box<dyn Sampler<F>>> {
    let unknown_dynamics = || {
        let known = names(&DYNAMICS.map(|entry| entry.name));
        Error::Unknown { what: "dynamics", given: dynamics.into(), known }
    };
    let entry =
        DYNAMICS.iter().find(|entry| entry.name == dynamics).ok_or_else(unknown_dynamics)?;
    let method = Method::named(method)?;
    if !method.dynamics.contains(&entry.name) {
        let given = format!("{} on {} dynamics", method.name, entry.name);
        return Err(Error::Unknown {
            what: "pair",
            given,
            known: format!("{} on {}", method.name, method.dynamics.join(", ")),
        });
    }
    for option in options.given() {
        if !method.options.contains(&option) && !entry.options.contains(&option) {
            let by = if DYNAMICS.iter().any(|d| d.options.contains(&option)) {
                entry.name
            } else {
                method.name
            };
            return Err(Error::NotTaken { option, by });
        }
    }
    let underdamped =
        || Underdamped::new(options.friction.unwrap_or(2.0), options.inverse_mass.unwrap_or(1.0));
    let continuous = || -> Result<Box<dyn ContinuousDynamics>> {
        Ok(match entry.name {
            "overdamped" => Box::new(Overdamped),
            "underdamped" => Box::new(underdamped()?),
            _ => return Err(unknown_dynamics()),
        })
    };
    let linear = || -> Result<Box<dyn LinearDynamics>> {
        let exact = continuous()?;
        Ok(if options.linearized { Box::new(Linearized::new(exact)) } else { Box::new(exact) })
    };
    let poisson = |selection| -> Result<Box<dyn Sampler<F>>> {
        let sampler = PoissonMidpoint::new(linear()?, options.substeps.unwrap_or(16))?
            .with_selection(selection);
        Ok(Box::new(sampler.with_noise_scale(options.noise_scale.unwrap_or(1.0))?))
    };
    Ok(match method.name {
        "em" => Box::new(EulerMaruyama::new(linear()?)),
        "pmm1" => poisson(Selection::Bernoulli)?,
        "pmm2" => poisson(Selection::Single)?,
        "rm" => {
            let mut sampler = RandomizedMidpoint::new(continuous()?)
                .with_windows(options.windows.unwrap_or(1))?
                .with_rounds(options.rounds.unwrap_or(0))?
                .with_control_variate(options.control_variate);
            if let Some(tolerance) = options.tolerance {
                sampler = sampler.with_tolerance(tolerance)?;
            }
            Box::new(sampler)
        }
        "mala" => Box::new(Mala::new()),
        "splitting" => {
            let word =
                options.word.clone().ok_or(Error::Missing { option: "word", by: "splitting" })?;
            if word.count(Letter::O) == 0 && options.friction.is_some() {
                return Err(Error::NotTaken { option: "friction", by: "a word without O" });
            }
            Box::new(Splitting::new(underdamped()?, word))
        }
        word => Box::new(Splitting::new(underdamped()?, word.parse()?)),
    })
}

fn names(all: &[&str]) -> String {
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_builds_and_keeps_its_name() {
        for (dynamics, method) in pairs() {
            let word = (method.name == "splitting").then(|| "BAOOAB".parse().unwrap());
            let sampler =
                sampler::<f64>(dynamics.name, method.name, &Options { word, ..Options::default() })
                    .unwrap();
            assert_eq!(sampler.name(), method.name);
        }
        assert_eq!(pairs().count(), 4 * 2 + 4 + 1);
    }

    #[test]
    fn options_act_or_fail() {
        let substeps = Options { substeps: Some(4), ..Options::default() };
        let error = sampler::<f64>("overdamped", "em", &substeps).err().unwrap();
        assert_eq!(
            error.to_string(),
            "substeps is not an option of em; leave it out, or choose what takes it"
        );
        let friction = Options { friction: Some(1.0), ..Options::default() };
        let error = sampler::<f64>("overdamped", "em", &friction).err().unwrap();
        assert_eq!(
            error.to_string(),
            "friction is not an option of overdamped; leave it out, or choose what takes it"
        );
        let error = sampler::<f64>("overdamped", "baoab", &Options::default()).err().unwrap();
        assert_eq!(
            error.to_string(),
            "unknown pair `baoab on overdamped dynamics`; there are: baoab on underdamped"
        );
        let error = sampler::<f64>("underdamped", "splitting", &Options::default()).err().unwrap();
        assert_eq!(error.to_string(), "splitting needs the option word");
        let error = sampler::<f64>("sideways", "em", &Options::default()).err().unwrap();
        assert_eq!(
            error.to_string(),
            "unknown dynamics `sideways`; there are: overdamped, underdamped"
        );
    }
}
