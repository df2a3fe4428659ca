//! The program `langevin` as a rank of an MPI job: `mpirun -n 4 langevin-mpi sample …`.

#![deny(unsafe_code)]

mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use langevin_cli::{Ending, program};
use mpi::Threading;
use mpi::traits::Communicator;

use world::World;

fn main() -> ExitCode {
    // Calls come from one thread at a time, and not always from the same one.
    let Some((universe, threading)) = mpi::initialize_with_threading(Threading::Serialized) else {
        eprintln!("error: MPI is running already");
        return ExitCode::FAILURE;
    };
    let world = universe.world();
    if threading < Threading::Serialized {
        eprintln!("error: this MPI takes calls from the main thread alone, expected from any");
        world.abort(1);
    }
    let ranks = Arc::new(World::new());
    // Others would wait for a rank that has panicked.
    let ending = catch_unwind(AssertUnwindSafe(|| program(std::env::args_os(), ranks)));
    match ending {
        Ok(Ending::Together(code)) => ExitCode::from(code),
        Ok(Ending::Early(code)) => world.abort(code.into()),
        Err(_) => world.abort(101),
    }
}
