//! The `langevin` program: draws samples from a target file or a data set, generates them from
//! noise, and probes methods exactly.

mod arguments;
mod compare;
mod comparison;
mod distance;
mod failure;
mod generate;
mod images;
mod input;
mod model;
mod npy;
mod output;
mod planning;
mod probe;
mod report;
mod sample;
mod simulation;
mod target;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let result = langevin::instruction_set().map_err(Failure::from).and_then(|_| match command {
        Command::Sample(arguments) => sample::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Methods { json } => methods(json),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where even stderr is closed or full, the exit code alone must do.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            failure.exit_code()
        }
    }
}

fn methods(json: bool) -> Result<(), Failure> {
    use langevin::catalog::{DYNAMICS, METHODS};
    use langevin::generation::{GENERATION_METHODS, GenerationMethod, PHASE_METHODS};
    if json {
        let methods: Vec<_> = METHODS
            .iter()
            .map(|m| {
                serde_json::json!({
                    "name": m.name, "title": m.title, "options": m.options, "evaluations_per_step": m.evaluations,
                    "batched_calls_per_step": m.batched_calls, "dynamics": m.dynamics, "source": m.source,
                })
            })
            .collect();
        let dynamics: Vec<_> = DYNAMICS
            .iter()
            .map(|d| serde_json::json!({"name": d.name, "title": d.title, "options": d.options}))
            .collect();
        let list = |all: &[GenerationMethod]| -> Vec<_> {
            let entry = |g: &GenerationMethod| {
                serde_json::json!({
                    "name": g.name, "title": g.title, "options": g.options, "least_evaluations": g.least,
                    "source": g.source,
                })
            };
            all.iter().map(entry).collect()
        };
        let (vp, psld) = (list(&GENERATION_METHODS), list(&PHASE_METHODS));
        let all = serde_json::json!({
            "methods": methods, "dynamics": dynamics, "generation": vp, "generation_psld": psld,
        });
        return output::print_line(&all.to_string());
    }
    let mut text = String::from("methods      evaluations per step   batched calls   what it is\n");
    for m in METHODS {
        text += &format!(
            "  {:<10} {:<22} {:<15} {}\n",
            m.name, m.evaluations, m.batched_calls, m.title
        );
        if !m.options.is_empty() {
            text += &format!("{:52}options: --{}\n", "", m.options.join(" --"));
        }
    }
    text += "\ndynamics\n";
    for d in DYNAMICS {
        text += &format!("  {:<12} {}\n", d.name, d.title);
        if !d.options.is_empty() {
            text += &format!("{:15}options: --{}\n", "", d.options.join(" --"));
        }
    }
    for (process, all) in [("vp", &GENERATION_METHODS[..]), ("psld", &PHASE_METHODS[..])] {
        text += &format!("\ngeneration, --process {process}\n");
        for g in all {
            text += &format!(
                "  {:<12} {}\n{:15}options: --{}\n",
                g.name,
                g.title,
                "",
                g.options.join(" --")
            );
        }
    }
    output::print_line(text.trim_end())
}
