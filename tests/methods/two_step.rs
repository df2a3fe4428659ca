//! The Poisson midpoint around a two-step base, `pmm2m`: steps by hand, the mean over its coins,
//! distribution of a Gaussian, eight modes, errors.

use langevin::advanced::Interval;
use langevin::diffusion::dynamics::{Ancestral, Form};
use langevin::diffusion::samplers::TwoStepMidpoint;
use langevin::dynamics::LinearDynamics;
use langevin::prelude::*;

use crate::support::affine::{read, read_all};
use crate::support::forecast::end_variance;
use crate::support::gaussian::{Fine, check_orders, model, no_coins, slopes};
use crate::support::{planned, refusal, ring, vp};

/// A row (x, m): factors of the state at the start of the step.
type Row = [f64; 2];

fn plus(a: Row, factor: f64, b: Row) -> Row {
    [a[0] + factor * b[0], a[1] + factor * b[1]]
}

/// A block by hand, in a loop over its levels.
struct ByHand<'b> {
    chain: &'b Ancestral,
    variance: f64,
    extrapolation: f64,
    /// The level at which the block before began.
    before: Option<usize>,
    from: usize,
    to: usize,
}

impl ByHand<'_> {
    fn substeps(&self) -> usize {
        self.from - self.to
    }

    fn lambda(&self, level: usize) -> f64 {
        0.5 * self.chain.table().level(level).log_snr()
    }

    fn line(&self, i: usize) -> f64 {
        let Some(before) = self.before else { return 0.0 };
        let own = self.lambda(self.from - i) - self.lambda(self.from);
        (own / (self.lambda(self.from) - self.lambda(before))).min(self.extrapolation)
    }

    fn slope(&self, level: usize) -> f64 {
        slopes(self.variance, self.chain.table().level(level)).data
    }

    /// A′, G′ and the standard deviation of sub-step i.
    fn small(&self, i: usize) -> [f64; 3] {
        let start = (self.chain.table().len() - self.from + i) as f64;
        let t = self.chain.transition(start, 1.0);
        [t.propagator[0][0], t.gain[0][0], t.covariance[0][0].sqrt()]
    }

    fn weight(&self, i: usize) -> f64 {
        let rest: f64 = (i + 1..self.substeps()).map(|j| self.small(j)[0]).product();
        self.small(i)[1] * rest
    }

    /// qᵢ by importance, or the last one where only that has a weight.
    fn shares(&self) -> Vec<f64> {
        let count = self.substeps();
        if self.to == 0 || count == 1 {
            return (0..count).map(|i| f64::from(u8::from(i + 1 == count))).collect();
        }
        let importance =
            |i: usize| self.weight(i) * (self.lambda(self.from - i) - self.lambda(self.from));
        let sum: f64 = (0..count).map(importance).sum();
        (0..count).map(|i| 0.1 / count as f64 + 0.9 * importance(i) / sum).collect()
    }

    /// f at the start, and the change since the block before.
    fn outputs(&self) -> [Row; 2] {
        let b = [self.slope(self.from), 0.0];
        [b, plus(b, -1.0, [0.0, 1.0])]
    }

    /// X̂ after the sub-steps, and the variance that its noise has there.
    fn path(&self) -> Vec<(Row, f64)> {
        let [b, change] = self.outputs();
        let mut path = vec![([1.0, 0.0], 0.0)];
        for i in 0..self.substeps() {
            let [a, g, s] = self.small(i);
            let (x, noise) = path[i];
            let moved = plus([a * x[0], a * x[1]], g, plus(b, self.line(i), change));
            path.push((moved, a * a * noise + s * s));
        }
        path
    }

    /// f(X̂ᵢ) − fᵢ, without noise.
    fn miss(&self, i: usize) -> Row {
        let [b, change] = self.outputs();
        let (x, _) = self.path()[i];
        let there = [self.slope(self.from - i) * x[0], self.slope(self.from - i) * x[1]];
        plus(there, -1.0, plus(b, self.line(i), change))
    }

    /// The row of x after the block, and the variance of its noise, where sub-step i is selected.
    fn after(&self, i: usize) -> (Row, f64) {
        let path = self.path();
        let (end, noise) = path[self.substeps()];
        let share = self.shares()[i];
        if i == 0 {
            return (end, noise);
        }
        let weight = self.weight(i) / share;
        // The noise up to i reaches the end, and the correction.
        let rest: f64 = (i..self.substeps()).map(|j| self.small(j)[0]).product();
        let early = path[i].1;
        let gain = rest + weight * self.slope(self.from - i);
        let variance = noise - rest * rest * early + gain * gain * early;
        (plus(end, weight, self.miss(i)), variance)
    }
}

