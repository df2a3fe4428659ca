//! Every bad file is an error that says what is wrong, and no bytes make the reader panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::made::{File, golden, tensor};
use langevin::ndarray::Array2;
use langevin::network::Network;
use langevin::prelude::*;
use safetensors::Dtype;
use serde_json::{Value, json};

fn file() -> File {
    let layers = json!([{"linear": "up"}, {"residual": [{"norm": "m", "epsilon": 1e-5},
        {"linear": "w"}, {"condition": "d"},
        "silu", {"linear": "w"}]}, {"linear": "down"}]);
    let mut file = File::new(4, 6, layers);
    file.model["data"] = json!({"range": [-1.0, 1.0], "image": [2, 2]});
    file
}

/// The file is refused, and the message has all of these.
fn refused(bytes: &[u8], parts: &[&str]) {
    let message = match Network::from_bytes(bytes) {
        Ok(_) => panic!("accepted; expected an error with {parts:?}"),
        Err(error) => error.to_string(),
    };
    for part in parts {
        assert!(message.contains(part), "`{message}` has no `{part}`");
    }
}

/// As above, after a change of the description.
fn refused_with(change: impl Fn(&mut Value), parts: &[&str]) {
    let mut file = file();
    change(&mut file.model);
    refused(&file.bytes(), parts);
}

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
        r#"{"a":{"dtype":"U8","shape":[18446744073709551607],"data_offsets":[0,18446744073709551607]}}"#,
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
        |m| m["process"] = json!({"kind": "ve"}),
        &["process: given {\"kind\":\"ve\"}", "psld"],
    );
    refused_with(|m| m["process"]["schedule"] = json!("sigmoid"), &["unknown schedule `sigmoid`"]);
    refused_with(|m| m["process"]["levels"] = json!(0), &["process.levels"]);
    refused_with(|m| m["process"]["levels"] = json!(1_000_001), &["levels"]);
    refused_with(|m| m["process"]["beta"] = json!(1), &["process: given the key `beta`"]);
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
    // The linear layers of the condition say nothing about the input.
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

/// A generator of its own, so that a failure can be seen again.
struct Draws(u64);

impl Draws {
    fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below
    }
}

/// Loads, and runs what loads: an error or numbers, never a panic.
fn survives(bytes: &[u8]) -> bool {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let Ok(network) = Network::from_bytes(bytes) else { return false };
        let x = Array2::<f32>::from_elem((3, network.input_width()), 0.25);
        let mut out = Array2::zeros((3, network.output_width()));
        network.evaluate(Times::PerRow(&[0.5, 1.0, 1.0]), None, x.view(), out.view_mut()).unwrap();
        true
    }));
    outcome.unwrap_or_else(|_| {
        panic!("a panic for {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]))
    })
}

/// Thousands of damaged files; more of them, from other seeds, for as many seconds as
/// `LANGEVIN_FUZZ_SECONDS` says (`scripts/fuzz.sh`).
#[test]
fn no_bytes_make_the_reader_panic() {
    let seconds = std::env::var("LANGEVIN_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0.0);
    let clock = std::time::Instant::now();
    let (mut tried, mut accepted, mut seed) = (0, 0, 1);
    while seed == 1 || clock.elapsed().as_secs_f64() < seconds {
        let (more, whole) = damage(seed);
        (tried, accepted, seed) = (tried + more, accepted + whole, seed + 1);
    }
    println!("{tried} files, {accepted} of them still networks");
    assert!(accepted > 100, "the changes should leave some networks whole");
}

/// Files tried from this seed, and those that were still networks.
fn damage(seed: u64) -> (usize, usize) {
    let mut draws = Draws(seed);
    let (mut tried, mut accepted) = (0, 0);
    for name in ["tiny.safetensors", "tiny-psld.safetensors"] {
        let good = std::fs::read(golden(name)).unwrap();
        let header = 8 + u64::from_le_bytes(*good.first_chunk::<8>().unwrap()) as usize;
        for round in 0..6000 {
            let mut bytes = good.clone();
            // Mostly in the header, where there is something to misread.
            let within = if round % 4 == 0 { bytes.len() } else { header };
            for _ in 0..1 + draws.next(3) {
                let at = draws.next(within);
                match draws.next(4) {
                    0 => bytes[at] = draws.next(256) as u8,
                    1 => bytes[at] ^= 1 << draws.next(8),
                    2 => bytes[at] = b"0123456789-{}[]\",:.e"[draws.next(20)],
                    _ => bytes[at] = bytes[draws.next(within)],
                }
            }
            match round % 8 {
                0 => bytes.truncate(draws.next(good.len())),
                1 => drop(bytes.drain(..draws.next(header))),
                _ => (),
            }
            (tried, accepted) = (tried + 1, accepted + usize::from(survives(&bytes)));
        }
    }
    (tried, accepted)
}

/// Every value of a description replaced by every odd one.
#[test]
fn no_value_makes_the_reader_panic() {
    fn paths(value: &Value, path: &str, all: &mut Vec<String>) {
        all.push(path.into());
        match value {
            Value::Object(map) => {
                map.iter().for_each(|(key, value)| paths(value, &format!("{path}/{key}"), all))
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(i, item)| paths(item, &format!("{path}/{i}"), all)),
            _ => (),
        }
    }
    let odd = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(3),
        json!(1e308),
        json!(5e-324),
        json!(u64::MAX),
        json!(1 << 20),
        json!(""),
        json!("silu"),
        json!("w"),
        json!([]),
        json!({}),
        json!([[]]),
        json!({"residual": ["silu"]}),
        json!(["silu"]),
        json!({"linear": "w"}),
        json!({"condition": "d"}),
        json!([1, 1]),
    ];
    let base = file();
    let mut all = Vec::new();
    paths(&base.model, "", &mut all);
    let mut accepted = 0;
    for path in &all {
        for value in &odd {
            let mut model = base.model.clone();
            *model.pointer_mut(path).unwrap() = value.clone();
            accepted += usize::from(survives(&base.bytes_with(&model.to_string())));
        }
    }
    println!("{} descriptions, {accepted} of them of the format", all.len() * odd.len());
    assert!(accepted > 20 && accepted < all.len() * odd.len() / 2);
}
