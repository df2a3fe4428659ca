//! Laws of the reverse-time samplers: one-step errors, orders, exact marginals on Gaussian data,
//! and the sampled law.

use langevin::generation::{GENERATION_METHODS, GenerationOptions, plan};
use langevin::metrics::{radial_wasserstein, sliced_wasserstein};
use langevin::ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, array};
use langevin::schedule::Spacing;
use langevin::*;

/// 64 independent coordinates, each ½ N(±1, ¼), noised to an OU time: the score coordinate by
/// coordinate.
struct Coordinates {
    horizon: f64,
}

impl Coordinates {
    fn score(&self, x: f64, time: f64) -> f64 {
        let (a, noise) = ((-time).exp(), -(-2.0 * time).exp_m1());
        let variance = 0.25 * a * a + noise;
        // ½ N(a, v) + ½ N(−a, v): the posterior mean of ±1 is tanh(a x / v).
        (a * (a * x / variance).tanh() - x) / variance
    }
}

impl Drift<f64> for Coordinates {
    fn eval(
        &self,
        times: Times<'_>,
        x: ArrayView2<'_, f64>,
        mut out: ArrayViewMut2<'_, f64>,
    ) -> Result<(), BoxError> {
        for (row, (x, mut out)) in x.rows().into_iter().zip(out.rows_mut()).enumerate() {
            let time = self.horizon - times.at(row);
            out.zip_mut_with(&x, |b, x| *b = self.score(*x, time));
        }
        Ok(())
    }
}

/// The probability flow from OU time 1 over `h`, by many RK4 steps.
fn flow(score: &Coordinates, x: f64, h: f64) -> f64 {
    let f = |x: f64, s: f64| x + score.score(x, 1.0 - s);
    let (n, mut x) = (400, x);
    let step = h / f64::from(n);
    for i in 0..n {
        let s = step * f64::from(i);
        let k1 = f(x, s);
        let k2 = f(x + 0.5 * step * k1, s + 0.5 * step);
        let k3 = f(x + 0.5 * step * k2, s + 0.5 * step);
        let k4 = f(x + step * k3, s + step);
        x += step / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
    }
    x
}

/// Points of the law at OU time 1, as many equal cells of probability by bisection of the
/// distribution function.
fn law_at_one() -> Vec<f64> {
    let (a, sd) = ((-1.0f64).exp(), (0.25 * (-2.0f64).exp() - (-2.0f64).exp_m1()).sqrt());
    let cdf = |x: f64| {
        let normal = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
        0.5 * (normal((x - a) / sd) + normal((x + a) / sd))
    };
    (0..2000)
        .map(|i| {
            let p = (f64::from(i) + 0.5) / 2000.0;
            let (mut low, mut high) = (-8.0, 8.0);
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if cdf(middle) < p { low = middle } else { high = middle }
            }
            0.5 * (low + high)
        })
        .collect()
}

/// Final positions after one step from `start` with these coins for all.
fn step(sampler: &dyn Sampler<f64>, start: &Array2<f64>, h: f64, coin: f64) -> Array2<f64> {
    let mut noise = Scripted::new();
    (0..start.nrows()).for_each(|chain| noise.coins(chain as u32, &[coin]));
    let grid = TimeGrid::uniform(h, 1).unwrap();
    Run::new(sampler, &Coordinates { horizon: 1.0 }, grid)
        .start(start.clone())
        .noise(noise)
        .run()
        .unwrap()
        .state
}

/// rms over the law and the coins of the error of a step, as the Euclidean norm over 64
/// coordinates; and of its mean over the coins alone.
fn errors(sampler: &dyn Sampler<f64>, h: f64) -> (f64, f64) {
    let points = law_at_one();
    let start = Array2::from_shape_vec((points.len(), 1), points).unwrap();
    let exact: Array1<f64> = start.column(0).mapv(|x| flow(&Coordinates { horizon: 1.0 }, x, h));
    let scripts = sampler.coin_scripts().unwrap();
    let (mut square, mut mean) = (0.0, Array1::<f64>::zeros(exact.len()));
    for script in &scripts {
        let coin = script.uniforms.first().copied().unwrap_or(0.5);
        let error = &step(sampler, &start, h, coin).column(0) - &exact;
        square += script.weight * error.mapv(|e| e * e).mean().unwrap();
        mean.scaled_add(script.weight, &error);
    }
    let bias = mean.mapv(|e| e * e).mean().unwrap().sqrt();
    (8.0 * square.sqrt(), 8.0 * bias)
}

