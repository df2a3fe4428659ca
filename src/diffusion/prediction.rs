//! What a model of noised data predicts, and how one prediction follows from another.

use super::psld::Factor;
use super::schedule::Level;
use crate::options::by_name;

/// What a model predicts from noised data.
///
/// The first six are about data noised by a variance-preserving process,
/// x = √ᾱ x₀ + √(1−ᾱ) ε. The others are about z = (x, m), data and momentum noised by a
/// phase-space diffusion; such a model reads and writes 2·dim columns.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Prediction {
    /// ∇ log p(x), the score of the noised distribution.
    Score,
    /// The noise, ε̂ = −√(1−ᾱ) score.
    Epsilon,
    /// The data, x̂₀ = (x − √(1−ᾱ) ε̂)/√ᾱ.
    Data,
    /// The velocity, √ᾱ ε̂ − √(1−ᾱ) x̂₀.
    Velocity,
    /// The velocity of flow matching, ε̂ − x̂₀ = (c x − x̂₀)/t with c = 1/(√ᾱ + √(1−ᾱ)) and
    /// t = c √(1−ᾱ).
    Flow,
    /// F of the preconditioning of EDM, in terms of x/√ᾱ = x₀ + σ ε:
    ///
    /// ```text
    /// x̂₀ = σ_d²/(σ² + σ_d²) (x/√ᾱ) + σ σ_d/√(σ² + σ_d²) F
    /// ```
    Edm {
        /// Standard deviation σ_d of the data, customarily 0.5.
        sigma_data: f64,
    },
    /// ∇ log p(z), the score of position and momentum together.
    JointScore,
    /// E[z₀ | z], data and momentum before they were noised. It is what methods may ask for; models
    /// predict the joint score or noise.
    JointData,
    /// The noise ε in both blocks, with z = e^{Fτ} (x₀, 0) + (root) ε and this root.
    JointEpsilon(Factor),
}

impl Prediction {
    /// All predictions of models; that of EDM with its customary σ_d.
    pub const ALL: [Self; 9] = [
        Self::Score,
        Self::Epsilon,
        Self::Data,
        Self::Velocity,
        Self::Flow,
        Self::Edm { sigma_data: 0.5 },
        Self::JointScore,
        Self::JointEpsilon(Factor::Lower),
        Self::JointEpsilon(Factor::Upper),
    ];

