//! Steps a sampler by hand and gets the same bits as `Run`, which does the loop for you.
//!
//! ```text
//! cargo run --release --example manual_stepping
//! ```
//!
//! For those who must interleave something of their own with the steps. Six chains start on a line
//! to the left of two wells; the table shows how they fall in and now and then cross to the other
//! well. The last line says that a `Run` with the same seed ended in the same state, to the last
//! bit.

use langevin::ndarray::{Array2, array};
use langevin::*;

fn main() -> Result<()> {
    let target = GaussianMixture::isotropic(array![[-1.5], [1.5]].view(), 0.7)?;
    let sampler = PoissonMidpoint::new(Underdamped::new(1.0, 1.0)?, 16)?;
    let grid = TimeGrid::uniform(0.2, 100)?;
    let start: Array2<f64> = array![[-5.0], [-4.5], [-4.0], [-3.5], [-3.0], [-2.5]];
    let (seed, first_chain, dim) = (11, 0, 1);

    // The parts: noise is a function of the seed and an address, so it has no state to pass around;
    // the state of all chains is one array; `work` is scratch memory that any sampler may use.
    // Momenta are drawn, as none are given.
    let noise = Philox::new(seed);
    let layout = Sampler::<f64>::layout(&sampler);
    let mut state = State::new(start.view(), dim, layout, first_chain, &noise)?;
    let mut work = Work::new();
    let mut evaluations = 0;

    println!("step  time   positions of the six chains                            evaluations");
    let print = |step: usize, time: f64, state: &State<f64>, evaluations: u64| {
        let positions: String = state.positions().iter().map(|x| format!("{x:>9.4}")).collect();
        println!("{step:>4} {time:>5.1} {positions} {evaluations:>12}");
    };
    print(0, grid.time(0), &state, evaluations);
    for step in grid.iter() {
        let info = sampler.step(step, &target, &noise, &mut state, &mut work)?;
        evaluations += info.evaluations;
        let done = step.index as usize + 1;
        if done.is_multiple_of(10) {
            print(done, step.end, &state, evaluations);
        }
    }

    let samples = Run::new(&sampler, &target, grid).start(start).seed(seed).run()?;
    assert_eq!(samples.state, state.view());
    assert_eq!(samples.evaluations, evaluations);
    println!("\nRun with seed {seed} gives the same bits, momenta included, and the same count.");
    Ok(())
}
