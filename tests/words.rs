//! Splitting words on underdamped dynamics, and MALA: exact stationary laws, orders, detailed
//! balance, acceptance.

use std::sync::Mutex;

use langevin::ndarray::{Array2, ArrayView2, ArrayViewMut2, array};
use langevin::*;

/// Stationary covariance on the unit harmonic oscillator.
fn stationary(word: &str, h: f64, friction: f64) -> Array2<f64> {
    let sampler = Splitting::new(Underdamped::new(friction, 1.0).unwrap(), word.parse().unwrap());
    probe::stationary_covariance(&sampler, h, 1.0).unwrap().covariance
}

const STEPS: [f64; 3] = [0.5, 1.0, 1.5];
const FRICTIONS: [f64; 3] = [1e-3, 1.0, 50.0];

/// Between two O the words are Verlet steps: B½AB½ conserves (1 − h²/4) x² + v², A½BA½ x² + (1 −
/// h²/4) v², and O keeps v of variance 1, so the law at O is known, and the letters that remain
/// carry it to the end of the step.
#[test]
fn the_words_have_their_stationary_laws_on_an_oscillator() {
    for h in STEPS {
        for friction in FRICTIONS {
            let short = 1.0 - h * h / 4.0;
            // The probe's equation is conditioned like 1/(1 − contraction), 1e3 at the smallest
            // friction.
            let tolerance = 1e-13 * if friction < 0.1 { 10.0 } else { 1.0 };
            for (word, position, velocity) in [
                ("BAOAB", 1.0, short),
                ("OBABO", 1.0 / short, 1.0),
                ("ABOBA", 1.0, 1.0 / short),
                ("OABAO", short, 1.0),
            ] {
                let found = stationary(word, h, friction);
                let (x, v) = (found[[0, 0]], found[[1, 1]]);
                println!(
                    "{word} h = {h}, friction {friction}: {:+.1e} {:+.1e}",
                    x - position,
                    v - velocity
                );
                assert!(
                    (x / position - 1.0).abs() < tolerance,
                    "{word} {h} {friction}: {x} {position}"
                );
                assert!(
                    (v / velocity - 1.0).abs() < tolerance,
                    "{word} {h} {friction}: {v} {velocity}"
                );
                assert!(found[[0, 1]].abs() < tolerance, "{word} {h} {friction}");
            }
        }
    }
}

/// The bar itself: the position variance of BAOAB is exact to 1e-13.
#[test]
fn positions_of_baoab_are_exact() {
    for h in STEPS {
        for friction in FRICTIONS {
            let found = stationary("BAOAB", h, friction);
            assert!(
                (found[[0, 0]] - 1.0).abs() < 1e-13,
                "{h} {friction}: {:e}",
                found[[0, 0]] - 1.0
            );
            assert!(
                (found[[1, 1]] - (1.0 - h * h / 4.0)).abs() < 1e-13,
                "{h} {friction}: {:e}",
                found[[1, 1]]
            );
        }
    }
}

/// Errors of the stationary variances fall by four with every halving for palindromes, by two for
/// BAO.
#[test]
fn orders_by_halving() {
    let excess = |word: &str, h: f64| {
        let found = stationary(word, h, 1.0);
        (found[[0, 0]] - 1.0).abs().max((found[[1, 1]] - 1.0).abs())
    };
    for (word, factor) in
        [("BAOAB", 4.0), ("OBABO", 4.0), ("ABOBA", 4.0), ("BOAOB", 4.0), ("BAOABAOAB", 4.0)]
    {
        for h in [0.2, 0.1, 0.05] {
            let ratio = excess(word, h) / excess(word, h / 2.0);
            assert!((ratio / factor - 1.0).abs() < 0.03, "{word} at {h}: {ratio}");
        }
    }
    // One full kick and one full drift: a conjugate of the palindrome whose covariance is off in
    // first order.
    let cross = |h: f64| stationary("BAO", h, 1.0)[[0, 1]].abs();
    assert!((cross(0.05) / cross(0.025) - 2.0).abs() < 0.1, "{}", cross(0.05) / cross(0.025));
}

/// One step of BAOAB and of a longer word, by hand, with a kick that is not linear.
#[test]
fn a_step_is_what_the_word_says() {
    let (friction, u, h) = (0.7, 1.3, 0.4);
    let force = |x: f64| x.sin() - 0.3 * x * x;
    let drift = PerRow::new(1, move |_, x: &[f64], out: &mut [f64]| out[0] = force(x[0]));
    for word in ["BAOAB", "OBABO", "ABOBA", "AOOBABO", "OBA", "BBA"] {
        let sampler = Splitting::new(Underdamped::new(friction, u).unwrap(), word.parse().unwrap());
        let z = [0.8, -1.1, 0.4];
        let mut noise = Scripted::new();
        for (i, z) in z.iter().enumerate() {
            noise.normal(Draw::new(0, Purpose::Increment, i as u32), 0, 0, *z);
        }
        let layout = Sampler::<f64>::layout(&sampler);
        let mut state = State::new(array![[0.6, -0.2]].view(), 1, layout, 0, &noise).unwrap();
        let step = TimeGrid::uniform(h, 1).unwrap().step(0);
        sampler.step(step, &drift, &noise, &mut state, &mut Work::new()).unwrap();
        let (mut x, mut v, mut draw) = (0.6f64, -0.2f64, 0);
        for letter in word.chars() {
            let h = h / word.matches(letter).count() as f64;
            match letter {
                'A' => x += h * v,
                'B' => v += h * u * force(x),
                _ => {
                    let c = (-friction * h).exp();
                    v = c * v + (u * (1.0 - c * c)).sqrt() * z[draw];
                    draw += 1;
                }
            }
        }
        assert!((state.view()[[0, 0]] - x).abs() < 1e-14, "{word}: {} {x}", state.view()[[0, 0]]);
        assert!((state.view()[[0, 1]] - v).abs() < 1e-14, "{word}: {} {v}", state.view()[[0, 1]]);
    }
}

