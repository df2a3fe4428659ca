//! The `langevin` program: the list of its commands.

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
mod merge;
mod methods;
mod network;
mod npy;
mod npy_header;
mod output;
mod plan;
mod posterior;
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
mod told;
mod trace_file;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use failure::Failure;
use langevin::advanced::abridged;

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
    /// Join the shards of a run of sample or generate
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

fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(program) => program.command,
        Err(error) => refused(&error),
    };
    let ready = langevin::advanced::instruction_set().map_err(Failure::from);
    let result = ready.and_then(|_| match command {
        Command::Merge(arguments) => merge::command(&arguments).and_then(|whole| {
            let whole = Cli::try_parse_from(whole).unwrap_or_else(|error| refused(&error));
            whole.command.run()
        }),
        other => other.run(),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where even stderr is closed or full, the exit code alone must do.
            let _ = writeln!(std::io::stderr(), "{}", failure.line());
            failure.exit_code()
        }
    }
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Sample(arguments) => sample::run(&arguments),
            Self::Posterior(arguments) => posterior::run(&arguments),
            Self::Generate(arguments) => generate::run(&arguments),
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
/// that a terminal would obey.
fn refused(error: &clap::Error) -> ! {
    let text = error.render().to_string();
    let is_odd = |line: &str| line.len() > 1000 || line.contains(char::is_control);
    if !error.use_stderr() || !text.lines().any(is_odd) {
        error.exit();
    }
    let lines: Vec<String> = text.lines().map(abridged).collect();
    let _ = writeln!(std::io::stderr(), "{}", lines.join("\n"));
    std::process::exit(error.exit_code())
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
