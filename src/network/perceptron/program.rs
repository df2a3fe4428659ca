//! Layers compiled into operations on a few buffers, fused where one follows the other.

use std::collections::HashMap;

use super::elementwise::Norm;
use super::layers::Layer;
use super::product::Packed;
use super::tensors::Tensors;
use crate::error::Result;
use crate::network::problem::wrong;

/// An operation on buffers of (features, lanes).
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Op {
    /// to = W from + b, then the projected condition, SiLU, and what stood in `to`.
    Linear {
        layer: usize,
        from: usize,
        to: usize,
        condition: Option<usize>,
        silu: bool,
        add: bool,
    },
    /// The normalisation, then SiLU; `to` may be `from`.
    Norm {
        norm: usize,
        epsilon: f32,
        from: usize,
        to: usize,
        silu: bool,
    },
    Silu {
        slot: usize,
        width: usize,
    },
    Condition {
        projection: usize,
        slot: usize,
    },
    Copy {
        from: usize,
        to: usize,
        width: usize,
    },
    Add {
        from: usize,
        to: usize,
        width: usize,
    },
}

/// Operations from the input, in buffer 0, to the output.
#[derive(Clone)]
pub(super) struct Program {
    pub ops: Vec<Op>,
    /// The most features that a buffer holds.
    pub widths: Vec<usize>,
    pub output: usize,
    pub output_width: usize,
}

impl Program {
    /// Numbers in all buffers, for each lane.
    pub(super) fn room(&self) -> u64 {
        self.widths
            .iter()
            .fold(0, |sum: u64, width| sum.saturating_add(super::product::padded(*width) as u64))
    }
}

/// The layers of a network with their numbers, each once however often it is named.
#[derive(Clone, Default)]
pub(super) struct Store {
    pub linears: Vec<Packed>,
    pub norms: Vec<Norm>,
    /// Projections of the condition: a layer, and where its outputs stand among those of all.
    pub projections: Vec<(usize, usize)>,
    linear_names: HashMap<String, usize>,
    projection_names: HashMap<usize, usize>,
    norm_names: HashMap<String, usize>,
}

impl Store {
    /// Room for the outputs of all projections.
    pub(super) fn projected(&self) -> usize {
        self.projections
            .last()
            .map_or(0, |(layer, at)| at + super::product::padded(self.linears[*layer].outputs))
    }

    fn linear(
        &mut self,
        tensors: &mut Tensors<'_>,
        path: &str,
        name: &str,
        inputs: usize,
    ) -> Result<usize> {
        if let Some(known) = self.linear_names.get(name) {
            let have = self.linears[*known].inputs;
            if have != inputs {
                return Err(wrong(
                    path,
                    format!("{inputs} numbers"),
                    format!("{have}, the inputs of {name}.weight"),
                ));
            }
            return Ok(*known);
        }
        let letters = format!("(out, in) at {path}");
        let (shape, weight) =
            tensors.read(&format!("{name}.weight"), &[None, Some(inputs)], &letters)?;
        let (_, bias) = tensors.read(
            &format!("{name}.bias"),
            &[Some(shape[0])],
            &format!("(out) at {path}"),
        )?;
        self.linears.push(Packed::new(inputs, shape[0], &weight, &bias));
        self.linear_names.insert(name.to_string(), self.linears.len() - 1);
        Ok(self.linears.len() - 1)
    }

    fn norm(
        &mut self,
        tensors: &mut Tensors<'_>,
        path: &str,
        name: &str,
        width: usize,
    ) -> Result<usize> {
        if let Some(known) = self.norm_names.get(name) {
            let have = self.norms[*known].weight.len();
            if have != width {
                return Err(wrong(
                    path,
                    format!("{width} numbers"),
                    format!("{have}, those of {name}.weight"),
                ));
            }
            return Ok(*known);
        }
        let letters = format!("(features) at {path}");
        let (_, weight) = tensors.read(&format!("{name}.weight"), &[Some(width)], &letters)?;
        let (_, bias) = tensors.read(&format!("{name}.bias"), &[Some(width)], &letters)?;
        self.norms.push(Norm { weight, bias });
        self.norm_names.insert(name.to_string(), self.norms.len() - 1);
        Ok(self.norms.len() - 1)
    }

