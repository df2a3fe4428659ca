//! Generation by name and budget: which sampler, grid, clock and prediction a method of the
//! diffusion literature needs.

mod methods;
mod phase;
mod plans;

pub use methods::{GENERATION_METHODS, GenerationMethod, GenerationOptions};
pub use phase::{NoiseForm, PHASE_METHODS, PhaseGeneration, PhaseGrid, PhaseOptions, plan_phase};

use crate::drift::{Clock, Prediction};
use crate::error::{Error, Result};
use crate::grid::TimeGrid;
use crate::real::Real;
use crate::sampler::Sampler;
use crate::schedule::LevelTable;

/// A planned generation: run `sampler` over `grid`, with [`Denoised`](crate::Denoised)`::new(model,
/// clock, wanted)` as drift, from a standard normal.
pub struct Generation<F: Real> {
    /// The sampler.
    pub sampler: Box<dyn Sampler<F>>,
    /// Its grid.
    pub grid: TimeGrid,
    /// Which level belongs to which time.
    pub clock: Clock,
    /// What the sampler asks of the model.
    pub wanted: Prediction,
    /// Levels visited, from the noise to the data, where the method visits levels of the table.
    pub levels: Vec<usize>,
    /// Expected evaluations per chain, at most the budget; the most there can be where a tolerance
    /// may save some.
    pub evaluations: f64,
}

/// Plans a generation with at most `evaluations` model evaluations per chain in expectation.
///
/// ```
/// use langevin::generation::{GenerationOptions, plan};
/// use langevin::ndarray::array;
/// use langevin::*;
///
/// let data = GaussianMixture::isotropic(array![[-1.0, 0.0], [1.0, 0.0]].view(), 0.1)?;
/// let model = DiffusedMixture::new(data);
/// let table = LevelTable::named("linear", 1000)?;
/// let generation = plan::<f64>("pmm2", &table, 50, &GenerationOptions::default())?;
/// let drift = Denoised::new(&model, generation.clock, generation.wanted)?;
/// let samples = Run::new(&*generation.sampler, &drift, generation.grid).chains(100).run()?;
/// assert!(samples.evaluations_per_chain() <= 50.0);
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// [`Error::Unknown`] for a method that is not in the list, [`Error::NotTaken`] for an option it
/// does not take, [`Error::TooFew`] if the budget is too small, and whatever the parts refuse.
pub fn plan<F: Real>(
    method: &str,
    table: &LevelTable,
    evaluations: usize,
    options: &GenerationOptions,
) -> Result<Generation<F>> {
    let Some(entry) = GENERATION_METHODS.iter().find(|entry| entry.name == method) else {
        let known = GENERATION_METHODS.map(|entry| entry.name).join(", ");
        return Err(Error::Unknown { what: "method", given: method.into(), known });
    };
    for option in options.given() {
        if !entry.options.contains(&option) {
            return Err(Error::NotTaken { option, by: entry.name });
        }
    }
    match entry.name {
        "ddpm" | "ddim" => plans::ancestral(entry, table, evaluations, options),
        "dpmpp2m" => plans::dpm_solver(entry, table, evaluations, options),
        "heun" => plans::heun(entry, table, evaluations, options),
        "pmm1" | "pmm2" => plans::poisson(entry, table, evaluations, options),
        "em" | "rm" => plans::continuous(entry, table, evaluations, options),
        "pc" | "pc-parallel" => plans::predictor_corrector(entry, table, evaluations, options),
        _ => Err(Error::Unknown { what: "method", given: method.into(), known: String::new() }),
    }
}
