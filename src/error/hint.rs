//! What may have caused an error whose numbers tell, and short numbers.

/// A number as it is, or with a power of ten if that would be long.
pub(super) fn short(x: f64) -> String {
    let plain = x == 0.0 || (1e-5..1e15).contains(&x.abs()) || !x.is_finite();
    if plain { x.to_string() } else { format!("{x:e}") }
}

/// What may have made a chain diverge. No chain gets anywhere in a single step that is only a
/// little too large.
pub(super) fn divergence(step: u64) -> &'static str {
    if step == 1 {
        "its drift is not finite where it starts, or the step is far too large; \
         check the target, the start and the precision, or try a smaller step"
    } else {
        "the step is probably too large for this target; try a smaller one"
    }
}

/// Why second moments do not approach a limit.
pub(super) fn instability(growth: f64) -> &'static str {
    if growth > 1.0 + 1e-9 {
        "the step is too large for this curvature"
    } else {
        "that cannot be told from 1 in f64: friction or step are too small, or there is no noise"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_short_and_causes_fit() {
        let texts = [0.1, 2.0, 0.0, -1e200, 1e-18, f64::NAN].map(short);
        assert_eq!(texts, ["0.1", "2", "0", "-1e200", "1e-18", "NaN"]);
        assert!(divergence(2).contains("step is probably too large"));
        assert!(!divergence(1).contains("probably"));
        assert!(instability(2.0).contains("too large"));
        assert!(instability(1.0 - 1e-13).contains("too small"));
    }
}
