//! Samplers of the catalog, with variants of their options.

use langevin::catalog::{self, Options, Pair};
use langevin::prelude::*;

/// Variants of a method: for each of them its options and their values.
pub type Variants = &'static [&'static [(&'static str, &'static str)]];

/// Every method on every dynamics, with these variants of each method, and a name.
pub fn samplers<F: Real>(variants: fn(&str) -> Variants) -> Vec<(String, Box<dyn Sampler<F>>)> {
    let mut all = Vec::new();
    for Pair { dynamics, method } in catalog::pairs() {
        for (i, variant) in variants(method.name).iter().enumerate() {
            let name = format!("{} {} variant {i}", dynamics.name, method.name);
            let options = options(variant);
            all.push((name, catalog::sampler(dynamics.name, method.name, &options).unwrap()));
        }
    }
    all
}

/// Whether the sampler with this name has a Metropolis test, and so needs a log density.
pub fn is_adjusted(name: &str) -> bool {
    ["mala", "malt"].iter().any(|method| name.contains(method))
}

/// Options from their names and values.
pub fn options(given: &[(&str, &str)]) -> Options {
    let set = |options: Options, (name, value): &(&str, &str)| options.with(name, value);
    given.iter().try_fold(Options::default(), set).unwrap()
}

/// Variants with many and few evaluations, for tests of cost.
pub fn cheap_and_costly(method: &str) -> Variants {
    match method {
        "splitting" => &[&[("word", "BAO")], &[("word", "OBAOAB")], &[("word", "AOOBA")]],
        "pmm1" | "pmm2" => &[&[], &[("substeps", "1000")], &[("substeps", "1")]],
        "rm" => &[
            &[],
            &[("windows", "3"), ("rounds", "2"), ("control-variate", "")],
            &[("windows", "3"), ("rounds", "9"), ("tolerance", "1e-3")],
        ],
        "malt" => &[&[], &[("leapfrogs", "3")]],
        _ => &[&[]],
    }
}
