//! Runs that are killed and go on from their checkpoints, to the bits of a run that was not.
#![cfg(unix)]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use langevin::run::StateFile;
use serde_json::Value;

use crate::support::{TWO, bytes, command, folder, json, listing, refuse, succeed, tree};

/// Delays that look random, up to a quarter of the time that a run takes.
struct Delays {
    seed: u64,
    whole: Duration,
}

impl Delays {
    fn next(&mut self) -> Duration {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let most = (self.whole.as_micros() as u64 / 4).max(1);
        Duration::from_micros((self.seed >> 33) % most)
    }
}

fn start(folder: &Path, arguments: &str) -> Child {
    let mut command = command(folder, arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills a run. The lock that it leaves is no hindrance, and the next run takes it away: without it
/// a run that is refused changes nothing in the folder.
fn kill(folder: &Path, child: &mut Child) {
    let _ = child.kill();
    child.wait().unwrap();
    let _ = fs::remove_file(folder.join("c.lock"));
}

/// The report without what the clock says.
fn timeless(mut report: Value) -> Value {
    if let Some(fields) = report.as_object_mut() {
        fields.remove("seconds");
        for row in fields.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten() {
            row.as_object_mut().unwrap().remove("seconds");
        }
    }
    report
}

/// Kills a run again and again, and compares what comes of it with a run that is left alone.
fn check(name: &str, run: &str, outputs: &[&str], seed: u64) {
    let folder = folder(&format!("durable-{name}"), TWO);
    let begun = Instant::now();
    let whole = timeless(json(&folder, run));
    let time = begun.elapsed();
    let wanted: Vec<_> = outputs.iter().map(|output| tree(&folder, output)).collect();
    for output in outputs.iter().map(|output| folder.join(output)) {
        let removed =
            if output.is_dir() { fs::remove_dir_all(output) } else { fs::remove_file(output) };
        removed.unwrap();
    }
    let durable = format!("{run} --checkpoint c --checkpoint-every 0.01 --resume c");
    let mut delays = Delays { seed, whole: time };
    let mut steps = 0;
    let mut kills = 0;
    while kills < 10 {
        let mut child = start(&folder, &format!("{durable} --json"));
        sleep(delays.next());
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        // The file is whole, and the run never goes back.
        if name == "compare" {
            continue;
        }
        if let Ok(mut file) = File::open(folder.join("c")) {
            let taken = StateFile::<f64>::read(&mut file).unwrap().samples.steps;
            assert!(taken >= steps, "{name}: back from {steps} to {taken}");
            steps = taken;
        }
        assert!(!outputs.iter().any(|output| folder.join(output).exists()), "{name}");
    }
    assert!(kills > 2, "{name}: the run is too short to be killed");
    let report = timeless(json(&folder, &durable));
    assert_eq!(report, whole, "{name}");
    for (output, wanted) in outputs.iter().zip(&wanted) {
        assert!(tree(&folder, output) == *wanted, "{name}: {output}");
    }
    // The checkpoint and the frames are gone. A temporary file stays only where a run was killed
    // before its first checkpoint.
    let left = listing(&folder);
    let is_left = |file: &String| file.starts_with('c') || file.ends_with(".part");
    assert!(!left.iter().any(is_left), "{left:?}");
    let whole = json(&folder, &durable);
    assert_eq!(timeless(whole), report, "{name}: the same command begins it again");
}

const RUN: &str = "sample g.json --dynamics underdamped --method pmm1 --step 0.1 --seed 3";

#[test]
fn killed_runs_of_sample_lead_to_the_same_end() {
    for (seed, name, more, outputs) in [
        (
            1,
            "frames",
            "--steps 14000 --chains 40 --every 7 --burn-in 20 --out x.npy",
            &["x.npy"][..],
        ),
        (2, "csv", "--steps 14000 --chains 40 --every 70 --out x.csv", &["x.csv"]),
        (
            3,
            "end",
            "--steps 14000 --chains 40 --burn-in 100 --out x.npy --save-state s --plot p.svg",
            &["x.npy", "s", "p.svg"],
        ),
        (
            4,
            "trace",
            "--steps 14000 --chains 40 --every 70 --trace t.npy --non-finite freeze",
            &["t.npy", "t.json"],
        ),
        (
            7,
            "store",
            "--steps 14000 --chains 40 --every 20 --trace t.zarr --names a,b",
            &["t.zarr"],
        ),
        (
            8,
            "table",
            "--steps 14000 --chains 40 --every 70 --trace t.csv --out x.npy",
            &["t.csv", "t.json", "x.npy"],
        ),
    ] {
        check(name, &format!("{RUN} {more}"), outputs, seed);
    }
}

#[test]
fn killed_runs_of_generate_lead_to_the_same_end() {
    let run = "generate g.json --method ddpm --evaluations 1000 --chains 3000 --precision f64 \
               --seed 4";
    check(
        "generate",
        &format!("{run} --every 300 --out x.npy --trace t.zarr"),
        &["x.npy", "t.zarr"],
        5,
    );
}

#[test]
fn killed_comparisons_lead_to_the_same_end() {
    let run = "compare g.json --methods ddpm,ddim,pmm2 --evaluations 10,20,40,80,160 --seeds 3 \
               --chains 2000 --metric radial,sliced";
    check("compare", run, &[], 6);
    let folder = folder("durable-compare", TWO);
    let run =
        "compare g.json --methods ddim,ddpm --evaluations 20,400 --chains 2000 --precision f64";
    let durable = format!("{run} --checkpoint c --checkpoint-every 0 --csv x.csv --resume c");
    let mut child = start(&folder, &durable);
    while !folder.join("c").exists() {
        sleep(Duration::from_millis(2));
    }
    kill(&folder, &mut child);
    for (old, new, message) in [
        ("--chains 2000", "--chains 2001", "chains: given 2001, but the run to resume has 2000"),
        ("20,400", "20,401", "evaluations: given [20, 401]"),
        ("f64", "f32", "precision: given \"f32\""),
        ("--precision", "--metric energy --precision", "metric: given [Energy]"),
        (" --resume c", "", "--checkpoint c: there is a file of a run that has not ended"),
    ] {
        refuse(&folder, &durable.replace(old, new), message);
    }
    succeed(&folder, &durable);
    let csv = String::from_utf8(bytes(&folder, "x.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * 2 * 3);
}

#[test]
fn a_checkpoint_of_another_command_is_refused_by_name() {
    let folder = folder("durable-refused", TWO);
    let run = "sample g.json --method baoab --step 0.1 --steps 100000 --chains 5 --every 10";
    let durable = format!("{run} --out x.npy --checkpoint c");
    let mut child = start(&folder, &format!("{durable} --checkpoint-every 0"));
    let length = |name| fs::metadata(folder.join(name)).map_or(0, |file| file.len());
    while length("c.frames") < 1000 || length("c") == 0 {
        sleep(Duration::from_millis(5));
    }
    kill(&folder, &mut child);
    refuse(&folder, &durable, "--checkpoint c: there is a file of a run that has not ended");
    let resumed = format!("{durable} --resume c");
    for (old, new, message) in [
        ("baoab", "obabo", "method: given \"obabo\", but the run to resume has \"baoab\""),
        ("--steps 100000", "--steps 100001", "steps: given 100001"),
        ("--chains 5", "--chains 6", "chains: given 6, but the run to resume has 5"),
        ("--step 0.1", "--step 0.2", "step: given 0.2"),
        ("--every 10", "--every 11", "every: given 11, but the run to resume has 10"),
        ("--every 10", "--every 10 --burn-in 3", "burn_in: given 3"),
        ("--every 10", "--every 10 --seed 3", "seed: given 3, but the run to resume has 0"),
        ("--every 10", "--every 10 --first-chain 3", "first_chain: given 3"),
        ("--every 10", "--every 10 --precision f32", "precision: given f32"),
        ("--every 10", "--every 10 --non-finite freeze", "non_finite: given freeze"),
        ("x.npy", "x.csv", "out: given csv, but the run to resume has npy"),
        ("--out x.npy", "--trace t.npy --out x.npy", "trace: given kept"),
    ] {
        refuse(&folder, &resumed.replace(old, new), message);
    }
    // The frames must be those of the checkpoint.
    let frames = fs::read(folder.join("c.frames")).unwrap();
    fs::write(folder.join("c.frames"), vec![7; frames.len()]).unwrap();
    let output = crate::support::langevin(&folder, &resumed);
    let message = crate::support::stderr(&output);
    assert!(message.contains("c.frames is not that of the checkpoint"), "{message}");
    assert!(!output.status.success());
    // Damage is found.
    let mut file = fs::read(folder.join("c")).unwrap();
    let middle = file.len() / 2;
    file[middle] ^= 1;
    fs::write(folder.join("c"), file).unwrap();
    refuse(&folder, &resumed, "--resume c: state file: ");
    fs::remove_file(folder.join("c")).unwrap();
    for (arguments, message) in [
        ("--checkpoint none/c", "--checkpoint none/c: cannot be written"),
        ("--checkpoint x.npy --out x.npy", "give them two"),
        ("--checkpoint g.json", "would replace the target g.json"),
        ("--checkpoint d --checkpoint-every=-1", "--checkpoint-every: given -1"),
        ("--checkpoint d --checkpoint-every nan", "--checkpoint-every: given NaN"),
        ("--checkpoint-every 5", "--checkpoint"),
        ("--resume d", "--resume d: cannot be read"),
    ] {
        refuse(&folder, &format!("{run} {arguments}"), message);
    }
}

/// A signal ends a run with its outputs so far, and leaves the checkpoint of its last step.
#[test]
#[cfg(target_os = "linux")]
fn a_stopped_run_goes_on_too() {
    let folder = folder("durable-stopped", TWO);
    let run = "sample g.json --method baoab --step 0.1 --steps 300000 --chains 5 --every 100 \
               --out x.npy";
    let whole = timeless(json(&folder, run));
    let wanted = bytes(&folder, "x.npy");
    let durable = format!("{run} --checkpoint c --checkpoint-every 3600 --resume c");
    let mut child = start(&folder, &durable);
    // The frames are there once the run is on its way.
    while fs::metadata(folder.join("c.frames")).is_err() && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(2));
    }
    sleep(Duration::from_millis(100));
    let kill = format!("kill -TERM {}", child.id());
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let code = child.wait_with_output().unwrap().status.code();
    assert!(matches!(code, Some(143 | 0)), "{code:?}");
    assert_eq!(timeless(json(&folder, &durable)), whole);
    assert!(bytes(&folder, "x.npy") == wanted);
    assert!(!folder.join("c").exists() && !folder.join("c.frames").exists());
    // A state file is continued with new frames, as ever.
    succeed(&folder, &format!("{run} --save-state s"));
    let longer = run.replace("--steps 300000", "--steps 300200");
    succeed(&folder, &format!("{longer} --resume s --out y.npy").replace("--out x.npy ", ""));
}

/// What a run needs to the end, and what belongs to its checkpoint, is not replaced.
#[test]
fn files_beside_a_checkpoint_are_spared() {
    let folder = folder("durable-beside", TWO);
    let run = "sample g.json --method baoab --step 0.1 --steps 9 --chains 5 --every 3";
    succeed(&folder, "sample g.json --method mala --step 0.1 --steps 9 --chains 5 --out s.npy");
    fs::copy(folder.join("g.json"), folder.join("d.frames")).unwrap();
    fs::copy(folder.join("g.json"), folder.join("e.tmp")).unwrap();
    for (arguments, message) in [
        ("--start s.npy --out s.npy --checkpoint c", "would replace the file of --start"),
        ("--out s.npy --start ./s.npy --shard 1/2 --save-state t", "the file of --start"),
        ("--checkpoint c --save-state c.frames", "another output has the name c.frames"),
        ("--checkpoint c --save-state ./c.tmp", "another output has the name c.tmp"),
        ("--checkpoint t.npy --trace t.npy", "another output has the name t.npy"),
        ("--checkpoint t.json --trace t.npy", "another output has the name t.json"),
        ("--checkpoint e", "e.tmp is in the way and is not its own"),
    ] {
        refuse(&folder, &format!("{run} {arguments}"), message);
    }
    let other = run.replace("g.json", "d.frames");
    refuse(&folder, &format!("{other} --checkpoint d"), "would replace the target d.frames");
    // What a crash has left of a first checkpoint is no hindrance.
    fs::write(folder.join("c.tmp"), "langevin state 2\nprec").unwrap();
    succeed(&folder, &format!("{run} --checkpoint c"));
}

/// A pipe has no hash: what came out of it cannot be compared.
#[test]
#[cfg(unix)]
fn pipes_are_not_taken_for_files() {
    let folder = folder("durable-pipe", TWO);
    let run = "sample /dev/stdin --method baoab --step 0.1 --steps 5 --chains 4";
    let piped = |more: &str| {
        let line = format!("cat g.json | {} {run} {more}", env!("CARGO_BIN_EXE_langevin"));
        let mut shell = std::process::Command::new("sh");
        let output = shell.current_dir(&folder).args(["-c", &line]).output().unwrap();
        (output.status.success(), crate::support::stderr(&output))
    };
    assert!(piped("--save-state s").0);
    let why = "the target /dev/stdin is a pipe; --resume, checkpoints and shards need a file";
    for more in ["--checkpoint c", "--resume s", "--shard 1/2 --save-state t"] {
        let (success, said) = piped(more);
        assert!(!success && said.contains(why), "{more}: {said}");
    }
}

/// Runs with other guidance are not taken over.
#[test]
fn comparisons_of_other_settings_are_refused() {
    let folder = folder("durable-guided", TWO);
    let model = crate::support::network("digits");
    let run = format!(
        "compare --model {model} --label 3 --methods ddim --evaluations 4,200 --seeds 1 --chains \
         20 --reference r.npy --checkpoint c --checkpoint-every 0 --resume c"
    );
    succeed(
        &folder,
        &format!("generate --model {model} --method ddim --evaluations 4 --chains 30 --out r.npy"),
    );
    let mut child = start(&folder, &format!("{run} --guidance 2"));
    while fs::metadata(folder.join("c")).is_err() && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(2));
    }
    kill(&folder, &mut child);
    // A machine so fast that all was done before has nothing to go on with.
    if folder.join("c").exists() {
        let other = format!("{run} --guidance 2 --guidance-interval 0.1,1");
        refuse(&folder, &other, "guidance_interval: given");
        refuse(&folder, &format!("{run} --guidance 3"), "guidance: given 3.0");
        let other = format!("{run} --guidance 2").replace("--label 3", "--label 4");
        refuse(&folder, &other, "label: given 4");
    }
}

