//! Targets as JSON.

use std::fs;

use crate::support::{RUN, TWO, folder, langevin, refuse, stderr, succeed};

const BAD: &[(&str, &str)] = &[
    ("", "not JSON"),
    ("{\"means\": [[0", "not JSON"),
    (r#"{"std": 1}"#, "missing field `means`"),
    (r#"{"means": [[0]]}"#, "spread | none | std, variances and covariances"),
    (r#"{"means": [[0]], "std": 1, "std": 2}"#, "duplicate field `std`"),
    (r#"{"means": [[0]], "sdt": 1}"#, "unknown field `sdt` | `covariances`"),
    (r#"{"means": [], "std": 1}"#, "means | (0, 0)"),
    (r#"{"means": [[0], [1, 2]], "std": 1}"#, "means[1] | 2 numbers | expected 1"),
    (r#"{"means": [[0, null]], "std": 1}"#, "means[0][1] | null"),
    (r#"{"means": [[0, Infinity]], "std": 1}"#, "not JSON | column 16 | Infinity"),
    (r#"{"means": [[0]], "std": -1}"#, "std | -1"),
    (r#"{"means": [[0]], "std": NaN}"#, "not JSON | column 25 | NaN"),
    (r#"{"means": [[0]], "std": 1e999}"#, "out of range | line 1"),
    (r#"{"means": [[0], [1]], "std": 1, "weights": [1, -0.5]}"#, "component 1 | weight | -0.5"),
    (r#"{"means": [[0], [1]], "std": 1, "weights": [1, NaN]}"#, "not JSON | column 48 | NaN"),
    (r#"{"means": [[0], [1]], "std": 1, "weights": [0, 0]}"#, "sum of the weights | given 0"),
    (r#"{"means": [[0], [1]], "std": 1, "weights": [1]}"#, "weights | expected 2"),
    (r#"{"means": [[0], [1]], "variances": [[1], [-2]]}"#, "component 1 | variance | -2"),
    (r#"{"means": [[0], [1]], "variances": [[1]]}"#, "variances | (1, 1) | (2, 1)"),
    (r#"{"means": [[0]], "covariances": 3}"#, "covariances | `3` | sequence"),
    (r#"{"means": [[0, 0]], "covariances": [[[1, 0]]]}"#, "covariances[0] | (1, 2) | (2, 2)"),
    (
        r#"{"means": [[0, 0], [1, 1]], "covariances": [[[1, 0], [0, 1]], [[1, 2], [2, 1]]]}"#,
        "component 1 | positive",
    ),
    (r#"{"means": [[0, 0]], "covariances": [[[1, 0.5], [0.4, 1]]]}"#, "component 0 | symmetric"),
];

#[test]
fn bad_targets_are_refused() {
    let folder = folder("targets", TWO);
    for (target, pieces) in BAD {
        fs::write(folder.join("bad.json"), target).unwrap();
        let pieces = format!("bad.json | {pieces}");
        refuse(&folder, &format!("sample bad.json {RUN} --out x.npy --plot x.svg --json"), &pieces);
    }
    for (bytes, pieces) in [
        (&b"version https://git-lfs.github.com/spec/v1\noid sha256:1f\n"[..], "git lfs pull"),
        (b"\x93NUMPY\x01\x00v\x00{", "a NumPy array | --data | --bandwidth"),
        (b"PK\x03\x04", "zip archive"),
        (b"\x1f\x8b\x08\x00", "gzip | unpack"),
        (b"\xff\xfe{\x00\"\x00m\x00", "UTF-16 | UTF-8"),
        (b"{\x00\"\x00m\x00e\x00a\x00", "UTF-16 | UTF-8"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"{\"\x1b[31m\": 1}", "not JSON | control character"),
        (b"{\"means\": [[0]], \"std\": 1, \"\\u001b[31m\": 1}", "unknown field `\\u{1b}[31m`"),
        (b"{\"means\": \xe9}", "UTF-8"),
    ] {
        fs::write(folder.join("bad.json"), bytes).unwrap();
        refuse(&folder, &format!("sample bad.json {RUN}"), &format!("bad.json | {pieces}"));
    }
    // What is long is quoted in part.
    for text in [
        format!(r#"{{"means": [["{}"]], "std": 1}}"#, "long ".repeat(100_000)),
        format!(r#"{{"{}": [[0]], "std": 1}}"#, "long ".repeat(100_000)),
        "[".repeat(1_000_000),
        format!(r#"{{"means": {}"#, "[".repeat(1_000_000)),
    ] {
        fs::write(folder.join("bad.json"), text).unwrap();
        let output = langevin(&folder, &format!("sample bad.json {RUN}"));
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).len() < 600, "{}", stderr(&output));
    }
    fs::create_dir(folder.join("there")).unwrap();
    refuse(&folder, &format!("sample there {RUN}"), "there | directory");
    refuse(&folder, &format!("sample missing.json {RUN}"), "missing.json | No such file");
    fs::write(folder.join("bom.json"), format!("\u{feff}{TWO}")).unwrap();
    succeed(&folder, &format!("sample bom.json {RUN}"));
}
