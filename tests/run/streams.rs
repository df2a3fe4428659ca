//! Draws that go to files as a run produces them: the bytes of those that are written at the end,
//! after crashes and stops too.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use langevin::draws::{Draws, Stored, Stream, places};
use langevin::metrics::Posterior;
use langevin::ndarray::{Array2, Axis, array, s};
use langevin::prelude::*;
use langevin::run::{Checkpoint, StateFile};
use serde_json::Value;

use crate::folder::Folder;

const NAMES: [&str; 3] = ["theta[1]", "mu", "theta[0]"];
const ENDINGS: [&str; 3] = ["npy", "csv", "zarr"];

fn target() -> GaussianMixture {
    GaussianMixture::isotropic(array![[0.5, -1.0, 2.0]].view(), 1.5).unwrap()
}

fn sampler() -> Splitting<Underdamped> {
    Splitting::new(Underdamped::new(2.0, 0.7).unwrap(), "BAOAB".parse().unwrap())
}

fn every() -> Every {
    Every::new(3).unwrap().after(4).with_end(STEPS)
}

const STEPS: usize = 30;

fn run<'a, F: Real>(chains: usize) -> Run<'a, F> {
    let grid = TimeGrid::uniform(0.1, STEPS).unwrap();
    Run::<F>::with_precision(sampler(), target(), grid).chains(chains).first_chain(5).seed(3)
}

fn stream<'a, F: Real>(path: &Path, target: &'a GaussianMixture) -> Stream<'a, F> {
    let stream = Stream::new(path, every()).unwrap().with_names(NAMES).unwrap();
    let stream = stream.with_momenta().with_start().with_attribute("method", "baoab");
    stream.with_log_density(target).unwrap()
}

/// The draws of the same run, kept in memory.
fn draws<F: Real>(trace: &Trace<F>, samples: &Samples<F>) -> Draws<F> {
    let draws = Draws::from_trace(trace).unwrap().with_names(NAMES).unwrap();
    let draws = draws.with_log_density(&target()).unwrap().with_run(samples);
    draws.with_attribute("method", "baoab")
}

fn trace<F: Real>() -> Trace<F> {
    Trace::new(every()).with_momenta().with_start()
}

