//! Discrete diffusion chains: DDPM with both variances, DDIM with any η, on any levels of a table.

use super::form::{Form, Forms};
use crate::diffusion::schedule::{Level, LevelTable};
use crate::dynamics::{LinearDynamics, Transition};
use crate::error::{Error, Result};
use crate::math::block::one;
use crate::state::Layout;

/// How much noise a step of a discrete chain adds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Noise {
    /// η² β̃: DDIM, and with η = 1 the posterior of DDPM ("small").
    Eta(f64),
    /// β: DDPM's "large" variance.
    Large,
}

/// A step of a discrete diffusion chain from level t to level s < t of a table; the drift is ε̂ at
/// level t, or another quantity that says the same ([`Form`]).
///
/// ```text
/// x_s = √ᾱ_s x̂₀ + √(1 − ᾱ_s − σ²) ε̂ + σ z           x̂₀ = (x − √(1−ᾱ_t) ε̂)/√ᾱ_t
/// small: σ² = η² β̃,  β̃ = β (1−ᾱ_s)/(1−ᾱ_t),  β = 1 − ᾱ_t/ᾱ_s;  η = 1 is the DDPM posterior
/// large: σ² = β, with the mean of the small variance;  no noise in the step to level 0
///
/// data form       x_s = A x + G x̂₀ + σ z         r = (1−ᾱ_s)/(1−ᾱ_t)
///                 A = √( r ((1−η²) + η² (ᾱ_t/ᾱ_s) r) )
///                 G = (ᾱ_s β + ᾱ_t η² β r)/((1−ᾱ_t)(√ᾱ_s + √ᾱ_t A))
/// velocity form   x_s = (A + √ᾱ_t G) x − √(1−ᾱ_t) G v + σ z
/// ```
///
/// All terms of the data form are positive, so no digits are lost. To level 0 it is exactly A = 0,
/// G = 1, and it starts from pure noise too, ᾱ = 0.
///
/// Time s of a run is level n − s of the table, so grids count 0, …, n and every step may skip
/// levels: its coefficients are derived anew from ᾱ_t/ᾱ_s ("re-spaced"). With
/// [`EulerMaruyama`](crate::EulerMaruyama) it is DDPM or DDIM; with
/// [`PoissonMidpoint::on_chain`](crate::PoissonMidpoint::on_chain) a step is a block of the chain's
/// own steps. Skipping levels at once and composing single steps are different maps, so this is no
/// [`ContinuousDynamics`](crate::dynamics::ContinuousDynamics).
///
/// Source: Ho et al. 2020 (arXiv 2006.11239); Song, Meng & Ermon 2020 (arXiv 2010.02502) for η.
#[derive(Clone, Debug, PartialEq)]
pub struct Ancestral {
    table: LevelTable,
    noise: Noise,
    forms: Forms,
    /// The noisiest level with the near form.
    near: usize,
}

impl Ancestral {
    /// DDPM with the variance of the posterior, β̃.
    pub fn small(table: LevelTable) -> Self {
        Self::new(table, Noise::Eta(1.0))
    }

    /// DDPM with the variance β.
    pub fn large(table: LevelTable) -> Self {
        Self::new(table, Noise::Large)
    }

