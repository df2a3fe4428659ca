//! Bad network files: every one is an error that says what is wrong.

use langevin::network::Network;
use safetensors::Dtype;
use serde_json::{Value, json};

use crate::changed::{file, refused, refused_with};
use crate::made::tensor;

#[test]
fn the_file_itself_is_good() {
    Network::from_bytes(&file().bytes()).unwrap();
}

#[test]
fn bytes_that_are_no_safetensors_file() {
    refused(
        b"",
        &["network, file: given", "expected a safetensors file as in docs/network-format.md"],
    );
    refused(b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'", &["file"]);
    refused(&[0xff; 100], &["file"]);
    let good = file().bytes();
    for length in [4, 8, 100, good.len() - 1] {
        refused(&good[..length], &["given"]);
    }
    let longer: Vec<u8> = good.iter().copied().chain([0; 4]).collect();
    refused(&longer, &["file"]);
    // Lengths and offsets near the end of the integers, with which careless sums overflow.
    for header in [
        r#"{"a":{"dtype":"U8","shape":[18446744073709551607],
            "data_offsets":[0,18446744073709551607]}}"#,
        r#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
    ] {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        refused(&bytes, &["given"]);
    }
    let mut bytes = u64::MAX.to_le_bytes().to_vec();
    bytes.extend(b"{}");
    refused(&bytes, &["file"]);
}

#[test]
fn metadata_that_is_missing_or_of_another_format() {
    let mut bad = file();
    bad.version = None;
    refused(&bad.bytes(), &["metadata `langevin`: given nothing, expected mlp/1"]);
    bad.version = Some("mlp/2".into());
    refused(&bad.bytes(), &["metadata `langevin`: given mlp/2"]);
    for text in ["", "{", "{\"input\": 64", "nonsense", "{\"input\": 1e999}"] {
        refused(
            &file().bytes_with(text),
            &["metadata `model`", "JSON as in docs/network-format.md"],
        );
    }
    for text in ["[]", "7", "\"silu\"", "null"] {
        refused(
            &file().bytes_with(text),
            &["description: given", "an object with input, prediction"],
        );
    }
    let deep = "[".repeat(100_000);
    refused(&file().bytes_with(&deep), &["metadata `model`"]);
}

#[test]
fn tensors_that_are_missing_misshaped_or_not_finite() {
    let mut bad = file();
    bad.tensors.remove("w.bias");
    refused(
        &bad.bytes(),
        &[
            "tensor w.bias: given nothing",
            "(out) at layers[1].residual[1]",
            "the file has a.bias, ",
        ],
    );
    let change = |name: &str, shape: &[usize]| {
        let mut bad = file();
        bad.put(name, tensor(shape, &vec![0.5; shape.iter().product()]));
        bad.bytes()
    };
    refused(
        &change("up.weight", &[4, 6]),
        &[
            "tensor up.weight: given shape [4, 6]",
            "(out, in) at layers[0] of shape [at least 1, 4]",
        ],
    );
    refused(&change("up.weight", &[24]), &["given shape [24]"]);
    refused(&change("up.weight", &[0, 4]), &["given shape [0, 4]"]);
    refused(&change("up.bias", &[7]), &["tensor up.bias: given shape [7]", "[6]"]);
    refused(&change("m.weight", &[1]), &["tensor m.weight: given shape [1]", "[6]"]);
    refused(
        &change("label.weight", &[2, 6]),
        &["tensor label.weight: given shape [2, 6]", "[3, 6]"],
    );
    refused(&change("d.weight", &[5, 6]), &["d.bias"]);
    for (bits, name) in [
        (f32::NAN, "NaN at index 5"),
        (f32::INFINITY, "inf at index 5"),
        (f32::NEG_INFINITY, "-inf at"),
    ] {
        let mut numbers = vec![0.1; 24];
        numbers[5] = bits;
        let mut bad = file();
        bad.put("up.weight", tensor(&[6, 4], &numbers));
        refused(&bad.bytes(), &["tensor up.weight", name, "finite"]);
    }
    for (dtype, size) in [(Dtype::F64, 8), (Dtype::F16, 2), (Dtype::BF16, 2), (Dtype::I32, 4)] {
        let mut bad = file();
        bad.put("up.weight", (dtype, vec![6, 4], vec![0; 24 * size]));
        refused(
            &bad.bytes(),
            &["tensor up.weight: given numbers of type", "F32; save model.float()"],
        );
    }
}

