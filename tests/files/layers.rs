//! Layers of network files that do not fit, and bounds on what a file may ask for.

use langevin::ndarray::Array2;
use langevin::network::Network;
use serde_json::{Value, json};

use crate::changed::{file, refused, refused_with, survives};
use crate::made::{File, tensor};

#[test]
fn layers_that_do_not_fit() {
    refused_with(|m| m["layers"] = json!([]), &["layers: given []", "at least one layer"]);
    refused_with(|m| m["layers"] = json!({}), &["layers: given {}", "a list of layers"]);
    refused_with(
        |m| m["layers"][0] = json!("gelu"),
        &["layers[0]: given \"gelu\", expected \"silu\", {\"linear\""],
    );
    refused_with(
        |m| m["layers"][1]["residual"][2] = json!({"film": "d"}),
        &["layers[1].residual[2]", "film"],
    );
    refused_with(
        |m| m["layers"][0] = json!({"linear": 5}),
        &["layers[0].linear: given 5, expected a text"],
    );
    refused_with(
        |m| m["layers"][0] = json!({"linear": "up", "bias": false}),
        &["layers[0]: given the key `bias`"],
    );
    refused_with(
        |m| m["layers"][0] = json!({"linear": "up", "norm": "m"}),
        &["layers[0]", "given the key `norm`"],
    );
    refused_with(|m| m["layers"][1] = json!({"residual": []}), &["layers[1].residual: given []"]);
    refused_with(|m| m["layers"][1] = json!({"norm": "m"}), &["layers[1].epsilon: given nothing"]);
    refused_with(
        |m| m["layers"][1] = json!({"norm": "m", "epsilon": 0.0}),
        &["layers[1].epsilon: given 0.0"],
    );
    refused_with(
        |m| m["layers"][1] = json!({"condition": "c"}),
        &["layers[1]: given 4 numbers from c, expected 6"],
    );
    refused_with(
        |m| m["layers"][1] = json!({"linear": "up"}),
        &["layers[1]: given 6 numbers, expected 4"],
    );
    refused_with(
        |m| m["layers"][1]["residual"] = json!([{"linear": "down"}]),
        &["layers[1].residual: given 4 numbers at its end"],
    );
    refused_with(
        |m| {
            m["layers"][2] =
                json!({"residual": [{"linear": "down"}, {"norm": "m", "epsilon": 1.0}]})
        },
        &["layers[2].residual[1]: given 4 numbers, expected 6, those of m.weight"],
    );
    refused_with(
        |m| m["layers"] = json!([{"linear": "up"}]),
        &["layers: given 6 numbers at their end, expected 4"],
    );
    let nested =
        |depth: usize| (0..depth).fold(json!("silu"), |layer, _| json!({"residual": [layer]}));
    refused_with(|m| m["layers"][1] = nested(33), &["at most 32 residuals inside each other"]);
    refused_with(|m| m["layers"][1] = nested(60), &["given"]);
    let mut good = file();
    good.model["layers"][1] = nested(32);
    Network::from_bytes(&good.bytes()).unwrap();
}

/// A map to features of one number, from these many, without anything else in the file.
fn wide(input: usize, layers: Value) -> File {
    let mut file = file();
    file.tensors.clear();
    file.model = json!({"input": input, "prediction": "features", "process": {"kind": "none"},
        "layers": layers});
    file.put("last.weight", tensor(&[1, input], &vec![0.5; input]));
    file.put("last.bias", tensor(&[1], &[0.0]));
    file
}

#[test]
fn a_width_that_no_tensor_holds_is_refused() {
    for layers in [json!(["silu"]), json!([{"residual": ["silu", {"residual": ["silu"]}]}])] {
        let mut small = wide(1 << 20, layers);
        small.tensors.clear();
        let bytes = small.bytes();
        assert!(bytes.len() < 1000);
        refused(&bytes, &["layers: given no linear layer", "at least one {\"linear\": NAME}"]);
    }
    // The linear layers of the condition do not fix the input.
    refused_with(|m| m["layers"] = json!(["silu"]), &["layers: given no linear layer"]);
    Network::from_bytes(&wide(100, json!([{"residual": ["silu"]}, {"linear": "last"}])).bytes())
        .unwrap();
}

#[test]
fn working_memory_and_the_number_of_layers_have_bounds() {
    let nested = |depth: usize| {
        let layers = (0..depth).fold(json!(["silu"]), |inside, _| json!([{"residual": inside}]));
        json!([layers[0], {"linear": "last"}])
    };
    let deep = |depth: usize, input: usize| wide(input, nested(depth)).bytes();
    // 33 buffers of 32,766 numbers are almost 264 MiB, 31 almost 248 MiB.
    refused(
        &deep(32, 32_766),
        &["layers and condition: given 263 MiB of working memory for 64 rows", "less than 256 MiB"],
    );
    let network = Network::from_bytes(&deep(30, 32_766)).unwrap();
    let x = Array2::zeros((64, 32_766));
    let memory = allocation_counter::measure(|| drop(network.features(x.view()).unwrap()));
    assert!(memory.bytes_max < 256 << 20, "{memory:?}");
    // The condition counts too: an embedding needs no tensor.
    let told = |width: usize| {
        let mut file = file();
        file.model["time"]["width"] = json!(width);
        for key in ["condition", "labels"] {
            file.model.as_object_mut().unwrap().remove(key);
        }
        file.model["layers"] = json!([{"linear": "a"}]);
        file.bytes()
    };
    refused(&told(1 << 20), &["256 MiB of working memory"]);
    Network::from_bytes(&told(1 << 19)).unwrap();

    let many = |count: usize| {
        // `condition` has two.
        let layers = json!([{"linear": "a"}, {"residual": vec!["silu"; count - 4]}]);
        let mut file = file();
        file.model["layers"] = layers;
        file.bytes()
    };
    refused(&many(10_001), &["layers: given 10001 layers, expected at most 10000"]);
    survives(&many(10_000));
    Network::from_bytes(&many(10_000)).unwrap();
}

/// 2,000 times the same tensors of 1/2 MiB would be 1 GiB.
#[test]
fn tensors_that_are_named_often_are_stored_once() {
    let norm = json!({"norm": "n", "epsilon": 1e-5});
    let mut layers = vec![norm; 2000];
    layers.push(json!({"linear": "last"}));
    let mut file = wide(1 << 16, json!(layers));
    for part in ["weight", "bias"] {
        file.put(&format!("n.{part}"), tensor(&[1 << 16], &vec![0.5; 1 << 16]));
    }
    let bytes = file.bytes();
    let memory = allocation_counter::measure(|| drop(Network::from_bytes(&bytes).unwrap()));
    assert!(memory.bytes_max < 10 << 20, "{memory:?}");
}
