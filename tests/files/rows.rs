//! Networks give the same bits however they are run: in any batch, chunk, thread and precision, and
//! with any instruction set.

use langevin::advanced::instruction_set;
use langevin::diffusion::{Level, Levels, ProcessKind};
use langevin::ndarray::{Array2, ArrayView2, ShapeBuilder, s};
use langevin::network::Network;
use langevin::prelude::*;
use serde_json::json;

use crate::made::{File, some_rows, tiny};
use crate::support::{MANY, bits, every_instruction_set, fold};

/// A network with a residual, norms and conditions.
fn made() -> Network {
    let inner = json!([{"norm": "m", "epsilon": 1e-5}, {"linear": "w"}, {"condition": "d"}, "silu",
        {"linear": "w"}]);
    let layers = json!([{"linear": "up"}, {"residual": inner}, {"condition": "d"}, "silu",
        {"linear": "down"}]);
    Network::from_bytes(&File::new(7, 30, layers).bytes()).unwrap()
}

/// The same numbers for rows that are column-major or not, in f32 or f64, in one call or in parts,
/// with one time for all or one for each.
#[test]
fn rows_do_not_depend_on_how_they_are_given() {
    for (network, width) in [(&tiny(), 5), (&made(), 7)] {
        let x = some_rows(1024, width);
        let narrow = Array2::from_shape_fn((1024, width).f(), |at| x[at] as f32);
        let mut wanted = Array2::<f32>::zeros((1024, width).f());
        network.evaluate(Times::Shared(3.5), Some(1), narrow.view(), wanted.view_mut()).unwrap();
        assert!(wanted.iter().all(|y| y.is_finite()) && wanted[[0, 0]] != wanted[[1, 0]]);
        let same = |found: ArrayView2<'_, f64>, name: &str| {
            assert!(found.iter().zip(&wanted).all(|(a, b)| *a == f64::from(*b)), "{name}");
        };
        for parts in [1, 2, 15, 16, 17, 32, 33, 37, 48, 64, 1024] {
            for times in [None, Some(vec![3.5; parts])] {
                let mut found = Array2::zeros((1024, width));
                for start in (0..1024).step_by(parts) {
                    let end = (start + parts).min(1024);
                    let part = s![start..end, ..];
                    let times = times
                        .as_ref()
                        .map_or(Times::Shared(3.5), |times| Times::PerRow(&times[..end - start]));
                    network.evaluate(times, Some(1), x.slice(part), found.slice_mut(part)).unwrap();
                }
                same(found.view(), &format!("parts of {parts}, {times:?}"));
            }
        }
        // Rows with times of their own, against each alone.
        let times: Vec<f64> = (0..1024).map(|i| (i / 3 * 7 % 50) as f64 / 8.0).collect();
        let mut together = Array2::zeros((1024, width));
        network.evaluate(Times::PerRow(&times), None, x.view(), together.view_mut()).unwrap();
        let mut alone = Array2::zeros((1024, width));
        for row in 0..1024 {
            let part = s![row..row + 1, ..];
            network
                .evaluate(Times::Shared(times[row]), None, x.slice(part), alone.slice_mut(part))
                .unwrap();
        }
        assert_eq!(together, alone);
        // No rows are no error.
        network
            .evaluate(
                Times::Shared(1.0),
                None,
                x.slice(s![..0, ..]),
                Array2::zeros((0, width)).view_mut(),
            )
            .unwrap();
    }
}

#[test]
fn a_bad_row_is_seen_and_keeps_to_itself() {
    let network = tiny();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let mut x = some_rows(40, 5);
        let mut good = Array2::zeros(x.dim());
        network.evaluate(Times::Shared(2.0), None, x.view(), good.view_mut()).unwrap();
        x[[17, 3]] = bad;
        let mut out = Array2::zeros(x.dim());
        network.evaluate(Times::Shared(2.0), None, x.view(), out.view_mut()).unwrap();
        for row in 0..40 {
            if row == 17 {
                assert!(out.row(row).iter().all(|y| y.is_nan()), "{bad}: {}", out.row(row));
            } else {
                assert_eq!(out.row(row), good.row(row), "{bad}, row {row}");
            }
        }
    }
    let mut out = Array2::<f64>::zeros((2, 5));
    network
        .evaluate(Times::PerRow(&[f64::NAN, 1.0]), None, some_rows(2, 5).view(), out.view_mut())
        .unwrap();
    assert!(out.row(0).iter().all(|y| y.is_nan()) && out.row(1).iter().all(|y| y.is_finite()));
}

/// The bits of every kind of call, folded into one number.
fn fingerprint() -> u64 {
    let mut all = Vec::new();
    for (network, width) in [(&tiny(), 5), (&made(), 7)] {
        for rows in [1, 37, 200] {
            let x = some_rows(rows, width);
            let times: Vec<f64> = (0..rows).map(|i| i as f64 / 7.0).collect();
            let mut out = Array2::<f64>::zeros(x.dim());
            for (times, label) in [(Times::Shared(3.5), Some(1)), (Times::PerRow(&times), None)] {
                network.evaluate(times, label, x.view(), out.view_mut()).unwrap();
                assert!(out.iter().all(|y| y.is_finite()));
                all.extend(bits(&out));
            }
        }
    }
    fold(all)
}

/// Another number needs a "Value-breaking" line in CHANGELOG.md.
#[test]
fn pinned_bits() {
    assert_eq!(format!("{:016x}", fingerprint()), "668cfc699842a275");
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let sets = every_instruction_set("rows::pinned_bits");
    println!("same bits with {sets:?}; this process uses {}", instruction_set().unwrap());
}

/// Every method works with a network, and chunks and threads change nothing.
#[test]
fn runs_do_not_depend_on_chunks_and_threads() {
    let network = tiny();
    let model = network.denoiser().unwrap().with_label(Some(2)).unwrap();
    for method in Method::on(ProcessKind::Vp) {
        let evaluations = if method.name().starts_with("pc") { 500 } else { 20 };
        let plan = method.plan(model.process(), evaluations).unwrap();
        let run = |chunk, threads| {
            let run = plan.run_in::<f32>(&model).unwrap().chains(131).seed(3);
            run.chunk(chunk).threads(threads).run().unwrap().state
        };
        let whole = run(131, 1);
        assert_eq!(whole, run(37, MANY), "{method}");
        assert_eq!(whole, run(1, 1), "{method}");
    }
}

#[test]
fn no_call_allocates_after_the_first() {
    let network = tiny();
    let model = network.denoiser().unwrap();
    let table = network.table().unwrap();
    let single =
        Array2::<f32>::from_shape_fn((300, 5).f(), |(i, j)| (i * 5 + j) as f32 / 750.0 - 1.0);
    let double = single.mapv(f64::from);
    let levels: Vec<Level> = (0..300).map(|i| table.level(1 + 3 * i)).collect();
    let mut out_single = single.clone();
    let mut out_double = double.clone();
    let mut calls = |t: usize| {
        for levels in [Levels::Shared(table.level(t)), Levels::PerRow(&levels)] {
            Denoiser::predict(&model, levels, single.view(), out_single.view_mut()).unwrap();
            Denoiser::predict(&model, levels, double.view(), out_double.view_mut()).unwrap();
        }
    };
    calls(1);
    let counted = allocation_counter::measure(|| (2..20).for_each(&mut calls));
    assert_eq!(counted.count_total, 0, "{counted:?}");
}