    fn projection(&mut self, layer: usize) -> usize {
        if let Some(known) = self.projection_names.get(&layer) {
            return *known;
        }
        let at = self.projected();
        self.projections.push((layer, at));
        self.projection_names.insert(layer, self.projections.len() - 1);
        self.projections.len() - 1
    }
}

/// Compiles a list of layers; `condition` is the width of the condition, where there is one.
pub(super) fn compile(
    store: &mut Store,
    tensors: &mut Tensors<'_>,
    path: &str,
    layers: &[Layer],
    input: usize,
    condition: Option<usize>,
) -> Result<Program> {
    let mut compiler = Compiler { store, tensors, condition, ops: Vec::new(), slots: Vec::new() };
    let start = compiler.take(input);
    let (output, output_width) = compiler.layers(path, layers, start, input)?;
    let widths = compiler.slots.iter().map(|slot| slot.width).collect();
    Ok(Program { ops: compiler.ops, widths, output, output_width })
}

/// A buffer while operations are laid out.
struct Slot {
    width: usize,
    free: bool,
    /// Holds what a residual adds at its end, so nothing may overwrite it.
    kept: bool,
}

struct Compiler<'a, 'b> {
    store: &'a mut Store,
    tensors: &'a mut Tensors<'b>,
    condition: Option<usize>,
    ops: Vec<Op>,
    slots: Vec<Slot>,
}

impl Compiler<'_, '_> {
    fn take(&mut self, width: usize) -> usize {
        let slot = self.slots.iter().position(|slot| slot.free).unwrap_or_else(|| {
            self.slots.push(Slot { width, free: true, kept: false });
            self.slots.len() - 1
        });
        self.slots[slot].free = false;
        self.slots[slot].width = self.slots[slot].width.max(width);
        slot
    }

    fn release(&mut self, slot: usize) {
        self.slots[slot].free = !self.slots[slot].kept;
    }

    /// The buffer itself, or a copy where it is kept.
    fn own(&mut self, slot: usize, width: usize) -> usize {
        if !self.slots[slot].kept {
            return slot;
        }
        let to = self.take(width);
        self.ops.push(Op::Copy { from: slot, to, width });
        to
    }

    /// From the buffer and width of the input to those of the output.
    fn layers(
        &mut self,
        path: &str,
        layers: &[Layer],
        mut slot: usize,
        mut width: usize,
    ) -> Result<(usize, usize)> {
        for (i, layer) in layers.iter().enumerate() {
            let path = format!("{path}[{i}]");
            match layer {
                Layer::Linear(name) => {
                    let layer = self.store.linear(self.tensors, &path, name, width)?;
                    width = self.store.linears[layer].outputs;
                    let to = self.take(width);
                    self.ops.push(Op::Linear {
                        layer,
                        from: slot,
                        to,
                        condition: None,
                        silu: false,
                        add: false,
                    });
                    self.release(slot);
                    slot = to;
                }
                Layer::Norm(name, epsilon) => {
                    let norm = self.store.norm(self.tensors, &path, name, width)?;
                    let to = if self.slots[slot].kept { self.take(width) } else { slot };
                    self.ops.push(Op::Norm {
                        norm,
                        epsilon: *epsilon as f32,
                        from: slot,
                        to,
                        silu: false,
                    });
                    slot = to;
                }
                Layer::Silu => slot = self.silu(slot, width),
                Layer::Condition(name) => slot = self.project(&path, name, slot, width)?,
                Layer::Residual(inside) => slot = self.residual(&path, inside, slot, width)?,
            }
        }
        Ok((slot, width))
    }

