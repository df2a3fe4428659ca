//! Phase-space diffusions: the kernel, the exact joint score, one step of every sampler as an
//! affine map, and the table of errors in METHODS.md.

use langevin::generation::{NoiseForm, PhaseGrid, PhaseOptions, plan_phase};
use langevin::metrics::radial_wasserstein;
use langevin::ndarray::{
    Array1, Array2, Array3, ArrayView2, ArrayViewMut2, Axis, array, concatenate,
};
use langevin::schedule::Beta;
use langevin::*;

type Matrix = [[f64; 2]; 2];

fn times(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| a[i][0] * b[0][j] + a[i][1] * b[1][j]))
}

fn plus(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| a[i][j] + b[i][j]))
}

fn scale(a: &Matrix, factor: f64) -> Matrix {
    a.map(|row| row.map(|x| factor * x))
}

fn transposed(a: &Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| a[j][i]))
}

const ONE: Matrix = [[1.0, 0.0], [0.0, 1.0]];

/// exp(a) by scaling, a Taylor series and squaring: nothing in common with the library's closed
/// form.
fn exponential(a: &Matrix) -> Matrix {
    let small = scale(a, 1.0 / 1024.0);
    let (mut sum, mut term) = (ONE, ONE);
    for k in 1..20 {
        term = scale(&times(&term, &small), 1.0 / f64::from(k));
        sum = plus(&sum, &term);
    }
    for _ in 0..10 {
        sum = times(&sum, &sum);
    }
    sum
}

fn near(a: &Matrix, b: &Matrix, tolerance: f64) -> bool {
    let largest = b.iter().flatten().fold(1e-300f64, |m, x| m.max(x.abs()));
    a.iter().flatten().zip(b.iter().flatten()).all(|(a, b)| (a - b).abs() <= tolerance * largest)
}

fn processes() -> Vec<Psld> {
    [(0.01, 4.01, 0.04), (0.0, 4.0, 0.04), (0.5, 1.5, 0.0), (3.0, 1.0, 0.3), (0.2, 0.0, 1.0)]
        .map(|(gamma, nu, kappa)| Psld::new(gamma, nu, kappa).unwrap())
        .into()
}

/// F as the paper writes it.
fn forward(p: &Psld) -> Matrix {
    scale(&[[-p.gamma(), 1.0 / p.mass()], [-1.0, -p.nu()]], 0.5)
}

#[test]
fn the_kernel_is_that_of_the_equation() {
    for p in processes() {
        let f = forward(&p);
        for tau in [1e-6, 8e-3, 0.1, 0.5, 2.0, 8.0] {
            let e = exponential(&scale(&f, tau));
            assert!(near(&p.propagator(tau), &e, 1e-12), "{p:?} {tau}");
            // Σ_∞ − e^{Fτ} (Σ_∞ − Σ₀) e^{Fᵀτ}, as exact as its terms of order 1 let it be.
            for variance in [0.0, 0.3] {
                let start = [[variance, 0.0], [0.0, p.kappa() * p.mass()]];
                let limit = [[1.0, 0.0], [0.0, p.mass()]];
                let rest = times(&times(&e, &plus(&limit, &scale(&start, -1.0))), &transposed(&e));
                let want = plus(&limit, &scale(&rest, -1.0));
                let found = p.covariance(tau, variance);
                let scale = 1.0 + p.mass();
                let close = found
                    .iter()
                    .flatten()
                    .zip(want.iter().flatten())
                    .all(|(a, b)| (a - b).abs() < 1e-12 * scale);
                assert!(close, "{p:?} {tau}: {found:?} {want:?}");
            }
            // And by quadrature, relative to each entry, where that formula has lost its digits:
            // Simpson on 4000 cells.
            let mut q = [[0.0; 2]; 2];
            let cells = 4000;
            for i in 0..=cells {
                let weight = if i == 0 || i == cells {
                    1.0
                } else if i % 2 == 1 {
                    4.0
                } else {
                    2.0
                };
                let e = p.propagator(tau * f64::from(i) / f64::from(cells));
                let d = [[p.gamma(), 0.0], [0.0, p.mass() * p.nu()]];
                q = plus(
                    &q,
                    &scale(
                        &times(&times(&e, &d), &transposed(&e)),
                        weight * tau / (3.0 * f64::from(cells)),
                    ),
                );
            }
            let carried =
                times(&times(&e, &[[0.0, 0.0], [0.0, p.kappa() * p.mass()]]), &transposed(&e));
            let (found, want) = (p.covariance(tau, 0.0), plus(&q, &carried));
            for i in 0..2 {
                assert!(
                    (found[i][i] / want[i][i] - 1.0).abs() < 1e-10,
                    "{p:?} {tau}: {found:?} {want:?}"
                );
            }
            for factor in [Factor::Lower, Factor::Upper] {
                let root = p.noise_factor(tau, factor);
                assert!(
                    near(&times(&root, &transposed(&root)), &found, 1e-13),
                    "{p:?} {tau} {factor:?}"
                );
                assert_eq!(if factor == Factor::Lower { root[0][1] } else { root[1][0] }, 0.0);
                let back = times(&p.score_of_noise(tau, factor), &transposed(&root));
                assert!(near(&back, &scale(&ONE, -1.0), 1e-9), "{p:?} {tau} {factor:?}: {back:?}");
            }
        }
    }
}