#[test]
fn one_step_errors_on_the_flow_are_those_of_the_table() {
    let euler = EulerMaruyama::new(ProbabilityFlow);
    let uniform = RandomizedMidpoint::new(ProbabilityFlow);
    let control = RandomizedMidpoint::new(ProbabilityFlow).with_control_variate(true);
    // Twelve digits from an independent implementation; the quadrature over the law here is good to
    // a percent.
    for (h, want) in [
        (0.2, [1.169057618579e-2, 1.045648092467e-1, 7.846330938169e-3]),
        (0.05, [5.798465255822e-4, 6.023839234234e-3, 3.470136128598e-4]),
    ] {
        let found = [errors(&euler, h).0, errors(&uniform, h).0, errors(&control, h).0];
        for (found, want) in found.iter().zip(want) {
            assert!((found / want - 1.0).abs() < 0.01, "h = {h}: {found} {want}");
        }
    }
}

#[test]
fn orders_are_as_stated() {
    let slope = |error: &dyn Fn(f64) -> f64| (error(0.1) / error(0.0125)).ln() / 8.0f64.ln();
    let euler = EulerMaruyama::new(ProbabilityFlow);
    let midpoint = RandomizedMidpoint::new(ProbabilityFlow);
    let control = RandomizedMidpoint::new(ProbabilityFlow).with_control_variate(true);
    let (euler, mean) = (slope(&|h| errors(&euler, h).0), slope(&|h| errors(&midpoint, h).1));
    let mean_control = slope(&|h| errors(&control, h).1);
    assert!((1.9..2.1).contains(&euler), "local order of the exponential integrator: {euler}");
    assert!(
        mean >= 2.8 && mean_control >= 2.8,
        "local order of the mean error of rm: {mean}, {mean_control}"
    );
}

/// On Gaussian data every step is affine, so variances follow exactly: how far the marginal is off
/// after a whole run.
fn variance_error(dynamics: impl LinearDynamics, steps: usize) -> f64 {
    let (data, horizon, end) = (0.3, 3.0, 0.01);
    let marginal = |time: f64| data * (-2.0f64 * time).exp() - (-2.0f64 * time).exp_m1();
    let grid = TimeGrid::between(0.0, horizon - end, steps).unwrap();
    let mut variance = marginal(horizon);
    for step in grid.iter() {
        let t = dynamics.transition(step.start, step.length);
        let slope = t.propagator[0][0] - t.gain[0][0] / marginal(horizon - step.start);
        variance = slope * slope * variance + t.covariance[0][0];
    }
    (variance - marginal(end)).abs()
}

#[test]
fn the_reverse_processes_keep_the_marginals_to_first_order() {
    for (name, errors) in [
        ("sde", [400, 800, 1600].map(|n| variance_error(ReverseSde, n))),
        ("flow", [400, 800, 1600].map(|n| variance_error(ProbabilityFlow, n))),
    ] {
        for pair in errors.windows(2) {
            let order = (pair[0] / pair[1]).log2();
            assert!((0.85..1.15).contains(&order), "{name}: {errors:?}");
        }
    }
}

/// Heun's method on Gaussian data against the exact flow: with the data prediction x̂₀ it is
/// affine, and of order 2, and the models' other predictions lead to the same path.
#[test]
fn heun_is_of_second_order_whatever_the_model_predicts() {
    struct Gaussian(Prediction);
    impl Denoiser<f64> for Gaussian {
        fn prediction(&self) -> Prediction {
            self.0
        }
        fn predict(
            &self,
            levels: Levels<'_>,
            x: ArrayView2<'_, f64>,
            mut out: ArrayViewMut2<'_, f64>,
        ) -> Result<(), BoxError> {
            for (row, (x, mut out)) in x.rows().into_iter().zip(out.rows_mut()).enumerate() {
                let level = levels.at(row);
                let variance = 0.3 * level.alpha_bar() + level.one_minus_alpha_bar();
                let (c, d) = Prediction::Score.convert(self.0, level);
                out.zip_mut_with(&x, |p, x| *p = (c - d / variance) * x);
            }
            Ok(())
        }
    }
    // Of 4000 levels of small rate, down to level 400: no final step, which is of first order.
    let table = LevelTable::linear(4000, 1e-4, 2e-3).unwrap();
    let run = |steps: usize, prediction: Prediction| {
        let model = Gaussian(prediction);
        let drift = Denoised::new(&model, Clock::Chain(table.clone()), Prediction::Data).unwrap();
        let grid = TimeGrid::between(0.0, 3600.0, steps).unwrap();
        Run::new(&Heun::new(table.clone()), &drift, grid).start(array![[1.0]]).run().unwrap().state
            [[0, 0]]
    };
    let spread = |level: Level| (0.3 * level.alpha_bar() + level.one_minus_alpha_bar()).sqrt();
    let exact = spread(table.level(400)) / spread(table.level(4000));
    let errors = [36, 72, 144].map(|steps| (run(steps, Prediction::Score) - exact).abs());
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((1.8..2.2).contains(&order), "{errors:?}");
    }
    for prediction in [Prediction::Epsilon, Prediction::Data, Prediction::Velocity] {
        assert!((run(36, prediction) - run(36, Prediction::Score)).abs() < 1e-10, "{prediction:?}");
    }
}

