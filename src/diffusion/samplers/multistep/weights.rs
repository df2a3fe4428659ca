//! Weights of multistep rules: integrals of Lagrange polynomials against an exponential.

/// The most nodes of a rule.
pub(crate) const MOST_NODES: usize = 4;

/// M_k = ∫₀ʰ c e^(−c(h−u)) (u/h)ᵏ du with y = c h, for k = 0, 1, …
///
/// ```text
/// M₀ = 1 − e^(−y)     M_k = 1 − k M_(k−1)/y     for y < 2 + k the series y k! Σ_n (−y)ⁿ/(n+k+1)!
/// ```
///
/// The recursion loses digits where y is small, and the series where it is large.
pub(crate) fn moments(y: f64) -> [f64; MOST_NODES] {
    let mut all = [0.0; MOST_NODES];
    all[0] = -libm::expm1(-y);
    for k in 1..MOST_NODES {
        all[k] = if y < 2.0 + k as f64 {
            series(y, k)
        } else if y.is_infinite() {
            1.0
        } else {
            1.0 - k as f64 * all[k - 1] / y
        };
    }
    all
}

/// y k! Σ_n (−y)ⁿ/(n+k+1)!
fn series(y: f64, k: usize) -> f64 {
    let mut term = 1.0;
    for i in 1..=k + 1 {
        term /= i as f64;
    }
    (1..=k).for_each(|i| term *= i as f64);
    let mut sum = 0.0;
    for n in 0..60 {
        sum += term;
        term *= -y / (n + k + 2) as f64;
        if term.abs() < 1e-18 * sum {
            break;
        }
    }
    y * sum
}

/// N_k = ∫₀ʰ e^(−u) (u/h)ᵏ du, the moments of rules whose outputs lie before the exponential.
///
/// ```text
/// N₀ = 1 − e^(−h)     N_k = h e^(−h) k! Σ_n hⁿ/(n+k+1)!        all terms positive
/// ```
pub(crate) fn moments_before(h: f64) -> [f64; MOST_NODES] {
    let mut all = [0.0; MOST_NODES];
    all[0] = -libm::expm1(-h);
    for k in 1..MOST_NODES {
        all[k] = if h < 20.0 {
            let mut term = 1.0 / (k + 1) as f64;
            let mut sum = 0.0;
            for n in 0..200 {
                sum += term;
                term *= h / (n + k + 2) as f64;
                if term < 1e-18 * sum {
                    break;
                }
            }
            h * libm::exp(-h) * sum
        } else if h.is_infinite() {
            0.0
        } else {
            k as f64 * all[k - 1] / h - libm::exp(-h)
        };
    }
    all
}

/// The weights of the values at some nodes: the integral of their interpolating polynomial, with
/// the nodes in units of h.
///
/// ```text
/// w_j = Σ_k (coefficient of uᵏ in L_j) M_k        L_j Lagrange on the nodes
/// ```
pub(crate) fn lagrange(nodes: &[f64], moments: &[f64; MOST_NODES]) -> [f64; MOST_NODES] {
    let mut weights = [0.0; MOST_NODES];
    for (j, own) in nodes.iter().enumerate() {
        // The polynomial, from the constant on.
        let mut polynomial = [0.0; MOST_NODES + 1];
        polynomial[0] = 1.0;
        let mut degree = 0;
        let others = nodes.iter().enumerate().filter(|(i, _)| *i != j);
        for (_, node) in others {
            let scale = 1.0 / (own - node);
            degree += 1;
            for k in (0..=degree).rev() {
                let before = if k > 0 { polynomial[k - 1] } else { 0.0 };
                polynomial[k] = (before - node * polynomial[k]) * scale;
            }
        }
        weights[j] = (0..=degree).map(|k| polynomial[k] * moments[k]).sum();
    }
    weights
}

/// Nodes and weights of the Gauss–Legendre rule with 8 points on [−1, 1], the positive half.
pub(crate) const GAUSS: [[f64; 2]; 4] = [
    [0.183_434_642_495_649_8, 0.362_683_783_378_361_98],
    [0.525_532_409_916_329, 0.313_706_645_877_887_3],
    [0.796_666_477_413_626_7, 0.222_381_034_453_374_47],
    [0.960_289_856_497_536_3, 0.101_228_536_290_376_26],
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments by 20,000 panels of Simpson's rule.
    fn simpson(f: impl Fn(f64) -> f64) -> f64 {
        let n = 20_000;
        let value = |i: usize| {
            let weight = if i == 0 || i == n {
                1.0
            } else if i % 2 == 1 {
                4.0
            } else {
                2.0
            };
            weight * f(i as f64 / n as f64)
        };
        (0..=n).map(value).sum::<f64>() / (3.0 * n as f64)
    }

    #[test]
    fn moments_are_their_integrals() {
        for y in [1e-8, 1e-4, 0.01, 0.3, 1.0, 2.9, 3.1, 4.0, 5.2, 9.0] {
            for (k, found) in moments(y).into_iter().enumerate() {
                let want = simpson(|v| y * libm::exp(-y * (1.0 - v)) * v.powi(k as i32));
                assert!((found / want - 1.0).abs() < 2e-13, "{y} {k}: {found} {want}");
            }
            for (k, found) in moments_before(y).into_iter().enumerate() {
                let want = simpson(|v| y * libm::exp(-y * v) * v.powi(k as i32));
                assert!((found / want - 1.0).abs() < 2e-13, "{y} {k}: {found} {want}");
            }
        }
        assert_eq!(moments(f64::INFINITY), [1.0; MOST_NODES]);
    }

    /// Polynomials are integrated exactly, whatever the nodes.
    #[test]
    fn weights_integrate_polynomials() {
        for y in [1e-8, 1e-3, 0.2, 1.7, 4.0] {
            let moments = moments(y);
            for nodes in [&[0.0][..], &[0.0, -1.3], &[0.0, -0.8, -2.1], &[1.0, 0.0, -0.7, -1.9]] {
                let weights = lagrange(nodes, &moments);
                let largest = weights.iter().fold(0.0f64, |most, w| most.max(w.abs()));
                for k in 0..nodes.len() {
                    let sum: f64 =
                        nodes.iter().zip(weights).map(|(n, w)| w * n.powi(k as i32)).sum();
                    let off = (sum - moments[k]).abs();
                    assert!(off < 1e-14 * largest.max(1e-300) * 10.0, "{y} {nodes:?} {k}: {off:e}");
                }
            }
        }
    }
}