#[test]
fn reverse_coefficients_compose_and_are_those_of_the_equation() {
    for p in processes() {
        let (reverse, flow) = (ReversePsld::new(p), PsldFlow::new(p));
        for dynamics in [&reverse as &dyn ContinuousDynamics, &flow] {
            for (h, g) in [(1e-9, 3e-9), (0.01, 0.3), (0.5, 0.25), (2.0, 5.0)] {
                let (one, two) = (dynamics.transition(0.0, h), dynamics.transition(h, g));
                let (both, whole) = (one.then(&two), dynamics.transition(0.0, h + g));
                assert!(near(&both.propagator, &whole.propagator, 1e-13));
                assert!(near(&both.gain, &whole.gain, 1e-13));
                assert!(near(&both.covariance, &whole.covariance, 1e-13), "{p:?} {h} {g}");
            }
            // To first order the coefficients are generator, rate and intensity.
            let h = 1e-7;
            let small = dynamics.transition(0.0, h);
            let step = scale(&plus(&small.propagator, &scale(&ONE, -1.0)), 1.0 / h);
            assert!(near(&step, &dynamics.generator(0.0), 1e-6));
            assert!(near(&scale(&small.gain, 1.0 / h), &dynamics.rate(0.0), 1e-6));
        }
        assert!(near(&reverse.generator(0.0), &scale(&forward(&p), -1.0), 1e-15));
        // The three parts add up to the whole.
        let h = 1e-7;
        let mut sum = [[0.0; 2]; 2];
        let (mut gain, mut noise) = (sum, sum);
        for letter in [Letter::A, Letter::B, Letter::O] {
            let part = reverse.part(letter, h);
            sum = plus(&sum, &scale(&plus(&part.propagator, &scale(&ONE, -1.0)), 1.0 / h));
            gain = plus(&gain, &scale(&part.gain, 1.0 / h));
            noise = plus(&noise, &scale(&part.covariance, 1.0 / h));
        }
        assert!(near(&sum, &reverse.generator(0.0), 1e-6) && near(&gain, &reverse.rate(0.0), 1e-6));
        assert!(near(&noise, &reverse.intensity(0.0), 1e-6));
    }
}

