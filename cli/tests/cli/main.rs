//! The program `langevin` as a stranger meets it: what it refuses, what it writes, and that it
//! does what it says.

mod arrays;
mod compare;
mod conditions;
mod durable;
mod failures;
mod full;
mod generate;
mod generate_refusals;
mod interrupts;
mod library;
mod models;
mod networks;
mod outputs;
mod phase;
mod places;
mod plan;
mod posterior;
mod posterior_shards;
mod probe;
mod program;
mod refusals;
mod sample;
mod settings;
mod shards;
mod starts;
mod states;
mod support;
mod tables;
mod targets;
mod traces;
mod windows;
