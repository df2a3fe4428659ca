//! Networks from safetensors files: read, and evaluated where they are networks.

#![no_main]

use langevin::ndarray::Array2;
use langevin::network::Network;
use langevin::prelude::Times;
use langevin_fuzz::memory::within;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    within(data.len(), || {
        let Ok(network) = Network::from_bytes(data) else { return };
        let x = Array2::<f32>::from_elem((2, network.input_width()), 0.25);
        let mut out = Array2::zeros((2, network.output_width()));
        let _ = network.evaluate(Times::PerRow(&[0.5, 1.0]), None, x.view(), out.view_mut());
    });
});
