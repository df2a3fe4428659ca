//! W6: what a unit of simulated time costs at the step whose bias is the one asked for.
//!
//! The bias is that of the variance of the position on a Gaussian with the curvature of a mode of
//! W1's target, exact by the probe. Times are taken on W1's target itself.

use langevin::BoxError;
use langevin::prelude::*;
use langevin::probe;

use super::problem::{self, Settings};
use super::{Body, Contestant};

/// The longest step whose bias is not above the one asked for, and no shorter step's is.
fn step_of(sampler: &dyn Sampler<f64>, settings: Settings) -> Result<f64, BoxError> {
    let curvature = settings.number("curvature");
    let bias = |h: f64| match probe::stationary_covariance(sampler, h, curvature) {
        Ok(stationary) => Ok(stationary.excess(0).unwrap_or(0.0).abs()),
        Err(Error::Unstable { .. }) => Ok(f64::INFINITY),
        Err(error) => Err(error),
    };
    let allowed = settings.number("bias");
    // From below: a bias that changes its sign passes through 0 once more.
    let [mut low, mut high] = [0.0, 0.004];
    while bias(high)? <= allowed {
        low = high;
        high *= 1.15;
    }
    if low == 0.0 {
        return Err(format!("at a step of {high} the bias is above {allowed}").into());
    }
    for _ in 0..10 {
        let middle = 0.5 * (low + high);
        if bias(middle)? <= allowed { low = middle } else { high = middle }
    }
    Ok(low)
}

fn contestant(
    dynamics: &str,
    name: &str,
    sampler: impl Sampler<f64> + 'static,
) -> Result<Contestant, BoxError> {
    let settings = Settings::of("W6");
    let h = step_of(&sampler, settings)?;
    let [chains, steps] = ["chains", "steps"].map(|name| settings.count(name));
    let evaluations = sampler.evaluations_per_step();
    let target = problem::mixture(&problem::circle())?;
    let body: Body = Box::new(move |_| {
        let run = Run::new(&sampler, &target, TimeGrid::uniform(h, steps)?).chains(chains);
        run.threads(1).seed(7).run()?;
        Ok(None)
    });
    let mut contestant = Contestant::new(&format!("W6 {dynamics}"), "langevin", 1, body)
        .variant(format!("{name}, h = {h:.4}, {evaluations:.1} evaluations"));
    // Chains times units of simulated time.
    contestant.units = (chains * steps) as f64 * h;
    Ok(contestant)
}

pub fn contestants() -> Result<Vec<Contestant>, BoxError> {
    let over = Overdamped;
    let under = Underdamped::new(2.0, 1.0)?;
    let coins = Selection::Bernoulli;
    let pmm_over = PoissonMidpoint::new(over, 8)?;
    let pmm_under = PoissonMidpoint::new(under, 8)?;
    let rm_over = RandomizedMidpoint::new(over);
    let rm_under = RandomizedMidpoint::new(under);
    let many_over = rm_over.with_windows(4)?.with_rounds(2)?;
    let many_under = rm_under.with_windows(4)?.with_rounds(2)?;
    Ok(vec![
        contestant("overdamped", "em", EulerMaruyama::new(over))?,
        contestant("overdamped", "pmm1, K = 8", pmm_over.with_selection(coins))?,
        contestant("overdamped", "pmm2, K = 8", pmm_over)?,
        contestant("overdamped", "rm", rm_over)?,
        contestant("overdamped", "rm, R = 4, P = 2", many_over)?,
        contestant("underdamped", "em", EulerMaruyama::new(under))?,
        contestant("underdamped", "pmm1, K = 8", pmm_under.with_selection(coins))?,
        contestant("underdamped", "pmm2, K = 8", pmm_under)?,
        contestant("underdamped", "rm", rm_under)?,
        contestant("underdamped", "rm, R = 4, P = 2", many_under)?,
    ])
}