    /// Its name: `score`, `epsilon`, `data`, `velocity`, `flow`, `edm`, `joint-score`,
    /// `joint-data`, `epsilon-lower` or `epsilon-upper`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Epsilon => "epsilon",
            Self::Data => "data",
            Self::Velocity => "velocity",
            Self::Flow => "flow",
            Self::Edm { .. } => "edm",
            Self::JointScore => "joint-score",
            Self::JointData => "joint-data",
            Self::JointEpsilon(Factor::Lower) => "epsilon-lower",
            Self::JointEpsilon(Factor::Upper) => "epsilon-upper",
        }
    }

    /// Whether it is about position and momentum together.
    pub fn is_joint(self) -> bool {
        matches!(self, Self::JointScore | Self::JointData | Self::JointEpsilon(_))
    }

    /// (c, d) with ε̂ = c x + d · (this prediction).
    fn to_epsilon(self, level: Level) -> Factors {
        let a = level.signal();
        let s = level.noise();
        match self {
            Self::Score => Factors { input: 0.0, prediction: -s },
            Self::Epsilon => Factors::SAME,
            Self::Data => Factors { input: 1.0 / s, prediction: -a / s },
            Self::Velocity => Factors { input: s, prediction: a },
            Self::Flow => {
                let c = level.flow_scale();
                Factors { input: c, prediction: c * a }
            }
            Self::Edm { sigma_data } => {
                let root = libm::hypot(s, a * sigma_data);
                Factors { input: s / (root * root), prediction: -a * sigma_data / root }
            }
            Self::JointScore | Self::JointData | Self::JointEpsilon(_) => Factors::NONE,
        }
    }

    /// How `wanted` follows from x and this prediction at a level: `wanted` = c x + d · (this
    /// prediction). The factors are NaN between predictions about x and predictions about (x, m),
    /// which do not follow from each other, and not finite where there is too much noise.
    pub fn convert(self, wanted: Self, level: Level) -> Factors {
        if self == wanted {
            return Factors::SAME;
        }
        if self.is_joint() || wanted.is_joint() {
            return Factors::NONE;
        }
        if let Some(factors) = self.directly(wanted, level) {
            return factors;
        }
        let a = level.signal();
        let s = level.noise();
        let noise = self.to_epsilon(level);
        let Factors { input: x, prediction: e } = match wanted {
            Self::Score => Factors { input: 0.0, prediction: -1.0 / s },
            Self::Data => Factors { input: 1.0 / a, prediction: -s / a },
            Self::Velocity => Factors { input: -s / a, prediction: 1.0 / a },
            Self::Flow => Factors { input: -1.0 / a, prediction: 1.0 / (a * level.flow_scale()) },
            Self::Edm { sigma_data } => {
                let root = libm::hypot(s, a * sigma_data);
                let input = s / (a * sigma_data * root);
                Factors { input, prediction: -root / (a * sigma_data) }
            }
            _ => Factors::SAME,
        };
        Factors { input: x + e * noise.input, prediction: e * noise.prediction }
    }

    /// Conversions that do not go by ε̂, so that nothing is divided by a noise or a signal that
    /// vanishes.
    fn directly(self, wanted: Self, level: Level) -> Option<Factors> {
        let a = level.signal();
        let s = level.noise();
        Some(match (self, wanted) {
            (Self::Velocity, Self::Data) => Factors { input: a, prediction: -s },
            (Self::Data, Self::Velocity) => Factors { input: a / s, prediction: -1.0 / s },
            (Self::Score, Self::Data) => Factors { input: 1.0 / a, prediction: s * s / a },
            (Self::Flow, Self::Data) => {
                let c = level.flow_scale();
                Factors { input: c, prediction: -c * s }
            }
            (Self::Data, Self::Flow) => {
                Factors { input: 1.0 / s, prediction: -1.0 / (level.flow_scale() * s) }
            }
            (Self::Flow, Self::Velocity) => {
                let c = level.flow_scale();
                Factors { input: c * (a - s), prediction: c }
            }
            (Self::Velocity, Self::Flow) => {
                Factors { input: s - a, prediction: 1.0 / level.flow_scale() }
            }
            (Self::Edm { sigma_data }, Self::Data) => {
                let root = libm::hypot(s, a * sigma_data);
                let input = sigma_data * sigma_data * a / (root * root);
                Factors { input, prediction: s * sigma_data / root }
            }
            (Self::Edm { sigma_data }, Self::Velocity) => {
                let root = libm::hypot(s, a * sigma_data);
                let input = a * s * (1.0 - sigma_data * sigma_data) / (root * root);
                Factors { input, prediction: -sigma_data / root }
            }
            (Self::Flow, Self::Edm { sigma_data }) => {
                let c = level.flow_scale();
                let root = libm::hypot(s, a * sigma_data);
                let input = c * (s - sigma_data * sigma_data * a) / (sigma_data * root);
                Factors { input, prediction: -c * root / sigma_data }
            }
            (Self::Edm { sigma_data }, Self::Flow) => {
                let root = libm::hypot(s, a * sigma_data);
                let input = (s - sigma_data * sigma_data * a) / (root * root);
                Factors { input, prediction: -sigma_data / (root * level.flow_scale()) }
            }
            (Self::Velocity, Self::Edm { sigma_data }) => {
                let root = libm::hypot(s, a * sigma_data);
                let input = a * s * (1.0 - sigma_data * sigma_data) / (sigma_data * root);
                Factors { input, prediction: -root / sigma_data }
            }
            (Self::Data, Self::Edm { sigma_data }) => {
                let root = libm::hypot(s, a * sigma_data);
                let input = -sigma_data * a / (root * s);
                Factors { input, prediction: root / (s * sigma_data) }
            }
            (Self::Data, Self::Score) => Factors { input: -1.0 / (s * s), prediction: a / (s * s) },
            _ => return None,
        })
    }

    /// Whether `wanted` follows from this prediction at a level: from ε or the score alone, the
    /// data are unknown in pure noise.
    pub(crate) fn reaches(self, wanted: Self, level: Level) -> bool {
        let Factors { input, prediction } = self.convert(wanted, level);
        input.is_finite() && prediction.is_finite()
    }
}

