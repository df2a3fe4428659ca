//! Guidance of networks: two drifts combined row by row, and the trajectories of PyTorch.

use langevin::diffusion::{Clock, Denoised, Level, Levels, Lifted};
use langevin::ndarray::{Array2, ArrayView2, Axis, array, s};
use langevin::network::Network;
use langevin::prelude::*;
use serde_json::Value;

use crate::made::{away, expected, labels, matrix, some_rows, tiny, tiny_psld, trained};

/// b = u + w (c − u) for each row, where u and c are evaluated a row at a time.
fn combines(
    conditional: &dyn Drift<f64>,
    unconditional: &dyn Drift<f64>,
    times: &[f64],
    x: ArrayView2<'_, f64>,
) {
    let alone = |drift: &dyn Drift<f64>, time: f64, row: usize| {
        let part = s![row..row + 1, ..];
        let mut out = Array2::zeros((1, x.ncols()));
        drift.eval(Times::Shared(time), x.slice(part), out.view_mut()).unwrap();
        out.row(0).to_owned()
    };
    for weight in [0.0, 1.0, 2.0] {
        let guided = Guided::<f64, _, _>::drifts(conditional, unconditional, weight).unwrap();
        for times in [Times::Shared(times[1]), Times::PerRow(times)] {
            let mut out = Array2::zeros(x.dim());
            guided.eval(times, x, out.view_mut()).unwrap();
            for (row, b) in out.rows().into_iter().enumerate() {
                let c = alone(conditional, times.at(row), row);
                let u = alone(unconditional, times.at(row), row);
                let differ = (&c - &u).iter().any(|d| d.abs() > 1e-3);
                assert!(differ, "row {row}: the two drifts are the same");
                let largest = c.iter().chain(&u).fold(0.0f64, |most, p| most.max(p.abs()));
                for (j, b) in b.iter().enumerate() {
                    let wanted = if weight == 0.0 { u[j] } else { u[j] + weight * (c[j] - u[j]) };
                    assert!(
                        (b - wanted).abs() <= 1e-13 * largest,
                        "weight {weight}, {times:?}, row {row}: {b}, {wanted}"
                    );
                    assert!(
                        weight != 1.0 || (b - c[j]).abs() <= 1e-13 * largest,
                        "weight 1, row {row}: {b}, {}",
                        c[j]
                    );
                }
            }
        }
    }
}

#[test]
fn guidance_combines_two_networks_row_by_row() {
    let network = tiny();
    let all = network.denoiser().unwrap();
    let one = all.clone().with_label(Some(1)).unwrap();
    let x = some_rows(20, 5);
    let chain: Vec<f64> = (0..20).map(|i| (i / 2 * 97) as f64).collect();
    let ou: Vec<f64> = (0..20).map(|i| (i / 2) as f64 / 5.0).collect();
    for wanted in [Prediction::Score, Prediction::Epsilon, Prediction::Data] {
        for (clock, times) in [
            (Clock::Chain(network.table().unwrap().clone()), &chain),
            (Clock::Reverse { horizon: 2.0 }, &ou),
        ] {
            let conditional = Denoised::<f64, _>::new(&one, clock.clone(), wanted).unwrap();
            let unconditional = Denoised::<f64, _>::new(&all, clock, wanted).unwrap();
            combines(&conditional, &unconditional, times, x.view());
        }
    }
}

/// In phase space the two drifts need not be of one kind: the exact score of a mixture, and a
/// network.
#[test]
fn guidance_combines_two_models_of_phase_space_row_by_row() {
    let model = tiny_psld().denoiser().unwrap();
    let Process::Psld(process, _) = *model.process() else { panic!("not psld") };
    let mixture =
        GaussianMixture::isotropic(array![[-1.0, 0.5, 2.0], [1.0, 0.0, -1.0]].view(), 0.3).unwrap();
    let mixture = DiffusedMixture::new(mixture);
    let exact = Lifted::<f64, _>::new(&mixture, process).unwrap();
    let clock = Clock::Phase { process, horizon: 8.0 };
    let joint = Prediction::JointScore;
    let conditional = Denoised::<f64, _>::new(&exact, clock.clone(), joint).unwrap();
    let unconditional = Denoised::<f64, _>::new(&model, clock, joint).unwrap();
    let times: Vec<f64> = (0..20).map(|i| (i / 2) as f64 * 0.8).collect();
    combines(&conditional, &unconditional, &times, some_rows(20, 6).view());
}

