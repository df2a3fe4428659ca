//! Draws: what a trace keeps, and what is in the files that are written from it.

use std::fs;
use std::path::Path;

use langevin::draws::{Draws, check_place};
use langevin::ndarray::{Array3, Axis, array, s};
use langevin::prelude::*;
use serde_json::{Value, json};

use crate::folder::Folder;

fn target() -> GaussianMixture {
    GaussianMixture::isotropic(array![[0.5, -1.0, 2.0]].view(), 1.5).unwrap()
}

fn sampler() -> Splitting<Underdamped> {
    Splitting::new(Underdamped::new(2.0, 0.7).unwrap(), "BAOAB".parse().unwrap())
}

fn grid(steps: usize) -> TimeGrid {
    TimeGrid::uniform(0.1, steps).unwrap()
}

fn every(interval: usize) -> Every {
    Every::new(interval).unwrap()
}

/// Four draws of three chains, from chain 5 on, with momenta and the start.
fn example<F: Real>() -> (Trace<F>, Samples<F>) {
    let mut trace = Trace::new(every(2)).with_momenta().with_start();
    let run = Run::<F>::with_precision(sampler(), target(), grid(6)).chains(3).first_chain(5);
    let samples = run.seed(3).observe(&mut trace).run().unwrap();
    (trace, samples)
}

fn named() -> Draws<f64> {
    let (trace, samples) = example::<f64>();
    let draws = Draws::from_trace(&trace).unwrap().with_names(["theta[1]", "mu", "theta[0]"]);
    draws.unwrap().with_log_density(&target()).unwrap().with_run(&samples)
}

/// Breaks at the start.
struct AtStart(Vec<u64>);

impl Observer<f64> for AtStart {
    fn next(&self, _: u64) -> Option<u64> {
        None
    }

    fn looks_at_start(&self) -> bool {
        true
    }

    fn observe(
        &mut self,
        snapshot: &Snapshot<'_, f64>,
    ) -> std::result::Result<std::ops::ControlFlow<()>, BoxError> {
        self.0.push(snapshot.step);
        Ok(std::ops::ControlFlow::Break(()))
    }
}

#[test]
fn a_look_at_the_start_shows_it_and_changes_no_bit() {
    let start = array![[1.0, 2.0, 3.0, 0.1, 0.2, 0.3], [-1.0, 0.0, 1.0, 0.0, 0.5, 1.0]];
    for chunk in [1, 2] {
        let plain_run = Run::new(sampler(), target(), grid(6)).start(start.clone()).run().unwrap();
        let mut trace = Trace::new(every(4)).with_momenta().with_start();
        let mut plain = Trace::new(every(4));
        let run = Run::new(sampler(), target(), grid(6)).start(start.clone()).chunk(chunk);
        let mut absent = None::<Trace<f64>>;
        let mut present = Some(Trace::new(every(6)).with_start());
        let run = run.observe(&mut trace).observe(&mut plain).observe(&mut absent);
        let seen = run.observe(&mut present).run().unwrap();
        assert_eq!(present.unwrap().steps(), [0, 6]);
        assert_eq!(seen, plain_run);
        assert_eq!(trace.steps(), [0, 4]);
        assert_eq!(trace.positions().index_axis(Axis(0), 0), start.slice(s![.., ..3]));
        assert_eq!(trace.momenta().unwrap().index_axis(Axis(0), 0), start.slice(s![.., 3..]));
        assert_eq!(plain.steps(), [4]);
        assert_eq!(plain.positions(), trace.positions().slice(s![1.., .., ..]));
        assert_eq!(plain.momenta(), None);
    }
}

