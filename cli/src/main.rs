//! The `langevin` program, as one process.

#![deny(unsafe_code)]

use std::process::ExitCode;
use std::sync::Arc;

use langevin::ranks::Alone;
use langevin_cli::{Ending, program};

fn main() -> ExitCode {
    match program(std::env::args_os(), Arc::new(Alone)) {
        Ending::Together(code) | Ending::Early(code) => ExitCode::from(code),
    }
}
