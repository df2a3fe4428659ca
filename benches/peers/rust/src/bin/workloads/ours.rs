//! The library on W0 to W5.

use langevin::BoxError;
use langevin::advanced::{Address, Noise, Philox, Purpose};
use langevin::ndarray::{Array2, ShapeBuilder};
use langevin::prelude::*;

use super::problem::{self, Settings};
use super::{Body, Contestant};

const SEED: u64 = 7;

/// A run of Langevin dynamics from 0, on one thread.
fn langevin<F: Real>(
    workload: &str,
    sampler: impl Sampler<F> + 'static,
    target: impl Drift<F> + 'static,
    dim: usize,
) -> Contestant {
    let settings = Settings::of(workload);
    let start = vec![F::zero(); dim];
    let body: Body = Box::new(move |keep| {
        let run = Run::<F>::with_precision(&sampler, &target, settings.grid()?)
            .chains(settings.count("chains"));
        let samples = run.start_at(&start).threads(1).seed(SEED).run()?;
        Ok(keep.then(|| samples.positions().mapv(F::widen)))
    });
    Contestant::new(workload, "langevin", settings.chain_steps(), body).precision(F::NAME)
}

/// Standard normals into memory that is there.
fn normals<F: Real>() -> Contestant {
    let settings = Settings::of("W0");
    let [chains, dim] = ["chains", "dim"].map(|name| settings.count(name));
    let noise = Philox::new(SEED);
    let ids: Vec<u32> = (0..chains as u32).collect();
    let mut out = vec![F::zero(); chains * dim];
    let mut step = 0;
    let body: Body = Box::new(move |keep| {
        for _ in 0..settings.count("steps") {
            step += 1;
            noise.normals(Address::new(step, Purpose::User, 0), &ids, &mut out);
        }
        let shaped = || Array2::from_shape_vec((chains, dim).f(), out.clone());
        Ok(if keep { Some(shaped()?.mapv(F::widen)) } else { None })
    });
    Contestant::new("W0", "langevin", settings.chain_steps() * dim, body).precision(F::NAME)
}

fn diffusion() -> Result<Contestant, BoxError> {
    let settings = Settings::of("W5");
    let digits = problem::digits()?;
    let process = Process::vp(LevelTable::linear(settings.count("steps"))?);
    let plan = Method::named("ddpm")?.plan(&process, settings.count("steps"))?;
    let body: Body = Box::new(move |keep| {
        let run = plan.run_in::<f32>(&digits)?.chains(settings.count("chains"));
        let samples = run.threads(1).seed(SEED).run()?;
        Ok(keep.then(|| samples.positions().mapv(f64::from)))
    });
    Ok(Contestant::new("W5", "langevin", settings.chain_steps(), body).precision("f32"))
}

fn both<F: Real>(workload: &str) -> Result<Contestant, BoxError> {
    let ula = EulerMaruyama::new(Overdamped);
    Ok(match workload {
        "W0" => normals::<F>(),
        "W1" => langevin::<F>(workload, ula, problem::mixture(&problem::circle())?, 2),
        "W2" => langevin::<F>(workload, ula, problem::mixture(&problem::sixteen())?, 64),
        "W3" => {
            let friction = Settings::of(workload).number("friction");
            let baoab = Splitting::new(Underdamped::new(friction, 1.0)?, "BAOAB".parse()?);
            langevin::<F>(workload, baoab, problem::mixture(&problem::circle())?, 2)
        }
        "W4" => langevin::<F>(workload, ula, problem::logistic()?, 31),
        _ => return Err(format!("there is no workload `{workload}`: W0 to W7").into()),
    })
}

pub fn contestants(workload: &str) -> Result<Vec<Contestant>, BoxError> {
    if workload == "W5" {
        return Ok(vec![diffusion()?]);
    }
    Ok(vec![both::<f64>(workload)?, both::<f32>(workload)?])
}
