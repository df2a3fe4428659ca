//! The Poisson midpoint of chains in data, noise and velocity form, with uniform and importance
//! odds: coefficients, what the forms share, exact distributions, and eight modes.

use langevin::diffusion::dynamics::{Ancestral, Form};
use langevin::diffusion::{Denoised, Level, Schedule, Spacing, Spectrum};
use langevin::dynamics::{LinearDynamics, Transition};
use langevin::metrics::radial_wasserstein;
use langevin::ndarray::{Array2, Array3, Axis};
use langevin::prelude::*;
use ndarray_npy::read_npy;

use crate::support::affine::read;
use crate::support::blocks::{Block, Coins, Normal, run};
use crate::support::docs;
use crate::support::forecast::end_variance;
use crate::support::gaussian::model;
use crate::support::{ring, vp};

fn numbers(t: &Transition) -> [f64; 3] {
    [t.propagator[0][0], t.gain[0][0], t.covariance[0][0]]
}

/// One step is the same in every form: A x + G f with f from the same x and ε̂.
#[test]
fn a_step_is_the_same_in_every_form() {
    let table = LevelTable::linear(1000).unwrap();
    let chains = [
        Ancestral::small(table.clone()),
        Ancestral::large(table.clone()),
        Ancestral::ddim(table.clone(), 0.0).unwrap(),
        Ancestral::ddim(table.clone(), 0.6).unwrap(),
    ];
    let [x, noise] = [0.83, -1.21];
    for chain in chains {
        for (from, to) in [(1000, 999), (1000, 300), (600, 599), (50, 7), (2, 1), (1, 0), (9, 0)] {
            let [a, s] = [table.level(from).signal(), table.level(from).noise()];
            let data = (x - s * noise) / a;
            let of = |form: Form, frozen: f64| {
                let chain = chain.clone().with_form(form);
                let step = chain.transition((1000 - from) as f64, (from - to) as f64);
                let [propagator, gain, covariance] = numbers(&step);
                // How large the terms are that cancel.
                let size = (propagator * x).abs() + (gain * frozen).abs();
                [propagator * x + gain * frozen, covariance, size]
            };
            let by_noise = of(Form::Noise, noise);
            for found in [of(Form::Data, data), of(Form::Velocity, a * noise - s * data)] {
                let near = (found[0] - by_noise[0]).abs() < 1e-13 * (found[2] + by_noise[2]);
                assert!(near && found[1] == by_noise[1], "{from} {to}: {found:?} {by_noise:?}");
            }
        }
    }
}

/// To the data the step is exactly x̂₀. From pure noise it has no division by ᾱ.
#[test]
fn the_data_form_is_exact_at_both_ends() {
    let pure = LevelTable::from_levels([0.9, 0.3, 0.0].map(|a| Level::from_alpha_bar(a).unwrap()));
    let pure = pure.unwrap();
    for chain in [Ancestral::small(pure.clone()), Ancestral::large(pure.clone())] {
        let data = chain.clone().with_form(Form::Data);
        let velocity = chain.with_form(Form::Velocity);
        for from in 1..=3 {
            let last =
                |chain: &Ancestral| numbers(&chain.transition((3 - from) as f64, from as f64));
            assert_eq!(last(&data), [0.0, 1.0, 0.0]);
            let level = pure.level(from);
            assert_eq!(last(&velocity), [level.signal(), -level.noise(), 0.0]);
        }
        let [a, g, _] = numbers(&data.transition(0.0, 1.0));
        assert_eq!(a, 0.0);
        assert!((g - pure.level(2).signal()).abs() < 1e-16);
    }
    let ddim = Ancestral::ddim(pure.clone(), 0.0).unwrap().with_form(Form::Data);
    let [a, g, q] = numbers(&ddim.transition(0.0, 1.0));
    assert!((a - pure.level(2).noise()).abs() < 1e-16 && q == 0.0);
    assert!((g - pure.level(2).signal()).abs() < 1e-16);
}

