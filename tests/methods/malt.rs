//! MALT: skew detailed balance with all parts, a step by hand, moments at large steps, cost, and
//! errors.

use langevin::advanced::{Address, Cost, Purpose, Scripted, State, Step, Work};
use langevin::metrics;
use langevin::ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, array, s};
use langevin::prelude::*;

use crate::support::two_modes;

fn malt(friction: f64, inverse_mass: f64, leapfrogs: usize) -> Malt {
    let dynamics = Underdamped::new(friction, inverse_mass).unwrap();
    Malt::new(dynamics).with_leapfrogs(leapfrogs).unwrap()
}

/// Two Gaussians with full covariances.
fn target() -> GaussianMixture {
    let covariances = array![
        [[1.0, 0.4, 0.0], [0.4, 0.8, 0.1], [0.0, 0.1, 0.5]],
        [[0.5, 0.0, 0.2], [0.0, 1.5, 0.0], [0.2, 0.0, 0.9]]
    ];
    let means = array![[0.0, 1.0, -1.0], [2.0, -1.0, 0.5]];
    GaussianMixture::full(means.view(), covariances.view()).unwrap()
}

fn score(x: &Array1<f64>) -> Array1<f64> {
    let mut b = Array2::<f64>::zeros((1, x.len()));
    let x = x.view().insert_axis(Axis(0));
    target().eval(Times::Shared(0.0), x, b.view_mut()).unwrap();
    b.row(0).to_owned()
}

fn log_density(x: &Array1<f64>) -> f64 {
    target().log_density(x.view().insert_axis(Axis(0))).unwrap()[0]
}

/// The constants of the dynamics and the length of a leapfrog.
#[derive(Clone, Copy)]
struct Constants {
    friction: f64,
    inverse_mass: f64,
    h: f64,
}

impl Constants {
    /// The factor and the standard deviation of an O over `part` of a leapfrog.
    fn friction_over(&self, part: f64) -> [f64; 2] {
        let factor = (-self.friction * part * self.h).exp();
        [factor, (self.inverse_mass * (1.0 - factor * factor)).sqrt()]
    }

    fn refreshed(&self, part: f64, v: &Array1<f64>, z: &Array1<f64>) -> Array1<f64> {
        let [factor, std] = self.friction_over(part);
        v * factor + z * std
    }

    /// The normals with which an O turns v into w.
    fn normals(&self, part: f64, v: &Array1<f64>, w: &Array1<f64>) -> Array1<f64> {
        let [factor, std] = self.friction_over(part);
        (w - &(v * factor)) / std
    }
}

/// A trajectory: v₀ → w₁ by O½, (x₀, w₁) → (x₁, u₁) by BAB, u₁ → w₂ by O, …, u_L → v_L by O½.
struct Path {
    constants: Constants,
    /// x₀ to x_L.
    x: Vec<Array1<f64>>,
    /// w₁ to w_L.
    w: Vec<Array1<f64>>,
    /// u₁ to u_L.
    u: Vec<Array1<f64>>,
    /// v₀ and v_L.
    ends: [Array1<f64>; 2],
}

impl Path {
    /// The trajectory from (x₀, v₀) with these normals, one for each O, by the formulas.
    fn by_hand(constants: Constants, x: Array1<f64>, v: Array1<f64>, z: &[Array1<f64>]) -> Self {
        let Constants { inverse_mass, h, .. } = constants;
        let kick = |x: &Array1<f64>| score(x) * (0.5 * h * inverse_mass);
        let last = z.len() - 1;
        let mut path = Self {
            constants,
            x: vec![x],
            w: Vec::new(),
            u: Vec::new(),
            ends: [v.clone(), v.clone()],
        };
        let mut v = v;
        for (l, z) in z.iter().enumerate() {
            v = constants.refreshed(if l == 0 || l == last { 0.5 } else { 1.0 }, &v, z);
            if l == last {
                break;
            }
            path.w.push(v.clone());
            let x = path.x[l].clone();
            v = v + kick(&x);
            let x = x + &v * h;
            v = v + kick(&x);
            path.x.push(x);
            path.u.push(v.clone());
        }
        path.ends[1] = v;
        path
    }

