//! The Poisson midpoint of diffusion models, `pmm1` and `pmm2`: steps by hand on the chain and in
//! phase space, cost, distribution of a Gaussian, errors.

use langevin::diffusion::dynamics::{Ancestral, Form, ReversePsld};
use langevin::prelude::*;

use crate::support::affine::read;
use crate::support::by_hand::{self, on_position, position_only};
use crate::support::cost::{CHAINS, cost_of, evaluations_of};
use crate::support::forecast::end_variance;
use crate::support::gaussian::{Fine, Slopes, check_orders, model, no_coins, slopes};
use crate::support::phase;
use crate::support::{planned, refusal, vp};

/// The coins of option 2, and those of option 1 that select one sub-step or none.
fn coins(method: &str, substeps: usize) -> Vec<(Vec<f64>, Vec<usize>)> {
    let tails = |count: usize| (1.0 - 1.0 / substeps as f64).powf(count as f64 + 0.5);
    if method.starts_with("pmm2") {
        let coin = |i: usize| (i as f64 + 0.5) / substeps as f64;
        return (0..substeps).map(|i| (vec![coin(i)], vec![i])).collect();
    }
    let one = |i: usize| (vec![tails(i), tails(substeps - i - 1)], vec![i]);
    (0..substeps).map(one).chain([(vec![tails(substeps)], vec![])]).collect()
}

/// A step is a block of the chain's own steps, with the correction of the selected ones.
#[test]
fn a_block_of_levels_is_that_of_the_loop_over_its_levels() {
    let v = 0.3;
    let table = LevelTable::linear_between(12, 1e-4, 0.02).unwrap();
    let process = Process::vp(table.clone());
    let forms = ["noise", "data", "velocity"];
    let methods = ["pmm1:blocks=5+4+2+1", "pmm2:blocks=5+4+2+1"];
    let all = methods.iter().flat_map(|method| forms.map(|form| format!("{method}:form={form}")));
    let large = "pmm2:variance=large:noise-scale=0.7:blocks=6+6:form=noise".to_owned();
    for method in all.chain([large]) {
        let noise_scale = if method.contains("large") { 0.7 } else { 1.0 };
        let plan = method.parse::<Method>().unwrap().plan_listed(&process).unwrap();
        let drift = plan.drift::<f64>(model(v)).unwrap();
        let chain = match method.contains("large") {
            true => Ancestral::large(table.clone()),
            false => Ancestral::small(table.clone()),
        };
        let form = method.rsplit('=').next().unwrap().parse::<Form>().unwrap();
        let chain = chain.with_form(form);
        let frozen = |time: f64| {
            let level = table.level(12 - time as usize);
            let Slopes { noise, data, .. } = slopes(v, level);
            on_position(match form {
                Form::Noise => noise,
                Form::Data => data,
                _ => level.signal() * noise - level.noise() * data,
            })
        };
        for interval in plan.grid() {
            let substeps = interval.length as usize;
            let by_hand =
                by_hand::Poisson { dynamics: &chain, drift: &frozen, substeps, noise_scale };
            for (coins, selected) in coins(&method, substeps) {
                let want = by_hand.step(interval.start, interval.length, &selected);
                let found = read(&*plan.sampler().unwrap(), interval, &*drift, &coins);
                let name = format!("{method} at {}: {selected:?}", interval.start);
                let covariance = position_only(&want.covariance());
                found.check(&name, &position_only(&want.map), &covariance);
            }
        }
    }
}

#[test]
fn a_step_in_phase_space_is_that_of_the_loop_over_its_substeps() {
    let dynamics = ReversePsld::new(Psld::PAPER);
    let substeps = 6;
    let drift = &phase::score;
    let by_hand = by_hand::Poisson { dynamics: &dynamics, drift, substeps, noise_scale: 1.0 };
    for (method, selection) in [("pmm1", Selection::Bernoulli), ("pmm2", Selection::Single)] {
        let sampler = PoissonMidpoint::new(dynamics, substeps).unwrap().with_selection(selection);
        for (coins, selected) in coins(method, substeps) {
            let interval = phase::interval();
            let want = by_hand.step(interval.start, interval.length, &selected);
            let found = phase::step(&sampler, &coins);
            found.check(&format!("{method} {selected:?}"), &want.map, &want.covariance());
        }
    }
}