/// Blocks of one, a few and many levels, the first one and the last one, with and without a limit
/// that acts.
#[test]
fn a_block_is_that_of_the_loop_over_its_levels() {
    let v = 0.3;
    let table = LevelTable::linear_between(14, 1e-3, 0.3).unwrap();
    let process = Process::vp(table.clone());
    for (extrapolation, variance) in
        [(0.5, "small"), (1.0, "small"), (0.1, "large"), (0.0, "small")]
    {
        let text =
            format!("pmm2m:blocks=6+1+4+3:extrapolation={extrapolation}:variance={variance}");
        let plan = text.parse::<Method>().unwrap().plan_listed(&process).unwrap();
        let chain = match variance {
            "large" => Ancestral::large(table.clone()),
            _ => Ancestral::small(table.clone()),
        };
        let chain = chain.with_form(Form::Data);
        let sampler = plan.sampler::<f64>().unwrap();
        let drift = plan.drift::<f64>(model(v)).unwrap();
        let mut evaluations = 0.0;
        for interval in plan.grid() {
            let number = interval.index as usize;
            let levels = plan.levels();
            let block = ByHand {
                chain: &chain,
                variance: v,
                extrapolation,
                before: number.checked_sub(1).map(|i| levels[i]),
                from: levels[number],
                to: levels[number + 1],
            };
            let shares = block.shares();
            evaluations += if block.substeps() == 1 { 1.0 } else { 2.0 - shares[0] };
            let scripts = sampler.coin_scripts_of(interval).unwrap();
            let always = shares.iter().position(|share| *share == 1.0);
            assert_eq!(scripts.len(), if always.is_some() { 1 } else { block.substeps() });
            for (i, script) in scripts.iter().enumerate() {
                let i = always.unwrap_or(i);
                let found = read(&*sampler, interval, &*drift, &script.uniforms);
                let (row, variance) = block.after(i);
                assert!((script.weight - shares[i]).abs() < 1e-14);
                let want = [row, [block.slope(block.from), 0.0]];
                let noise = [[variance, 0.0], [0.0, 0.0]];
                found.check(&format!("{text}, step {number}, sub-step {i}"), &want, &noise);
            }
        }
        assert!((plan.evaluations() - evaluations).abs() < 1e-12);
    }
}

/// The mean over the coins is one Picard round of the chain around the path: the end of the path,
/// and every wᵢ (f(X̂ᵢ) − fᵢ).
#[test]
fn the_mean_over_the_coins_is_a_picard_round() {
    let plan = planned("pmm2m:blocks=500+300+180+20", 1000, 8);
    let chain = Ancestral::small(LevelTable::linear(1000).unwrap()).with_form(Form::Data);
    let sampler = plan.sampler::<f64>().unwrap();
    let drift = plan.drift::<f64>(model(0.3)).unwrap();
    for interval in plan.grid() {
        let number = interval.index as usize;
        let levels = plan.levels();
        let block = ByHand {
            chain: &chain,
            variance: 0.3,
            extrapolation: TwoStepMidpoint::EXTRAPOLATION,
            before: number.checked_sub(1).map(|i| levels[i]),
            from: levels[number],
            to: levels[number + 1],
        };
        let path = block.path();
        let substeps = block.substeps();
        // Misses and weights in one pass each: the loop of `miss` would be cubic.
        let [b, change] = block.outputs();
        let mut want = path[substeps].0;
        let mut weight = 1.0;
        for i in (0..substeps).rev() {
            let [a, g, _] = block.small(i);
            let slope = block.slope(block.from - i);
            let there = [slope * path[i].0[0], slope * path[i].0[1]];
            let miss = plus(there, -1.0, plus(b, block.line(i), change));
            want = plus(want, weight * g, miss);
            weight *= a;
        }
        let scripts = sampler.coin_scripts_of(interval).unwrap();
        let all = read_all(&*sampler, interval, &*drift, &scripts);
        let mean = scripts
            .iter()
            .zip(&all)
            .fold([0.0; 2], |sum, (script, affine)| plus(sum, script.weight, affine.map[0]));
        for (found, want) in mean.iter().zip(want) {
            assert!((found - want).abs() < 1e-12, "step {number}: {mean:?} {want:?}");
        }
    }
}

