//! Arrays: .npy with its header, .csv, and outputs that `merge` joins.

#![no_main]

use langevin_fuzz::joined_frames::Frames;
use langevin_fuzz::npy::{Accept, read_list, read_rows};
use langevin_fuzz::{file, memory::within};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let array = file("data.npy", data);
    let table = file("data.csv", data);
    within(data.len(), || {
        for accept in [Accept::Floats, Accept::Reals] {
            if let Ok(rows) = read_rows("--data", &array, accept) {
                assert!(rows.iter().all(|x| x.is_finite()) && rows.len() <= data.len());
            }
        }
        let _ = read_list("--labels", &array, 3);
        if let Ok(rows) = read_rows("--data", &table, Accept::Floats) {
            assert!(rows.iter().all(|x| x.is_finite()) && rows.len() <= data.len());
        }
    });
    within(data.len(), || {
        for (path, is_csv) in [(&array, false), (&table, true)] {
            let parts = [(path.clone(), 2), (path.clone(), 2)];
            if let Ok(frames) = Frames::open(&parts, 1, is_csv) {
                let _ = frames.join::<f64>(&mut std::io::sink());
            }
        }
    });
});
