//! SDE-DPM-Solver++ of orders 1 to 3, and DPM-Solver++(3M).

use super::multistep::Walked;
use super::recipe::{Choice, Course, DATA, MethodInfo, Recipe, choice};
use crate::diffusion::prediction::Prediction;
use crate::diffusion::process::{Process, ProcessKind};
use crate::diffusion::samplers::{SdeDpm, TwoNodes};
use crate::error::Result;
use crate::options::OptionInfo;
use crate::real::Real;
use crate::sampler::Sampler;

const RULE: OptionInfo = OptionInfo::new(
    "rule",
    "NAME",
    "How sde-dpmpp2m and the 3m solvers weight their outputs: midpoint, exact or linear [default: \
     midpoint; exact for 3m]",
);
const SHARE: OptionInfo = OptionInfo::new(
    "noise-share",
    "E",
    "Share of noise of sde-dpmpp solvers in [0, 1], from the flow to the reverse SDE [default: 1]",
);

/// SDE-DPM-Solver++ (`sde-dpmpp1`, `sde-dpmpp2m`, `sde-dpmpp3m`), DPM-Solver++(3M) without noise
/// (`dpmpp3m`): one evaluation per step.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MultistepDpm {
    order: usize,
    is_flow: bool,
    /// The levels that are visited.
    pub walked: Walked,
    /// How outputs are weighted. Default: midpoint for order 2, exact for order 3.
    pub rule: Option<TwoNodes>,
    /// Share of noise. Default 1.
    pub noise_share: Option<f64>,
}

impl MultistepDpm {
    /// SDE-DPM-Solver++ of order 1, 2 or 3; other orders are refused when planned.
    pub fn new(order: usize) -> Self {
        let walked = Walked::default();
        Self { order, is_flow: false, walked, rule: None, noise_share: None }
    }

    /// DPM-Solver++(3M).
    pub fn third_order_flow() -> Self {
        Self { is_flow: true, ..Self::new(3) }
    }

    fn family(&self) -> Result<SdeDpm> {
        let customary = if self.order == 3 { TwoNodes::Exact } else { TwoNodes::Midpoint };
        let share = if self.is_flow { 0.0 } else { self.noise_share.unwrap_or(1.0) };
        SdeDpm::new(self.order, share, self.rule.unwrap_or(customary))
    }
}

impl Recipe for MultistepDpm {
    fn all() -> Vec<Self> {
        vec![Self::third_order_flow(), Self::new(1), Self::new(2), Self::new(3)]
    }

    fn name(&self) -> &'static str {
        match (self.is_flow, self.order) {
            (true, _) => "dpmpp3m",
            (_, 1) => "sde-dpmpp1",
            (_, 2) => "sde-dpmpp2m",
            _ => "sde-dpmpp3m",
        }
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        kind.is_of_data().then_some(MethodInfo {
            title: match (self.is_flow, self.order) {
                (true, _) => "DPM-Solver++(3M), three-step solver of the probability flow",
                (_, 1) => "SDE-DPM-Solver++(1), DDPM in its data form",
                (_, 2) => "SDE-DPM-Solver++(2M), two-step solver of the reverse SDE",
                _ => "SDE-DPM-Solver++(3M), three-step solver of the reverse SDE",
            },
            source: "Lu et al. 2022, arXiv 2211.01095",
        })
    }

    fn enough_steps(&self, _: ProcessKind) -> usize {
        match (self.is_flow, self.order) {
            (true, _) | (_, 2) => 9,
            // Three outputs extrapolate: a table of 20 levels ends with 3.6 times the variance.
            (_, 3) => 21,
            _ => 20,
        }
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        let mut all = match self.order {
            3 => self.walked.choices(),
            _ => self.walked.visits.choices(),
        };
        if self.order > 1 {
            all.push(choice(&RULE, DATA, &mut self.rule));
        }
        if !self.is_flow {
            all.push(choice(&SHARE, DATA, &mut self.noise_share));
        }
        all
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        self.family()?;
        self.walked.course(self.name(), process, evaluations, Prediction::Data)
    }

    fn sampler<F: Real>(&self, _: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        self.walked.sampler(self.family()?, course)
    }
}