#[test]
fn a_run_that_ends_at_the_start_has_no_steps_and_can_go_on() {
    fn run<'a>() -> Run<'a, f64> {
        Run::new(sampler(), target(), grid(5)).chains(3).seed(4)
    }
    let mut breaks = AtStart(Vec::new());
    let samples = run().observe(&mut breaks).run().unwrap();
    assert_eq!((breaks.0.as_slice(), samples.steps), (&[0][..], 0));
    assert_eq!(samples.cost.evaluations, 0);
    let whole = run().run().unwrap();
    let resumed = Run::new(sampler(), target(), grid(5)).resume(&samples).run().unwrap();
    assert_eq!(resumed.state, whole.state);
}

#[test]
fn a_run_that_begins_later_has_no_start() {
    let mut first = Trace::new(every(1)).with_start();
    let part = Run::new(sampler(), target(), grid(3)).chains(2).observe(&mut first).run().unwrap();
    let mut second = Trace::new(every(1)).with_start();
    Run::new(sampler(), target(), grid(5)).resume(&part).observe(&mut second).run().unwrap();
    assert_eq!((first.steps(), second.steps()), (&[0, 1, 2, 3][..], &[4, 5][..]));
}

#[test]
fn momenta_are_those_of_the_state() {
    let (trace, samples) = example::<f64>();
    let last = trace.momenta().unwrap().index_axis_move(Axis(0), 3);
    assert_eq!(last, samples.momenta().unwrap());
    assert_eq!((trace.momentum_variance(), trace.first_chain()), (Some(0.7), 5));
    let mut trace = Trace::new(every(1)).with_momenta();
    let overdamped = EulerMaruyama::new(Overdamped);
    Run::new(overdamped, target(), grid(2)).observe(&mut trace).run().unwrap();
    assert_eq!((trace.momenta(), trace.momentum_variance()), (None, None));
}

#[test]
fn draws_have_densities_and_energies() {
    let draws = named();
    assert_eq!(draws.positions().dim(), (3, 4, 3));
    assert_eq!((draws.chains(), draws.steps()), (&[5, 6, 7][..], &[0, 2, 4, 6][..]));
    let (trace, _) = example::<f64>();
    assert_eq!(draws.positions().permuted_axes([1, 0, 2]), trace.positions());
    assert_eq!(draws.momenta().unwrap().permuted_axes([1, 0, 2]), trace.momenta().unwrap());
    let log = draws.log_density().unwrap();
    let energy = draws.energy().unwrap();
    let square = |row: langevin::ndarray::ArrayView1<'_, f64>, mean: [f64; 3]| -> f64 {
        row.iter().zip(mean).map(|(x, m)| (x - m) * (x - m)).sum()
    };
    // The constant that the density may leave out.
    let distance =
        |chain, draw| square(draws.positions().slice(s![chain, draw, ..]), [0.5, -1.0, 2.0]);
    let constant = log[[0, 0]] + distance(0, 0) / 4.5;
    for (chain, draw) in langevin::ndarray::indices((3, 4)) {
        let expected = constant - distance(chain, draw) / 4.5;
        assert!((log[[chain, draw]] - expected).abs() < 1e-10);
        let kinetic = square(draws.momenta().unwrap().slice(s![chain, draw, ..]), [0.0; 3]) / 1.4;
        assert!((energy[[chain, draw]] - (kinetic - expected)).abs() < 1e-10);
    }
    assert!(draws.diverging().iter().all(|is_bad| !is_bad));
    let attributes =
        json!({"seed": 3, "steps": 6, "evaluations": draws.attributes()["evaluations"]});
    assert_eq!(json!(draws.attributes()), attributes);
}

