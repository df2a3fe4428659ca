//! Networks from files: what they compute, what is refused, and how they are guided.
#![cfg(feature = "mlp")]

mod changed;
mod damaged;
mod errors;
#[macro_use]
#[cfg(feature = "onnx")]
mod engine;
#[cfg(feature = "onnx")]
mod conditions;
#[cfg(feature = "onnx")]
mod fashion;
mod guidance;
mod layers;
mod made;
mod memory;
mod network;
#[cfg(feature = "onnx")]
mod onnx;
mod processes;
mod rows;
mod schedulers;
#[path = "../support/mod.rs"]
mod support;

instruction_set_probe!();
