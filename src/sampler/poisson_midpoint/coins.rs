//! The coins of the Poisson midpoint: draws the sub-steps that each chain visits, without a loop
//! over all K.

use std::ops::Range;

use super::selection::Selection;
use crate::error::{Error, Result};
use crate::noise::{Address, Noise, Purpose};
use crate::real::Real;
use crate::sampler::interface::CoinScript;

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
    active: Vec<u32>,
    active_chains: Vec<u32>,
    last: Vec<u32>,
    uniforms: Vec<f64>,
    survival: Vec<f64>,
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

    pub(super) fn round(&self, round: usize) -> Range<usize> {
        if round == 0 { 0..self.ends[0] } else { self.ends[round - 1]..self.ends[round] }
    }

    pub(super) fn draw<F: Real>(
        &mut self,
        selection: Selection,
        substeps: usize,
        step: u32,
        noise: &dyn Noise<F>,
        chains: &[u32],
    ) {
        self.rows.clear();
        self.substeps.clear();
        self.ends.clear();
        if substeps == 1 {
            return;
        }
        match selection {
            Selection::Single => {
                self.uniforms.resize(chains.len(), 0.0);
                noise.uniforms(Address::new(step, Purpose::Coin, 0), chains, &mut self.uniforms);
                for (row, u) in self.uniforms.iter().enumerate() {
                    let substep = ((u * substeps as f64) as u32).min(substeps as u32 - 1);
                    if substep > 0 {
                        self.rows.push(row as u32);
                        self.substeps.push(substep);
                    }
                }
                self.ends.push(self.rows.len());
            }
            Selection::Bernoulli => self.draw_bernoulli(substeps, step, noise, chains),
        }
    }

    /// Selects sub-steps by independent coins. They are drawn as geometric gaps, with about one
    /// draw for each selected sub-step.
    fn draw_bernoulli<F: Real>(
        &mut self,
        substeps: usize,
        step: u32,
        noise: &dyn Noise<F>,
        chains: &[u32],
    ) {
        survival(&mut self.survival, substeps);
        self.active.clear();
        self.active.extend(0..chains.len() as u32);
        self.last.clear();
        self.last.resize(chains.len(), 0);
        let mut coin = 0;
        while !self.active.is_empty() {
            self.active_chains.clear();
            self.active_chains.extend(self.active.iter().map(|&row| chains[row as usize]));
            self.uniforms.resize(self.active.len(), 0.0);
            noise.uniforms(
                Address::new(step, Purpose::Coin, coin),
                &self.active_chains,
                &mut self.uniforms,
            );
            coin += 1;
            let mut kept = 0;
            for i in 0..self.active.len() {
                let row = self.active[i];
                // The gap is the number of tails before the next head. `last` is the first sub-step
                // that is still open.
                let gap = gap(&self.survival, self.uniforms[i]);
                let substep = self.last[row as usize] as usize + gap;
                if substep >= substeps {
                    continue;
                }
                self.last[row as usize] = substep as u32 + 1;
                self.active[kept] = row;
                kept += 1;
                if substep > 0 {
                    self.rows.push(row);
                    self.substeps.push(substep as u32);
                }
            }
            self.active.truncate(kept);
            // Rounds follow the coins. So a chain that selected 0 first has its first midpoint in a
            // later round.
            self.ends.push(self.rows.len());
        }
    }
}

/// The probabilities (1 − 1/K)^j of j tails in a row, j = 1 … K. They come from repeated
/// multiplication, so every machine has the same ones.
fn survival(table: &mut Vec<f64>, substeps: usize) {
    if table.len() != substeps {
        let tails = 1.0 - 1.0 / substeps as f64;
        table.clear();
        let mut power = 1.0;
        table.extend((0..substeps).map(|_| {
            power *= tails;
            power
        }));
    }
}

/// The gap with P(gap ≥ j) = survival of j tails. It is the number of entries above u.
fn gap(survival: &[f64], u: f64) -> usize {
    survival.partition_point(|s| u < *s)
}

