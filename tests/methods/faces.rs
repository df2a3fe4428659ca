//! Networks of flow matching, EDM and variance-exploding processes: one exact model behind each
//! face gives the same samples, with every method.

use langevin::diffusion::{Clock, Denoised, Face, Faced, InputScale, Level, ProcessKind, Told};
use langevin::ndarray::Array2;
use langevin::prelude::*;

use crate::support::ring;

/// An exact mixture, asked as a network of this face would be.
struct Behind {
    face: Face,
    model: DiffusedMixture,
}

impl Behind {
    fn level(&self, told: f64) -> Level {
        match self.face.told {
            Told::FlowTime => Level::from_flow_time(told),
            Told::FlowTimestep => Level::from_flow_time(told / 1000.0),
            Told::Sigma => Level::from_sigma(told),
            Told::LogSigma => Level::from_log_snr(-2.0 * told),
            Told::QuarterLogSigma => Level::from_log_snr(-8.0 * told),
            _ => Level::from_log_snr(told),
        }
        .unwrap()
    }
}

impl Drift<f64> for Behind {
    fn eval(
        &self,
        times: Times<'_>,
        x: langevin::ndarray::ArrayView2<'_, f64>,
        mut out: langevin::ndarray::ArrayViewMut2<'_, f64>,
    ) -> std::result::Result<(), langevin::BoxError> {
        for (i, row) in x.outer_iter().enumerate() {
            let level = self.level(times.at(i));
            let y = row.mapv(|x| x / self.face.input.factor(level));
            let y: Array2<f64> = y.insert_axis(langevin::ndarray::Axis(0));
            let clock = Clock::Frozen(level);
            // At pure noise only the mean of the data is known.
            let wanted =
                if level == Level::PURE_NOISE { Prediction::Data } else { self.face.prediction };
            let drift = Denoised::new(&self.model, clock, wanted)?;
            let mut found = Array2::zeros(y.dim());
            drift.eval(Times::Shared(0.0), y.view(), found.view_mut())?;
            if level == Level::PURE_NOISE {
                let factors = Prediction::Data.convert(self.face.prediction, level);
                found = y * factors.input + found * factors.prediction;
            }
            if self.face.prediction == Prediction::Score {
                found /= InputScale::Exploding.factor(level);
            }
            out.row_mut(i).assign(&found.row(0));
        }
        Ok(())
    }
}

#[test]
fn one_model_behind_all_faces_gives_the_same_samples() {
    let model = || DiffusedMixture::new(ring(0.3));
    let faces = [
        Face::flow(),
        Face::flow().telling(Told::FlowTimestep),
        Face::edm(0.5),
        Face::edm(1.0).telling(Told::LogSnr),
        Face::ve(),
        Face::ve().telling(Told::LogSigma).predicting(Prediction::Score),
    ];
    for kind in ProcessKind::ALL {
        let process = Process::with_options(kind, []).unwrap();
        for method in Method::on(kind) {
            let plan = method.plan(&process, 400).unwrap();
            let run = |model: &dyn Denoiser<f64>| {
                let run = plan.run(model).unwrap().start_normal(2).chains(4).seed(3);
                run.run().unwrap().positions().to_owned()
            };
            let want = run(&model());
            for face in faces {
                let pure = plan.first_level().unwrap() == Level::PURE_NOISE;
                if pure && face.input == InputScale::Exploding {
                    let model = Faced::new(face, Behind { face, model: model() });
                    let run = plan.run(&model).and_then(|run| run.start_normal(2).chains(1).run());
                    let error = run.unwrap_err();
                    let unreachable = matches!(error, Error::Unreachable { .. });
                    assert!(unreachable || error.to_string().contains("sigma is infinite"));
                    continue;
                }
                let found = run(&Faced::new(face, Behind { face, model: model() }));
                let far = (&found - &want).iter().fold(0.0, |far: f64, x| far.max(x.abs()));
                assert!(far < 1e-10, "{method} on {kind}, {face:?}: {far:e}");
            }
        }
    }
}

/// What a network of this face says about one row.
fn told(face: Face, told: f64, x: &Array2<f64>) -> Array2<f64> {
    let network = Behind { face, model: DiffusedMixture::new(ring(0.3)) };
    let mut out = Array2::zeros(x.dim());
    network.eval(Times::Shared(told), x.view(), out.view_mut()).unwrap();
    out
}

/// Positions after every step of a run of `ddim`.
fn traced(plan: &Plan, start: &Array2<f64>) -> Vec<Array2<f64>> {
    let model = DiffusedMixture::new(ring(0.3));
    let mut trace = Trace::new(Every::new(1).unwrap());
    plan.run(&model).unwrap().start(start.clone()).observe(&mut trace).run().unwrap();
    trace.positions().outer_iter().map(|frame| frame.to_owned()).collect()
}

/// The Euler steps of other software for flow matching, x_f + (t′ − t) v, and for EDM,
/// x + (σ′ − σ)(x − D)/σ, are those of `ddim` on their grids.
#[test]
fn euler_steps_of_other_software_are_those_of_ddim() {
    let start = Array2::from_shape_fn((4, 2), |(i, j)| 0.7 * i as f64 - 1.1 + 0.4 * j as f64);
    let far =
        |a: &Array2<f64>, b: &Array2<f64>| (a - b).iter().fold(0.0f64, |far, x| far.max(x.abs()));
    for (grid, steps) in [("flow-linspace", 4), ("flow-linspace", 28), ("shifted", 10)] {
        let method: Method = format!("ddim:grid={grid}").parse().unwrap();
        let plan = method.plan(&Process::flow(3.0).unwrap(), steps).unwrap();
        let mut x = start.clone();
        for (pair, found) in plan.visited().windows(2).zip(traced(&plan, &start)) {
            let [t, next] = [pair[0].flow_time(), pair[1].flow_time()];
            x = &x + &(told(Face::flow(), t, &x) * (next - t));
            let found = found * pair[1].flow_scale();
            assert!(far(&found, &x) < 1e-11, "{grid} {steps} at {t}: {:e}", far(&found, &x));
        }
    }
    let plan = Method::named("ddim").unwrap();
    let plan = plan.plan(&Process::edm([0.002, 80.0]).unwrap(), 12).unwrap();
    let first = plan.first_level().unwrap();
    let mut x = &start / first.signal();
    for (pair, found) in plan.visited().windows(2).zip(traced(&plan, &start)) {
        let [sigma, next] = [pair[0].sigma(), pair[1].sigma()];
        let data = told(Face::ve(), sigma, &x);
        x = &x + &((&x - &data) * ((next - sigma) / sigma));
        let found = found / pair[1].signal();
        let scale = 1.0 + sigma;
        assert!(far(&found, &x) < 1e-11 * scale, "edm at {sigma}: {:e}", far(&found, &x));
    }
}
