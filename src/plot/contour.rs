//! A log density on a grid, the levels that enclose given masses, and the level lines as closed
//! rings.

use super::axis::Interval;

/// No edge follows.
const NONE: usize = usize::MAX;

/// Log densities of many points (x, y) at once. A density on the line ignores y.
pub(crate) type LogDensity<'d> = &'d dyn Fn(&[[f64; 2]]) -> Vec<f64>;

/// Points that are evaluated together.
const TOGETHER: usize = 4096;

/// The log densities of many points, one by one.
pub(super) fn each(one: impl Fn(f64, f64) -> f64) -> impl Fn(&[[f64; 2]]) -> Vec<f64> {
    move |points| points.iter().map(|[x, y]| one(*x, *y)).collect()
}

/// The log densities of points that come one by one.
pub(super) fn evaluate(
    log_density: LogDensity<'_>,
    points: impl Iterator<Item = [f64; 2]>,
) -> Vec<f64> {
    let points: Vec<[f64; 2]> = points.collect();
    let mut values = Vec::with_capacity(points.len());
    for some in points.chunks(TOGETHER) {
        values.extend(log_density(some));
    }
    // A density that returns too few numbers is unknown at the rest.
    values.resize(points.len(), f64::NAN);
    values
}

/// Log density at the nodes of a regular grid. NaN and −∞ both mean that there is no mass.
pub(super) struct Grid {
    x_range: Interval,
    y_range: Interval,
    columns: usize,
    rows: usize,
    values: Vec<f64>,
}

/// A closed level line. `level` counts from 1 for the lowest line. A hole has less density inside
/// than outside.
pub(super) struct Ring {
    pub(super) points: Vec<(f64, f64)>,
    pub(super) level: usize,
    pub(super) hole: bool,
    area: f64,
}

impl Grid {
    /// Evaluates a log density at (columns, rows) nodes, which include both ends of both ranges.
    pub(super) fn evaluate(
        x_range: Interval,
        y_range: Interval,
        (columns, rows): (usize, usize),
        log_density: LogDensity<'_>,
    ) -> Self {
        let mut grid = Self { x_range, y_range, columns, rows, values: Vec::new() };
        let nodes =
            (0..rows * columns).map(|node| [grid.x(node % columns), grid.y(node / columns)]);
        let values = evaluate(log_density, nodes);
        grid.values = values;
        // A pole has no finite height, so it gets the height of the highest other node.
        let highest = grid
            .values
            .iter()
            .copied()
            .filter(|value| value.is_finite())
            .fold(f64::NEG_INFINITY, f64::max);
        for value in &mut grid.values {
            *value = if value.is_nan() { f64::NEG_INFINITY } else { value.min(highest) };
        }
        grid
    }

    /// The first coordinate of a column of nodes.
    pub(super) fn x(&self, column: usize) -> f64 {
        node(self.x_range, column, self.columns)
    }

    /// The second coordinate of a row of nodes.
    pub(super) fn y(&self, row: usize) -> f64 {
        node(self.y_range, row, self.rows)
    }

