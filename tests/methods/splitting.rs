//! Splitting words on underdamped dynamics: stationary distributions, orders, single steps, and
//! cost.

use std::sync::Mutex;

use langevin::advanced::{Address, Philox, Purpose, Scripted, State, Step, Work};
use langevin::ndarray::{Array2, array, s};
use langevin::prelude::*;
use langevin::probe;

use crate::support::docs;
use crate::support::two_modes;

fn splitting(friction: f64, inverse_mass: f64, word: &str) -> Splitting<Underdamped> {
    Splitting::new(Underdamped::new(friction, inverse_mass).unwrap(), word.parse().unwrap())
}

/// Stationary covariance on the unit harmonic oscillator.
fn stationary(word: &str, h: f64, friction: f64) -> Array2<f64> {
    probe::stationary_covariance(&splitting(friction, 1.0, word), h, 1.0).unwrap().covariance
}

const STEPS: [f64; 3] = [0.5, 1.0, 1.5];
const FRICTIONS: [f64; 3] = [1e-3, 1.0, 50.0];

/// Between two O the words are Verlet steps: B½AB½ conserves (1 − h²/4) x² + v², and A½BA½
/// conserves x² + (1 − h²/4) v². O keeps v of variance 1. So the distribution at O is known, and
/// the letters that remain carry it to the end of the step. The table is that of docs/langevin.md.
#[test]
fn the_words_have_their_stationary_distributions_on_an_oscillator() {
    let table = docs::table("langevin.md", "On a harmonic oscillator of unit frequency");
    assert_eq!(table.len(), 5);
    for row in &table[1..] {
        for h in STEPS {
            let short = 1.0 - h * h / 4.0;
            let value = |cell: &str| match cell {
                "1" => 1.0,
                "1 − h²/4" => short,
                "1/(1 − h²/4)" => 1.0 / short,
                other => panic!("{other}"),
            };
            let [word, position, velocity] = [&row[0], &row[1], &row[2]];
            for friction in FRICTIONS {
                // The probe's equation is conditioned like 1/(1 − contraction), 1e3 at the smallest
                // friction.
                let tolerance = 1e-13 * if friction < 0.1 { 10.0 } else { 1.0 };
                let found = stationary(word, h, friction);
                let name = format!("{word} {h} {friction}: {found:?}");
                assert!((found[[0, 0]] / value(position) - 1.0).abs() < tolerance, "{name}");
                assert!((found[[1, 1]] / value(velocity) - 1.0).abs() < tolerance, "{name}");
                assert!(found[[0, 1]].abs() < tolerance, "{name}");
            }
        }
    }
}

/// The position variance of BAOAB is exact to 1e-13, and its velocity variance is 1 − h²/4.
#[test]
fn positions_of_baoab_are_exact() {
    for h in STEPS {
        for friction in FRICTIONS {
            let found = stationary("BAOAB", h, friction);
            let position = found[[0, 0]] - 1.0;
            assert!(position.abs() < 1e-13, "{h} {friction}: {position:e}");
            let velocity = found[[1, 1]] - (1.0 - h * h / 4.0);
            assert!(velocity.abs() < 1e-13, "{h} {friction}: {velocity:e}");
        }
    }
}

/// The error of the stationary variances falls by four with every halving for palindromes. The
/// covariance of BAO falls by two.
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
    let ratio = cross(0.05) / cross(0.025);
    assert!((ratio - 2.0).abs() < 0.1, "{ratio}");
}

/// One step of several words by hand, with a kick that is not linear.
#[test]
fn a_step_takes_the_letters_in_order() {
    let [friction, u, h] = [0.7, 1.3, 0.4];
    let force = |x: f64| x.sin() - 0.3 * x * x;
    let drift = PerRow::new(1, move |_, x: &[f64], out: &mut [f64]| out[0] = force(x[0]));
    for word in ["BAOAB", "OBABO", "ABOBA", "AOOBABO", "OBA", "BBA"] {
        let z = [0.8, -1.1, 0.4];
        let mut noise = Scripted::new();
        for (i, z) in z.iter().enumerate() {
            noise.normal(Address::new(0, Purpose::Increment, i as u32), 0, 0, *z);
        }
        let found = one_step(&splitting(friction, u, word), &drift, &noise, h);
        let [mut x, mut v] = [0.6f64, -0.2];
        let mut draw = 0;
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
        assert!((found[[0, 0]] - x).abs() < 1e-14, "{word}: {} {x}", found[[0, 0]]);
        assert!((found[[0, 1]] - v).abs() < 1e-14, "{word}: {} {v}", found[[0, 1]]);
    }
}

/// The state after one step from x = 0.6, v = −0.2.
fn one_step(
    sampler: &Splitting<Underdamped>,
    drift: &dyn Drift<f64>,
    noise: &Scripted,
    h: f64,
) -> Array2<f64> {
    let start = array![[0.6, -0.2]];
    let mut state = State::new(start.view(), 1, sampler.layout(), 0, noise).unwrap();
    let mut work = Work::new();
    let interval = TimeGrid::uniform(h, 1).unwrap().interval(0);
    sampler.step(&mut Step::new(interval, drift, noise, &mut state, &mut work)).unwrap();
    state.view().to_owned()
}

