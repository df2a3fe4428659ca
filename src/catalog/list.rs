//! The only list of methods and dynamics. The command line, the tests, the benches and the tables
//! all use it.

use crate::error::Result;
use crate::options::find;

/// What is known about a method before it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MethodEntry {
    /// Name on the command line.
    pub name: &'static str,
    /// One line that describes it.
    pub title: &'static str,
    /// The dynamics that it works on.
    pub dynamics: &'static [&'static str],
    /// The options that it takes, as spelled on the command line.
    pub options: &'static [&'static str],
    /// Drift evaluations per step.
    #[cfg_attr(feature = "serde", serde(rename = "evaluations_per_step"))]
    pub evaluations: &'static str,
    /// Batched drift calls per step that must wait for each other.
    #[cfg_attr(feature = "serde", serde(rename = "batched_calls_per_step"))]
    pub batched_calls: &'static str,
    /// The publications that it comes from.
    pub source: &'static str,
}

/// All methods.
pub static METHODS: [MethodEntry; 10] = [
    MethodEntry {
        name: "em",
        title: "Euler-Maruyama: exponential integrator, drift frozen over the step (ULA, ULMC)",
        dynamics: BOTH,
        options: &["linearized"],
        evaluations: "1",
        batched_calls: "1",
        source: "Roberts & Tweedie 1996 (ULA); Cheng et al. 2018 (ULMC)",
    },
    MethodEntry {
        name: "pmm1",
        title: "Poisson midpoint, option 1: each of K sub-steps corrected with probability 1/K",
        dynamics: BOTH,
        options: &["substeps", "noise-scale", "linearized"],
        evaluations: "2 - 1/K",
        batched_calls: "2",
        source: "Kandasamy & Nagaraj 2024, arXiv 2405.17068",
    },
    MethodEntry {
        name: "pmm2",
        title: "Poisson midpoint, option 2: exactly one of K sub-steps corrected",
        dynamics: BOTH,
        options: &["substeps", "noise-scale", "linearized"],
        evaluations: "2 - 1/K",
        batched_calls: "2",
        source: "Kandasamy & Nagaraj 2024, arXiv 2405.17068",
    },
    MethodEntry {
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
    MethodEntry {
        name: "splitting",
        title: "splitting by any word over A (position), B (momentum), O (friction and noise)",
        dynamics: UNDERDAMPED,
        options: &["word"],
        evaluations: "by the word",
        batched_calls: "the same",
        source: "Leimkuhler & Matthews 2013",
    },
    MethodEntry {
        name: "mala",
        title: "Metropolis-adjusted Langevin: unbiased, for reference",
        dynamics: OVERDAMPED,
        options: &[],
        evaluations: "1",
        batched_calls: "1",
        source: "Roberts & Tweedie 1996",
    },
    MethodEntry {
        name: "malt",
        title: "Metropolis-adjusted trajectories of L leapfrogs with friction: unbiased",
        dynamics: UNDERDAMPED,
        options: &["leapfrogs"],
        evaluations: "L",
        batched_calls: "L",
        source: "Riou-Durand & Vogrinc 2022, arXiv 2202.13230; Horowitz 1991 (L = 1)",
    },
];

const BOTH: &[&str] = &["overdamped", "underdamped"];
const OVERDAMPED: &[&str] = &["overdamped"];
const UNDERDAMPED: &[&str] = &["underdamped"];

const fn splitting(name: &'static str, title: &'static str) -> MethodEntry {
    MethodEntry {
        name,
        title,
        dynamics: UNDERDAMPED,
        options: &[],
        evaluations: "1",
        batched_calls: "1",
        source: "Leimkuhler & Matthews 2013",
    }
}

/// Another name of a method on one dynamics, by which the literature calls the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alias {
    /// The other name.
    pub name: &'static str,
    /// The method of this list.
    pub method: &'static str,
    /// Its dynamics.
    pub dynamics: &'static str,
}

/// All other names: ULA and LMC are Euler–Maruyama on overdamped dynamics, ULMC on underdamped.
pub const ALIASES: [Alias; 3] = [
    Alias { name: "ula", method: "em", dynamics: "overdamped" },
    Alias { name: "lmc", method: "em", dynamics: "overdamped" },
    Alias { name: "ulmc", method: "em", dynamics: "underdamped" },
];

/// The pair that this name stands for, or `None` if it is the name of a method itself.
pub fn alias(name: &str) -> Option<&'static Alias> {
    ALIASES.iter().find(|alias| alias.name.eq_ignore_ascii_case(name.trim()))
}

/// Returns the method with this name, or with this [alias].
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) if there is none.
pub fn method(name: &str) -> Result<&'static MethodEntry> {
    let name = alias(name).map_or(name, |alias| alias.method);
    find("method", &METHODS, |entry| entry.name, name)
}

/// Returns the dynamics with this name.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) if there is none.
pub fn dynamics(name: &str) -> Result<&'static DynamicsEntry> {
    find("dynamics", &DYNAMICS, |entry| entry.name, name)
}

/// All methods and dynamics with their options, as text.
///
/// ```
/// println!("{}", langevin::catalog::overview());
/// ```
pub fn overview() -> String {
    let mut text = String::from("methods      evaluations per step   batched calls   what it is\n");
    for m in METHODS {
        let title = m.title;
        text +=
            &format!("  {:<10} {:<22} {:<15} {title}\n", m.name, m.evaluations, m.batched_calls);
        if !m.options.is_empty() {
            text += &format!("{:52}options: --{}\n", "", m.options.join(" --"));
        }
    }
    for alias in ALIASES {
        text += &format!("  {:<10} {} on {} dynamics\n", alias.name, alias.method, alias.dynamics);
    }
    text += "\ndynamics";
    for d in DYNAMICS {
        text += &format!("\n  {:<12} {}", d.name, d.title);
        if !d.options.is_empty() {
            text += &format!("\n{:15}options: --{}", "", d.options.join(" --"));
        }
    }
    text
}

/// A dynamics and a method that works on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The dynamics.
    pub dynamics: DynamicsEntry,
    /// The method.
    pub method: MethodEntry,
}

/// All pairs of a dynamics and a method that work together.
pub fn pairs() -> impl Iterator<Item = Pair> {
    let all = |dynamics| METHODS.map(|method| Pair { dynamics, method });
    let works = |pair: &Pair| pair.method.dynamics.contains(&pair.dynamics.name);
    DYNAMICS.into_iter().flat_map(all).filter(works)
}

/// What is known about a dynamics before it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DynamicsEntry {
    /// Name on the command line.
    pub name: &'static str,
    /// One line that describes it.
    pub title: &'static str,
    /// The options that it takes.
    pub options: &'static [&'static str],
}

/// All dynamics.
pub static DYNAMICS: [DynamicsEntry; 2] = [
    DynamicsEntry { name: "overdamped", title: "dX = b dt + sqrt(2) dW", options: &[] },
    DynamicsEntry {
        name: "underdamped",
        title: "dx = v dt, dv = -g v dt + u b dt + sqrt(2 g u) dW",
        options: &["friction", "inverse-mass"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_names_everything() {
        let text = overview();
        assert!(
            METHODS.iter().all(|m| text.contains(&format!("  {:<10} {}", m.name, m.evaluations)))
        );
        assert!(DYNAMICS.iter().all(|d| text.contains(&format!("\n  {:<12} {}", d.name, d.title))));
        assert!(text.contains("options: --windows --rounds --tolerance --control-variate\n"));
    }
}