#[test]
fn frozen_and_infinite_draws_are_marked() {
    // Chain 1 grows until it is not finite.
    let drift = Batched::any(|_, x, mut out| {
        out.zip_mut_with(&x, |b, x: &f64| *b = if *x > 50.0 { x.powi(30) } else { 0.0 });
        Ok(())
    });
    for policy in [NonFinite::Freeze, NonFinite::Ignore] {
        let mut trace = Trace::new(every(1)).with_start();
        let run = Run::new(EulerMaruyama::new(Overdamped), &drift, grid(12));
        let run = run.start(array![[0.0], [1e3]]).non_finite(policy).observe(&mut trace);
        let divergence = run.run().unwrap().diverged[0];
        assert_eq!(divergence.chain, 1);
        let draws = Draws::from_trace(&trace).unwrap();
        let diverging = draws.diverging();
        assert!(diverging.row(0).iter().all(|is_bad| !is_bad));
        let first = diverging.row(1).iter().position(|is_bad| *is_bad).unwrap();
        assert!(first > 0 && diverging.slice(s![1, first..]).iter().all(|is_bad| *is_bad));
        if policy == NonFinite::Freeze {
            assert_eq!((trace.frozen(), first as u64), (&[divergence][..], divergence.step));
        }
        let density = |x: langevin::ndarray::ArrayView2<'_, f64>, out: &mut [f64]| {
            assert!(x.iter().all(|x| x.is_finite()));
            out.iter_mut().zip(x.rows()).for_each(|(log, x)| *log = -x[0].abs());
            Ok(())
        };
        let draws = draws.with_log_density(&WithDensity::new(&drift, density)).unwrap();
        for (log, x) in draws.log_density().unwrap().iter().zip(draws.positions()) {
            assert_eq!(x.is_finite().then(|| -x.abs()), log.is_finite().then_some(*log));
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let draws = || Draws::new(Array3::<f64>::zeros((2, 3, 2))).unwrap();
    let few = draws().with_names(["a"]).unwrap_err().to_string();
    assert_eq!(few, "names: given shape (1), expected (2), one name for each coordinate");
    let twice = draws().with_names(["a", "a"]).unwrap_err().to_string();
    assert_eq!(twice, "the name a is given twice; give it once");
    assert!(matches!(draws().with_names(["a", "b/c"]), Err(Error::Value { .. })));
    assert!(matches!(Draws::new(Array3::<f64>::zeros((2, 0, 2))), Err(Error::Shape { .. })));
    let empty = Trace::<f64>::new(every(1));
    assert!(matches!(Draws::from_trace(&empty), Err(Error::Shape { .. })));
    let none = PerRow::new(2, |_, x: &[f64], out: &mut [f64]| out.copy_from_slice(x));
    assert!(matches!(draws().with_log_density(&none), Err(Error::NoDensity { .. })));
    assert!(matches!(draws().with_log_density(&target()), Err(Error::Shape { .. })));
    let fails = |_: langevin::ndarray::ArrayView2<'_, f64>, _: &mut [f64]| Err("no".into());
    let error = draws().with_log_density(&WithDensity::new(none, fails)).unwrap_err();
    assert_eq!(error.to_string(), "draws: the log density failed in chain 0: no");
    assert!(draws().energy().is_none());
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The numbers of an array of one chunk, and its shape, from its files.
fn numbers(array: &Path) -> (Vec<u64>, Vec<u8>) {
    let metadata = read(&array.join("zarr.json"));
    let shape: Vec<u64> = serde_json::from_value(metadata["shape"].clone()).unwrap();
    assert_eq!(metadata["chunk_grid"]["configuration"]["chunk_shape"], json!(shape));
    assert_eq!((&metadata["node_type"], &metadata["zarr_format"]), (&json!("array"), &json!(3)));
    let endian = json!([{"name": "bytes", "configuration": {"endian": "little"}}]);
    assert_eq!(metadata["codecs"], endian);
    let chunk = shape.iter().fold(array.join("c"), |path, _| path.join("0"));
    (shape, fs::read(chunk).unwrap())
}

fn doubles(array: &Path) -> Vec<f64> {
    let (shape, bytes) = numbers(array);
    assert_eq!(shape.iter().product::<u64>() * 8, bytes.len() as u64);
    bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
}

fn integers(array: &Path) -> Vec<i64> {
    let (_, bytes) = numbers(array);
    bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap())).collect()
}

