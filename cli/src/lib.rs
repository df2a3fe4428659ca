//! The `langevin` program: the list of its commands, and how it ends.
//!
//! [`program`] is all of it. `langevin` calls it in one process, and `langevin-mpi` in every rank
//! of an MPI job: what differs is only what is behind [`Ranks`].

#![deny(unsafe_code)]

mod arguments;
mod beginning;
mod checkpoint;
mod compare;
mod contents;
mod csv;
mod failure;
mod generate;
mod guidance;
mod inputs;
mod interrupt;
mod joined_frames;
mod known;
mod law;
mod library;
mod lock;
mod merge;
mod methods;
mod mixture_file;
mod network;
mod npy;
mod npy_header;
mod output;
mod pieces;
mod plan;
mod posterior;
mod posterior_shards;
mod probe;
mod reference;
mod report;
mod sample;
mod samples_file;
mod scheduler;
mod shard;
mod shared_object;
mod simulation;
mod source;
mod target;
mod team;
mod told;
mod trace_file;

use std::ffi::OsString;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use failure::Failure;
use langevin::advanced::abridged;
use langevin::ranks::Ranks;
use team::Team;

/// Samplers for Langevin dynamics and diffusion models.
#[derive(Parser)]
#[command(name = "langevin", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Draw samples from a mixture (TARGET.json) or from a data set with a bandwidth
    Sample(Box<sample::Sample>),
    /// Draw from a posterior without anything to choose: tuned, and with a verdict on the result
    Posterior(Box<posterior::PosteriorRun>),
    /// Generate samples from noise, with a trained network or the exact score of a noised target
    Generate(Box<generate::Generate>),
    /// Compare ways to generate: methods x evaluations x seeds, as a table, a CSV file and a
    /// picture
    Compare(Box<compare::Compare>),
    /// Join the shards of a run of sample, generate or posterior
    Merge(merge::Merge),
    /// The distribution of methods ahead of time, for Gaussian data: which one to take for a budget
    Plan(Box<plan::Plan>),
    /// The exact stationary covariance of a method on the target N(0, 1/k): no simulation
    Probe(Box<probe::Probe>),
    /// List methods, dynamics and ways to generate
    Methods(methods::Methods),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

/// How the program ends, with its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All ranks come to their ends.
    Together(u8),
    /// This rank has failed, and others may wait for it: they must be ended.
    Early(u8),
}

/// Why a command ends without its result.
enum Stop {
    Usage(clap::Error),
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(failure: E) -> Self {
        Self::Failure(failure.into())
    }
}

/// Runs the program with these words, of which the first is its name. All ranks run it with the
/// same words.
pub fn program(words: impl IntoIterator<Item = OsString>, ranks: Arc<dyn Ranks>) -> Ending {
    let team = Team::new(ranks);
    match begun(words, &team) {
        Ok(()) => Ending::Together(0),
        // All have the same words.
        Err(Stop::Usage(error)) => {
            if team.is_first() {
                refused(&error);
            }
            Ending::Together(error.exit_code() as u8)
        }
        Err(Stop::Failure(failure)) => {
            // An error that all ranks have is told once: the first one ends the others.
            if !team.is_first() {
                std::thread::sleep(Duration::from_secs(1));
            }
            // Where even stderr is closed or full, the exit code alone must do.
            let _ = writeln!(std::io::stderr(), "{}", failure.line(&team.name()));
            match failure {
                Failure::Untrusted(_) => Ending::Together(failure.code()),
                _ => Ending::Early(failure.code()),
            }
        }
    }
}

fn begun(words: impl IntoIterator<Item = OsString>, team: &Team) -> Result<(), Stop> {
    let command = Cli::try_parse_from(words).map_err(Stop::Usage)?.command;
    langevin::advanced::instruction_set()?;
    match command {
        Command::Merge(arguments) if team.is_first() => {
            let whole = Cli::try_parse_from(merge::command(&arguments)?);
            Ok(whole.map_err(Stop::Usage)?.command.run(&Team::default())?)
        }
        other => Ok(other.run(team)?),
    }
}

impl Command {
    fn run(self, team: &Team) -> Result<(), Failure> {
        match self {
            Self::Sample(mut arguments) => {
                arguments.run.team = team.clone();
                sample::run(&arguments)
            }
            Self::Posterior(mut arguments) => {
                arguments.team = team.clone();
                posterior::run(&arguments)
            }
            Self::Generate(mut arguments) => {
                arguments.run.team = team.clone();
                generate::run(&arguments)
            }
            // The others are for one process.
            _ if !team.is_first() => Ok(()),
            Self::Compare(arguments) => compare::run(&arguments),
            Self::Merge(_) => {
                failure::refuse("this report is of a merge already: give the reports of the shards")
            }
            Self::Plan(arguments) => plan::run(&arguments),
            Self::Probe(arguments) => probe::run(&arguments),
            Self::Methods(arguments) => methods::run(&arguments),
            Self::Completions { shell } => completions(shell),
            Self::Man => manual(),
        }
    }
}

/// Prints what is wrong with the arguments, and quotes those in part that would fill the screen or
/// that a terminal would obey. Help is no error, and goes to stdout.
fn refused(error: &clap::Error) {
    let text = error.render().to_string();
    let is_odd = |line: &str| line.len() > 1000 || line.contains(char::is_control);
    if !error.use_stderr() || !text.lines().any(is_odd) {
        let _ = error.print();
        return;
    }
    let lines: Vec<String> = text.lines().map(abridged).collect();
    let _ = writeln!(std::io::stderr(), "{}", lines.join("\n"));
}

fn completions(shell: Shell) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "langevin", &mut text);
    output::print_line(String::from_utf8_lossy(&text).trim_end())
}

/// The page of the program, and those of its commands behind it.
fn manual() -> Result<(), Failure> {
    let mut text = Vec::new();
    let page = |command: clap::Command, text: &mut Vec<u8>| {
        clap_mangen::Man::new(command).render(text).map_err(|e| Failure::Run(e.to_string()))
    };
    let program = Cli::command();
    page(program.clone(), &mut text)?;
    for command in program.get_subcommands() {
        let name = format!("langevin-{}", command.get_name());
        page(command.clone().name(name), &mut text)?;
    }
    output::print_line(String::from_utf8_lossy(&text).trim_end())
}
