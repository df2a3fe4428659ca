//! Draws without anything to choose.

use langevin::drift::Counted;
use langevin::ndarray::Array2;
use langevin::posterior::{Outcome, Sampling, Tuned, Verdict, sample};
use langevin::prelude::*;

use crate::agreement::agrees;
use crate::support::{bits, every_instruction_set, fold};
use crate::targets::{Turned, banana, drift, eight_schools, funnel};

fn reference(target: &Turned) -> Vec<[f64; 2]> {
    target.covariance.diag().iter().map(|variance| [1.0, variance.sqrt()]).collect()
}

#[test]
fn a_gaussian_of_condition_ten_thousand() {
    let target = Turned::new(20);
    for seed in 1..3 {
        let outcome = Sampling::new(&target.drift(), 20).seed(seed).run().unwrap();
        agrees(&outcome, &reference(&target));
    }
    let outcome = sample(&target.drift(), 20).unwrap();
    agrees(&outcome, &reference(&target));
    // The warm-up finds the covariance itself.
    let own = outcome.tuned.scale().covariance().expect("a matrix");
    let scale = target.covariance.diag().mapv(f64::sqrt);
    for ((i, j), c) in own.indexed_iter() {
        let off = (c - target.covariance[[i, j]]) / (scale[i] * scale[j]);
        assert!(off.abs() < 1e-6, "{i}, {j}: {off}");
    }
    assert!((outcome.tuned.step() - 0.5).abs() < 1e-3, "{}", outcome.tuned);
}

#[test]
fn a_banana() {
    for seed in 0..3 {
        let outcome = Sampling::new(&banana(), 2).seed(seed).run().unwrap();
        agrees(&outcome, &[[0.0, 1.0], [1.0, 3f64.sqrt()]]);
    }
}

#[test]
fn eight_schools_without_a_centre() {
    // BAOAB with h = 0.1, 20 million draws.
    for seed in 0..3 {
        let outcome = Sampling::new(&eight_schools(), 10).seed(seed).run().unwrap();
        agrees(&outcome, &[[4.390, 3.316], [0.806, 1.170]]);
    }
}

#[test]
fn heavy_tails_and_scales_far_apart() {
    // Student's distribution with 5 degrees of freedom, in units of 30 and 0.03.
    let target = drift(2, |x, out| {
        for (j, scale) in [30.0, 0.03].into_iter().enumerate() {
            let t = x[j] / scale;
            out[j] = -6.0 * t / (5.0 + t * t) / scale;
        }
    });
    let sd = (5f64 / 3.0).sqrt();
    for seed in 1..4 {
        let outcome = Sampling::new(&target, 2).seed(seed).run().unwrap();
        agrees(&outcome, &[[0.0, 30.0 * sd], [0.0, 0.03 * sd]]);
    }
}

#[test]
fn a_funnel_is_not_called_converged() {
    let outcome = Sampling::new(&funnel(), 10).chains(64).steps(200).run().unwrap();
    assert_ne!(outcome.diagnosis.verdict, Verdict::Converged);
    assert!(!outcome.diagnosis.reasons.is_empty());
}

/// The evaluations are those that the drift sees, warm-up and checks included.
#[test]
fn every_evaluation_counts() {
    let target = Counted::new(banana());
    let outcome = Sampling::new(&target, 2).chains(40).steps(64).run().unwrap();
    assert_eq!(outcome.evaluations, target.rows());
    let tuned = Tuned::plain(2, 0.2, 1.0).unwrap();
    let target = Counted::new(banana());
    let run = Sampling::new(&target, 2).chains(20).steps(64).tuned(tuned);
    assert_eq!(run.run().unwrap().evaluations, target.rows());
}

#[test]
fn bits_do_not_depend_on_threads_and_chunks() {
    let target = banana();
    let run = || Sampling::new(&target, 2).chains(40).steps(64).seed(3);
    let whole = run().run().unwrap();
    for (threads, chunk) in [(1, 1), (2, 7), (2, 64)] {
        let other = run().threads(threads).chunk(chunk).run().unwrap();
        assert_eq!(whole.draws, other.draws, "{threads}, {chunk}");
        assert_eq!(whole.tuned, other.tuned);
        assert_eq!(whole.diagnosis, other.diagnosis);
        assert_eq!(whole.evaluations, other.evaluations);
    }
    assert_ne!(whole.draws, Sampling::new(&target, 2).chains(40).seed(4).run().unwrap().draws);
}

#[test]
fn names_and_starts_are_taken() {
    let target = banana();
    let tuned = Tuned::plain(2, 0.2, 1.0).unwrap();
    let start = Array2::from_elem((20, 2), 0.5);
    let run = || Sampling::new(&target, 2).chains(20).steps(64).tuned(tuned.clone());
    let outcome = run().start(start.clone()).names(["height", "width"]).run().unwrap();
    assert!(outcome.summary.get("width").is_some());
    assert_eq!(outcome.draws.dim(), (64, 20, 2));
    assert_eq!(outcome.tuned, tuned);
    let said = |result: Result<Outcome>| result.unwrap_err().to_string();
    let error = said(run().names(["one"]).run());
    assert!(error.contains("names: given shape (1), expected (2)"), "{error}");
    let error = said(run().start(start.slice(langevin::ndarray::s![..3, ..]).to_owned()).run());
    assert!(error.contains("start: given shape (3, 2), expected (20, 2)"), "{error}");
    let error = said(run().chains(3).run());
    assert!(error.contains("chains") && error.contains("from 16"), "{error}");
    assert!(said(Sampling::new(&target, 0).run()).contains("dim"));
    assert!(said(run().steps(3).run()).contains("steps"));
    assert!(Tuned::plain(2, 0.0, 1.0).is_err() && Tuned::plain(2, 0.1, f64::NAN).is_err());
    let error = said(Sampling::new(&drift(1, |_, out| out[0] = f64::NAN), 1).run());
    assert!(error.contains("finite"), "{error}");
}