#[test]
fn descriptions_that_are_not_of_the_format() {
    refused_with(
        |m| m["depth"] = json!(3),
        &["description: given the key `depth`, expected only input"],
    );
    for width in [
        json!(0),
        json!(-4),
        json!(4.5),
        json!("4"),
        json!(1e12),
        json!(1u64 << 40),
        json!(u64::MAX),
        json!(null),
    ] {
        refused_with(
            |m| m["input"] = width.clone(),
            &["input: given", "a whole number from 1 to 1048576"],
        );
    }
    refused_with(|m| m["input"] = json!(5), &["image"]);
    refused_with(
        |m| m["prediction"] = json!("noise"),
        &["prediction: given \"noise\"", "epsilon, data, velocity, score"],
    );
    refused_with(|m| m["prediction"] = json!("epsilon-lower"), &["for this process one of"]);
    refused_with(
        |m| m["process"] = json!({"kind": "sde"}),
        &["process: given {\"kind\":\"sde\"}", "psld"],
    );
    refused_with(|m| m["process"] = json!({"kind": "ve"}), &["process.sigma_min: given nothing"]);
    let edm = json!({"kind": "edm", "sigma_min": 3.0, "sigma_max": 2.0});
    refused_with(|m| m["process"] = edm.clone(), &["above sigma-min"]);
    let flow = json!({"kind": "flow", "levels": 10, "shift": 0.0});
    refused_with(|m| m["process"] = flow.clone(), &["process.shift"]);
    refused_with(|m| m["process"]["schedule"] = json!("sigmoid"), &["unknown schedule `sigmoid`"]);
    refused_with(|m| m["process"]["levels"] = json!(0), &["process.levels"]);
    refused_with(|m| m["process"]["levels"] = json!(1_000_001), &["levels"]);
    refused_with(|m| m["process"]["beta"] = json!(1), &["process: given the key `beta`"]);
}

#[test]
fn times_labels_and_data_that_are_not_of_the_format() {
    refused_with(
        |m| m["time"]["width"] = json!(9),
        &["time.width: given 9, expected an even number"],
    );
    refused_with(|m| m["time"]["width"] = json!(12), &["tensor time.weight", "[at least 1, 12]"]);
    refused_with(|m| m["time"]["max_period"] = json!(0.0), &["time.max_period"]);
    refused_with(|m| m["time"]["scale"] = json!("1"), &["time.scale"]);
    refused_with(
        |m| m["time"]["embedding"] = json!("gaussian"),
        &["time.embedding: given \"gaussian\"", "sinusoidal or fourier"],
    );
    refused_with(|m| m["time"]["input"] = json!("time"), &["time.input", "timestep or log-snr"]);
    refused_with(
        |m| {
            m["time"] = json!({"input": "log-snr", "embedding": "fourier",
                "frequencies": "time.frequencies"})
        },
        &["tensor time.frequencies: given nothing"],
    );
    refused_with(|m| m["labels"]["classes"] = json!(7), &["tensor label.weight", "[8, 6]"]);
    refused_with(
        |m| drop(m.as_object_mut().unwrap().remove("time")),
        &["condition", "there is no `time`"],
    );
    refused_with(
        |m| {
            m.as_object_mut().unwrap().remove("time");
            m.as_object_mut().unwrap().remove("condition");
        },
        &["labels", "there is no `time`"],
    );
    refused_with(
        |m| m["condition"] = json!([{"condition": "c"}]),
        &["condition[0]", "this layer makes the condition"],
    );
    refused_with(
        |m| m["data"]["range"] = json!([1.0, -1.0]),
        &["data.range: given [1.0,-1.0]", "the smaller one first"],
    );
    refused_with(|m| m["data"]["range"] = json!([0.0, 1.0, 2.0]), &["data.range"]);
    refused_with(
        |m| m["data"]["image"] = json!([2, 3]),
        &["data.image: given [2,3]", "whose product is 4"],
    );
    refused_with(|m| m["data"]["image"] = json!([1 << 20, 1 << 20]), &["data.image"]);
}

#[test]
fn psld_and_features_have_rules_of_their_own() {
    let psld = json!({"kind": "psld", "beta": 8.0, "gamma": 0.01, "nu": 4.01, "kappa": 0.04});
    let change = |m: &mut Value| {
        m["process"] = psld.clone();
        m["prediction"] = json!("epsilon-lower");
        m["time"]["input"] = json!("time");
        m["data"] = json!({"image": [1, 2]});
    };
    let mut good = file();
    change(&mut good.model);
    Network::from_bytes(&good.bytes()).unwrap();
    let with = |more: &dyn Fn(&mut Value), parts: &[&str]| {
        refused_with(
            |m| {
                change(m);
                more(m);
            },
            parts,
        );
    };
    with(
        &|m| m["process"]["beta"] = json!(0),
        &["process.beta: given 0, expected a finite number > 0"],
    );
    with(&|m| m["process"]["nu"] = json!(-1), &["process.nu"]);
    with(&|m| m["process"]["kappa"] = json!(null), &["process.kappa"]);
    with(&|m| m["input"] = json!(5), &["input: given 5, expected an even number"]);
    with(&|m| m["prediction"] = json!("velocity"), &["epsilon-lower, epsilon-upper, score"]);
    with(&|m| m["time"]["input"] = json!("timestep"), &["time.input", "for psld time"]);
    refused_with(
        |m| {
            m["process"] = json!({"kind": "none"});
            m["prediction"] = json!("features");
        },
        &["time", "has no time"],
    );
}
