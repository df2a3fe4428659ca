//! Texts of options: words of splittings, methods with their options and plans, and entries of
//! comparisons, spacings, rates and grids. What is printed reads back.

#![no_main]

use std::fmt::Display;
use std::str::FromStr;
use std::sync::OnceLock;

use langevin::compare::Entry;
use langevin::diffusion::{
    Beta, Inpainting, LevelTable, Process, Psld, Schedule, SigmaGrid, Spacing,
};
use langevin::prelude::Method;
use langevin::sampler::Word;
use langevin_fuzz::memory::within;
use libfuzzer_sys::fuzz_target;

fn processes() -> &'static [Process] {
    static ALL: OnceLock<Vec<Process>> = OnceLock::new();
    ALL.get_or_init(|| {
        let beta = Beta::constant(8.0).expect("a rate");
        vec![
            Process::vp(LevelTable::linear(1000).expect("a table")),
            Process::edm([0.002, 80.0]).expect("a range"),
            Process::psld(Psld::PAPER, beta),
        ]
    })
}

fn leads_back<T: FromStr<Err: std::fmt::Debug> + Display>(text: &str) {
    let Ok(value) = text.parse::<T>() else { return };
    let shown = value.to_string();
    let again: T = shown.parse().unwrap_or_else(|error| panic!("{shown}: {error:?}"));
    assert_eq!(again.to_string(), shown);
}

fuzz_target!(|data: &[u8]| {
    let Some((budget, text)) = data.split_first() else { return };
    let Ok(text) = str::from_utf8(text) else { return };
    within(data.len(), || {
        leads_back::<Word>(text);
        leads_back::<Spacing>(text);
        leads_back::<SigmaGrid>(text);
        leads_back::<Beta>(text);
        leads_back::<Inpainting>(text);
        leads_back::<Schedule>(text);
        leads_back::<Method>(text);
        let _ = text.parse::<Entry>();
        if let Ok(method) = text.parse::<Method>() {
            for process in processes() {
                let _ = method.plan(process, usize::from(*budget % 64));
            }
        }
    });
});
