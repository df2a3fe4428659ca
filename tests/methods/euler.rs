//! Euler–Maruyama on the reverse SDEs, `em` and `ei`: steps by hand, cost, distribution of a
//! Gaussian, errors.

use langevin::diffusion::ProcessKind;
use langevin::diffusion::dynamics::{ProbabilityFlow, ReversePsld, ReverseSde};
use langevin::dynamics::{LinearDynamics, Linearized, Noiseless};
use langevin::prelude::*;

use crate::support::affine::read;
use crate::support::cost::check_cost;
use crate::support::gaussian::{Fine, check_orders, model, slopes};
use crate::support::matrix::{ZERO, carried, diagonal, integral, plus, times};
use crate::support::phase::{self, BETA};
use crate::support::{planned, refusal, vp};

/// A = e^h, G = 2 (e^h − 1), Q = e^(2h) − 1 in OU time, and the posterior mean at the end.
#[test]
fn a_step_of_em_is_that_of_the_reverse_sde() {
    let v = 0.3;
    let table = LevelTable::linear(1000).unwrap();
    let plan = planned("em", 1000, 9);
    let drift = plan.drift::<f64>(model(v)).unwrap();
    let last = plan.levels().len() - 2;
    for (i, interval) in plan.grid().iter().enumerate() {
        let [from, to] = [i, i + 1].map(|i| table.level(plan.levels()[i]));
        let h = from.ou_time() - to.ou_time();
        let slopes = slopes(v, from);
        let mut map = h.exp() + 2.0 * h.exp_m1() * slopes.score;
        let mut variance = (2.0 * h).exp_m1();
        if i == last {
            map = slopes.data;
            variance = 0.0;
        }
        let found = read(&*plan.sampler().unwrap(), interval, &*drift, &[]);
        found.check(&format!("step {i}"), &diagonal(map, 0.0), &diagonal(variance, 0.0));
    }
}

/// Plain coefficients, exact ones (by quadrature of the matrix exponential), and the last step.
#[test]
fn a_step_in_phase_space_is_that_of_the_reverse_sde() {
    let p = Psld::PAPER;
    let plain = Linearized::new(ReversePsld::new(p));
    let [map, covariance] = phase::euler_step();
    phase::step(&EulerMaruyama::new(plain), &[]).check("em", &map, &covariance);
    let last = phase::step(&EulerMaruyama::new(Noiseless::new(plain)), &[]);
    last.check("last", &map, &ZERO);
    assert!(last.columns.is_empty());
    let h = BETA * phase::LENGTH;
    let backward = |s: f64| phase::backward(&p, s);
    let intensity = phase::intensity(&p);
    let gain = integral(|s| times(&backward(s), &intensity), h, 400);
    let covariance = integral(|s| carried(&backward(s), &intensity), h, 400);
    let map = plus(&backward(h), &times(&gain, &phase::score(BETA * phase::START)));
    let found = phase::step(&EulerMaruyama::new(ReversePsld::new(p)), &[]);
    found.check("ei", &map, &covariance);
}

#[test]
fn a_step_costs_one_evaluation() {
    for evaluations in [2, 20, 137] {
        check_cost(&planned("em", 1000, evaluations), evaluations);
        for method in ["em", "ei"] {
            phase::check_cost(method, 1, evaluations);
        }
    }
}

/// On Gaussian data every step is affine, so variances follow exactly: how far the marginal is off
/// after a whole run.
fn variance_error(dynamics: impl LinearDynamics, steps: usize) -> f64 {
    let [data, horizon, end] = [0.3, 3.0, 0.01];
    let marginal = |time: f64| data * (-2.0f64 * time).exp() - (-2.0f64 * time).exp_m1();
    let grid = TimeGrid::between(0.0, horizon - end, steps).unwrap();
    let mut variance = marginal(horizon);
    for step in &grid {
        let t = dynamics.transition(step.start, step.length);
        let slope = t.propagator[0][0] - t.gain[0][0] / marginal(horizon - step.start);
        variance = slope * slope * variance + t.covariance[0][0];
    }
    (variance - marginal(end)).abs()
}

#[test]
fn the_reverse_processes_keep_the_marginals_to_first_order() {
    for (name, errors) in [
        ("sde", [400, 800, 1600].map(|n| variance_error(ReverseSde, n))),
        ("flow", [400, 800, 1600].map(|n| variance_error(ProbabilityFlow, n))),
    ] {
        for pair in errors.windows(2) {
            let order = (pair[0] / pair[1]).log2();
            assert!((0.85..1.15).contains(&order), "{name}: {errors:?}");
        }
    }
}

#[test]
fn the_distribution_of_a_gaussian_is_right_to_first_order() {
    let errors = Fine::reverse().errors(&EulerMaruyama::new(ReverseSde), Prediction::Score);
    check_orders("em", &errors, 1.0);
    let reverse = ReversePsld::new(Psld::PAPER);
    check_orders("ei", &phase::errors(&EulerMaruyama::new(reverse)), 1.0);
    let plain = EulerMaruyama::new(Linearized::new(reverse));
    check_orders("em in phase space", &phase::errors(&plain), 1.0);
}

#[test]
fn bad_options_are_named() {
    let vp = vp();
    assert!(refusal("em", &vp, 1).contains("1 evaluations are too few, it needs at least 2"));
    assert!(refusal("em", &phase::process(), 0).contains("needs at least 2"));
    assert!(refusal("ei", &vp, 50).contains("unknown method of the process vp `ei`"));
    // Options of the other process have no effect, so they are refused.
    let error = refusal("em:end-time=0.01", &vp, 50);
    assert!(error.starts_with("end-time is not an option of em on the process vp"), "{error}");
    let error = refusal("em:timesteps=9+3", &phase::process(), 50);
    assert!(error.starts_with("timesteps is not an option of em on the process psld"), "{error}");
    for end in ["0", "1", "-0.1", "2", "NaN"] {
        let error = refusal(&format!("em:end-time={end}"), &phase::process(), 50);
        assert!(error.starts_with("end time: given"), "{end}: {error}");
    }
    let error = refusal("em:grid=trailing", &phase::process(), 50);
    assert!(error.contains("expected uniform or quadratic in phase space"), "{error}");
    assert!(Method::named("ei").unwrap().info(ProcessKind::Vp).is_none());
}