    /// The same trajectory the other way, with all velocities turned round.
    fn reversed(&self) -> Self {
        let turned = |all: &[Array1<f64>]| all.iter().rev().map(|v| -v).collect();
        Self {
            constants: self.constants,
            x: self.x.iter().rev().cloned().collect(),
            w: turned(&self.u),
            u: turned(&self.w),
            ends: [-&self.ends[1], -&self.ends[0]],
        }
    }

    /// The velocities before and after each O, with its part of a leapfrog.
    fn refreshes(&self) -> Vec<(f64, &Array1<f64>, &Array1<f64>)> {
        let inner = self.u.iter().zip(&self.w[1..]).map(|(u, w)| (1.0, u, w));
        let mut all = vec![(0.5, &self.ends[0], &self.w[0])];
        all.extend(inner);
        all.push((0.5, &self.u[self.u.len() - 1], &self.ends[1]));
        all
    }

    fn normals(&self) -> Vec<Array1<f64>> {
        let of = |(part, v, w): (f64, &_, &_)| self.constants.normals(part, v, w);
        self.refreshes().into_iter().map(of).collect()
    }

    /// log π(x₀) N(v₀) of the start and the density of all its O, without constants. BAB has
    /// determinant 1.
    fn flow(&self) -> f64 {
        let v = &self.ends[0];
        let start = log_density(&self.x[0]) - v.dot(v) / (2.0 * self.constants.inverse_mass);
        start - self.normals().iter().map(|z| 0.5 * z.dot(z)).sum::<f64>()
    }

    /// A step along this trajectory, with this coin.
    fn step(&self, coin: f64) -> (Cost, State<f64>) {
        let Constants { friction, inverse_mass, h } = self.constants;
        let mut noise = Scripted::new();
        for (l, z) in self.normals().iter().enumerate() {
            for (j, z) in z.iter().enumerate() {
                noise.normal(Address::new(0, Purpose::Increment, l as u32), 0, j, *z);
            }
        }
        noise.uniform(Address::new(0, Purpose::Accept, 0), 0, coin);
        let sampler = malt(friction, inverse_mass, self.w.len());
        let dim = self.x[0].len();
        let mut start = Array2::zeros((1, 2 * dim));
        start.slice_mut(s![0, ..dim]).assign(&self.x[0]);
        start.slice_mut(s![0, dim..]).assign(&self.ends[0]);
        let mut state = State::new(start.view(), dim, sampler.layout(), 0, &noise).unwrap();
        let interval = TimeGrid::uniform(h * self.w.len() as f64, 1).unwrap().interval(0);
        let mut work = Work::new();
        let target = target();
        let mut step = Step::new(interval, &target, &noise, &mut state, &mut work);
        sampler.step(&mut step).unwrap();
        let cost = step.cost();
        (cost, state)
    }

    /// Where a step along this trajectory ends, and with which velocity.
    fn end(&self, accepted: bool) -> [Array1<f64>; 2] {
        if accepted {
            return [self.x[self.x.len() - 1].clone(), self.ends[1].clone()];
        }
        let last = &self.normals()[self.w.len()];
        [self.x[0].clone(), self.constants.refreshed(0.5, &-&self.w[0], last)]
    }
}

/// Trajectories of L = 1, 2 and 5 leapfrogs from points near the target, at three lengths.
fn paths() -> impl Iterator<Item = Path> {
    let points = target().sample(300, 5).unwrap() * 1.3;
    let normal = GaussianMixture::isotropic(array![[0.0, 0.0, 0.0]].view(), 1.0).unwrap();
    let normals = normal.sample(300 * 7, 6).unwrap();
    (0..300).map(move |path| {
        let inverse_mass = [1.0, 0.4][path % 2];
        let friction = [0.3, 2.0][path / 2 % 2];
        let constants = Constants { friction, inverse_mass, h: [0.1, 0.5, 1.0][path % 3] };
        let leapfrogs = [1, 2, 5][path / 3 % 3];
        let normal = |k: usize| normals.row(7 * path + k).to_owned();
        let z: Vec<_> = (0..=leapfrogs).map(normal).collect();
        let v = normal(6) * inverse_mass.sqrt();
        Path::by_hand(constants, points.row(path).to_owned(), v, &z)
    })
}

fn near(found: ArrayView1<'_, f64>, want: &Array1<f64>, tolerance: f64) -> bool {
    (&found - want).iter().all(|d| d.abs() < tolerance)
}

