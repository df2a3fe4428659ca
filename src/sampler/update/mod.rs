//! The update of a state, X ← A X + G b + C z, with one set of coefficients or one for each chain.

mod add;
mod by_index;
mod by_row;
mod coefficients;
mod fill;
mod kernel;
mod numbers;
mod panel;

pub(crate) use add::Add;
pub(crate) use by_index::{Indexed, Rounded};
pub(crate) use by_row::{RowCoefficients, RowMatrix};
pub(crate) use coefficients::Coefficients;
pub(crate) use kernel::Order;
pub(in crate::sampler) use kernel::two_sums;
pub(crate) use panel::{LANES, Panel, lanes, lanes_mut};

use kernel::{Inputs, Source, Update};

use crate::math::block;
use crate::math::simd;
use crate::real::Real;
use crate::state::{Parts, State};

impl<F: Real> State<F> {
    /// X ← A X + G b + C z. An empty `b` or `z` leaves its term out.
    pub(crate) fn update(&mut self, c: &Coefficients, b: &[F], z: &[F]) {
        self.update_in(Order::Forward, c, b, z);
    }

    /// X ← A X + G b + C z, with the terms summed in this order. A single block of `z` belongs to
    /// the second block of the state.
    pub(crate) fn update_in(&mut self, order: Order, c: &Coefficients, b: &[F], z: &[F]) {
        let blocks = self.layout().blocks();
        let Parts { own, low, .. } = self.parts();
        update_blocks(Target { x: own, low, blocks }, c, Terms { b, z, order });
    }
}

/// The drift and the normals of an update. Either may be empty.
pub(crate) struct Terms<'a, F> {
    pub b: &'a [F],
    pub z: &'a [F],
    pub order: Order,
}

/// What is updated: an array of this many blocks, and the low part of its first block, or none.
pub(crate) struct Target<'a, F> {
    pub x: &'a mut [F],
    pub low: &'a mut [F],
    pub blocks: usize,
}

/// X ← A X + G b + C z.
pub(crate) fn update_blocks<F: Real>(to: Target<'_, F>, c: &Coefficients, terms: Terms<'_, F>) {
    update_from(Source::Shared(c), to, terms);
}

/// The same with coefficients from anywhere.
fn update_from<F: Real>(source: Source<'_, F>, to: Target<'_, F>, terms: Terms<'_, F>) {
    simd::dispatch(Update {
        source,
        blocks: to.blocks,
        state: to.x,
        low: to.low,
        drift: terms.b,
        panel: None,
        normals: terms.z,
        order: terms.order,
    });
}

/// X ← A X + G b + C z, with one set of coefficients for each row. `low` is the low part of the
/// first block, or empty.
pub(crate) fn update_by_row<F: Real>(
    x: &mut [F],
    low: &mut [F],
    c: &RowCoefficients<F>,
    b: &[F],
    z: &[F],
) {
    let to = Target { x, low, blocks: c.blocks() };
    update_from(Source::ByRow(c), to, Terms { b, z, order: Order::Forward });
}

/// X ← A X + G b + C z, with coefficients out of a table. `low` is the low part of the first block,
/// or empty.
pub(crate) fn update_by_index<F: Real>(
    x: &mut [F],
    low: &mut [F],
    c: Indexed<'_, F>,
    b: &[F],
    z: &[F],
) {
    let to = Target { x, low, blocks: c.blocks };
    update_from(Source::ByIndex(c), to, Terms { b, z, order: Order::Forward });
}

/// A drift whose columns are not contiguous.
pub(crate) struct Strided<'a, F> {
    pub numbers: &'a [F],
    pub panel: Panel,
    pub rows: usize,
    pub blocks: usize,
}

/// X ← A X + G b, for a drift whose columns are not contiguous.
pub(crate) fn update_strided<F: Real>(
    x: &mut [F],
    blocks: usize,
    c: &Coefficients,
    b: Strided<'_, F>,
) {
    simd::dispatch(Update {
        source: Source::Shared(c),
        blocks,
        state: x,
        low: &mut [],
        drift: b.numbers,
        panel: Some((b.panel, Inputs { rows: b.rows, blocks: b.blocks })),
        normals: &[],
        order: Order::Forward,
    });
}

/// x ← a x + g b, for each number.
pub(crate) fn scale_and_add<F: Real>(x: &mut [F], a: f64, g: f64, b: &[F]) {
    let propagator = block::one(a);
    let c = Coefficients { propagator, gain: block::one(g), noise: block::ZERO };
    let to = Target { x, low: &mut [], blocks: 1 };
    update_blocks(to, &c, Terms { b, z: &[], order: Order::Forward });
}

/// x ← x + y, exactly: `low` receives what rounding cuts off x, on top of what it was.
#[inline]
pub(crate) fn add_exactly<F: Real>(x: &mut F, low: &mut F, y: F) {
    let sum = kernel::two_sums(&[*x], &[y + *low]);
    ([*x], [*low]) = (sum.high, sum.low);
}