    /// DDIM: deterministic for η = 0, the posterior of DDPM for η = 1.
    ///
    /// # Errors
    /// [`Error::Invalid`] if η is not in [0, 1].
    pub fn ddim(table: LevelTable, eta: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&eta) {
            return Err(Error::Invalid { name: "eta", given: eta, expected: "a number in [0, 1]" });
        }
        Ok(Self::new(table, Noise::Eta(eta)))
    }

    fn new(table: LevelTable, noise: Noise) -> Self {
        Self { table, noise, forms: Form::Noise.into(), near: 0 }
    }

    /// Holds this quantity fixed in a step; it is the drift. Default [`Form::Noise`].
    pub fn with_form(mut self, form: Form) -> Self {
        self.forms = form.into();
        self
    }

    /// Holds the far form fixed in steps that start above level `near`, and the near form in the
    /// others.
    pub fn with_forms(mut self, forms: Forms, near: usize) -> Self {
        self.forms = forms;
        self.near = near;
        self
    }

    /// The quantity held fixed in steps that start at this level.
    pub fn form_at(&self, level: usize) -> Form {
        if level > self.near { self.forms.far } else { self.forms.near }
    }

    /// The table.
    pub fn table(&self) -> &LevelTable {
        &self.table
    }

    /// The step from one level to a less noisy one.
    fn between(&self, from: Level, to: Level, form: Form) -> Transition {
        let ratio = to.log_alpha_bar() - from.log_alpha_bar(); // log(ᾱ_s/ᾱ_t)
        let beta = -libm::expm1(-ratio);
        let posterior = beta * to.one_minus_alpha_bar() / from.one_minus_alpha_bar();
        let [share, variance] = match self.noise {
            Noise::Eta(eta) => [eta * eta * posterior; 2],
            Noise::Large if to == Level::CLEAN => [posterior, 0.0],
            Noise::Large => [posterior, beta],
        };
        let [propagator, gain] = match form {
            Form::Noise => noise_form(from, to, share),
            Form::Data => self.data_form(from, to),
            Form::Velocity => {
                let [a, g] = self.data_form(from, to);
                [a + from.signal() * g, -from.noise() * g]
            }
        };
        Transition { propagator: one(propagator), gain: one(gain), covariance: one(variance) }
    }

    /// The factors of x and of x̂₀ in a step.
    fn data_form(&self, from: Level, to: Level) -> [f64; 2] {
        if to == Level::CLEAN {
            return [0.0, 1.0];
        }
        let log_ratio = to.log_alpha_bar() - from.log_alpha_bar();
        let beta = -libm::expm1(-log_ratio);
        let noise = from.one_minus_alpha_bar();
        let r = to.one_minus_alpha_bar() / noise;
        let squared = match self.noise {
            Noise::Eta(eta) => eta * eta,
            Noise::Large => 1.0,
        };
        // e^(−2h) = (ᾱ_t/ᾱ_s) r, with h the growth of λ.
        let shrink = libm::exp(-log_ratio) * r;
        let propagator = (r * ((1.0 - squared) + squared * shrink)).sqrt();
        let share = to.alpha_bar() * beta + from.alpha_bar() * squared * beta * r;
        [propagator, share / (noise * (to.signal() + from.signal() * propagator))]
    }
}

/// The factors of x and of ε̂ in a step whose posterior has the variance `share`.
fn noise_form(from: Level, to: Level, share: f64) -> [f64; 2] {
    let ratio = to.log_alpha_bar() - from.log_alpha_bar();
    let growth = libm::exp(0.5 * ratio);
    // √(1 − ᾱ_s − σ²) − √(ᾱ_s/ᾱ_t) √(1−ᾱ_t), as a quotient: both roots are close to each other.
    let left = (to.one_minus_alpha_bar() - share).max(0.0);
    let right = growth * growth * from.one_minus_alpha_bar();
    // right − left = (ᾱ_s/ᾱ_t)(1−ᾱ_t) − (1−ᾱ_s) + σ² = ᾱ_s/ᾱ_t − 1 + σ²
    let gain = -(libm::expm1(ratio) + share) / (left.sqrt() + right.sqrt());
    [growth, gain]
}

impl LinearDynamics for Ancestral {
    fn layout(&self) -> Layout {
        Layout::POSITION
    }

    fn transition(&self, start: f64, length: f64) -> Transition {
        let number = |time| self.table.number_at(time);
        match (number(start), number(start + length)) {
            (Ok(from), Ok(to)) => {
                self.between(self.table.level(from), self.table.level(to), self.form_at(from))
            }
            // Outside the table: a run sees it, as its clock is an error there.
            _ => Transition::UNDEFINED,
        }
    }

    fn is_autonomous(&self) -> bool {
        false
    }