    /// The log density at a node.
    pub(super) fn value(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.columns + column]
    }

    /// All nodes as ((row, column), log density).
    pub(super) fn indexed(&self) -> impl Iterator<Item = ((usize, usize), f64)> + '_ {
        self.values
            .iter()
            .enumerate()
            .map(|(k, &value)| ((k / self.columns, k % self.columns), value))
    }

    /// The logarithm of the mass on the grid, −∞ for none.
    pub(super) fn log_mass(&self) -> f64 {
        let highest = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if highest == f64::NEG_INFINITY {
            return highest;
        }
        let sum: f64 = self.values.iter().map(|value| (value - highest).exp()).sum();
        let spacing = |(low, high): Interval, count: usize| {
            (high - low) / count.max(2).saturating_sub(1) as f64
        };
        highest
            + sum.ln()
            + spacing(self.x_range, self.columns).ln()
            + spacing(self.y_range, self.rows).ln()
    }

    /// For each fraction, the log density above which the densest nodes hold that fraction of the
    /// grid's mass.
    ///
    /// The result is empty if the grid holds no mass.
    pub(super) fn levels(&self, fractions: &[f64]) -> Vec<f64> {
        let mut sorted: Vec<f64> =
            self.values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(|one, other| other.total_cmp(one));
        let Some(&highest) = sorted.first() else { return Vec::new() };
        let mut below = 0.0;
        let mass_down_to: Vec<f64> = sorted
            .iter()
            .map(|value| {
                below += (value - highest).exp();
                below
            })
            .collect();
        let level = |fraction: &f64| {
            let wanted = fraction * below;
            let position = mass_down_to.partition_point(|&mass| mass < wanted);
            sorted[position.min(sorted.len() - 1)]
        };
        fractions.iter().map(level).collect()
    }

    /// The level lines at all levels, which are given from lowest to highest. They are returned in
    /// an order for painting.
    ///
    /// Level lines never cross. So with larger rings painted first, each point has the colour of
    /// the innermost ring around it. That is `level` inside an outer ring, and `level − 1` inside a
    /// hole.
    pub(super) fn rings(&self, levels: &[f64]) -> Vec<Ring> {
        let mut rings: Vec<Ring> = Vec::new();
        for (index, &level) in levels.iter().enumerate() {
            rings.extend(self.level_rings(level).into_iter().map(|points| {
                let area = signed_area(&points);
                Ring { points, level: index + 1, hole: area < 0.0, area: area.abs() }
            }));
        }
        // Rings of equal area coincide. Then the highest level must win inside outer rings, and the
        // lowest inside holes.
        let rank = |ring: &Ring| if ring.hole { -(ring.level as i64) } else { ring.level as i64 };
        rings.sort_by(|one, other| {
            other.area.total_cmp(&one.area).then(rank(one).cmp(&rank(other)))
        });
        rings
    }

    /// Marching squares: the rings around `value ≥ level`. Rings are counter-clockwise, holes
    /// clockwise.
    ///
    /// The grid is surrounded by a rim of empty nodes. So every line closes, if necessary along the
    /// frame.
    fn level_rings(&self, level: f64) -> Vec<Vec<(f64, f64)>> {
        let mut next = self.following_edges(level);
        let mut rings = Vec::new();
        for start in 0..next.len() {
            let mut points = Vec::new();
            let mut edge = start;
            while next[edge] != NONE {
                points.push(self.crossing(edge, level));
                edge = std::mem::replace(&mut next[edge], NONE);
            }
            if points.len() > 2 {
                rings.push(points);
            }
        }
        rings
    }

    /// The value at a node of the surrounded grid.
    fn padded(&self, row: usize, column: usize) -> f64 {
        let inside = (1..=self.rows).contains(&row) && (1..=self.columns).contains(&column);
        if inside { self.value(row - 1, column - 1) } else { f64::NEG_INFINITY }
    }

    /// For each edge that a line crosses, the edge that it crosses next. Edge 2k goes from node k
    /// to its right neighbour, edge 2k + 1 to its upper neighbour.
    fn following_edges(&self, level: f64) -> Vec<usize> {
        let columns = self.columns + 2;
        let rows = self.rows + 2;
        let mut next = vec![NONE; 2 * rows * columns];
        for row in 0..rows - 1 {
            for column in 0..columns - 1 {
                let corner = row * columns + column;
                // Counter-clockwise from the lower left: the corners, and the edge from each to the
                // next one.
                let values = [
                    self.padded(row, column),
                    self.padded(row, column + 1),
                    self.padded(row + 1, column + 1),
                    self.padded(row + 1, column),
                ];
                let edges =
                    [2 * corner, 2 * (corner + 1) + 1, 2 * (corner + columns), 2 * corner + 1];
                let high = values.map(|value| value >= level);
                let centre_high = values.iter().sum::<f64>() / 4.0 >= level;
                for side in 0..4 {
                    if high[side] && !high[(side + 1) % 4] {
                        // The line starts at an edge where the density falls and has the dense side
                        // on its left. It goes to the next edge where the density rises. At a
                        // saddle with a low centre it goes to the previous one.
                        let rises = |other: usize| !high[other % 4] && high[(other + 1) % 4];
                        let saddle = rises(side + 1) && rises(side + 3);
                        let target = if saddle && !centre_high {
                            side + 3
                        } else {
                            (side + 1..side + 4).find(|&other| rises(other)).unwrap_or(side)
                        };
                        next[edges[side]] = edges[target % 4];
                    }
                }
            }
        }
        next
    }

    /// Where the line of a level crosses an edge.
    fn crossing(&self, edge: usize, level: f64) -> (f64, f64) {
        let columns = self.columns + 2;
        let row = edge / 2 / columns;
        let column = edge / 2 % columns;
        let (to_row, to_column) =
            if edge.is_multiple_of(2) { (row, column + 1) } else { (row + 1, column) };
        let from = self.padded(row, column);
        let to = self.padded(to_row, to_column);
        let along = (level - from) / (to - from);
        // Next to an empty node there is nothing to interpolate with.
        let along = if from.is_finite() && to.is_finite() { along.clamp(0.0, 1.0) } else { 0.5 };
        let place = |one: f64, other: f64| one + along * (other - one);
        // Nodes of the rim have the position of their inner neighbours.
        let x = |column: usize| self.x(column.clamp(1, self.columns) - 1);
        let y = |row: usize| self.y(row.clamp(1, self.rows) - 1);
        (place(x(column), x(to_column)), place(y(row), y(to_row)))
    }
}

