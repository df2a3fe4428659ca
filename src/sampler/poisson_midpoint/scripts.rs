//! Coins for exact averages over the selections of a Poisson midpoint step.

use super::selection::Selection;
use super::shares::Shares;
use crate::error::{Error, Result};
use crate::sampler::interface::CoinScript;

/// Coins for exact averages, see [`Scheme::coin_scripts`](crate::sampler::Scheme::coin_scripts).
pub(crate) fn scripts(selection: Selection, shares: &Shares) -> Result<Vec<CoinScript>> {
    let substeps = shares.substeps();
    if substeps == 1 || shares.certain().is_some() {
        return Ok(vec![CoinScript { weight: 1.0, uniforms: Vec::new() }]);
    }
    match selection {
        Selection::Single => Ok((0..substeps)
            .map(|i| CoinScript { weight: shares.share(i), uniforms: vec![shares.cell(i)] })
            .collect()),
        Selection::Bernoulli if substeps > 1000 => Err(Error::NotProbeable {
            reason: "independent coins are averaged over all pairs of sub-steps; \
                     use at most 1000 sub-steps",
        }),
        Selection::Bernoulli => Ok(bernoulli_scripts(shares)),
    }
}

/// The coin scripts of option 1: sets of at most two selected sub-steps.
///
/// With a linear drift the new state is affine in the coins, X⁺ = Y + Σ Hᵢ Yᵢ. So a second moment f
/// depends on the selected set through pairs at most. Its mean over all 2^K sets follows from sets
/// of at most two:
///
/// ```text
/// E f = f(∅) + Σᵢ qᵢ [f(i) − f(∅)] + Σ_{i<j} qᵢ qⱼ [f(ij) − f(i) − f(j) + f(∅)]
/// ```
fn bernoulli_scripts(shares: &Shares) -> Vec<CoinScript> {
    let substeps = shares.substeps();
    let script = |weight: f64, selected: &[usize]| {
        let mut open = 0;
        let mut uniforms = Vec::with_capacity(selected.len() + 1);
        for &i in selected {
            uniforms.push(shares.cell_from(open, i));
            open = i + 1;
        }
        uniforms.push(shares.cell_from(open, substeps));
        CoinScript { weight, uniforms }
    };
    let all = (0..substeps).map(|i| shares.share(i));
    let sum: f64 = all.clone().sum();
    let squares: f64 = all.map(|q| q * q).sum();
    let mut scripts = vec![script(1.0 - sum + 0.5 * (sum * sum - squares), &[])];
    for i in 0..substeps {
        let own = shares.share(i);
        scripts.push(script(own - own * (sum - own), &[i]));
        scripts.extend((i + 1..substeps).map(|j| script(own * shares.share(j), &[i, j])));
    }
    scripts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Scripted;
    use crate::sampler::poisson_midpoint::coins::Midpoints;

    #[test]
    fn scripts_select_the_sets_they_stand_for() {
        let mut equal = Shares::default();
        equal.make_equal(5);
        let mut weighted = Shares::default();
        weighted.make_weighted([0.0, 1.0, 3.0, 2.0, 7.0].into_iter());
        for shares in [equal, weighted] {
            let scripts = bernoulli_scripts(&shares);
            assert_eq!(scripts.len(), 1 + 5 + 10);
            assert!((scripts.iter().map(|s| s.weight).sum::<f64>() - 1.0).abs() < 1e-14);
            let mut seen = Vec::new();
            for script in &scripts {
                let mut noise = Scripted::new();
                noise.coins(9, &script.uniforms);
                let mut midpoints = Midpoints::default();
                midpoints.draw::<f64>(Selection::Bernoulli, &shares, 0, &noise, &[9]);
                seen.push((midpoints.substeps.clone(), (script.weight * 1e6).round()));
            }
            // ∅ and {0} give the same midpoints, because sub-step 0 is not visited.
            assert_eq!(seen[0].0, Vec::<u32>::new());
            assert_eq!(seen[1].0, Vec::<u32>::new());
            let pair = (1e6 * shares.share(2) * shares.share(4)).round();
            assert!(seen.contains(&(vec![2, 4], pair)));
            let rest = 1.0 - (0..5).map(|i| shares.share(i)).sum::<f64>() + shares.share(3);
            assert!(seen.contains(&(vec![3], (1e6 * shares.share(3) * rest).round())));
        }
    }
}