/// All files below a path, with their bytes.
fn tree(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![path.to_path_buf()];
    while let Some(place) = open.pop() {
        if place.is_dir() {
            open.extend(fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            all.insert(place.strip_prefix(path).unwrap().into(), fs::read(&place).unwrap());
        }
    }
    all
}

/// All files that one call has written for this path.
fn files(path: &Path) -> Vec<BTreeMap<PathBuf, Vec<u8>>> {
    places(path).iter().filter(|place| place.exists()).map(|place| tree(place)).collect()
}

/// Fails, or ends the run, after a step.
struct At(u64, bool);

impl<F: Real> Observer<F> for At {
    fn next(&self, step: u64) -> Option<u64> {
        Some(self.0).filter(|at| *at > step)
    }

    fn observe(&mut self, _: &Snapshot<'_, F>) -> std::result::Result<ControlFlow<()>, BoxError> {
        if self.1 { Ok(ControlFlow::Break(())) } else { Err("crash".into()) }
    }
}

fn same_bytes<F: Real>(chains: usize) {
    let folder = Folder::new(&format!("stream-{}-{chains}", F::NAME));
    for ending in ENDINGS {
        let [one, other] = ["stream", "draws"].map(|name| folder.join(&format!("{name}.{ending}")));
        let target = target();
        let mut stream = stream::<F>(&one, &target);
        let mut trace = trace();
        let samples = run(chains).observe(&mut stream).observe(&mut trace).run().unwrap();
        let mut stored = stream.finish(&samples).unwrap();
        draws(&trace, &samples).write(&other).unwrap();
        assert_eq!(places(&one).len(), if ending == "zarr" { 2 } else { 4 });
        assert_eq!(files(&one).len(), if ending == "zarr" { 1 } else { 2 });
        assert!(files(&one) == files(&other), "{ending}");
        check_stored(&mut stored, &trace);
    }
}

/// What is on the disk is what was kept in memory.
fn check_stored<F: Real>(stored: &mut Stored<F>, trace: &Trace<F>) {
    let all = trace.positions();
    let (draws, chains, _) = all.dim();
    assert_eq!((stored.chains(), stored.draws()), (chains, draws));
    assert_eq!(stored.names(), NAMES);
    let turned = all.view().permuted_axes([1, 0, 2]);
    for range in [0..draws, 2..5, 5..6, 1..1, 0..2] {
        let found = stored.positions(range.clone()).unwrap();
        assert_eq!(found, turned.slice(s![.., range, ..]));
    }
    assert!(matches!(stored.positions(0..draws + 1), Err(Error::Shape { .. })));
    let own = Posterior::of(all.mapv(F::widen).view()).unwrap().names(NAMES).unwrap();
    assert_eq!(stored.summary().unwrap(), own);
}

#[test]
fn streamed_files_are_those_of_draws_to_the_byte() {
    same_bytes::<f64>(4);
    same_bytes::<f32>(4);
    same_bytes::<f64>(1);
}

/// Frozen chains and numbers that are not finite.
#[test]
fn diverging_draws_are_streamed_as_they_are_kept() {
    let drift = Batched::any(|_, x, mut out| {
        out.zip_mut_with(&x, |b, x: &f64| *b = if *x > 50.0 { x.powi(30) } else { 0.0 });
        Ok(())
    });
    let density = |x: langevin::ndarray::ArrayView2<'_, f64>, out: &mut [f64]| {
        out.iter_mut().zip(x.rows()).for_each(|(log, x)| *log = -x[0].abs());
        Ok(())
    };
    let drift = WithDensity::new(&drift, density);
    let folder = Folder::new("stream-frozen");
    for policy in [NonFinite::Freeze, NonFinite::Ignore] {
        for ending in ENDINGS {
            let place = |name: &str| folder.join(&format!("{name}-{policy}.{ending}"));
            let every = Every::new(1).unwrap();
            let mut trace = Trace::new(every).with_start();
            let mut stream = Stream::new(place("stream"), every).unwrap().with_start();
            stream = stream.with_log_density(&drift).unwrap();
            let grid = TimeGrid::uniform(0.1, 12).unwrap();
            let run = Run::new(EulerMaruyama::new(Overdamped), &drift, grid);
            let run = run.start(array![[0.0], [1e3], [-1.0]]).non_finite(policy);
            let samples = run.observe(&mut trace).observe(&mut stream).run().unwrap();
            stream.finish(&samples).unwrap();
            let draws = Draws::from_trace(&trace).unwrap().with_log_density(&drift).unwrap();
            assert!(draws.diverging().iter().any(|is_bad| *is_bad));
            draws.with_run(&samples).write(place("draws")).unwrap();
            assert!(files(&place("stream")) == files(&place("draws")), "{policy} {ending}");
        }
    }
}

/// More than one chunk, more than one buffer.
#[test]
fn long_draws_are_written_in_pieces() {
    let folder = Folder::new("stream-long");
    let dim = 700;
    let target = GaussianMixture::isotropic(Array2::zeros((1, dim)).view(), 1.0).unwrap();
    let every = Every::new(1).unwrap();
    let mut trace = Trace::<f64>::new(every);
    let name = |i| if i < 2 { format!("a{i}") } else { format!("b[{}]", i - 2) };
    let names: Vec<String> = (0..dim).map(name).collect();
    let mut streams = ["npy", "zarr"].map(|ending| {
        let stream = Stream::new(folder.join(&format!("s.{ending}")), every).unwrap();
        stream.with_names(names.clone()).unwrap()
    });
    let grid = TimeGrid::uniform(0.1, 150).unwrap();
    let run = Run::new(EulerMaruyama::new(Overdamped), &target, grid).chains(60).seed(1);
    let [npy, zarr] = &mut streams;
    let samples = run.observe(npy).observe(zarr).observe(&mut trace).run().unwrap();
    let draws = Draws::from_trace(&trace).unwrap().with_names(names).unwrap().with_run(&samples);
    for (stream, ending) in streams.into_iter().zip(["npy", "zarr"]) {
        let mut stored = stream.finish(&samples).unwrap();
        let own = folder.join(&format!("d.{ending}"));
        draws.write(&own).unwrap();
        assert!(files(stored.path()) == files(&own), "{ending}");
        assert!(stored.positions(0..150).unwrap() == draws.positions(), "{ending}");
        assert!(stored.positions(97..103).unwrap() == draws.positions().slice(s![.., 97..103, ..]));
    }
    let chunks = fs::read_dir(folder.join("s.zarr/posterior/b/c/0")).unwrap().count();
    assert_eq!(chunks, 2);
    assert!(folder.join("s.zarr/posterior/a0/c/0/1").exists());
}