/// Whoever moves the positions between two steps gets the force of the new ones (Molly#203 kept the
/// old).
#[test]
fn an_edited_state_gets_a_fresh_force() {
    let target = GaussianMixture::isotropic(array![[-1.0], [1.0]].view(), 0.8).unwrap();
    let sampler = Splitting::new(Underdamped::new(1.0, 1.0).unwrap(), "BAOAB".parse().unwrap());
    let (noise, grid) = (Philox::new(3), TimeGrid::uniform(0.3, 2).unwrap());
    let layout = Sampler::<f64>::layout(&sampler);
    let mut work = Work::new();
    let mut state = State::new(array![[0.5, 0.1]].view(), 1, layout, 0, &noise).unwrap();
    sampler.step(grid.step(0), &target, &noise, &mut state, &mut work).unwrap();
    let moved = array![[2.0, -0.4]];
    state.view_mut().slice_mut(langevin::ndarray::s![.., ..2]).assign(&moved);
    sampler.step(grid.step(1), &target, &noise, &mut state, &mut work).unwrap();
    let mut fresh = State::new(moved.view(), 1, layout, 0, &noise).unwrap();
    sampler.step(grid.step(1), &target, &noise, &mut fresh, &mut Work::new()).unwrap();
    assert_eq!(state.view(), fresh.view());
}

/// Times at which the drift is asked: the start for a first B, the end for a last one.
#[test]
fn a_drift_is_asked_at_the_time_reached() {
    let seen = Mutex::new(Vec::new());
    let drift = |times: Times<'_>,
                 x: ArrayView2<'_, f64>,
                 mut out: ArrayViewMut2<'_, f64>|
     -> Result<(), BoxError> {
        seen.lock().unwrap().push(times.at(0));
        out.assign(&(-&x));
        Ok(())
    };
    let times = |word: &str| {
        seen.lock().unwrap().clear();
        let sampler = Splitting::new(Underdamped::new(1.0, 1.0).unwrap(), word.parse().unwrap());
        let grid = TimeGrid::between(0.1, 0.9, 4).unwrap();
        Run::new(&sampler, &drift, grid).start_at(&[1.0]).threads(1).run().unwrap();
        seen.lock().unwrap().clone()
    };
    let knots: Vec<f64> = TimeGrid::between(0.1, 0.9, 4)
        .unwrap()
        .iter()
        .map(|step| step.start)
        .chain([0.9])
        .collect();
    assert_eq!(times("BAOAB"), knots);
    assert_eq!(times("BAO"), knots[..4]);
    let middles = times("ABOBA");
    assert_eq!(middles.len(), 4);
    for (middle, start) in middles.iter().zip(&knots) {
        assert!((middle - start - 0.1).abs() < 1e-15);
    }
}

