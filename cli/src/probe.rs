//! `langevin probe`: the exact stationary covariance of a method.

use clap::Args;
use langevin::probe;
use serde_json::json;

use crate::failure::Failure;
use crate::output::print_line;
use crate::report::merged;
use crate::sample::MethodOptions;

#[derive(Args)]
pub struct Probe {
    #[command(flatten)]
    method: MethodOptions,
    /// Curvature k of the target N(0, 1/k)
    #[arg(long, value_name = "K", default_value_t = 1.0, allow_negative_numbers = true)]
    curvature: f64,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Probe) -> Result<(), Failure> {
    let method = &arguments.method;
    let sampler = method.sampler::<f64>()?;
    let dynamics = method.dynamics()?;
    let step = method.step;
    let curvature = arguments.curvature;
    let found = probe::stationary_covariance(&*sampler, step, curvature)?;
    if arguments.json {
        let more = json!({
            "method": method.name(), "word": method.word(), "dynamics": dynamics, "step": step,
            "curvature": curvature, "options": method.settings()?,
            "version": env!("CARGO_PKG_VERSION"),
        });
        return print_line(&merged([json!(found), more]));
    }
    let title = method.title();
    print_line(&format!(
        "{title} on {dynamics} dynamics, step {step}, target N(0, 1/{curvature})\n\n{found}"
    ))
}
