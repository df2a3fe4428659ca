//! The probabilities with which the sub-steps of a Poisson midpoint step are selected, and what a
//! uniform number selects.

use super::selection::Odds;
use crate::math::simd::{Kernel, dispatch};

/// The part of importance odds that is spread evenly, so that no sub-step is too rare.
pub(crate) const EVEN: f64 = 0.1;

/// The probability qᵢ of every sub-step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares {
    substeps: usize,
    kind: Kind,
    /// Unequal shares: qᵢ.
    own: Vec<f64>,
    /// Unequal shares: q₀ + … + qᵢ, added in order.
    sums: Vec<f64>,
    /// (1 − q₀) … (1 − qᵢ), the probability of tails up to i. It comes from repeated
    /// multiplication, so every machine has the same ones.
    survival: Vec<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Kind {
    #[default]
    Equal,
    Unequal,
    /// This sub-step always. It is the only one with a weight.
    Certain(usize),
}

impl Shares {
    /// The probabilities of sub-steps with these weights, of this size, when the drift has moved so
    /// far. If only the last of them has an effect, and it has a drift of its own, it is selected
    /// always: coins would only add noise. That is so in a step that ends in the data, if the data
    /// are held fixed.
    pub(crate) fn assign<W>(
        &mut self,
        odds: Odds,
        weights: &[W],
        size: impl Fn(&W) -> f64,
        moved: impl Fn(usize) -> f64,
    ) {
        let last = weights.len() - 1;
        let acts = |w: &W| size(w) != 0.0;
        if last > 0 && acts(&weights[last]) && !weights[..last].iter().any(acts) {
            return self.make_certain(weights.len(), last);
        }
        match odds {
            Odds::Uniform => self.make_equal(weights.len()),
            Odds::Importance => {
                let importance = |(i, w): (usize, &W)| size(w) * moved(i).abs();
                self.make_weighted(weights.iter().enumerate().map(importance));
            }
        }
    }

    /// All sub-steps alike.
    pub(crate) fn make_equal(&mut self, substeps: usize) {
        if self.kind == Kind::Equal && self.substeps == substeps {
            return;
        }
        self.kind = Kind::Equal;
        self.substeps = substeps;
        let tails = 1.0 - 1.0 / substeps as f64;
        fill_survival(&mut self.survival, (0..substeps).map(|_| tails));
    }

    /// One sub-step always.
    pub(crate) fn make_certain(&mut self, substeps: usize, substep: usize) {
        self.kind = Kind::Certain(substep);
        self.substeps = substeps;
    }

    /// Each sub-step by its importance. Without a finite positive sum they are all alike.
    pub(crate) fn make_weighted(&mut self, importances: impl ExactSizeIterator<Item = f64>) {
        let substeps = importances.len();
        self.own.clear();
        self.own.extend(importances);
        let sum = self.own.iter().sum::<f64>();
        if !(sum > 0.0 && sum.is_finite()) {
            return self.make_equal(substeps);
        }
        self.kind = Kind::Unequal;
        self.substeps = substeps;
        let even = EVEN / substeps as f64;
        self.own.iter_mut().for_each(|u| *u = even + (1.0 - EVEN) * *u / sum);
        self.sums.clear();
        let mut before = 0.0;
        self.sums.extend(self.own.iter().map(|q| {
            before += q;
            before
        }));
        fill_survival(&mut self.survival, self.own.iter().map(|q| 1.0 - q));
    }

    /// K.
    pub(crate) fn substeps(&self) -> usize {
        self.substeps
    }

    /// qᵢ.
    pub(crate) fn share(&self, substep: usize) -> f64 {
        match self.kind {
            Kind::Equal => 1.0 / self.substeps as f64,
            Kind::Unequal => self.own[substep],
            Kind::Certain(certain) => f64::from(u8::from(certain == substep)),
        }
    }

    /// The factor 1/qᵢ of a correction, or 1 for one that never occurs.
    pub(crate) fn factor(&self, substep: usize) -> f64 {
        match self.kind {
            Kind::Equal => self.substeps as f64,
            Kind::Unequal => 1.0 / self.own[substep],
            Kind::Certain(_) => 1.0,
        }
    }

    /// The sub-step that is selected without a coin, if there is one.
    pub(crate) fn certain(&self) -> Option<usize> {
        match self.kind {
            Kind::Certain(substep) => Some(substep),
            _ => None,
        }
    }

    /// Expected evaluations of a step: sub-step 0 costs none.
    pub(crate) fn evaluations(&self) -> f64 {
        2.0 - self.share(0)
    }

    /// The sub-step of option 2 for a uniform number.
    pub(crate) fn pick(&self, u: f64) -> usize {
        let chosen = match self.kind {
            Kind::Equal => (u * self.substeps as f64) as usize,
            Kind::Unequal => self.sums.partition_point(|sum| *sum <= u),
            Kind::Certain(substep) => substep,
        };
        chosen.min(self.substeps - 1)
    }

    /// The next sub-step of option 1, from `open` on; K or more if there is none.
    pub(crate) fn next(&self, open: usize, u: f64) -> usize {
        if self.kind == Kind::Equal {
            // The number of tails before the next head. It has P(gap ≥ j) = survival of j tails.
            return open + self.survival.partition_point(|s| u < *s);
        }
        let until_here = self.tails_before(open);
        open + self.survival[open..].partition_point(|s| u * until_here < *s)
    }

    /// The sub-step of option 2 for every uniform number.
    pub(super) fn pick_all(&self, uniforms: &[f64], picked: &mut Vec<u32>) {
        picked.clear();
        if self.kind == Kind::Equal {
            let count = self.substeps as f64;
            let last = self.substeps as u32 - 1;
            picked.extend(uniforms.iter().map(|u| ((u * count) as u32).min(last)));
        } else {
            picked.extend(uniforms.iter().map(|u| self.pick(*u) as u32));
        }
    }

