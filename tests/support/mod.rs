//! What several test programs need: targets, bits of results, and other instruction sets.
#![allow(dead_code, reason = "not every test program needs all of it")]

pub mod affine;
pub mod blocks;
pub mod by_hand;
pub mod cost;
pub mod docs;
pub mod forecast;
pub mod gaussian;
pub mod matrix;
pub mod phase;
pub mod samplers;
pub mod table;

use langevin::ndarray::{Array2, array};
use langevin::prelude::*;

/// Without rayon there is one thread.
pub const MANY: usize = if cfg!(feature = "rayon") { 2 } else { 1 };

/// Two Gaussians in the plane.
pub fn two_modes() -> GaussianMixture {
    GaussianMixture::isotropic(array![[-2.0, 0.0], [2.0, 1.0]].view(), 0.7).unwrap()
}

/// Three Gaussians of different weights in three dimensions.
pub fn three_modes() -> GaussianMixture {
    let means = array![[-2.0, 0.0, 1.0], [2.0, 1.0, 0.0], [0.0, -2.0, 0.5]];
    let mixture = GaussianMixture::isotropic(means.view(), 0.7).unwrap();
    mixture.with_weights(&[1.0, 2.0, 3.0]).unwrap()
}

/// Eight Gaussians of this standard deviation on the unit circle.
pub fn ring(std: f64) -> GaussianMixture {
    let means = Array2::from_shape_fn((8, 2), |(k, j)| {
        let angle = std::f64::consts::TAU * k as f64 / 8.0;
        if j == 0 { angle.cos() } else { angle.sin() }
    });
    GaussianMixture::isotropic(means.view(), std).unwrap()
}

/// The process of the linear table of 1000 levels.
pub fn vp() -> Process {
    Process::vp(LevelTable::linear(1000).unwrap())
}

/// Why a method, with its options as text, cannot be read or planned.
pub fn refusal(method: &str, process: &Process, evaluations: usize) -> String {
    let plan = method.parse::<Method>().and_then(|method| method.plan(process, evaluations));
    plan.unwrap_err().to_string()
}

/// A method on the linear table of this many levels, with a budget.
pub fn planned(method: &str, levels: usize, evaluations: usize) -> Plan {
    let process = Process::vp(LevelTable::linear(levels).unwrap());
    method.parse::<Method>().unwrap().plan(&process, evaluations).unwrap()
}

/// The bits of numbers.
pub fn bits<'a, F: Real>(numbers: impl IntoIterator<Item = &'a F>) -> Vec<u64> {
    numbers.into_iter().map(|x| x.widen().to_bits()).collect()
}

/// The bits of a state, folded into one number.
pub fn hash<F: Real>(state: &Array2<F>) -> u64 {
    fold(bits(state))
}

/// Words folded into one number.
pub fn fold(words: impl IntoIterator<Item = u64>) -> u64 {
    let fold = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    words.into_iter().fold(0xcbf2_9ce4_8422_2325, fold)
}

/// Runs a test of this program again under every instruction set that the processor has, each in a
/// process of its own. Returns their names.
pub fn every_instruction_set(test: &str) -> Vec<&'static str> {
    let program = std::env::current_exe().unwrap();
    let mut sets = Vec::new();
    for set in ["baseline", "avx2", "avx512"] {
        // Whether the processor has it is asked of the library, not of the test's failure.
        let child = |arguments: &[&str]| {
            let mut command = std::process::Command::new(&program);
            command.args(arguments).env("LANGEVIN_SIMD", set).output().unwrap()
        };
        let probe = child(&["--exact", "support_knows_this_instruction_set", "--nocapture"]);
        let text = String::from_utf8_lossy(&probe.stdout);
        if text.contains("lacks this instruction set") {
            continue;
        }
        assert!(text.contains("has this instruction set"), "{set}: {text}");
        let output = child(&["--exact", test, "--nocapture"]);
        let text =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{set}: {text}");
        assert!(text.contains("1 passed"), "{set}: no test {test}: {text}");
        sets.push(set);
    }
    assert!(sets.contains(&"baseline"));
    sets
}

/// Makes the test that [`every_instruction_set`] asks; once in every program that uses it.
#[macro_export]
macro_rules! instruction_set_probe {
    () => {
        #[test]
        fn support_knows_this_instruction_set() {
            let has = langevin::advanced::instruction_set().is_ok();
            println!("{} this instruction set", if has { "has" } else { "lacks" });
        }
    };
}

/// The 8 × 8 digits, scaled to [−1, 1].
pub fn digits() -> langevin::diffusion::Spectrum {
    let bytes = include_bytes!("../../examples/data/digits_8x8_u8.npy");
    let numbers = &bytes[bytes.len() - 1797 * 64..];
    let scaled = |at: usize| f64::from(numbers[at]) / 8.0 - 1.0;
    let data = Array2::from_shape_fn((1797, 64), |(i, j)| scaled(64 * i + j));
    langevin::diffusion::Spectrum::of_data(data.view()).unwrap()
}
