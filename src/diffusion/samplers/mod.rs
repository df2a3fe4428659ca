//! Samplers that only diffusion models need.

mod corrector_plan;
mod final_denoise;
mod heun;
mod jumps;
mod multistep;
mod predictor_corrector;
mod symmetric_splitting;

pub use corrector_plan::CorrectorPlan;
pub use final_denoise::FinalDenoise;
pub use heun::Heun;
pub use jumps::Jumps;
pub use multistep::{
    Deis, ErSde, Family, Multistep, NoiseFunction, Rule, SaSolver, SdeDpm, Steps, Tau, TwoNodes,
    UniPc, Variant,
};
pub use predictor_corrector::PredictorCorrector;
pub use symmetric_splitting::SymmetricSplitting;