/// A state whose positions are moved between two steps gets the force of the new positions
/// (Molly#203 kept the old one).
#[test]
fn an_edited_state_gets_a_fresh_force() {
    let target = GaussianMixture::isotropic(array![[-1.0], [1.0]].view(), 0.8).unwrap();
    let sampler = splitting(1.0, 1.0, "BAOAB");
    let noise = Philox::new(3);
    let grid = TimeGrid::uniform(0.3, 2).unwrap();
    let step = |i: usize, state: &mut State<f64>, work: &mut Work<f64>| {
        sampler.step(&mut Step::new(grid.interval(i), &target, &noise, state, work)).unwrap();
    };
    let mut work = Work::new();
    let start = array![[0.5, 0.1]];
    let mut state = State::new(start.view(), 1, sampler.layout(), 0, &noise).unwrap();
    step(0, &mut state, &mut work);
    let moved = array![[2.0, -0.4]];
    state.view_mut().slice_mut(s![.., ..2]).assign(&moved);
    step(1, &mut state, &mut work);
    let mut fresh = State::new(moved.view(), 1, sampler.layout(), 0, &noise).unwrap();
    step(1, &mut fresh, &mut Work::new());
    assert_eq!(state.view(), fresh.view());
}

/// The times at which the drift is evaluated: the start for a first B, the end for a last one.
#[test]
fn a_drift_is_evaluated_at_the_time_reached() {
    let seen = Mutex::new(Vec::new());
    let drift = Batched::any(|times: Times<'_>, x, mut out| {
        seen.lock().unwrap().push(times.at(0));
        out.zip_mut_with(&x, |b, x: &f64| *b = -x);
        Ok(())
    });
    let grid = TimeGrid::between(0.1, 0.9, 4).unwrap();
    let times = |word: &str| {
        seen.lock().unwrap().clear();
        let run = Run::new(splitting(1.0, 1.0, word), &drift, grid.clone());
        run.start_at(&[1.0]).threads(1).run().unwrap();
        seen.lock().unwrap().clone()
    };
    let knots: Vec<f64> = (0..=4).map(|i| grid.time(i)).collect();
    assert_eq!(knots[4], 0.9);
    assert_eq!(times("BAOAB"), knots);
    assert_eq!(times("BAO"), knots[..4]);
    let middles = times("ABOBA");
    assert_eq!(middles.len(), 4);
    for (middle, start) in middles.iter().zip(&knots) {
        assert!((middle - start - 0.1).abs() < 1e-15);
    }
}

/// One evaluation per step and one more for the first position, also with observers. Naive words
/// pay for every B.
#[test]
fn words_evaluate_once_where_they_can() {
    let target = two_modes();
    let dynamics = Underdamped::new(1.0, 1.0).unwrap();
    let run = |sampler: &Splitting<Underdamped>| {
        let mut looks = Trace::<f64>::new(Every::new(3).unwrap());
        let grid = TimeGrid::uniform(0.1, 20).unwrap();
        let run = Run::new(sampler, &target, grid).chains(70).chunk(16);
        let samples = run.observe(&mut looks).run().unwrap();
        (samples.evaluations_per_chain(), sampler.evaluations_per_step())
    };
    for (word, first, per_step) in [
        ("BAOAB", 1.0, 1.0),
        ("OBABO", 1.0, 1.0),
        ("ABOBA", 0.0, 1.0),
        ("BAO", 0.0, 1.0),
        ("OBA", 0.0, 1.0),
        ("BAOABAOAB", 1.0, 2.0),
        ("ABABA", 0.0, 2.0),
    ] {
        let sampler = Splitting::new(dynamics, word.parse().unwrap());
        assert_eq!(run(&sampler), (20.0 * per_step + first, per_step), "{word}");
        let naive = Splitting::naive(dynamics, word.parse().unwrap());
        let letters = word.matches('B').count() as f64;
        assert_eq!(run(&naive), (20.0 * letters, letters), "naive {word}");
    }
}

#[test]
fn bad_words_are_named() {
    let message = |word: &str| word.parse::<Word>().unwrap_err().to_string();
    assert!(message("BAXAB").contains("letter 3 is `X`"));
    assert!(message("OAO").contains("expected at least one B"));
    assert!(message("BOB").contains("expected at least one A"));
    assert!(message(&"AB".repeat(33)).contains("expected at most 64"));
    // Without O there is no noise, and nothing stationary to find.
    let error = probe::stationary_covariance(&splitting(1.0, 1.0, "BAB"), 0.1, 1.0).unwrap_err();
    assert!(matches!(error, Error::Unstable { .. }), "{error}");
}