/// Fifty steps of DDIM from these starts.
fn ddim<F: Real>(
    network: &Network,
    start: Array2<f64>,
    guidance: Option<(usize, f64)>,
) -> Array2<f64> {
    let all = network.denoiser().unwrap();
    let plan = Method::named("ddim").unwrap().plan(all.process(), 50).unwrap();
    let run = |model: &dyn Denoiser<F>| {
        let run = plan.run_in::<F>(model).unwrap().start(start.mapv(F::from_f64));
        run.threads(1).chunk(16).run().unwrap().state.mapv(F::widen)
    };
    let Some((label, weight)) = guidance else { return run(&all) };
    run(&all.with_label(Some(label)).unwrap().guided::<F>(weight).unwrap())
}

/// A guided model is the model with a label, combined with the same without one.
#[test]
fn a_guided_model_is_made_of_two_labels() {
    let all = tiny().denoiser().unwrap();
    let one = all.clone().with_label(Some(1)).unwrap();
    let x = some_rows(20, 5);
    let level = Level::from_alpha_bar(0.3).unwrap();
    let predict = |model: &dyn Denoiser<f64>| {
        let mut out = Array2::zeros(x.dim());
        model.predict(Levels::Shared(level), x.view(), out.view_mut()).unwrap();
        out
    };
    let guided = one.clone().guided::<f64>(2.5).unwrap();
    let by_hand = Guided::<f64, _, _>::models(&one, &all, 2.5).unwrap();
    assert_eq!(predict(&guided), predict(&by_hand));
    assert_eq!((guided.passes(), Denoiser::<f64>::passes(&one)), (2, 1));
    for (weight, model) in [(0.0, &all), (1.0, &one)] {
        let found = predict(&one.clone().guided::<f64>(weight).unwrap());
        assert!(away(found.view(), predict(model).view()) < 1e-13, "weight {weight}");
    }
    let error = one.guided::<f64>(f64::NAN).unwrap_err();
    assert!(matches!(error, Error::Invalid { name: "guidance", .. }), "{error}");
    // Two models that predict other things cannot be combined.
    let score = DiffusedMixture::new(GaussianMixture::from_data(x.view(), 0.1).unwrap());
    let error = Guided::<f64, _, _>::models(&score, &all, 2.0).unwrap_err();
    assert!(matches!(error, Error::Model { .. }), "{error}");
}

/// From the same starts, as PyTorch makes them.
#[test]
fn a_trajectory_is_that_of_pytorch() {
    fn check<F: Real>(network: &Network, expected: &Value) {
        let start = matrix(&expected["start"]);
        let weight = expected["weight"].as_f64().unwrap();
        let labels = labels(&expected["label"]);
        let unlabelled = ddim::<F>(network, start.clone(), None);
        // A drift has one label for all rows.
        let mut guided = Array2::zeros(start.dim());
        for label in 0..10 {
            let rows: Vec<usize> =
                (0..labels.len()).filter(|row| labels[*row] == Some(label)).collect();
            let found = ddim::<F>(network, start.select(Axis(0), &rows), Some((label, weight)));
            for (row, found) in rows.iter().zip(found.rows()) {
                guided.row_mut(*row).assign(&found);
            }
        }
        for (name, found) in [("unlabelled", unlabelled), ("guided", guided)] {
            let off = away(found.view(), matrix(&expected[format!("{name}_f64")]).view());
            println!("ddim, {name}, {}: largest difference {off:e}", F::NAME);
            assert!(off < 1e-4, "{name}: {off:e}");
        }
    }
    let network = trained("digits");
    let expected = expected("networks.json", "ddim");
    check::<f32>(&network, &expected);
    check::<f64>(&network, &expected);
}
