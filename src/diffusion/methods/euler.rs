//! Euler–Maruyama on the reverse SDE: exponential on VP processes, plain or exponential in phase
//! space.

use super::recipe::{ALL, Choice, Course, DATA, MethodInfo, PSLD, Recipe, choice};
use super::visits::{GRID, SIGMAS, TIMESTEPS, Visits};
use super::{continuous, phase};
use crate::diffusion::dynamics::{Jump, ReversePsld, ReverseSde};
use crate::diffusion::process::{Process, ProcessKind};
use crate::dynamics::Linearized;
use crate::error::Result;
use crate::real::Real;
use crate::sampler::{EulerMaruyama, Sampler};

/// Euler–Maruyama: one evaluation per step, and one for the last, which removes the noise left.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Euler {
    /// The levels that are visited, or the spread of the steps in phase space.
    pub visits: Visits,
    /// In phase space: the time at which the steps end. Default 1e-3.
    pub end_time: Option<f64>,
    exponential: bool,
}

impl Euler {
    /// `em`: the plain scheme in phase space.
    pub fn plain() -> Self {
        Self::default()
    }

    /// `ei`: in phase space only, with the linear part exact.
    pub fn exponential() -> Self {
        Self { exponential: true, ..Self::default() }
    }

    fn steps(&self) -> phase::Steps {
        phase::Steps { grid: self.visits.grid, end_time: self.end_time, cost: 1.0 }
    }
}

impl Recipe for Euler {
    fn all() -> Vec<Self> {
        vec![Self::plain(), Self::exponential()]
    }

    fn name(&self) -> &'static str {
        if self.exponential { "ei" } else { "em" }
    }

    fn info(&self, kind: ProcessKind) -> Option<MethodInfo> {
        match (kind, self.exponential) {
            (ProcessKind::Psld, false) => Some(MethodInfo {
                title: "Euler-Maruyama in the plain sense on the reverse SDE",
                source: "Song et al. 2021, arXiv 2011.13456",
            }),
            (ProcessKind::Psld, true) => Some(MethodInfo {
                title: "exponential integrator: Euler-Maruyama with the linear part exact",
                source: "classical",
            }),
            (_, false) => Some(MethodInfo {
                title: "Euler-Maruyama (exponential) on the reverse SDE, with a final denoising \
                        step",
                source: "Song et al. 2021, arXiv 2011.13456",
            }),
            (_, true) => None,
        }
    }

    fn enough_steps(&self, kind: ProcessKind) -> usize {
        match (kind, self.exponential) {
            (ProcessKind::Psld, false) => 16,
            (ProcessKind::Psld, true) => 20,
            _ => 14,
        }
    }

    fn choices(&mut self) -> Vec<Choice<'_>> {
        let on = if self.exponential { PSLD } else { ALL };
        let mut all = vec![choice(&GRID, on, &mut self.visits.grid)];
        if !self.exponential {
            all.push(choice(&TIMESTEPS, DATA, &mut self.visits.timesteps));
            all.push(choice(&SIGMAS, DATA, &mut self.visits.sigmas));
        }
        all.push(choice(&phase::END_TIME, PSLD, &mut self.end_time));
        all
    }

    fn course(&self, process: &Process, evaluations: Option<usize>) -> Result<Course> {
        match process {
            Process::Psld(..) => self.steps().course(self.name(), process, evaluations),
            _ => continuous::course(self.name(), &self.visits, process, evaluations, 1),
        }
    }

    fn sampler<F: Real>(&self, process: &Process, course: &Course) -> Result<Box<dyn Sampler<F>>> {
        match process {
            Process::Psld(psld, _) if self.exponential => {
                phase::finished(EulerMaruyama::new(ReversePsld::new(*psld)), *psld, course)
            }
            Process::Psld(psld, _) => {
                let plain = Linearized::new(ReversePsld::new(*psld));
                phase::finished(EulerMaruyama::new(plain), *psld, course)
            }
            _ => {
                let jump = Jump::on_reverse_sde(course.clock.clone(), course.wanted)?;
                continuous::denoised(EulerMaruyama::new(ReverseSde), jump, course)
            }
        }
    }
}
