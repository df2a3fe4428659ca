//! A good network file, and checks of what a change of it does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use langevin::ndarray::Array2;
use langevin::network::Network;
use langevin::prelude::*;
use serde_json::{Value, json};

use crate::made::File;

/// The file that the tests change.
pub fn file() -> File {
    let layers = json!([{"linear": "up"}, {"residual": [{"norm": "m", "epsilon": 1e-5},
        {"linear": "w"}, {"condition": "d"},
        "silu", {"linear": "w"}]}, {"linear": "down"}]);
    let mut file = File::new(4, 6, layers);
    file.model["data"] = json!({"range": [-1.0, 1.0], "image": [2, 2]});
    file
}

/// Checks that the file is refused, with a message that has all of these parts.
pub fn refused(bytes: &[u8], parts: &[&str]) {
    let message = match Network::from_bytes(bytes) {
        Ok(_) => panic!("accepted; expected an error with {parts:?}"),
        Err(error) => error.to_string(),
    };
    for part in parts {
        assert!(message.contains(part), "`{message}` has no `{part}`");
    }
}

/// The same after a change of the description.
pub fn refused_with(change: impl Fn(&mut Value), parts: &[&str]) {
    let mut file = file();
    change(&mut file.model);
    refused(&file.bytes(), parts);
}

/// Loads a file and runs it if it loads. The result is an error or numbers, never a panic. Returns
/// whether it was a network.
pub fn survives(bytes: &[u8]) -> bool {
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
