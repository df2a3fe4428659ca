//! The result of a comparison: rows that are printed, written as CSV and drawn.

use std::fmt;

use super::metric::Metric;
use crate::diffusion::Warning;
use crate::metrics::Estimate;

/// A method at a budget, over all seeds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// The name of the method in this comparison.
    pub label: String,
    /// The budget of evaluations.
    pub budget: usize,
    /// Evaluations per chain, on average over the seeds; NaN if a chain diverged.
    pub evaluations: f64,
    /// Seconds per run, on average over the seeds.
    pub seconds: f64,
    /// For every metric the mean over the seeds and its error; NaN if a chain diverged.
    pub values: Vec<Estimate>,
    /// Every run, seed by seed.
    pub runs: Vec<Single>,
}

/// One run of a method at a budget.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Single {
    /// The seed.
    pub seed: u64,
    /// Evaluations per chain; NaN if a chain diverged.
    pub evaluations: f64,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// For every metric its value and error; NaN if a chain diverged.
    pub values: Vec<Estimate>,
    /// The chain that left the finite numbers, and when.
    pub failure: Option<String>,
    /// The samples that left the range of the data by far.
    pub out_of_range: Option<Warning>,
}

impl Row {
    /// Whether samples of a run left the range of the data by far. Such rows are marked.
    pub fn is_out_of_range(&self) -> bool {
        self.runs.iter().any(|run| run.out_of_range.is_some())
    }

    /// The label, with a mark if samples left the range of the data.
    fn marked(&self) -> String {
        if self.is_out_of_range() { format!("{} !", self.label) } else { self.label.clone() }
    }

    /// The mean over runs. The error of a single run is that of the metric itself.
    pub(super) fn new(label: String, budget: usize, runs: Vec<Single>, metrics: usize) -> Self {
        let count = runs.len() as f64;
        let mean = |of: &dyn Fn(&Single) -> f64| runs.iter().map(of).sum::<f64>() / count;
        let estimate = |metric: usize| {
            let value = mean(&|run| run.values[metric].value);
            let square = mean(&|run| (run.values[metric].value - value).powi(2));
            let spread = square * count / (count - 1.0);
            let single = runs[0].values[metric].error;
            let error = if runs.len() > 1 { (spread / count).sqrt() } else { single };
            Estimate { value, error }
        };
        Self {
            values: (0..metrics).map(estimate).collect(),
            evaluations: mean(&|run| run.evaluations),
            seconds: mean(&|run| run.seconds),
            label,
            budget,
            runs,
        }
    }
}

/// The result of a comparison. It prints itself as a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Table {
    /// The metrics, in the order of the values.
    pub metrics: Vec<Metric>,
    /// A row for every method and budget.
    pub rows: Vec<Row>,
    /// The distance of one half of the reference from the other, for metrics that compare with it.
    pub halves: Vec<(Metric, Estimate)>,
    /// Passes through a network that one evaluation takes.
    pub passes: usize,
}

impl Table {
    /// The runs in which a chain left the finite numbers, in words.
    pub fn failures(&self) -> Vec<String> {
        let of_row = |row: &Row| {
            let label = row.label.clone();
            let budget = row.budget;
            let text = |run: &Single| {
                let failure = run.failure.as_ref()?;
                Some(format!("{label} with {budget} evaluations, seed {}: {failure}", run.seed))
            };
            row.runs.iter().filter_map(text).collect::<Vec<_>>()
        };
        self.rows.iter().flat_map(of_row).collect()
    }