/// Mixtures of every kind of covariance in the plane.
fn mixtures() -> Vec<GaussianMixture> {
    let means = array![[0.0, 1.0], [2.0, -1.0], [-1.0, 0.5]];
    let weights = [1.0, 2.0, 0.5];
    let covariances =
        array![[[1.0, 0.4], [0.4, 0.8]], [[0.5, -0.1], [-0.1, 1.5]], [[0.3, 0.0], [0.0, 0.2]]];
    let variances = array![[0.5, 1.0], [0.3, 0.1], [2.0, 0.7]];
    [
        GaussianMixture::isotropic(means.view(), 0.4).unwrap(),
        GaussianMixture::diagonal(means.view(), variances.view()).unwrap(),
        GaussianMixture::full(means.view(), covariances.view()).unwrap(),
    ]
    .map(|mixture| mixture.with_weights(&weights).unwrap())
    .into()
}

/// The law of (x, m) at τ as a mixture in four dimensions, written down without anything of the
/// library's score.
fn joint(
    data: &GaussianMixture,
    covariances: &[Array2<f64>],
    p: &Psld,
    tau: f64,
) -> GaussianMixture {
    let e = exponential(&scale(&forward(p), tau));
    let limit = [[1.0, 0.0], [0.0, p.mass()]];
    let means =
        concatenate(Axis(1), &[(data.means() * e[0][0]).view(), (data.means() * e[1][0]).view()])
            .unwrap();
    // Σ_∞ − e (Σ_∞ − diag(0, κM)) eᵀ for the noise, and e (V, 0) eᵀ for the data.
    let rest = plus(&limit, &[[0.0, 0.0], [0.0, -p.kappa() * p.mass()]]);
    let noise = plus(&limit, &scale(&times(&times(&e, &rest), &transposed(&e)), -1.0));
    let joint = Array3::from_shape_fn((data.components(), 4, 4), |(k, i, j)| {
        let (block_i, block_j, i, j) = (i / 2, j / 2, i % 2, j % 2);
        e[block_i][0] * e[block_j][0] * covariances[k][[i, j]]
            + if i == j { noise[block_i][block_j] } else { 0.0 }
    });
    GaussianMixture::full(means.view(), joint.view()).unwrap().with_weights(data.weights()).unwrap()
}

/// The covariances of the components, from one-component mixtures.
fn covariances(k: usize) -> Vec<Array2<f64>> {
    match k {
        0 => vec![Array2::eye(2) * 0.16; 3],
        1 => [[0.5, 1.0], [0.3, 0.1], [2.0, 0.7]]
            .map(|v| Array2::from_diag(&Array1::from(v.to_vec())))
            .into(),
        _ => vec![
            array![[1.0, 0.4], [0.4, 0.8]],
            array![[0.5, -0.1], [-0.1, 1.5]],
            array![[0.3, 0.0], [0.0, 0.2]],
        ],
    }
}

