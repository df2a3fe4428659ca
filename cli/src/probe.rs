//! `langevin probe`: the exact stationary covariance of a method.

use langevin::ndarray::Array2;
use langevin::probe;

use crate::arguments::Probe;
use crate::failure::Failure;
use crate::output;

pub fn run(arguments: &Probe) -> Result<(), Failure> {
    let method = &arguments.method;
    let sampler = method.sampler::<f64>()?;
    let dynamics = method.dynamics()?;
    let found = probe::stationary_covariance(&*sampler, method.step, arguments.curvature)?;
    if arguments.json {
        let json = serde_json::json!({
            "method": method.name(), "word": method.word, "dynamics": dynamics, "step": method.step, "curvature": arguments.curvature,
            "covariance": rows(&found.covariance), "target": rows(&found.target), "contraction": found.contraction,
        });
        return output::print_line(&json.to_string());
    }
    let mut text = format!(
        "{} on {} dynamics, step {}, target N(0, 1/{})\n\n",
        method.title(),
        dynamics,
        method.step,
        arguments.curvature
    );
    let names = ["position", "velocity"];
    text += "stationary variance        exact             target     relative excess\n";
    for (i, name) in names.iter().enumerate().take(found.covariance.nrows()) {
        let (exact, target) = (found.covariance[[i, i]], found.target[[i, i]]);
        text += &format!(
            "  {name:<14} {exact:>18.15} {target:>18.15} {:>+15.6e}\n",
            exact / target - 1.0
        );
    }
    if found.covariance.nrows() == 2 {
        text += &format!(
            "  {:<14} {:>18.15} {:>18.15}\n",
            "covariance",
            found.covariance[[0, 1]],
            found.target[[0, 1]]
        );
    }
    text += &format!("\nsecond moments approach it by a factor {:.6} per step", found.contraction);
    output::print_line(&text)
}

fn rows(matrix: &Array2<f64>) -> Vec<Vec<f64>> {
    matrix.outer_iter().map(|row| row.to_vec()).collect()
}
