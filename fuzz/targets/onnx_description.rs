//! Descriptions of ONNX networks. The graph itself is read by ONNX Runtime.

#![no_main]

use langevin_fuzz::memory::within;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    within(data.len(), || {
        for columns in [1, 784] {
            let _ = langevin::onnx::read_description(text, columns);
        }
    });
});
