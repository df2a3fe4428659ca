//! Stationary covariances of every sampler against an independent implementation
//! (`golden/probe_reference.py`) and against the table of METHODS.md.

use langevin::*;

/// Relative agreement asked of the probe.
const TOLERANCE: f64 = 1e-9;

struct Row {
    dynamics: String,
    method: String,
    numbers: Vec<f64>,
}

fn rows() -> Vec<Row> {
    include_str!("golden/probe_reference.csv")
        .lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split(',');
            let (dynamics, method) =
                (fields.next().unwrap().to_owned(), fields.next().unwrap().to_owned());
            Row { dynamics, method, numbers: fields.map(|f| f.parse().unwrap()).collect() }
        })
        .collect()
}

fn continuous(row: &Row) -> Box<dyn ContinuousDynamics> {
    let [friction, inverse_mass] = [row.numbers[6], row.numbers[7]];
    match row.dynamics.as_str() {
        "overdamped" => Box::new(Overdamped),
        "underdamped" => Box::new(Underdamped::new(friction, inverse_mass).unwrap()),
        other => panic!("{other}"),
    }
}

fn sampler(row: &Row) -> Box<dyn Sampler<f64>> {
    let [substeps, windows, rounds] = [1, 2, 3].map(|i| row.numbers[i] as usize);
    let (control_variate, noise_scale) = (row.numbers[4] == 1.0, row.numbers[5]);
    let linear: Box<dyn LinearDynamics> = match row.dynamics.as_str() {
        "underdamped-euler" => {
            Box::new(Linearized::new(Underdamped::new(row.numbers[6], row.numbers[7]).unwrap()))
        }
        "overdamped" => Box::new(Overdamped),
        _ => Box::new(Underdamped::new(row.numbers[6], row.numbers[7]).unwrap()),
    };
    let poisson = |selection| {
        let sampler = PoissonMidpoint::new(linear_of(row), substeps).unwrap();
        Box::new(sampler.with_selection(selection).with_noise_scale(noise_scale).unwrap())
    };
    match row.method.as_str() {
        "em" => Box::new(EulerMaruyama::new(linear)),
        "pmm1" => poisson(Selection::Bernoulli),
        "pmm2" => poisson(Selection::Single),
        "rm" => Box::new(
            RandomizedMidpoint::new(continuous(row))
                .with_windows(windows)
                .unwrap()
                .with_rounds(rounds)
                .unwrap()
                .with_control_variate(control_variate),
        ),
        other => panic!("{other}"),
    }
}

fn linear_of(row: &Row) -> Box<dyn LinearDynamics> {
    match row.dynamics.as_str() {
        "overdamped" => Box::new(Overdamped),
        "underdamped" => Box::new(Underdamped::new(row.numbers[6], row.numbers[7]).unwrap()),
        _ => Box::new(Linearized::new(Underdamped::new(row.numbers[6], row.numbers[7]).unwrap())),
    }
}

#[test]
fn every_setting_agrees_with_the_independent_implementation() {
    let rows = rows();
    assert!(rows.len() >= 97);
    let mut worst = 0.0f64;
    for row in &rows {
        let (step, curvature) = (row.numbers[0], row.numbers[8]);
        let found = probe::stationary_covariance(&*sampler(row), step, curvature).unwrap();
        let expected = &row.numbers[9..12];
        let scale = |i: usize, j: usize| (found.target[[i, i]] * found.target[[j, j]]).sqrt();
        let entries: &[(usize, usize, f64)] = if found.covariance.nrows() == 1 {
            &[(0, 0, expected[0])]
        } else {
            &[(0, 0, expected[0]), (0, 1, expected[1]), (1, 0, expected[1]), (1, 1, expected[2])]
        };
        for &(i, j, want) in entries {
            // The covariance of position and velocity may vanish, so it is measured against their
            // spreads.
            let error =
                (found.covariance[[i, j]] - want).abs() / if i == j { want } else { scale(i, j) };
            worst = worst.max(error);
            assert!(
                error < TOLERANCE,
                "{} {} {:?}: {:?}",
                row.dynamics,
                row.method,
                row.numbers,
                found.covariance
            );
        }
    }
    println!("largest relative difference over {} settings: {worst:.1e}", rows.len());
}

