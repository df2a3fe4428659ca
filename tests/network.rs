//! Networks from files: the numbers of PyTorch, the same bits however they are run, and an error for every bad file.
#![cfg(feature = "mlp")]

use langevin::ndarray::{Array2, ArrayView2, ShapeBuilder, s};
use langevin::network::{Network, NetworkPrediction, NetworkProcess};
use langevin::*;
use serde_json::Value;

fn golden(name: &str) -> String {
    format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn tiny() -> Network {
    Network::load(golden("tiny.safetensors")).unwrap()
}

/// What PyTorch says of a network.
fn expected(file: &str, network: &str) -> Value {
    let all: Value = serde_json::from_str(&std::fs::read_to_string(golden(file)).unwrap()).unwrap();
    all[network].clone()
}

fn vector(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(vector).collect();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn largest_difference(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn the_tiny_network_says_what_pytorch_says() {
    let network = tiny();
    let expected = expected("tiny.json", "tiny.safetensors");
    let (x, wanted) = (matrix(&expected["input"]), matrix(&expected["output_f64"]));
    let mut out = Array2::zeros(x.dim());
    for (row, (t, label)) in vector(&expected["log_snr"]).iter().zip(expected["label"].as_array().unwrap()).enumerate() {
        let label = label.as_u64().map(|label| label as usize);
        let (x, out) = (x.slice(s![row..row + 1, ..]), out.slice_mut(s![row..row + 1, ..]));
        network.evaluate(Times::Shared(*t), label, x, out).unwrap();
    }
    let away = largest_difference(out.view(), wanted.view());
    println!("largest difference {away:e}");
    assert!(away < 2e-6, "{away:e}");
}
