//! Plans driven from outside: the run itself, bit for bit, for every method, process and option.

use langevin::diffusion::{Face, Faced, Level, Levels, PlanStepper, ProcessKind, Seen, Window};
use langevin::ndarray::{Array2, ArrayView2, ArrayViewMut2};
use langevin::prelude::*;

use crate::plans::VALUES;
use crate::support::{hash, phase, planned, vp};

/// A velocity that is near that of data N(0.3, 0.5²), and not linear.
pub fn velocity(level: Level, x: f64) -> f64 {
    let [a, s] = [level.signal(), level.noise()];
    let variance = 0.25 * a * a + s * s;
    let noise = s * (x - 0.3 * a) / variance;
    let data = 0.3 + 0.25 * a * (x - 0.3 * a) / variance;
    a * noise - s * data + 0.03 * (3.0 * x).sin()
}

pub struct Network;

impl<F: Real> Denoiser<F> for Network {
    fn prediction(&self) -> Prediction {
        Prediction::Velocity
    }

    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, F>,
        mut out: ArrayViewMut2<'_, F>,
    ) -> std::result::Result<(), BoxError> {
        for ((row, column), v) in out.indexed_iter_mut() {
            *v = F::from_f64(velocity(levels.at(row), x[[row, column]].widen()));
        }
        Ok(())
    }
}

/// Answers all questions by the network, and returns their number.
fn drive<F: Real>(stepper: &mut PlanStepper<'_, F>) -> usize {
    let mut questions = 0;
    while let Some(query) = stepper.ask().unwrap() {
        let rows = query.rows();
        let answer = Array2::from_shape_fn(rows.dim(), |(i, j)| {
            F::from_f64(velocity(query.level(i), rows[[i, j]].widen()))
        });
        stepper.tell(answer.view()).unwrap();
        questions += 1;
    }
    questions
}

fn check<F: Real>(name: &str, plan: &Plan) {
    let usual = plan.run_in::<F>(Network).unwrap().start_normal(2).chains(9).seed(5).run().unwrap();
    let set = |run: Run<'static, F>| run.start_normal(2).chains(9).seed(5);
    let mut stepper = plan.stepper(Prediction::Velocity, set).unwrap();
    assert!(drive(&mut stepper) >= plan.grid().steps(), "{name}");
    let found = stepper.samples();
    assert_eq!(hash(&found.state), hash(&usual.state), "{name}, {}", F::NAME);
    assert_eq!(found, usual, "{name}, {}", F::NAME);
}

pub fn process(kind: ProcessKind) -> Process {
    match kind {
        ProcessKind::Vp => vp(),
        ProcessKind::Psld => phase::process(),
        other => Process::with_options(other, []).unwrap(),
    }
}

/// A method alone, and with each of its options. Some options need another one.
pub fn variants(method: &Method, kind: ProcessKind) -> Vec<Method> {
    let mut all = vec![method.clone()];
    for option in method.options(kind) {
        let (name, value) = *VALUES.iter().find(|(name, _)| *name == option.name).unwrap();
        let base = match name {
            "tolerance" => method.clone().with("rounds", "2").unwrap(),
            "churn-min" | "churn-max" | "churn-noise" => method.clone().with("churn", "9").unwrap(),
            "switch" => method.clone().with("form", "velocity+data").unwrap(),
            "noise-form" => method.clone().with("lambda-s", "0.5").unwrap(),
            _ => method.clone(),
        };
        all.push(base.with(name, value).unwrap());
    }
    all
}

fn check_all<F: Real>() {
    let mut count = 0;
    for kind in ProcessKind::ALL {
        for method in Method::on(kind) {
            for variant in variants(&method, kind) {
                let least = variant.least_evaluations(&process(kind)).unwrap_or(0);
                let plan = match variant.plan(&process(kind), least.max(20)) {
                    Ok(plan) => plan,
                    Err(Error::TooFew { needed, .. }) => {
                        variant.plan(&process(kind), needed).unwrap()
                    }
                    // The last block of all levels of a flow begins in pure noise.
                    Err(_) if kind == ProcessKind::Flow => continue,
                    Err(other) => panic!("{variant} on {kind}: {other}"),
                };
                check::<F>(&format!("{variant} on {kind}"), &plan);
                count += 1;
            }
        }
    }
    assert!(count > 300, "{count}");
}

#[test]
fn plans_driven_from_outside_are_their_runs_in_f64() {
    check_all::<f64>();
    let plan = planned("ddim", 1000, 30).windowed(Window::new(8).unwrap()).unwrap();
    check::<f64>("windowed", &plan);
}

#[test]
fn plans_driven_from_outside_are_their_runs_in_f32() {
    check_all::<f32>();
}

/// A network with a face reads its own variable, and is told its own number.
#[test]
fn networks_with_a_face_are_asked_in_their_variable() {
    let network = |t: f64, x: f64| (2.0 * t - 1.0) * x - 0.2 + 0.01 * (5.0 * x).cos();
    for face in [Face::flow(), Face::flow().predicting(Prediction::Score)] {
        let inside = Batched::any(move |times: Times<'_>, x: ArrayView2<'_, f64>, mut out| {
            for ((row, column), v) in out.indexed_iter_mut() {
                *v = network(times.at(row), x[[row, column]]);
            }
            Ok(())
        });
        let plan = "pmm2:timesteps=900+500+100".parse::<Method>().unwrap();
        let plan = plan.plan(&Process::flow(1.0).unwrap(), 20).unwrap();
        let run = plan.run(Faced::new(face, inside)).unwrap().start_normal(2).chains(9).seed(5);
        let set = |run: Run<'static, f64>| run.start_normal(2).chains(9).seed(5);
        let mut stepper = plan.stepper(Seen::Face(face), set).unwrap();
        while let Some(query) = stepper.ask().unwrap() {
            let rows = query.rows();
            let told = query.numbers();
            assert!((told.at(0) - query.level(0).flow_time()).abs() < 1e-15);
            let answer =
                Array2::from_shape_fn(rows.dim(), |(i, j)| network(told.at(i), rows[[i, j]]));
            stepper.tell(answer.view()).unwrap();
        }
        assert_eq!(stepper.samples(), run.run().unwrap());
    }
}

#[test]
fn a_plan_asks_at_timesteps_of_its_table() {
    let plan = planned("ddim:timesteps=999+500+0", 1000, 3);
    let set = |run: Run<'static, f64>| run.start_normal(1);
    let mut stepper = plan.stepper(Prediction::Epsilon, set).unwrap();
    let mut asked = Vec::new();
    while let Some(query) = stepper.ask().unwrap() {
        asked.push(query.numbers().at(0));
        let zeros = Array2::zeros(query.rows().dim());
        stepper.tell(zeros.view()).unwrap();
    }
    assert_eq!(asked, [999.0, 500.0, 0.0]);
    let error = stepper.tell(Array2::zeros((1, 1)).view()).unwrap_err().to_string();
    assert!(error.contains("a question first"), "{error}");
    let flow = "ddim".parse::<Method>().unwrap().plan(&Process::flow(1.0).unwrap(), 5).unwrap();
    let error = flow.stepper(Prediction::Epsilon, set).unwrap_err().to_string();
    assert!(error.starts_with("data does not follow from a prediction of epsilon"), "{error}");
}