    /// The next sub-step of option 1 for uniform numbers, where `open` has the first open sub-step
    /// of each.
    pub(super) fn next_all(&self, open: &[u32], uniforms: &[f64], picked: &mut Vec<u32>) {
        if self.kind == Kind::Equal && self.substeps <= FEW {
            picked.resize(uniforms.len(), 0);
            dispatch(Gaps { survival: &self.survival, open, uniforms, picked });
        } else {
            picked.clear();
            let pairs = open.iter().zip(uniforms);
            picked.extend(pairs.map(|(open, u)| self.next(*open as usize, *u) as u32));
        }
    }

    /// The uniform number in the middle of the cell that [`pick`](Self::pick) gives this sub-step.
    pub(crate) fn cell(&self, substep: usize) -> f64 {
        match (self.kind, substep) {
            (Kind::Equal, _) => (substep as f64 + 0.5) / self.substeps as f64,
            (Kind::Unequal, 0) => 0.5 * self.sums[0],
            (Kind::Unequal, i) => 0.5 * (self.sums[i - 1] + self.sums[i]),
            (Kind::Certain(_), _) => 0.5,
        }
    }

    /// The uniform number in the middle of the cell for which [`next`](Self::next) gives this
    /// sub-step, or none for K.
    pub(crate) fn cell_from(&self, open: usize, substep: usize) -> f64 {
        // Equal shares are searched from the first entry on.
        let equal = self.kind == Kind::Equal;
        let shift = if equal { open } else { 0 };
        let whole = if equal { 1.0 } else { self.tails_before(open) };
        let upper = if substep == open { whole } else { self.survival[substep - shift - 1] };
        let lower = if substep == self.substeps { 0.0 } else { self.survival[substep - shift] };
        0.5 * (lower + upper) / whole
    }

    fn tails_before(&self, open: usize) -> f64 {
        open.checked_sub(1).map_or(1.0, |last| self.survival[last])
    }
}

/// The most sub-steps for which a comparison with all of them is faster than a search.
const FEW: usize = 32;

/// Adds the number of tails before the next head: how many entries of `survival` are above u.
struct Gaps<'a> {
    survival: &'a [f64],
    open: &'a [u32],
    uniforms: &'a [f64],
    picked: &'a mut [u32],
}

impl Kernel for Gaps<'_> {
    #[inline(always)]
    fn run(self) {
        const LANES: usize = 16;
        let open = self.open.chunks(LANES);
        let chunks = self.uniforms.chunks(LANES).zip(self.picked.chunks_mut(LANES));
        for ((u, picked), open) in chunks.zip(open) {
            let mut lanes = [1.0; LANES];
            lanes[..u.len()].copy_from_slice(u);
            let mut counts = [0.0; LANES];
            for s in self.survival {
                for l in 0..LANES {
                    counts[l] += if lanes[l] < *s { 1.0 } else { 0.0 };
                }
            }
            for ((picked, open), count) in picked.iter_mut().zip(open).zip(counts) {
                *picked = open + count as u32;
            }
        }
    }
}

fn fill_survival(survival: &mut Vec<f64>, tails: impl Iterator<Item = f64>) {
    survival.clear();
    let mut power = 1.0;
    survival.extend(tails.map(|tails| {
        power *= tails;
        power
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighted() -> Shares {
        let mut shares = Shares::default();
        shares.make_weighted([0.0, 2.0, 1.0, 5.0].into_iter());
        shares
    }

    #[test]
    fn shares_are_the_even_part_and_the_importance() {
        let shares = weighted();
        let want = [0.025, 0.025 + 0.9 * 0.25, 0.025 + 0.9 * 0.125, 0.025 + 0.9 * 0.625];
        for (i, want) in want.iter().enumerate() {
            assert!((shares.share(i) - want).abs() < 1e-15);
            assert!((shares.factor(i) * want - 1.0).abs() < 1e-15);
        }
        assert!((shares.evaluations() - 1.975).abs() < 1e-15);
        let mut equal = Shares::default();
        equal.make_weighted([0.0, f64::INFINITY].into_iter());
        assert_eq!([equal.share(0), equal.share(1)], [0.5; 2]);
        equal.make_weighted([0.0, 0.0, 0.0].into_iter());
        assert_eq!(equal.evaluations(), 2.0 - 1.0 / 3.0);
    }

    #[test]
    fn uniform_numbers_select_with_the_shares() {
        let shares = weighted();
        let count = 100_000;
        let uniform = |n: usize| (n as f64 + 0.5) / count as f64;
        for i in 0..4 {
            let picked = (0..count).filter(|n| shares.pick(uniform(*n)) == i).count();
            assert!((picked as f64 / count as f64 - shares.share(i)).abs() < 2e-5, "{i}");
            assert_eq!(shares.pick(shares.cell(i)), i);
        }
        for open in 0..=4 {
            let mut tails = 1.0;
            for i in open..4 {
                let found = (0..count).filter(|n| shares.next(open, uniform(*n)) == i).count();
                let want = tails * shares.share(i);
                assert!((found as f64 / count as f64 - want).abs() < 2e-5, "{open} {i}");
                assert_eq!(shares.next(open, shares.cell_from(open, i)), i);
                tails *= 1.0 - shares.share(i);
            }
            assert_eq!(shares.next(open, shares.cell_from(open, 4)), 4);
        }
        assert_eq!(shares.pick(1.0 - f64::EPSILON), 3);
    }
}
