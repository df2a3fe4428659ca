//! Draws for ArviZ: what `--trace` writes, and what it refuses.

use std::fs;
use std::path::Path;

use langevin::metrics::Posterior;
use langevin::ndarray::{ArrayD, Axis, Ix3, s};
use serde_json::{Value, json};

use crate::support::{bytes, folder, json as json_report, listing, read, refuse, succeed, tree};

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
    let endings = "expected a name that ends in .npy, .csv or .zarr";
    refuse(&folder, &format!("{RUN} --trace a.txt"), endings);
    refuse(&folder, &format!("{RUN} --trace a.csv --names lp,b,c"), "given `lp`");
    refuse(&folder, &format!("{RUN} --trace a.npy --save-state a.npy.part"), "give them two");
    refuse(&folder, &format!("{RUN} --trace none/a.zarr"), "draws: none/a.zarr: No such file");
    refuse(&folder, &format!("{RUN} --trace a.npy --out a.npy"), "give them two");
    refuse(&folder, &format!("{RUN} --trace g.npy"), "--trace g.json would replace");
    fs::create_dir(folder.join("mine.zarr")).unwrap();
    fs::write(folder.join("mine.zarr/notes"), "").unwrap();
    refuse(&folder, &format!("{RUN} --trace mine.zarr"), "no store of this library");
    // A store has no description beside it, and what is there stays.
    fs::write(folder.join("a.json"), "mine").unwrap();
    succeed(&folder, &format!("{RUN} --trace a.zarr"));
    succeed(&folder, &format!("{RUN} --trace g.zarr"));
    assert_eq!(bytes(&folder, "a.json"), b"mine");
    let alone = "sample g.json --method baoab --step 0.2 --steps 20 --chains 3";
    refuse(&folder, &format!("{alone} --trace a.zarr"), "--every");
    refuse(&folder, &format!("{RUN} --names a,b,c"), "--trace");
}

/// The columns of a table, and its whole lines as numbers.
fn table(folder: &Path, name: &str) -> (Vec<String>, Vec<Vec<f64>>) {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let mut lines = text[..text.rfind('\n').unwrap()].lines();
    let columns = lines.next().unwrap().split(',').map(str::to_owned).collect();
    let row = |line: &str| line.split(',').map(|text| text.parse().unwrap()).collect();
    (columns, lines.map(row).collect())
}

#[test]
fn a_table_has_a_line_for_each_draw_and_chain() {
    let folder = folder("traces-table", TARGET);
    succeed(&folder, &format!("{RUN} --trace t.csv --out out.npy --names a,b[0],b[1]"));
    let (columns, rows) = table(&folder, "t.csv");
    let names = "step,chain,a,b[0],b[1],lp,energy,diverging,momentum[0],momentum[1],momentum[2]";
    assert_eq!(columns.join(","), names);
    let saved: ArrayD<f64> = read(&folder, "out.npy");
    for (at, row) in rows.iter().enumerate() {
        let place = [at / 3, at % 3];
        assert_eq!(row[..2], [[12.0, 16.0, 20.0][place[0]], place[1] as f64]);
        assert!(row[2..5].iter().eq(saved.slice(s![place[0], place[1], ..])));
        let square: f64 = row[8..].iter().map(|p| p * p).sum();
        assert!((row[6] + row[5] - square / 2.0).abs() < 1e-12 && row[7] == 0.0);
    }
    assert_eq!(rows.len(), 9);
    let description: Value = serde_json::from_slice(&bytes(&folder, "t.json")).unwrap();
    assert_eq!(description["columns"].as_array().unwrap().len(), 11);
    assert_eq!(description["attributes"]["seed"], 5);
    assert_eq!(listing(&folder), ["g.json", "out.npy", "t.csv", "t.json"]);
}

#[test]
fn draws_of_generate_are_those_of_its_output() {
    let folder = folder("traces-generate", TARGET);
    let run = "generate g.json --method ddpm --evaluations 12 --chains 5 --every 5 --seed 2";
    for precision in ["f64", "f32"] {
        let run = format!("{run} --precision {precision}");
        succeed(&folder, &format!("{run} --out o.npy --trace t.npy"));
        let [saved, draws] =
            ["o.npy", "t.npy"].map(|name| crate::support::read_as_f64(&folder, name, precision));
        assert_eq!(draws, saved.permuted_axes(vec![1, 0, 2]));
        assert_eq!(draws.shape(), [5, 3, 3]);
        succeed(&folder, &format!("{run} --trace t.csv"));
        let (columns, rows) = table(&folder, "t.csv");
        assert_eq!(columns.join(","), "step,chain,x[0],x[1],x[2],diverging");
        assert_eq!(rows.len(), 15);
        assert_eq!(rows[14][4] as f32, draws[[4, 2, 2]] as f32);
        succeed(&folder, &format!("{run} --trace t.zarr"));
        let store: Value = serde_json::from_slice(&bytes(&folder, "t.zarr/zarr.json")).unwrap();
        let x = &store["consolidated_metadata"]["metadata"]["posterior/x"];
        assert_eq!(x["shape"], json!([5, 3, 3]));
        assert_eq!(store["attributes"]["method"], "ddpm");
    }
    refuse(&folder, &run.replace("--every 5", "--trace t.npy"), "--every");
}

