//! The test that rows do not see each other, which a network takes when it is loaded.

use ort::session::Session;

use super::description::Names;
use super::graph::{Batch, Graph};
use super::problem::wrong;
use crate::error::Result;

/// What the bits of a row depend on, beside the row itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Alone {
    /// Nothing.
    Always,
    /// The number of rows of a call.
    InBlocks,
    /// Its place, or the other rows.
    Never,
}

/// A number from -2 to 2, another one for every place.
fn unit(place: usize) -> f32 {
    let bits = (place as u32 + 1).wrapping_mul(0x9E37_79B9);
    ((bits ^ (bits >> 15)).wrapping_mul(0x85EB_CA6B) >> 8) as f32 / (1 << 22) as f32 - 2.0
}

/// Test rows of a graph, and what it says of them.
pub(super) struct Trial<'t> {
    pub session: &'t mut Session,
    pub graph: &'t Graph,
    pub names: &'t Names,
    /// The ends of the range of t.
    pub times: [f64; 2],
    /// Rows of a call.
    pub rows: usize,
}

impl Trial<'_> {
    /// A number of a test row: about as large as noise, and all different.
    fn entry(&self, row: usize, column: usize) -> f32 {
        unit(row * self.graph.input + column)
    }

    /// Times all over the range, or one for all where a call has only one.
    fn time(&self, row: usize) -> f64 {
        let part = if self.graph.shares() { 0.5 } else { row as f64 / self.rows as f64 };
        (self.times[0] + (self.times[1] - self.times[0]) * part).round()
    }

    fn label(&self, row: usize) -> i64 {
        let classes = self.names.classes.unwrap_or(1).max(1);
        (if self.graph.shares() { 0 } else { row % classes }) as i64
    }

    /// What the graph says of these test rows.
    pub(super) fn say(&mut self, rows: &[usize]) -> Result<Vec<f32>> {
        let width = self.graph.input;
        let x: Vec<f32> =
            rows.iter().flat_map(|row| (0..width).map(|column| self.entry(*row, column))).collect();
        let times: Vec<f64> = rows.iter().map(|row| self.time(*row)).collect();
        let labels: Vec<i64> = rows.iter().map(|row| self.label(*row)).collect();
        let of_input = |input: &crate::network::NamedInput| -> Vec<f32> {
            let at = |row: usize| if self.graph.shares() { 0 } else { row };
            let entry = |(row, column): (usize, usize)| unit(at(row) * input.width + column);
            let places = rows.iter().flat_map(|row| (0..input.width).map(move |j| (*row, j)));
            places.map(entry).collect()
        };
        let named: Vec<Vec<f32>> = self.graph.named.iter().map(of_input).collect();
        let named: Vec<&[f32]> = named.iter().map(Vec::as_slice).collect();
        let batch = Batch { x: &x, times: &times, labels: &labels, named: &named };
        let said = self.graph.run(self.session, batch)?;
        if said.iter().any(|y| !y.is_finite()) {
            let given = "NaN or infinity for finite rows";
            return Err(wrong("output", given, "finite numbers; are its weights finite?"));
        }
        Ok(said)
    }

    /// Whether these rows have the bits that they have in `straight`, which has all rows in order.
    fn agrees(&mut self, rows: &[usize], straight: &[f32]) -> Result<bool> {
        let said = self.say(rows)?;
        let output = straight.len() / self.rows;
        let bits = |all: &[f32]| all.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
        let own =
            |(row, said): (&usize, &[f32])| bits(said) == bits(&straight[row * output..][..output]);
        Ok(said.len() == rows.len() * output && rows.iter().zip(said.chunks(output)).all(own))
    }

    /// What the bits of a row depend on.
    pub(super) fn alone(&mut self) -> Result<Alone> {
        let rows = self.rows;
        let straight = self.say(&(0..rows).collect::<Vec<_>>())?;
        // Turned by an odd number, back to front, and one row in all places.
        let orders = [
            (0..rows).map(|place| (place + 7) % rows).collect(),
            (0..rows).rev().collect(),
            vec![rows - 1; rows],
        ];
        for order in orders {
            let order: Vec<usize> = order;
            if !self.agrees(&order, &straight)? {
                return Ok(Alone::Never);
            }
        }
        if self.graph.fixed.is_some() {
            return Ok(Alone::InBlocks);
        }
        for count in [1, 2, 3, 5, 8, 11].into_iter().filter(|count| *count < rows) {
            let some: Vec<usize> = (rows - count..rows).collect();
            if !self.agrees(&some, &straight)? {
                return Ok(Alone::InBlocks);
            }
        }
        Ok(Alone::Always)
    }
}