/// Without a line and with uniform odds it is `pmm2` in data form.
#[test]
fn without_a_line_it_is_the_one_step_midpoint() {
    let ends = |method: &str| {
        let plan = planned(method, 1000, 24);
        let model = DiffusedMixture::new(ring(0.2));
        plan.run(&model).unwrap().chains(200).seed(3).run().unwrap()
    };
    for odds in ["uniform", "importance"] {
        let one = ends(&format!("pmm2:selection={odds}"));
        let two = ends(&format!("pmm2m:extrapolation=0:selection={odds}"));
        assert_eq!(one.cost, two.cost);
        let off = &one.positions().to_owned() - &two.positions();
        assert!(off.iter().all(|off| off.abs() < 1e-9), "{odds}");
    }
}

/// The variance tends to that of the chain, with an error of second order in the length of the
/// blocks.
#[test]
fn the_distribution_of_a_gaussian_is_that_of_the_chain_to_second_order() {
    let data = Ancestral::small(Fine::table()).with_form(Form::Data);
    let chain = EulerMaruyama::new(data.clone());
    let exact = Fine::chain().end(&chain, Prediction::Data, 3600, &|_| no_coins());
    for odds in Odds::ALL {
        let error = |steps: usize| {
            let grid = TimeGrid::between(0.0, 3600.0, steps).unwrap();
            let sampler = TwoStepMidpoint::new(data.clone(), grid).with_odds(odds);
            let coins = |interval: Interval| sampler.coin_scripts_of(interval).unwrap();
            Fine::chain().end(&sampler, Prediction::Data, steps, &coins) - exact
        };
        check_orders(&odds.to_string(), &[75, 150, 300].map(error), 2.0);
    }
}

/// On narrow data and few blocks the variance is much nearer to that of all levels than without a
/// line.
#[test]
fn the_line_is_worth_it_on_narrow_data() {
    for (variance, evaluations) in [(0.01, 10), (0.0025, 20)] {
        let chain = end_variance(&planned("ddpm", 1000, 1000), variance);
        let off = |method: &str| {
            (end_variance(&planned(method, 1000, evaluations), variance) / chain).ln().abs()
        };
        let two = off("pmm2m");
        let one = off("pmm2:selection=importance");
        assert!(two < 0.35 * one, "{variance} at {evaluations}: {two} {one}");
    }
}

/// W₂ of the distances to the nearest of eight modes, seed 1, 20,000 chains: a third of what the
/// one-step midpoint has, and less.
#[test]
fn eight_modes_are_found_with_few_evaluations() {
    let data = ring(0.05);
    let model = DiffusedMixture::new(data.clone());
    for (evaluations, most) in [(20, 0.13), (30, 0.05), (40, 0.05)] {
        let plan = planned("pmm2m", 1000, evaluations);
        let samples = plan.run(&model).unwrap().chains(20_000).seed(1).run().unwrap();
        let distances = data.distance_to_nearest_mode(samples.positions()).unwrap();
        let distances = distances.as_slice().unwrap();
        let found = langevin::metrics::radial_wasserstein(distances, 2).unwrap().value;
        assert!(found <= most, "{evaluations}: {found}");
    }
}

#[test]
fn bad_options_are_named() {
    let vp = vp();
    assert!(refusal("pmm2m", &vp, 1).contains("1 evaluations are too few, it needs at least 2"));
    let error = refusal("pmm2m:extrapolation=1.5", &vp, 50);
    assert!(error.starts_with("extrapolation: given 1.5, expected a number in [0, 1]"), "{error}");
    let error = refusal("pmm2m:form=noise", &vp, 50);
    assert!(error.starts_with("form is not an option of pmm2m"), "{error}");
    let error = refusal("pmm2m", &crate::support::phase::process(), 50);
    assert!(error.contains("of the process psld `pmm2m`"), "{error}");
}
