//! Samplers that only diffusion models need.

mod corrector_plan;
mod final_denoise;
mod heun;
mod jumps;
mod predictor_corrector;
mod symmetric_splitting;

pub use corrector_plan::CorrectorPlan;
pub use final_denoise::FinalDenoise;
pub use heun::Heun;
pub use jumps::Jumps;
pub use predictor_corrector::PredictorCorrector;
pub use symmetric_splitting::SymmetricSplitting;
