//! The one list of ways to generate, and their options.

use crate::schedule::Spacing;

/// What is known about a way to generate before it is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenerationMethod {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub title: &'static str,
    /// The options it takes, as spelled on the command line.
    pub options: &'static [&'static str],
    /// The least number of evaluations it works with, for default options.
    pub least: usize,
    /// Where it comes from.
    pub source: &'static str,
}

/// All ways to generate.
pub const GENERATION_METHODS: [GenerationMethod; 10] = [
    GenerationMethod {
        name: "ddpm",
        title: "DDPM ancestral sampling, re-spaced where levels are skipped",
        options: &["grid", "timesteps", "variance"],
        least: 1,
        source: "Ho et al. 2020, arXiv 2006.11239",
    },
    GenerationMethod {
        name: "ddim",
        title: "DDIM; deterministic for eta 0",
        options: &["grid", "timesteps", "eta"],
        least: 1,
        source: "Song, Meng & Ermon 2020, arXiv 2010.02502",
    },
    GenerationMethod {
        name: "dpmpp2m",
        title: "DPM-Solver++(2M), two-step solver of the probability flow",
        options: &["grid", "timesteps"],
        least: 1,
        source: "Lu et al. 2022, arXiv 2211.01095",
    },
    GenerationMethod {
        name: "heun",
        title: "Heun's method on the probability flow (EDM)",
        options: &["grid", "timesteps"],
        least: 1,
        source: "Karras et al. 2022, arXiv 2206.00364",
    },
    GenerationMethod {
        name: "em",
        title: "Euler-Maruyama (exponential) on the reverse SDE, with a final denoising step",
        options: &["grid", "timesteps"],
        least: 2,
        source: "Song et al. 2021, arXiv 2011.13456",
    },
    GenerationMethod {
        name: "pmm1",
        title: "Poisson midpoint on the DDPM chain, option 1: a step is a block of levels",
        options: &["grid", "timesteps", "blocks", "variance", "noise-scale"],
        least: 2,
        source: "Kandasamy & Nagaraj 2024, arXiv 2405.17068",
    },
    GenerationMethod {
        name: "pmm2",
        title: "Poisson midpoint on the DDPM chain, option 2",
        options: &["grid", "timesteps", "blocks", "variance", "noise-scale"],
        least: 2,
        source: "Kandasamy & Nagaraj 2024, arXiv 2405.17068",
    },
    GenerationMethod {
        name: "rm",
        title: "randomized midpoint on the probability flow, with a final denoising step",
        options: &["grid", "timesteps", "windows", "rounds", "tolerance", "control-variate"],
        least: 3,
        source: "Gupta, Cai & Chen 2024, arXiv 2406.00924",
    },
    GenerationMethod {
        name: "pc",
        title: "predictor-corrector: randomized midpoint on the flow, then ULMC, phase by phase",
        options: &["corrector-time", "corrector-step", "friction", "end-time"],
        least: 37,
        source: "Gupta, Cai & Chen 2024, Algorithms 1-3",
    },
    GenerationMethod {
        name: "pc-parallel",
        title: "the same with windows in parallel and Picard rounds in both",
        options: &[
            "windows",
            "rounds",
            "tolerance",
            "corrector-time",
            "corrector-step",
            "friction",
            "end-time",
        ],
        least: 234,
        source: "Gupta, Cai & Chen 2024, Algorithms 4-6",
    },
];

/// Options of generation; what is not given takes its default, what a method does not take is an
/// error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GenerationOptions {
    /// Spread of the visited levels. Default: quadratic.
    pub grid: Option<Spacing>,
    /// Lengths of the blocks of a Poisson midpoint, from the noise to the data.
    pub blocks: Option<Vec<usize>>,
    /// The exact 0-based training timesteps at which the model is evaluated, decreasing.
    pub timesteps: Option<Vec<usize>>,
    /// `true` for the large variance β of DDPM. Default: the posterior's.
    pub large_variance: Option<bool>,
    /// η of DDIM. Default 0.
    pub eta: Option<f64>,
    /// Noise scale ρ of the Poisson midpoint. Default 1.
    pub noise_scale: Option<f64>,
    /// Windows R of randomized midpoints. Default 1; 4 for `pc-parallel`.
    pub windows: Option<usize>,
    /// Picard rounds P. Default 0; 2 for `pc-parallel`.
    pub rounds: Option<usize>,
    /// Tolerance that stops the rounds of a chain early. Default: none.
    pub tolerance: Option<f64>,
    /// Control variate of the randomized midpoint. Default: without.
    pub control_variate: bool,
    /// Time of Langevin dynamics in each corrector, with inverse mass 1 − ᾱ at its level. Default
    /// 1.
    pub corrector_time: Option<f64>,
    /// Length of a corrector step. Default 0.2 (0.5 for `pc-parallel`).
    pub corrector_step: Option<f64>,
    /// Friction of the corrector. Default 2.
    pub friction: Option<f64>,
    /// Ornstein–Uhlenbeck time at which predictor–corrector runs end. Default: that of level 1.
    pub end_time: Option<f64>,
}

impl GenerationOptions {
    pub(super) fn given(&self) -> Vec<&'static str> {
        let all = [
            ("grid", self.grid.is_some()),
            ("blocks", self.blocks.is_some()),
            ("timesteps", self.timesteps.is_some()),
            ("variance", self.large_variance.is_some()),
            ("eta", self.eta.is_some()),
            ("noise-scale", self.noise_scale.is_some()),
            ("windows", self.windows.is_some()),
            ("rounds", self.rounds.is_some()),
            ("tolerance", self.tolerance.is_some()),
            ("control-variate", self.control_variate),
            ("corrector-time", self.corrector_time.is_some()),
            ("corrector-step", self.corrector_step.is_some()),
            ("friction", self.friction.is_some()),
            ("end-time", self.end_time.is_some()),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }
}
