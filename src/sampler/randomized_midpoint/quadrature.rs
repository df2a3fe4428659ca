//! Gauss–Legendre rules: the inner times over which the probe averages a step.

use crate::error::{Error, Result};
use crate::sampler::interface::CoinScript;

/// The tensor product of one rule for every window. It has enough nodes that only rounding errors
/// remain.
pub(super) fn scripts(windows: usize) -> Result<Vec<CoinScript>> {
    let nodes = match windows {
        1 => 24,
        2 => 16,
        3 => 12,
        4 => 9,
        5 => 7,
        6 => 6,
        7 => 5,
        8 => 4,
        9..=10 => 3,
        11..=16 => 2,
        _ => {
            let reason = "more than 16 windows need too many quadrature nodes";
            return Err(Error::NotProbeable { reason });
        }
    };
    let rule = gauss_legendre(nodes);
    let mut scripts = vec![CoinScript { weight: 1.0, uniforms: Vec::new() }];
    for _ in 0..windows {
        let extended = |script: &CoinScript| {
            let script = script.clone();
            rule.iter().map(move |&(node, weight)| {
                let mut uniforms = script.uniforms.clone();
                uniforms.push(node);
                CoinScript { weight: script.weight * weight, uniforms }
            })
        };
        scripts = scripts.iter().flat_map(extended).collect();
    }
    Ok(scripts)
}

/// Nodes and weights of the Gauss–Legendre rule on [0, 1], by Newton's method on the Legendre
/// polynomial.
fn gauss_legendre(nodes: usize) -> Vec<(f64, f64)> {
    let n = nodes as f64;
    (0..nodes)
        .map(|i| {
            let mut x = libm::cos(std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5));
            let mut slope = 1.0;
            for _ in 0..20 {
                let mut previous = 1.0;
                let mut current = x;
                for k in 2..=nodes {
                    let k = k as f64;
                    (previous, current) =
                        (current, ((2.0 * k - 1.0) * x * current - (k - 1.0) * previous) / k);
                }
                slope = n * (x * current - previous) / (x * x - 1.0);
                x -= current / slope;
            }
            (0.5 * (1.0 - x), 1.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauss_legendre_integrates_its_degree() {
        for nodes in [1, 2, 3, 8, 24] {
            let rule = gauss_legendre(nodes);
            for degree in 0..2 * nodes {
                let sum: f64 = rule.iter().map(|(x, w)| w * x.powi(degree as i32)).sum();
                assert!(
                    (sum * (degree as f64 + 1.0) - 1.0).abs() < 1e-13,
                    "{nodes} nodes, degree {degree}: {sum}"
                );
            }
        }
    }
}
