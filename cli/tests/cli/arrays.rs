//! Arrays as .npy files: starts and data sets.

use std::fs;
use std::path::Path;
use std::time::Instant;

use langevin::ndarray::{Array2, Axis, concatenate};
use ndarray_npy::write_npy;

use crate::support::{RUN, TWO, folder, read, refuse, succeed};

/// An .npy file by hand.
struct ByHand<'d> {
    name: &'d str,
    descriptor: &'d str,
    by_columns: bool,
    shape: &'d str,
    data: &'d [u8],
}

impl ByHand<'_> {
    fn write(&self, folder: &Path) {
        let Self { descriptor, shape, .. } = self;
        let by_columns = if self.by_columns { "True" } else { "False" };
        let header = format!(
            "{{'descr': {descriptor}, 'fortran_order': {by_columns}, 'shape': {shape}, }}\n"
        );
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(self.data);
        fs::write(folder.join(self.name), bytes).unwrap();
    }
}

/// Name, type, shape, number of bytes, and what the message says.
const FOREIGN: [(&str, &str, &str, usize, &str); 9] = [
    ("complex.npy", "'<c16'", "(4, 2)", 128, "<c16 | float64"),
    ("text.npy", "'<U1'", "(4, 2)", 32, "<U1 | float64"),
    ("record.npy", "[('a', '<f8')]", "(4, 2)", 64, "<f8 | float64"),
    ("short.npy", "'<f8'", "(4, 2)", 61, "not a readable .npy"),
    ("liar.npy", "'|u1'", "(1000000000000, 2)", 8, "not a readable .npy"),
    ("overflow.npy", "'<f8'", "(18446744073709551615, 2)", 8, "not a readable .npy"),
    ("flat.npy", "'<f8'", "(8,)", 64, "[8] | .reshape(-1, 1)"),
    ("scalar.npy", "'<f8'", "()", 8, "[]"),
    ("none.npy", "'<f8'", "(0, 2)", 0, "[0, 2]"),
];

#[test]
fn foreign_arrays_are_refused() {
    let folder = folder("arrays", TWO);
    for (name, descriptor, shape, bytes, _) in FOREIGN {
        let data = &vec![0; bytes];
        ByHand { name, descriptor, by_columns: false, shape, data }.write(&folder);
    }
    fs::write(folder.join("empty.npy"), "").unwrap();
    fs::write(folder.join("words.npy"), "not an array at all").unwrap();
    let mut rows = Array2::<f64>::zeros((4, 2));
    rows[[2, 1]] = f64::NAN;
    write_npy(folder.join("nan.npy"), &rows).unwrap();
    let others = [
        ("empty.npy", "not a readable"),
        ("words.npy", "not a readable"),
        ("nan.npy", "[2, 1] | NaN"),
        (".", "directory"),
        ("missing.npy", "No such file"),
    ];
    let foreign = FOREIGN.map(|row| (row.0, row.4));
    for (name, pieces) in foreign.into_iter().chain(others) {
        for (route, option) in [("g.json --start", "--start"), ("--bandwidth 1 --data", "--data")] {
            let pieces = format!("{option} {name} | {pieces}");
            refuse(&folder, &format!("sample {RUN} {route} {name} --out x.npy"), &pieces);
        }
    }
}

/// What stands in place of a header, and what the message says. Readers of Python's literals nest
/// without end on the first, and take memory for sizes spelled in other ways.
const HEADERS: [(&str, &str); 8] = [
    ("{{{{{{{{{{{{{{{{", "expected a name"),
    ("((((((((((((((((((((((((((((((((", "expected {"),
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (0xffffffffff, 2), }", "0xffffffffff"),
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (1_000_000_000_000, 2), }", "1_000"),
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (1e12, 2), }", "1e12"),
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (8L, 2), }", "8L"),
    ("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 2), }", "-1"),
    ("{'descr': '\u{1b}[31m', 'fortran_order': False, 'shape': (4, 2), }", "\\u{1b}[31m"),
];

