//! `langevin probe`.

use serde_json::json;

use crate::support::{TWO, folder, has_keys, json, number, refuse};

#[test]
fn the_probe_knows_the_known_figure() {
    let folder = folder("probe", TWO);
    let pmm = "probe --dynamics underdamped --method pmm2 --step 0.4 --substeps 16";
    let found = json(&folder, pmm);
    has_keys(
        &found,
        "method word dynamics step curvature covariance target contraction options rounding \
         version",
    );
    let excess = number(&found["covariance"][0][0]) - 1.0;
    assert!((excess - 6.613e-3).abs() < 5e-7, "{excess}");
    assert_eq!(found["target"], json!([[1.0, 0.0], [0.0, 1.0]]));
    let ula = json(&folder, "probe --dynamics overdamped --method em --step 0.1 --curvature 2");
    assert!((number(&ula["covariance"][0][0]) - 0.5 / 0.9).abs() < 1e-15);
    let run = "probe --dynamics overdamped --method em --step 0.1";
    refuse(&folder, &run.replace("0.1", "3"), "no stationary distribution");
    refuse(&folder, &format!("{run} --curvature -1"), "curvature | -1");
    refuse(&folder, &format!("{run} --substeps 3"), "substeps | em");
    refuse(&folder, &format!("{run} --chains 3"), "--chains");
}
