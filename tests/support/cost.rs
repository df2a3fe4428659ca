//! What runs cost, by their own account and by a drift that counts.

use langevin::advanced::Cost;
use langevin::drift::Counted;
use langevin::prelude::*;

/// The chains of [`cost`]. So many that in every step some chain has a midpoint if it may have one.
pub const CHAINS: usize = 500;

/// The cost of a run in one chunk. Fails if the drift saw other evaluations or calls.
pub fn cost(sampler: &dyn Sampler<f64>, drift: &dyn Drift<f64>, grid: &TimeGrid) -> Cost {
    let counted = Counted::new(drift);
    let run = Run::new(sampler, &counted, grid.clone()).chains(CHAINS).threads(1).chunk(CHAINS);
    let samples = run.run().unwrap();
    assert_eq!(samples.cost.evaluations, counted.rows());
    assert_eq!(samples.cost.batched_calls, counted.calls());
    samples.cost
}

/// The cost of a planned generation on this model.
pub fn cost_of(plan: &Plan, model: &DiffusedMixture) -> Cost {
    cost(&*plan.sampler().unwrap(), &*plan.drift::<f64>(model).unwrap(), plan.grid())
}

/// Evaluations per chain.
pub fn per_chain(cost: Cost) -> f64 {
    cost.evaluations as f64 / CHAINS as f64
}
