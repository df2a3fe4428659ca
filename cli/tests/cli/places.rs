//! Places of outputs: pipes, devices, links, files that stay where they are, and never an input.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use langevin::ndarray::{Array2, ArrayD};
use ndarray_npy::{ReadNpyExt, write_npy};

use crate::support::{
    RUN, THREE, TWO, bytes, folder, langevin, listing, network, read, refuse, repository, stderr,
    succeed,
};

/// A line of the shell, in which `LV` stands for the program and `RUN` for a short run of it.
fn shell(folder: &Path, line: &str) -> Output {
    let run = format!("LV sample g.json {RUN}");
    let line = line.replace("RUN", &run).replace("LV", env!("CARGO_BIN_EXE_langevin"));
    Command::new("sh").current_dir(folder).args(["-c", &line]).output().unwrap()
}

#[test]
fn no_output_replaces_an_input() {
    let folder = folder("inputs", TWO);
    write_npy(folder.join("d.npy"), &Array2::<f64>::eye(2)).unwrap();
    write_npy(folder.join("s.npy"), &Array2::<f64>::zeros((4, 2))).unwrap();
    fs::copy(network("digits"), folder.join("m")).unwrap();
    fs::copy(network("digits-features"), folder.join("f")).unwrap();
    fs::copy(repository("examples/data/digits_8x8_u8.npy"), folder.join("r")).unwrap();
    fs::create_dir(folder.join("dir")).unwrap();
    for name in ["g.json", "d.npy", "s.npy", "m", "f", "r"] {
        fs::hard_link(folder.join(name), folder.join(format!("hard-{name}"))).unwrap();
        symlink(format!("../{name}"), folder.join(format!("dir/soft-{name}"))).unwrap();
    }
    let sample = format!("sample {RUN}");
    let generate = "generate --method ddim --evaluations 5 --chains 4";
    let compare = "compare --methods ddim@5 --chains 20 --seeds 1 --metric features \
                   --model m --features f --reference r";
    for (command, input, named) in [
        (format!("{sample} g.json --out"), "g.json", "the target"),
        (format!("{sample} g.json --plot"), "g.json", "the target"),
        (format!("{sample} --data d.npy --bandwidth 1 --out"), "d.npy", "--data"),
        (format!("{sample} g.json --start s.npy --plot"), "s.npy", "--start"),
        (format!("{generate} g.json --out"), "g.json", "the target"),
        (format!("{generate} --data d.npy --bandwidth 1 --out"), "d.npy", "--data"),
        (format!("{generate} --model m --out"), "m", "--model"),
        (format!("{generate} --model m --grid-image"), "m", "--model"),
        (format!("{generate} g.json --start s.npy --plot"), "s.npy", "--start"),
        (format!("{compare} --csv"), "m", "--model"),
        (format!("{compare} --plot"), "r", "--reference"),
        (format!("{compare} --csv"), "f", "--features"),
    ] {
        let soft = format!("dir/soft-{input}");
        for name in [input, &format!("./dir/../{input}"), &format!("hard-{input}"), &soft] {
            refuse(&folder, &format!("{command} {name}"), &format!("would replace {named} "));
        }
    }
    // The start may be replaced by the end, and a link to it may.
    let before = bytes(&folder, "s.npy");
    succeed(&folder, &format!("{sample} g.json --start s.npy --out s.npy"));
    assert_ne!(bytes(&folder, "s.npy"), before);
    succeed(&folder, &format!("{sample} g.json --start s.npy --out dir/soft-s.npy"));
}

