//! Other crates on W1, and the plain loop: chain by chain, in f64.

use differential_equations::prelude::{ExplicitRungeKutta, IVP, SDE};
use langevin::BoxError;
use langevin::ndarray::Array2;
use nalgebra::SVector;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::problem::{self, STD, Settings};
use super::{Body, Contestant};

const SEED: u64 = 13;

/// The score of eight Gaussians as one writes it, with the standard library's exp.
#[derive(Clone)]
struct Circle([[f64; 2]; 8]);

impl Circle {
    fn new() -> Self {
        let means = problem::circle();
        Self(std::array::from_fn(|k| [means[[k, 0]], means[[k, 1]]]))
    }

    #[inline(always)]
    fn score(&self, x: f64, y: f64) -> [f64; 2] {
        let mut exponents = [0.0f64; 8];
        let mut largest = f64::NEG_INFINITY;
        for (e, mean) in exponents.iter_mut().zip(&self.0) {
            let [dx, dy] = [x - mean[0], y - mean[1]];
            *e = -0.5 / (STD * STD) * (dx * dx + dy * dy);
            largest = largest.max(*e);
        }
        let [mut total, mut bx, mut by] = [0.0; 3];
        for (e, mean) in exponents.iter().zip(&self.0) {
            let weight = (e - largest).exp();
            total += weight;
            bx += weight * (mean[0] - x);
            by += weight * (mean[1] - y);
        }
        let scale = 1.0 / (STD * STD * total);
        [scale * bx, scale * by]
    }
}

/// The loop over chains: xoshiro256++ and the ziggurat.
fn scalar(settings: Settings) -> Body {
    let circle = Circle::new();
    Box::new(move |keep| {
        let h = settings.number("step");
        let width = (2.0 * h).sqrt();
        let mut generator = Xoshiro256PlusPlus::seed_from_u64(SEED);
        let mut out = Array2::zeros((settings.count("chains"), 2));
        for mut row in out.rows_mut() {
            let [mut x, mut y] = [0.0; 2];
            for _ in 0..settings.count("steps") {
                let [bx, by] = circle.score(x, y);
                let zx: f64 = StandardNormal.sample(&mut generator);
                let zy: f64 = StandardNormal.sample(&mut generator);
                x += h * bx + width * zx;
                y += h * by + width * zy;
            }
            [row[0], row[1]] = [x, y];
        }
        Ok(Some(out).filter(|_| keep))
    })
}

/// The same, as differential-equations has it.
struct Equation {
    circle: Circle,
    generator: Xoshiro256PlusPlus,
}

impl SDE<f64, [f64; 2]> for Equation {
    fn drift(&self, _: f64, x: &[f64; 2], out: &mut [f64; 2]) {
        *out = self.circle.score(x[0], x[1]);
    }

    fn diffusion(&self, _: f64, _: &[f64; 2], out: &mut [f64; 2]) {
        *out = [2f64.sqrt(); 2];
    }

    fn noise(&mut self, dt: f64, out: &mut [f64; 2]) {
        let width = dt.sqrt();
        for z in out {
            let normal: f64 = StandardNormal.sample(&mut self.generator);
            *z = width * normal;
        }
    }
}

fn differential_equations(settings: Settings) -> Body {
    Box::new(move |keep| {
        let h = settings.number("step");
        let end = h * settings.count("steps") as f64;
        let generator = Xoshiro256PlusPlus::seed_from_u64(SEED);
        let mut equation = Equation { circle: Circle::new(), generator };
        let mut out = Array2::zeros((settings.count("chains"), 2));
        for mut row in out.rows_mut() {
            let method = ExplicitRungeKutta::euler(h);
            let solution = IVP::sde(&mut equation, 0.0, end, [0.0; 2])
                .method(method)
                .solve()
                .map_err(|error| format!("{error:?}"))?;
            let last = solution.y.last().ok_or("no solution")?;
            [row[0], row[1]] = *last;
        }
        Ok(Some(out).filter(|_| keep))
    })
}

fn pathwise(settings: Settings) -> Body {
    let circle = Circle::new();
    Box::new(move |keep| {
        let [chains, steps] = ["chains", "steps"].map(|name| settings.count(name));
        let end = settings.number("step") * steps as f64;
        let drift = |x: &SVector<f64, 2>, _: f64| SVector::from(circle.score(x[0], x[1]));
        let diffusion = |_: &SVector<f64, 2>, _: f64| SVector::from([2f64.sqrt(); 2]);
        let euler = pathwise_core::euler();
        let start = SVector::zeros();
        let paths = pathwise_core::simulate_nd(
            &drift, &diffusion, &euler, start, 0.0, end, chains, steps, SEED,
        )?;
        let last = || Array2::from_shape_fn((chains, 2), |(i, j)| paths[[i, steps, j]]);
        Ok(keep.then(last))
    })
}

pub fn contestants(workload: &str) -> Result<Vec<Contestant>, BoxError> {
    if workload != "W1" {
        return Ok(Vec::new());
    }
    let settings = Settings::of(workload);
    let new = |peer, body| Contestant::new(workload, peer, settings.chain_steps(), body);
    Ok(vec![
        new("by hand", scalar(settings)).variant("scalar"),
        new("differential-equations", differential_equations(settings)).variant("natural"),
        new("pathwise-core", pathwise(settings)).variant("natural, keeps paths"),
    ])
}