    /// The samples that left the range of the data by far, in words: for each row the first run.
    pub fn out_of_range(&self) -> impl Iterator<Item = String> + '_ {
        self.rows.iter().filter_map(|row| {
            let run = row.runs.iter().find(|run| run.out_of_range.is_some())?;
            let warning = run.out_of_range.as_ref()?;
            let Row { label, budget, .. } = row;
            Some(format!("{label} with {budget} evaluations, seed {}: {warning}", run.seed))
        })
    }

    /// Every run as a line of CSV, with a header.
    pub fn to_csv(&self) -> String {
        let columns: Vec<String> =
            self.metrics.iter().map(|metric| format!("{metric},{metric}_error")).collect();
        let first = "method,budget,seed,evaluations,network_calls_per_evaluation,seconds";
        let mut text = format!("{first},{}\n", columns.join(","));
        for row in &self.rows {
            for run in &row.runs {
                let values: Vec<String> =
                    run.values.iter().map(|e| format!("{},{}", e.value, e.error)).collect();
                text += &format!(
                    "{},{},{},{},{},{:.3},{}\n",
                    row.label,
                    row.budget,
                    run.seed,
                    run.evaluations,
                    self.passes,
                    run.seconds,
                    values.join(",")
                );
            }
        }
        text
    }

    /// Distance against evaluations as an SVG picture, with error bars. Rows more than a hundred
    /// times worse than the best are left out, as the title then says.
    ///
    /// # Errors
    /// Those of [`plot::curves`](crate::plot::curves).
    #[cfg(feature = "plot")]
    pub fn to_svg(&self, title: &str) -> crate::error::Result<String> {
        use crate::plot::{Curve, curves};
        /// Beyond this many times the smallest distance a method has failed, and would press all
        /// others into one line.
        const SPAN: f64 = 100.0;
        let mut all: Vec<Curve> = Vec::new();
        // Unbiased distances of good samples scatter about zero, which a logarithmic axis cannot
        // show.
        let logarithmic = !self.rows.iter().any(|row| row.values[0].value <= 0.0);
        let values = self.rows.iter().map(|row| row.values[0].value);
        let smallest = values.fold(f64::INFINITY, f64::min);
        let mut left_out = 0;
        for row in &self.rows {
            let value = row.values[0];
            if logarithmic && value.value > SPAN * smallest {
                left_out += 1;
                continue;
            }
            let point = (row.evaluations, value.value, Some(value.error));
            match all.iter_mut().find(|curve| curve.label == row.label) {
                Some(curve) => curve.points.push(point),
                None => all.push(Curve { label: row.label.clone(), points: vec![point] }),
            }
        }
        all.iter_mut().for_each(|curve| curve.points.sort_by(|a, b| a.0.total_cmp(&b.0)));
        let mut title = title.to_owned();
        if left_out > 0 {
            title += &format!(" ({left_out} above {:.0} left out)", SPAN * smallest);
        }
        let axis = match self.passes {
            1 => "model evaluations",
            _ => "model evaluations, each twice the network",
        };
        curves(&all, axis, self.metrics[0].label(), &title, true, logarithmic)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.marked().chars().count());
        let width = width.max().unwrap_or(0).max(6);
        write!(f, "{:<width$}  evaluations     seconds", "method")?;
        for metric in &self.metrics {
            write!(f, "  {:>24}", metric.name())?;
        }
        for row in &self.rows {
            let evaluations = match row.evaluations {
                x if x.is_nan() => "-".into(),
                x => format!("{x:.2}"),
            };
            write!(f, "\n{:<width$}  {evaluations:>11}  {:>10.2}", row.marked(), row.seconds)?;
            for value in &row.values {
                if value.value.is_nan() {
                    write!(f, "  {:>24}", "diverged")?;
                } else {
                    let [value, error] = value.texts();
                    write!(f, "  {value:>12} ± {error:>9}")?;
                }
            }
        }
        for (metric, apart) in &self.halves {
            let half = "one half of the reference";
            write!(f, "\n{metric}: {half} is {apart} from the other")?;
        }
        self.out_of_range().try_for_each(|line| write!(f, "\n! {line}"))?;
        self.failures().iter().try_for_each(|failure| write!(f, "\n{failure}"))
    }
}