/// Coins for exact averages, see [`Scheme::coin_scripts`](crate::sampler::Scheme::coin_scripts).
pub(super) fn scripts(selection: Selection, substeps: usize) -> Result<Vec<CoinScript>> {
    let count = substeps as f64;
    if substeps == 1 {
        return Ok(vec![CoinScript { weight: 1.0, uniforms: Vec::new() }]);
    }
    match selection {
        Selection::Single => Ok((0..substeps)
            .map(|i| CoinScript { weight: 1.0 / count, uniforms: vec![(i as f64 + 0.5) / count] })
            .collect()),
        Selection::Bernoulli if substeps > 1000 => Err(Error::NotProbeable {
            reason: "independent coins are averaged over all pairs of sub-steps; \
                     use at most 1000 sub-steps",
        }),
        Selection::Bernoulli => Ok(bernoulli_scripts(substeps)),
    }
}

/// The coin scripts of option 1: sets of at most two selected sub-steps.
///
/// With a linear drift the new state is affine in the coins, X⁺ = Y + Σ Hᵢ Yᵢ. So a second moment f
/// depends on the selected set through pairs at most. Its mean over all 2^K sets follows from sets
/// of at most two:
///
/// ```text
/// E f = f(∅) + p Σᵢ [f(i) − f(∅)] + p² Σ_{i<j} [f(ij) − f(i) − f(j) + f(∅)]          p = 1/K
/// ```
fn bernoulli_scripts(substeps: usize) -> Vec<CoinScript> {
    let count = substeps as f64;
    let p = 1.0 / substeps as f64;
    let mut table = Vec::new();
    survival(&mut table, substeps);
    // The uniform in the middle of the cell of a gap. Gap K means that no further sub-step is
    // selected.
    let cell = |gap: usize| {
        let upper = if gap == 0 { 1.0 } else { table[gap - 1] };
        let lower = if gap == substeps { 0.0 } else { table[gap] };
        0.5 * (lower + upper)
    };
    let script = |weight: f64, selected: &[usize]| {
        let mut open = 0;
        let mut uniforms = Vec::with_capacity(selected.len() + 1);
        for &i in selected {
            uniforms.push(cell(i - open));
            open = i + 1;
        }
        uniforms.push(cell(substeps));
        CoinScript { weight, uniforms }
    };
    let pairs = count * (count - 1.0) / 2.0;
    let mut scripts = vec![script(1.0 - count * p + pairs * p * p, &[])];
    for i in 0..substeps {
        scripts.push(script(p - (count - 1.0) * p * p, &[i]));
        scripts.extend((i + 1..substeps).map(|j| script(p * p, &[i, j])));
    }
    scripts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{Philox, Scripted};

    #[test]
    fn coins_select_each_substep_with_probability_one_in_k() {
        // Frequencies over 3 seeds × 20,000 chains. Each of the 2 × 3 × 7 is Binomial(20000, 1/7)
        // with standard deviation 49.5. A window of six standard deviations gives a false alarm
        // once in 10^7 runs of this test.
        for seed in [0, 1, u64::MAX] {
            let chains: Vec<u32> = (0..20_000).collect();
            for selection in [Selection::Bernoulli, Selection::Single] {
                let mut midpoints = Midpoints::default();
                midpoints.draw::<f64>(selection, 7, 3, &Philox::new(seed), &chains);
                let mut counts = [0.0; 7];
                midpoints.substeps.iter().for_each(|&i| counts[i as usize] += 1.0);
                assert_eq!(counts[0], 0.0);
                for c in &counts[1..] {
                    assert!((c - 20_000.0 / 7.0f64).abs() < 6.0 * 49.5, "{counts:?}");
                }
            }
        }
    }

    #[test]
    fn scripts_select_the_sets_they_stand_for() {
        let scripts = bernoulli_scripts(5);
        assert_eq!(scripts.len(), 1 + 5 + 10);
        assert!((scripts.iter().map(|s| s.weight).sum::<f64>() - 1.0).abs() < 1e-14);
        let mut seen = Vec::new();
        for script in &scripts {
            let mut noise = Scripted::new();
            noise.coins(9, &script.uniforms);
            let mut midpoints = Midpoints::default();
            midpoints.draw::<f64>(Selection::Bernoulli, 5, 0, &noise, &[9]);
            seen.push((midpoints.substeps.clone(), (script.weight * 1e6).round()));
        }
        // ∅ and {0} give the same midpoints, because sub-step 0 is not visited.
        assert_eq!(seen[0].0, Vec::<u32>::new());
        assert_eq!(seen[1].0, Vec::<u32>::new());
        assert!(seen.contains(&(vec![2, 4], 40_000.0)));
        assert!(seen.contains(&(vec![3], 40_000.0)));
    }
}
