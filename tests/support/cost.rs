//! What runs cost, by their own account and by a drift that counts.

use langevin::advanced::Cost;
use langevin::drift::Counted;
use langevin::prelude::*;

use super::gaussian::model;

/// The seeds of costs that depend on coins.
pub const SEEDS: [u64; 3] = [0, 1, u64::MAX];

/// The chains of [`cost`]. So many that in every step some chain has a midpoint if it may have one.
pub const CHAINS: usize = 500;

/// The cost of a run in one chunk. Fails if the drift saw other evaluations or calls.
pub fn cost(sampler: &dyn Sampler<f64>, drift: &dyn Drift<f64>, grid: &TimeGrid) -> Cost {
    cost_with_seed(sampler, drift, grid, 0)
}

/// The same with another seed, for methods whose cost depends on coins.
pub fn cost_with_seed(
    sampler: &dyn Sampler<f64>,
    drift: &dyn Drift<f64>,
    grid: &TimeGrid,
    seed: u64,
) -> Cost {
    let counted = Counted::new(drift);
    let run = Run::new(sampler, &counted, grid.clone()).chains(CHAINS).seed(seed);
    let samples = run.threads(1).chunk(CHAINS).run().unwrap();
    assert_eq!(samples.cost.evaluations, counted.rows());
    assert_eq!(samples.cost.batched_calls, counted.calls());
    samples.cost
}

/// The cost of a planned generation on this model.
pub fn cost_of(plan: &Plan, model: &DiffusedMixture) -> Cost {
    cost(&*plan.sampler().unwrap(), &*plan.drift::<f64>(model).unwrap(), plan.grid())
}

/// Fails unless a planned generation costs this many evaluations per chain, one after the other, by
/// its own account and by a drift that counts.
pub fn check_cost(plan: &Plan, evaluations: usize) {
    let name = plan.method();
    let cost = cost_of(plan, &model(0.3));
    assert_eq!(plan.evaluations(), evaluations as f64, "{name}");
    assert_eq!(per_chain(cost), evaluations as f64, "{name}");
    assert_eq!(cost.batched_calls, evaluations as u64, "{name}");
}

/// Evaluations per chain of a planned generation with each of three seeds.
pub fn evaluations_of(plan: &Plan, model: &DiffusedMixture) -> [f64; 3] {
    let sampler = plan.sampler().unwrap();
    let drift = plan.drift::<f64>(model).unwrap();
    SEEDS.map(|seed| per_chain(cost_with_seed(&*sampler, &*drift, plan.grid(), seed)))
}

/// Evaluations per chain.
pub fn per_chain(cost: Cost) -> f64 {
    cost.evaluations as f64 / CHAINS as f64
}
