//! The joint score of position and momentum: made of a model of noised data, and of predictions of
//! the noise.

use langevin::diffusion::{Clock, Denoised, Factor, Level, Levels, Lifted};
use langevin::ndarray::{
    Array1, Array2, Array3, ArrayView2, ArrayViewMut2, Axis, array, concatenate,
};
use langevin::prelude::*;

use crate::phase_space::processes;
use crate::support::matrix::{carried, diagonal, exponential, minus, scale};
use crate::support::phase::forward;

/// A mixture in the plane, and the covariances of its components.
struct Case {
    data: GaussianMixture,
    covariances: Vec<Array2<f64>>,
}

/// Mixtures of every kind of covariance.
fn cases() -> [Case; 3] {
    let means = array![[0.0, 1.0], [2.0, -1.0], [-1.0, 0.5]];
    let full =
        array![[[1.0, 0.4], [0.4, 0.8]], [[0.5, -0.1], [-0.1, 1.5]], [[0.3, 0.0], [0.0, 0.2]]];
    let variances = array![[0.5, 1.0], [0.3, 0.1], [2.0, 0.7]];
    let case = |data: Result<GaussianMixture>, covariances| Case {
        data: data.unwrap().with_weights(&[1.0, 2.0, 0.5]).unwrap(),
        covariances,
    };
    let diagonal = |row: langevin::ndarray::ArrayView1<'_, f64>| {
        Array2::from_diag(&Array1::from(row.to_vec()))
    };
    [
        case(GaussianMixture::isotropic(means.view(), 0.4), vec![Array2::eye(2) * 0.16; 3]),
        case(
            GaussianMixture::diagonal(means.view(), variances.view()),
            variances.rows().into_iter().map(diagonal).collect(),
        ),
        case(
            GaussianMixture::full(means.view(), full.view()),
            full.outer_iter().map(|covariance| covariance.to_owned()).collect(),
        ),
    ]
}

/// The distribution of (x, m) at τ as a mixture in four dimensions, without anything of the
/// library's score.
fn joint(case: &Case, p: &Psld, tau: f64) -> GaussianMixture {
    let e = exponential(&scale(&forward(p), tau));
    let means = |factor: f64| case.data.means() * factor;
    let means = concatenate(Axis(1), &[means(e[0][0]).view(), means(e[1][0]).view()]).unwrap();
    // Σ_∞ − e (Σ_∞ − diag(0, κM)) eᵀ for the noise, and e (V, 0) eᵀ for the data.
    let limit = diagonal(1.0, p.mass());
    let rest = minus(&limit, &diagonal(0.0, p.kappa() * p.mass()));
    let noise = minus(&limit, &carried(&e, &rest));
    let joint = Array3::from_shape_fn((case.data.components(), 4, 4), |(k, i, j)| {
        let [row, column] = [i / 2, j / 2];
        let own = if i % 2 == j % 2 { noise[row][column] } else { 0.0 };
        e[row][0] * e[column][0] * case.covariances[k][[i % 2, j % 2]] + own
    });
    let mixture = GaussianMixture::full(means.view(), joint.view()).unwrap();
    mixture.with_weights(case.data.weights()).unwrap()
}

/// Points in the plane with momenta.
fn points(rows: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, 4), |(i, j)| ((i * 7 + j * 11) % 29) as f64 / 6.0 - 2.4)
}

/// The score that the library computes for any mixture, here in four dimensions, and differences of
/// the log density. Its curvature is up to 1/noise.
fn check_score(name: &str, exact: &GaussianMixture, z: &Array2<f64>, found: &Array2<f64>) {
    let mut direct = Array2::<f64>::zeros(z.dim());
    exact.eval(Times::Shared(0.0), z.view(), direct.view_mut()).unwrap();
    for (f, d) in found.iter().zip(&direct) {
        assert!((f - d).abs() < 1e-9 * (1.0 + d.abs()), "{name}: {f} {d}");
    }
    let h = 1e-4 * exact.covariance()[[0, 0]].sqrt().min(0.1);
    for j in 0..4 {
        let shifted = |by: f64| {
            let mut z = z.clone();
            z.column_mut(j).mapv_inplace(|x| x + by);
            exact.log_density(z.view()).unwrap()
        };
        for (i, (up, down)) in shifted(h).iter().zip(&shifted(-h)).enumerate() {
            let numerical = (up - down) / (2.0 * h);
            let largest = found.row(i).iter().fold(0.0f64, |m, s| m.max(s.abs()));
            let error = (found[[i, j]] - numerical).abs();
            assert!(error < 1e-5 * (1.0 + largest), "{name}: {} {numerical}", found[[i, j]]);
        }
    }
}

