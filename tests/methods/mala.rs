//! MALA: detailed balance, moments at large steps, cost, and errors.

use langevin::advanced::{Address, Cost, Purpose, Scripted, State, Step, Work};
use langevin::metrics;
use langevin::ndarray::{Array2, ArrayView2, array, s};
use langevin::prelude::*;

use crate::support::two_modes;

/// Two Gaussians with full covariances, points near them, and score and log density there.
struct Points {
    target: GaussianMixture,
    points: Array2<f64>,
    score: Array2<f64>,
    log_density: Vec<f64>,
}

impl Points {
    fn new() -> Self {
        let covariances = array![
            [[1.0, 0.4, 0.0], [0.4, 0.8, 0.1], [0.0, 0.1, 0.5]],
            [[0.5, 0.0, 0.2], [0.0, 1.5, 0.0], [0.2, 0.0, 0.9]]
        ];
        let means = array![[0.0, 1.0, -1.0], [2.0, -1.0, 0.5]];
        let target = GaussianMixture::full(means.view(), covariances.view()).unwrap();
        let points = target.sample(2000, 5).unwrap() * 1.3;
        let mut score = Array2::<f64>::zeros(points.dim());
        target.eval(Times::Shared(0.0), points.view(), score.view_mut()).unwrap();
        let log_density = target.log_density(points.view()).unwrap().to_vec();
        Self { target, points, score, log_density }
    }

    /// y − x − h b(x): how far a move is from the drift alone.
    fn away(&self, x: usize, y: usize, h: f64) -> langevin::ndarray::Array1<f64> {
        &self.points.row(y) - &self.points.row(x) - &(&self.score.row(x) * h)
    }

    /// log π(x) q(x → y) without the constant of q, by the definition of the proposal.
    fn flow(&self, x: usize, y: usize, h: f64) -> f64 {
        let away = self.away(x, y, h);
        self.log_density[x] - away.dot(&away) / (4.0 * h)
    }

    /// A step from x with normals that propose exactly y, and with this coin.
    fn step(&self, x: usize, y: usize, h: f64, coin: f64) -> (Cost, State<f64>) {
        let z = self.away(x, y, h) / (2.0 * h).sqrt();
        let mut noise = Scripted::new();
        for (j, z) in z.iter().enumerate() {
            noise.normal(Address::new(0, Purpose::Increment, 0), 0, j, *z);
        }
        noise.uniform(Address::new(0, Purpose::Accept, 0), 0, coin);
        let start = self.points.slice(s![x..x + 1, ..]);
        let mut state = State::new(start, 3, Mala::new().layout(), 0, &noise).unwrap();
        let interval = TimeGrid::uniform(h, 1).unwrap().interval(0);
        let mut work = Work::new();
        let mut step = Step::new(interval, &self.target, &noise, &mut state, &mut work);
        Mala::new().step(&mut step).unwrap();
        let cost = step.cost();
        (cost, state)
    }
}

/// π(x) q(x → y) α(x, y) = π(y) q(y → x) α(y, x) holds for α = min(1, π(y) q(y → x)/(π(x) q(x →
/// y))). At 1000 pairs, both ways, the step accepts a coin below that α and refuses one above, each
/// by 1e-12 of it.
#[test]
fn mala_is_in_detailed_balance() {
    let all = Points::new();
    let mut refused = 0;
    for pair in 0..1000 {
        let h = [0.05, 0.3, 1.5][pair % 3];
        let [a, b] = [2 * pair, 2 * pair + 1];
        let [forth, back] = [all.flow(a, b, h), all.flow(b, a, h)];
        let alpha = |from: f64, to: f64| (to - from).exp().min(1.0);
        for (x, y, alpha) in [(a, b, alpha(forth, back)), (b, a, alpha(back, forth))] {
            // log α is a sum of numbers as large as these, each with a last digit.
            let margin = 1e-12 * (1.0 + 1e-3 * (forth.abs() + back.abs()));
            for (coin, accepts) in [(alpha * (1.0 - margin), true), (alpha * (1.0 + margin), false)]
            {
                if !(coin > 1e-300 && coin < 1.0) {
                    continue;
                }
                let (cost, state) = all.step(x, y, h, coin);
                let moves = (cost.proposed, cost.accepted);
                assert_eq!(moves, (1, u64::from(accepts)), "{pair}: α = {alpha}");
                let end = if accepts { y } else { x };
                let near = |found: ArrayView2<'_, f64>, want: &Array2<f64>, tolerance: f64| {
                    (&found.row(0) - &want.row(end)).iter().all(|d| d.abs() < tolerance)
                };
                assert!(near(state.positions(), &all.points, 1e-12), "{pair}");
                // The state carries the drift where the chain now is: refused moves leave the old
                // one.
                assert!(near(state.view().slice(s![.., 3..]), &all.score, 1e-9), "{pair}");
                refused += usize::from(!accepts);
            }
        }
    }
    assert!(refused > 500);
}

