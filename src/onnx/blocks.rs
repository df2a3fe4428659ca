//! Rows in any precision and layout through a plan for blocks of one size, and the test that rows
//! do not see each other.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::plan::Plan;
use crate::error::Result;
use crate::network::Numbers;
use crate::real::Real;

/// Runs all rows; `number` is what the network is told of the time of a row.
pub(super) fn run<F: Real>(
    plan: &Plan,
    number: Numbers<'_>,
    x: ArrayView2<'_, F>,
    mut out: ArrayViewMut2<'_, F>,
) -> Result<()> {
    let rows = x.nrows();
    let mut block = Vec::new();
    let mut times = Vec::new();
    for start in (0..rows).step_by(plan.rows) {
        let end = rows.min(start + plan.rows);
        block.clear();
        times.clear();
        for row in start..start + plan.rows {
            // The last row fills the block.
            let row = row.min(end - 1);
            block.extend(x.row(row).iter().map(|x| x.widen() as f32));
            times.push(number.at(row) as f32);
        }
        plan.run(&block, &times, |said| {
            for (place, said) in said.chunks_exact(plan.output).take(end - start).enumerate() {
                let mut out = out.row_mut(start + place);
                // What tract makes of NaN can be finite: its sigmoid clamps.
                let given = &block[place * plan.input..][..plan.input];
                if given.iter().chain([&times[place]]).all(|x| x.is_finite()) {
                    out.iter_mut().zip(said).for_each(|(to, y)| *to = F::from_f64(f64::from(*y)));
                } else {
                    out.fill(F::nan());
                }
            }
        })?;
    }
    Ok(())
}

/// Whether rows of a block give the same bits in other places and beside other rows; `times` are
/// the ends of the range of t.
pub(super) fn rows_are_alone(plan: &Plan, times: [f64; 2]) -> Result<bool> {
    let rows = plan.rows;
    // Numbers about as large as noise, all different, and times all over the range.
    let entry = |row: usize, column: usize| {
        let bits = ((row * plan.input + column + 1) as u32).wrapping_mul(0x9E37_79B9);
        ((bits ^ (bits >> 15)).wrapping_mul(0x85EB_CA6B) >> 8) as f32 / (1 << 22) as f32 - 2.0
    };
    let time = |row: usize| (times[0] + (times[1] - times[0]) * row as f64 / rows as f64) as f32;
    let say = |rows: &[usize]| -> Result<Vec<u32>> {
        let x: Vec<f32> =
            rows.iter().flat_map(|row| (0..plan.input).map(|column| entry(*row, column))).collect();
        let t: Vec<f32> = rows.iter().map(|row| time(*row)).collect();
        plan.run(&x, &t, |said| said.iter().map(|y| y.to_bits()).collect())
    };
    let own = |said: &[u32], place: usize| said[place * plan.output..][..plan.output].to_vec();
    let straight = say(&(0..rows).collect::<Vec<_>>())?;
    // Turned by an odd number, back to front, and one row in all places.
    let orders = [1, 7, 13]
        .map(|by| (0..rows).map(|place| (place + by) % rows).collect::<Vec<_>>())
        .into_iter()
        .chain([(0..rows).rev().collect(), vec![0; rows], vec![rows - 1; rows]]);
    for order in orders {
        let said = say(&order)?;
        if !order.iter().enumerate().all(|(place, row)| own(&said, place) == own(&straight, *row)) {
            return Ok(false);
        }
    }
    Ok(true)
}
