//! Half chains: R̂ and the effective sample size of the mean of one series per half chain.

use ndarray::{ArrayView2, s};

use super::autocovariance::autocovariances;
use super::ranks::Ranked;

/// One coordinate with every chain cut in two. There are `draws` lines of `chains` half chains, so
/// a lag is an offset in memory.
pub(super) struct Halves {
    values: Vec<f64>,
    draws: usize,
    chains: usize,
}

impl Halves {
    pub(super) fn new(coordinate: ArrayView2<'_, f64>) -> Self {
        let (saved, chains) = coordinate.dim();
        let draws = saved / 2;
        let mut values = Vec::with_capacity(2 * draws * chains);
        for draw in 0..draws {
            values.extend(coordinate.slice(s![draw, ..]));
            values.extend(coordinate.slice(s![saved - draws + draw, ..]));
        }
        Self { values, draws, chains: 2 * chains }
    }

    /// Where the value of a draw is, counted in the order of a coordinate: frame · chains + chain.
    /// The middle frame of an odd number is nowhere.
    pub(super) fn place(&self, saved: usize, index: usize) -> Option<usize> {
        let chains = self.chains / 2;
        let frame = index / chains;
        let chain = index % chains;
        if frame < self.draws {
            return Some(frame * self.chains + chain);
        }
        let draw = frame.checked_sub(saved - self.draws)?;
        Some(draw * self.chains + chains + chain)
    }

    /// Other values in place of these.
    pub(super) fn with(&self, values: Vec<f64>) -> Self {
        Self { values, ..*self }
    }

    /// Each value by itself.
    pub(super) fn each(&self, map: impl Fn(f64) -> f64) -> Self {
        self.with(self.values.iter().map(|value| map(*value)).collect())
    }

    /// The order of the values.
    pub(super) fn ranked(&self) -> Ranked {
        Ranked::new(self.values.iter().copied())
    }

    /// The number of draws in all half chains.
    pub(super) fn count(&self) -> f64 {
        self.values.len() as f64
    }

    /// Whether all values are equal.
    pub(super) fn constant(&self) -> bool {
        self.values.iter().all(|value| *value == self.values[0])
    }

    fn means(&self) -> Vec<f64> {
        // Relative to the first draw, so that the mean of a chain that never moves is its value to
        // the last bit.
        let first = &self.values[..self.chains];
        let mut sums = vec![0.0; self.chains];
        for line in self.values.chunks_exact(self.chains) {
            sums.iter_mut()
                .zip(line.iter().zip(first))
                .for_each(|(sum, (value, start))| *sum += value - start);
        }
        first.iter().zip(sums).map(|(start, sum)| start + sum / self.draws as f64).collect()
    }

    /// Values minus the mean of their own half chain.
    fn centred(&self, means: &[f64]) -> Vec<f64> {
        self.values
            .chunks_exact(self.chains)
            .flat_map(|line| line.iter().zip(means).map(|(v, m)| v - m))
            .collect()
    }
}

/// R̂ of the values as they are.
pub(super) fn r_hat(halves: &Halves) -> f64 {
    let draws = halves.draws as f64;
    let chains = halves.chains as f64;
    let means = halves.means();
    let squares: f64 = halves.centred(&means).iter().map(|value| value * value).sum();
    let within = squares / (chains * (draws - 1.0));
    let between = draws * variance(&means);
    ((between / within + draws - 1.0) / draws).sqrt()
}

/// Draws of independent chains whose mean would vary as much as that of these. NaN if all values
/// are equal.
pub(super) fn effective_size(halves: &Halves) -> f64 {
    let draws = halves.draws as f64;
    let chains = halves.chains as f64;
    let means = halves.means();
    let centred = halves.centred(&means);
    // Divided by the number of all draws, not of those in the sum (Geyer).
    let squares: f64 = centred.iter().map(|value| value * value).sum();
    let variance_within = squares / (draws * chains);
    let within = variance_within * draws / (draws - 1.0);
    let total = variance_within + variance(&means);
    // All values are equal, so there is nothing to correlate. `max` below would turn the NaN into a
    // number.
    if total == 0.0 {
        return f64::NAN;
    }
    let sums = autocovariances(&centred, halves.chains);
    let covariance = |lag: usize| sums[lag] / (draws * chains);
    let time = correlation_time(|lag| 1.0 - (within - covariance(lag)) / total, halves.draws);
    // The lower bound limits super-efficient chains, as in Stan.
    let all = draws * chains;
    all / time.max(1.0 / libm::log10(all))
}

/// τ = −1 + 2 Σ ρ over Geyer's initial monotone sequence, plus the last even term once (Stan's
/// variance reduction).
fn correlation_time(correlation: impl Fn(usize) -> f64, draws: usize) -> f64 {
    let mut even = 1.0;
    let mut odd = correlation(1);
    let mut sum = 0.0;
    let mut smallest = f64::INFINITY;
    let mut lag = 1;
    while lag + 3 < draws && even + odd > 0.0 {
        smallest = f64::min(smallest, even + odd);
        sum += smallest;
        even = correlation(lag + 1);
        odd = correlation(lag + 2);
        lag += 2;
    }
    // (even, odd) is now the first pair that does not count in full.
    let last = if even > 0.0 || even + odd >= 0.0 { even } else { 0.0 };
    -1.0 + 2.0 * sum + last
}

/// Unbiased variance of at least two numbers.
fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (count - 1.0)
}