#[test]
fn a_store_has_the_documented_arrays() {
    let folder = Folder::new("store");
    let draws = named().with_attribute("method", "baoab");
    let path = folder.join("run.zarr");
    draws.write_zarr(&path).unwrap();
    assert_eq!(folder.names(), ["run.zarr"]);
    let root = read(&path.join("zarr.json"));
    let attributes = &root["attributes"];
    assert_eq!((&attributes["seed"], &attributes["method"]), (&json!(3), &json!("baoab")));
    assert_eq!(attributes["inference_library"], "langevin");
    // The description of the whole says what the parts say.
    let all = root["consolidated_metadata"]["metadata"].as_object().unwrap();
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    let posterior = ["", "/chain", "/draw", "/mu", "/theta", "/theta_dim_0"];
    let stats = ["", "/chain", "/diverging", "/draw", "/energy", "/lp"];
    let more = ["/momentum", "/momentum_dim_0", "/step"];
    let posterior = posterior.iter().map(|name| format!("posterior{name}"));
    let stats = stats.iter().chain(&more).map(|name| format!("sample_stats{name}"));
    assert_eq!(names, posterior.chain(stats).collect::<Vec<_>>());
    for (name, metadata) in all {
        let mut own = read(&path.join(name).join("zarr.json"));
        own.as_object_mut().unwrap().remove("consolidated_metadata");
        assert_eq!(own, *metadata, "{name}");
    }

    let theta = path.join("posterior/theta");
    let axes = read(&theta.join("zarr.json"))["dimension_names"].clone();
    assert_eq!(axes, json!(["chain", "draw", "theta_dim_0"]));
    let all = draws.positions();
    let expected: Vec<f64> = all.rows().into_iter().flat_map(|x| [x[2], x[0]]).collect();
    assert_eq!(doubles(&theta), expected);
    let expected: Vec<f64> = all.rows().into_iter().map(|x| x[1]).collect();
    assert_eq!(doubles(&path.join("posterior/mu")), expected);
    assert_eq!(integers(&path.join("posterior/theta_dim_0")), [0, 1]);
    for group in ["posterior", "sample_stats"] {
        assert_eq!(integers(&path.join(group).join("chain")), [5, 6, 7]);
        assert_eq!(integers(&path.join(group).join("draw")), [0, 1, 2, 3]);
    }
    let stats = path.join("sample_stats");
    assert_eq!(integers(&stats.join("step")), [0, 2, 4, 6]);
    let log = draws.log_density().unwrap();
    assert_eq!(doubles(&stats.join("lp")), log.iter().copied().collect::<Vec<_>>());
    assert_eq!(doubles(&stats.join("energy")), draws.energy().unwrap().into_raw_vec_and_offset().0);
    let momenta: Vec<f64> = draws.momenta().unwrap().iter().copied().collect();
    assert_eq!(doubles(&stats.join("momentum")), momenta);
    assert_eq!(numbers(&stats.join("diverging")), (vec![3, 4], vec![0; 12]));
}

#[test]
fn a_store_in_f32_has_float32() {
    let folder = Folder::new("single");
    let (trace, _) = example::<f32>();
    let draws = Draws::from_trace(&trace).unwrap();
    draws.write_zarr(folder.join("a")).unwrap();
    let x = folder.join("a/posterior/x");
    assert_eq!(read(&x.join("zarr.json"))["data_type"], "float32");
    let (shape, bytes) = numbers(&x);
    assert_eq!(shape, [3, 4, 3]);
    let found = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    assert!(found.eq(draws.positions().iter().copied()));
    assert!(!folder.join("a/sample_stats/lp").exists());
    draws.write_npy(folder.join("a.npy")).unwrap();
    let array: Array3<f32> = ndarray_npy::read_npy(folder.join("a.npy")).unwrap();
    assert_eq!(array, draws.positions());
}