#[test]
fn the_joint_score_is_the_gradient_of_the_log_density() {
    let z = Array2::from_shape_fn((77, 4), |(i, j)| ((i * 7 + j * 11) % 29) as f64 / 6.0 - 2.4);
    for (k, data) in mixtures().into_iter().enumerate() {
        let diffused = DiffusedMixture::new(data.clone());
        for p in processes() {
            let model = Lifted::new(&diffused, p);
            for tau in [0.05, 0.8, 8.0] {
                let law = joint(&data, &covariances(k), &p, tau);
                let mut found = Array2::<f64>::zeros(z.dim());
                model.predict(Times::Shared(tau), z.view(), found.view_mut()).unwrap();
                // The score that the library computes for any mixture, here in four dimensions.
                let mut direct = Array2::<f64>::zeros(z.dim());
                law.eval(Times::Shared(0.0), z.view(), direct.view_mut()).unwrap();
                for (f, d) in found.iter().zip(&direct) {
                    assert!((f - d).abs() < 1e-9 * (1.0 + d.abs()), "{p:?} {tau}: {f} {d}");
                }
                // And differences of the log density; its curvature is up to 1/noise.
                let h = 1e-4 * law.covariance()[[0, 0]].sqrt().min(0.1);
                for j in 0..4 {
                    let shifted = |by: f64| {
                        let mut z = z.clone();
                        z.column_mut(j).mapv_inplace(|x| x + by);
                        law.log_density(z.view()).unwrap()
                    };
                    for (i, (up, down)) in shifted(h).iter().zip(&shifted(-h)).enumerate() {
                        let numerical = (up - down) / (2.0 * h);
                        let bound =
                            1e-5 * (1.0 + found.row(i).iter().fold(0.0f64, |m, s| m.max(s.abs())));
                        assert!(
                            (found[[i, j]] - numerical).abs() < bound,
                            "{p:?} {tau}: {} {numerical}",
                            found[[i, j]]
                        );
                    }
                }
                // In f32, and with a time of its own for every row.
                let mut single = Array2::<f32>::zeros(z.dim());
                let narrow = Lifted::<f32>::new(&diffused, p);
                narrow
                    .predict(Times::Shared(tau), z.mapv(|x| x as f32).view(), single.view_mut())
                    .unwrap();
                let bound = 2e-4 * found.iter().fold(1.0f64, |m, s| m.max(s.abs()));
                assert!(
                    found.iter().zip(&single).all(|(f, s)| (f - f64::from(*s)).abs() < bound),
                    "{p:?} {tau}"
                );
                let mut own = Array2::<f64>::zeros(z.dim());
                model.predict(Times::PerRow(&vec![tau; 77]), z.view(), own.view_mut()).unwrap();
                assert_eq!(own, found);
            }
        }
    }
}

/// A prediction of ε in either convention is the same model as its score.
#[test]
fn epsilon_models_give_their_score() {
    struct Epsilon<'a>(Lifted<'a, f64>, Psld, Factor);
    impl PhaseDenoiser<f64> for Epsilon<'_> {
        fn prediction(&self) -> PhasePrediction {
            PhasePrediction::Epsilon(self.2)
        }
        fn predict(
            &self,
            taus: Times<'_>,
            z: ArrayView2<'_, f64>,
            mut out: ArrayViewMut2<'_, f64>,
        ) -> Result<(), BoxError> {
            self.0.predict(taus, z, out.view_mut())?;
            for (row, mut out) in out.rows_mut().into_iter().enumerate() {
                let root = self.1.noise_factor(taus.at(row), self.2);
                for j in 0..2 {
                    // ε = −(root)ᵀ s
                    let (x, m) = (out[j], out[2 + j]);
                    out[j] = -(root[0][0] * x + root[1][0] * m);
                    out[2 + j] = -(root[0][1] * x + root[1][1] * m);
                }
            }
            Ok(())
        }
    }
    let data = DiffusedMixture::new(mixtures().remove(0));
    let p = Psld::PAPER;
    let exact = Lifted::new(&data, p);
    let z = Array2::from_shape_fn((9, 4), |(i, j)| ((i * 7 + j * 11) % 29) as f64 / 6.0 - 2.4);
    let own: Vec<f64> = (0..9).map(|i| 0.5 + 0.6 * f64::from(i)).collect();
    for factor in [Factor::Lower, Factor::Upper] {
        let model = Epsilon(Lifted::new(&data, p), p, factor);
        for times in [Times::Shared(1.5), Times::PerRow(&own)] {
            let (mut want, mut found) = (Array2::zeros(z.dim()), Array2::zeros(z.dim()));
            PhaseDenoised::new(&exact, p, 8.0)
                .unwrap()
                .eval(times, z.view(), want.view_mut())
                .unwrap();
            PhaseDenoised::new(&model, p, 8.0)
                .unwrap()
                .eval(times, z.view(), found.view_mut())
                .unwrap();
            let largest = want.iter().fold(1.0f64, |m: f64, s: &f64| m.max(s.abs()));
            assert!(
                want.iter().zip(&found).all(|(w, f)| (w - f).abs() < 1e-11 * largest),
                "{factor:?}"
            );
        }
    }
    // At its end the process has no score any more: an error, not an infinity.
    let drift = PhaseDenoised::new(&exact, p, 8.0).unwrap();
    let error =
        drift.eval(Times::Shared(8.0), z.view(), Array2::zeros(z.dim()).view_mut()).unwrap_err();
    assert!(error.to_string().starts_with("tau: given 0"), "{error}");
}