#[test]
fn links_are_followed_to_the_end() {
    let folder = folder("links", TWO);
    fs::create_dir(folder.join("dir")).unwrap();
    symlink("../far.npy", folder.join("dir/near.npy")).unwrap();
    symlink("dir/near.npy", folder.join("nearer.npy")).unwrap();
    for round in 0..2 {
        // At first the links lead nowhere.
        succeed(&folder, &format!("sample g.json {RUN} --out nearer.npy --seed {round}"));
        for link in ["dir/near.npy", "nearer.npy"] {
            assert!(fs::symlink_metadata(folder.join(link)).unwrap().is_symlink());
        }
        let file = fs::symlink_metadata(folder.join("far.npy")).unwrap();
        assert!(file.is_file() && read::<f64>(&folder, "far.npy").shape() == [4, 2]);
    }
    symlink("nowhere/x.npy", folder.join("lost.npy")).unwrap();
    symlink("loop.npy", folder.join("loop.npy")).unwrap();
    for name in ["lost.npy", "loop.npy"] {
        refuse(&folder, &format!("sample g.json {RUN} --out {name}"), &format!("--out {name}"));
    }
}

#[test]
fn samples_go_to_stdout_pipes_and_devices() {
    let folder = folder("stdout", TWO);
    succeed(&folder, &format!("sample g.json {RUN} --out x.npy"));
    let expected = bytes(&folder, "x.npy");
    for name in ["-", "/dev/stdout", "/dev/fd/1"] {
        for json in ["", "--json"] {
            let output = langevin(&folder, &format!("sample g.json {RUN} --out {name} {json}"));
            assert!(output.status.success(), "{name}: {}", stderr(&output));
            assert_eq!(output.stdout, expected, "{name}");
            let report = if json.is_empty() { "underdamped dynamics" } else { "\"steps\":5" };
            assert!(stderr(&output).contains(report), "{name}: {}", stderr(&output));
        }
    }
    for line in [
        "RUN --out - > y.npy 2> report",
        "RUN --out - 2> report | cat > y.npy",
        "RUN --out /dev/fd/3 3> y.npy",
        "RUN --out /dev/fd/3 3>&1 > report | cat > y.npy",
        "mkfifo pipe; cat pipe > y.npy & RUN --out pipe; wait",
        "mkfifo p.npy; cat p.npy > y.npy & RUN --out p.npy; wait; rm p.npy",
        ": > y.npy; RUN --out /dev/null; RUN --out - >> y.npy 2> report",
    ] {
        let output = shell(&folder, line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        assert_eq!(bytes(&folder, "y.npy"), expected, "{line}");
        fs::remove_file(folder.join("y.npy")).unwrap();
    }
    let output = langevin(&folder, &format!("sample g.json {RUN} --every 2 --out -"));
    let frames = ArrayD::<f64>::read_npy(&output.stdout[..]).unwrap();
    assert_eq!(frames.shape(), [3, 4, 2]);
    let both = format!("sample g.json {RUN} --out - --plot /dev/stdout");
    refuse(&folder, &both, "--out and --plot name the same file");
    if Path::new("/dev/full").exists() {
        let output = langevin(&folder, &format!("sample g.json {RUN} --out /dev/full"));
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    }
    let csv = langevin(&folder, "compare g.json --methods ddim@5 --chains 20 --seeds 1 --csv -");
    assert!(csv.stdout.starts_with(b"method,") && stderr(&csv).contains("exact score"));
    assert_eq!(listing(&folder), ["g.json", "pipe", "report", "x.npy"]);
}

#[test]
fn the_mode_of_a_file_is_kept() {
    let folder = folder("mode", TWO);
    for (name, mode) in [("x.npy", 0o664), ("y.npy", 0o600), ("z.npy", 0o4755)] {
        fs::write(folder.join(name), "old").unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
        let output = shell(&folder, &format!("umask 077; RUN --out {name}"));
        assert!(output.status.success());
        let found = fs::metadata(folder.join(name)).unwrap().mode() & 0o7777;
        assert_eq!(found, mode, "{name}: {found:o}");
    }
    assert!(shell(&folder, "umask 027; RUN --out new.npy").status.success());
    assert_eq!(fs::metadata(folder.join("new.npy")).unwrap().mode() & 0o777, 0o640);
    fs::set_permissions(folder.join("x.npy"), fs::Permissions::from_mode(0o444)).unwrap();
    refuse(&folder, &format!("sample g.json {RUN} --out x.npy"), "read-only");
}

#[test]
fn names_may_be_as_long_as_the_system_lets_them() {
    let folder = folder("long", TWO);
    for length in [241, 246, 251, 255] {
        let name = "a".repeat(length - 4) + ".npy";
        for _ in 0..2 {
            succeed(&folder, &format!("sample g.json {RUN} --out {name}"));
        }
        assert_eq!(listing(&folder), [name.clone(), "g.json".into()]);
        fs::remove_file(folder.join(name)).unwrap();
    }
    let name = "a".repeat(252) + ".npy";
    refuse(&folder, &format!("sample g.json {RUN} --out {name}"), "too long");
}

/// A mount point cannot be renamed over, as a file that docker mounts. This needs root.
#[cfg(target_os = "linux")]
#[test]
fn a_mount_point_is_written_to() {
    let folder = folder("mount", TWO);
    fs::write(folder.join("there.npy"), "x".repeat(100_000)).unwrap();
    fs::write(folder.join("here.npy"), "").unwrap();
    if !shell(&folder, "mount --bind there.npy here.npy").status.success() {
        return;
    }
    let output = langevin(&folder, &format!("sample g.json {RUN} --out here.npy"));
    let message = stderr(&output);
    let found = read::<f64>(&folder, "there.npy");
    let listed = listing(&folder);
    shell(&folder, "umount here.npy");
    assert!(output.status.success(), "{message}");
    assert_eq!(found.shape(), [4, 2]);
    assert_eq!(listed, ["g.json", "here.npy", "there.npy"]);
}

/// Not for root, who may write everywhere: then the run just succeeds.
#[test]
fn a_file_in_a_folder_that_takes_no_other_is_written_to() {
    let folder = folder("closed", TWO);
    fs::create_dir(folder.join("dir")).unwrap();
    fs::write(folder.join("dir/x.npy"), "old").unwrap();
    let mode = |mode| fs::set_permissions(folder.join("dir"), fs::Permissions::from_mode(mode));
    mode(0o555).unwrap();
    let output = langevin(&folder, &format!("sample g.json {RUN} --out dir/x.npy"));
    mode(0o755).unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<f64>(&folder, "dir/x.npy").shape(), [4, 2]);
    assert_eq!(listing(&folder.join("dir")), ["x.npy"]);
}