/// The table of METHODS.md, to every printed digit: stationary position variance minus 1 on N(0,
/// 1).
#[test]
fn the_table_of_methods_md() {
    let excess = |sampler: &dyn Sampler<f64>, step: f64| {
        let found = probe::stationary_covariance(sampler, step, 1.0).unwrap();
        format!("{:.3e}", found.covariance[[0, 0]] - 1.0)
    };
    let poisson = |dynamics: Box<dyn LinearDynamics>, k, selection| {
        PoissonMidpoint::new(dynamics, k).unwrap().with_selection(selection)
    };
    let midpoint = |dynamics: Box<dyn ContinuousDynamics>, windows, rounds| {
        RandomizedMidpoint::new(dynamics)
            .with_windows(windows)
            .unwrap()
            .with_rounds(rounds)
            .unwrap()
    };
    use Selection::{Bernoulli, Single};
    let over = || -> Box<dyn LinearDynamics> { Box::new(Overdamped) };
    let under = || -> Box<dyn LinearDynamics> { Box::new(Underdamped::new(2.0, 1.0).unwrap()) };
    let line = |h: f64,
                linear: &dyn Fn() -> Box<dyn LinearDynamics>,
                continuous: &dyn Fn() -> Box<dyn ContinuousDynamics>| {
        vec![
            excess(&EulerMaruyama::new(linear()), h),
            excess(&poisson(linear(), 4, Bernoulli), h),
            excess(&poisson(linear(), 4, Single), h),
            excess(&poisson(linear(), 16, Bernoulli), h),
            excess(&poisson(linear(), 16, Single), h),
            excess(&midpoint(continuous(), 1, 0), h),
            excess(&midpoint(continuous(), 2, 2), h),
        ]
    };
    let over_c = || -> Box<dyn ContinuousDynamics> { Box::new(Overdamped) };
    let under_c =
        || -> Box<dyn ContinuousDynamics> { Box::new(Underdamped::new(2.0, 1.0).unwrap()) };
    let expect = |found: Vec<String>, printed: [&str; 7]| assert_eq!(found, printed);
    expect(
        line(0.4, &over, &over_c),
        ["2.500e-1", "1.139e-1", "8.108e-2", "1.078e-1", "3.273e-2", "1.594e-2", "1.189e-2"],
    );
    expect(
        line(0.1, &over, &over_c),
        ["5.263e-2", "1.518e-2", "1.376e-2", "6.734e-3", "3.610e-3", "1.842e-4", "8.197e-4"],
    );
    expect(
        line(0.4, &under, &under_c),
        ["1.096e-1", "2.765e-2", "2.643e-2", "9.353e-3", "6.613e-3", "1.344e-3", "7.185e-4"],
    );
    expect(
        line(0.1, &under, &under_c),
        ["2.562e-2", "6.323e-3", "6.302e-3", "1.617e-3", "1.570e-3", "2.086e-5", "1.256e-5"],
    );
    assert_eq!(excess(&EulerMaruyama::new(Overdamped), 0.4 / 16.0), "1.266e-2");
    assert_eq!(excess(&EulerMaruyama::new(Overdamped), 0.1 / 16.0), "3.135e-3");
}

#[test]
fn one_substep_is_euler_maruyama() {
    for selection in [Selection::Bernoulli, Selection::Single] {
        let one = PoissonMidpoint::new(Overdamped, 1).unwrap().with_selection(selection);
        let a = probe::stationary_covariance(&one, 0.3, 2.0).unwrap();
        let b = probe::stationary_covariance(&EulerMaruyama::new(Overdamped), 0.3, 2.0).unwrap();
        assert_eq!(a.covariance, b.covariance);
    }
}

#[test]
fn what_has_no_stationary_law_or_cannot_be_averaged_says_so() {
    let error =
        probe::stationary_covariance(&EulerMaruyama::new(Overdamped), 2.5, 1.0).unwrap_err();
    assert!(matches!(error, Error::Unstable { growth } if (growth - 2.25).abs() < 1e-5), "{error}");
    assert!(probe::stationary_covariance(&EulerMaruyama::new(Overdamped), 0.1, -1.0).is_err());
    assert!(probe::stationary_covariance(&EulerMaruyama::new(Overdamped), f64::NAN, 1.0).is_err());
    let tolerant =
        RandomizedMidpoint::new(Overdamped).with_rounds(3).unwrap().with_tolerance(1e-6).unwrap();
    assert!(matches!(
        probe::stationary_covariance(&tolerant, 0.1, 1.0),
        Err(Error::NotProbeable { .. })
    ));
    let many = PoissonMidpoint::new(Overdamped, 2000).unwrap().with_selection(Selection::Bernoulli);
    assert!(matches!(
        probe::stationary_covariance(&many, 0.1, 1.0),
        Err(Error::NotProbeable { .. })
    ));
}
