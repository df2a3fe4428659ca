//! Options of `sample`: they act or are refused.

use crate::support::{RUN, TWO, folder, refuse, succeed};

const BASE: &str = "--dynamics underdamped --method METHOD --step 0.1 --steps 5 --chains 4";

/// Method, options, and what the message says.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("em", "--substeps 4", "substeps | em"),
    ("pmm2", "--windows 2", "windows | pmm2"),
    ("pmm1", "--substeps -3", "substeps | -3"),
    ("pmm1", "--noise-scale nan", "noise scale | NaN"),
    ("rm", "--windows 0", "windows | given 0"),
    ("rm", "--tolerance 0.1", "rounds"),
    ("rm", "--rounds 2 --tolerance -0.1", "tolerance | -0.1"),
    ("rm", "--linearized", "linearized | rm"),
    ("em", "--friction 0", "friction | given 0"),
    ("em", "--inverse-mass inf", "inverse mass | inf"),
    ("EMU", "", "unknown method `EMU` | pmm1"),
    ("em", "--bandwidth 1", "--bandwidth"),
    ("em", "--seed 18446744073709551616", "--seed | 18446744073709551616"),
    ("em", "--seed -1", "--seed | -1"),
    ("em", "--threads 0", "threads | given 0"),
    ("em", "--chunk 0", "chunk | given 0"),
    ("em", "--every 0", "every | given 0"),
    ("em", "--every 6", "--every 6 | 5 steps"),
    ("em", "--burn-in 5", "--burn-in | 5 steps"),
    ("em", "--burn-in 18446744073709551615 --every 2", "--every 2 | 18446744073709551615"),
    ("em", "--first-chain 4294967293", "chains | given 4"),
    ("em", "--friction x", "friction | `x` | a number"),
    ("em", "--friction=", "friction | expected a value"),
    ("em", "--friction 1e400", "friction | given inf"),
    ("pmm1", "--substeps 1.5", "substeps | `1.5` | a whole number"),
    ("pmm1", "--substeps 99999999999999", "substeps | 1000000"),
    ("em", "--threads 100000000", "threads | 4096"),
    ("em", "--start g.json", "--start g.json | not a readable .npy"),
    ("em", "--evaluations 3", "--evaluations"),
];

/// A part of the run, what stands in its place, and what the message says.
const VALUES: &[(&str, &str, &str)] = &[
    ("--step 0.1", "--step 0", "step | given 0"),
    ("--step 0.1", "--step -1", "step | given -1"),
    ("--step 0.1", "--step nan", "step | NaN"),
    ("--step 0.1", "--step 1e308", "time of the last step | inf"),
    ("--steps 5", "--steps 0", "steps | given 0"),
    ("--steps 5", "--steps -5", "--steps | -5"),
    ("--steps 5", "--steps 4294967296", "steps | 4294967296"),
    ("--chains 4", "--chains 0", "chains | given 0"),
    ("--chains 4", "--chains 18446744073709551615", "chains | 18446744073709551615"),
    ("--dynamics underdamped", "--dynamics overdamped --friction 2", "friction | overdamped"),
];

#[test]
fn options_act_or_are_refused() {
    let folder = folder("options", TWO);
    for (method, option, pieces) in OPTIONS {
        let arguments = BASE.replace("METHOD", method);
        let outputs = "--out x.npy --plot x.svg --json";
        refuse(&folder, &format!("sample g.json {arguments} {option} {outputs}"), pieces);
    }
    for (from, to, pieces) in VALUES {
        let arguments = RUN.replacen(from, to, 1);
        refuse(&folder, &format!("sample g.json {arguments} --out x.npy"), pieces);
    }
    refuse(&folder, &format!("sample --data x.npy {RUN}"), "--bandwidth");
    refuse(&folder, &format!("sample {RUN}"), "TARGET.json");
    let last = "--seed 18446744073709551615 --first-chain 4294967292";
    succeed(&folder, &format!("sample g.json {RUN} {last}"));
}
