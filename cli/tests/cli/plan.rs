//! `langevin plan`: ranks methods ahead of time; and the processes and grids of `generate`.

use std::path::Path;

use langevin::ndarray::array;
use ndarray_npy::write_npy;

use crate::support::{TWO, folder, has_keys, json, number, refuse, succeed};

#[test]
fn plans_rank_methods_and_name_timesteps() {
    let folder = folder("plan", TWO);
    let plan = "plan g.json --evaluations 10,20 --methods ddim,dpmpp2m,pc";
    let found = json(&folder, plan);
    has_keys(&found, "version inputs process data dimension calibrated rows left_out");
    let rows = found["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for pair in rows.windows(2).filter(|pair| pair[0]["budget"] == pair[1]["budget"]) {
        assert!(number(&pair[0]["frechet"]) <= number(&pair[1]["frechet"]));
    }
    assert_eq!(rows[0]["timesteps"].as_array().unwrap().len(), 10);
    assert_eq!(found["left_out"].as_array().unwrap().len(), 2);
    let text = succeed(&folder, plan);
    assert!(text.contains("best of 20: dpmpp2m\n  timesteps 999,"), "{text}");
    let text = succeed(&folder, &format!("{plan} --grids quadratic,power:rho=1.5"));
    assert!(text.contains("dpmpp2m:grid=power:rho=1.5"), "{text}");
    let flow = "plan g.json --process flow --shift 3 --evaluations 5 --methods unipc";
    assert!(succeed(&folder, flow).contains("times 1.000000,0.923077,0.818182"));
}

#[test]
fn data_come_as_a_covariance_or_variances() {
    let folder = folder("plan-data", TWO);
    let file = |name: &str| Path::new(&folder).join(name);
    write_npy(file("cov.npy"), &array![[1.0, 0.5], [0.5, 2.0]]).unwrap();
    write_npy(file("skew.npy"), &array![[1.0, 0.5], [0.1, 2.0]]).unwrap();
    write_npy(file("line.npy"), &array![[1.0, 0.25]]).unwrap();
    let plan = "plan --evaluations 10 --methods ddim";
    let found = json(&folder, &format!("{plan} --covariance cov.npy"));
    assert_eq!(found["dimension"], 2);
    let found = json(&folder, &format!("{plan} --spectrum line.npy --mean line.npy"));
    assert!(number(&found["rows"][0]["frechet"]) > 0.0);
    refuse(&folder, &format!("{plan} --covariance skew.npy"), "symmetric");
    refuse(&folder, &format!("{plan} --covariance line.npy"), "covariance");
    refuse(&folder, &format!("{plan} --spectrum cov.npy"), "one column or one row");
    refuse(&folder, &format!("{plan} --mean line.npy"), "--mean needs");
    refuse(&folder, plan, "nothing to generate from");
    refuse(&folder, "plan g.json --evaluations 10 --methods best", "unknown method `best`");
    refuse(&folder, "plan g.json --evaluations 10 --grids best", "--grids `best`");
}

#[test]
fn every_process_generates_and_refuses_what_it_does_not_take() {
    let folder = folder("processes", TWO);
    let run = "generate g.json --chains 20 --evaluations 20";
    for process in ["vp", "flow", "edm", "ve"] {
        for method in ["ddim", "pmm2", "sde-dpmpp2m", "sa", "unipc", "er-sde", "deis", "heun"] {
            succeed(&folder, &format!("{run} --process {process} --method {method}"));
        }
    }
    let grid = "--method unipc --grid karras:rho=5:sigma-max=20";
    let found = json(&folder, &format!("{run} {grid}"));
    assert_eq!(found["options"]["grid"], "karras:rho=5:sigma-max=20");
    refuse(&folder, &format!("{run} --method ddim --process edm --shift 2"), "shift | edm");
    refuse(
        &folder,
        &format!("{run} --method ddim --process flow --sigma-max 2"),
        "sigma-max | flow",
    );
    refuse(&folder, &format!("{run} --method ddim --process flow --shift -1"), "shift | -1");
    refuse(&folder, &format!("{run} --method ddim --process ve --sigma-min 90"), "90");
    refuse(&folder, &format!("{run} --method ddim --grid flow-linspace"), "flow process");
    refuse(&folder, &format!("{run} --method ddim --grid karras:shift=2"), "shift | karras");
}

const SDXL: &str = r#"{"_class_name": "EulerDiscreteScheduler", "beta_start": 0.00085,
    "beta_end": 0.012, "beta_schedule": "scaled_linear", "timestep_spacing": "leading",
    "steps_offset": 1, "clip_sample": false, "_diffusers_version": "0.19.0"}"#;

#[test]
fn a_plan_prints_its_table() {
    let folder = folder("plan-table", TWO);
    let plan = "plan --evaluations 20 --methods sde-dpmpp2m --table";
    let found = json(&folder, plan);
    has_keys(&found, "version inputs process method evaluations predicts reads table");
    assert_eq!((&found["predicts"], &found["reads"]), (&"epsilon".into(), &"the state".into()));
    let table = &found["table"];
    assert_eq!(table["blocks"], 2);
    let steps = table["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 20);
    let first = &steps[0]["outcomes"][0];
    assert_eq!(first["evaluations"][0]["number"], 999.0);
    assert_eq!(first["update"][0]["state"].as_array().unwrap().len(), 2);
    let found = json(&folder, "plan --process flow --evaluations 5 --methods ddim --table");
    assert_eq!(found["table"]["steps"][0]["outcomes"][0]["evaluations"][0]["number"], 1.0);
    let found = json(&folder, "plan --evaluations 5 --methods ddim --table velocity");
    assert_eq!(found["predicts"], "velocity");
    let refused = |arguments: &str, part: &str| {
        refuse(&folder, &format!("plan {arguments} --table --json"), part);
    };
    refused("--evaluations 5,6 --methods ddim", "--table needs one number of --evaluations");
    refused("--evaluations 5 --methods ddim,ddpm", "--table needs one method");
    refused("--evaluations 5", "--table needs one method");
    refused("--evaluations 9 --methods rm", "drive the plan by its stepper");
    refuse(&folder, "plan --evaluations 5 --methods ddim --table", "--json");
}

#[test]
fn a_scheduler_of_diffusers_gives_process_levels_and_method() {
    let folder = folder("plan-scheduler", TWO);
    std::fs::write(Path::new(&folder).join("s.json"), SDXL).unwrap();
    let found = json(&folder, "plan --scheduler s.json --evaluations 50 --table");
    assert_eq!(found["table"]["steps"][1]["outcomes"][0]["evaluations"][0]["number"], 961.0);
    let run = "generate g.json --chains 20 --scheduler s.json";
    let text = succeed(&folder, &format!("{run} --evaluations 20"));
    assert!(text.contains("ddim on a table of 1000 levels"), "{text}");
    let text = succeed(&folder, &format!("{run} --evaluations 20 --method sde-dpmpp2m"));
    assert!(text.contains("sde-dpmpp2m on"), "{text}");
    refuse(&folder, run, "--evaluations is missing");
    refuse(&folder, &format!("{run} --evaluations 20 --process flow"), "--process");
    let refused = format!("{run} --evaluations 20 --schedule cosine");
    refuse(&folder, &refused, "give only one of --scheduler and --schedule");
    std::fs::write(Path::new(&folder).join("s.json"), "{}").unwrap();
    refuse(&folder, &format!("{run} --evaluations 20"), "--scheduler s.json: _class_name");
}
