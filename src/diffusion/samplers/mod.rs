//! Samplers that only diffusion models need.

pub(crate) mod churn;
mod corrector_plan;
mod final_denoise;
mod heun;
mod jumps;
mod multistep;
mod pages;
mod predictor_corrector;
mod replaced;
mod symmetric_splitting;
mod two_step_midpoint;
mod window;
mod windowed;

pub use churn::Churn;
pub use corrector_plan::CorrectorPlan;
pub use final_denoise::FinalDenoise;
pub use heun::{ChurnedHeun, Heun};
pub use jumps::Jumps;
pub use multistep::{
    Deis, ErSde, Family, Multistep, NoiseFunction, Rule, SaSolver, SdeDpm, Steps, Tau, TwoNodes,
    UniPc, Variant,
};
pub use predictor_corrector::PredictorCorrector;
pub use replaced::Replaced;
pub use symmetric_splitting::SymmetricSplitting;
pub use two_step_midpoint::TwoStepMidpoint;
pub use window::Window;
pub use windowed::Windowed;
