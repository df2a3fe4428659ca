//! `langevin sample --target-library`: a posterior in a shared library of C functions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use langevin::ndarray::Array2;
use ndarray_npy::write_npy;

use crate::support::{
    TWO, bytes, folder, json, langevin, number, numbers, read, refuse, repository, stderr, succeed,
};

/// A short run.
const RUN: &str = "--method baoab --step 0.1 --steps 5 --chains 4";

/// Compiles a C file to `target.so` in the folder; says and returns false without a compiler.
fn compile(folder: &Path, source: &str) -> bool {
    let library = folder.join("target.so");
    let mut command = Command::new("cc");
    command.args(["-O2", "-shared", "-fPIC", "-o"]).arg(library).arg(source).arg("-lm");
    match command.output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", stderr(&output));
            true
        }
        Err(error) => {
            let needed = std::env::var_os("LANGEVIN_REQUIRE_ENGINE").is_some();
            assert!(!needed, "no C compiler: {error}");
            eprintln!("skipped: no C compiler: {error}");
            false
        }
    }
}

/// A folder with the eight schools as `target.so`, if there is a compiler.
pub fn schools(name: &str) -> Option<PathBuf> {
    let folder = folder(name, TWO);
    let source = repository("examples/target-library/eight_schools.c");
    compile(&folder, &source).then_some(folder)
}

/// The same with C code.
fn with_code(name: &str, code: &str) -> Option<PathBuf> {
    let folder = folder(name, TWO);
    let source = folder.join("target.c");
    fs::write(&source, format!("#include <stddef.h>\n#include <math.h>\n{code}")).unwrap();
    compile(&folder, source.to_str().unwrap()).then_some(folder)
}

/// The two functions, in some dimension and with a body of the second.
fn functions(dim: &str, body: &str) -> String {
    format!(
        "size_t langevin_dimension(void) {{ return {dim}; }}
         int langevin_log_density_gradient(size_t rows, const double *x, double *g, double *l)
         {{ {body} return 0; }}"
    )
}

/// N(0, I) in some dimension.
fn normal(dim: usize) -> String {
    let body = format!(
        "for (size_t r = 0; r < rows; r++) {{
             double v = 0;
             for (int c = 0; c < {dim}; c++) {{
                 double y = x[r * {dim} + c];
                 g[r * {dim} + c] = -y;
                 v -= y * y / 2;
             }}
             if (l) l[r] = v;
         }}"
    );
    functions(&dim.to_string(), &body)
}

#[test]
fn eight_schools_have_their_moments() {
    let Some(folder) = schools("library-schools") else { return };
    // Mean and variance of mu, mean of log tau and of theta~ of the first school, by quadrature
    // over (mu, log tau), with the schools integrated out.
    let exact = [4.39682, 11.00716, 0.80214, 0.31666];
    for seed in 1..=3 {
        let report = json(
            &folder,
            &format!(
                "sample --target-library target.so --method baoab --friction 0.6 --step 0.25 \
                 --steps 800 --burn-in 300 --chains 2000 --seed {seed}"
            ),
        );
        let mean = numbers(&report["mean"]);
        let variance = numbers(&report["variance"]);
        let found = [mean[0], variance[0], mean[1], mean[2]];
        // Over eight seeds the standard deviations were 0.019, 0.10, 0.006 and 0.0025, and the bias
        // of the step below 0.3 of them. The rooms are seven and more of them: a false alarm has a
        // probability below 1e-9.
        for ((found, exact), room) in found.into_iter().zip(exact).zip([0.15, 0.75, 0.05, 0.025]) {
            assert!((found - exact).abs() < room, "seed {seed}: {found}, expected {exact}");
        }
        assert_eq!(report["inputs"]["target-library"]["file"], "target.so");
        assert_eq!(report["inputs"]["target-library"]["sha256"].as_str().unwrap().len(), 64);
        assert!(report["target"].is_null() && report["mode_weights"].is_null());
    }
}

#[test]
fn bits_do_not_depend_on_threads_or_chunks() {
    let Some(folder) = schools("library-bits") else { return };
    for method in ["baoab --precision f64", "baoab --precision f32", "mala"] {
        let base = format!(
            "sample --target-library target.so --method {method} --step 0.05 --steps 20 \
             --chains 300 --seed 9"
        );
        succeed(&folder, &format!("{base} --out whole.npy"));
        for split in ["--threads 1", "--threads 2", "--threads 2 --chunk 7"] {
            succeed(&folder, &format!("{base} --out part.npy {split}"));
            assert_eq!(bytes(&folder, "part.npy"), bytes(&folder, "whole.npy"), "{base} {split}");
        }
    }
}

