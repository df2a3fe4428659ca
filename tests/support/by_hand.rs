//! Midpoint methods as the papers write them: loops over all sub-steps and windows, in which every
//! quantity is a linear function of the state and of normals.

use langevin::dynamics::{ContinuousDynamics, LinearDynamics};

use super::matrix::{Matrix, ONE, ZERO, carried, minus, plus, scale, times};

/// A linear function of the state at the start of a step and of its normals.
#[derive(Clone, Debug)]
pub struct Linear {
    /// The factor of the state.
    pub map: Matrix,
    /// The factor of every normal vector.
    pub noise: Vec<Matrix>,
}

impl Linear {
    /// The state at the start of the step.
    pub fn start() -> Self {
        Self { map: ONE, noise: Vec::new() }
    }

    /// Nothing.
    pub fn zero() -> Self {
        Self { map: ZERO, noise: Vec::new() }
    }

    /// A matrix times this function.
    pub fn by(&self, matrix: &Matrix) -> Self {
        let noise = self.noise.iter().map(|factor| times(matrix, factor)).collect();
        Self { map: times(matrix, &self.map), noise }
    }

    /// The sum of two functions.
    pub fn and(&self, other: &Self) -> Self {
        let count = self.noise.len().max(other.noise.len());
        let factor = |all: &Self, i: usize| all.noise.get(i).copied().unwrap_or(ZERO);
        let noise = (0..count).map(|i| plus(&factor(self, i), &factor(other, i))).collect();
        Self { map: plus(&self.map, &other.map), noise }
    }

    /// The function less another one.
    pub fn less(&self, other: &Self) -> Self {
        self.and(&other.by(&scale(&ONE, -1.0)))
    }

    /// The function with normal vector `index` of this covariance added.
    pub fn noisy(&self, index: usize, covariance: &Matrix) -> Self {
        let mut noise = vec![ZERO; index];
        noise.push(root(covariance));
        self.and(&Self { map: ZERO, noise })
    }

    /// The covariance that the normals give.
    pub fn covariance(&self) -> Matrix {
        self.noise.iter().fold(ZERO, |sum, factor| plus(&sum, &carried(factor, &ONE)))
    }
}

/// A lower triangular root.
pub fn root(covariance: &Matrix) -> Matrix {
    let a = covariance[0][0].sqrt();
    let b = if a > 0.0 { covariance[1][0] / a } else { 0.0 };
    [[a, 0.0], [b, (covariance[1][1] - b * b).max(0.0).sqrt()]]
}

/// A Poisson midpoint step on the drift K(t) z with these selected sub-steps:
///
/// ```text
/// X̂ᵢ₊₁ = A′ X̂ᵢ + G′ b₀ + Γ′ Zᵢ
/// Xᵢ₊₁ = A′ Xᵢ + G′ [ b₀ + K Hᵢ ( b(X̂ᵢ, tᵢ) − b₀ ) ] + Γ′ Zᵢ
/// ```
pub struct Poisson<'p> {
    pub dynamics: &'p dyn LinearDynamics,
    pub drift: &'p dyn Fn(f64) -> Matrix,
    pub substeps: usize,
    pub noise_scale: f64,
}

impl Poisson<'_> {
    pub fn step(&self, start: f64, length: f64, selected: &[usize]) -> Linear {
        let small = length / self.substeps as f64;
        let mut path = Linear::start();
        let mut x = Linear::start();
        let b0 = x.by(&(self.drift)(start));
        for i in 0..self.substeps {
            let time = start + small * i as f64;
            let t = self.dynamics.transition(time, small);
            let mut b = b0.clone();
            if selected.contains(&i) {
                let there = path.by(&(self.drift)(time)).less(&b0);
                b = b.and(&there.by(&scale(&ONE, self.substeps as f64)));
            }
            let q = scale(&t.covariance, self.noise_scale * self.noise_scale);
            x = x.by(&t.propagator).and(&b.by(&t.gain)).noisy(i, &q);
            path = path.by(&t.propagator).and(&b0.by(&t.gain)).noisy(i, &q);
        }
        x
    }
}

/// A randomized midpoint step on the drift K(t) z with these coins, window by window:
///
/// ```text
/// τᵢ = t₀ + (i − 1 + uᵢ) δ, δ = h/R
/// start    xᵢ⁰ = A(t₀,τᵢ) X + G(t₀,τᵢ) b(X, t₀) + Nᵢ
/// Picard   xᵢᵏ = A(t₀,τᵢ) X + Σ_{j≤i} Wᵢⱼ b(xⱼᵏ⁻¹, τⱼ) + Nᵢ
/// finish   X⁺  = A(t₀,t₁) X + δ Σᵢ A(τᵢ,t₁) J b(xᵢᴾ, τᵢ) + N_{R+1}
/// Wᵢⱼ = A(eᵢⱼ, τᵢ) G(wⱼ, eᵢⱼ)     wⱼ = t₀ + (j−1)δ, eᵢⱼ = min(t₀ + jδ, τᵢ)
/// ```
pub struct Randomized<'r> {
    pub dynamics: &'r dyn ContinuousDynamics,
    pub drift: &'r dyn Fn(f64) -> Matrix,
    pub rounds: usize,
    pub control_variate: bool,
}

impl Randomized<'_> {
    pub fn step(&self, start: f64, length: f64, coins: &[f64]) -> Linear {
        let between = |from: f64, to: f64| self.dynamics.transition(from, to - from);
        let windows = coins.len();
        let delta = length / windows as f64;
        let inner = |i: usize| start + (i as f64 + coins[i]) * delta;
        let end = start + length;
        // A(t₀,τᵢ) X + Nᵢ, and the same at the end of the step.
        let mut paths = Vec::new();
        let mut path = Linear::start();
        let mut before = start;
        for (i, time) in (0..windows).map(inner).chain([end]).enumerate() {
            let t = between(before, time);
            path = path.by(&t.propagator).noisy(i, &t.covariance);
            paths.push(path.clone());
            before = time;
        }
        let b0 = Linear::start().by(&(self.drift)(start));
        let guess = |i: usize| paths[i].and(&b0.by(&between(start, inner(i)).gain));
        let mut points: Vec<Linear> = (0..windows).map(guess).collect();
        let drift_at = |points: &[Linear], j: usize| points[j].by(&(self.drift)(inner(j)));
        for _ in 0..self.rounds {
            let next = |i: usize| {
                (0..=i).fold(paths[i].clone(), |sum, j| {
                    let window = start + delta * j as f64;
                    let edge = (window + delta).min(inner(i));
                    let gain = between(window, edge).gain;
                    let weight = times(&between(edge, inner(i)).propagator, &gain);
                    sum.and(&drift_at(&points, j).by(&weight))
                })
            };
            points = (0..windows).map(next).collect();
        }
        let mut x = paths[windows].clone();
        if self.control_variate {
            x = x.and(&b0.by(&between(start, end).gain));
        }
        for i in 0..windows {
            let mut b = drift_at(&points, i);
            if self.control_variate {
                b = b.less(&b0);
            }
            let weight = times(&between(inner(i), end).propagator, &self.dynamics.rate(inner(i)));
            x = x.and(&b.by(&scale(&weight, delta)));
        }
        x
    }
}

/// A matrix that acts on the position alone.
pub fn on_position(factor: f64) -> Matrix {
    [[factor, 0.0], [0.0, 0.0]]
}

/// The step without the second block, which a state of one block does not have.
pub fn position_only(matrix: &Matrix) -> Matrix {
    minus(matrix, &[[0.0, matrix[0][1]], [matrix[1][0], matrix[1][1]]])
}
