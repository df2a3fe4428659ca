//! What the calls of ranks cost: `mpirun -n 4 target/release/examples/cost`. The fastest of
//! several turns, by the clock of rank 0.

#[path = "../src/world.rs"]
mod world;

use std::time::Instant;

use langevin::BoxError;
use langevin::ranks::Ranks;
use mpi::Threading;

use world::World;

const TURNS: usize = 7;

/// The shortest time of a call, in seconds.
fn fastest(mut call: impl FnMut() -> Result<(), BoxError>) -> Result<f64, BoxError> {
    let mut best = f64::INFINITY;
    for _ in 0..TURNS {
        let begun = Instant::now();
        call()?;
        best = best.min(begun.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn main() -> Result<(), BoxError> {
    let begun = mpi::initialize_with_threading(Threading::Serialized);
    let (_universe, _) = begun.ok_or("MPI is running already")?;
    let ranks = World::new();
    if ranks.rank() == 0 {
        println!("{} ranks; bytes of each rank, then microseconds", ranks.size());
        println!("{:>10} {:>12} {:>12} {:>12}", "bytes", "gather", "broadcast", "gather all");
    }
    for bytes in [8, 1 << 10, 1 << 17, 1 << 20, 1 << 24, 1 << 26] {
        let own = vec![1_u8; bytes];
        // A broadcast of nothing lets all begin together.
        let gather = fastest(|| {
            ranks.gather(own.clone())?;
            ranks.broadcast(Vec::new()).map(|_| ())
        })?;
        let broadcast = fastest(|| {
            ranks.broadcast(own.clone())?;
            ranks.gather(Vec::new()).map(|_| ())
        })?;
        let all = fastest(|| ranks.gather_all(own.clone()).map(|_| ()))?;
        if ranks.rank() == 0 {
            let [gather, broadcast, all] = [gather, broadcast, all].map(|time| 1e6 * time);
            println!("{bytes:>10} {gather:>12.1} {broadcast:>12.1} {all:>12.1}");
        }
    }
    Ok(())
}
