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