/// Two programs with one checkpoint would mix their runs: the second is refused, until the first
/// is gone, however it went.
#[test]
fn a_checkpoint_belongs_to_one_program_at_a_time() {
    let folder = folder("durable-lock", TWO);
    let run = "sample g.json --method baoab --step 0.1 --steps 100000000 --chains 5";
    let durable = format!("{run} --checkpoint c --checkpoint-every 0 --resume c");
    let mut child = start(&folder, &durable);
    while !folder.join("c").exists() && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(2));
    }
    for other in
        [durable.clone(), durable.replace(" --resume c", ""), durable.replace("baoab", "obabo")]
    {
        let output = crate::support::langevin(&folder, &other);
        let message = crate::support::stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        let taken = message.contains("--checkpoint c: another program runs with this file");
        // Other settings are found before the lock is asked for.
        assert!(taken || message.contains("method: given"), "{message}");
    }
    assert!(child.try_wait().unwrap().is_none(), "the first goes on");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(folder.join("c.lock").exists(), "a killed program leaves it");
    let output = crate::support::langevin(&folder, &format!("{run} --checkpoint c"));
    let message = crate::support::stderr(&output);
    assert!(message.contains("there is a file of a run that has not ended"), "{message}");
    let steps = File::open(folder.join("c"))
        .map(|mut file| StateFile::<f64>::read(&mut file).unwrap().samples.steps);
    assert!(steps.unwrap() > 0);
    fs::remove_file(folder.join("c")).unwrap();
    succeed(&folder, &durable.replace("100000000", "9"));
    assert_eq!(listing(&folder), ["g.json"]);
}
