//! Networks from files: what they compute, how they are refused, how they are guided.
#![cfg(feature = "mlp")]

mod errors;
mod guidance;
mod made;
mod network;
#[cfg(feature = "onnx")]
mod onnx;
