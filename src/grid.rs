//! The times of a run. Every knot is computed by its index in f64, never by repeated addition.

use crate::error::{Error, Result, count, finite, positive};

/// The interval of one step of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Number of the step in its grid, counted from 0. The noise of the step depends on it.
    pub index: u32,
    /// Time at the start.
    pub start: f64,
    /// Length, > 0. All steps of a uniform grid have the same length to the last bit.
    pub length: f64,
    /// Time at the end. To the last bit it is the start of the next step.
    pub end: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Knots {
    Uniform { start: f64, length: f64, last: f64 },
    Listed(Vec<f64>),
}

/// The times of a run: N steps between N + 1 strictly increasing knots.
///
/// Time increases in every run. A dynamics that runs a process backwards counts time from its own
/// start.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeGrid {
    knots: Knots,
    steps: usize,
}

const STEPS: &str = "a whole number from 1 to 4294967295";

impl TimeGrid {
    /// `steps` steps of length `length`, starting at time 0.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the length is not finite and positive, if `steps` is 0, or if a step
    /// is too short for f64 at these times.
    pub fn uniform(length: f64, steps: usize) -> Result<Self> {
        positive("step", length)?;
        count("steps", steps, 1, u32::MAX as usize, STEPS)?;
        let last = finite("time of the last step", length * steps as f64)?;
        distinct(0.0, last, length)?;
        Ok(Self { knots: Knots::Uniform { start: 0.0, length, last }, steps })
    }

    /// `steps` equal steps from `start` to exactly `end`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the interval is not finite and positive, if `steps` is 0, or if a step
    /// is too short for f64 at these times.
    pub fn between(start: f64, end: f64, steps: usize) -> Result<Self> {
        finite("start time", start)?;
        positive("length of the time interval", end - start)?;
        count("steps", steps, 1, u32::MAX as usize, STEPS)?;
        let length = (end - start) / steps as f64;
        distinct(start, end, length)?;
        Ok(Self { knots: Knots::Uniform { start, length, last: end }, steps })
    }

    /// `steps` steps from `start` to exactly `end` that shrink towards the end:
    ///
    /// ```text
    /// tᵢ = end − (end − start) (1 − i/N)²          N = steps
    /// ```
    ///
    /// # Errors
    /// As for [`between`](Self::between). [`Error::Grid`] if two knots round to the same time.
    pub fn quadratic(start: f64, end: f64, steps: usize) -> Result<Self> {
        Self::between(start, end, steps)?;
        let knot = |i: usize| {
            let left = 1.0 - i as f64 / steps as f64;
            if i == 0 { start } else { end - (end - start) * left * left }
        };
        Self::from_knots((0..=steps).map(knot).collect())
    }

    /// `steps` steps from `start` > 0 to exactly `end` that grow by a constant factor:
    ///
    /// ```text
    /// tᵢ = start (end/start)^(i/N)          N = steps
    /// ```
    ///
    /// # Errors
    /// As for [`between`](Self::between), and [`Error::Invalid`] if `start` is not positive.
    /// [`Error::Grid`] if two knots round to the same time.
    pub fn logarithmic(start: f64, end: f64, steps: usize) -> Result<Self> {
        positive("start time of a logarithmic grid", start)?;
        Self::between(start, end, steps)?;
        let ratio = libm::log(end / start);
        let knot = |i: usize| match i {
            0 => start,
            i if i == steps => end,
            i => start * libm::exp(ratio * i as f64 / steps as f64),
        };
        Self::from_knots((0..=steps).map(knot).collect())
    }

    /// The grid through these knots.
    ///
    /// # Errors
    /// - [`Error::Invalid`] if there are fewer than two knots or the first one is not finite.
    /// - [`Error::Grid`] at the first later knot that is not finite or not above the one before it.
    pub fn from_knots(knots: Vec<f64>) -> Result<Self> {
        count("knots", knots.len(), 2, u32::MAX as usize, "at least 2")?;
        finite("first knot", knots[0])?;
        for (i, pair) in knots.windows(2).enumerate() {
            if !(pair[0] < pair[1] && pair[1].is_finite()) {
                return Err(Error::Grid { index: i + 1, previous: pair[0], next: pair[1] });
            }
        }
        Ok(Self { steps: knots.len() - 1, knots: Knots::Listed(knots) })
    }

    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Time of knot `index`, from 0 to [`steps`](Self::steps).
    ///
    /// # Panics
    /// If `index` is above the number of steps.
    pub fn time(&self, index: usize) -> f64 {
        assert!(index <= self.steps, "knot {index} of a grid of {} steps", self.steps);
        match &self.knots {
            Knots::Uniform { last, .. } if index == self.steps => *last,
            Knots::Uniform { start, length, .. } => start + length * index as f64,
            Knots::Listed(knots) => knots[index],
        }
    }