#[test]
fn the_joint_score_is_the_gradient_of_the_log_density() {
    let z = points(77);
    for case in cases() {
        let diffused = DiffusedMixture::new(case.data.clone());
        for p in processes() {
            let model = Lifted::<f64, _>::new(&diffused, p).unwrap();
            for tau in [0.05, 0.8, 8.0] {
                let name = format!("{p:?} {tau}");
                let level = Level::from_tau(tau).unwrap();
                let mut found = Array2::<f64>::zeros(z.dim());
                model.predict(Levels::Shared(level), z.view(), found.view_mut()).unwrap();
                check_score(&name, &joint(&case, &p, tau), &z, &found);
                // In f32, and with a level of its own for every row.
                let narrow = Lifted::<f32, _>::new(&diffused, p).unwrap();
                let mut single = Array2::<f32>::zeros(z.dim());
                let z32 = z.mapv(|x| x as f32);
                narrow.predict(Levels::Shared(level), z32.view(), single.view_mut()).unwrap();
                let bound = 2e-4 * found.iter().fold(1.0f64, |m, s| m.max(s.abs()));
                let close = |(f, s): (&f64, &f32)| (f - f64::from(*s)).abs() < bound;
                assert!(found.iter().zip(&single).all(close), "{name}");
                let mut own = Array2::<f64>::zeros(z.dim());
                let levels = vec![level; 77];
                model.predict(Levels::PerRow(&levels), z.view(), own.view_mut()).unwrap();
                assert_eq!(own, found);
            }
        }
    }
}

/// A model that predicts the noise of both blocks with this root.
struct Noise<M> {
    score: M,
    process: Psld,
    factor: Factor,
}

impl<M: Denoiser<f64>> Denoiser<f64> for Noise<M> {
    fn prediction(&self) -> Prediction {
        Prediction::JointEpsilon(self.factor)
    }
    fn predict(
        &self,
        levels: Levels<'_>,
        z: ArrayView2<'_, f64>,
        mut out: ArrayViewMut2<'_, f64>,
    ) -> Result<(), BoxError> {
        self.score.predict(levels, z, out.view_mut())?;
        for (row, mut out) in out.rows_mut().into_iter().enumerate() {
            let root = self.process.noise_factor(levels.at(row).tau(), self.factor);
            for j in 0..2 {
                // ε = −(root)ᵀ s
                let [x, m] = [out[j], out[2 + j]];
                out[j] = -(root[0][0] * x + root[1][0] * m);
                out[2 + j] = -(root[0][1] * x + root[1][1] * m);
            }
        }
        Ok(())
    }
}

fn drift(model: impl Denoiser<f64>) -> impl Drift<f64> {
    let clock = Clock::Phase { process: Psld::PAPER, horizon: 8.0 };
    Denoised::new(model, clock, Prediction::JointScore).unwrap()
}

#[test]
fn noise_models_give_their_score_in_both_conventions() {
    let data = DiffusedMixture::new(cases()[0].data.clone());
    let process = Psld::PAPER;
    let exact = Lifted::<f64, _>::new(&data, process).unwrap();
    let z = points(9);
    let own: Vec<f64> = (0..9).map(|i| 0.5 + 0.6 * f64::from(i)).collect();
    for factor in [Factor::Lower, Factor::Upper] {
        let model = Noise { score: &exact, process, factor };
        for times in [Times::Shared(1.5), Times::PerRow(&own)] {
            let mut want = Array2::zeros(z.dim());
            let mut found = Array2::zeros(z.dim());
            drift(&exact).eval(times, z.view(), want.view_mut()).unwrap();
            drift(&model).eval(times, z.view(), found.view_mut()).unwrap();
            let largest = want.iter().fold(1.0f64, |m: f64, s: &f64| m.max(s.abs()));
            let close = |(w, f): (&f64, &f64)| (w - f).abs() < 1e-11 * largest;
            assert!(want.iter().zip(&found).all(close), "{factor:?}");
        }
    }
    // At its end the process has no score any more: an error, not an infinity.
    let mut out = Array2::zeros(z.dim());
    let error = drift(&exact).eval(Times::Shared(8.0), z.view(), out.view_mut()).unwrap_err();
    assert!(error.to_string().starts_with("tau: given 0"), "{error}");
}

/// A plan takes a model of data, a joint score, and a joint noise: the same run.
#[test]
fn a_plan_takes_models_of_data_and_of_both_blocks() {
    let data = DiffusedMixture::new(cases()[0].data.clone());
    let process = Process::psld(Psld::PAPER, Beta::constant(8.0).unwrap());
    let plan = Method::named("roba").unwrap().plan(&process, 20).unwrap();
    let run = |run: Run<'_, f64>| run.start_normal(2).chains(30).run().unwrap().state;
    let own = run(plan.run(&data).unwrap());
    let exact = || Lifted::<f64, _>::new(&data, Psld::PAPER).unwrap();
    assert_eq!(own, run(plan.run(exact()).unwrap()));
    let noise = Noise { score: exact(), process: Psld::PAPER, factor: Factor::Upper };
    let other = run(plan.run(noise).unwrap());
    assert!(own.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-8 * (1.0 + a.abs())));
    // On a variance-preserving process a joint model has no meaning.
    let vp = Process::vp(LevelTable::linear(10).unwrap());
    let error = Method::named("ddim").unwrap().plan(&vp, 5).unwrap().run(exact()).unwrap_err();
    assert!(matches!(error, Error::Model { .. }), "{error}");
    let error = Lifted::<f64, _>::new(exact(), Psld::PAPER).unwrap_err().to_string();
    assert!(error.starts_with("model: given a prediction of joint-score"), "{error}");
}
