//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use langevin::catalog::Options;
use langevin::generation::GenerationOptions;
use langevin::schedule::Spacing;

/// Samplers for Langevin dynamics.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Draw samples from a mixture (TARGET.json) or from a data set with a bandwidth
    Sample(Box<Sample>),
    /// Generate samples from noise, with the exact score of the noised target in place of a trained network
    Generate(Box<Generate>),
    /// The exact stationary covariance of a method on the target N(0, 1/k): no simulation
    Probe(Probe),
    /// List methods, dynamics and ways to generate
    Methods {
        /// One JSON object on stdout
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub struct Method {
    /// overdamped | underdamped
    #[arg(long)]
    pub dynamics: String,
    /// em | pmm1 | pmm2 | rm (see `langevin methods`)
    #[arg(long)]
    pub method: String,
    /// Length of a step
    #[arg(long, value_name = "H", allow_negative_numbers = true)]
    pub step: f64,
    /// Sub-steps K that a Poisson midpoint step imitates [default: 16]
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub substeps: Option<usize>,
    /// Factor in (0, 1] on the noise of every sub-step of the Poisson midpoint [default: 1]
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    pub noise_scale: Option<f64>,
    /// Windows of the randomized midpoint [default: 1]
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    pub windows: Option<usize>,
    /// Picard rounds of the randomized midpoint [default: 0]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub rounds: Option<usize>,
    /// Stop the rounds of a chain once its midpoints move by no more than this
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    pub tolerance: Option<f64>,
    /// Subtract the drift at the start of the step in the randomized midpoint's finish
    #[arg(long)]
    pub control_variate: bool,
    /// Friction of underdamped dynamics [default: 2]
    #[arg(long, value_name = "G", allow_negative_numbers = true)]
    pub friction: Option<f64>,
    /// Inverse mass of underdamped dynamics [default: 1]
    #[arg(long, value_name = "U", allow_negative_numbers = true)]
    pub inverse_mass: Option<f64>,
    /// Plain Euler coefficients in place of the exact ones
    #[arg(long)]
    pub linearized: bool,
}

impl Method {
    pub fn options(&self) -> Options {
        Options {
            friction: self.friction,
            inverse_mass: self.inverse_mass,
            linearized: self.linearized,
            substeps: self.substeps,
            noise_scale: self.noise_scale,
            windows: self.windows,
            rounds: self.rounds,
            tolerance: self.tolerance,
            control_variate: self.control_variate,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    F32,
    F64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NonFinite {
    /// End the run with an error
    Stop,
    /// Keep the chain at its last finite state
    Freeze,
    /// Let the chain go on
    Ignore,
}

/// What the chains are to follow.
#[derive(Args)]
pub struct TargetOptions {
    /// Mixture: {"weights": [..], "means": [[..],..], "std": s} or "variances": [[..],..] or "covariances": [[[..],..],..]
    #[arg(value_name = "TARGET.json", required_unless_present = "data", conflicts_with = "data")]
    pub target: Option<PathBuf>,
    /// Data set, one row for each point (.npy): a mixture with one component for each row
    #[arg(long, value_name = "FILE.npy", requires = "bandwidth")]
    pub data: Option<PathBuf>,
    /// Standard deviation of the components of a data set
    #[arg(long, value_name = "S", requires = "data", conflicts_with = "target", allow_negative_numbers = true)]
    pub bandwidth: Option<f64>,
}

/// How chains are run, and where the results go.
#[derive(Args)]
pub struct RunOptions {
    /// Number of chains
    #[arg(long, value_name = "C", allow_negative_numbers = true)]
    pub chains: usize,
    /// Seed of all noise
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub seed: u64,
    /// Number of the first chain: chains A to B of a larger run, bit for bit
    #[arg(long, value_name = "A", default_value_t = 0, allow_negative_numbers = true)]
    pub first_chain: u32,
    /// Save every M steps instead of the final positions alone
    #[arg(long, value_name = "M", allow_negative_numbers = true)]
    pub every: Option<usize>,
    /// What to do about a chain that is no longer finite
    #[arg(long, value_enum, default_value = "stop")]
    pub non_finite: NonFinite,
    /// Threads [default: all cores]; never changes the result
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub threads: Option<usize>,
    /// Chains carried together; never changes the result
    #[arg(long, value_name = "C", allow_negative_numbers = true)]
    pub chunk: Option<usize>,
    #[arg(long, value_enum, default_value = "f64")]
    pub precision: Precision,
    /// Samples: (chains, dim), or (saved, chains, dim) with --every
    #[arg(long, value_name = "OUT.npy")]
    pub out: Option<PathBuf>,
    /// Picture of the final positions over the density
    #[arg(long, value_name = "OUT.svg")]
    pub plot: Option<PathBuf>,
    /// One JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// No progress bar
    #[arg(long)]
    pub quiet: bool,
}

#[derive(Args)]
pub struct Sample {
    #[command(flatten)]
    pub target: TargetOptions,
    #[command(flatten)]
    pub method: Method,
    /// Number of steps
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub steps: usize,
    /// Start positions, (chains, dim), or positions and velocities, (chains, 2 dim) [default: standard normal]
    #[arg(long, value_name = "FILE.npy")]
    pub start: Option<PathBuf>,
    /// Steps before the first that is saved; without --every, mean and covariance are over all steps after these
    #[arg(long, value_name = "B", allow_negative_numbers = true)]
    pub burn_in: Option<usize>,
    #[command(flatten)]
    pub run: RunOptions,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Variance {
    /// That of the posterior of the level before, given the data
    Small,
    /// β
    Large,
}

#[derive(Args)]
pub struct Generate {
    #[command(flatten)]
    pub target: TargetOptions,
    /// Map the smallest and the largest number of the data set to LO and HI; bandwidth and samples are in these units
    #[arg(long, value_name = "LO,HI", requires = "data", conflicts_with = "target", allow_hyphen_values = true)]
    #[arg(value_parser = interval)]
    pub scale: Option<(f64, f64)>,
    /// ddpm | ddim | dpmpp2m | heun | em | pmm1 | pmm2 | rm | pc | pc-parallel (see `langevin methods`)
    #[arg(long)]
    pub method: String,
    /// linear | scaled-linear | cosine
    #[arg(long, default_value = "linear")]
    pub schedule: String,
    /// Noise levels of the schedule
    #[arg(long, value_name = "N", default_value_t = 1000, allow_negative_numbers = true)]
    pub levels: usize,
    /// Most model evaluations per chain, in expectation [default: what --timesteps or --blocks need]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub evaluations: Option<usize>,
    /// equal | quadratic | logsnr | leading | trailing | linspace [default: quadratic]
    #[arg(long)]
    pub grid: Option<String>,
    /// Lengths of the blocks of levels that a Poisson midpoint steps over, from the noise to the data, as 600,399,1
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true)]
    pub blocks: Option<Vec<usize>>,
    /// The 0-based levels at which the model is evaluated, decreasing, as 999,500,0; the last step goes to the data
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true)]
    pub timesteps: Option<Vec<usize>>,
    /// Variance of the steps of ddpm, pmm1 and pmm2 [default: small]
    #[arg(long, value_enum)]
    pub variance: Option<Variance>,
    /// Share of noise in the steps of ddim, in [0, 1] [default: 0]
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    pub eta: Option<f64>,
    /// Factor in (0, 1] on the noise of every level that a Poisson midpoint steps over [default: 1]
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    pub noise_scale: Option<f64>,
    /// Windows of randomized midpoints [default: 1; 4 for pc-parallel]
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    pub windows: Option<usize>,
    /// Picard rounds of randomized midpoints [default: 0; 2 for pc-parallel]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub rounds: Option<usize>,
    /// Stop the rounds of a chain once its midpoints move by no more than this
    #[arg(long, value_name = "E", allow_negative_numbers = true)]
    pub tolerance: Option<f64>,
    /// Subtract the drift at the start of the step in the finish of rm
    #[arg(long)]
    pub control_variate: bool,
    /// Time of Langevin dynamics in each corrector [default: 1]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub corrector_time: Option<f64>,
    /// Length of a corrector step [default: 0.2; 0.5 for pc-parallel]
    #[arg(long, value_name = "H", allow_negative_numbers = true)]
    pub corrector_step: Option<f64>,
    /// Friction of the corrector [default: 2]
    #[arg(long, value_name = "G", allow_negative_numbers = true)]
    pub friction: Option<f64>,
    /// Ornstein-Uhlenbeck time at which pc and pc-parallel end [default: that of the first level]
    #[arg(long, value_name = "D", allow_negative_numbers = true)]
    pub end_time: Option<f64>,
    /// Start positions, (chains, dim): the noise [default: standard normal]
    #[arg(long, value_name = "FILE.npy")]
    pub start: Option<PathBuf>,
    /// Picture of the first samples, at most 100, as small images: high numbers are dark
    #[arg(long, value_name = "OUT.png", requires = "image_shape")]
    pub grid_image: Option<PathBuf>,
    /// Rows and columns of one image, as 8x8
    #[arg(long, value_name = "RxC", requires = "grid_image", value_parser = image_shape)]
    pub image_shape: Option<(usize, usize)>,
    #[command(flatten)]
    pub run: RunOptions,
}

impl Generate {
    pub fn options(&self) -> langevin::Result<GenerationOptions> {
        Ok(GenerationOptions {
            grid: self.grid.as_deref().map(Spacing::named).transpose()?,
            blocks: self.blocks.clone(),
            timesteps: self.timesteps.clone(),
            large_variance: self.variance.map(|variance| variance == Variance::Large),
            eta: self.eta,
            noise_scale: self.noise_scale,
            windows: self.windows,
            rounds: self.rounds,
            tolerance: self.tolerance,
            control_variate: self.control_variate,
            corrector_time: self.corrector_time,
            corrector_step: self.corrector_step,
            friction: self.friction,
            end_time: self.end_time,
        })
    }
}

/// Two numbers with a comma between, the first below the second.
fn interval(text: &str) -> Result<(f64, f64), String> {
    let ends = text.split_once(',').and_then(|(low, high)| Some((low.trim().parse().ok()?, high.trim().parse().ok()?)));
    // The length of an interval can be infinite where its ends are not.
    match ends {
        Some((low, high)) if f64::is_finite(high - low) && low < high => Ok((low, high)),
        _ => Err("expected two finite numbers LO,HI with LO below HI, as -1,1".into()),
    }
}

/// Two whole numbers with an x between.
fn image_shape(text: &str) -> Result<(usize, usize), String> {
    let sides = text.split_once('x').and_then(|(rows, columns)| Some((rows.parse().ok()?, columns.parse().ok()?)));
    sides.filter(|(rows, columns)| *rows > 0 && *columns > 0).ok_or_else(|| "expected rows x columns, as 8x8".into())
}

#[derive(Args)]
pub struct Probe {
    #[command(flatten)]
    pub method: Method,
    /// Curvature k of the target N(0, 1/k)
    #[arg(long, value_name = "K", default_value_t = 1.0, allow_negative_numbers = true)]
    pub curvature: f64,
    /// One JSON object on stdout
    #[arg(long)]
    pub json: bool,
}
