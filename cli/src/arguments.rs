//! Arguments that several commands share.

use std::marker::PhantomData;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use langevin::advanced::OptionInfo;
use serde_json::{Value, json};

/// A list of options that the library knows.
pub trait List {
    fn options() -> Vec<&'static OptionInfo>;
}

/// Options of the library as options of a command: their names and texts.
pub struct Given<L> {
    pub options: Vec<(&'static str, String)>,
    list: PhantomData<L>,
}

impl<L: List> Args for Given<L> {
    fn augment_args(command: Command) -> Command {
        L::options().into_iter().fold(command, |command, info| {
            let arg = Arg::new(info.name).long(info.name).help(info.help);
            command.arg(match info.value {
                "" => arg.action(ArgAction::SetTrue),
                value => arg.value_name(value).allow_hyphen_values(true),
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<L: List> FromArgMatches for Given<L> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let text = |info: &'static OptionInfo| match info.value {
            "" => matches.get_flag(info.name).then(|| (info.name, String::new())),
            _ => matches.get_one::<String>(info.name).map(|text| (info.name, text.clone())),
        };
        let options = L::options().into_iter().filter_map(text).collect();
        Ok(Self { options, list: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The text of an option as JSON: a number, a list of numbers, `true` for a flag, or the text.
pub fn to_json(text: &str) -> Value {
    if text.is_empty() {
        return json!(true);
    }
    if text.contains('+') {
        let numbers: Option<Vec<u64>> = text.split('+').map(|n| n.parse().ok()).collect();
        return numbers.map_or_else(|| json!(text), |numbers| json!(numbers));
    }
    match (text.parse::<u64>(), text.parse::<f64>()) {
        (Ok(whole), _) => json!(whole),
        (_, Ok(number)) => json!(number),
        _ => json!(text),
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
    #[arg(long, value_name = "S", requires = "data", conflicts_with = "target")]
    #[arg(allow_negative_numbers = true)]
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

impl RunOptions {
    /// Whether to run in f32; networks do unless told otherwise.
    pub fn single(&self, network: bool) -> bool {
        self.precision.map_or(network, |precision| precision == Precision::F32)
    }
}
