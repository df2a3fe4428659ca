//! The forms of serde: processes, methods, samples, and tuned runs.

#![no_main]

use langevin::diffusion::Process;
use langevin::posterior::Tuned;
use langevin::prelude::{Method, Samples};
use langevin_fuzz::memory::within;
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn leads_back<T: DeserializeOwned + Serialize>(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(data) else { return };
    let text = serde_json::to_string(&value).expect("a value has a text");
    let again: T = serde_json::from_str(&text).expect("its text is read");
    assert_eq!(serde_json::to_string(&again).expect("a text"), text);
}

fuzz_target!(|data: &[u8]| {
    within(data.len(), || {
        leads_back::<Process>(data);
        leads_back::<Method>(data);
        leads_back::<Samples<f64>>(data);
        leads_back::<Samples<f32>>(data);
        leads_back::<Tuned>(data);
    });
});