    /// The interval of step `index`, from 0 to [`steps`](Self::steps) − 1.
    ///
    /// # Panics
    /// If `index` is not below the number of steps.
    pub fn interval(&self, index: usize) -> Interval {
        assert!(index < self.steps, "step {index} of a grid of {} steps", self.steps);
        let start = self.time(index);
        let end = self.time(index + 1);
        let length = match &self.knots {
            Knots::Uniform { length, .. } => *length,
            Knots::Listed(_) => end - start,
        };
        Interval { index: index as u32, start, length, end }
    }

    /// The steps from the start to the end of an interval of a coarser grid.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the two are no times of this grid.
    pub(crate) fn within(&self, interval: Interval) -> Result<std::ops::Range<usize>> {
        Ok(self.index_of(interval.start)?..self.index_of(interval.end)?)
    }

    /// The index of a time that is a knot.
    fn index_of(&self, time: f64) -> Result<usize> {
        let mut low = 0;
        let mut high = self.steps;
        while low < high {
            let middle = low.midpoint(high);
            if self.time(middle) < time {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let expected = "a time of the grid of the sampler";
        let is_knot = self.time(low) == time;
        is_knot.then_some(low).ok_or(Error::Invalid { name: "time", given: time, expected })
    }

    /// The steps from `first` on.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are none.
    pub(crate) fn skipping(&self, first: usize) -> Result<Self> {
        let knots = (first..=self.steps).map(|index| self.time(index));
        Self::from_knots(knots.collect())
    }

    /// The intervals of all steps in order.
    pub fn iter(&self) -> Intervals<'_> {
        Intervals { grid: self, next: 0 }
    }
}

/// The intervals of a grid in order, from [`TimeGrid::iter`].
#[derive(Clone, Debug)]
pub struct Intervals<'g> {
    grid: &'g TimeGrid,
    next: usize,
}

impl Iterator for Intervals<'_> {
    type Item = Interval;

    fn next(&mut self) -> Option<Interval> {
        let index = self.next;
        (index < self.grid.steps).then(|| {
            self.next += 1;
            self.grid.interval(index)
        })
    }
}

impl<'g> IntoIterator for &'g TimeGrid {
    type Item = Interval;
    type IntoIter = Intervals<'g>;

    fn into_iter(self) -> Intervals<'g> {
        self.iter()
    }
}

/// Rejects steps so short that neighbouring knots round to the same time.
fn distinct(start: f64, end: f64, length: f64) -> Result<()> {
    if length > 2.0 * f64::EPSILON * start.abs().max(end.abs()) {
        return Ok(());
    }
    Err(Error::Invalid {
        name: "step",
        given: length,
        expected: "a step that f64 can tell from zero at the times of the run",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bad_grids_are_refused() {
        for length in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(TimeGrid::uniform(length, 3).is_err());
        }
        assert!(TimeGrid::uniform(0.1, 0).is_err());
        assert!(TimeGrid::uniform(1e308, 1000).is_err());
        assert!(TimeGrid::between(1.0, 1.0, 3).is_err());
        assert!(TimeGrid::between(1e16, 1e16 + 4.0, 10).is_err());
        assert!(TimeGrid::logarithmic(0.0, 1.0, 3).is_err());
        assert!(TimeGrid::from_knots(vec![0.0]).is_err());
        assert!(matches!(
            TimeGrid::from_knots(vec![0.0, 1.0, 1.0]),
            Err(Error::Grid { index: 2, .. })
        ));
        assert!(matches!(
            TimeGrid::from_knots(vec![0.0, f64::NAN, 1.0]),
            Err(Error::Grid { index: 1, .. })
        ));
        assert!(TimeGrid::from_knots(vec![f64::NEG_INFINITY, 0.0]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None, ..ProptestConfig::default()
        })]
        #[test]
        fn every_grid_has_its_ends_its_count_and_no_empty_step(
            start in 1e-3f64..10.0, span in 1e-3f64..1e3, steps in 1usize..2000
        ) {
            let end = start + span;
            for grid in [
                TimeGrid::between(start, end, steps).unwrap(),
                TimeGrid::quadratic(start, end, steps).unwrap(),
                TimeGrid::logarithmic(start, end, steps).unwrap(),
            ] {
                prop_assert_eq!(grid.steps(), steps);
                prop_assert_eq!(grid.iter().count(), steps);
                prop_assert_eq!(grid.time(0), start);
                prop_assert_eq!(grid.time(steps), end);
                for i in 0..steps {
                    prop_assert!(grid.time(i) < grid.time(i + 1));
                    prop_assert!(grid.interval(i).length > 0.0);
                }
            }
        }
    }

    #[test]
    fn no_step_is_lost_or_added_by_rounding() {
        // Repeated addition of 0.1 takes 11 steps to reach 1.
        let grid = TimeGrid::between(0.0, 1.0, 10).unwrap();
        assert_eq!(grid.iter().count(), 10);
        assert_eq!(grid.time(10), 1.0);
        assert!(grid.iter().all(|s| s.length == 0.1));
    }
}
