//! `langevin probe`: the exact stationary covariance of a method.

use clap::Args;
use langevin::ndarray::Array2;
use langevin::probe;

use crate::failure::Failure;
use crate::output;
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
        let json = serde_json::json!({
            "method": method.name(), "word": method.word(), "dynamics": dynamics, "step": step,
            "curvature": curvature, "covariance": rows(&found.covariance),
            "target": rows(&found.target), "contraction": found.contraction,
        });
        return output::print_line(&json.to_string());
    }
    let title = method.title();
    let mut text = format!("{title} on {dynamics} dynamics, step {step}, ");
    text += &format!("target N(0, 1/{curvature})\n\n");
    text += "stationary variance        exact             target     relative excess\n";
    let blocks = found.covariance.nrows();
    for (i, name) in ["position", "velocity"].iter().enumerate().take(blocks) {
        let exact = found.covariance[[i, i]];
        let target = found.target[[i, i]];
        let excess = exact / target - 1.0;
        text += &format!("  {name:<14} {exact:>18.15} {target:>18.15} {excess:>+15.6e}\n");
    }
    if blocks == 2 {
        let exact = found.covariance[[0, 1]];
        let target = found.target[[0, 1]];
        text += &format!("  {:<14} {exact:>18.15} {target:>18.15}\n", "covariance");
    }
    let factor = found.contraction;
    text += &format!("\nsecond moments approach it by a factor {factor:.6} per step");
    output::print_line(&text)
}

fn rows(matrix: &Array2<f64>) -> Vec<Vec<f64>> {
    matrix.outer_iter().map(|row| row.to_vec()).collect()
}