/// Far in the noise a block holds x̂₀ with factors of at most 1, whatever its length: the products
/// of A′ shrink, and the weights sum to at most √ᾱ. So no step has to jump.
#[test]
fn blocks_in_data_form_are_bounded_for_any_length() {
    for table in [LevelTable::linear(1000), LevelTable::cosine(1000), LevelTable::linear(50)] {
        let table = table.unwrap();
        let chain = Ancestral::small(table.clone()).with_form(Form::Data);
        let whole = Transition::IDENTITY;
        let mut to_end = [0.0f64; 2];
        let last = (0..table.len()).fold(whole, |all, i| {
            let all = all.then(&chain.transition(i as f64, 1.0));
            let [a, g, _] = numbers(&all);
            to_end = [to_end[0].max(a), to_end[1].max(g)];
            assert!(a >= 0.0 && g <= table.level(table.len() - i - 1).signal() + 1e-12);
            all
        });
        assert!(to_end[0] <= 1.0 && to_end[1] <= 1.0 + 1e-12, "{to_end:?}");
        assert_eq!(numbers(&last), [0.0, 1.0, 0.0]);
    }
}

/// The mean over the coins, with state and noise fixed, is one Picard round of the chain around the
/// frozen path: X̃ᵢ₊₁ = A′ X̃ᵢ + G′ f(X̂ᵢ).
#[test]
fn the_mean_over_the_coins_is_a_picard_round() {
    let table = LevelTable::linear(1000).unwrap();
    let data = Normal { mean: 0.4, variance: 0.3 };
    for form in Form::ALL {
        let chain = Ancestral::small(table.clone()).with_form(form);
        for (from, to) in [(300, 280), (40, 10), (12, 0), (1000, 990)] {
            let coins = Coins::Mean;
            let block = Block { chain: &chain, data, coins, from, to };
            let x = Normal { mean: 0.7, variance: 0.0 };
            let mean = block.after(x).mean;
            for odds in Odds::ALL {
                for selection in Selection::ALL {
                    let coins = Coins::Of(selection, odds);
                    let found = Block { coins, ..block }.after(x).mean;
                    let allowed = 1e-14 * block.sizes(x).iter().sum::<f64>() + 4e-15;
                    assert!((found - mean).abs() <= allowed, "{form} {odds}: {found} {mean}");
                }
            }
        }
    }
}

/// The eigenvalues and mean of the digits, in [−1, 1].
fn digits() -> Vec<Normal> {
    let pixels: Array3<u8> = read_npy("examples/data/digits_8x8_u8.npy").unwrap();
    let rows = pixels.len() / 64;
    let pixels =
        pixels.mapv(|p| f64::from(p) / 8.0 - 1.0).into_shape_with_order((rows, 64)).unwrap();
    let mean = pixels.mean_axis(Axis(0)).unwrap();
    let centred = &pixels - &mean;
    let mut matrix = centred.t().dot(&centred) / (rows as f64 - 1.0);
    let mut vectors = Array2::<f64>::eye(64);
    for _ in 0..12 {
        jacobi(&mut matrix, &mut vectors);
    }
    let means = vectors.t().dot(&mean);
    let normal = |j: usize| Normal { mean: means[j], variance: matrix[[j, j]].max(0.0) };
    (0..64).map(normal).collect()
}

/// One sweep of Jacobi rotations over a symmetric matrix.
fn jacobi(matrix: &mut Array2<f64>, vectors: &mut Array2<f64>) {
    let n = matrix.nrows();
    for p in 0..n {
        for q in p + 1..n {
            if matrix[[p, q]].abs() < 1e-300 {
                continue;
            }
            let theta = (matrix[[q, q]] - matrix[[p, p]]) / (2.0 * matrix[[p, q]]);
            let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
            let c = 1.0 / (t * t + 1.0).sqrt();
            let s = t * c;
            for k in 0..n {
                let [a, b] = [matrix[[k, p]], matrix[[k, q]]];
                matrix[[k, p]] = c * a - s * b;
                matrix[[k, q]] = s * a + c * b;
                let [a, b] = [vectors[[k, p]], vectors[[k, q]]];
                vectors[[k, p]] = c * a - s * b;
                vectors[[k, q]] = s * a + c * b;
            }
            for k in 0..n {
                let [a, b] = [matrix[[p, k]], matrix[[q, k]]];
                matrix[[p, k]] = c * a - s * b;
                matrix[[q, k]] = s * a + c * b;
            }
        }
    }
}

