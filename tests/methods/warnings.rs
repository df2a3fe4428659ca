//! Warnings of plans and starts: which there are, with which numbers.

use langevin::diffusion::{Levels, Warning};
use langevin::ndarray::{Array2, ArrayView2, ArrayViewMut2, array};
use langevin::prelude::*;

use crate::support::gaussian::model;
use crate::support::{phase, vp};

/// A model of which only the range of the data is known, or nothing.
struct Unknown {
    model: DiffusedMixture,
    range: Option<[f64; 2]>,
}

impl Denoiser<f64> for Unknown {
    fn prediction(&self) -> Prediction {
        Prediction::Score
    }

    fn predict(
        &self,
        levels: Levels<'_>,
        x: ArrayView2<'_, f64>,
        out: ArrayViewMut2<'_, f64>,
    ) -> std::result::Result<(), BoxError> {
        self.model.predict(levels, x, out)
    }

    fn range(&self) -> Option<[f64; 2]> {
        self.range
    }
}

fn unknown(range: Option<[f64; 2]>) -> Unknown {
    Unknown { model: model(0.25), range }
}

fn plan(method: &str, process: &Process, evaluations: usize) -> Plan {
    method.parse::<Method>().unwrap().plan(process, evaluations).unwrap()
}

/// ᾱ, and the bounds of mean and variance.
fn start(warnings: &[Warning]) -> Option<[f64; 3]> {
    warnings.iter().find_map(|warning| match *warning {
        Warning::Start { alpha_bar, mean, variance } => Some([alpha_bar, mean, variance]),
        _ => None,
    })
}

#[test]
fn starts_of_unknown_data_are_doubted_with_bounds() {
    let few = Process::vp(LevelTable::linear_between(100, 1e-4, 0.02).unwrap());
    let level = LevelTable::linear_between(100, 1e-4, 0.02).unwrap().level(100);
    let ddim = plan("ddim", &few, 50);
    for (range, largest, variance) in [
        (None, 1.0, level.alpha_bar()),
        (Some([-1.0, 1.0]), 1.0, level.alpha_bar()),
        // A variance of at most 36, so 35 above 1.
        (Some([0.0, 12.0]), 12.0, 35.0 * level.alpha_bar()),
    ] {
        let [alpha_bar, mean, found] = start(&ddim.warnings(&unknown(range)).unwrap()).unwrap();
        assert_eq!(alpha_bar, level.alpha_bar());
        assert!((mean - largest * level.signal()).abs() < 1e-12, "{range:?}: {mean}");
        assert!((found - variance).abs() < 1e-12, "{range:?}: {found}");
    }
    // The customary processes pass for data of unit size, those of a thousand do not.
    for process in [vp(), phase::process()] {
        for method in ["em", "rm", "pmm2"] {
            let plan = plan(method, &process, 100);
            assert_eq!(plan.warnings(&unknown(None)).unwrap(), []);
            let far = unknown(Some([999.0, 1001.0]));
            let [_, mean, _] = start(&plan.warnings(&far).unwrap()).unwrap();
            assert!(mean > 2.0, "{method}: {mean}");
            assert!(plan.start(&far).unwrap().is_none());
        }
    }
    // Where the data are known, the start is right and nothing is said.
    assert_eq!(ddim.warnings::<f64>(&model(0.25)).unwrap(), []);
    assert!(ddim.start::<f64>(&model(0.25)).unwrap().is_some());
    assert!(plan("ddim", &vp(), 50).start::<f64>(&model(0.25)).unwrap().is_none());
    // In many dimensions a covariance would cost too much.
    let wide = GaussianMixture::isotropic(Array2::zeros((1, 600)).view(), 0.5).unwrap();
    let wide = DiffusedMixture::new(wide);
    assert!(ddim.start::<f64>(&wide).unwrap().is_none());
    assert!(start(&ddim.warnings::<f64>(&wide).unwrap()).is_some());
}

#[test]
fn starts_that_are_no_noise_are_seen() {
    let plan = plan("ddim", &vp(), 50);
    let given = |rows: Array2<f64>| plan.given_start(rows.view(), &unknown(None)).unwrap();
    let data = Array2::from_elem((100, 4), 0.5);
    let Some(Warning::GivenStart { square, allowed }) = given(data.clone()) else {
        panic!("data are not noise")
    };
    assert!((square - 0.25).abs() < 1e-12 && allowed > 0.05 && allowed < 0.6);
    let noised = plan.noised(data.view(), 3, 0).unwrap();
    assert_eq!(given(noised), None);
    assert_eq!(given(array![[0.3]]), None);
    assert!(given(array![[f64::NAN]]).is_some());
    // Data of any size, noised to a level of their own.
    let middle = "ddim:timesteps=300+200+100+0".parse::<Method>().unwrap();
    let middle = middle.plan_listed(&vp()).unwrap();
    let noised = middle.noised(data.view(), 3, 0).unwrap();
    assert_eq!(middle.given_start(noised.view(), &unknown(None)).unwrap(), None);
}

#[test]
fn few_steps_are_said_with_what_would_do() {
    let few = |method: &str, process: &Process, evaluations| {
        let warnings = plan(method, process, evaluations).warnings(&unknown(None)).unwrap();
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let said = few("pmm2", &vp(), 10);
    let start = "pmm2 takes 5 steps, and below 8 its samples may be far off; try ";
    assert!(said.starts_with(start) && said.ends_with("evaluations or more, or dpmpp2m"), "{said}");
    // As many as it says are enough.
    for (method, process) in [
        ("pmm2", vp()),
        ("heun", vp()),
        ("rm", vp()),
        ("oba", phase::process()),
        ("pmm1:grid=quadratic", phase::process()),
        ("em", Process::psld(Psld::PAPER, Beta::linear(0.1, 20.0).unwrap())),
    ] {
        let Warning::FewSteps { evaluations, .. } =
            plan(method, &process, 12).warnings(&unknown(None)).unwrap()[0]
        else {
            panic!("{method}: 12 evaluations are few")
        };
        assert_eq!(few(method, &process, evaluations), "", "{method} {evaluations}");
    }
    assert!(few("em", &phase::process(), 10).contains("or sscs"));
}
