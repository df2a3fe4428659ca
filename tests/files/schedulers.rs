//! Scheduler configurations as published with models, against the numbers of the diffusers package
//! (tests/golden/schedulers.py).

use langevin::diffusion::{Prediction, SchedulerConfig, Seen};
use langevin::prelude::*;
use serde_json::{Value, json};

fn cases() -> serde_json::Map<String, Value> {
    let text = include_str!("../golden/schedulers.json");
    serde_json::from_str::<Value>(text).unwrap().as_object().unwrap().clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn near(found: f64, wanted: f64, part: f64) -> bool {
    (found - wanted).abs() <= part * wanted.abs().max(1e-3)
}

/// Whole timesteps are those of diffusers exactly. Their σ and fractions are float32.
#[test]
fn levels_are_those_of_diffusers() {
    let mut whole = 0;
    for (name, case) in cases() {
        let config = SchedulerConfig::parse(&case["config"].to_string()).unwrap();
        for run in case["runs"].as_array().unwrap() {
            let steps = run["steps"].as_u64().unwrap() as usize;
            let mut timesteps = numbers(&run["timesteps"]);
            // PNDM asks twice at its second timestep.
            if config.class() == "PNDMScheduler" {
                timesteps.dedup();
            }
            let dpmpp2m: Method = "dpmpp2m".parse().unwrap();
            let plan = match config.method() {
                Some(_) => config.plan(steps).unwrap(),
                None => config.plan_with(&dpmpp2m, steps).unwrap(),
            };
            assert_eq!(plan.visited().len(), steps + 1, "{name}");
            if let Some(found) = plan.timesteps() {
                let found: Vec<_> = found.iter().map(|t| *t as f64).collect();
                assert_eq!(found, timesteps, "{name}");
                whole += 1;
            }
            if let Some(bars) = run.get("alpha_bars") {
                let table = config.process().table().unwrap();
                for (t, wanted) in [0, 1, 500, 998, 999].into_iter().zip(numbers(bars)) {
                    let found = table.level(t + 1).alpha_bar();
                    // float32 products of 1000 factors, and 2⁻²⁴ in place of 0.
                    assert!((found - wanted).abs() < 2e-6, "{name} {t}: {found} {wanted}");
                }
            }
            let Some(sigmas) = run.get("sigmas") else { continue };
            let flow = config.class().starts_with("Flow");
            for (level, wanted) in plan.visited().iter().zip(numbers(sigmas)) {
                let found = if flow { level.flow_time() } else { level.sigma() };
                assert!(near(found, wanted, 2e-5), "{name}: {found} {wanted}");
            }
            // The numbers that the model is told.
            let set = |run: Run<'static, f64>| run.start_normal(1);
            let mut stepper = plan.stepper(config.seen(), set).unwrap();
            let mut told = Vec::new();
            while let Some(query) = stepper.ask().unwrap() {
                told.push(query.numbers().at(0));
                let rows = query.rows().to_owned();
                stepper.tell(rows.view()).unwrap();
            }
            // Diffusers round the timesteps of this one, and take those of σ in others.
            let allowed = if name == "sde-dpm-karras" { 0.51 } else { 2e-2 };
            for (found, wanted) in told.iter().zip(&timesteps) {
                assert!((found - wanted).abs() < allowed, "{name}: {found} {wanted}");
            }
        }
    }
    assert!(whole > 12, "{whole}");
}

#[test]
fn classes_are_methods_and_predictions() {
    let cases = cases();
    let config = |name: &str| SchedulerConfig::parse(&cases[name]["config"].to_string()).unwrap();
    let method = |name: &str| config(name).method().map(ToString::to_string);
    assert_eq!(method("stable-diffusion-1.5"), None);
    assert_eq!(method("sdxl").unwrap(), "ddim");
    assert_eq!(method("dpm").unwrap(), "dpmpp2m");
    assert_eq!(method("sde-dpm-karras").unwrap(), "sde-dpmpp2m");
    assert_eq!(method("ddpm-cifar10").unwrap(), "ddpm:variance=large");
    assert_eq!(config("sdxl").seen(), Seen::State(Prediction::Epsilon));
    assert_eq!(config("zero-snr").seen(), Seen::State(Prediction::Velocity));
    assert!(config("sdxl").notes().is_empty(), "{:?}", config("sdxl").notes());
    let notes = config("sd-ddim").notes().join("\n");
    assert!(notes.starts_with("`set_alpha_to_one` is not followed"), "{notes}");
    let notes = config("ddpm-cifar10").notes().join("\n");
    assert!(notes.starts_with("`clip_sample` is not followed"), "{notes}");
    let error = config("stable-diffusion-1.5").plan(50).unwrap_err().to_string();
    assert!(
        error.contains("PNDMScheduler") && error.contains("needs the option method"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_followed_is_an_error_or_a_note() {
    let error = |config: Value| {
        let parsed = SchedulerConfig::parse(&config.to_string());
        parsed.and_then(|config| config.plan(10)).unwrap_err().to_string()
    };
    let ddim = |key: &str, value: Value| {
        let mut config = json!({"_class_name": "DDIMScheduler", "clip_sample": false});
        config[key] = value;
        config
    };
    for (config, part) in [
        (json!({}), "_class_name: given ``, expected a scheduler of the list"),
        (json!({"_class_name": "LCMScheduler"}), "given `LCMScheduler`"),
        (json!([1]), "expected a JSON object"),
        (ddim("beta_schedule", json!("sigmoid")), "expected linear, scaled_linear or squaredcos"),
        (ddim("prediction_type", json!("x")), "expected epsilon, sample or v_prediction"),
        (ddim("beta_start", json!("a")), "beta_start: given `\"a\"`, expected a number"),
        (ddim("steps_offset", json!(-1)), "expected a whole number"),
        (ddim("steps_offset", json!(500)), "lower steps_offset"),
        (ddim("timestep_spacing", json!("karras")), "expected leading, trailing or linspace"),
        (ddim("trained_betas", json!([0.1, 2.0])), "beta: given 2"),
        (
            json!({"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver"}),
            "expected dpmsolver++ or sde-dpmsolver++",
        ),
        (
            json!({"_class_name": "DDPMScheduler", "variance_type": "learned_range"}),
            "expected fixed_small or fixed_large",
        ),
        (
            json!({"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": true}),
            "Flow::dynamic_shift",
        ),
    ] {
        let error = error(config.clone());
        assert!(error.contains(part), "{config}: {error}");
    }
    assert!(SchedulerConfig::parse("{").unwrap_err().to_string().contains("a JSON object, as in"));
    let config = SchedulerConfig::parse(&ddim("mystery", json!(3)).to_string()).unwrap();
    assert_eq!(config.notes(), ["the entry `mystery` is not known and has no effect"]);
    let betas = json!([0.1, 0.2, 0.3]);
    let config = SchedulerConfig::parse(&ddim("trained_betas", betas).to_string()).unwrap();
    assert_eq!(config.process().table().unwrap().betas(), [0.1, 0.2, 0.3]);
    assert_eq!(config.plan(3).unwrap().timesteps(), Some(vec![2, 1, 0]));
    assert!(config.plan(4).is_err() && config.plan(0).is_err());
}