/// Large steps: acceptance near the efficient one, and moments that ULA would have wrong by far.
#[test]
fn mala_has_the_exact_moments_at_large_steps() {
    let target = GaussianMixture::isotropic(array![[0.0, 0.0]].view(), 1.0).unwrap();
    let grid = TimeGrid::uniform(1.2, 60).unwrap();
    // ULA's variance at this step is 1/(1 − h/2) = 2.5. Each of 3 seeds checks two variances of
    // 20,000 independent chains (relative error 0.01) within 0.06, six standard errors: 6 × 2e-9
    // false alarms.
    for seed in [0, 1, u64::MAX] {
        let run = Run::new(Mala::new(), &target, grid.clone()).chains(20_000).seed(seed);
        let samples = run.run().unwrap();
        let acceptance = samples.acceptance().unwrap();
        let found = metrics::moments(samples.positions()).unwrap();
        assert!((0.3..0.8).contains(&acceptance), "{acceptance}");
        assert_eq!(samples.cost.proposed, 60 * 20_000);
        for j in 0..2 {
            assert!((found.covariance[[j, j]] - 1.0).abs() < 0.06, "{:?}", found.covariance);
        }
    }
}

#[test]
fn a_step_costs_one_evaluation() {
    let target = two_modes();
    let grid = TimeGrid::uniform(0.1, 20).unwrap();
    let mut looks = Trace::<f64>::new(Every::new(3).unwrap());
    let run = Run::new(Mala::new(), &target, grid).chains(70).chunk(16);
    let samples = run.observe(&mut looks).run().unwrap();
    // One more for the first position.
    assert_eq!(samples.evaluations_per_chain(), 21.0);
    assert_eq!(Mala::new().evaluations_per_step(), 1.0);
}

/// −x, the score of a standard normal.
fn score() -> impl Drift<f64> {
    Batched::any(|_, x, mut out| {
        out.zip_mut_with(&x, |b, x: &f64| *b = -x);
        Ok(())
    })
}

#[test]
fn a_missing_density_is_named() {
    let grid = TimeGrid::uniform(0.1, 3).unwrap();
    let error = Run::new(Mala::new(), score(), grid).start_at(&[1.0]).run().unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("mala needs the log density of the target"), "{error}");
    assert!(error.contains("WithDensity"), "{error}");
}

/// A move out of the support is refused. A start outside waits for a proposal inside and is no
/// failure. NaN stops the run.
#[test]
fn the_edge_of_the_support_is_kept_and_nan_is_not_hidden() {
    let half = |x: ArrayView2<'_, f64>, out: &mut [f64]| -> Result<(), BoxError> {
        for (log, x) in out.iter_mut().zip(x.rows()) {
            *log = if x[0] > 0.0 { -0.5 * x[0] * x[0] } else { f64::NEG_INFINITY };
        }
        Ok(())
    };
    let target = WithDensity::new(score(), half);
    let run = |start: f64, chains| {
        let run = Run::new(Mala::new(), &target, TimeGrid::uniform(0.5, 100).unwrap());
        run.start_at(&[start]).chains(chains).run().unwrap()
    };
    assert!(run(1.0, 200).positions().iter().all(|x| *x > 0.0));
    let outside = run(-1.0, 50);
    assert!(outside.positions().iter().all(|x| *x > 0.0), "{:?}", outside.positions());
    let bad = |_: ArrayView2<'_, f64>, out: &mut [f64]| -> Result<(), BoxError> {
        out.fill(f64::NAN);
        Ok(())
    };
    let target = WithDensity::new(score(), bad);
    let run = Run::new(Mala::new(), &target, TimeGrid::uniform(0.1, 3).unwrap());
    let error = run.start_at(&[1.0]).run().unwrap_err();
    assert!(matches!(error, Error::Diverged { chain: 0, step: 1, .. }), "{error}");
}
