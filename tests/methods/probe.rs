//! Stationary covariances of all samplers: 97 settings of an independent implementation
//! (`golden/probe_reference.py`), and the tables of docs/langevin.md.

use langevin::advanced::{Address, Layout, Purpose, Step};
use langevin::dynamics::{ContinuousDynamics, LinearDynamics, Linearized, Transition};
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

/// Overdamped dynamics with a pull of its own towards 0.
#[derive(Clone, Copy, Debug)]
struct Pulled(f64);

impl LinearDynamics for Pulled {
    fn layout(&self) -> Layout {
        Layout::POSITION
    }

    fn transition(&self, _: f64, length: f64) -> Transition {
        let decay = -(-self.0 * length).exp_m1() / self.0;
        Transition {
            propagator: [[1.0 - self.0 * decay, 0.0], [0.0, 0.0]],
            gain: [[decay, 0.0], [0.0, 0.0]],
            covariance: [[-(-2.0 * self.0 * length).exp_m1() / self.0, 0.0], [0.0, 0.0]],
        }
    }

    fn is_autonomous(&self) -> bool {
        true
    }
}

/// A sampler with one of the faults that the probe must notice.
#[derive(Clone, Copy, Debug)]
enum Faulty {
    /// Uses the noise of the step before.
    Delayed,
    /// Shortens its steps with their number.
    Slowing,
    /// Tosses a coin that it does not list.
    Secretive,
    /// Takes the sine of the position.
    Bent,
    /// Moves by a constant.
    Drifting,
}

impl Scheme for Faulty {
    fn layout(&self) -> Layout {
        Layout::POSITION
    }

    fn evaluations_per_step(&self) -> f64 {
        1.0
    }
}

impl Sampler<f64> for Faulty {
    fn step(&self, step: &mut Step<'_, f64>) -> Result<()> {
        let index = step.interval.index;
        let h = match self {
            Self::Slowing => step.interval.length / (1.0 + 0.1 * f64::from(index.min(9))),
            _ => step.interval.length,
        };
        let b = step.drift.at_start(step.state)?.to_vec();
        let chains = step.state.chains().to_vec();
        let from = if matches!(self, Self::Delayed) { index.saturating_sub(1) } else { index };
        let mut z = vec![0.0; b.len()];
        let source = step.noise.source();
        source.normals(Address::new(from, Purpose::User, 0), &chains, &mut z);
        let mut coins = vec![0.5; chains.len()];
        if matches!(self, Self::Secretive) {
            source.uniforms(Address::new(index, Purpose::Coin, 0), &chains, &mut coins);
        }
        for (i, x) in step.state.view_mut().iter_mut().enumerate() {
            let noise = (2.0 * h).sqrt() * z[i] * (0.5 + coins[i]);
            let own = match self {
                Self::Bent => x.sin(),
                Self::Drifting => *x + 0.01,
                _ => *x,
            };
            *x = own + h * b[i] + noise;
        }
        Ok(())
    }
}

#[test]
fn a_probe_refuses_what_it_assumes_and_does_not_find() {
    let reason = |sampler: &dyn Sampler<f64>| match probe::stationary_covariance(sampler, 0.1, 2.0)
    {
        Err(error @ Error::NotProbeable { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let underdamped = Underdamped::new(2.0, 1.0).unwrap();
    let other = EulerMaruyama::new(Pulled(1.0));
    assert!(
        reason(&other).contains("stationary distribution of its dynamics"),
        "{}",
        reason(&other)
    );
    let other = PoissonMidpoint::new(Pulled(1e-3), 4).unwrap();
    assert!(reason(&other).contains("stationary distribution of its dynamics"));
    for (sampler, piece) in [
        (Faulty::Delayed, "noise of another step"),
        (Faulty::Slowing, "steps differ"),
        (Faulty::Secretive, "list of coins"),
        (Faulty::Bent, "not linear"),
        (Faulty::Drifting, "not linear"),
    ] {
        let found = reason(&sampler);
        assert!(found.contains(piece), "{sampler:?}: {found}");
    }
    let em = |h: f64| EulerMaruyama::new(Underdamped::new(h, 1.0).unwrap());
    let switch = Switch::new(em(1.0), em(2.0), 500).unwrap();
    assert!(reason(&switch).contains("steps differ"));
    // A switch knows no coins, and its first sampler tosses some.
    let pmm = PoissonMidpoint::new(underdamped, 8).unwrap();
    let switch = Switch::new(pmm, em(2.0), u32::MAX).unwrap();
    assert!(reason(&switch).contains("list of coins"));
    let table = LevelTable::linear(100).unwrap();
    let chain = EulerMaruyama::new(langevin::diffusion::dynamics::Ancestral::small(table));
    assert!(probe::stationary_covariance(&chain, 1.0, 1.0).is_err());
}

#[test]
fn short_steps_have_their_digits_and_a_bound() {
    for (h, k) in [(1e-9, 1.0), (1e-6, 1.0), (0.1, 1.0), (1e-19, 1e18), (1e-15, 1e3), (1e-13, 1.0)]
    {
        let em = EulerMaruyama::new(Overdamped);
        let found = probe::stationary_covariance(&em, h, k).unwrap();
        // Exactly 1/(1 − hk/2) − 1.
        let want = 0.5 * h * k / (1.0 - 0.5 * h * k);
        let error = found.rounding[[0, 0]] * k;
        assert!(error < 2e-14, "{h:e} {k:e} {error:e}");
        let excess = found.covariance[[0, 0]] * k - 1.0;
        assert!((excess - want).abs() <= error, "{h:e} {k:e} {excess:e} {want:e} {error:e}");
        if h == 1e-9 {
            assert!(found.to_string().contains("+5.0000"), "{found}");
        }
        let pmm = PoissonMidpoint::new(Overdamped, 4).unwrap();
        assert!(probe::stationary_covariance(&pmm, h, k).unwrap().rounding[[0, 0]] * k < 1e-12);
    }
    // The exact bias of BAOAB in the position is 0. What is found is within its bound.
    for (h, friction) in
        [(1e-9, 1.0), (1e-6, 1.0), (1e-3, 1.0), (0.5, 1.0), (1e-3, 1e-6), (1e-3, 1e3)]
    {
        let baoab =
            Splitting::new(Underdamped::new(friction, 1.0).unwrap(), "BAOAB".parse().unwrap());
        let found = probe::stationary_covariance(&baoab, h, 1.0).unwrap();
        let away = (found.covariance[[0, 0]] - 1.0).abs();
        assert!(away <= found.rounding[[0, 0]], "{h:e} {friction:e} {away:e} {found:?}");
        assert!(found.to_string().contains("below "), "{found}");
    }
    let slow = Splitting::new(Underdamped::new(1e-12, 1.0).unwrap(), "BAOAB".parse().unwrap());
    let message = probe::stationary_covariance(&slow, 1.0, 1.0).unwrap_err().to_string();
    assert!(message.contains("friction or step are too small"), "{message}");
}
