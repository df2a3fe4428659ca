//! Verdicts on runs with a step and a friction given by hand.

use langevin::posterior::{Outcome, Sampling, Tuned, Verdict};
use langevin::prelude::*;

use crate::targets::{drift, eight_schools};

fn by_hand(
    target: &impl Drift<f64>,
    dim: usize,
    step: f64,
    friction: f64,
) -> Sampling<'_, impl Drift<f64>> {
    Sampling::new(target, dim).tuned(Tuned::plain(dim, step, friction).unwrap())
}

/// Runs of eight schools with steps that are too long have a mean of tau of 2.53 in place of 3.60,
/// R-hat 1.00, and thousands of draws. None of them passes.
#[test]
fn the_trap_of_eight_schools_is_seen() {
    // Means and standard deviations of mu and log tau: BAOAB with h = 0.1, 20 million draws.
    const REFERENCE: [[f64; 2]; 2] = [[4.390, 3.316], [0.806, 1.170]];
    let target = eight_schools();
    let mut passed = 0;
    for friction in [0.5, 1.0] {
        for (step, seed) in [(0.1, 0), (0.2, 1), (0.5, 2), (0.7, 3), (0.9, 4), (1.2, 5)] {
            let run = by_hand(&target, 10, step, friction).steps((500.0 / step) as usize);
            let outcome = run.seed(seed).run().unwrap();
            let parameters = &outcome.summary.parameters;
            let worst = parameters.iter().zip(REFERENCE).map(|(own, [mean, sd])| {
                ((own.mean - mean) / sd).abs().max((own.sd / sd - 1.0).abs())
            });
            let worst = worst.fold(0.0, f64::max);
            let verdict = outcome.diagnosis.verdict;
            assert!(worst < 0.1 || verdict != Verdict::Converged, "{step}: {worst} {verdict}");
            if step <= 0.2 {
                assert_ne!(verdict, Verdict::Biased, "{step}: {}", outcome.diagnosis);
                passed += usize::from(verdict == Verdict::Converged);
            }
        }
    }
    assert!(passed >= 2, "{passed} of 4 runs with short steps have converged");
}

/// The density exp(x − exp x), of log x for an exponential x: mean −0.577 and variance π²/6.
fn gumbel(step: f64, seed: u64) -> Outcome {
    let target = drift(1, |x, out| out[0] = 1.0 - x[0].exp());
    by_hand(&target, 1, step, 1.0).chains(512).steps(4000).seed(seed).run().unwrap()
}

/// The bias that halving the step shows is the bias that there is. Three seeds; a difference above
/// 5 standard errors of both has a probability below 1e-5 for all.
#[test]
fn the_bias_is_measured() {
    for seed in 0..3 {
        let outcome = gumbel(1.0, seed);
        let check = &outcome.diagnosis.checks[0];
        let parameter = &outcome.summary.parameters[0];
        let sd = std::f64::consts::PI / 6f64.sqrt();
        let bias = (parameter.mean + 0.577_215_664_901_532_9) / sd;
        let error = check.mean_bias.error + parameter.mcse_mean / sd;
        let own = check.mean_bias.value;
        // The rule is of second order. What is left is of fourth.
        assert!((own - bias).abs() < 5.0 * error + 0.25 * bias.abs(), "{own} {bias} {error}");
        assert!(bias.abs() > 0.04, "{bias}");
    }
}

/// Of 60 runs without a bias at most 3 are called biased: with a probability of 0.005 each, more
/// would have a probability of 3e-4.
#[test]
fn runs_without_a_bias_are_not_called_biased() {
    let target = drift(2, |x, out| {
        out[0] = -x[0];
        out[1] = -x[1] / 4.0;
    });
    let runs = (0..60)
        .map(|seed| by_hand(&target, 2, 0.5, 1.0).chains(64).steps(400).seed(seed).run().unwrap());
    let biased = runs.filter(|run| run.diagnosis.verdict == Verdict::Biased).count();
    assert!(biased <= 3, "{biased}");
}

/// Wells that no chain leaves: every chain keeps its side.
#[test]
fn chains_that_do_not_mix_are_seen() {
    let target = drift(1, |x, out| out[0] = -40.0 * x[0] * (x[0] * x[0] - 1.0));
    for seed in 0..3 {
        let outcome = by_hand(&target, 1, 0.05, 1.0).steps(800).seed(seed).run().unwrap();
        assert_eq!(outcome.diagnosis.verdict, Verdict::NotMixed);
        let text = outcome.to_string();
        assert!(text.contains("not mixed: run longer") && text.contains("R-hat"), "{text}");
    }
}
