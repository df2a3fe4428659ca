//! Checkpoints of comparisons: read, and gone on with. The check at their end is put right.

#![no_main]

use std::sync::OnceLock;

use langevin::compare::{Comparison, Distances, Metric, Record};
use langevin::ndarray::array;
use langevin::prelude::*;
use langevin::run::Settings;
use langevin_fuzz::{file, memory::within, whole};
use libfuzzer_sys::fuzz_target;

/// What is compared, made once.
fn things() -> &'static (GaussianMixture, DiffusedMixture, Process) {
    static ALL: OnceLock<(GaussianMixture, DiffusedMixture, Process)> = OnceLock::new();
    ALL.get_or_init(|| {
        let target = GaussianMixture::isotropic(array![[0.0]].view(), 1.0).expect("a Gaussian");
        let process = Process::vp(LevelTable::linear(10).expect("a table"));
        (target.clone(), DiffusedMixture::new(target), process)
    })
}

fuzz_target!(|data: &[u8]| {
    let path = file("comparison", &[b"langevin comparison 1\n", &whole(data)[..]].concat());
    within(data.len(), || {
        let Ok(record) = Record::new(Settings::new()).read(&path) else { return };
        let (target, model, process) = things();
        let distances = Distances::new(vec![Metric::Radial]).and_then(|all| all.target(target));
        let comparison = Comparison::<f64>::new(process, model, distances.expect("distances"));
        let comparison = comparison.with("ddim".parse().expect("a method"), &[2]);
        let table = comparison.expect("a plan").chains(20).record(record).run();
        if let Ok(table) = table {
            let _ = (table.to_string(), table.to_csv());
        }
    });
});
