//! The mixture file of `sample`: read, evaluated, drawn from, written again.

#![no_main]

use langevin::GaussianMixture;
use langevin::ndarray::Array2;
use langevin_fuzz::{file, memory::within, mixture_file::mixture};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = file("target.json", data);
    within(data.len(), || {
        let Ok(mixture) = mixture(&path) else { return };
        let x = Array2::from_elem((2, mixture.dimension()), 0.5);
        mixture.log_density(x.view()).expect("two positions");
        let drawn = mixture.sample(2, 1).expect("two draws");
        let _ = mixture.distance_to_nearest_mode(drawn.view());
        let _ = (mixture.mean(), mixture.range());
        let text = serde_json::to_string(&mixture).expect("a mixture has a text");
        let again: GaussianMixture = serde_json::from_str(&text).expect("its text is a mixture");
        assert_eq!(again.means(), mixture.means());
    });
});
