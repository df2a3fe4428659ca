//! Builds samplers from the names of their method and dynamics.

use super::list::{DYNAMICS, DynamicsEntry, MethodEntry, alias, dynamics, method};
use super::options::Options;
use crate::dynamics::{
    ContinuousDynamics, Letter, LinearDynamics, Linearized, Overdamped, Underdamped,
};
use crate::error::{Error, Result};
use crate::options::OptionValue;
use crate::real::Real;
use crate::sampler::{
    EulerMaruyama, Mala, Malt, PoissonMidpoint, RandomizedMidpoint, Sampler, Selection, Splitting,
};

/// Builds the sampler with these names: `on` is the dynamics and `name` the method.
///
/// ```
/// use langevin::catalog::{self, Options};
/// use langevin::prelude::*;
/// let options = Options::default().with("substeps", "32")?;
/// let sampler = catalog::sampler::<f64>("underdamped", "pmm2", &options)?;
/// assert_eq!(sampler.evaluations_per_step(), 2.0 - 1.0 / 32.0);
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// - [`Error::Unknown`] for a name that is not in the lists, or a pair that does not work together.
/// - [`Error::NotTaken`] for an option without effect on this pair.
/// - [`Error::Missing`] for `splitting` without a word, and [`Error::Word`] for a word without O.
/// - The errors of the constructors of the method and the dynamics.
pub fn sampler<F: Real>(on: &str, name: &str, options: &Options) -> Result<Box<dyn Sampler<F>>> {
    let on = dynamics(on)?;
    if let Some(alias) = alias(name).filter(|alias| alias.dynamics != on.name) {
        let given = format!("{} on {} dynamics", alias.name, on.name);
        let known = format!("{} on {}", alias.name, alias.dynamics);
        return Err(Error::Unknown { what: "pair", given, known });
    }
    let method = method(name)?;
    check(on, method, options)?;
    Ok(match method.name {
        "em" => Box::new(EulerMaruyama::new(linear(on, options)?)),
        "pmm1" => poisson(Selection::Bernoulli, on, options)?,
        "pmm2" => poisson(Selection::Single, on, options)?,
        "rm" => randomized(on, options)?,
        "mala" => Box::new(Mala::new()),
        "malt" => Box::new(Malt::new(underdamped(options)?).with_leapfrogs(options.leapfrogs())?),
        "splitting" => {
            let missing = Error::Missing { option: "word", by: "splitting".into() };
            let word = options.word.clone().ok_or(missing)?;
            if word.count(Letter::O) == 0 {
                let expected = "at least one O, as a word without noise samples nothing";
                let length = word.letters().len();
                return Err(Error::Word { word: word.to_string(), length, expected });
            }
            Box::new(Splitting::new(underdamped(options)?, word))
        }
        word => Box::new(Splitting::new(underdamped(options)?, word.parse()?)),
    })
}

/// The options of a sampler with these names: those that were given, and the defaults of the
/// others that have an effect.
///
/// ```
/// use langevin::advanced::OptionValue;
/// use langevin::catalog::{self, Options};
/// let options = Options::default().with("substeps", "32")?;
/// let all = catalog::settings("overdamped", "pmm2", &options)?;
/// let expected = [("substeps", OptionValue::Count(32)), ("noise-scale", OptionValue::Real(1.0))];
/// assert_eq!(all, expected);
/// # Ok::<(), langevin::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unknown`] for a name that is not in the lists.
pub fn settings(
    on: &str,
    name: &str,
    options: &Options,
) -> Result<Vec<(&'static str, OptionValue)>> {
    let on = dynamics(on)?;
    let method = method(name)?;
    let mut all = options.with_defaults().given();
    all.retain(|(option, _)| method.options.contains(option) || on.options.contains(option));
    Ok(all)
}

/// Rejects a pair that does not work together, and options without effect.
fn check(on: &DynamicsEntry, method: &MethodEntry, options: &Options) -> Result<()> {
    if !method.dynamics.contains(&on.name) {
        let given = format!("{} on {} dynamics", method.name, on.name);
        let known = format!("{} on {}", method.name, method.dynamics.join(", "));
        return Err(Error::Unknown { what: "pair", given, known });
    }
    for (option, _) in options.given() {
        if !method.options.contains(&option) && !on.options.contains(&option) {
            let of_dynamics = DYNAMICS.iter().any(|entry| entry.options.contains(&option));
            let (by, takes) =
                if of_dynamics { (on.name, on.options) } else { (method.name, method.options) };
            let takes = if takes.is_empty() { "no options".into() } else { takes.join(", ") };
            return Err(Error::NotTaken { option: option.into(), by: by.into(), takes });
        }
    }
    Ok(())
}

