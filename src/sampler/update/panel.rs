//! The place of the columns of a column-major array in a slice, and the loads and stores of lanes.

/// Number of chains that are processed together.
pub(crate) const LANES: usize = 16;

/// Column j of an array begins at `offset + j · stride`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panel {
    pub offset: usize,
    pub stride: usize,
}

impl Panel {
    /// Columns of this many rows, one after the other.
    pub(crate) fn contiguous(rows: usize) -> Self {
        Self { offset: 0, stride: rows }
    }

    #[inline(always)]
    pub(crate) fn at(&self, column: usize) -> usize {
        self.offset + column * self.stride
    }
}

/// Reads N numbers of a slice.
#[inline(always)]
pub(crate) fn lanes<F, const N: usize>(from: &[F], start: usize) -> &[F; N] {
    &from[start..start + N].as_chunks::<N>().0[0]
}

/// Borrows N numbers of a slice for writing.
#[inline(always)]
pub(crate) fn lanes_mut<F, const N: usize>(to: &mut [F], start: usize) -> &mut [F; N] {
    &mut to[start..start + N].as_chunks_mut::<N>().0[0]
}