/// The affine map of a step on a drift b(z, t) = K(t) z, read off with scripted noise: columns of
/// the state, then of the normals (block 0 and 1 of each draw).
fn matrices(
    sampler: &dyn Sampler<f64>,
    step: Step,
    k: impl Fn(f64) -> Matrix + Sync,
    draws: u32,
) -> (Matrix, Vec<[f64; 2]>) {
    let drift = |t: Times<'_>,
                 z: ArrayView2<'_, f64>,
                 mut out: ArrayViewMut2<'_, f64>|
     -> Result<(), BoxError> {
        for (i, (z, mut out)) in z.rows().into_iter().zip(out.rows_mut()).enumerate() {
            let k = k(t.at(i));
            (out[0], out[1]) = (k[0][0] * z[0] + k[0][1] * z[1], k[1][0] * z[0] + k[1][1] * z[1]);
        }
        Ok(())
    };
    let mut noise = Scripted::new();
    let rows = 2 + 2 * draws as usize;
    for draw in 0..draws {
        for block in 0..2 {
            noise.normal(
                Draw::new(step.index, Purpose::Increment, draw),
                2 + 2 * draw + block,
                block as usize,
                1.0,
            );
        }
    }
    let mut state = State::zeros(0, rows, 1, sampler.layout()).unwrap();
    (state.view_mut()[[0, 0]], state.view_mut()[[1, 1]]) = (1.0, 1.0);
    sampler.step(step, &drift, &noise, &mut state, &mut Work::new()).unwrap();
    let state = state.view();
    let m = std::array::from_fn(|i| std::array::from_fn(|j| state[[j, i]]));
    (m, (2..rows).map(|row| [state[[row, 0]], state[[row, 1]]]).collect())
}

