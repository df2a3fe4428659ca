//! The two precisions: a sealed trait for `f32` and `f64`, with the elementary functions of
//! kernels.

use crate::math::box_muller::{self, LANES, Words};
use crate::math::elementary;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A value that exists once in each precision. Generic code chooses the right one.
#[doc(hidden)]
pub trait InBoth {
    /// The type of the value in one precision.
    type In<F: Real>;
    /// The value in f32.
    fn single(self) -> Self::In<f32>;
    /// The value in f64.
    fn double(self) -> Self::In<f64>;
}

/// The floating-point type of states and drifts: `f32` or `f64`.
///
/// Coefficients, schedules and times are always `f64` and are rounded last.
pub trait Real: sealed::Sealed + ndarray::NdFloat + Default {
    /// The name of the type: `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// Rounds to this precision.
    fn from_f64(value: f64) -> Self;
    /// Widens without loss.
    fn widen(self) -> f64;
    /// `self * a + b` in one rounding. Fast only inside a dispatched kernel.
    #[doc(hidden)]
    fn fma(self, a: Self, b: Self) -> Self;
    /// exp for arguments up to 709 (88 in f32). It is 0 below −690 (−80), and NaN for NaN.
    #[doc(hidden)]
    fn exp_lane(self) -> Self;
    /// ln of a positive normal number.
    #[doc(hidden)]
    fn ln_lane(self) -> Self;
    /// Two standard normals for each lane of random words, P lanes at a time.
    #[doc(hidden)]
    fn normal_pairs<const P: usize>(words: &impl Words) -> [[Self; LANES]; 2];
    /// Numbers of type f64 as those of this precision, if they are the same.
    #[doc(hidden)]
    fn own_precision(numbers: &mut [f64]) -> Option<&mut [Self]>;
    /// Chooses the value in this precision.
    #[doc(hidden)]
    fn choose<B: InBoth>(both: B) -> B::In<Self>;
}

impl Real for f32 {
    const NAME: &'static str = "f32";
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn widen(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn fma(self, a: Self, b: Self) -> Self {
        f32::mul_add(self, a, b)
    }
    #[inline(always)]
    fn exp_lane(self) -> Self {
        elementary::exp_f32(self)
    }
    #[inline(always)]
    fn ln_lane(self) -> Self {
        elementary::ln_f64(f64::from(self)) as f32
    }
    #[inline(always)]
    fn normal_pairs<const P: usize>(words: &impl Words) -> [[Self; LANES]; 2] {
        box_muller::single::<P>(words)
    }
    #[inline(always)]
    fn own_precision(_: &mut [f64]) -> Option<&mut [Self]> {
        None
    }
    #[inline(always)]
    fn choose<B: InBoth>(both: B) -> B::In<Self> {
        both.single()
    }
}

impl Real for f64 {
    const NAME: &'static str = "f64";
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn widen(self) -> f64 {
        self
    }
    #[inline(always)]
    fn fma(self, a: Self, b: Self) -> Self {
        f64::mul_add(self, a, b)
    }
    #[inline(always)]
    fn exp_lane(self) -> Self {
        elementary::exp_f64(self)
    }
    #[inline(always)]
    fn ln_lane(self) -> Self {
        elementary::ln_f64(self)
    }
    #[inline(always)]
    fn normal_pairs<const P: usize>(words: &impl Words) -> [[Self; LANES]; 2] {
        box_muller::double::<P>(words)
    }
    #[inline(always)]
    fn own_precision(numbers: &mut [f64]) -> Option<&mut [Self]> {
        Some(numbers)
    }
    #[inline(always)]
    fn choose<B: InBoth>(both: B) -> B::In<Self> {
        both.double()
    }
}