/// π(x) q(x → y) α(x, y) = π(y) q(y → x) α(y, x) holds for α = min(1, π(y) q(y → x)/(π(x) q(x →
/// y))), and at 1000 pairs, both ways, the step itself accepts a coin below that α and refuses one
/// above, each by 1e-12 of it.
#[test]
fn mala_is_in_detailed_balance() {
    let covariances = array![
        [[1.0, 0.4, 0.0], [0.4, 0.8, 0.1], [0.0, 0.1, 0.5]],
        [[0.5, 0.0, 0.2], [0.0, 1.5, 0.0], [0.2, 0.0, 0.9]]
    ];
    let means = array![[0.0, 1.0, -1.0], [2.0, -1.0, 0.5]];
    let target = GaussianMixture::full(means.view(), covariances.view()).unwrap();
    let points = target.sample(2000, 5).unwrap() * 1.3;
    let mut score = Array2::<f64>::zeros(points.dim());
    target.eval(Times::Shared(0.0), points.view(), score.view_mut()).unwrap();
    let log_density = target.log_density(points.view()).unwrap();
    let mut refused = 0;
    for pair in 0..1000 {
        let h = [0.05, 0.3, 1.5][pair % 3];
        let (a, b) = (2 * pair, 2 * pair + 1);
        // log π(x) q(x → y), but for the constant of q, by the definition of the proposal.
        let flow = |x: usize, y: usize| {
            let away = &points.row(y) - &points.row(x) - &(&score.row(x) * h);
            log_density[x] - away.dot(&away) / (4.0 * h)
        };
        let (forth, back) = (flow(a, b), flow(b, a));
        let alpha = |from: f64, to: f64| (to - from).exp().min(1.0);
        for (x, y, alpha) in [(a, b, alpha(forth, back)), (b, a, alpha(back, forth))] {
            // Normals that propose exactly y, and a coin just below or above α.
            let step = TimeGrid::uniform(h, 1).unwrap().step(0);
            let away = (&points.row(y) - &points.row(x) - &(&score.row(x) * h)) / (2.0 * h).sqrt();
            // log α is a sum of numbers as large as these, each with a last digit.
            let scale = 1.0 + 1e-3 * (forth.abs() + back.abs());
            for (coin, accepts) in
                [(alpha * (1.0 - 1e-12 * scale), true), (alpha * (1.0 + 1e-12 * scale), false)]
            {
                if !(coin > 1e-300 && coin < 1.0) {
                    continue;
                }
                let mut noise = Scripted::new();
                (0..3)
                    .for_each(|j| noise.normal(Draw::new(0, Purpose::Increment, 0), 0, j, away[j]));
                noise.uniform(Draw::new(0, Purpose::Accept, 0), 0, coin);
                let start = points.row(x).insert_axis(langevin::ndarray::Axis(0)).to_owned();
                let layout = Sampler::<f64>::layout(&Mala::new());
                let mut state = State::new(start.view(), 3, layout, 0, &noise).unwrap();
                let info =
                    Mala::new().step(step, &target, &noise, &mut state, &mut Work::new()).unwrap();
                assert_eq!(
                    (info.proposed, info.accepted),
                    (1, u64::from(accepts)),
                    "{pair}: α = {alpha}"
                );
                let end = if accepts { y } else { x };
                assert!(
                    (&state.positions().row(0) - &points.row(end)).iter().all(|d| d.abs() < 1e-12)
                );
                // What is carried is the drift where the chain now is: refused moves leave the old
                // one.
                let carried = state.view().slice(langevin::ndarray::s![0, 3..]).to_owned();
                assert!((&carried - &score.row(end)).iter().all(|d| d.abs() < 1e-9), "{pair}");
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
        let samples =
            Run::new(&Mala::new(), &target, grid.clone()).chains(20_000).seed(seed).run().unwrap();
        let acceptance = samples.acceptance().unwrap();
        let found = metrics::moments(samples.positions()).unwrap();
        println!(
            "acceptance {acceptance:.3}, variances {:.3} {:.3}",
            found.covariance[[0, 0]],
            found.covariance[[1, 1]]
        );
        assert!((0.3..0.8).contains(&acceptance), "{acceptance}");
        assert_eq!(samples.proposed, 60 * 20_000);
        for j in 0..2 {
            assert!((found.covariance[[j, j]] - 1.0).abs() < 0.06, "{:?}", found.covariance);
        }
    }
}

#[test]
fn mala_names_what_it_needs_and_hides_nothing() {
    let score = |_: Times<'_>,
                 x: ArrayView2<'_, f64>,
                 mut out: ArrayViewMut2<'_, f64>|
     -> Result<(), BoxError> {
        out.assign(&(-&x));
        Ok(())
    };
    let grid = TimeGrid::uniform(0.1, 3).unwrap();
    let error = Run::new(&Mala::new(), &score, grid.clone())
        .start_at(&[1.0])
        .run()
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("mala needs the log density of the target"), "{error}");
    // Outside the support a move is refused; NaN stops the run.
    let half = |x: ArrayView2<'_, f64>, out: &mut [f64]| -> Result<(), BoxError> {
        out.iter_mut().zip(x.rows()).for_each(|(l, x)| {
            *l = if x[0] > 0.0 { -0.5 * x[0] * x[0] } else { f64::NEG_INFINITY }
        });
        Ok(())
    };
    let target = WithDensity::new(score, half);
    let samples = Run::new(&Mala::new(), &target, TimeGrid::uniform(0.5, 100).unwrap())
        .start_at(&[1.0])
        .chains(200)
        .run()
        .unwrap();
    assert!(samples.positions().iter().all(|x| *x > 0.0));
    // A start outside waits for a proposal inside; it is no failure.
    let outside = Run::new(&Mala::new(), &target, TimeGrid::uniform(0.5, 100).unwrap())
        .start_at(&[-1.0])
        .chains(50)
        .run()
        .unwrap();
    assert!(outside.positions().iter().all(|x| *x > 0.0), "{:?}", outside.positions());
    let bad = |_: ArrayView2<'_, f64>, out: &mut [f64]| -> Result<(), BoxError> {
        out.fill(f64::NAN);
        Ok(())
    };
    let target = WithDensity::new(score, bad);
    let error = Run::new(&Mala::new(), &target, grid).start_at(&[1.0]).run().unwrap_err();
    assert!(matches!(error, Error::Diverged { chain: 0, step: 1, .. }), "{error}");
    assert!(probe::stationary_covariance(&Mala::new(), 0.1, 1.0).is_err());
}