/// Each step on Gaussian data against the product of the parts as the paper writes them, in the
/// clock of β = 8.
#[test]
fn every_step_is_its_affine_map() {
    let (beta, p, v) = (8.0, Psld::PAPER, 0.09);
    let (gamma, nu, mass) = (p.gamma(), p.nu(), p.mass());
    // The score of N(0, v) data at process time t: −Σ(t)⁻¹.
    let score = |t: f64| {
        let [[a, b], [_, d]] = p.covariance(beta * t, v);
        let det = a * d - b * b;
        [[-d / det, b / det], [b / det, -a / det]]
    };
    let (t, h) = (0.37, 0.02); // reverse time
    let step = TimeGrid::from_knots(vec![beta * t, beta * (t + h)]).unwrap().step(0);
    let k = |s: f64| score(1.0 - s / beta);
    let a_part = |h: f64, k: &Matrix| {
        let linear = [[beta * gamma, -0.5 * beta / mass], [0.0, 0.0]];
        let push = [[beta * gamma * k[0][0], beta * gamma * k[0][1]], [0.0, 0.0]];
        (scale(&linear, h), scale(&push, h))
    };
    let b_part = |h: f64, k: &Matrix| {
        let linear = [[0.0, 0.0], [0.5 * beta, beta * nu]];
        let push = [[0.0, 0.0], [beta * mass * nu * k[1][0], beta * mass * nu * k[1][1]]];
        (scale(&linear, h), scale(&push, h))
    };
    let o_part =
        |h: f64| [[(-0.5 * beta * gamma * h).exp(), 0.0], [0.0, (-0.5 * beta * nu * h).exp()]];
    let o_noise = |h: f64, lambda: f64| {
        [
            [(-(-beta * gamma * lambda * h).exp_m1()).sqrt(), 0.0],
            [0.0, (-mass * (-beta * nu * h).exp_m1()).sqrt()],
        ]
    };
    // Applies a word to the identity (or to the noise matrix that an O starts from) by hand.
    let by_hand = |word: &str, naive: bool, start: Matrix, skip: usize| -> Matrix {
        // `seen` is the affine image whose score is frozen, as a matrix; the score is K(time) seen.
        let mut z = start;
        let mut frozen: Option<Matrix> = None;
        let mut moved = false;
        for (place, letter) in word.chars().enumerate() {
            let active = place >= skip;
            let share = h / word.matches(letter).count() as f64;
            if letter == 'O' {
                if active {
                    z = times(&o_part(share), &z);
                }
                continue;
            }
            if naive || frozen.is_none() || (letter == 'B' && moved) {
                let time = if !naive && moved { t + h } else { t };
                frozen = Some(times(&k(beta * time), &z));
                moved = false;
            }
            let image = frozen.unwrap();
            let (linear, push) =
                if letter == 'A' { a_part(share, &ONE) } else { b_part(share, &ONE) };
            if active {
                z = plus(&plus(&z, &times(&linear, &z)), &times(&push, &image));
            }
            moved |= letter == 'A';
        }
        z
    };
    let check =
        |name: &str, sampler: &dyn Sampler<f64>, want: Matrix, noise: Matrix, draws: u32| {
            let (found, columns) = matrices(sampler, step, k, draws);
            assert!(near(&found, &want, 1e-12), "{name}: {found:?} {want:?}");
            let covariance = |m: &Matrix| times(m, &transposed(m));
            let mut total = [[0.0; 2]; 2];
            for pair in columns.chunks(2) {
                total = plus(&total, &covariance(&transposed(&[pair[0], pair[1]])));
            }
            assert!(
                near(&total, &covariance(&noise), 1e-12),
                "{name}: {total:?} {:?}",
                covariance(&noise)
            );
        };
    for word in ["OBA", "BAO", "OBAB"] {
        for naive in [true, false] {
            let parsed: Word = word.parse().unwrap();
            let reverse = ReversePsld::new(p);
            let mut samplers = vec![(1.0, h)];
            if !naive {
                samplers.extend([
                    (0.0, h),
                    (4.0, h),
                    (1.0, 1.0 - t - h / 2.0),
                    (4.0, 1.0 - t - h / 2.0),
                ]);
            }
            for (lambda, span) in samplers {
                let sampler = if naive {
                    Splitting::naive(reverse, parsed.clone())
                } else {
                    let noise = if span == h {
                        PositionNoise::Step { scale: lambda }
                    } else {
                        PositionNoise::Remaining { scale: lambda, end: beta }
                    };
                    Splitting::new(reverse, parsed.clone()).with_position_noise(noise).unwrap()
                };
                let mut fresh = o_noise(h, 1.0);
                fresh[0][0] = o_noise(span, lambda)[0][0];
                let place = word.find('O').unwrap();
                let noise = by_hand(word, naive, fresh, place + 1);
                // The score of letters before the O does not see its noise: only BAO has such, and
                // nothing after.
                let noise = if place > 0 { fresh } else { noise };
                check(
                    &format!("{word} {naive} {lambda} {span}"),
                    &sampler,
                    by_hand(word, naive, ONE, 0),
                    noise,
                    1,
                );
            }
        }
    }
    // SSCS.
    let f = scale(&[[-gamma, -1.0 / mass], [1.0, -nu]], 0.5 * beta);
    let half = exponential(&scale(&f, h / 2.0));
    let limit = [[1.0, 0.0], [0.0, mass]];
    let q = plus(&limit, &scale(&times(&times(&half, &limit), &transposed(&half)), -1.0));
    let root = {
        let l = q[0][0].sqrt();
        [[l, 0.0], [q[1][0] / l, (q[1][1] - q[1][0] * q[1][0] / q[0][0]).sqrt()]]
    };
    let push = [[h * beta * gamma, 0.0], [0.0, h * beta * mass * nu]];
    let own = plus(&k(beta * t), &[[1.0, 0.0], [0.0, 1.0 / mass]]);
    let euler = plus(&ONE, &times(&push, &own));
    let want = times(&times(&half, &euler), &half);
    let (found, columns) = matrices(&SymmetricSplitting::new(ReversePsld::new(p)), step, k, 2);
    assert!(near(&found, &want, 1e-12), "sscs: {found:?} {want:?}");
    let first = times(&times(&half, &euler), &root);
    let mut total = [[0.0; 2]; 2];
    for pair in columns.chunks(2) {
        let m = transposed(&[pair[0], pair[1]]);
        total = plus(&total, &times(&m, &transposed(&m)));
    }
    let want = plus(&times(&first, &transposed(&first)), &q);
    assert!(near(&total, &want, 1e-9), "sscs noise: {total:?} {want:?}");
    // Plain Euler–Maruyama and the last step.
    let drift = plus(
        &scale(&forward(&p), -beta),
        &times(&[[beta * gamma, 0.0], [0.0, beta * mass * nu]], &k(beta * t)),
    );
    let euler = plus(&ONE, &scale(&drift, h));
    let noise = [[(beta * gamma * h).sqrt(), 0.0], [0.0, (beta * mass * nu * h).sqrt()]];
    let plain = Linearized::new(ReversePsld::new(p));
    check("em", &EulerMaruyama::new(plain), euler, noise, 1);
    check("last", &EulerMaruyama::new(Noiseless::new(plain)), euler, [[0.0; 2]; 2], 1);
}