/// μ = π ⊗ N(0, u I), and S turns the velocity round. For a trajectory p from z to z′ the reversed
/// one goes from Sz′ to Sz. Skew detailed balance is μ(z) q(p) α(p) = μ(Sz′) q(Sp) α(Sp). It holds
/// for α = min(1, μ(Sz′) q(Sp) / μ(z) q(p)), where q holds the densities of all O. On 300
/// trajectories, both ways, the step accepts a coin below that α and refuses one above, each by
/// 1e-11 of it, and ends where the formulas end.
#[test]
fn malt_is_in_skew_detailed_balance() {
    let mut moves = [0, 0];
    for (number, path) in paths().enumerate() {
        let back = path.reversed();
        let flows = [path.flow(), back.flow()];
        for (path, log_alpha) in [(&path, flows[1] - flows[0]), (&back, flows[0] - flows[1])] {
            let alpha = log_alpha.min(0.0).exp();
            // log α is a sum of numbers as large as these, each with a last digit.
            let margin = 1e-11 * (1.0 + 1e-2 * (flows[0].abs() + flows[1].abs()));
            for (coin, accepts) in [(alpha * (1.0 - margin), true), (alpha * (1.0 + margin), false)]
            {
                if !(coin > 1e-300 && coin < 1.0) {
                    continue;
                }
                let (cost, state) = path.step(coin);
                let found = (cost.proposed, cost.accepted);
                assert_eq!(found, (1, u64::from(accepts)), "{number}: α = {alpha}");
                let [x, v] = path.end(accepts);
                assert!(near(state.positions().row(0), &x, 1e-10), "{number}");
                assert!(near(state.momenta().unwrap().row(0), &v, 1e-10), "{number}");
                // The state carries the drift where the chain now is.
                assert!(near(state.view().slice(s![0, 6..]), &score(&x), 1e-9), "{number}");
                moves[usize::from(accepts)] += 1;
            }
        }
    }
    assert!(moves[0] > 200 && moves[1] > 200, "{moves:?}");
}

/// A rejection goes from (x, v) by O½ to w, by the turn to −w, by O½ to v′. The way from (x, −v′)
/// to (x, −v) has the same w, so the same proposals and the same α. Its two O½ have the same
/// densities with those of v and v′: μ(z) q(z → z′) = μ(Sz′) q(Sz′ → Sz).
#[test]
fn a_rejection_is_balanced_because_it_turns_the_velocity_round() {
    for path in paths() {
        let constants = path.constants;
        let flow = |v: &Array1<f64>, w: &Array1<f64>, end: &Array1<f64>, turn: f64| {
            let first = constants.normals(0.5, v, w);
            let second = constants.normals(0.5, &(w * turn), end);
            -0.5 * (v.dot(v) / constants.inverse_mass + first.dot(&first) + second.dot(&second))
        };
        let [v, w] = [&path.ends[0], &path.w[0]];
        let [_, end] = path.end(false);
        let [forth, back] = [flow(v, w, &end, -1.0), flow(&-&end, w, &-v, -1.0)];
        assert!((forth - back).abs() < 1e-10 * (1.0 + forth.abs()), "{forth} {back}");
        // Without the turn it is not.
        let unturned = flow(v, w, &end, 1.0) - flow(&-&end, w, &-v, 1.0);
        assert!(unturned.abs() > 1e-6);
    }
}

/// One step of one chain on N(0, 1) in one dimension, with zero normals but for the first.
fn on_a_line(coin: f64, z: f64) -> [f64; 2] {
    let target = GaussianMixture::isotropic(array![[0.0]].view(), 1.0).unwrap();
    let sampler = malt(0.5, 1.0, 1);
    let mut noise = Scripted::new();
    noise.normal(Address::new(0, Purpose::Increment, 0), 0, 0, z);
    noise.uniform(Address::new(0, Purpose::Accept, 0), 0, coin);
    let start = array![[2.0, 0.5]];
    let mut state = State::new(start.view(), 1, sampler.layout(), 0, &noise).unwrap();
    let interval = TimeGrid::uniform(1.6, 1).unwrap().interval(0);
    let mut work = Work::new();
    sampler.step(&mut Step::new(interval, &target, &noise, &mut state, &mut work)).unwrap();
    [state.positions()[[0, 0]], state.momenta().unwrap()[[0, 0]]]
}

