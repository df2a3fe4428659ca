//! What may have caused an error whose numbers tell.

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