fn ring() -> GaussianMixture {
    let angle = |k: usize| std::f64::consts::TAU * k as f64 / 8.0;
    let means = Array2::from_shape_fn(
        (8, 2),
        |(k, j)| if j == 0 { angle(k).cos() } else { angle(k).sin() },
    );
    GaussianMixture::isotropic(means.view(), 0.05).unwrap()
}

/// W₂ between distances to the nearest mode and their law, in units of the modes' standard
/// deviation.
fn radial(method: &str, evaluations: usize, grid: Option<Spacing>, chains: usize) -> f64 {
    let (data, table) = (ring(), LevelTable::named("linear", 1000).unwrap());
    let model = DiffusedMixture::new(data.clone());
    let generation =
        plan::<f64>(method, &table, evaluations, &GenerationOptions { grid, ..Default::default() })
            .unwrap();
    let drift = Denoised::new(&model, generation.clock, generation.wanted).unwrap();
    let samples = Run::new(&*generation.sampler, &drift, generation.grid)
        .chains(chains)
        .seed(1)
        .run()
        .unwrap();
    let distances = data.distance_to_nearest_mode(samples.positions()).unwrap();
    radial_wasserstein(distances.as_slice().unwrap(), 2).unwrap().value
}

/// The table of METHODS.md, within 20%: independent numbers from 8,000 samples. The seed is fixed;
/// standard errors here are at most 7% of a value (DDIM at 40 and 50), so another seed would fail
/// less than once in 100.
#[test]
fn the_generation_table_of_methods_md() {
    use Spacing::{Equal, Quadratic};
    let reference = radial("ddpm", 1000, None, 20_000);
    assert!((reference / 0.10 - 1.0).abs() < 0.2, "{reference}");
    for (evaluations, ddpm, blocks) in
        [(20, 1.34, 25.0), (40, 0.65, 7.5), (50, 0.58, 5.2), (80, 0.48, 1.9)]
    {
        let (ddpm_found, blocks_found) = (
            radial("ddpm", evaluations, Some(Equal), 20_000),
            radial("pmm2", evaluations, Some(Equal), 20_000),
        );
        assert!((ddpm_found / ddpm - 1.0).abs() < 0.2, "ddpm at {evaluations}: {ddpm_found}");
        assert!(
            (blocks_found / blocks - 1.0).abs() < 0.2,
            "equal blocks at {evaluations}: {blocks_found}"
        );
    }
    for (evaluations, ddim) in [(20, 0.16), (40, 0.064), (50, 0.060)] {
        let found = radial("ddim", evaluations, Some(Quadratic), 20_000);
        assert!((found / ddim - 1.0).abs() < 0.2, "ddim at {evaluations}: {found}");
    }
    // The claim: with quadratic blocks, 50 evaluations are no worse than DDPM with 1000.
    let poisson = radial("pmm2", 50, Some(Quadratic), 20_000);
    assert!(poisson <= reference, "{poisson} {reference}");
}