/// h = 1.6, γ = 0.5: O½ has the factor e^(−0.4) and the variance 1 − e^(−0.8). The
/// second coin of each pair is just above α, which a script may also set above 1.
#[test]
fn a_step_is_obabo_and_a_rejection_turns_the_velocity_round() {
    let decay = (-0.4f64).exp();
    for z in [0.0, -1.3] {
        let w = decay * 0.5 + (1.0 - (-0.8f64).exp()).sqrt() * z;
        let half = w - 0.8 * 2.0;
        let x = 2.0 + 1.6 * half;
        let u = half - 0.8 * x;
        let alpha = (0.5 * (4.0 + w * w - x * x - u * u)).exp();
        let [kept, moved] = [on_a_line(1e-12, z), on_a_line((1.0 + 1e-9) * alpha, z)];
        assert!((kept[0] - x).abs() < 1e-12 && (kept[1] - decay * u).abs() < 1e-12, "{kept:?}");
        assert!(moved[0] == 2.0 && (moved[1] + decay * w).abs() < 1e-12, "{moved:?}");
    }
}

/// At a short step every proposal is kept, and one leapfrog is a step of OBABO.
#[test]
fn accepted_steps_of_one_leapfrog_are_those_of_obabo() {
    let target = two_modes();
    let dynamics = Underdamped::new(1.5, 0.7).unwrap();
    let obabo = Splitting::new(dynamics, "OBABO".parse().unwrap());
    let grid = TimeGrid::uniform(0.01, 30).unwrap();
    let found = Run::new(Malt::new(dynamics), &target, grid.clone()).chains(50).run().unwrap();
    let want = Run::new(&obabo, &target, grid).chains(50).run().unwrap();
    assert_eq!(found.acceptance(), Some(1.0));
    assert_eq!(want.acceptance(), None);
    let away = &found.state - &want.state;
    assert!(away.iter().all(|d| d.abs() < 1e-12));
}

/// Position and velocity variances of two coordinates after 60 steps from one point.
fn variances<F: Real>(sampler: &dyn Sampler<F>, length: f64, seed: u64) -> (Vec<f64>, Option<f64>) {
    let target = GaussianMixture::isotropic(array![[0.0, 0.0]].view(), 1.0).unwrap();
    let grid = TimeGrid::uniform(length, 60).unwrap();
    let start = [F::from_f64(1.0), F::from_f64(-1.0)];
    let run = Run::with_precision(sampler, &target, grid).chains(20_000).seed(seed);
    let samples = run.start_at(&start).run().unwrap();
    let wide = samples.state.mapv(|x| x.widen());
    let found = metrics::moments(wide.slice(s![.., ..4])).unwrap().covariance;
    (found.diag().to_vec(), samples.acceptance())
}

/// OBABO without the test has the variance 1/(1 − h²/4) = 2.3 at this step.
#[test]
fn malt_has_the_exact_moments_at_large_steps() {
    let h = 1.5;
    let dynamics = Underdamped::new(1.0, 1.0).unwrap();
    let obabo = Splitting::new(dynamics, "OBABO".parse().unwrap());
    assert!(variances::<f64>(&obabo, h, 0).0[0] > 2.0);
    // Each of 3 seeds checks four variances of 20,000 independent chains (standard error 0.01)
    // within 0.06, six standard errors: 3 × 3 × 4 × 2e-9 = 7e-8 false alarms.
    for seed in [0, 1, u64::MAX] {
        let one = variances::<f64>(&malt(1.0, 1.0, 1), h, seed);
        let five = variances::<f64>(&malt(1.0, 1.0, 5), 5.0 * h, seed);
        let narrow = variances::<f32>(&malt(1.0, 1.0, 2), 2.0 * h, seed);
        for (found, acceptance) in [one, five, narrow] {
            assert!((0.3..0.9).contains(&acceptance.unwrap()), "{acceptance:?}");
            assert!(found.iter().all(|variance| (variance - 1.0).abs() < 0.06), "{found:?}");
        }
    }
}