    /// λ = ½ log(ᾱ/(1−ᾱ)).
    fn drift_clock(&self, time: f64) -> f64 {
        let number = self.table.number_at(time);
        number.map_or(f64::NAN, |number| 0.5 * self.table.level(number).log_snr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> LevelTable {
        LevelTable::linear(1000).unwrap()
    }

    /// With the exact ε of a point x₀ the marginal after every step is N(√ᾱ x₀, 1−ᾱ), whatever η
    /// and levels.
    #[test]
    fn marginals_are_kept_exactly() {
        let x0 = 0.83;
        for eta in [0.0, 0.3, 1.0] {
            let chain = Ancestral::ddim(table(), eta).unwrap();
            for (from, to) in
                [(1000, 999), (1000, 300), (600, 599), (50, 7), (2, 1), (1, 0), (1000, 0), (3, 0)]
            {
                let t = chain.transition((1000 - from) as f64, (from - to) as f64);
                let a = t.propagator[0][0];
                let g = t.gain[0][0];
                let q = t.covariance[0][0];
                let source = table().level(from);
                let goal = table().level(to);
                // ε = (x − √ᾱ x₀)/√(1−ᾱ) is affine in x ~ N(√ᾱ x₀, 1−ᾱ).
                let slope = a + g / source.noise();
                let mean = slope * source.signal() * x0 - g * source.signal() / source.noise() * x0;
                let variance = slope * slope * source.one_minus_alpha_bar() + q;
                assert!((mean - goal.signal() * x0).abs() < 1e-12, "{eta} {from} {to}: {mean}");
                assert!(
                    (variance - goal.one_minus_alpha_bar()).abs() < 1e-12,
                    "{eta} {from} {to}: {variance}"
                );
            }
        }
    }

    /// The textbook form of the DDPM posterior, (x − β/√(1−ᾱ_t) ε̂)/√α with variance β̃ or β.
    #[test]
    fn eta_one_is_the_posterior_of_ddpm() {
        for (from, to) in [(1000, 999), (500, 499), (2, 1), (1, 0), (1000, 900), (40, 3)] {
            let source = table().level(from);
            let goal = table().level(to);
            let alpha = source.alpha_bar() / goal.alpha_bar();
            let beta = 1.0 - alpha;
            let noise = source.one_minus_alpha_bar();
            let start = (1000 - from) as f64;
            let length = (from - to) as f64;
            let small = Ancestral::small(table()).transition(start, length);
            let large = Ancestral::large(table()).transition(start, length);
            for t in [small, large] {
                assert!((t.propagator[0][0] - 1.0 / alpha.sqrt()).abs() < 1e-13);
                assert!(
                    (t.gain[0][0] + beta / (alpha * noise).sqrt()).abs() < 1e-11,
                    "{from} {to}: {t:?}"
                );
            }
            assert!(
                (small.covariance[0][0] - beta * goal.one_minus_alpha_bar() / noise).abs() < 1e-13
            );
            assert!((large.covariance[0][0] - if to == 0 { 0.0 } else { beta }).abs() < 1e-13);
        }
        assert!(
            (Ancestral::small(table()).transition(500.0, 1.0).covariance[0][0] / table().beta(500)
                - 1.0)
                .abs()
                < 0.01
        );
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(
                Ancestral::ddim(table(), bad).unwrap_err().to_string().starts_with("eta: given")
            );
        }
    }

    /// From a point mass, every grid ends exactly on the point.
    #[test]
    fn a_point_is_reached_exactly() {
        let chain = Ancestral::ddim(table(), 0.0).unwrap();
        for levels in [vec![1000, 0], vec![1000, 400, 0], vec![1000, 777, 20, 1, 0]] {
            let x0 = 1.7;
            let mut x = 0.3;
            for pair in levels.windows(2) {
                let level = table().level(pair[0]);
                let epsilon = (x - level.signal() * x0) / level.noise();
                let t = chain.transition((1000 - pair[0]) as f64, (pair[0] - pair[1]) as f64);
                x = t.propagator[0][0] * x + t.gain[0][0] * epsilon;
            }
            assert!((x - x0).abs() < 1e-12, "{levels:?}: {x}");
        }
    }
}
