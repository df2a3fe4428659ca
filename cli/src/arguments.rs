//! Arguments that several commands share.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use langevin::advanced::{KnownOptions, OptionInfo};
use langevin::prelude::NonFinite;

use crate::beginning::BeginningOptions;
use crate::checkpoint::CheckpointOptions;
use crate::shard::Shard;
use crate::team::Team;

/// Options of the library as options of a command: their names and texts.
pub struct Given<L> {
    pub options: Vec<(&'static str, String)>,
    list: PhantomData<L>,
}

impl<L: KnownOptions> Args for Given<L> {
    fn augment_args(command: Command) -> Command {
        L::known_options().into_iter().fold(command, |command, info| {
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

impl<L: KnownOptions> FromArgMatches for Given<L> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let text = |info: &'static OptionInfo| match info.value {
            "" => matches.get_flag(info.name).then(|| (info.name, String::new())),
            _ => matches.get_one::<String>(info.name).map(|text| (info.name, text.clone())),
        };
        let options = L::known_options().into_iter().filter_map(text).collect();
        Ok(Self { options, list: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    F32,
    F64,
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

impl TargetOptions {
    /// The files that are named, with what names them.
    pub fn files(&self) -> [(&'static str, Option<&Path>); 2] {
        [("the target", self.target.as_deref()), ("--data", self.data.as_deref())]
    }
}

/// How chains are run, and where the results go.
#[derive(Args)]
pub struct RunOptions {
    /// Number of chains
    #[arg(long, value_name = "C", allow_negative_numbers = true)]
    pub chains: usize,
    #[command(flatten)]
    pub beginning: BeginningOptions,
    #[command(flatten)]
    pub durable: CheckpointOptions,
    /// Run the I-th of N equal parts of the chains, bit for bit. The state file of --save-state
    /// then holds what `langevin merge` needs
    #[arg(long, value_name = "I/N", requires = "save_state")]
    pub shard: Option<Shard>,
    /// State files of all shards, and their outputs: what `langevin merge` adds to the command
    #[arg(long, hide = true, value_name = "FILE")]
    pub merge: Vec<PathBuf>,
    /// Save every M steps, and the end, instead of the final positions alone
    #[arg(long, value_name = "M", allow_negative_numbers = true)]
    pub every: Option<usize>,
    /// What to do about a chain that is no longer finite: stop (end the run with an error), freeze
    /// (keep the chain at its last finite state) or ignore (let the chain go on)
    #[arg(long, default_value = "stop", value_parser = policy())]
    pub non_finite: NonFinite,
    /// Chains carried together; never changes the result
    #[arg(long, value_name = "C", allow_negative_numbers = true)]
    pub chunk: Option<usize>,
    /// The covariance also above 8 dimensions, in the report of --json
    #[arg(long)]
    pub covariance: bool,
    /// Samples, .npy or .csv: (chains, dim), or (saved, chains, dim) with --every; - is stdout
    #[arg(long, value_name = "OUT.npy")]
    pub out: Option<PathBuf>,
    /// Picture of the final positions over the density
    #[arg(long, value_name = "OUT.svg")]
    pub plot: Option<PathBuf>,
    #[command(flatten)]
    pub common: CommonOptions,
    /// The ranks that do the run together.
    #[arg(skip)]
    pub team: Team,
}

fn policy() -> impl TypedValueParser<Value = NonFinite> {
    let names = PossibleValuesParser::new(NonFinite::ALL.map(NonFinite::name));
    names.try_map(|name| name.parse::<NonFinite>())
}

/// Options of whatever moves chains.
#[derive(Args)]
pub struct CommonOptions {
    /// Threads [default: all cores]; never changes the result
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub threads: Option<usize>,
    /// [default: f64; f32 with a network]
    #[arg(long, value_enum)]
    pub precision: Option<Precision>,
    /// One JSON object on stdout
    #[arg(long)]
    pub json: bool,
    /// No progress bar
    #[arg(long)]
    pub quiet: bool,
}

impl CommonOptions {
    /// Whether to run in f32; networks do unless told otherwise.
    pub fn single(&self, network: bool) -> bool {
        self.precision.map_or(network, |precision| precision == Precision::F32)
    }
}

/// Two values with a separator between.
pub fn pair<T: FromStr>(text: &str, separator: char) -> Option<(T, T)> {
    let (first, second) = text.split_once(separator)?;
    Some((first.trim().parse().ok()?, second.trim().parse().ok()?))
}

/// Two numbers with a comma between, the first below the second.
pub fn interval(text: &str) -> Result<(f64, f64), String> {
    // The length of an interval can be infinite where its ends are not.
    pair(text, ',')
        .filter(|(low, high)| f64::is_finite(high - low) && low < high)
        .ok_or_else(|| "expected two finite numbers LO,HI with LO below HI, as -1,1".into())
}
