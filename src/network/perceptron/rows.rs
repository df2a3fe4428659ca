//! Rows of an array in and out of the blocks of the kernel.

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2, Axis, Slice};

use super::kernel::Rows;
use crate::real::Real;

/// What is given and what is wanted.
pub(super) struct Views<'a, F> {
    pub x: ArrayView2<'a, F>,
    pub out: ArrayViewMut2<'a, F>,
}

impl<F: Real> Rows for Views<'_, F> {
    fn rows(&self) -> usize {
        self.x.nrows()
    }

    fn read(&self, start: usize, count: usize, width: usize, to: &mut [f32]) {
        let rows = self.x.slice_axis(Axis(0), Slice::from(start..start + count));
        let round = |x: &F| x.widen() as f32;
        for (column, to) in rows.axis_iter(Axis(1)).zip(to.chunks_exact_mut(width)) {
            let column: ArrayView1<'_, F> = column;
            match column.to_slice() {
                Some(column) => to.iter_mut().zip(column).for_each(|(to, x)| *to = round(x)),
                None => to.iter_mut().zip(column).for_each(|(to, x)| *to = round(x)),
            }
            let last = to[count - 1];
            to[count..].fill(last);
        }
    }

    fn write(&mut self, start: usize, count: usize, width: usize, from: &[f32]) {
        let mut rows = self.out.slice_axis_mut(Axis(0), Slice::from(start..start + count));
        for (mut column, from) in rows.axis_iter_mut(Axis(1)).zip(from.chunks_exact(width)) {
            column.iter_mut().zip(from).for_each(|(to, x)| *to = F::from_f64(f64::from(*x)));
        }
    }
}