#[test]
fn a_block_costs_about_two_evaluations_in_two_calls() {
    for method in ["pmm1", "pmm2"] {
        // 25 blocks; a block of one level costs one evaluation.
        let plan = planned(method, 1000, 50);
        let lengths: Vec<f64> = plan.grid().iter().map(|interval| interval.length).collect();
        assert_eq!(lengths.len(), 25);
        // The last block always selects its last level.
        let last = lengths[24];
        let always = if last > 1.0 { 1.0 / last } else { 0.0 };
        let expected: f64 = lengths.iter().map(|length| 2.0 - 1.0 / length).sum::<f64>() + always;
        assert!((plan.evaluations() - expected).abs() < 1e-12);
        // docs/diffusion.md: a budget of 50 is 49.0 on average.
        assert_eq!(format!("{expected:.1}"), "49.0");
        let cost = cost_of(&plan, &model(0.3));
        let single = lengths.iter().filter(|length| **length == 1.0).count() as u64;
        assert_eq!(cost.batched_calls, 50 - single);
        // Numbers of midpoints of variance below 1: six standard deviations of the mean over the
        // chains, 2 × 3 × 2e-9 false alarms.
        let allowed = 6.0 * (25.0 / CHAINS as f64).sqrt();
        let found = evaluations_of(&plan, &model(0.3));
        let close = found.iter().all(|found| (found - expected).abs() < allowed);
        assert!(close, "{method}: {found:?}, expected {expected}");

        let plan = Method::named(method).unwrap().plan(&phase::process(), 50).unwrap();
        let steps = (49.0 / (2.0 - 1.0 / 16.0)) as usize;
        assert_eq!(plan.grid().steps(), steps + 1);
        assert_eq!(plan.evaluations(), steps as f64 * (2.0 - 1.0 / 16.0) + 1.0);
        let cost = cost_of(&plan, &model(0.3));
        assert_eq!(cost.batched_calls, 2 * steps as u64 + 1);
    }
}

/// The variance tends to that of the chain, with an error of second order in the length of the
/// blocks.
#[test]
fn the_distribution_of_a_gaussian_is_that_of_the_chain_to_second_order() {
    let chain = EulerMaruyama::new(Ancestral::small(Fine::table()));
    let exact = Fine::chain().end(&chain, Prediction::Epsilon, 3600, &|_| no_coins());
    let single = Selection::Single;
    for (form, selection, odds) in [
        (Form::Noise, Selection::Bernoulli, Odds::Uniform),
        (Form::Noise, single, Odds::Uniform),
        (Form::Data, single, Odds::Uniform),
        (Form::Data, single, Odds::Importance),
        (Form::Velocity, single, Odds::Uniform),
    ] {
        let chain = Ancestral::small(Fine::table()).with_form(form);
        let sampler = PoissonMidpoint::on_chain(chain).with_selection(selection).with_odds(odds);
        let error = |steps: usize| {
            let coins = |interval| sampler.coin_scripts_of(interval).unwrap();
            Fine::chain().end(&sampler, form.prediction(), steps, &coins) - exact
        };
        let name = format!("{form} {selection:?} {odds:?}");
        check_orders(&name, &[36, 72, 144].map(error), 2.0);
    }
}

/// docs/diffusion.md: the method imitates DDPM with all levels, narrow modes included.
#[test]
fn narrow_modes_are_those_of_the_chain() {
    let spread = |method: &str, evaluations: usize| {
        (end_variance(&planned(method, 1000, evaluations), 0.0025) / 0.0025).sqrt()
    };
    let chain = spread("ddpm", 1000);
    for (method, form) in [("pmm1", "noise"), ("pmm2", "noise"), ("pmm2", "data")] {
        let ratio = spread(&format!("{method}:form={form}"), 160) / chain;
        assert!((ratio - 1.0).abs() < 0.005, "{method} {form}: {ratio}");
    }
}

#[test]
fn bad_options_are_named() {
    let vp = vp();
    assert!(refusal("pmm2", &vp, 1).contains("1 evaluations are too few, it needs at least 2"));
    assert!(refusal("pmm2:blocks=500+400", &vp, 50).contains("sum of the blocks: given 900"));
    let huge = format!("pmm2:blocks=600+600+{}", usize::MAX - 199);
    assert!(refusal(&huge, &vp, 50).contains("sum of the blocks"));
    let few = refusal("pmm2:timesteps=5+3+2", &vp, 4);
    assert!(few.contains("4 evaluations are too few, it needs at least 6"), "{few}");
    assert!(refusal("pmm1:noise-scale=0", &vp, 50).starts_with("noise scale: given 0"));
    assert!(refusal("pmm1:noise-scale=1.5", &vp, 50).starts_with("noise scale: given 1.5"));
    let error = refusal("pmm2:form=x0", &vp, 50);
    assert!(error.contains("noise, data, velocity, or two of them as data+velocity"), "{error}");
    let error = refusal("pmm2:switch=100", &vp, 50);
    assert!(error.contains("two forms, as in form=data+velocity"), "{error}");
    let error = refusal("pmm2:form=data+noise:switch=1001", &vp, 50);
    assert!(error.starts_with("switch: given 1001"), "{error}");
    assert!(refusal("pmm1:selection=single", &vp, 50).contains("uniform, importance"));
    let error = refusal("pmm2:substeps=8", &vp, 50);
    assert!(error.starts_with("substeps is not an option of pmm2 on the process vp"), "{error}");
    assert!(refusal("pmm2:substeps=0", &phase::process(), 50).starts_with("substeps: given 0"));
    assert!(refusal("pmm2", &phase::process(), 2).contains("needs at least 3"));
    let error = refusal("pmm2:blocks=9+1", &phase::process(), 50);
    assert!(error.starts_with("blocks is not an option of pmm2 on the process psld"), "{error}");
}
