//! A diffusion model in candle, driven by the samplers of this crate: ask and tell.
//!
//! The model is a function of candle tensors: here the exact noise of a Gaussian mixture. Put a
//! network in its place, on any device. The result is that of the crate's own run on its own exact
//! score, up to rounding. Run it by scripts/candle.sh.

use candle_core::{D, DType, Device, Tensor};
use langevin::diffusion::PlanQuery;
use langevin::ndarray::{Array2, array};
use langevin::prelude::*;

/// Means of the mixture, and the standard deviation of its components.
const MEANS: [[f64; 2]; 3] = [[-2.0, 0.0], [2.0, 1.0], [0.0, -2.0]];
const STD: f64 = 0.3;

/// E[ε | x] of rows at the signal √ᾱ and the noise √(1−ᾱ) of each.
fn noise(x: &Tensor, signal: &Tensor, noise: &Tensor) -> candle_core::Result<Tensor> {
    let means = Tensor::new(&MEANS, x.device())?.unsqueeze(0)?; // (1, components, dim)
    let centres = means.broadcast_mul(&signal.reshape(((), 1, 1))?)?;
    let away = x.unsqueeze(1)?.broadcast_sub(&centres)?; // (rows, components, dim)
    let variance = ((signal.sqr()? * (STD * STD))? + noise.sqr()?)?;
    let logs = (away.sqr()?.sum(D::Minus1)? * -0.5)?.broadcast_div(&variance.unsqueeze(1)?)?;
    let shares = logs.broadcast_sub(&logs.max_keepdim(1)?)?.exp()?;
    let shares = shares.broadcast_div(&shares.sum_keepdim(1)?)?;
    let mean = away.broadcast_mul(&shares.unsqueeze(2)?)?.sum(1)?;
    mean.broadcast_mul(&(noise / variance)?.unsqueeze(1)?)
}

/// The answer to a question, from the tensors of a device.
fn answer(query: &PlanQuery<'_, f64>, device: &Device) -> candle_core::Result<Array2<f64>> {
    let rows = query.rows();
    let shape = rows.dim();
    let x = Tensor::from_iter(rows.iter().copied(), device)?.reshape(shape)?;
    let levels = (0..shape.0).map(|row| query.level(row));
    let signal = Tensor::from_iter(levels.clone().map(|level| level.signal()), device)?;
    let level = Tensor::from_iter(levels.map(|level| level.noise()), device)?;
    let numbers = noise(&x, &signal, &level)?.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
    Ok(Array2::from_shape_vec(shape, numbers).expect("as many numbers as the question has"))
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let device = Device::Cpu;
    let process = Process::vp(LevelTable::linear(1000)?);
    let means = array![MEANS[0], MEANS[1], MEANS[2]];
    let ours = DiffusedMixture::new(GaussianMixture::isotropic(means.view(), STD)?);
    let mut worst = 0.0f64;
    for method in ["ddim", "sde-dpmpp2m", "pmm2", "pmm1", "rm", "heun", "unipc"] {
        let plan = Method::named(method)?.plan(&process, 20)?;
        let set = |run: Run<'static, f64>| run.start_normal(2).chains(500).seed(7);
        let mut stepper = plan.stepper(Prediction::Epsilon, set)?;
        let mut questions = 0;
        while let Some(query) = stepper.ask()? {
            let noise = answer(&query, &device)?;
            stepper.tell(noise.view())?;
            questions += 1;
        }
        let usual = plan.run(&ours)?.start_normal(2).chains(500).seed(7).run()?;
        let away = (&stepper.samples().positions() - &usual.positions()).mapv(f64::abs);
        let away = away.iter().fold(0.0, |most: f64, x| most.max(*x));
        println!("{method:<12} {questions} questions, largest difference {away:.1e}");
        worst = worst.max(away);
    }
    match worst < 1e-9 {
        true => Ok(()),
        false => Err(format!("differs from the run of the crate by {worst}").into()),
    }
}
