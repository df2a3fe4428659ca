//! Arrays as text: samples written as .csv, and data sets and starts read from it.

use std::fs;

use langevin::ndarray::Axis;

use crate::support::{RUN, TWO, folder, json, read, read_as_f64, refuse, succeed};

/// The numbers of a file, line by line, below its line of names.
fn table(text: &str, precision: &str) -> (String, Vec<Vec<f64>>) {
    let mut lines = text.lines();
    let names = lines.next().unwrap().to_string();
    let number = |field: &str| match precision {
        "f32" => f64::from(field.parse::<f32>().unwrap()),
        _ => field.parse().unwrap(),
    };
    let row = |line: &str| line.split(',').map(number).collect();
    (names, lines.map(row).collect())
}

#[test]
fn samples_are_the_same_as_text() {
    let folder = folder("csv", TWO);
    for precision in ["f64", "f32"] {
        let run = format!("sample g.json {RUN} --precision {precision}");
        for name in ["x.npy", "x.csv"] {
            succeed(&folder, &format!("{run} --out {name}"));
            succeed(&folder, &format!("{run} --every 2 --out frames-{name}"));
        }
        let text = fs::read_to_string(folder.join("x.csv")).unwrap();
        let (names, rows) = table(&text, precision);
        assert_eq!(names, "x0,x1");
        let expected = read_as_f64(&folder, "x.npy", precision);
        assert_eq!(rows.concat(), expected.into_raw_vec_and_offset().0);
        let text = fs::read_to_string(folder.join("frames-x.csv")).unwrap();
        let (names, rows) = table(&text, precision);
        assert_eq!(names, "frame,x0,x1");
        let expected = read_as_f64(&folder, "frames-x.npy", precision);
        assert_eq!((rows.len(), expected.shape()), (12, &[3, 4, 2][..]));
        for (index, row) in rows.iter().enumerate() {
            let frame = expected.index_axis(Axis(0), index / 4);
            assert_eq!(row[0], (index / 4) as f64);
            assert_eq!(
                row[1..],
                frame.index_axis(Axis(0), index % 4).to_owned().into_raw_vec_and_offset().0
            );
        }
    }
}

#[test]
fn tables_are_read_as_arrays_are() {
    let folder = folder("csv-read", TWO);
    let run = |route: &str| {
        succeed(&folder, &format!("sample {RUN} --out y.npy {route}"));
        read::<f64>(&folder, "y.npy")
    };
    succeed(&folder, &format!("sample g.json {RUN} --out x.npy"));
    succeed(&folder, &format!("sample g.json {RUN} --out x.csv"));
    for route in ["g.json --start FILE", "--bandwidth 0.5 --data FILE"] {
        let expected = run(&route.replace("FILE", "x.npy"));
        assert_eq!(run(&route.replace("FILE", "x.csv")), expected, "{route}");
        let text = fs::read_to_string(folder.join("x.csv")).unwrap();
        let (_, numbers) = text.split_once('\n').unwrap();
        let spaced = numbers.replace(',', " , ").replace('\n', "\r\n") + "\r\n";
        fs::write(folder.join("bare.CSV"), format!("\u{feff}{spaced}")).unwrap();
        assert_eq!(run(&route.replace("FILE", "bare.CSV")), expected, "{route}");
    }
    for (text, pieces) in [
        ("", "[0, 0]"),
        ("x0,x1\n", "[0, 0]"),
        ("1,2\n3\n", "line 2 | 1 numbers, expected 2"),
        ("a,b\n1,2\n\n3,\n", "line 4, column 2 | ``"),
        ("1,2\n3,x\u{1b}[31m\n", "line 2, column 2 | x\\u{1b}[31m"),
        ("1,2\n3,nan\n", "[1, 1] | NaN"),
        ("frame,x0\n0,1\n", "several frames"),
    ] {
        fs::write(folder.join("bad.csv"), text).unwrap();
        let pieces = format!("--data bad.csv | {pieces}");
        refuse(&folder, &format!("sample {RUN} --bandwidth 1 --data bad.csv"), &pieces);
    }
    let report = json(
        &folder,
        "compare g.json --methods ddim@5 --chains 20 --seeds 1 \
                                --metric frechet --reference x.csv",
    );
    assert_eq!(report["rows"][0]["budget"], 5);
}