fn node((low, high): Interval, index: usize, count: usize) -> f64 {
    if count < 2 { low } else { low + (high - low) * index as f64 / (count - 1) as f64 }
}

/// The signed area. It is positive for counter-clockwise rings.
fn signed_area(points: &[(f64, f64)]) -> f64 {
    let following = points.iter().cycle().skip(1);
    0.5 * points
        .iter()
        .zip(following)
        .map(|(one, other)| one.0 * other.1 - other.0 * one.1)
        .sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: Interval = (-5.0, 5.0);

    fn gaussian(x: f64, y: f64) -> f64 {
        -0.5 * (x * x + y * y)
    }

    #[test]
    fn levels_enclose_the_mass_they_name() {
        let grid = Grid::evaluate(SQUARE, SQUARE, (160, 160), &each(gaussian));
        for fraction in [0.2, 0.4, 0.6, 0.8, 0.95] {
            let level = grid.levels(&[fraction])[0];
            // The standard normal in the plane holds mass p above the log density ln(1 − p).
            assert!((level - (1.0f64 - fraction).ln()).abs() < 0.02, "{fraction}: {level}");
            let total: f64 = grid.values.iter().map(|value| value.exp()).sum();
            let above: f64 =
                grid.values.iter().filter(|&&value| value >= level).map(|value| value.exp()).sum();
            assert!((above / total - fraction).abs() < 0.01);
        }
    }

    #[test]
    fn a_gaussian_has_circular_rings() {
        let grid = Grid::evaluate(SQUARE, SQUARE, (160, 160), &each(gaussian));
        let rings = grid.rings(&[-2.0, -0.5]);
        assert_eq!(rings.len(), 2);
        for (ring, radius) in rings.iter().zip([2.0, 1.0]) {
            assert!(!ring.hole);
            assert!(ring.points.iter().all(|&(x, y)| (x.hypot(y) - radius).abs() < 2e-3));
            assert!((ring.area - std::f64::consts::PI * radius * radius).abs() < 0.02);
        }
    }

    #[test]
    fn an_annulus_has_a_hole_and_the_order_of_painting_is_outside_in() {
        let annulus = |x: f64, y: f64| -8.0 * (x.hypot(y) - 3.0).powi(2);
        let rings = Grid::evaluate(SQUARE, SQUARE, (160, 160), &each(annulus)).rings(&[-2.0, -0.5]);
        let order: Vec<(usize, bool)> = rings.iter().map(|ring| (ring.level, ring.hole)).collect();
        assert_eq!(order, [(1, false), (2, false), (2, true), (1, true)]);
    }

    #[test]
    fn lines_close_along_the_frame_and_saddles_stay_apart() {
        let flat = Grid::evaluate(SQUARE, SQUARE, (20, 20), &each(|_, _| 0.0));
        assert_eq!(flat.levels(&[0.2, 0.95]), [0.0, 0.0]);
        let rings = flat.rings(&[0.0]);
        assert_eq!(rings.len(), 1);
        assert!((rings[0].area - 100.0).abs() < 1e-9);
        let checker = Grid::evaluate(
            (0.0, 3.0),
            (0.0, 3.0),
            (4, 4),
            &each(|x, y| if (x + y) % 2.0 < 0.5 { 0.0 } else { -9.0 }),
        );
        let rings = checker.rings(&[-1.0]);
        assert_eq!(rings.len(), 8);
        assert!(rings.iter().all(|ring| !ring.hole));
    }

    #[test]
    fn nan_is_no_mass_and_a_pole_is_cut() {
        let grid = Grid::evaluate(
            SQUARE,
            SQUARE,
            (11, 11),
            &each(|x, y| {
                if x < 0.0 {
                    f64::NAN
                } else if x == 0.0 && y == 0.0 {
                    f64::INFINITY
                } else {
                    -x
                }
            }),
        );
        assert!(grid.levels(&[0.5])[0].is_finite());
        assert!(
            grid.rings(&grid.levels(&[0.95]))
                .iter()
                .all(|r| r.points.iter().all(|p| p.0.is_finite() && p.1.is_finite()))
        );
        let empty = Grid::evaluate(SQUARE, SQUARE, (11, 11), &each(|_, _| f64::NAN));
        assert!(empty.levels(&[0.5]).is_empty());
    }
}
