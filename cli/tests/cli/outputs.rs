//! Files that are written: whole or not at all, and never in a wrong place.

use std::fs;
use std::process::Stdio;

use crate::support::{RUN, TWO, bytes, command, folder, listing, read, refuse, succeed};

#[test]
fn outputs_are_checked_before_the_run() {
    let folder = folder("outputs", TWO);
    fs::create_dir(folder.join("dir")).unwrap();
    let run = |outputs: &str| format!("sample g.json {RUN} {outputs}");
    for place in ["nowhere/x.npy", "dir", "dir/", "new/", ".", "g.json/x.npy"] {
        refuse(&folder, &run(&format!("--out {place}")), &format!("--out {place}"));
        let plot = run(&format!("--out x.npy --plot {place}"));
        refuse(&folder, &plot, &format!("--plot {place}"));
    }
    for twice in ["x.npy", "./x.npy", "dir/../x.npy"] {
        refuse(&folder, &run(&format!("--out x.npy --plot {twice}")), "--out | --plot");
    }
    fs::copy(folder.join("g.json"), folder.join("zïel☃.json")).unwrap();
    succeed(&folder, &format!("sample zïel☃.json {RUN} --out ünï☃.npy --plot ünï☃.svg"));
    assert_eq!(read::<f64>(&folder, "ünï☃.npy").shape(), [4, 2]);
    // The start may be overwritten by the end.
    succeed(&folder, &run("--start ünï☃.npy --out ünï☃.npy"));
}

#[cfg(unix)]
#[test]
fn devices_are_refused_and_links_are_followed() {
    let folder = folder("links", TWO);
    fs::create_dir(folder.join("dir")).unwrap();
    let device = format!("sample g.json {RUN} --out /dev/null");
    refuse(&folder, &device, "--out | /dev/null | device");
    // A link is followed, not replaced.
    std::os::unix::fs::symlink("../far.npy", folder.join("dir/near.npy")).unwrap();
    fs::write(folder.join("far.npy"), "old").unwrap();
    succeed(&folder, &format!("sample g.json {RUN} --out dir/near.npy"));
    assert!(fs::symlink_metadata(folder.join("dir/near.npy")).unwrap().is_symlink());
    assert_eq!(read::<f64>(&folder, "far.npy").shape(), [4, 2]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    let folder = folder("interrupt", TWO);
    for signal in ["INT", "TERM"] {
        let run = RUN.replace("--steps 5", "--steps 400000000");
        let arguments = format!("sample g.json {run} --every 1000000 --out x.npy --plot x.svg");
        let mut child = command(&folder, &arguments).stderr(Stdio::null()).spawn().unwrap();
        let begun = std::time::Instant::now();
        while listing(&folder).len() < 3 && begun.elapsed().as_secs() < 10 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let kill = format!("kill -{signal} {}", child.id());
        let killed = std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(listing(&folder), ["g.json"]);
    }
}

#[test]
fn two_runs_may_write_one_file() {
    let folder = folder("race", TWO);
    let run = |seed: u64| format!("sample g.json {RUN} --every 1 --seed {seed} --out x.npy");
    for round in 0..5 {
        let start = |seed| command(&folder, &run(seed)).stdout(Stdio::null()).spawn().unwrap();
        for child in &mut [1, 2].map(start) {
            assert!(child.wait().unwrap().success());
        }
        let written = bytes(&folder, "x.npy");
        let wanted = [1, 2].map(|seed| {
            succeed(&folder, &run(seed));
            bytes(&folder, "x.npy")
        });
        assert!(wanted.contains(&written), "round {round}: a mixture of both");
    }
    assert_eq!(listing(&folder), ["g.json", "x.npy"]);
}