#[test]
fn bad_constants_are_named() {
    let message = |gamma, nu, kappa| Psld::new(gamma, nu, kappa).unwrap_err().to_string();
    assert!(
        message(1.0, 1.0, 0.0)
            .starts_with("gamma, and the same nu: given 1, expected gamma and nu that differ")
    );
    assert!(message(-1.0, 0.5, 0.0).starts_with("nu + gamma: given -0.5"));
    assert!(message(0.0, 0.0, 0.0).starts_with("nu + gamma: given 0"));
    assert!(message(-0.5, 4.0, 0.0).starts_with("gamma: given -0.5"));
    assert!(message(4.0, -0.5, 0.0).starts_with("nu: given -0.5"));
    assert!(message(0.01, 4.01, -0.1).starts_with("kappa: given -0.1"));
    assert!(message(f64::NAN, 4.0, 0.0).starts_with("gamma: given NaN"));
    assert!(message(0.01, f64::INFINITY, 0.0).starts_with("nu: given inf"));
    let plan = |method: &str, evaluations, options: PhaseOptions| {
        let beta = Beta::constant(8.0).unwrap();
        plan_phase::<f64>(method, Psld::PAPER, beta, evaluations, &options)
            .err()
            .unwrap()
            .to_string()
    };
    for end in [0.0, 1.0, -0.1, 2.0, f64::NAN] {
        let options = PhaseOptions { end_time: Some(end), ..Default::default() };
        assert!(plan("em", 50, options).starts_with("end time: given"), "{end}");
    }
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let options = PhaseOptions { lambda_s: Some(bad), ..Default::default() };
        assert!(plan("roba", 50, options).starts_with("lambda-s: given"), "{bad}");
    }
    let lambda = || PhaseOptions { lambda_s: Some(1.0), ..Default::default() };
    assert!(plan("oba", 50, lambda()).starts_with("lambda-s is not an option of oba"));
    let form = PhaseOptions { noise_form: Some(NoiseForm::Remaining), ..Default::default() };
    assert!(plan("roba", 50, form).starts_with("noise-form is not an option"));
    assert!(plan("heun", 50, PhaseOptions::default()).contains("there are: em, ei, sscs, oba"));
    assert!(plan("obab", 3, PhaseOptions::default()).contains("needs at least 4"));
    assert!(plan("em", 0, PhaseOptions::default()).contains("needs at least 2"));
    let naive = Splitting::naive(ReversePsld::new(Psld::PAPER), "OBA".parse().unwrap());
    assert!(naive.with_position_noise(PositionNoise::Step { scale: 1.0 }).is_err());
}