/// Quadratic blocks of so many evaluations.
fn quadratic(evaluations: usize) -> Vec<usize> {
    let steps = evaluations / 2;
    Spacing::Quadratic.levels(&LevelTable::linear(1000).unwrap(), steps).unwrap()
}

/// Squared Fréchet distance of the distribution at the end of a run to the digits' Gaussian.
fn frechet(data: &[Normal], form: Form, coins: Coins, levels: &[usize]) -> f64 {
    let chain = Ancestral::small(LevelTable::linear(1000).unwrap()).with_form(form);
    let start = Normal { mean: 0.0, variance: 1.0 };
    let part = |data: &Normal| {
        let end = run(&chain, *data, coins, levels, start);
        (end.mean - data.mean).powi(2)
            + (end.variance.max(0.0).sqrt() - data.variance.sqrt()).powi(2)
    };
    data.iter().map(part).sum()
}

/// The exact distributions of the forms: squared Fréchet distances to the Gaussian with the
/// covariance of the digits, quadratic blocks, and DDPM with all levels.
#[test]
fn the_distances_of_the_forms_are_those_of_the_recursion() {
    let data = digits();
    let all: Vec<usize> = (0..=1000).rev().collect();
    let chain = frechet(&data, Form::Data, Coins::Mean, &all);
    assert_eq!(format!("{chain:.5}"), "0.00092");
    let uniform = Coins::Of(Selection::Single, Odds::Uniform);
    // ε, x̂₀ with uniform coins in the last block too, v, x̂₀ by importance, there too, and x̂₀
    // without noise of the selection.
    for (evaluations, want) in [
        (10, ["2.5e8", "0.217", "436", "0.505", "0.660"]),
        (20, ["5752", "0.0366", "2.84", "0.0710", "0.107"]),
        (30, ["22.9", "0.0115", "0.0484", "0.0203", "0.0323"]),
        (40, ["0.146", "0.00505", "0.00368", "0.00832", "0.0135"]),
        (50, ["0.00568", "0.00301", "0.000874", "0.00461", "0.00737"]),
        (80, ["0.000470", "0.00136", "0.000792", "0.00179", "0.00248"]),
    ] {
        let levels = quadratic(evaluations);
        let found = [
            frechet(&data, Form::Noise, uniform, &levels),
            frechet(&data, Form::Data, Coins::Plain(Odds::Uniform), &levels),
            frechet(&data, Form::Velocity, uniform, &levels),
            frechet(&data, Form::Data, Coins::Plain(Odds::Importance), &levels),
            frechet(&data, Form::Data, Coins::Mean, &levels),
        ];
        for (found, want) in found.iter().zip(want) {
            assert_eq!(docs::as_printed(want, *found), want, "{evaluations}: {found}");
        }
    }
}

/// Second moments of the corrections of a block, over all pixels: uniform, by importance, and the
/// least possible.
#[test]
fn importance_is_near_the_least_second_moment() {
    let data = digits();
    let table = LevelTable::linear(1000).unwrap();
    let chain = Ancestral::small(table.clone()).with_form(Form::Data);
    for (from, to, want) in
        [(360, 250, ["0.500", "0.388", "0.375"]), (40, 10, ["0.209", "0.123", "0.107"])]
    {
        let level = table.level(from);
        let mut found = [0.0; 3];
        let mut squares = vec![0.0; from - to];
        for data in &data {
            let mean = level.signal() * data.mean;
            let variance = level.alpha_bar() * data.variance + level.one_minus_alpha_bar();
            let x = Normal { mean, variance };
            let block = Block { chain: &chain, data: *data, coins: Coins::Mean, from, to };
            let squared = |odds| block.correction_squared(x, &block.shares(odds));
            found[0] += squared(Odds::Uniform);
            found[1] += squared(Odds::Importance);
            squares.iter_mut().zip(block.sizes(x)).for_each(|(sum, size)| *sum += size * size);
        }
        found[2] = squares.iter().map(|s| s.sqrt()).sum::<f64>().powi(2);
        for (found, want) in found.iter().zip(want) {
            let near = (found - want.parse::<f64>().unwrap()).abs() < 0.6e-3;
            assert!(near, "{from} to {to}: {found}, expected {want}");
        }
    }
}