#[test]
fn budgets_are_kept_and_reported() {
    let table = LevelTable::named("linear", 1000).unwrap();
    let model = DiffusedMixture::new(ring());
    for method in GENERATION_METHODS {
        for evaluations in [20, 50, 137, 1000] {
            let generation = match plan::<f64>(
                method.name,
                &table,
                evaluations,
                &GenerationOptions::default(),
            ) {
                Ok(generation) => generation,
                Err(Error::TooFew { needed, .. }) if method.name.starts_with("pc") => {
                    assert!(needed > evaluations, "{}", method.name);
                    continue;
                }
                Err(other) => panic!("{}: {other}", method.name),
            };
            let (planned, grid) = (generation.evaluations, generation.grid);
            let blocks = grid.steps() as f64;
            assert!(planned <= evaluations as f64, "{}: {planned} of {evaluations}", method.name);
            let drift = Denoised::new(&model, generation.clock, generation.wanted).unwrap();
            let counted = Counted::new(&drift);
            let samples = Run::new(&*generation.sampler, &counted, grid)
                .chains(300)
                .chunk(300)
                .run()
                .unwrap();
            assert_eq!(samples.evaluations, counted.rows(), "{}", method.name);
            // A block of levels adds a number of midpoints of variance below 1, so the mean over
            // 300 chains of `blocks` of them is off by six standard deviations once in 5·10^8;
            // methods without coins are exact.
            let allowed =
                if method.name.starts_with("pmm") { 6.0 * (blocks / 300.0).sqrt() } else { 1e-9 };
            assert!(
                (samples.evaluations_per_chain() - planned).abs() <= allowed,
                "{}",
                method.name
            );
        }
        let least = |n| plan::<f64>(method.name, &table, n, &GenerationOptions::default());
        assert!(least(method.least).is_ok(), "{} at {}", method.name, method.least);
        let error = least(method.least - 1).err().unwrap();
        assert!(
            matches!(error, Error::TooFew { needed, .. } if needed == method.least),
            "{}: {error}",
            method.name
        );
    }
}

#[test]
fn options_and_budgets_that_make_no_sense_are_refused() {
    let table = LevelTable::named("linear", 1000).unwrap();
    let message = |method: &str, evaluations: usize, options: GenerationOptions| {
        plan::<f64>(method, &table, evaluations, &options).err().unwrap().to_string()
    };
    let none = GenerationOptions::default();
    assert!(
        message("pmm2", 1, none.clone()).contains("1 evaluations are too few, it needs at least 2")
    );
    assert!(message("rm", 2, none.clone()).contains("needs at least 3"));
    assert!(message("pc", 3, none.clone()).contains("needs at least"));
    assert!(message("plms", 50, none.clone()).contains("there are: ddpm, ddim"));
    assert!(
        message("ddim", 50, GenerationOptions { eta: Some(1.5), ..none.clone() })
            .starts_with("eta: given 1.5")
    );
    assert!(
        message("ddpm", 50, GenerationOptions { eta: Some(0.5), ..none.clone() })
            .starts_with("eta is not an option of ddpm")
    );
    let blocks = GenerationOptions { blocks: Some(vec![500, 400]), ..none.clone() };
    assert!(message("pmm2", 50, blocks).contains("sum of the blocks: given 900"));
    let timesteps = GenerationOptions { timesteps: Some(vec![999, 999]), ..none.clone() };
    assert!(message("ddim", 50, timesteps).contains("levels must decrease strictly"));
    let few = GenerationOptions { timesteps: Some(vec![5, 3, 2]), ..none.clone() };
    assert!(message("pmm2", 4, few).contains("4 evaluations are too few, it needs at least 6"));
    let huge = GenerationOptions { blocks: Some(vec![600, 600, usize::MAX - 199]), ..none.clone() };
    assert!(message("pmm2", 50, huge).contains("sum of the blocks"));
    let tiny = GenerationOptions { corrector_step: Some(1e-300), ..none.clone() };
    assert!(message("pc", 500, tiny).contains("corrector steps"));
    let both = GenerationOptions { timesteps: Some(vec![999]), grid: Some(Spacing::Equal), ..none };
    assert!(message("ddim", 50, both).contains("give only one of grid, timesteps and blocks"));
}

/// ε says nothing about the data in pure noise: refused when the drift is built.
#[test]
fn epsilon_at_zero_signal_is_refused() {
    struct Epsilon;
    impl Denoiser<f64> for Epsilon {
        fn prediction(&self) -> Prediction {
            Prediction::Epsilon
        }
        fn predict(
            &self,
            _: Levels<'_>,
            _: ArrayView2<'_, f64>,
            mut out: ArrayViewMut2<'_, f64>,
        ) -> Result<(), BoxError> {
            out.fill(0.0);
            Ok(())
        }
    }
    let error =
        Denoised::new(&Epsilon, Clock::Frozen(Level::PURE_NOISE), Prediction::Data).err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with("Data does not follow from a prediction of Epsilon at alpha bar 0"),
        "{error}"
    );
    assert!(Denoised::new(&Epsilon, Clock::Frozen(Level::PURE_NOISE), Prediction::Score).is_ok());
}

