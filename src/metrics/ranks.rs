//! Rank normalisation: replaces values by the normal quantiles of their ranks, so that heavy tails
//! do not matter.

use super::normal;

/// z_i = Φ⁻¹((rank_i − 3/8) / (n + 1/4)), with ranks from 1, averaged over ties (Blom's scores;
/// Vehtari et al. 2021, equation 14).
pub(super) fn rank_normalised(values: &[f64]) -> Vec<f64> {
    let count = values.len() as f64;
    let mut order: Vec<(f64, usize)> =
        values.iter().enumerate().map(|(index, value)| (*value, index)).collect();
    order.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
    let mut scores = vec![0.0; values.len()];
    let mut before = 0.0;
    for ties in order.chunk_by(|left, right| left.0 == right.0) {
        let rank = before + (ties.len() as f64 + 1.0) / 2.0;
        before += ties.len() as f64;
        let score = normal::quantile((rank - 0.375) / (count + 0.25));
        for (_, index) in ties {
            scores[*index] = score;
        }
    }
    scores
}

/// |value − median|. The median of an even number of values is the mean of the middle two.
pub(super) fn folded(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let below = sorted.len().saturating_sub(1) / 2;
    let above = sorted.len() / 2;
    let median = match (sorted.get(below), sorted.get(above)) {
        (Some(low), Some(high)) => low / 2.0 + high / 2.0,
        _ => return Vec::new(),
    };
    values.iter().map(|value| (value - median).abs()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_by_hand() {
        // Ranks 4, 1, 2.5, 2.5 of four: (3.625, 0.625, 2.125, 2.125)/4.25.
        let scores = rank_normalised(&[9.0, -1.0, 3.0, 3.0]);
        let expected = [3.625 / 4.25, 0.625 / 4.25, 0.5, 0.5].map(normal::quantile);
        assert_eq!(scores, expected);
        assert_eq!(scores[2], 0.0);
        // Both zeros count as one value.
        let zeros = rank_normalised(&[0.0, -0.0, 1.0]);
        assert_eq!(zeros[0], zeros[1]);
    }

    #[test]
    fn only_the_order_matters() {
        let values = [0.3, -2.0, 5.0, 1.0, 0.9];
        let stretched = values.map(|x: f64| (3.0 * x).exp());
        assert_eq!(rank_normalised(&values), rank_normalised(&stretched));
    }

    #[test]
    fn folding_by_hand() {
        assert_eq!(folded(&[4.0, 1.0, 2.0]), [2.0, 1.0, 0.0]);
        assert_eq!(folded(&[4.0, 1.0, 2.0, 8.0]), [1.0, 2.0, 1.0, 5.0]);
        assert!(folded(&[]).is_empty());
    }
}
