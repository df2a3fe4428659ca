//! State files and checkpoints: read, written again, and gone on with. The check at their end is
//! put right, or no change would come past it.

#![no_main]

use langevin::dynamics::Underdamped;
use langevin::prelude::*;
use langevin::run::{Settings, StateFile};
use langevin::sampler::Sampler;
use langevin_fuzz::{memory::within, whole};
use libfuzzer_sys::fuzz_target;

fn go_on<F: Real, S: Sampler<F>>(file: &StateFile<F>, sampler: &S) {
    let dim = file.samples.positions().ncols();
    let drift = PerRow::new(dim, |_: f64, x: &[F], out: &mut [F]| {
        out.iter_mut().zip(x).for_each(|(out, x)| *out = F::from_f64(-x.widen()));
    });
    let grid = TimeGrid::uniform(0.1, 8).expect("eight steps");
    let every = Every::new(1).expect("every step");
    let run = || Run::with_precision(sampler, &drift, grid.clone()).first_chain(0);
    let _ = run().resume(&file.samples).run();
    let mut moments = MomentsObserver::new(every);
    let mut trace = Trace::new(every);
    let _ = run().observe(&mut moments).observe(&mut trace).resume_file(file).run();
}

fn read<F: Real>(bytes: &[u8]) {
    let Ok(file) = StateFile::<F>::read(&mut &bytes[..]) else { return };
    let mut again = Vec::new();
    file.write(&mut again).expect("what was read is written");
    let back = StateFile::<F>::read(&mut &again[..]).expect("what was written is read");
    let mut twice = Vec::new();
    back.write(&mut twice).expect("what was read is written");
    assert!(again == twice, "the same bytes");
    let _ = file.check(&Settings::new());
    go_on(&file, &EulerMaruyama::new(Overdamped));
    let underdamped = Underdamped::new(2.0, 1.0).expect("a friction");
    go_on(&file, &Splitting::new(underdamped, "BAOAB".parse().expect("a word")));
}

fuzz_target!(|data: &[u8]| {
    let bytes = whole(data);
    within(data.len(), || {
        read::<f64>(&bytes);
        read::<f32>(&bytes);
        let _ = StateFile::<f64>::read(&mut &data[..]);
    });
});
