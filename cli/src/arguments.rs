//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use langevin::catalog::{self, Options};
use langevin::{Real, Sampler};

use crate::compare::Compare;
use crate::failure::Failure;
use crate::generate::Generate;

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
    /// Generate samples from noise: with a trained network, or with the exact score of a noised
    /// target
    Generate(Box<Generate>),
    /// Compare ways to generate: methods x evaluations x seeds, as a table, a CSV file and a
    /// picture
    Compare(Box<Compare>),
    /// The exact stationary covariance of a method on the target N(0, 1/k): no simulation
    Probe(Box<Probe>),
    /// List methods, dynamics and ways to generate
    Methods {
        /// One JSON object on stdout
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub struct Method {
    /// overdamped | underdamped [default: the one that the method works on, where there is only
    /// one]
    #[arg(long)]
    pub dynamics: Option<String>,
    /// em | pmm1 | pmm2 | rm | baoab | obabo | aboba | splitting | mala (see `langevin methods`)
    #[arg(long, required_unless_present = "word")]
    pub method: Option<String>,
    /// Splitting by a word of your own over A (position), B (momentum) and O (friction and noise),
    /// as OBABO
    #[arg(long, value_name = "WORD")]
    pub word: Option<String>,
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
    /// The name of the method: a word alone is a splitting.
    pub fn name(&self) -> &str {
        self.method.as_deref().unwrap_or("splitting")
    }

    /// The method as it is called in headings.
    pub fn title(&self) -> String {
        self.word
            .as_ref()
            .map_or_else(|| self.name().into(), |word| format!("splitting {}", word.to_uppercase()))
    }

    /// The name of the dynamics.
    pub fn dynamics(&self) -> Result<&str, Failure> {
        let method = catalog::Method::named(self.name())?;
        if self.word.is_some() && !method.options.contains(&"word") {
            return Err(langevin::Error::NotTaken { option: "word", by: method.name }.into());
        }
        if let Some(dynamics) = &self.dynamics {
            return Ok(dynamics);
        }
        match method.dynamics {
            [only] => Ok(only),
            several => {
                let message = format!(
                    "--dynamics is missing: {} works on {}",
                    self.name(),
                    several.join(" and ")
                );
                Err(Failure::Input(message))
            }
        }
    }

    pub fn sampler<F: Real>(&self) -> Result<Box<dyn Sampler<F>>, Failure> {
        Ok(catalog::sampler::<F>(self.dynamics()?, self.name(), &self.options()?)?)
    }

    fn options(&self) -> langevin::Result<Options> {
        Ok(Options {
            word: self.word.as_deref().map(str::parse).transpose()?,
            friction: self.friction,
            inverse_mass: self.inverse_mass,
            linearized: self.linearized,
            substeps: self.substeps,
            noise_scale: self.noise_scale,
            windows: self.windows,
            rounds: self.rounds,
            tolerance: self.tolerance,
            control_variate: self.control_variate,
        })
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
    /// Mixture: {"weights": [..], "means": [[..],..], "std": s} or "variances": [[..],..] or
    /// "covariances": [[[..],..],..]
    #[arg(value_name = "TARGET.json", conflicts_with = "data")]
    pub target: Option<PathBuf>,
    /// Data set, one row for each point (.npy): a mixture with one component for each row
    #[arg(long, value_name = "FILE.npy", requires = "bandwidth")]
    pub data: Option<PathBuf>,
    /// Standard deviation of the components of a data set
    #[arg(
        long,
        value_name = "S",
        requires = "data",
        conflicts_with = "target",
        allow_negative_numbers = true
    )]
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
    /// [default: f64; f32 with a network]
    #[arg(long, value_enum)]
    pub precision: Option<Precision>,
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
    /// Start positions, (chains, dim), or, for underdamped dynamics, positions and velocities,
    /// (chains, 2 dim) [default: standard normal]
    #[arg(long, value_name = "FILE.npy")]
    pub start: Option<PathBuf>,
    /// Steps before the first that is saved; without --every, mean and covariance are over all
    /// steps after these
    #[arg(long, value_name = "B", allow_negative_numbers = true)]
    pub burn_in: Option<usize>,
    #[command(flatten)]
    pub run: RunOptions,
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
