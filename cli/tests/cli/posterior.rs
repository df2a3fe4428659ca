//! `langevin posterior`: tuned draws, their verdict, and what is written.

use std::fs;

use langevin::ndarray::{Array3, Axis};

use crate::library::schools;
use crate::support::{TWO, bytes, folder, json, langevin, number, refuse, stderr, succeed};

/// A normal distribution with a mean and a standard deviation.
const NORMAL: &str = r#"{"means": [[3, -1]], "variances": [[4, 0.01]]}"#;

#[test]
fn eight_schools_from_a_library() {
    let Some(folder) = schools("posterior-schools") else { return };
    let names = "mu,log_tau,t[0],t[1],t[2],t[3],t[4],t[5],t[6],t[7]";
    for adjusted in ["", "--adjusted"] {
        let report = json(
            &folder,
            &format!("posterior --target-library target.so --names {names} {adjusted} --seed 3"),
        );
        assert_eq!(report["verdict"], "Converged");
        assert_eq!(report["inputs"]["target-library"]["file"], "target.so");
        let parameters = &report["summary"]["parameters"];
        // By quadrature; five errors of a converged run, which knows means to 0.02 sd.
        for (j, mean, sd) in [(0, 4.39682, 3.3177), (1, 0.80214, 1.17)] {
            let off = (number(&parameters[j]["mean"]) - mean) / sd;
            assert!(off.abs() < 0.1, "{adjusted}: {off}");
        }
        assert_eq!(report["diagnosis"]["acceptance"].is_null(), adjusted.is_empty());
    }
}

#[test]
fn what_is_tuned_is_used_again() {
    let folder = folder("posterior-tuned", TWO);
    fs::write(folder.join("n.json"), NORMAL).unwrap();
    let text = succeed(&folder, "posterior n.json --save-tuned t.json --draws d.npy --seed 1");
    assert!(text.contains("converged") && text.contains("written: t.json"), "{text}");
    let draws: Array3<f64> = ndarray_npy::read_npy(folder.join("d.npy")).unwrap();
    assert_eq!((draws.dim().0, draws.dim().2), (128, 2));
    let mean = draws.index_axis(Axis(2), 0).mean().unwrap();
    assert!((mean - 3.0).abs() < 0.2, "{mean}");
    assert!(fs::read_to_string(folder.join("d.json")).unwrap().contains("\"x1\""));
    succeed(&folder, "posterior n.json --tuned t.json --draws e.npy --seed 2 --save-tuned u.json");
    assert_eq!(bytes(&folder, "t.json"), bytes(&folder, "u.json"));
    for threads in [1, 2] {
        let again =
            format!("posterior n.json --tuned t.json --draws f.npy --seed 2 --threads {threads}");
        succeed(&folder, &again);
        assert_eq!(bytes(&folder, "e.npy"), bytes(&folder, "f.npy"));
    }
}

/// Two modes that no chain crosses between: code 3, and the draws are written all the same.
#[test]
fn chains_that_do_not_mix_have_an_exit_code() {
    let folder = folder("posterior-modes", TWO);
    fs::write(folder.join("m.json"), r#"{"means": [[-40], [40]], "std": 1}"#).unwrap();
    let run = "posterior m.json --chains 32 --steps 100 --draws d.zarr";
    let output = langevin(&folder, run);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("error: not mixed"), "{}", stderr(&output));
    assert!(folder.join("d.zarr").is_dir());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = folder("posterior-refused", TWO);
    fs::write(folder.join("n.json"), NORMAL).unwrap();
    fs::write(folder.join("bad.json"), r#"{"step": 1}"#).unwrap();
    for (arguments, said) in [
        ("posterior", "nothing to sample"),
        ("posterior n.json --chains 3", "from 16"),
        ("posterior n.json --names a", "names"),
        ("posterior n.json --names a,a", "a"),
        ("posterior n.json --tuned bad.json", "--tuned bad.json"),
        ("posterior n.json --tuned none.json", "--tuned none.json"),
        ("posterior n.json --save-tuned n.json", "would replace"),
        ("posterior n.json --save-tuned ./d.json --draws d.npy", "same file"),
        ("posterior n.json --draws d.txt", "d.txt"),
        ("posterior n.json --steps 3", "steps"),
    ] {
        refuse(&folder, arguments, said);
    }
}