/// The library gives the bits of the same mixture: its gradient −x is exact.
#[test]
fn a_normal_distribution_is_the_mixture_of_one() {
    let Some(folder) = with_code("library-normal", &normal(2)) else { return };
    fs::write(folder.join("g.json"), r#"{"means": [[0, 0]], "std": 1}"#).unwrap();
    let run = "--method baoab --step 0.2 --steps 30 --chains 50 --seed 3";
    succeed(&folder, &format!("sample g.json {run} --out a.npy"));
    succeed(&folder, &format!("sample --target-library target.so {run} --out b.npy"));
    let [a, b] = ["a.npy", "b.npy"].map(|name| read::<f64>(&folder, name));
    let apart = (&a - &b).iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    assert!(apart < 1e-12, "{apart}");
}

#[test]
fn mala_and_malt_accept_and_traces_have_the_log_density() {
    let Some(folder) = schools("library-mala") else { return };
    for method in ["mala --step 0.1", "malt --leapfrogs 3 --step 0.4"] {
        let report = json(
            &folder,
            &format!(
                "sample --target-library target.so --method {method} --steps 50 --chains 100 \
                 --every 10 --trace draws.zarr"
            ),
        );
        let accepted = number(&report["acceptance"]);
        assert!((0.5..1.0).contains(&accepted), "{method}: {accepted}");
        assert!(folder.join("draws.zarr").is_dir());
    }
}

#[test]
fn pictures_are_over_the_density_in_one_or_two_dimensions() {
    for dim in 1..=3 {
        let code = normal(dim);
        let Some(folder) = with_code(&format!("library-picture-{dim}"), &code) else { return };
        let run = "--method baoab --step 0.3 --steps 30 --chains 200 --plot x.svg";
        succeed(&folder, &format!("sample --target-library target.so {run}"));
        let svg = fs::read_to_string(folder.join("x.svg")).unwrap();
        assert!(svg.contains("</svg>"), "{dim}");
    }
}

#[test]
fn what_is_no_target_library_is_refused() {
    let folder = folder("library-refusals", TWO);
    fs::write(folder.join("text.so"), "not a library").unwrap();
    let run = |file: &str| format!("sample --target-library {file} {RUN} --out x.npy");
    refuse(&folder, &run("none.so"), "--target-library none.so | cannot be read");
    refuse(&folder, &run("."), "--target-library .: not a file");
    refuse(&folder, &run("text.so"), "--target-library text.so: cannot be loaded");
    let clash = |more: &str| format!("sample {more} --target-library text.so {RUN}");
    refuse(&folder, &clash("g.json"), "cannot be used with");
    refuse(&folder, &clash("--data g.npy --bandwidth 1"), "cannot be used with");
    refuse(&folder, &format!("sample {RUN}"), "nothing to sample | --target-library");
}

#[test]
fn functions_that_do_not_fit_are_refused() {
    let missing = "size_t langevin_dimension(void) { return 2; }";
    let zero = functions("0", "");
    let negative = functions("(size_t)-1", "");
    let cases = [
        ("none", "int other(void) { return 1; }", "no function langevin_dimension"),
        ("one", missing, "no function langevin_log_density_gradient"),
        ("zero", &zero, "langevin_dimension returned 0, expected"),
        ("negative", &negative, "langevin_dimension returned 18446744073709551615, expected"),
    ];
    for (name, code, message) in cases {
        let Some(folder) = with_code(&format!("library-misfit-{name}"), code) else { return };
        let run = format!("sample --target-library target.so {RUN} --out x.npy");
        refuse(&folder, &run, &format!("--target-library target.so | {message}"));
    }
}

#[test]
fn errors_and_numbers_that_are_not_finite_end_the_run() {
    let cases = [
        ("code", functions("2", "return 7;"), "returned the error 7"),
        ("nan", functions("2", "for (size_t i = 0; i < 2 * rows; i++) g[i] = NAN;"), "finite"),
        // A place that was not written is NaN and not 0.
        ("nothing", functions("2", ""), "finite"),
    ];
    for (name, code, message) in cases {
        let Some(folder) = with_code(&format!("library-failure-{name}"), &code) else { return };
        let run = format!("sample --target-library target.so {RUN} --out x.npy");
        let output = langevin(&folder, &run);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(message), "{name}: {}", stderr(&output));
        assert!(!folder.join("x.npy").exists(), "{name}");
    }
}

#[test]
fn a_run_is_resumed_with_the_same_library_alone() {
    let Some(folder) = with_code("library-resume", &normal(2)) else { return };
    let run = "sample --target-library target.so --method baoab --step 0.2 --chains 20";
    succeed(&folder, &format!("{run} --steps 30 --out whole.npy"));
    succeed(&folder, &format!("{run} --steps 10 --save-state half.state"));
    let resumed = format!("{run} --steps 30 --resume half.state --out part.npy");
    succeed(&folder, &resumed);
    assert_eq!(bytes(&folder, "part.npy"), bytes(&folder, "whole.npy"));
    let other = folder.join("other.c");
    fs::write(&other, format!("#include <stddef.h>\n{}int more;", normal(2))).unwrap();
    assert!(compile(&folder, other.to_str().unwrap()));
    refuse(&folder, &resumed, "target-library");
    refuse(&folder, &format!("{run} --steps 3 --out target.so"), "target.so");
}

/// An exponential distribution: mala never leaves its support, x ≥ 0.
#[test]
fn mala_stays_inside_the_support() {
    let body = "for (size_t r = 0; r < rows; r++) {
                    g[r] = -1;
                    if (l) l[r] = x[r] < 0 ? -INFINITY : -x[r];
                }";
    let Some(folder) = with_code("library-support", &functions("1", body)) else { return };
    write_npy(folder.join("start.npy"), &Array2::<f64>::ones((200, 1))).unwrap();
    let run = "--method mala --step 0.5 --steps 100 --start start.npy --chains 200 --every 1";
    succeed(&folder, &format!("sample --target-library target.so {run} --out x.npy"));
    let all = read::<f64>(&folder, "x.npy");
    assert_eq!(all.len(), 100 * 200);
    assert!(all.iter().all(|x| *x >= 0.0));
    assert!(all.iter().any(|x| *x < 0.1));
}

#[test]
fn chains_that_meet_nan_can_be_frozen() {
    let body = "for (size_t i = 0; i < 2 * rows; i++) g[i] = x[i] > 1 ? NAN : -x[i];";
    let Some(folder) = with_code("library-freeze", &functions("2", body)) else { return };
    let run = "--method baoab --step 0.1 --steps 20 --chains 40 --non-finite freeze";
    let report = json(&folder, &format!("sample --target-library target.so {run}"));
    let diverged = number(&report["diverged"]);
    assert!((1.0..40.0).contains(&diverged), "{diverged}");
}
