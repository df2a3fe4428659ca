//! The program `langevin` as a stranger meets it: what it refuses, what it writes, and that it
//! does what it says.

mod arrays;
mod compare;
mod failures;
mod generate;
mod generate_refusals;
mod models;
mod outputs;
mod phase;
mod probe;
mod program;
mod refusals;
mod sample;
mod starts;
mod support;
mod targets;