#[test]
fn an_array_file_has_a_description_beside_it() {
    let folder = Folder::new("npy");
    let draws = named();
    for _ in 0..2 {
        draws.write(folder.join("draws.npy")).unwrap();
        assert_eq!(folder.names(), ["draws.json", "draws.npy"]);
    }
    let array: Array3<f64> = ndarray_npy::read_npy(folder.join("draws.npy")).unwrap();
    assert_eq!(array, draws.positions());
    let expected = json!({
        "names": ["theta[1]", "mu", "theta[0]"],
        "dimensions": ["chain", "draw", "dim"],
        "chains": [5, 6, 7],
        "steps": [0, 2, 4, 6],
        "attributes": draws.attributes(),
    });
    assert_eq!(read(&folder.join("draws.json")), expected);
    for name in ["draws.json", "draws", "a.csv"] {
        let error = draws.write_npy(folder.join(name)).unwrap_err().to_string();
        assert!(error.ends_with("expected a name that ends in .npy"), "{error}");
    }
}

#[test]
fn only_stores_and_empty_folders_are_replaced() {
    let folder = Folder::new("replace");
    let draws = named();
    let path = folder.join("run.zarr");
    fs::create_dir(&path).unwrap();
    draws.write_zarr(&path).unwrap();
    let other = Draws::new(Array3::from_elem((1, 2, 1), 4.5)).unwrap();
    other.write_zarr(&path).unwrap();
    assert_eq!(doubles(&path.join("posterior/x")), [4.5, 4.5]);
    assert!(!path.join("posterior/mu").exists());

    check_place(&path).unwrap();
    check_place(folder.join("new.zarr")).unwrap();
    assert_eq!(folder.names(), ["run.zarr"]);
    let refused = |path: &Path| {
        let error = draws.write_zarr(path).unwrap_err();
        assert!(matches!(error, Error::Draws { .. }), "{error}");
        assert!(matches!(check_place(path), Err(Error::Draws { .. })));
    };
    // A store with a file from elsewhere.
    fs::write(path.join("notes.txt"), "mine").unwrap();
    refused(&path);
    assert_eq!(fs::read_to_string(path.join("notes.txt")).unwrap(), "mine");
    assert_eq!(doubles(&path.join("posterior/x")), [4.5, 4.5]);
    // Another folder, a store of another library, a file.
    let data = folder.join("data.zarr");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("zarr.json"), r#"{"zarr_format": 3, "node_type": "group"}"#).unwrap();
    refused(&data);
    assert!(data.join("zarr.json").exists());
    let file = folder.join("file.zarr");
    fs::write(&file, "mine").unwrap();
    refused(&file);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(folder.names(), ["data.zarr", "file.zarr", "run.zarr"]);
}

#[test]
fn places_that_cannot_be_written_are_errors() {
    let folder = Folder::new("places");
    let draws = named();
    fs::write(folder.join("file"), "").unwrap();
    fs::create_dir(folder.join("a.npy")).unwrap();
    for path in ["none/run.zarr", "file/run.zarr"] {
        let error = draws.write_zarr(folder.join(path)).unwrap_err();
        assert!(matches!(error, Error::Draws { .. }), "{error}");
    }
    for path in ["none/a.npy", "file/a.npy", "a.npy"] {
        let error = draws.write_npy(folder.join(path)).unwrap_err();
        assert!(matches!(error, Error::Draws { .. }), "{error}");
        assert_eq!(check_place(folder.join(path)).unwrap_err().to_string(), error.to_string());
    }
    assert_eq!(folder.names(), ["a.npy", "file"]);
    check_place(folder.join("b.npy")).unwrap();
    assert_eq!(folder.names(), ["a.npy", "file"]);
    for path in ["run", "run.txt"] {
        let error = draws.write(folder.join(path)).unwrap_err().to_string();
        assert!(error.ends_with("expected a name that ends in .npy, .csv or .zarr"), "{error}");
    }
    assert!(matches!(draws.write_zarr(".."), Err(Error::Draws { .. })));
}
