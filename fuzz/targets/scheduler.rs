//! scheduler_config.json of diffusers: read, and planned with its method and with another one.

#![no_main]

use langevin::diffusion::SchedulerConfig;
use langevin_fuzz::memory::within;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    within(data.len(), || {
        let Ok(config) = SchedulerConfig::parse(text) else { return };
        let other = "sde-dpmpp2m".parse().expect("a method");
        for steps in [1, 7, 50] {
            let _ = config.plan(steps);
            let _ = config.plan_with(&other, steps);
        }
        let _ = (config.notes(), config.process());
    });
});
