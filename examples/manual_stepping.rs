//! Steps a sampler by hand and gets the same bits as `Run`, which does the loop for you.
//!
//! ```text
//! cargo run --release --example manual_stepping
//! ```
//!
//! This is for those who must interleave something of their own with the steps. Six chains start on
//! a line to the left of two wells. The table shows how they fall in and now and then cross to the
//! other well. The last line says that a `Run` with the same seed ended in the same state, to the
//! last bit.

use langevin::advanced::{Cost, Philox, State, Step, Work};
use langevin::ndarray::array;
use langevin::prelude::*;

fn main() -> Result<()> {
    let target = GaussianMixture::isotropic(array![[-1.5], [1.5]].view(), 0.7)?;
    let sampler = PoissonMidpoint::new(Underdamped::new(1.0, 1.0)?, 16)?;
    let grid = TimeGrid::uniform(0.2, 100)?;
    let start = array![[-5.0], [-4.5], [-4.0], [-3.5], [-3.0], [-2.5]];
    let (seed, first_chain, dim) = (11, 0, 1);

    // Noise is a function of the seed and an address, so it has no state to pass around. The state
    // of all chains is one array. Momenta are drawn, as none are given. `work` is memory that any
    // sampler may use.
    let noise = Philox::new(seed);
    let mut state = State::<f64>::new(start.view(), dim, sampler.layout(), first_chain, &noise)?;
    let mut work = Work::new();
    let mut cost = Cost::default();

    println!("step  time   positions of the six chains                            evaluations");
    for interval in &grid {
        if interval.index.is_multiple_of(10) {
            print(interval.index, interval.start, &state, cost);
        }
        let mut step = Step::new(interval, &target, &noise, &mut state, &mut work);
        sampler.step(&mut step)?;
        cost += step.cost();
    }
    print(100, grid.time(100), &state, cost);

    let samples = Run::new(sampler, &target, grid).start(start).seed(seed).run()?;
    assert_eq!(samples.state, state.view());
    assert_eq!(samples.cost, cost);
    println!("\nRun with seed {seed} gives the same bits, momenta included, and the same cost.");
    Ok(())
}

fn print(step: u32, time: f64, state: &State<f64>, cost: Cost) {
    let positions: String = state.positions().iter().map(|x| format!("{x:>9.4}")).collect();
    println!("{step:>4} {time:>5.1} {positions} {:>12}", cost.evaluations);
}
