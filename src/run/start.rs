//! Where a run starts: normals, one point, rows, or the whole state that another run ended in.

use ndarray::{Array2, Axis, s};

use super::Run;
use super::chunk::{draw_momenta, draw_positions};
use crate::dynamics::Layout;
use crate::error::{Error, Result, count};
use crate::real::Real;
use crate::state::{check_finite, check_start};

#[derive(Clone, Debug)]
pub(super) enum Start<F> {
    Normal(usize),
    Point(Vec<F>),
    Rows(Array2<F>),
    Whole(Array2<F>),
}

impl<F: Real> Run<'_, F> {
    /// The start, its dimension, and whether it holds what the sampler carries.
    pub(super) fn initial_state(&mut self, layout: Layout) -> Result<(Array2<F>, usize, bool)> {
        let known = self.drift.dim();
        let width = |dim: usize| layout.inputs * dim;
        let start = match (self.start.take(), known) {
            (Some(start), _) => start,
            (None, Some(known)) => Start::Normal(known / layout.inputs),
            (None, None) => {
                return Err(Error::Invalid {
                    name: "dimension",
                    given: f64::NAN,
                    expected: "a start, as the drift does not say its dimension",
                });
            }
        };
        const CHAINS: &str = "a whole number >= 1, with chain numbers below 4294967296";
        let rows = match &start {
            Start::Rows(rows) | Start::Whole(rows) => rows.nrows(),
            _ => 1,
        };
        let chains = count(
            "chains",
            self.chains.unwrap_or(rows),
            1,
            (u32::MAX - self.first_chain) as usize + 1,
            CHAINS,
        )?;
        let dim = match &start {
            Start::Normal(dim) => *dim,
            Start::Point(point) => known.map_or(point.len(), |known| known / layout.inputs),
            Start::Rows(rows) => known.map_or(rows.ncols(), |known| known / layout.inputs),
            Start::Whole(rows) => rows.ncols() / (layout.blocks + layout.carried),
        };
        count("dimension", dim, 1, u32::MAX as usize, "a whole number >= 1")?;
        if let Some(known) = known
            && known != width(dim)
        {
            return Err(Error::Shape {
                what: "start",
                given: format!("(chains, {dim})"),
                expected: format!("(chains, {}), the width of the drift", known / layout.inputs),
            });
        }
        let columns = layout.columns(dim);
        let mut state = match start {
            Start::Whole(rows) => {
                if rows.ncols() != columns {
                    let given = format!("({}, {})", rows.nrows(), rows.ncols());
                    let expected =
                        format!("(chains, {columns}), the state of a run with this sampler");
                    return Err(Error::Shape { what: "state to resume from", given, expected });
                }
                check_finite(rows.view())?;
                check_rows(&rows, chains)?;
                let rows = if rows.is_standard_layout() {
                    rows
                } else {
                    rows.as_standard_layout().into_owned()
                };
                return Ok((rows, dim, true));
            }
            // Taken as it is where it is the whole state already: a large start is not copied.
            Start::Rows(rows) if rows.ncols() == columns && rows.is_standard_layout() => {
                check_start(rows.view(), dim, layout)?;
                check_rows(&rows, chains)?;
                return Ok((rows, dim, false));
            }
            Start::Rows(rows) => {
                check_start(rows.view(), dim, layout)?;
                check_rows(&rows, chains)?;
                let mut state = Array2::zeros((chains, columns));
                state.slice_mut(s![.., ..rows.ncols()]).assign(&rows);
                if rows.ncols() > dim || columns == dim {
                    return Ok((state, dim, false));
                }
                state
            }
            Start::Point(point) => {
                let point = ndarray::ArrayView1::from(&point[..]);
                check_start(point.insert_axis(Axis(0)), dim, layout)?;
                let mut state = Array2::zeros((chains, columns));
                state.slice_mut(s![.., ..point.len()]).assign(&point);
                if point.len() > dim {
                    return Ok((state, dim, false));
                }
                state
            }
            Start::Normal(_) => {
                let mut state = Array2::zeros((chains, columns));
                draw_positions(&mut state, dim, self.first_chain, &*self.noise);
                state
            }
        };
        draw_momenta(&mut state, dim, layout, self.first_chain, &*self.noise);
        Ok((state, dim, false))
    }
}

fn check_rows<F>(rows: &Array2<F>, chains: usize) -> Result<()> {
    if rows.nrows() == chains {
        return Ok(());
    }
    Err(Error::Shape {
        what: "start",
        given: format!("({}, {})", rows.nrows(), rows.ncols()),
        expected: format!("{chains} rows, one for each chain"),
    })
}