fn ring() -> GaussianMixture {
    let means = Array2::from_shape_fn((8, 2), |(k, j)| {
        let angle = std::f64::consts::TAU * k as f64 / 8.0;
        if j == 0 { angle.cos() } else { angle.sin() }
    });
    GaussianMixture::isotropic(means.view(), 0.05).unwrap()
}

fn error(method: &str, evaluations: usize, options: &PhaseOptions, seed: u64) -> f64 {
    let (data, process) = (DiffusedMixture::new(ring()), Psld::PAPER);
    let model = Lifted::new(&data, process);
    let plan =
        plan_phase::<f64>(method, process, Beta::constant(8.0).unwrap(), evaluations, options)
            .unwrap();
    let drift = PhaseDenoised::new(&model, process, plan.horizon).unwrap();
    let samples =
        Run::new(&*plan.sampler, &drift, plan.grid).chains(20_000).seed(seed).run().unwrap();
    let distances = ring().distance_to_nearest_mode(samples.positions()).unwrap();
    radial_wasserstein(distances.as_slice().unwrap(), 2).unwrap().value
}

/// 20,000 chains, uniform grid, 50 evaluations: within 15 % of the table, and λ_s as a separate
/// numpy program has it. The jackknife puts one standard error at 1 % of each value or less, so
/// that 15 % would be missed by chance with a probability below 1e-40; what it allows for is the
/// rounding of the table. Of the nine values that are compared with numpy within 6 %, each side has
/// an error of about 1 %: four standard deviations, 6e-5 each, 6e-4 in all, with seeds that are
/// fixed.
#[test]
fn errors_are_those_of_the_table() {
    let plain = PhaseOptions::default();
    let mut found = Vec::new();
    for (method, table) in [
        ("em", 2.5),
        ("sscs", 0.59),
        ("oba", 8.3),
        ("bao", 8.3),
        ("obab", 6.9),
        ("roba", 1.2),
        ("rbao", 1.4),
        ("robab", 1.7),
    ] {
        let values = [0, 1, u64::MAX].map(|seed| error(method, 50, &plain, seed));
        println!("{method:6} {table:5} {values:.3?}");
        assert!(
            values.iter().all(|value| (value / table - 1.0).abs() < 0.15),
            "{method}: {values:?}, table {table}"
        );
        found.push(values[0]);
    }
    assert!(found[2] / found[5] >= 5.0 && found[0] / found[5] >= 1.7, "{found:?}");
    for (method, lambda, form, table) in [
        ("roba", 0.0, NoiseForm::Step, 0.971),
        ("roba", 4.0, NoiseForm::Step, 1.803),
        ("roba", 1.0, NoiseForm::Remaining, 1.144),
        ("roba", 4.0, NoiseForm::Remaining, 1.597),
        ("rbao", 0.0, NoiseForm::Step, 0.962),
        ("rbao", 4.0, NoiseForm::Step, 2.429),
        ("robab", 0.0, NoiseForm::Step, 1.561),
        ("robab", 4.0, NoiseForm::Remaining, 1.835),
    ] {
        let options =
            PhaseOptions { lambda_s: Some(lambda), noise_form: Some(form), ..Default::default() };
        let value = error(method, 50, &options, 2);
        println!("{method:6} λ {lambda} {form:?} {table:5} {value:.3}");
        assert!(
            (value / table - 1.0).abs() < 0.06,
            "{method} {lambda} {form:?}: {value}, numpy {table}"
        );
    }
    let quadratic = PhaseOptions { grid: Some(PhaseGrid::Quadratic), ..Default::default() };
    let value = error("robab", 50, &quadratic, 3);
    assert!((value / 0.345 - 1.0).abs() < 0.06, "{value}");
}
