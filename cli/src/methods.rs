//! `langevin methods`: what there is, from the lists of the library.

use clap::Args;
use langevin::catalog::{DYNAMICS, METHODS};
use langevin::diffusion::{LevelTable, Process, ProcessKind, Psld};
use langevin::prelude::{Beta, Method};
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
    let mut text = String::from("methods      evaluations per step   batched calls   what it is\n");
    for m in METHODS {
        let title = m.title;
        text +=
            &format!("  {:<10} {:<22} {:<15} {title}\n", m.name, m.evaluations, m.batched_calls);
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
    for kind in ProcessKind::ALL {
        text += &format!("\ngeneration, --process {kind}\n");
        for method in Method::on(kind) {
            let title = method.info(kind).map_or("", |info| info.title);
            let options = options(&method, kind).join(" --");
            text += &format!("  {:<12} {title}\n{:15}options: --{options}\n", method.name(), "");
        }
    }
    print_line(text.trim_end())
}

fn options(method: &Method, kind: ProcessKind) -> Vec<&'static str> {
    method.options(kind).into_iter().map(|info| info.name).collect()
}

fn json() -> Result<Value, Failure> {
    let methods = METHODS.iter().map(|m| {
        json!({
            "name": m.name, "title": m.title, "options": m.options,
            "evaluations_per_step": m.evaluations, "batched_calls_per_step": m.batched_calls,
            "dynamics": m.dynamics, "source": m.source,
        })
    });
    let dynamics =
        DYNAMICS.iter().map(|d| json!({"name": d.name, "title": d.title, "options": d.options}));
    let vp = Process::vp(LevelTable::linear(1000)?);
    let psld = Process::psld(Psld::PAPER, Beta::constant(8.0)?);
    Ok(json!({
        "methods": methods.collect::<Vec<_>>(), "dynamics": dynamics.collect::<Vec<_>>(),
        "generation": list(&vp), "generation_psld": list(&psld),
    }))
}

/// The ways to generate along a process, with the fewest evaluations that they need.
fn list(process: &Process) -> Vec<Value> {
    let kind = process.kind();
    let entry = |method: Method| {
        let least = match method.plan(process, 0) {
            Err(langevin::Error::TooFew { needed, .. }) => json!(needed),
            _ => json!(null),
        };
        let info = method.info(kind);
        json!({
            "name": method.name(), "title": info.map(|info| info.title),
            "options": options(&method, kind), "least_evaluations": least,
            "source": info.map(|info| info.source),
        })
    };
    Method::on(kind).into_iter().map(entry).collect()
}