#[test]
fn hostile_headers_are_refused_at_once() {
    let folder = folder("arrays-hostile", TWO);
    let write = |header: &[u8], length: u32| {
        let mut bytes = b"\x93NUMPY\x02\x00".to_vec();
        bytes.extend(length.to_le_bytes());
        bytes.extend(header);
        bytes.extend([0; 64]);
        fs::write(folder.join("h.npy"), bytes).unwrap();
    };
    let refused = |pieces: &str| {
        let begun = Instant::now();
        for route in ["g.json --start", "--bandwidth 1 --data"] {
            refuse(&folder, &format!("sample {RUN} {route} h.npy"), &format!("h.npy | {pieces}"));
        }
        assert!(begun.elapsed().as_secs() < 20, "{pieces}");
    };
    for (header, pieces) in HEADERS {
        write(header.as_bytes(), header.len() as u32);
        refused(pieces);
    }
    let long = "[".repeat(60_000);
    write(long.as_bytes(), 60_000);
    refused("expected {");
    write(b"{", u32::MAX);
    refused("4294967295 bytes, expected at most 65524");
    write(b"{", 60_000);
    refused("ends inside its header");
    for (bytes, pieces) in [
        (
            &b"version https://git-lfs.github.com/spec/v1\noid sha256:1f\nsize 3\n"[..],
            "git lfs pull",
        ),
        (b"PK\x03\x04\x14\x00", "zip archive | numpy.save"),
        (b"0.5,1.5\n2,3\n", "text | .csv"),
        (b"{\"means\": [[0]]}", "JSON"),
        (b"\x00\x01\x02\x03", "binary"),
        (b"\x1b[31m", "binary"),
    ] {
        fs::write(folder.join("h.npy"), bytes).unwrap();
        refused(&format!("not a readable .npy | {pieces}"));
    }
    // A device never ends.
    #[cfg(unix)]
    refuse(&folder, &format!("sample g.json {RUN} --start /dev/zero"), "/dev/zero | device");
}

#[test]
fn arrays_that_do_not_fit_are_refused() {
    let folder = folder("arrays-misfit", TWO);
    // Integers are data (pixels, counts), not states.
    let long = ByHand {
        name: "long.npy",
        descriptor: "'<i8'",
        by_columns: false,
        shape: "(4, 2)",
        data: &[0; 64],
    };
    long.write(&folder);
    let start = |file: &str| format!("sample g.json {RUN} --start {file} --out x.npy");
    refuse(&folder, &start("long.npy"), "--start long.npy | <i8 | float64");
    for (shape, given) in [((3, 2), "(3, 2)"), ((4, 3), "(4, 3)")] {
        write_npy(folder.join("shape.npy"), &Array2::<f64>::zeros(shape)).unwrap();
        refuse(&folder, &start("shape.npy"), &format!("start | {given}"));
    }
    write_npy(folder.join("large.npy"), &Array2::from_elem((4, 2), 1e300)).unwrap();
    let single = format!("{} --precision f32", start("large.npy"));
    refuse(&folder, &single, "--start | [0, 0] | 1e300 | f32");
    for bandwidth in ["0", "-1", "nan"] {
        let data = format!("sample --data large.npy --bandwidth {bandwidth} {RUN}");
        refuse(&folder, &data, &format!("bandwidth | {}", bandwidth.replace("nan", "NaN")));
    }
}

#[test]
fn arrays_of_all_kinds_mean_the_same() {
    let folder = folder("kinds", TWO);
    let rows = Array2::from_shape_fn((4, 2), |(i, j)| (3 * i + 5 * j) as f64 * 0.5);
    let turned = rows.t().as_standard_layout().into_owned();
    let bytes = |order: fn(f64) -> [u8; 8], rows: &Array2<f64>| {
        rows.iter().flat_map(|x| order(*x)).collect::<Vec<_>>()
    };
    for (name, descriptor, by_columns, data) in [
        ("little.npy", "'<f8'", false, bytes(f64::to_le_bytes, &rows)),
        ("big.npy", "'>f8'", false, bytes(f64::to_be_bytes, &rows)),
        ("columns.npy", "'<f8'", true, bytes(f64::to_le_bytes, &turned)),
    ] {
        ByHand { name, descriptor, by_columns, shape: "(4, 2)", data: &data }.write(&folder);
    }
    write_npy(folder.join("single.npy"), &rows.mapv(|x| x as f32)).unwrap();
    for route in ["g.json --start FILE", "--data FILE --bandwidth 0.5"] {
        let run = |file: &str| {
            succeed(&folder, &format!("sample {} {RUN} --out x.npy", route.replace("FILE", file)));
            read::<f64>(&folder, "x.npy")
        };
        let expected = run("little.npy");
        for file in ["big.npy", "columns.npy", "single.npy"] {
            assert_eq!(run(file), expected, "{route} {file}");
        }
    }
    // Velocities of zero are not those that are drawn.
    let states = concatenate(Axis(1), &[rows.view(), Array2::zeros((4, 2)).view()]).unwrap();
    write_npy(folder.join("states.npy"), &states).unwrap();
    succeed(&folder, &format!("sample g.json {RUN} --start little.npy --out drawn.npy"));
    succeed(&folder, &format!("sample g.json {RUN} --start states.npy --out given.npy"));
    assert_ne!(read::<f64>(&folder, "drawn.npy"), read::<f64>(&folder, "given.npy"));
}