/// The file of a checkpoint.
fn state<F: Real>(path: &Path) -> StateFile<F> {
    StateFile::read(&mut fs::File::open(path).unwrap()).unwrap()
}

#[test]
fn runs_that_crash_go_on_to_the_same_bytes() {
    let folder = Folder::new("stream-crash");
    let target = target();
    for ending in ENDINGS {
        let [whole, path, other] =
            ["whole", "run", "other"].map(|name| folder.join(&format!("{name}.{ending}")));
        let mut stream = stream::<f64>(&whole, &target);
        let samples = run(4).observe(&mut stream).run().unwrap();
        stream.finish(&samples).unwrap();
        let saved = folder.join("state");
        let begun = |stop: At, resume: Option<&StateFile<f64>>| {
            let mut stop = stop;
            let mut own = self::stream::<f64>(&path, &target);
            let run = run(4).observe(&mut own).observe(&mut stop);
            let run = run.checkpoint(Checkpoint::new(&saved, Duration::ZERO));
            let run = match resume {
                Some(file) => run.resume_file(file),
                None => run,
            };
            (run.run(), own)
        };
        // Crashes before the first draw, at a draw, and between draws.
        for crash in [3, 10, 11, 29] {
            let (crashed, own) = begun(At(crash, false), None);
            assert!(matches!(crashed, Err(Error::Observer { .. })));
            drop(own);
            assert_eq!(path.exists(), crash > 3);
            let (ended, own) = begun(At(99, false), Some(&state(&saved)));
            own.finish(&ended.unwrap()).unwrap();
            assert!(files(&path) == files(&whole), "{ending} after step {crash}");
            // The same once more, as if the crash had come behind the end.
            let (ended, own) = begun(At(99, false), Some(&state(&saved)));
            own.finish(&ended.unwrap()).unwrap();
            assert!(files(&path) == files(&whole), "{ending} after the end");
        }
        // A run that is stopped leaves a copy of what it has, and goes on.
        let (stopped, own) = begun(At(14, true), None);
        let stopped = stopped.unwrap();
        // The start, and steps 7, 10 and 13.
        assert_eq!(own.finish_for_now(&stopped).unwrap().draws(), 4);
        let mut trace = trace::<f64>();
        let mut stop = At(14, true);
        let short = run(4).observe(&mut trace).observe(&mut stop).run().unwrap();
        draws(&trace, &short).write(&other).unwrap();
        for (one, two) in places(&path).iter().zip(places(&other)).filter(|(_, two)| two.exists()) {
            assert!(tree(one) == tree(&two), "{}", one.display());
        }
        let (ended, own) = begun(At(99, false), Some(&state(&saved)));
        own.finish(&ended.unwrap()).unwrap();
        assert!(files(&path) == files(&whole), "{ending} after a stop");
        // Files of another run are refused.
        let (_, own) = begun(At(14, false), None);
        drop(own);
        let file = state(&saved);
        let mut foreign = self::stream::<f64>(&path, &target);
        let mut stop = At(14, false);
        let crashed = run(4).seed(99).observe(&mut foreign).observe(&mut stop).run();
        assert!(crashed.is_err());
        drop(foreign);
        let (refused, _) = begun(At(99, false), Some(&file));
        let message = refused.unwrap_err();
        let source = std::error::Error::source(&message).unwrap().to_string();
        // A store of the other run is on the disk after its first second.
        let is_missing = ending == "zarr" && source.contains("No such file");
        assert!(is_missing || source.contains("not that of the checkpoint"), "{source}");
    }
}

