//! Rank normalisation: replaces values by the normal quantiles of their ranks, so that heavy tails
//! do not matter.

use super::normal;

/// The normal scores of ranks 1, 2, …, n. One table serves all coordinates of a trace.
pub(super) struct Scores(Vec<f64>);

impl Scores {
    pub(super) fn new(count: usize) -> Self {
        Self((1..=count).map(|rank| score(rank as f64, count as f64)).collect())
    }

    /// The score of the ranks of `ties` values, with `before` smaller values.
    fn of(&self, before: usize, ties: usize) -> f64 {
        if ties == 1 {
            return self.0[before];
        }
        score(before as f64 + (ties as f64 + 1.0) / 2.0, self.0.len() as f64)
    }
}

/// Φ⁻¹((rank − 3/8) / (n + 1/4)) (Blom's scores; Vehtari et al. 2021, equation 14).
fn score(rank: f64, count: f64) -> f64 {
    normal::quantile((rank - 0.375) / (count + 0.25))
}

/// Values in increasing order, each with its place before. A statistic of ranks needs no other
/// order: this is sorted once.
pub(super) struct Ranked(Vec<(f64, usize)>);

impl Ranked {
    /// In the order of [`f64::total_cmp`].
    pub(super) fn new(values: impl Iterator<Item = f64>) -> Self {
        // Whole numbers in the same order as the floating-point ones: they are compared faster.
        const SIGN: u64 = 1 << 63;
        let key = |value: f64| match value.to_bits() {
            bits if bits & SIGN == 0 => bits | SIGN,
            bits => !bits,
        };
        let value = |key: u64| f64::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN });
        let mut keys: Vec<(u64, usize)> =
            values.enumerate().map(|(place, value)| (key(value), place)).collect();
        keys.sort_unstable_by_key(|(key, _)| *key);
        Self(keys.into_iter().map(|(key, place)| (value(key), place)).collect())
    }

    /// Of the values that `place` gives another place, in the same order.
    pub(super) fn moved(&self, place: impl Fn(usize) -> Option<usize>) -> Self {
        let moved = self.0.iter().filter_map(|(value, from)| Some((*value, place(*from)?)));
        Self(moved.collect())
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The value with this many values before it.
    pub(super) fn value(&self, before: usize) -> f64 {
        self.0[before].0
    }

    /// The normal scores of the ranks, at the places of the values. Ties share their mean rank.
    pub(super) fn normalised(&self, scores: &Scores) -> Vec<f64> {
        let mut out = vec![0.0; self.0.len()];
        let mut before = 0;
        for ties in self.0.chunk_by(|left, right| left.0 == right.0) {
            let score = scores.of(before, ties.len());
            before += ties.len();
            for (_, place) in ties {
                out[*place] = score;
            }
        }
        out
    }

    /// Of |value − median|. The median of an even number of values is the mean of the middle two.
    ///
    /// Distances grow on both sides of the median, so two sorted lists are merged.
    pub(super) fn folded(&self) -> Self {
        let count = self.0.len();
        if count == 0 {
            return Self(Vec::new());
        }
        let median = self.value((count - 1) / 2) / 2.0 + self.value(count / 2) / 2.0;
        let away = |(value, place): &(f64, usize)| ((value - median).abs(), *place);
        let below = self.0.partition_point(|(value, _)| *value < median);
        let mut low = below;
        let mut high = below;
        let mut merged = Vec::with_capacity(count);
        while low > 0 && high < count {
            // Without a branch that depends on the draws: no processor would guess it.
            let left = away(&self.0[low - 1]);
            let right = away(&self.0[high]);
            let nearer = left.0 < right.0;
            merged.push(if nearer { left } else { right });
            low -= usize::from(nearer);
            high += usize::from(!nearer);
        }
        merged.extend(self.0[..low].iter().rev().map(away));
        merged.extend(self.0[high..].iter().map(away));
        Self(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank_normalised(values: &[f64]) -> Vec<f64> {
        Ranked::new(values.iter().copied()).normalised(&Scores::new(values.len()))
    }

    /// The distances at the places of the values, and in their order.
    fn folded(values: &[f64]) -> [Vec<f64>; 2] {
        let ranked = Ranked::new(values.iter().copied()).folded();
        let mut out = vec![f64::NAN; values.len()];
        ranked.0.iter().for_each(|(value, place)| out[*place] = *value);
        [out, ranked.0.iter().map(|(value, _)| *value).collect()]
    }

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
        assert_eq!(folded(&[4.0, 1.0, 2.0]), [[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]]);
        let four = [vec![1.0, 2.0, 1.0, 5.0], vec![1.0, 1.0, 2.0, 5.0]];
        assert_eq!(folded(&[4.0, 1.0, 2.0, 8.0]), four);
        assert!(folded(&[])[0].is_empty());
    }

    #[test]
    fn the_order_is_that_of_all_numbers() {
        let values = [0.0, f64::MAX, -0.0, -1.5, f64::MIN_POSITIVE, -5e-324, f64::MIN, 1.5];
        let mut sorted = values;
        sorted.sort_by(f64::total_cmp);
        let ranked = Ranked::new(values.into_iter());
        for (k, expected) in sorted.into_iter().enumerate() {
            assert_eq!(ranked.value(k).to_bits(), expected.to_bits());
            assert_eq!(values[ranked.0[k].1].to_bits(), expected.to_bits());
        }
        // Without the negative ones, at places in reverse.
        let moved = ranked.moved(|place| (values[place] > 0.0).then(|| 7 - place));
        assert_eq!(moved.0, [(f64::MIN_POSITIVE, 3), (1.5, 0), (f64::MAX, 6)]);
    }
}