#[test]
fn a_step_costs_as_many_evaluations_as_leapfrogs() {
    let target = two_modes();
    let grid = TimeGrid::uniform(0.3, 20).unwrap();
    for leapfrogs in [1, 5] {
        let sampler = malt(1.0, 1.0, leapfrogs);
        let mut looks = Trace::<f64>::new(Every::new(3).unwrap());
        let run = Run::new(sampler, &target, grid.clone()).chains(70).chunk(16);
        let samples = run.observe(&mut looks).run().unwrap();
        // One more for the first position.
        assert_eq!(samples.evaluations_per_chain(), 1.0 + 20.0 * leapfrogs as f64);
        assert_eq!(sampler.evaluations_per_step(), leapfrogs as f64);
        assert_eq!(samples.cost.proposed, 20 * 70);
    }
}

/// −x, the score of a standard normal.
fn line() -> impl Drift<f64> {
    Batched::any(|_, x, mut out| {
        out.zip_mut_with(&x, |b, x: &f64| *b = -x);
        Ok(())
    })
}

#[test]
fn wrong_settings_and_a_missing_density_are_named() {
    let dynamics = Underdamped::new(1.0, 1.0).unwrap();
    for leapfrogs in [0, Malt::MAX_LEAPFROGS + 1] {
        let error = Malt::new(dynamics).with_leapfrogs(leapfrogs).unwrap_err().to_string();
        assert!(error.starts_with(&format!("leapfrogs: given {leapfrogs}, expected")), "{error}");
    }
    let grid = TimeGrid::uniform(0.1, 3).unwrap();
    let error = Run::new(malt(1.0, 1.0, 2), line(), grid).start_at(&[1.0]).run().unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("malt needs the log density of the target"), "{error}");
}

/// A trajectory that ends out of the support is refused. A start outside waits for a proposal
/// inside and is no failure. NaN stops the run, in the density and in the drift.
#[test]
fn the_edge_of_the_support_is_kept_and_nan_is_not_hidden() {
    let half = |x: ArrayView2<'_, f64>, out: &mut [f64]| -> Result<(), BoxError> {
        for (log, x) in out.iter_mut().zip(x.rows()) {
            *log = if x[0] > 0.0 { -0.5 * x[0] * x[0] } else { f64::NEG_INFINITY };
        }
        Ok(())
    };
    let target = WithDensity::new(line(), half);
    let run = |start: f64, chains| {
        let grid = TimeGrid::uniform(1.0, 100).unwrap();
        let run = Run::new(malt(1.0, 1.0, 2), &target, grid);
        run.start_at(&[start]).chains(chains).run().unwrap()
    };
    assert!(run(1.0, 200).positions().iter().all(|x| *x > 0.0));
    assert!(run(-1.0, 50).positions().iter().all(|x| *x > 0.0));
    let bad = |_: ArrayView2<'_, f64>, out: &mut [f64]| -> Result<(), BoxError> {
        out.fill(f64::NAN);
        Ok(())
    };
    let flat = |_: ArrayView2<'_, f64>, out: &mut [f64]| -> Result<(), BoxError> {
        out.fill(0.0);
        Ok(())
    };
    let away = |value: f64| {
        PerRow::new(1, move |_, x: &[f64], out: &mut [f64]| {
            out[0] = if x[0] == 1.0 { 0.0 } else { value };
        })
    };
    let endless = PerRow::new(1, |_, _: &[f64], out: &mut [f64]| out[0] = f64::INFINITY);
    let targets: [Box<dyn Drift<f64>>; 3] = [
        Box::new(WithDensity::new(line(), bad)),
        Box::new(WithDensity::new(away(f64::NAN), flat)),
        Box::new(WithDensity::new(endless, flat)),
    ];
    for target in &targets {
        let run = Run::new(malt(1.0, 1.0, 3), target, TimeGrid::uniform(0.1, 3).unwrap());
        let error = run.start_at(&[1.0]).run().unwrap_err();
        assert!(matches!(error, Error::Diverged { chain: 0, step: 1, .. }), "{error}");
    }
    // A drift that overflows on the way refuses the trajectory, and the chain stays.
    let steep = WithDensity::new(away(f64::INFINITY), flat);
    let run = Run::new(malt(1.0, 1.0, 3), &steep, TimeGrid::uniform(0.1, 3).unwrap());
    let samples = run.start_at(&[1.0]).chains(4).run().unwrap();
    assert_eq!(samples.acceptance(), Some(0.0));
    assert!(samples.positions().iter().all(|x| *x == 1.0));
}
