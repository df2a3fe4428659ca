//! The forward pass: all layers for a block of rows, so that what is computed stays in the cache,
//! then the next block.

use super::compiled::Compiled;
use super::elementwise::{Norm, moments, normalise, silu};
use super::product::{Projected, Then, padded, product};
use super::program::{Op, Program};
use crate::math::aligned::Aligned;
use crate::network::engine::{Labels, Numbers};

/// Numbers in a cache line.
const LINE: usize = 16;

/// The rows that are given and wanted, in any precision and layout.
pub(super) trait Rows {
    fn rows(&self) -> usize;
    /// Writes column j of `count` rows to `to[j * width..]`; lanes beyond them repeat the last.
    fn read(&self, start: usize, count: usize, width: usize, to: &mut [f32]);
    /// The way back.
    fn write(&mut self, start: usize, count: usize, width: usize, from: &[f32]);
}

/// A buffer that begins at a cache line: vectors that cross lines take twice as long to load.
#[derive(Default)]
struct Slot {
    numbers: Aligned<f32>,
    skip: usize,
}

impl Slot {
    fn reserve(&mut self, length: usize) {
        if self.numbers.len() < length + LINE {
            self.numbers.resize(length + LINE, 0.0);
            self.skip = self.numbers.as_ptr().align_offset(4 * LINE).min(LINE);
        }
    }

    #[inline(always)]
    fn get(&self, length: usize) -> &[f32] {
        &self.numbers[self.skip..][..length]
    }

    #[inline(always)]
    fn get_mut(&mut self, length: usize) -> &mut [f32] {
        &mut self.numbers[self.skip..][..length]
    }
}

/// Memory of a call, and the last condition that was shared by all rows.
#[derive(Default)]
pub(super) struct Scratch {
    slots: Vec<Slot>,
    condition: Vec<Slot>,
    projected: Aligned<f32>,
    /// The bits of the number and the row of the label table that `projected` belongs to.
    known: Option<(u64, usize)>,
}

/// The condition of the lanes of a block.
#[derive(Clone, Copy)]
enum Condition<'a> {
    None,
    Projected(&'a [f32]),
    Lanes(&'a [f32]),
}

impl<'a> Condition<'a> {
    /// The part of the condition that goes to a layer, by the number of its projection.
    #[inline(always)]
    fn projected(self, model: &'a Compiled, number: usize) -> Projected<'a> {
        let (layer, at) = model.store.projections[number];
        let layer = &model.store.linears[layer];
        match self {
            Self::None => Projected::None,
            Self::Projected(all) => Projected::Shared(&all[at..][..padded(layer.outputs)]),
            Self::Lanes(lanes) => Projected::Lanes(layer, lanes),
        }
    }
}

/// A forward pass over all rows.
pub(super) struct Forward<'a> {
    pub model: &'a Compiled,
    pub numbers: Numbers<'a>,
    pub labels: Labels<'a>,
    /// The row of the label table for no label.
    pub unlabelled: usize,
    pub rows: &'a mut dyn Rows,
    pub scratch: &'a mut Scratch,
}

impl pulp::WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(mut self, simd: S) {
        let rows = self.rows.rows();
        self.scratch.slots.resize_with(self.model.program.widths.len(), Slot::default);
        if let Some(maker) = &self.model.condition {
            self.scratch.condition.resize_with(maker.program.widths.len(), Slot::default);
        }
        self.shared_condition();
        let mut start = 0;
        while start < rows {
            let left = rows - start;
            start += if left <= S::F32_LANES {
                self.block::<S, 1>(simd, start, left)
            } else if left <= 2 * S::F32_LANES || S::F32_LANES < 16 {
                self.block::<S, 2>(simd, start, left)
            } else {
                self.block::<S, 4>(simd, start, left)
            };
        }
    }
}

