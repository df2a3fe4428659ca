//! Network files made for tests with a plain evaluation of them in f64, golden files, and
//! comparisons.

use std::collections::HashMap;

use langevin::ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use langevin::network::Network;
use langevin::prelude::*;
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};

/// The path of a golden file.
pub fn golden(name: &str) -> String {
    format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A tensor: type, shape and bytes.
pub type Tensor = (Dtype, Vec<usize>, Vec<u8>);

/// What a file is made of. There are `input` inputs, `hidden` hidden numbers, a condition of 6
/// numbers, and 2 classes.
pub struct File {
    pub tensors: HashMap<String, Tensor>,
    pub model: Value,
    pub version: Option<String>,
}

/// Numbers about as large as those of a fresh network.
fn numbers(seed: usize, count: usize, scale: f64) -> Vec<f32> {
    let draw = |i: usize| (i.wrapping_mul(2_654_435_761).wrapping_add(seed * 40_503) >> 7) % 4096;
    (0..count).map(|i| ((draw(i) as f64 / 2048.0 - 1.0) * scale) as f32).collect()
}

/// A tensor of f32.
pub fn tensor(shape: &[usize], numbers: &[f32]) -> Tensor {
    (Dtype::F32, shape.to_vec(), numbers.iter().flat_map(|x| x.to_le_bytes()).collect())
}

impl File {
    /// A file with tensors for all layers that tests use.
    pub fn new(input: usize, hidden: usize, layers: Value) -> Self {
        let model = json!({
            "input": input,
            "prediction": "epsilon",
            "process": {"kind": "vp", "schedule": "linear", "levels": 1000},
            "time": {"input": "timestep", "embedding": "sinusoidal", "width": 10,
                "max_period": 100.0, "scale": 0.5},
            "condition": [{"linear": "time"}, "silu"],
            "labels": {"table": "label", "classes": 2},
            "layers": layers,
        });
        let mut file = Self { tensors: HashMap::new(), model, version: Some("mlp/1".into()) };
        let linears = [
            ("time", 6, 10),
            ("a", input, input),
            ("up", hidden, input),
            ("down", input, hidden),
            ("w", hidden, hidden),
            ("c", input, 6),
            ("d", hidden, 6),
        ];
        for (seed, (name, outputs, inputs)) in linears.into_iter().enumerate() {
            let scale = 1.7 / (inputs as f64).sqrt();
            file.put(
                &format!("{name}.weight"),
                tensor(&[outputs, inputs], &numbers(seed, outputs * inputs, scale)),
            );
            file.put(
                &format!("{name}.bias"),
                tensor(&[outputs], &numbers(seed + 50, outputs, 0.5)),
            );
        }
        for (name, width) in [("n", input), ("m", hidden)] {
            file.put(&format!("{name}.weight"), tensor(&[width], &numbers(width, width, 1.5)));
            file.put(&format!("{name}.bias"), tensor(&[width], &numbers(width + 1, width, 0.5)));
        }
        file.put("label.weight", tensor(&[3, 6], &numbers(99, 18, 1.0)));
        file
    }

    /// Adds or replaces a tensor.
    pub fn put(&mut self, name: &str, tensor: Tensor) {
        self.tensors.insert(name.into(), tensor);
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes_with(&self.model.to_string())
    }

    /// The file with any text as its description.
    pub fn bytes_with(&self, model: &str) -> Vec<u8> {
        let views = self.tensors.iter().map(|(name, (dtype, shape, bytes))| {
            (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        let mut metadata = HashMap::from([("model".to_string(), model.to_string())]);
        metadata.extend(self.version.clone().map(|version| ("langevin".to_string(), version)));
        safetensors::serialize(views, Some(metadata)).unwrap()
    }

    fn floats(&self, name: &str) -> Vec<f64> {
        let (_, _, bytes) = &self.tensors[name];
        bytes
            .chunks_exact(4)
            .map(|four| f64::from(f32::from_le_bytes(four.try_into().unwrap())))
            .collect()
    }

    fn weight_and_bias(&self, name: &str) -> [Vec<f64>; 2] {
        ["weight", "bias"].map(|part| self.floats(&format!("{name}.{part}")))
    }

    fn linear(&self, name: &str, h: &Array1<f64>) -> Array1<f64> {
        let [weight, bias] = self.weight_and_bias(name);
        let rows = weight.chunks_exact(h.len()).zip(bias);
        rows.map(|(row, bias)| bias + row.iter().zip(h).map(|(w, x)| w * x).sum::<f64>()).collect()
    }

    fn layers(&self, layers: &Value, mut h: Array1<f64>, c: Option<&Array1<f64>>) -> Array1<f64> {
        for layer in layers.as_array().unwrap() {
            let name = |key: &str| layer.get(key).and_then(Value::as_str);
            if layer == "silu" {
                h.mapv_inplace(|x| x / (1.0 + (-x).exp()));
            } else if let Some(name) = name("linear") {
                h = self.linear(name, &h);
            } else if let Some(name) = name("condition") {
                h = h + self.linear(name, c.unwrap());
            } else if let Some(name) = name("norm") {
                let [weight, bias] = self.weight_and_bias(name);
                let mean = h.mean().unwrap();
                let variance = h.mapv(|x| (x - mean).powi(2)).mean().unwrap();
                h = h.mapv(|x| (x - mean) / (variance + layer["epsilon"].as_f64().unwrap()).sqrt());
                h = h * Array1::from(weight) + Array1::from(bias);
            } else {
                h = &h + &self.layers(&layer["residual"], h.clone(), c);
            }
        }
        h
    }

    /// The network in f64, sinusoidal time of width 10.
    pub fn evaluate(
        &self,
        layers: &Value,
        time: f64,
        label: Option<usize>,
        x: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        if self.model.get("time").is_none() {
            return self.layers(layers, x.to_owned(), None);
        }
        let angle = |j: usize| 0.5 * time * 100f64.powf(-(j as f64) / 5.0);
        let embedded =
            (0..5).map(|j| angle(j).cos()).chain((0..5).map(|j| angle(j).sin())).collect();
        let table = self.floats("label.weight");
        let row = Array1::from(table[6 * label.unwrap_or(2)..][..6].to_vec());
        let condition = self.layers(&self.model["condition"], embedded, None) + row;
        self.layers(layers, x.to_owned(), Some(&condition))
    }
}

/// A small network of noised data with all kinds of layers, written by PyTorch.
pub fn tiny() -> Network {
    Network::load(golden("tiny.safetensors")).unwrap()
}

/// A small network of position and momentum, written by PyTorch.
pub fn tiny_psld() -> Network {
    Network::load(golden("tiny-psld.safetensors")).unwrap()
}

/// The numbers of PyTorch for a network.
pub fn expected(file: &str, network: &str) -> Value {
    let all: Value = serde_json::from_str(&std::fs::read_to_string(golden(file)).unwrap()).unwrap();
    all[network].clone()
}

/// A list of numbers.
pub fn vector(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// A list of labels, of which some are missing.
pub fn labels(value: &Value) -> Vec<Option<usize>> {
    let label = |label: &Value| label.as_u64().map(|label| label as usize);
    value.as_array().unwrap().iter().map(label).collect()
}

/// A list of rows.
pub fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(vector).collect();
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

/// The largest difference, relative where numbers are above 1.
pub fn away<F: Real>(a: ArrayView2<'_, F>, b: ArrayView2<'_, F>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    let away = |a: f64, b: f64| (a - b).abs() / b.abs().max(1.0);
    let differences = a.iter().zip(&b).map(|(a, b)| away(a.widen(), b.widen()));
    // NaN is the largest.
    differences.fold(0.0, |most, x| if x <= most { most } else { x })
}

/// Numbers that f32 holds exactly.
pub fn some_rows(rows: usize, width: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, width), |(i, j)| ((i * 37 + j * 101) % 64) as f64 / 16.0 - 2.0)
}

/// A network of examples/models.
pub fn trained(name: &str) -> Network {
    Network::load(format!("{}/examples/models/{name}.safetensors", env!("CARGO_MANIFEST_DIR")))
        .unwrap()
}
