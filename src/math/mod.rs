//! Numerical foundations: small matrices, functions that cancel near zero, vector kernels and their
//! dispatch.

pub(crate) mod aligned;
pub(crate) mod beta;
pub(crate) mod block;
pub(crate) mod box_muller;
pub(crate) mod critical;
pub(crate) mod digits;
pub(crate) mod eigen;
pub(crate) mod elementary;
pub(crate) mod finite;
pub(crate) mod phi;
pub(crate) mod phi_lanes;
pub(crate) mod rows;
pub(crate) mod simd;
pub(crate) mod softmax;
