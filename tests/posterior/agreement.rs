//! Whether a run has converged to known means and standard deviations.

use langevin::posterior::{Outcome, Verdict};

/// Means within 0.05 standard deviations, and standard deviations within 5 %. A converged run knows
/// both to 0.02, so that a fresh seed misses the bar for one number with a probability of at most
/// 0.012. Where errors are near 0.01, here all but those of heavy tails, it is 6e-7.
pub fn agrees(outcome: &Outcome, reference: &[[f64; 2]]) {
    assert_eq!(outcome.diagnosis.verdict, Verdict::Converged, "{outcome}");
    for (parameter, [mean, sd]) in outcome.summary.parameters.iter().zip(reference) {
        let off = (parameter.mean - mean) / sd;
        assert!(off.abs() < 0.05, "{}: mean {} for {mean}", parameter.name, parameter.mean);
        let ratio = parameter.sd / sd;
        assert!((ratio - 1.0).abs() < 0.05, "{}: sd {} for {sd}", parameter.name, parameter.sd);
    }
}
