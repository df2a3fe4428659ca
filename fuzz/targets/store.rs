//! The description of a Zarr store at the place of another: it may go only if it is one of ours.

#![no_main]

use langevin::draws::check_place;
use langevin_fuzz::{memory::within, place};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let folder = place("draws.zarr");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("zarr.json"), data).expect("its description");
    within(data.len(), || {
        let may_go = check_place(&folder).is_ok();
        let is_ours = data.windows(8).any(|word| word == b"langevin") || data.contains(&b'\\');
        assert!(is_ours || !may_go, "a store of another library would go");
    });
});
