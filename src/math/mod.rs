//! Numerical ground floor: small matrices, cancelling functions, vector kernels and their dispatch.

pub(crate) mod affine;
pub(crate) mod block;
pub(crate) mod critical;
pub(crate) mod eigen;
pub(crate) mod elementary;
pub(crate) mod kernels;
pub(crate) mod phi;
pub(crate) mod simd;
