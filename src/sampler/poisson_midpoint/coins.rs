//! The coins of the Poisson midpoint: draws the sub-steps that each chain visits, without a loop
//! over all K.

use std::ops::Range;

use super::selection::Selection;
use super::shares::Shares;
use crate::noise::{Address, Noise, Purpose};
use crate::real::Real;

/// The selected sub-steps > 0 of all chains, ordered in rounds. Round r holds the next midpoint of
/// every chain that has one.
///
/// A selected sub-step 0 is left out, because its drift is already known.
#[derive(Default)]
pub(super) struct Midpoints {
    /// For each midpoint, the row of its chain in the state.
    pub rows: Vec<u32>,
    /// For each midpoint, its sub-step.
    pub substeps: Vec<u32>,
    ends: Vec<usize>,
    uniforms: Vec<f64>,
    /// The sub-step that each active chain has selected, or K and more for none.
    picked: Vec<u32>,
    /// The chains whose coins are not all tossed: their rows, their numbers, and the first sub-step
    /// that is open.
    active: Vec<u32>,
    active_chains: Vec<u32>,
    open: Vec<u32>,
}

impl Midpoints {
    /// Makes room for `most` midpoints, and for more rounds than will occur.
    pub(super) fn reserve(&mut self, most: usize) {
        self.rows.reserve(most.saturating_sub(self.rows.len()));
        self.substeps.reserve(most.saturating_sub(self.substeps.len()));
        self.ends.reserve(64);
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn rounds(&self) -> usize {
        self.ends.len()
    }

    /// The sub-step that each chain has selected, in the only round of option 2.
    pub(super) fn picked(&self) -> &[u32] {
        &self.picked
    }

    pub(super) fn round(&self, round: usize) -> Range<usize> {
        if round == 0 { 0..self.ends[0] } else { self.ends[round - 1]..self.ends[round] }
    }

    pub(super) fn draw<F: Real>(
        &mut self,
        selection: Selection,
        shares: &Shares,
        step: u32,
        noise: &dyn Noise<F>,
        chains: &[u32],
    ) {
        self.rows.clear();
        self.substeps.clear();
        self.ends.clear();
        if shares.substeps() == 1 {
            return;
        }
        if let Some(substep) = shares.certain() {
            self.picked.clear();
            self.picked.resize(chains.len(), substep as u32);
            self.keep_picked();
            self.ends.push(self.rows.len());
            return;
        }
        match selection {
            Selection::Single => {
                self.uniforms.resize(chains.len(), 0.0);
                noise.uniforms(Address::new(step, Purpose::Coin, 0), chains, &mut self.uniforms);
                shares.pick_all(&self.uniforms, &mut self.picked);
                self.keep_picked();
                self.ends.push(self.rows.len());
            }
            Selection::Bernoulli => self.draw_bernoulli(shares, step, noise, chains),
        }
    }

    /// Keeps the chains that have picked a sub-step > 0.
    fn keep_picked(&mut self) {
        let count = self.picked.len();
        self.rows.resize(count, 0);
        self.substeps.resize(count, 0);
        let mut end = 0;
        for (row, picked) in self.picked.iter().enumerate() {
            self.rows[end] = row as u32;
            self.substeps[end] = *picked;
            end += usize::from(*picked > 0);
        }
        self.rows.truncate(end);
        self.substeps.truncate(end);
    }

    /// Selects sub-steps by independent coins. They are drawn as geometric gaps, with about one
    /// draw for each selected sub-step.
    fn draw_bernoulli<F: Real>(
        &mut self,
        shares: &Shares,
        step: u32,
        noise: &dyn Noise<F>,
        chains: &[u32],
    ) {
        self.active.clear();
        self.active.extend(0..chains.len() as u32);
        self.active_chains.clear();
        self.active_chains.extend_from_slice(chains);
        self.open.clear();
        self.open.resize(chains.len(), 0);
        let substeps = shares.substeps() as u32;
        let mut coin = 0;
        let mut count = chains.len();
        while count > 0 {
            self.uniforms.resize(count, 0.0);
            let address = Address::new(step, Purpose::Coin, coin);
            noise.uniforms(address, &self.active_chains[..count], &mut self.uniforms);
            coin += 1;
            shares.next_all(&self.open[..count], &self.uniforms, &mut self.picked);
            let mut end = self.rows.len();
            self.rows.resize(end + count, 0);
            self.substeps.resize(end + count, 0);
            let mut kept = 0;
            let [active, numbers, open] =
                [&mut self.active, &mut self.active_chains, &mut self.open]
                    .map(|of| &mut of[..count]);
            let [rows, selected] = [&mut self.rows, &mut self.substeps].map(|of| &mut of[..]);
            // Without branches: which chains go on cannot be predicted.
            for (i, &picked) in self.picked.iter().enumerate() {
                active[kept] = active[i];
                numbers[kept] = numbers[i];
                open[kept] = picked + 1;
                rows[end] = active[i];
                selected[end] = picked;
                let goes_on = picked < substeps;
                kept += usize::from(goes_on);
                end += usize::from(goes_on && picked > 0);
            }
            count = kept;
            self.rows.truncate(end);
            self.substeps.truncate(end);
            // Rounds follow the coins. So a chain that selected 0 first has its first midpoint in a
            // later round.
            self.ends.push(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Philox;

    #[test]
    fn coins_select_each_substep_with_probability_one_in_k() {
        // Frequencies over 3 seeds × 20,000 chains. Each of the 2 × 3 × 7 is Binomial(20000, 1/7)
        // with standard deviation 49.5. A window of six standard deviations gives a false alarm
        // once in 10^7 runs of this test.
        for seed in [0, 1, u64::MAX] {
            let chains: Vec<u32> = (0..20_000).collect();
            let mut shares = Shares::default();
            shares.make_equal(7);
            for selection in [Selection::Bernoulli, Selection::Single] {
                let mut midpoints = Midpoints::default();
                midpoints.draw::<f64>(selection, &shares, 3, &Philox::new(seed), &chains);
                let mut counts = [0.0; 7];
                midpoints.substeps.iter().for_each(|&i| counts[i as usize] += 1.0);
                assert_eq!(counts[0], 0.0);
                for c in &counts[1..] {
                    assert!((c - 20_000.0 / 7.0f64).abs() < 6.0 * 49.5, "{counts:?}");
                }
            }
        }
    }
}
