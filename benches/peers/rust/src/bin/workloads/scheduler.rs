//! W7: the steps of a scheduler alone. The model's output is there, the same for all peers.

use langevin::BoxError;
use langevin::diffusion::SchedulerConfig;
use langevin::ndarray::{Array2, ArrayView2, ShapeBuilder};

use super::problem::Settings;
use super::{Body, Contestant};

/// Numbers in [-1, 1) by a linear congruence, in rows.
fn numbers(chains: usize, dim: usize, seed: u32) -> Array2<f32> {
    let mut word = seed;
    Array2::from_shape_simple_fn((chains, dim), || {
        word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (word >> 8) as f32 / (1 << 23) as f32 - 1.0
    })
}

fn columns(x: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut out = Array2::zeros(x.dim().f());
    out.assign(&x);
    out
}

fn contestant(class: &str, is_columns: bool) -> Result<Contestant, BoxError> {
    let settings = Settings::of("W7");
    let [chains, dim, steps] = ["chains", "dim", "steps"].map(|name| settings.count(name));
    let config = SchedulerConfig::parse(&settings.value("schedulers")[class].to_string())?;
    let plan = config.plan(steps)?;
    let start = numbers(chains, dim, 1);
    // Two outputs in turn, so that a multistep method sees a change.
    let outputs = [2, 3].map(|seed| numbers(chains, dim, seed));
    let outputs = if is_columns { outputs.map(|x| columns(x.view())) } else { outputs };
    let body: Body = Box::new(move |keep| {
        let mut stepper =
            plan.stepper::<f32>(config.seen(), |run| run.start(start.clone()).chains(chains))?;
        let mut asked = 0;
        while stepper.ask()?.is_some() {
            stepper.tell(outputs[asked % 2].view())?;
            asked += 1;
        }
        if asked != steps {
            return Err(format!("{asked} questions in {steps} steps").into());
        }
        Ok(keep.then(|| stepper.state().positions().mapv(f64::from)))
    });
    // Numbers of the picture times steps.
    let contestant =
        Contestant::new(&format!("W7 {class}"), "langevin", chains * dim * steps, body);
    let variant = if is_columns { "answers by columns" } else { "answers by rows" };
    Ok(contestant.variant(variant).precision("f32"))
}

/// The same by the table of the plan, which computes each step once.
fn by_table(class: &str) -> Result<Contestant, BoxError> {
    let settings = Settings::of("W7");
    let [chains, dim, steps] = ["chains", "dim", "steps"].map(|name| settings.count(name));
    let config = SchedulerConfig::parse(&settings.value("schedulers")[class].to_string())?;
    let table = config.plan(steps)?.step_table(config.seen())?;
    let start = numbers(chains, dim, 1);
    let outputs = [2, 3].map(|seed| numbers(chains, dim, seed));
    let body: Body = Box::new(move |keep| {
        let mut stepper = table.stepper_at(start.view(), 0)?;
        let mut asked = 0;
        while stepper.ask()?.is_some() {
            stepper.tell(outputs[asked % 2].view())?;
            asked += 1;
        }
        if asked != steps {
            return Err(format!("{asked} questions in {steps} steps").into());
        }
        Ok(keep.then(|| stepper.state().mapv(f64::from)))
    });
    let contestant =
        Contestant::new(&format!("W7 {class}"), "langevin", chains * dim * steps, body);
    Ok(contestant.variant("by table").precision("f32"))
}

pub fn contestants() -> Result<Vec<Contestant>, BoxError> {
    let settings = Settings::of("W7");
    let classes = settings.value("schedulers").as_object().ok_or("no schedulers")?;
    let mut all = Vec::new();
    for class in classes.keys() {
        all.push(contestant(class, false)?);
        all.push(contestant(class, true)?);
        all.push(by_table(class)?);
    }
    Ok(all)
}
