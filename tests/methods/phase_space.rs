//! Phase-space diffusions: the kernel, the reverse processes, and the constants that make no sense.

use langevin::diffusion::Factor;
use langevin::diffusion::dynamics::{PsldFlow, ReversePsld};
use langevin::dynamics::{ContinuousDynamics, Letter, LinearDynamics, PhaseSpace};
use langevin::prelude::*;

use crate::support::matrix::{
    Matrix, ONE, ZERO, carried, diagonal, exponential, integral, minus, near, plus, scale, times,
    transposed,
};
use crate::support::phase::{forward, intensity};

/// Processes of all kinds: the paper's, CLD, without friction, and with other constants.
pub fn processes() -> Vec<Psld> {
    [(0.01, 4.01, 0.04), (0.0, 4.0, 0.04), (0.5, 1.5, 0.0), (3.0, 1.0, 0.3), (0.2, 0.0, 1.0)]
        .map(|(gamma, nu, kappa)| Psld::new(gamma, nu, kappa).unwrap())
        .into()
}

const TAUS: [f64; 6] = [1e-6, 8e-3, 0.1, 0.5, 2.0, 8.0];

#[test]
fn the_kernel_is_that_of_the_equation() {
    for p in processes() {
        let f = forward(&p);
        for tau in TAUS {
            let e = exponential(&scale(&f, tau));
            assert!(near(&p.propagator(tau), &e, 1e-12), "{p:?} {tau}");
            // Σ_∞ − e^{Fτ} (Σ_∞ − Σ₀) e^{Fᵀτ}, as exact as its terms of order 1 let it be.
            for variance in [0.0, 0.3] {
                let limit = diagonal(1.0, p.mass());
                let rest = minus(&limit, &diagonal(variance, p.kappa() * p.mass()));
                let off = minus(&minus(&limit, &carried(&e, &rest)), &p.covariance(tau, variance));
                let close = off.iter().flatten().all(|d| d.abs() < 1e-12 * (1.0 + p.mass()));
                assert!(close, "{p:?} {tau}: {off:?}");
            }
            // And by quadrature, relative to each entry, where that formula has lost its digits.
            let noised = integral(|s| carried(&p.propagator(s), &intensity(&p)), tau, 4000);
            let want = plus(&noised, &carried(&e, &diagonal(0.0, p.kappa() * p.mass())));
            let found = p.covariance(tau, 0.0);
            for i in 0..2 {
                let error = (found[i][i] / want[i][i] - 1.0).abs();
                assert!(error < 1e-10, "{p:?} {tau}: {found:?} {want:?}");
            }
        }
    }
}

#[test]
fn noise_factors_are_triangular_roots_of_the_kernel() {
    for p in processes() {
        for tau in TAUS {
            let covariance = p.covariance(tau, 0.0);
            for factor in [Factor::Lower, Factor::Upper] {
                let name = format!("{p:?} {tau} {factor:?}");
                let root = p.noise_factor(tau, factor);
                assert!(near(&carried(&root, &ONE), &covariance, 1e-13), "{name}");
                assert_eq!(if factor == Factor::Lower { root[0][1] } else { root[1][0] }, 0.0);
                let back = times(&p.score_of_noise(tau, factor), &transposed(&root));
                assert!(near(&back, &scale(&ONE, -1.0), 1e-9), "{name}: {back:?}");
            }
        }
    }
}

#[test]
fn reverse_coefficients_compose_and_are_those_of_the_equation() {
    for p in processes() {
        let reverse = ReversePsld::new(p);
        for dynamics in [&reverse as &dyn ContinuousDynamics, &PsldFlow::new(p)] {
            for (h, g) in [(1e-9, 3e-9), (0.01, 0.3), (0.5, 0.25), (2.0, 5.0)] {
                let one = dynamics.transition(0.0, h);
                let both = one.then(&dynamics.transition(h, g));
                let whole = dynamics.transition(0.0, h + g);
                assert!(near(&both.propagator, &whole.propagator, 1e-13));
                assert!(near(&both.gain, &whole.gain, 1e-13));
                assert!(near(&both.covariance, &whole.covariance, 1e-13), "{p:?} {h} {g}");
            }
            // To first order the coefficients are generator, rate and intensity.
            let h = 1e-7;
            let small = dynamics.transition(0.0, h);
            let step = scale(&minus(&small.propagator, &ONE), 1.0 / h);
            assert!(near(&step, &dynamics.generator(0.0), 1e-6));
            assert!(near(&scale(&small.gain, 1.0 / h), &dynamics.rate(0.0), 1e-6));
            let noise = scale(&small.covariance, 1.0 / h);
            let off = minus(&noise, &dynamics.intensity(0.0));
            assert!(off.iter().flatten().all(|d| d.abs() < 1e-5), "{p:?}: {noise:?}");
        }
        assert!(near(&reverse.generator(0.0), &scale(&forward(&p), -1.0), 1e-15));
        assert!(near(&reverse.intensity(0.0), &intensity(&p), 1e-15));
    }
}

#[test]
fn the_three_parts_add_up_to_the_whole() {
    for p in processes() {
        let reverse = ReversePsld::new(p);
        let h = 1e-7;
        let [mut sum, mut gain, mut noise]: [Matrix; 3] = [ZERO; 3];
        for letter in [Letter::A, Letter::B, Letter::O] {
            let part = reverse.part(letter, h);
            sum = plus(&sum, &scale(&minus(&part.propagator, &ONE), 1.0 / h));
            gain = plus(&gain, &scale(&part.gain, 1.0 / h));
            noise = plus(&noise, &scale(&part.covariance, 1.0 / h));
        }
        assert!(near(&sum, &reverse.generator(0.0), 1e-6));
        assert!(near(&gain, &reverse.rate(0.0), 1e-6));
        assert!(near(&noise, &reverse.intensity(0.0), 1e-6));
        assert_eq!(reverse.layout().momentum_variance(), Some(p.mass()));
    }
}

#[test]
fn bad_constants_are_named() {
    let message = |gamma, nu, kappa| Psld::new(gamma, nu, kappa).unwrap_err().to_string();
    assert!(
        message(1.0, 1.0, 0.0)
            .starts_with("gamma, and the same nu: given 1, expected gamma and nu that differ")
    );
    assert!(message(-1.0, 0.5, 0.0).starts_with("nu + gamma: given -0.5"));
    assert!(message(0.0, 0.0, 0.0).starts_with("nu + gamma: given 0"));
    assert!(message(-0.5, 4.0, 0.0).starts_with("gamma: given -0.5"));
    assert!(message(4.0, -0.5, 0.0).starts_with("nu: given -0.5"));
    assert!(message(0.01, 4.01, -0.1).starts_with("kappa: given -0.1"));
    assert!(message(f64::NAN, 4.0, 0.0).starts_with("gamma: given NaN"));
    assert!(message(0.01, f64::INFINITY, 0.0).starts_with("nu: given inf"));
}