/// W₂ of the distances to the nearest of eight modes, seed 1, 20,000 chains.
fn modes(method: &str, evaluations: usize) -> f64 {
    let data = ring(0.05);
    let model = DiffusedMixture::new(data.clone());
    let plan = method.parse::<Method>().unwrap().plan(&vp(), evaluations).unwrap();
    let samples = plan.run(&model).unwrap().chains(20_000).seed(1).run().unwrap();
    let distances = data.distance_to_nearest_mode(samples.positions()).unwrap();
    radial_wasserstein(distances.as_slice().unwrap(), 2).unwrap().value
}

/// Few evaluations are enough for eight narrow modes.
#[test]
fn eight_modes_are_found_with_few_evaluations() {
    for (evaluations, most) in [(10, 1.1), (14, 0.5), (20, 0.33), (30, 0.2)] {
        let found = modes("pmm2", evaluations);
        assert!(found <= most, "{evaluations}: {found}");
    }
}

/// Blocks of two forms: the drift changes with the form, and the run is the one of each part.
#[test]
fn two_forms_meet_between_blocks() {
    let plan = |text: &str| text.parse::<Method>().unwrap().plan(&vp(), 60).unwrap();
    let two = plan("pmm2:form=velocity+data:switch=200");
    assert_eq!(two.wanted(), Prediction::Velocity);
    let table = LevelTable::linear(1000).unwrap();
    let near = two.levels().iter().copied().find(|level| *level <= 200).unwrap();
    let drift = two.drift::<f64>(model(0.3)).unwrap();
    let [mut first, mut second] = [0; 2];
    for interval in two.grid() {
        let level = 1000 - interval.start as usize;
        let form = if level > near { Form::Velocity } else { Form::Data };
        let count = if level > near { &mut first } else { &mut second };
        *count += 1;
        let one = PoissonMidpoint::on_chain(Ancestral::small(table.clone()).with_form(form));
        let clock = two.clock().clone();
        let own = Denoised::new(model(0.3), clock, form.prediction()).unwrap();
        for script in one.coin_scripts_of(interval).unwrap().iter().step_by(7) {
            let found = read(&*two.sampler().unwrap(), interval, &*drift, &script.uniforms);
            let want = read(&one, interval, &own, &script.uniforms);
            found.check(&format!("{level}"), &want.map, &want.covariance());
        }
    }
    assert!(first > 5 && second > 5);
}

/// For measurements: methods and budgets from the environment.
#[test]
#[ignore = "prints a table"]
fn table_of_modes() {
    let methods = std::env::var("METHODS").unwrap_or_else(|_| "pmm2".into());
    for method in methods.split(',') {
        let cell = |e| format!("{:.3}", modes(method, e));
        println!("{method:40} {:?}", [10, 14, 20, 30, 40, 50, 80].map(cell));
    }
}

#[test]
#[ignore = "prints a table"]
fn table_of_enough() {
    let methods = std::env::var("METHODS").unwrap_or_else(|_| "pmm2".into());
    for method in methods.split(',') {
        for steps in 1..26 {
            let mut range = [f64::INFINITY, 0.0f64];
            let in_phase_space = std::env::var("PROCESS").is_ok_and(|p| p == "psld");
            let betas = [Beta::constant(8.0), Beta::linear(0.1, 20.0)];
            let phase = betas.map(|beta| Process::psld(Psld::PAPER, beta.unwrap()));
            let vp = Schedule::ALL.map(|schedule| Process::vp(schedule.table(1000).unwrap()));
            let processes = if in_phase_space { phase.to_vec() } else { vp.to_vec() };
            for process in processes {
                for grid in ["quadratic", "equal", "logsnr", "leading", "trailing", "linspace"] {
                    let method = format!("{method}:grid={grid}").parse::<Method>().unwrap();
                    let Ok(plan) = method.plan(&process, 2 * steps) else { continue };
                    let data = Spectrum::diagonal(vec![0.0], vec![0.25]).unwrap();
                    let ratio = match method.to_string().contains('+') {
                        true => plan.forecast(&data).unwrap().variance[0] / 0.25,
                        false => end_variance(&plan, 0.25) / 0.25,
                    };
                    range = [range[0].min(ratio), range[1].max(ratio)];
                }
            }
            println!("{method} {steps}: {range:?}");
        }
    }
}