#[test]
fn what_is_unfinished_can_be_read() {
    let folder = Folder::new("stream-prefix");
    let target = target();
    let mut whole = trace::<f64>();
    run(4).observe(&mut whole).run().unwrap();
    let whole = whole.positions().permuted_axes([1, 0, 2]).as_standard_layout().into_owned();
    for (chains, ending) in [(4, "npy"), (1, "npy"), (4, "csv"), (4, "zarr")] {
        let path = folder.join(&format!("{chains}.{ending}"));
        let mut own = stream::<f64>(&path, &target);
        let mut stop = At(17, false);
        let run = run(chains).observe(&mut own).observe(&mut stop);
        let state = folder.join("state");
        run.checkpoint(Checkpoint::new(state, Duration::ZERO)).run().unwrap_err();
        drop(own);
        let mut part = path.into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        // The draws of the steps 0, 7, 10, 13 and 16.
        let wanted = whole.slice(s![..chains, ..5, ..]);
        match ending {
            "npy" if chains == 1 => {
                let bytes = fs::read(&part).unwrap();
                assert!(String::from_utf8_lossy(&bytes[..128]).contains("'shape': (1, 5, 3)"));
                let numbers = bytes[128..].as_chunks().0.iter().map(|b| f64::from_le_bytes(*b));
                assert!(numbers.take(15).eq(wanted.iter().copied()));
            }
            "npy" => {
                let bytes = fs::read(&part).unwrap();
                let text = String::from_utf8_lossy(&bytes[..128]);
                assert!(text.contains("('draws','<f8',(5,3)),('','|V120')"), "{text}");
                assert!(text.contains("'shape':(4,)"));
                for (record, wanted) in bytes[128..].chunks_exact(240).zip(wanted.outer_iter()) {
                    let numbers = record.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b));
                    assert!(numbers.take(15).eq(wanted.iter().copied()));
                }
            }
            "csv" => {
                let text = fs::read_to_string(&part).unwrap();
                let lines: Vec<&str> = text.lines().collect();
                assert_eq!(lines.len(), 21);
                assert!(
                    lines[0].starts_with("step,chain,theta[1],mu,theta[0],lp,energy,diverging,mom")
                );
                assert!(lines[20].starts_with(&format!("16,8,{:?},", wanted[[3, 4, 0]])));
            }
            _ => {
                let text = fs::read(part.join("zarr.json")).unwrap();
                let about: Value = serde_json::from_slice(&text).unwrap();
                let mu = &about["consolidated_metadata"]["metadata"]["posterior/mu"];
                assert_eq!(mu["shape"], serde_json::json!([4, 5]));
                assert_eq!(about["attributes"]["seed"], 3);
                let bytes = fs::read(part.join("posterior/mu/c/0/0")).unwrap();
                let numbers: Vec<f64> =
                    bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
                for (row, wanted) in numbers.chunks(10).zip(wanted.outer_iter()) {
                    assert!(row[..5].iter().eq(wanted.column(1)));
                    assert!(row[5..].iter().all(|x| x.is_nan()));
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_streamed_is_refused() {
    let folder = Folder::new("stream-refused");
    let every = Every::new(1).unwrap();
    for name in ["a.txt", "a", "none/a.npy"] {
        assert!(matches!(Stream::<f64>::new(folder.join(name), every), Err(Error::Draws { .. })));
    }
    let foreign = folder.join("a.zarr.part");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("mine"), "").unwrap();
    assert!(matches!(Stream::<f64>::new(folder.join("a.zarr"), every), Err(Error::Draws { .. })));
    let new = |name: &str| Stream::<f64>::new(folder.join(name), every).unwrap();
    assert!(new("a.npy").with_names(["a", "a"]).is_err());
    let none = PerRow::new(3, |_, x: &[f64], out: &mut [f64]| out.copy_from_slice(x));
    assert!(matches!(new("a.csv").with_log_density(&none), Err(Error::NoDensity { .. })));
    // Names are compared with the run when it begins.
    let mut few = new("a.npy").with_names(["a"]).unwrap();
    let refused = run(2).observe(&mut few).run().unwrap_err();
    let why = std::error::Error::source(&refused).unwrap().to_string();
    assert_eq!(why, "names: given shape (1), expected (3), one name for each coordinate");
    let clash = new("a.csv").with_names(["step", "b", "c"]).unwrap_err().to_string();
    assert_eq!(clash, "names: given `step`, expected a name that no other column of the table has");
    let samples = run(2).run().unwrap();
    let error = new("b.npy").finish(&samples).unwrap_err().to_string();
    assert!(error.ends_with("the run ended before its first draw"), "{error}");
    assert_eq!(folder.names(), ["a.zarr.part"]);
}

/// A hash of all positions in the order of the steps.
struct Hashed(u64);

impl Hashed {
    fn push(&mut self, x: f64) {
        self.0 = (self.0 ^ x.to_bits()).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }
}

impl Observer<f64> for Hashed {
    fn next(&self, step: u64) -> Option<u64> {
        Some(step + 1)
    }

    fn observe(
        &mut self,
        snapshot: &Snapshot<'_, f64>,
    ) -> std::result::Result<ControlFlow<()>, BoxError> {
        snapshot.positions().iter().for_each(|x| self.push(*x));
        Ok(ControlFlow::Continue(()))
    }
}

/// The most memory that the process has had, in MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

/// Ten gigabytes in a process below 300 MB, read back in pieces. Needs 10 GB of disk and minutes:
/// `cargo test --features serde --test run ten_gigabytes -- --ignored --nocapture`
#[test]
#[ignore = "writes 10 GB"]
#[cfg(target_os = "linux")]
fn ten_gigabytes_are_streamed_in_little_memory() {
    let gigabytes = std::env::var("LANGEVIN_GIGABYTES").map_or(10.0, |text| text.parse().unwrap());
    let folder = Folder::new("stream-large");
    let shape = [50, 100];
    let draws = (gigabytes * 1e9 / (8 * shape[0] * shape[1]) as f64) as usize;
    let target = GaussianMixture::isotropic(Array2::zeros((1, shape[1])).view(), 1.0).unwrap();
    for ending in ["zarr", "npy"] {
        let path = folder.join(&format!("large.{ending}"));
        let mut stream = Stream::new(&path, Every::new(1).unwrap()).unwrap();
        let mut rare = Trace::new(Every::new(draws / 7).unwrap());
        let mut hashed = Hashed(0);
        let grid = TimeGrid::uniform(0.1, draws).unwrap();
        let run = Run::new(EulerMaruyama::new(Overdamped), &target, grid).chains(shape[0]);
        let run = run.observe(&mut stream).observe(&mut hashed).observe(&mut rare);
        let samples = run.seed(1).run().unwrap();
        let mut stored = stream.finish(&samples).unwrap();
        for (step, frame) in rare.steps().iter().zip(rare.positions().outer_iter()) {
            let draw = *step as usize - 1;
            let found = stored.positions(draw..draw + 1).unwrap();
            assert_eq!(found.index_axis(Axis(1), 0), frame);
        }
        let mut read = Hashed(0);
        for first in (0..draws).step_by(500) {
            let piece = stored.positions(first..draws.min(first + 500)).unwrap();
            piece.axis_iter(Axis(1)).for_each(|draw| draw.iter().for_each(|x| read.push(*x)));
        }
        assert_eq!(read.0, hashed.0, "{ending}");
        let bytes: usize = if ending == "npy" {
            fs::metadata(&path).unwrap().len() as usize
        } else {
            draws * shape[0] * shape[1] * 8
        };
        println!("{ending}: {} GB, {draws} draws, peak {} MiB", bytes as f64 / 1e9, peak());
        assert!(peak() < 286, "{} MiB", peak());
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap()
        } else {
            fs::remove_file(&path).unwrap()
        }
    }
}