impl Forward<'_> {
    /// The projections of the condition, where all rows have the same.
    #[inline(always)]
    fn shared_condition(&mut self) {
        let (Some(maker), Numbers::Shared(number), Labels::Shared(label)) =
            (&self.model.condition, &self.numbers, self.labels)
        else {
            return;
        };
        let label = label.unwrap_or(self.unlabelled);
        let key = (number.to_bits(), label);
        if self.scratch.known == Some(key) {
            return;
        }
        self.scratch.known = None;
        let slots = &mut self.scratch.condition;
        slots[0].reserve(padded(maker.program.widths[0]));
        maker.embedding.write(*number, slots[0].get_mut(maker.embedding.width()), 1);
        execute::<pulp::Scalar, 1>(
            pulp::Scalar,
            self.model,
            &maker.program,
            slots,
            Condition::None,
        );
        let condition = slots[maker.program.output].get_mut(maker.program.output_width);
        maker.add_label(|_| label, condition, 1);
        self.scratch.projected.resize(self.model.store.projected(), 0.0);
        for (layer, at) in &self.model.store.projections {
            let layer = &self.model.store.linears[*layer];
            let out = &mut self.scratch.projected[*at..][..padded(layer.outputs)];
            let then = Then { condition: Projected::None, silu: false, add: false };
            product::<pulp::Scalar, 1>(pulp::Scalar, layer, condition, out, then);
        }
        self.scratch.known = Some(key);
    }

    /// A block of V vectors of rows; returns how many rows it was.
    #[inline(always)]
    fn block<S: pulp::Simd, const V: usize>(
        &mut self,
        simd: S,
        start: usize,
        left: usize,
    ) -> usize {
        let width = V * S::F32_LANES;
        let count = width.min(left);
        let scratch = &mut *self.scratch;
        let mut condition = Condition::None;
        if let Some(maker) = &self.model.condition {
            condition = Condition::Projected(&scratch.projected);
            let shared = (self.numbers, self.labels);
            if !matches!(shared, (Numbers::Shared(_), Labels::Shared(_))) {
                let slots = &mut scratch.condition;
                slots[0].reserve(padded(maker.program.widths[0]) * width);
                let to = slots[0].get_mut(maker.embedding.width() * width);
                let mut before = None;
                for lane in 0..width {
                    let number = self.numbers.at(start + lane.min(count - 1));
                    // Rows beside each other often have the same time.
                    if before == Some(number.to_bits()) {
                        to.chunks_exact_mut(width).for_each(|lanes| lanes[lane] = lanes[lane - 1]);
                    } else {
                        maker.embedding.write(number, &mut to[lane..], width);
                    }
                    before = Some(number.to_bits());
                }
                execute::<S, V>(simd, self.model, &maker.program, slots, Condition::None);
                let lanes = slots[maker.program.output].get_mut(maker.program.output_width * width);
                let row = |lane: usize| start + lane.min(count - 1);
                let label = |lane| self.labels.at(row(lane)).unwrap_or(self.unlabelled);
                maker.add_label(label, lanes, width);
                condition = Condition::Lanes(lanes);
            }
        }
        let program = &self.model.program;
        let slots = &mut scratch.slots;
        slots[0].reserve(padded(program.widths[0]) * width);
        self.rows.read(start, count, width, slots[0].get_mut(self.model.input * width));
        execute::<S, V>(simd, self.model, program, slots, condition);
        self.rows.write(
            start,
            count,
            width,
            slots[program.output].get(program.output_width * width),
        );
        count
    }
}

/// Runs a program on lanes of V vectors.
#[inline(always)]
fn execute<S: pulp::Simd, const V: usize>(
    simd: S,
    model: &Compiled,
    program: &Program,
    slots: &mut [Slot],
    condition: Condition<'_>,
) {
    let lanes = V * S::F32_LANES;
    for (slot, width) in slots.iter_mut().zip(&program.widths) {
        slot.reserve(padded(*width) * lanes);
    }
    let projection = |number: usize| condition.projected(model, number);
    for op in &program.ops {
        match *op {
            Op::Linear { layer, from, to, condition, silu, add } => {
                let layer = &model.store.linears[layer];
                let mut out = std::mem::take(&mut slots[to]);
                let condition = condition.map_or(Projected::None, projection);
                let input = slots[from].get(layer.inputs * lanes);
                let room = out.get_mut(padded(layer.outputs) * lanes);
                product::<S, V>(simd, layer, input, room, Then { condition, silu, add });
                slots[to] = out;
            }
            Op::Norm { norm, epsilon, from, to, silu: and_silu } => {
                let norm = &model.store.norms[norm];
                let mut out = std::mem::take(&mut slots[to]);
                let room = out.get_mut(norm.weight.len() * lanes);
                layer_norm::<S, V>(simd, norm, epsilon, (from != to).then(|| &slots[from]), room);
                if and_silu {
                    silu(room);
                }
                slots[to] = out;
            }
            Op::Silu { slot, width } => silu(slots[slot].get_mut(width * lanes)),
            Op::Condition { projection: number, slot } => match projection(number) {
                Projected::None => (),
                Projected::Shared(numbers) => {
                    let to = slots[slot].get_mut(numbers.len() * lanes);
                    let lanes = to.chunks_exact_mut(lanes);
                    lanes.zip(numbers).for_each(|(to, x)| to.iter_mut().for_each(|h| *h += x));
                }
                Projected::Lanes(layer, condition) => {
                    let to = slots[slot].get_mut(padded(layer.outputs) * lanes);
                    let then = Then { condition: Projected::None, silu: false, add: true };
                    product::<S, V>(simd, layer, condition, to, then);
                }
            },
            Op::Copy { from, to, width } => {
                let mut out = std::mem::take(&mut slots[to]);
                out.get_mut(width * lanes).copy_from_slice(slots[from].get(width * lanes));
                slots[to] = out;
            }
            Op::Add { from, to, width } => {
                let mut out = std::mem::take(&mut slots[to]);
                add(out.get_mut(width * lanes), slots[from].get(width * lanes));
                slots[to] = out;
            }
        }
    }
}

/// Normalises `from`, or `out` in place without it.
#[inline(always)]
fn layer_norm<S: pulp::Simd, const V: usize>(
    simd: S,
    norm: &Norm,
    epsilon: f32,
    from: Option<&Slot>,
    out: &mut [f32],
) {
    let length = out.len();
    let moments = moments::<S, V>(simd, epsilon, from.map_or(&*out, |slot| slot.get(length)));
    let (target, _) = S::as_mut_simd_f32s(out).0.as_chunks_mut::<V>();
    let Some(from) = from else {
        for (i, h) in target.iter_mut().enumerate() {
            *h = normalise(simd, norm, i, h, &moments);
        }
        return;
    };
    let (source, _) = S::as_simd_f32s(from.get(length)).0.as_chunks::<V>();
    for (i, (h, out)) in source.iter().zip(target).enumerate() {
        *out = normalise(simd, norm, i, h, &moments);
    }
}

#[inline(always)]
fn add(to: &mut [f32], numbers: &[f32]) {
    to.iter_mut().zip(numbers).for_each(|(h, x)| *h += x);
}
