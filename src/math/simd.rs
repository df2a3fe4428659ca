//! Chooses the instruction set at run time. Every choice gives the same bits.
//!
//! A kernel is a plain loop whose helpers are all `#[inline(always)]`. It is compiled once for each
//! instruction set. The widest set that the processor has is used. Kernels work element by element
//! (a lane is a chain) and never sum across lanes. Fused multiply-adds are exact on every
//! processor. So the width has no effect on a result.
//!
//! `LANGEVIN_SIMD=baseline|avx2|avx512` in the environment forces a narrower set. It serves tests
//! of this promise, and measurements.

use std::sync::OnceLock;

use crate::error::{Error, Result};

/// A loop that is compiled for each instruction set. Implement `run` with `#[inline(always)]`.
pub(crate) trait Kernel {
    fn run(self);
}

struct Adapter<K>(K);

impl<K: Kernel> pulp::WithSimd for Adapter<K> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        self.0.run();
    }
}

/// Runs explicit vector code with the widest available instruction set.
#[inline]
pub(crate) fn dispatch_simd<K: pulp::WithSimd<Output = ()>>(kernel: K) {
    match level() {
        Level::Baseline => pulp::Simd::vectorize(pulp::Scalar, kernel),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(simd) => pulp::Simd::vectorize(simd, kernel),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(simd) => pulp::Simd::vectorize(simd, kernel),
    }
}

#[derive(Clone, Copy)]
enum Level {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
}

const VARIABLE: &str = "LANGEVIN_SIMD";

fn detect() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        let wanted = std::env::var(VARIABLE).unwrap_or_default();
        if wanted != "baseline" {
            if wanted != "avx2"
                && let Some(simd) = pulp::x86::V4::try_new()
            {
                return Level::Avx512(simd);
            }
            if let Some(simd) = pulp::x86::V3::try_new() {
                return Level::Avx2(simd);
            }
        }
    }
    Level::Baseline
}

fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(detect)
}

/// Runs a kernel with the widest available instruction set.
#[inline]
pub(crate) fn dispatch<K: Kernel>(kernel: K) {
    match level() {
        Level::Baseline => kernel.run(),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(simd) => pulp::Simd::vectorize(simd, Adapter(kernel)),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(simd) => pulp::Simd::vectorize(simd, Adapter(kernel)),
    }
}

/// The instruction set in use: `"baseline"`, `"avx2"` or `"avx512"`. It changes the speed, never a
/// bit of a result.
///
/// # Errors
/// [`Error::InstructionSet`] if `LANGEVIN_SIMD` in the environment names a set that is unknown or
/// that this processor lacks. Runs check this first.
pub fn instruction_set() -> Result<&'static str> {
    let given = std::env::var(VARIABLE).unwrap_or_default();
    let used = in_use();
    if given.is_empty() || given == used {
        return Ok(used);
    }
    let known = match detect_widest() {
        2 => "baseline, avx2, avx512",
        1 => "baseline, avx2",
        _ => "baseline",
    };
    Err(Error::InstructionSet { given, known })
}

fn in_use() -> &'static str {
    match level() {
        Level::Baseline => "baseline",
        #[cfg(target_arch = "x86_64")]
        Level::Avx2(_) => "avx2",
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(_) => "avx512",
    }
}

fn detect_widest() -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        if pulp::x86::V4::try_new().is_some() {
            return 2;
        }
        if pulp::x86::V3::try_new().is_some() {
            return 1;
        }
    }
    0
}