/// Sequential and parallel predictor–corrector reach the exact law of an anisotropic 16-D mixture.
/// The seed is fixed; exact samples in their place would fail with another one about once in 700.
#[test]
fn predictor_corrector_reaches_the_law_of_the_data() {
    let means = Array2::from_shape_fn((3, 16), |(k, j)| ((k * 5 + j * 3) % 7) as f64 / 4.0 - 0.75);
    let variances = Array2::from_shape_fn((3, 16), |(k, j)| 0.05 + 0.1 * ((k + j) % 5) as f64);
    let data = GaussianMixture::diagonal(means.view(), variances.view())
        .unwrap()
        .with_weights(&[0.5, 0.3, 0.2])
        .unwrap();
    let (model, table) =
        (DiffusedMixture::new(data.clone()), LevelTable::named("linear", 1000).unwrap());
    let chains = 20_000;
    let exact = data.sample(chains, 7).unwrap();
    let other = data.sample(chains, 8).unwrap();
    let floor = sliced_wasserstein(other.view(), exact.view(), 64, 0).unwrap();
    for (method, evaluations) in [("pc", 400), ("pc-parallel", 3000)] {
        let options = GenerationOptions { end_time: Some(1e-4), ..Default::default() };
        let generation = plan::<f64>(method, &table, evaluations, &options).unwrap();
        let drift = Denoised::new(&model, generation.clock, generation.wanted).unwrap();
        let samples = Run::new(&*generation.sampler, &drift, generation.grid)
            .chains(chains)
            .seed(3)
            .run()
            .unwrap();
        let found = sliced_wasserstein(samples.positions(), exact.view(), 64, 0).unwrap();
        println!(
            "{method}: {:.4} ± {:.4}, exact samples {:.4} ± {:.4}",
            found.value, found.error, floor.value, floor.error
        );
        let error = found.error.hypot(floor.error);
        assert!(
            found.value - floor.value < 3.0 * error,
            "{method}: {found:?}, exact samples {floor:?}"
        );
    }
}

/// With a tolerance, rounds hardly grow with the dimension.
#[test]
fn rounds_hardly_grow_with_the_dimension() {
    let rounds = |dim: usize| {
        let means =
            Array2::from_shape_fn((2, dim), |(k, j)| if (k + j) % 2 == 0 { 1.0 } else { -1.0 });
        let model = DiffusedMixture::new(GaussianMixture::isotropic(means.view(), 0.5).unwrap());
        let drift =
            Denoised::<f64>::new(&model, Clock::Reverse { horizon: 1.5 }, Prediction::Score)
                .unwrap();
        let sampler = RandomizedMidpoint::new(ProbabilityFlow)
            .with_windows(8)
            .unwrap()
            .with_rounds(60)
            .unwrap();
        let sampler = sampler.with_tolerance(1e-6).unwrap();
        let grid = TimeGrid::uniform(0.5, 1).unwrap();
        Run::new(&sampler, &drift, grid).chains(8).run().unwrap().rounds
    };
    let (few, many) = (rounds(16), rounds(4096));
    println!("rounds: {few} at d = 16, {many} at d = 4096");
    // Far below the 60 that are allowed: it is the tolerance that ends them.
    assert!(few > 1 && many <= few + 2 && many < 20, "{few} {many}");
}

#[test]
fn diffused_samples_and_densities_are_those_of_the_level() {
    let model = DiffusedMixture::new(ring());
    let level = Level::from_alpha_bar(0.5).unwrap();
    let law = model.at(level).unwrap();
    let x = array![[0.3, -0.2]];
    let by_hand: f64 = model
        .data()
        .means()
        .rows()
        .into_iter()
        .map(|mu| {
            let v = 0.5 * 0.0025 + 0.5;
            let square = (&x.row(0) - &(&mu * 0.5f64.sqrt())).mapv(|d| d * d).sum();
            0.125 * (-0.5 * square / v).exp() / (std::f64::consts::TAU * v)
        })
        .sum();
    assert!((law.log_density(x.view()).unwrap()[0] - by_hand.ln()).abs() < 1e-13);
}