    fn silu(&mut self, slot: usize, width: usize) -> usize {
        if !self.slots[slot].kept {
            match self.ops.last_mut() {
                Some(
                    Op::Linear { to, silu: silu @ false, add: false, .. }
                    | Op::Norm { to, silu: silu @ false, .. },
                ) if *to == slot => {
                    *silu = true;
                    return slot;
                }
                _ => (),
            }
        }
        let slot = self.own(slot, width);
        self.ops.push(Op::Silu { slot, width });
        slot
    }

    fn project(&mut self, path: &str, name: &str, slot: usize, width: usize) -> Result<usize> {
        let Some(inputs) = self.condition else {
            let given = format!("{{\"condition\": \"{name}\"}}");
            return Err(wrong(
                path,
                given,
                "no such layer here: there is no `time`, or this layer makes the condition",
            ));
        };
        let layer = self.store.linear(self.tensors, path, name, inputs)?;
        let outputs = self.store.linears[layer].outputs;
        if outputs != width {
            return Err(wrong(
                path,
                format!("{outputs} numbers from {name}"),
                format!("{width}, as it is added to h"),
            ));
        }
        let projection = self.store.projection(layer);
        if !self.slots[slot].kept
            && let Some(Op::Linear {
                to, condition: condition @ None, silu: false, add: false, ..
            }) = self.ops.last_mut()
            && *to == slot
        {
            *condition = Some(projection);
            return Ok(slot);
        }
        let slot = self.own(slot, width);
        self.ops.push(Op::Condition { projection, slot });
        Ok(slot)
    }

    fn residual(
        &mut self,
        path: &str,
        inside: &[Layer],
        slot: usize,
        width: usize,
    ) -> Result<usize> {
        let base = self.own(slot, width);
        self.slots[base].kept = true;
        let (end, end_width) = self.layers(&format!("{path}.residual"), inside, base, width)?;
        self.slots[base].kept = false;
        if end_width != width {
            let expected = format!("{width}, as it is added to what went in");
            return Err(wrong(
                format!("{path}.residual"),
                format!("{end_width} numbers at its end"),
                expected,
            ));
        }
        match self.ops.last_mut() {
            Some(Op::Linear { from, to, silu: false, add: add @ false, .. })
                if *to == end && *from != base =>
            {
                (*to, *add) = (base, true);
            }
            _ => self.ops.push(Op::Add { from: end, to: base, width }),
        }
        self.release(end);
        Ok(base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;

    #[test]
    fn what_follows_a_product_is_done_with_it() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/tiny.safetensors");
        let network = Network::load(path).unwrap();
        let program = &network.engine().compiled.program;
        let linear = |from, to, condition, silu, add| Op::Linear {
            layer: 0,
            from,
            to,
            condition,
            silu,
            add,
        };
        let expected = [
            linear(0, 1, None, false, false),
            Op::Norm { norm: 0, epsilon: 1e-3, from: 1, to: 0, silu: false },
            linear(0, 2, Some(0), true, false),
            Op::Norm { norm: 1, epsilon: 1e-5, from: 2, to: 0, silu: false },
            linear(0, 3, None, true, false),
            linear(3, 2, None, false, true),
            linear(2, 1, None, false, true),
            Op::Silu { slot: 1, width: 8 },
            Op::Condition { projection: 1, slot: 1 },
            Op::Norm { norm: 2, epsilon: 0.1, from: 1, to: 1, silu: false },
            linear(1, 0, None, false, false),
        ];
        for (i, (found, wanted)) in program.ops.iter().zip(&expected).enumerate() {
            // Layers are numbered as they are met; the slots are what matters.
            match (found, wanted) {
                (
                    Op::Linear { from, to, condition, silu, add, .. },
                    Op::Linear { from: f, to: t, condition: c, silu: s, add: a, .. },
                ) => assert_eq!((from, to, condition, silu, add), (f, t, c, s, a), "{i}"),
                _ => assert_eq!(found, wanted, "{i}"),
            }
        }
        assert_eq!(program.ops.len(), expected.len());
    }
}