#[test]
fn draws_of_shards_are_merged() {
    let folder = folder("traces-shards", TARGET);
    for (run, more) in [
        (RUN.replace("--chains 3", "--chains 7"), "--names a,b[0],b[1]"),
        ("generate g.json --method ddim --evaluations 9 --chains 7 --every 4".into(), ""),
    ] {
        for ending in ["zarr", "csv", "npy"] {
            succeed(&folder, &format!("{run} {more} --trace whole.{ending}"));
            let mut states = Vec::new();
            for shard in 1..=3 {
                let own = format!("--shard {shard}/3 --save-state {shard}.state");
                succeed(&folder, &format!("{run} {more} {own} --trace {shard}.{ending}"));
                states.push(format!("{shard}.state"));
            }
            succeed(&folder, &format!("merge --trace joined.{ending} {}", states.join(" ")));
            let [joined, whole] =
                ["joined", "whole"].map(|n| tree(&folder, &format!("{n}.{ending}")));
            assert!(joined == whole, "{run} {ending}");
        }
        let [joined, whole] = ["joined", "whole"].map(|n| bytes(&folder, &format!("{n}.json")));
        assert!(joined == whole, "{run}");
    }
}

/// What happens on the way: kills and full disks.
#[cfg(unix)]
mod unfinished {
    use std::process::{Command, Stdio};
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::support::{command, stderr};

    const LONG: &str = "sample g.json --method baoab --step 0.2 --chains 3 --seed 5 --every 400";

    /// The number of draws that a store shows.
    fn shown(folder: &Path) -> u64 {
        let read =
            || serde_json::from_slice(&fs::read(folder.join("t.zarr.part/zarr.json")).ok()?).ok();
        let store: Option<Value> = read();
        let store = store.unwrap_or_default();
        store["consolidated_metadata"]["metadata"]["posterior/x"]["shape"][1].as_u64().unwrap_or(0)
    }

    #[test]
    fn killed_runs_leave_draws_that_can_be_read() {
        let folder = folder("traces-killed", TARGET);
        succeed(&folder, &format!("{LONG} --steps 40000 --trace short.csv"));
        let (_, short) = table(&folder, "short.csv");
        for ending in ["csv", "zarr"] {
            let run = format!("{LONG} --steps 400000000 --trace t.{ending}");
            let mut child = command(&folder, &run);
            let mut child = child.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
            let begun = Instant::now();
            let is_shown = || match ending {
                "csv" => {
                    fs::metadata(folder.join("t.csv.part")).is_ok_and(|file| file.len() > 9999)
                }
                _ => shown(&folder) > 100,
            };
            while !is_shown() {
                assert!(begun.elapsed().as_secs() < 120, "nothing is shown");
                sleep(Duration::from_millis(10));
            }
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(!folder.join(format!("t.{ending}")).exists());
        }
        let (_, rows) = table(&folder, "t.csv.part");
        let both = short.len().min(rows.len());
        assert!(both > 30 && short[..both] == rows[..both]);
        let count = shown(&folder) as usize;
        let chunk = fs::read(folder.join("t.zarr.part/posterior/x/c/0/0/0")).unwrap();
        let numbers: Vec<f64> =
            chunk.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
        for chain in 0..3 {
            let own = &numbers[chain * numbers.len() / 3..];
            for draw in 0..count.min(both / 3) {
                assert_eq!(own[3 * draw..3 * draw + 3], short[3 * draw + chain][2..5]);
            }
        }
    }

    #[test]
    fn full_disks_are_errors_that_name_the_place() {
        let folder = folder("traces-full", TARGET);
        let program = env!("CARGO_BIN_EXE_langevin");
        succeed(&folder, &format!("{LONG} --steps 4000 --trace whole.csv"));
        for ending in ["npy", "csv", "zarr"] {
            let run = LONG.replace("--every 400", "--every 1 --steps 100000");
            // Writes beyond a mebibyte or so fail, as on a disk that is full.
            let limited = format!(
                "trap '' XFSZ; ulimit -f 2048; exec {program} {run} --trace t.{ending} --quiet"
            );
            let mut shell = Command::new("sh");
            let output = shell.current_dir(&folder).args(["-c", &limited]).output().unwrap();
            let message = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{message}");
            assert!(message.contains(&format!("t.{ending}")), "{message}");
            assert!(message.contains("too large"), "{message}");
            assert!(!folder.join(format!("t.{ending}")).exists());
        }
        let (_, rows) = table(&folder, "t.csv.part");
        assert!(rows.len() > 5000, "{}", rows.len());
    }
}
