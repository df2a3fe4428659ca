//! The two precisions: a sealed trait for `f32` and `f64` with the elementary functions the kernels
//! use.

use crate::drift::ScratchPool;
use crate::drift::diffused::{Call, Law};
use crate::math::elementary;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point type that states and drifts can be made of: `f32` or `f64`.
///
/// Coefficients, schedules and times are always `f64` and are rounded last.
pub trait Real: sealed::Sealed + ndarray::NdFloat + Default {
    /// `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// Rounds to this precision.
    fn from_f64(value: f64) -> Self;
    /// Widens without loss.
    fn widen(self) -> f64;
    /// `self * a + b` in one rounding. Fast only inside a dispatched kernel.
    #[doc(hidden)]
    fn fma(self, a: Self, b: Self) -> Self;
    /// exp for arguments up to 709 (88 in f32); 0 below −690 (−80); NaN for NaN.
    #[doc(hidden)]
    fn exp_lane(self) -> Self;
    /// ln of a positive normal number.
    #[doc(hidden)]
    fn ln_lane(self) -> Self;
    /// Of two noised laws, the one in this precision.
    #[doc(hidden)]
    fn diffused<'a>(single: &'a Law<f32>, double: &'a Law<f64>) -> &'a Law<Self>;
    /// Of two pools of scratch memory, the one in this precision.
    #[doc(hidden)]
    fn scratch<'a>(
        single: &'a ScratchPool<Vec<f32>>,
        double: &'a ScratchPool<Vec<f64>>,
    ) -> &'a ScratchPool<Vec<Self>>;
    /// The score of a noised data set in this precision.
    #[doc(hidden)]
    fn products(call: Call<'_, Self>);
    /// Of two tables, the one in this precision.
    #[doc(hidden)]
    fn table<'a>(
        single: &'a crate::drift::mixture::Tables<f32>,
        double: &'a crate::drift::mixture::Tables<f64>,
    ) -> &'a crate::drift::mixture::Tables<Self>;
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
    fn diffused<'a>(single: &'a Law<f32>, _: &'a Law<f64>) -> &'a Law<Self> {
        single
    }
    fn scratch<'a>(
        single: &'a ScratchPool<Vec<f32>>,
        _: &'a ScratchPool<Vec<f64>>,
    ) -> &'a ScratchPool<Vec<Self>> {
        single
    }
    fn products(call: Call<'_, Self>) {
        crate::drift::diffused::run_f32(call);
    }
    #[inline(always)]
    fn table<'a>(
        single: &'a crate::drift::mixture::Tables<f32>,
        _: &'a crate::drift::mixture::Tables<f64>,
    ) -> &'a crate::drift::mixture::Tables<Self> {
        single
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
    fn diffused<'a>(_: &'a Law<f32>, double: &'a Law<f64>) -> &'a Law<Self> {
        double
    }
    fn scratch<'a>(
        _: &'a ScratchPool<Vec<f32>>,
        double: &'a ScratchPool<Vec<f64>>,
    ) -> &'a ScratchPool<Vec<Self>> {
        double
    }
    fn products(call: Call<'_, Self>) {
        crate::drift::diffused::run_f64(call);
    }
    #[inline(always)]
    fn table<'a>(
        _: &'a crate::drift::mixture::Tables<f32>,
        double: &'a crate::drift::mixture::Tables<f64>,
    ) -> &'a crate::drift::mixture::Tables<Self> {
        double
    }
}