fn underdamped(options: &Options) -> Result<Underdamped> {
    Underdamped::new(options.friction(), options.inverse_mass())
}

fn continuous(on: &DynamicsEntry, options: &Options) -> Result<Box<dyn ContinuousDynamics>> {
    Ok(match on.name {
        "overdamped" => Box::new(Overdamped),
        _ => Box::new(underdamped(options)?),
    })
}

fn linear(on: &DynamicsEntry, options: &Options) -> Result<Box<dyn LinearDynamics>> {
    let exact = continuous(on, options)?;
    Ok(if options.linearized { Box::new(Linearized::new(exact)) } else { Box::new(exact) })
}

fn poisson<F: Real>(
    selection: Selection,
    on: &DynamicsEntry,
    options: &Options,
) -> Result<Box<dyn Sampler<F>>> {
    let sampler = PoissonMidpoint::new(linear(on, options)?, options.substeps())?;
    let sampler = sampler.with_selection(selection);
    Ok(Box::new(sampler.with_noise_scale(options.noise_scale())?))
}

fn randomized<F: Real>(on: &DynamicsEntry, options: &Options) -> Result<Box<dyn Sampler<F>>> {
    let mut sampler = RandomizedMidpoint::new(continuous(on, options)?)
        .with_windows(options.windows())?
        .with_rounds(options.rounds())?
        .with_control_variate(options.control_variate);
    if let Some(tolerance) = options.tolerance {
        sampler = sampler.with_tolerance(tolerance)?;
    }
    Ok(Box::new(sampler))
}

#[cfg(test)]
mod tests {
    use super::super::list::{Pair, pairs};
    use super::*;

    #[test]
    fn every_pair_builds() {
        for Pair { dynamics, method } in pairs() {
            let word = (method.name == "splitting").then(|| "BAOOAB".parse().unwrap());
            let options = Options { word, ..Options::default() };
            assert!(sampler::<f64>(dynamics.name, method.name, &options).is_ok());
            for option in method.options.iter().chain(dynamics.options) {
                assert!(Options::all().iter().any(|info| info.name == *option), "{option}");
            }
        }
        assert_eq!(pairs().count(), 4 * 2 + 4 + 2);
    }

    #[test]
    fn options_act_or_fail() {
        let message = |dynamics: &str, method: &str, options: &Options| {
            sampler::<f64>(dynamics, method, options).err().unwrap().to_string()
        };
        let none = Options::default();
        let substeps = Options { substeps: Some(4), ..Options::default() };
        assert_eq!(
            message("overdamped", "em", &substeps),
            "substeps is not an option of em, which takes linearized; leave it out"
        );
        let friction = Options { friction: Some(1.0), ..Options::default() };
        assert_eq!(
            message("overdamped", "em", &friction),
            "friction is not an option of overdamped, which takes no options; leave it out"
        );
        assert_eq!(
            message("overdamped", "baoab", &none),
            "unknown pair `baoab on overdamped dynamics`; there are: baoab on underdamped"
        );
        assert_eq!(message("underdamped", "splitting", &none), "splitting needs the option word");
        let silent = Options { word: Some("BAB".parse().unwrap()), ..Options::default() };
        assert_eq!(
            message("underdamped", "splitting", &silent),
            "word `BAB` of 3 letters; expected at least one O, \
             as a word without noise samples nothing"
        );
        assert_eq!(
            message("sideways", "em", &none),
            "unknown dynamics `sideways`; there are: overdamped, underdamped"
        );
        assert_eq!(
            message("underdamped", "ula", &none),
            "unknown pair `ula on underdamped dynamics`; there are: ula on overdamped"
        );
        assert!(sampler::<f64>("Underdamped", " ULMC", &none).is_ok());
        assert_eq!(none.clone().with("windows", "3").unwrap().windows, Some(3));
        assert!(none.clone().with("windows", "x").is_err() && none.with("wind", "3").is_err());
    }
}