#[cfg(feature = "serde")]
#[test]
fn what_is_tuned_can_be_stored() {
    use langevin::drift::Scale;
    use langevin::ndarray::array;
    let center = array![0.1, -1.0 / 3.0];
    let covariance = array![[2.0, 0.3], [0.3, 0.7]];
    let scales = [
        Scale::dense(center.view(), covariance.view()).unwrap(),
        Scale::diagonal(center.view(), array![1e-3, 7.0].view()).unwrap(),
    ];
    for scale in scales {
        let tuned = Tuned::new(scale, 0.1, 2.0 / 3.0).unwrap();
        let text = serde_json::to_string(&tuned).unwrap();
        assert_eq!(serde_json::from_str::<Tuned>(&text).unwrap(), tuned, "{text}");
    }
    for bad in [
        r#"{"center":[0.0],"step":0.1,"friction":1.0}"#,
        r#"{"center":[0.0],"scales":[1.0],"step":-0.1,"friction":1.0}"#,
        r#"{"center":[0.0],"factor":[[1.0,2.0]],"step":0.1,"friction":1.0}"#,
    ] {
        assert!(serde_json::from_str::<Tuned>(bad).is_err(), "{bad}");
    }
}

/// A few chains in a mode far from the others are no lost chains: they stay there, and the verdict
/// is that chains are apart.
#[test]
fn a_distant_mode_with_few_chains_is_not_given_up() {
    let target = GaussianMixture::isotropic(
        langevin::ndarray::array![[0.0, 0.0], [400.0, 300.0]].view(),
        1.0,
    );
    let target = target.unwrap();
    for seed in 0..3 {
        let start = Array2::from_shape_fn((64, 2), |(i, j)| {
            let near = if i < 4 { [400.0, 300.0][j] } else { 0.0 };
            near + 0.1 * (i as f64).sin()
        });
        let run = Sampling::new(&target, 2).chains(64).start(start).steps(200).seed(seed);
        let outcome = run.run().unwrap();
        assert_eq!(outcome.diagnosis.verdict, Verdict::NotMixed, "{outcome}");
        let last = outcome.draws.index_axis(langevin::ndarray::Axis(0), outcome.draws.dim().0 - 1);
        assert_eq!(last.column(0).iter().filter(|x| **x > 200.0).count(), 4);
    }
}

/// 0.7 N(0, 1) + 0.3 N(0, 1000²): chains in the wide part hardly move, and are not taken for lost
/// ones. Without them the standard deviation would be 1 in place of 548.
#[test]
fn a_wide_and_flat_part_is_not_given_up() {
    let target = drift(1, |x, out| {
        let narrow = 0.7 * (-0.5 * x[0] * x[0]).exp();
        let wide = 0.3e-3 * (-0.5e-6 * x[0] * x[0]).exp();
        out[0] = -x[0] * (narrow + 1e-6 * wide) / (narrow + wide);
    });
    for seed in 0..3 {
        let start = Array2::from_shape_fn((128, 1), |(i, _)| {
            let place = (((7 * i + 3) % 128) as f64 - 63.5) / 30.0;
            if i % 10 < 3 { 1000.0 * place } else { place }
        });
        let outcome = Sampling::new(&target, 1).start(start).seed(seed).run().unwrap();
        assert_ne!(outcome.diagnosis.verdict, Verdict::Converged, "{outcome}");
        assert!(outcome.summary.parameters[0].sd > 200.0, "{outcome}");
    }
}

/// A tuned run of a target without a transcendental function, as one number.
#[test]
fn tuned_bits_are_pinned() {
    let outcome = Sampling::new(&banana(), 2).chains(40).steps(64).seed(3).run().unwrap();
    // Correlations of 0.9, 0.9 and 0.81: a matrix is chosen.
    let chain = drift(3, |x, out| {
        let along = [x[1] - 0.9 * x[0], x[2] - 0.9 * x[1]];
        out[0] = -x[0] + 0.9 * along[0] / 0.19;
        out[1] = (0.9 * along[1] - along[0]) / 0.19;
        out[2] = -along[1] / 0.19;
    });
    let dense = Sampling::new(&chain, 3).chains(40).steps(64).run().unwrap();
    assert!(dense.tuned.scale().covariance().is_some());
    let settings = [outcome.tuned.step(), outcome.tuned.friction(), dense.tuned.step()];
    let all = outcome.draws.iter().chain(&dense.draws).chain(&settings);
    assert_eq!(fold(bits(all)), 17_981_499_820_488_197_272);
}

#[test]
fn tuned_bits_do_not_depend_on_the_instruction_set() {
    every_instruction_set("sampled::tuned_bits_are_pinned");
}
