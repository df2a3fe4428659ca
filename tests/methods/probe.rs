//! Stationary covariances of all samplers: 97 settings of an independent implementation
//! (`golden/probe_reference.py`), and the tables of docs/langevin.md.

use langevin::dynamics::{ContinuousDynamics, LinearDynamics, Linearized};
use langevin::prelude::*;
use langevin::probe;

use crate::support::docs;

/// Relative agreement that is required of the probe.
const TOLERANCE: f64 = 1e-9;

struct Row {
    dynamics: String,
    method: String,
    numbers: Vec<f64>,
}

fn rows() -> Vec<Row> {
    let parse = |line: &str| {
        let mut fields = line.split(',');
        let mut name = || fields.next().unwrap().to_owned();
        let [dynamics, method] = [name(), name()];
        Row { dynamics, method, numbers: fields.map(|f| f.parse().unwrap()).collect() }
    };
    include_str!("../golden/probe_reference.csv").lines().skip(1).map(parse).collect()
}

impl Row {
    fn underdamped(&self) -> Underdamped {
        Underdamped::new(self.numbers[6], self.numbers[7]).unwrap()
    }

    fn continuous(&self) -> Box<dyn ContinuousDynamics> {
        match self.dynamics.as_str() {
            "overdamped" => Box::new(Overdamped),
            "underdamped" => Box::new(self.underdamped()),
            other => panic!("{other}"),
        }
    }

    fn linear(&self) -> Box<dyn LinearDynamics> {
        match self.dynamics.as_str() {
            "underdamped-euler" => Box::new(Linearized::new(self.underdamped())),
            _ => Box::new(self.continuous()),
        }
    }

    fn poisson(&self, selection: Selection) -> Box<dyn Sampler<f64>> {
        let sampler = PoissonMidpoint::new(self.linear(), self.numbers[1] as usize).unwrap();
        let sampler = sampler.with_selection(selection).with_noise_scale(self.numbers[5]);
        Box::new(sampler.unwrap())
    }

    fn sampler(&self) -> Box<dyn Sampler<f64>> {
        match self.method.as_str() {
            "em" => Box::new(EulerMaruyama::new(self.linear())),
            "pmm1" => self.poisson(Selection::Bernoulli),
            "pmm2" => self.poisson(Selection::Single),
            "rm" => {
                let [windows, rounds] = [self.numbers[2] as usize, self.numbers[3] as usize];
                let sampler = midpoint(self.continuous(), windows, rounds);
                Box::new(sampler.with_control_variate(self.numbers[4] == 1.0))
            }
            other => panic!("{other}"),
        }
    }
}

fn midpoint<D: ContinuousDynamics>(
    dynamics: D,
    windows: usize,
    rounds: usize,
) -> RandomizedMidpoint<D> {
    RandomizedMidpoint::new(dynamics).with_windows(windows).unwrap().with_rounds(rounds).unwrap()
}

#[test]
fn every_setting_agrees_with_the_independent_implementation() {
    let rows = rows();
    assert!(rows.len() >= 97);
    let mut worst = 0.0f64;
    for row in &rows {
        let [step, curvature] = [row.numbers[0], row.numbers[8]];
        let found = probe::stationary_covariance(&*row.sampler(), step, curvature).unwrap();
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

/// The sampler that a row of a table names, and the part of the step that it takes.
fn printed(name: &str, dynamics: Box<dyn ContinuousDynamics>) -> (Box<dyn Sampler<f64>>, f64) {
    let poisson = |dynamics, substeps: &str, selection| -> Box<dyn Sampler<f64>> {
        let sampler = PoissonMidpoint::new(dynamics, substeps.parse().unwrap()).unwrap();
        Box::new(sampler.with_selection(selection))
    };
    if let Some(substeps) = name.strip_prefix("PMM 1, K = ") {
        return (poisson(dynamics, substeps, Selection::Bernoulli), 1.0);
    }
    if let Some(substeps) = name.strip_prefix("PMM 2, K = ") {
        return (poisson(dynamics, substeps, Selection::Single), 1.0);
    }
    if let Some(settings) = name.strip_prefix("RM(").and_then(|rest| rest.strip_suffix(')')) {
        let (windows, rounds) = settings.split_once(',').unwrap();
        let sampler = midpoint(dynamics, windows.parse().unwrap(), rounds.parse().unwrap());
        return (Box::new(sampler), 1.0);
    }
    match name {
        "Euler–Maruyama" => (Box::new(EulerMaruyama::new(dynamics)), 1.0),
        "Euler–Maruyama, step h/16" => (Box::new(EulerMaruyama::new(dynamics)), 1.0 / 16.0),
        other => panic!("the table names an unknown method: {other}"),
    }
}

/// Every printed digit of the stationary position variance minus 1 on N(0, 1).
#[test]
fn the_tables_of_the_docs_are_right_in_every_digit() {
    for anchor in ["Overdamped:", "Underdamped, γ = 2, u = 1:"] {
        let table = docs::table("langevin.md", anchor);
        assert_eq!(table[0], ["method", "h = 0.4", "h = 0.1"]);
        assert!(table.len() >= 8, "{anchor}");
        for row in &table[1..] {
            for (column, step) in [(1, 0.4), (2, 0.1)] {
                let dynamics: Box<dyn ContinuousDynamics> = match anchor {
                    "Overdamped:" => Box::new(Overdamped),
                    _ => Box::new(Underdamped::new(2.0, 1.0).unwrap()),
                };
                let (sampler, part) = printed(&row[0], dynamics);
                let found = probe::stationary_covariance(&*sampler, step * part, 1.0).unwrap();
                let excess = docs::as_printed(&row[column], found.covariance[[0, 0]] - 1.0);
                assert_eq!(excess, row[column], "{anchor} {} at {step}", row[0]);
            }
        }
    }
}

#[test]
fn what_has_no_stationary_distribution_or_no_exact_average_is_an_error() {
    let euler = |step, curvature| {
        probe::stationary_covariance(&EulerMaruyama::new(Overdamped), step, curvature).unwrap_err()
    };
    let error = euler(2.5, 1.0);
    assert!(matches!(error, Error::Unstable { growth } if (growth - 2.25).abs() < 1e-5), "{error}");
    assert!(matches!(euler(0.1, -1.0), Error::Invalid { name: "curvature", given: -1.0, .. }));
    let error = euler(f64::NAN, 1.0);
    assert!(matches!(error, Error::Invalid { name: "step", .. }), "{error}");
    let tolerant = midpoint(Overdamped, 1, 3).with_tolerance(1e-6).unwrap();
    assert!(matches!(
        probe::stationary_covariance(&tolerant, 0.1, 1.0),
        Err(Error::NotProbeable { .. })
    ));
    let many = PoissonMidpoint::new(Overdamped, 2000).unwrap().with_selection(Selection::Bernoulli);
    assert!(matches!(
        probe::stationary_covariance(&many, 0.1, 1.0),
        Err(Error::NotProbeable { .. })
    ));
    let error = probe::stationary_covariance(&Mala::new(), 0.1, 1.0).unwrap_err();
    assert!(matches!(error, Error::NotProbeable { .. }), "{error}");
}
