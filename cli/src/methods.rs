//! `langevin methods`: what there is, from the lists of the library.

use clap::Args;
use langevin::catalog::{self, DYNAMICS, METHODS};
use langevin::diffusion::ProcessKind;
use langevin::prelude::{Method, Process};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::print_line;

#[derive(Args)]
pub struct Methods {
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Methods) -> Result<(), Failure> {
    if arguments.json {
        return print_line(&json()?.to_string());
    }
    let mut text = catalog::overview();
    for kind in ProcessKind::ALL {
        text += &format!("\n\ngeneration, --process {kind}\n{}", Method::overview(kind));
    }
    print_line(&text)
}

fn json() -> Result<Value, Failure> {
    let process = |kind| Process::with_options(kind, []);
    Ok(json!({
        "methods": METHODS, "dynamics": DYNAMICS,
        "generation": list(&process(ProcessKind::Vp)?),
        "generation_psld": list(&process(ProcessKind::Psld)?),
    }))
}

/// The ways to generate along a process, with the fewest evaluations that they need.
fn list(process: &Process) -> Vec<Value> {
    let kind = process.kind();
    let entry = |method: Method| {
        let info = method.info(kind);
        let options: Vec<_> = method.options(kind).iter().map(|info| info.name).collect();
        json!({
            "name": method.name(), "title": info.map(|info| info.title), "options": options,
            "least_evaluations": method.least_evaluations(process),
            "source": info.map(|info| info.source),
        })
    };
    Method::on(kind).into_iter().map(entry).collect()
}
