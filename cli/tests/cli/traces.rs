//! Draws for ArviZ: what `--trace` writes, and what it refuses.

use std::fs;

use langevin::metrics::Posterior;
use langevin::ndarray::{ArrayD, Axis, Ix3, s};
use serde_json::{Value, json};

use crate::support::{bytes, folder, json as json_report, listing, read, refuse, succeed};

const TARGET: &str = r#"{"means": [[0.0, 1.0, 2.0]], "std": 1.0}"#;
const RUN: &str = "sample g.json --method baoab --step 0.2 --steps 20 --chains 3 --seed 5 \
                   --every 4 --burn-in 8";

#[test]
fn a_trace_has_the_draws_of_the_output() {
    let folder = folder("traces-arrays", TARGET);
    succeed(&folder, &format!("{RUN} --out out.npy --trace draws.npy --names a,b[0],b[1]"));
    let [saved, draws]: [ArrayD<f64>; 2] = ["out.npy", "draws.npy"].map(|name| read(&folder, name));
    assert_eq!(draws.shape(), [3, 3, 3]);
    let turned = saved.clone().permuted_axes(vec![1, 0, 2]);
    assert_eq!(draws, turned);
    let description: Value = serde_json::from_slice(&bytes(&folder, "draws.json")).unwrap();
    assert_eq!(description["names"], json!(["a", "b[0]", "b[1]"]));
    assert_eq!(description["steps"], json!([12, 16, 20]));
    let attributes = &description["attributes"];
    assert_eq!((&attributes["seed"], &attributes["method"]), (&json!(5), &json!("baoab")));
    assert_eq!(attributes["friction"], json!(2.0));
    assert!(attributes.as_object().unwrap().values().all(|one| !one.is_null()));

    for _ in 0..2 {
        succeed(&folder, &format!("{RUN} --trace run.zarr --names a,b[0],b[1]"));
    }
    let numbers = |name: &str| -> Vec<f64> {
        let chunk = fs::read(folder.join("run.zarr").join(name)).unwrap();
        chunk.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
    };
    let a = draws.index_axis(Axis(2), 0);
    assert_eq!(numbers("posterior/a/c/0/0"), a.iter().copied().collect::<Vec<_>>());
    let b = draws.slice(s![.., .., 1..]);
    assert_eq!(numbers("posterior/b/c/0/0/0"), b.iter().copied().collect::<Vec<_>>());
    for name in ["lp/c/0/0", "energy/c/0/0"] {
        assert_eq!(numbers(&format!("sample_stats/{name}")).len(), 9);
    }
    let files = ["draws.json", "draws.npy", "g.json", "out.npy", "run.zarr"];
    assert_eq!(listing(&folder), files);
}

/// The report has the summary of the draws: the numbers of the library, on the draws in the file.
#[test]
fn a_trace_is_summed_up() {
    let folder = folder("traces-summary", TARGET);
    let run = RUN.replace("--steps 20", "--steps 40");
    let text = succeed(&folder, &format!("{run} --trace draws.npy --names a,b,c"));
    assert!(text.contains("mcse_mean") && text.contains("ess_tail"), "{text}");
    let report = json_report(&folder, &format!("{run} --trace draws.npy --names a,b,c"));
    let draws: ArrayD<f64> = read(&folder, "draws.npy");
    let trace = draws.into_dimensionality::<Ix3>().unwrap().permuted_axes([1, 0, 2]);
    let own = Posterior::of(trace.view()).unwrap().names(["a", "b", "c"]).unwrap();
    assert_eq!(report["summary"], serde_json::to_value(own).unwrap());
    // Three frames are too few for one.
    let text = succeed(&folder, &format!("{RUN} --trace draws.npy"));
    assert!(!text.contains("mcse_mean"), "{text}");
    assert_eq!(json_report(&folder, RUN)["summary"], Value::Null);
}

#[test]
fn places_and_names_are_checked_before_the_run() {
    let folder = folder("traces-refused", TARGET);
    refuse(&folder, &format!("{RUN} --trace a.zarr --names a,b"), "names: given shape (2)");
    refuse(&folder, &format!("{RUN} --trace a.zarr --names a,b,b"), "the name b is given twice");
    refuse(
        &folder,
        &format!("{RUN} --trace a.zarr --names a,b,c/d"),
        "given `c/d`, expected a letter",
    );
    refuse(&folder, &format!("{RUN} --trace a.csv"), "expected a name that ends in .npy or .zarr");
    refuse(&folder, &format!("{RUN} --trace none/a.zarr"), "draws: none/a.zarr: No such file");
    refuse(&folder, &format!("{RUN} --trace a.npy --out a.npy"), "give them two");
    refuse(&folder, &format!("{RUN} --trace g.npy"), "--trace g.json would replace");
    fs::create_dir(folder.join("mine.zarr")).unwrap();
    fs::write(folder.join("mine.zarr/notes"), "").unwrap();
    refuse(&folder, &format!("{RUN} --trace mine.zarr"), "no store of this library");
    let alone = "sample g.json --method baoab --step 0.2 --steps 20 --chains 3";
    refuse(&folder, &format!("{alone} --trace a.zarr"), "--every");
    refuse(&folder, &format!("{RUN} --names a,b,c"), "--trace");
}