#[test]
fn names_that_lie_are_refused() {
    let folder = folder("endings", THREE);
    let run = |outputs: &str| {
        format!(
            "generate g.json --method ddim --evaluations 5 --chains 4 \
                                       --image-shape 1x2 --grid-image s {outputs}"
        )
    };
    for (output, pieces) in [
        ("--out x.npz", "--out x.npz | x.npy or x.csv"),
        ("--out x.txt", "x.npy or x.csv"),
        ("--out a.npy.svg", "a.npy.npy or"),
        ("--plot x.png", "--plot x.png | x.svg"),
        ("--plot x.pdf", "x.svg"),
        ("--grid-image x.jpg", "--grid-image x.jpg | x.png"),
    ] {
        let run = if output.contains("grid") {
            run("").replace("--grid-image s", output)
        } else {
            run(output)
        };
        refuse(&folder, &run, pieces);
    }
    let compare = "compare g.json --methods ddim@5 --chains 20 --seeds 1 --csv x.json";
    refuse(&folder, compare, "--csv x.json | x.csv");
    // A name without an ending says nothing, and the case of one does not matter.
    succeed(&folder, &run("--out x --plot y.SVG"));
    assert!(bytes(&folder, "x").starts_with(b"\x93NUMPY"));
    assert!(bytes(&folder, "y.SVG").starts_with(b"<svg"));
    assert!(bytes(&folder, "s").starts_with(b"\x89PNG"));
}