/// The factors of one prediction in another: wanted = `input` · x + `prediction` · (prediction).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// The factor c of x.
    pub input: f64,
    /// The factor d of the prediction.
    pub prediction: f64,
}

impl Factors {
    /// The prediction itself.
    pub const SAME: Self = Self { input: 0.0, prediction: 1.0 };
    const NONE: Self = Self { input: f64::NAN, prediction: f64::NAN };
}

by_name!(Prediction, "prediction");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_agree_with_the_definitions() {
        use Prediction::{Data, Edm, Epsilon, Flow, Score, Velocity};
        let x0 = 0.7;
        let noise = -1.3;
        for alpha_bar in [0.999_999, 0.9, 0.5, 0.01, 1e-6] {
            let level = Level::from_alpha_bar(alpha_bar).unwrap();
            let a = level.signal();
            let s = level.noise();
            let x = a * x0 + s * noise;
            let value = |p: Prediction| match p {
                Score => -noise / s,
                Epsilon => noise,
                Data => x0,
                Flow => noise - x0,
                Edm { sigma_data: d } => {
                    let root = (s * s + d * d * a * a).sqrt();
                    // (x₀ − c_skip x/√ᾱ)/c_out, without the difference of two near numbers.
                    (s * x0 - d * d * a * noise) / (root * d)
                }
                _ => a * noise - s * x0,
            };
            let all = [Score, Epsilon, Data, Velocity, Flow, Edm { sigma_data: 0.5 }];
            for from in all {
                for wanted in all {
                    let Factors { input: c, prediction: d } = from.convert(wanted, level);
                    let found = c * x + d * value(from);
                    // Data from ε loses digits as ᾱ → 0, ε from data as ᾱ → 1: that much is in the
                    // problem.
                    let scale = value(wanted).abs() + (c * x).abs() + (d * value(from)).abs();
                    let error = (found - value(wanted)).abs();
                    assert!(error < 1e-14 * scale, "{from:?} -> {wanted:?} at {alpha_bar}");
                }
            }
        }
    }

    #[test]
    fn pure_noise_says_nothing_about_the_data() {
        let noise = Level::PURE_NOISE;
        assert!(!Prediction::Epsilon.reaches(Prediction::Data, noise));
        assert!(!Prediction::Score.reaches(Prediction::Velocity, noise));
        assert!(Prediction::Velocity.reaches(Prediction::Data, noise));
        assert!(Prediction::Data.reaches(Prediction::Epsilon, noise));
        assert!(Prediction::Score.reaches(Prediction::Epsilon, noise));
    }

    #[test]
    fn data_and_phase_space_do_not_mix() {
        let level = Level::from_alpha_bar(0.5).unwrap();
        assert!(!Prediction::Score.reaches(Prediction::JointScore, level));
        assert!(!Prediction::JointScore.reaches(Prediction::Score, level));
        assert!(Prediction::JointScore.reaches(Prediction::JointScore, level));
    }

    #[test]
    fn names_lead_back() {
        for prediction in Prediction::ALL {
            assert_eq!(prediction.to_string().parse::<Prediction>().unwrap(), prediction);
        }
        assert!("x0".parse::<Prediction>().unwrap_err().to_string().contains("epsilon-lower"));
    }
}
