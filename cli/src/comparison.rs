//! What `langevin compare` says: a table, lines of CSV, a picture, JSON.

use langevin::metrics::Estimate;
use langevin::plot;
use serde_json::json;

use crate::compare::{Compare, One};
use crate::distance::Distances;
use crate::failure::Failure;
use crate::model::Model;
use crate::output::OutputFile;

/// A method at a budget, over all seeds.
pub struct Row {
    pub label: String,
    pub budget: usize,
    /// Evaluations per chain, on average over seeds.
    pub evaluations: f64,
    pub seconds: f64,
    /// For every metric the mean over seeds and its error; NaN where a chain diverged.
    pub values: Vec<Estimate>,
}

/// None where a chain diverged on the way.
fn evaluations(row: &Row) -> String {
    if row.evaluations.is_nan() { "-".into() } else { format!("{:.2}", row.evaluations) }
}

pub fn header(distances: &Distances) -> String {
    let columns: Vec<String> =
        distances.metrics.iter().map(|m| format!("{0},{0}_error", m.name())).collect();
    format!(
        "method,budget,seed,evaluations,network_calls_per_evaluation,seconds,{}",
        columns.join(",")
    )
}

pub fn line(label: &str, budget: usize, seed: u64, calls: usize, run: &One) -> String {
    let values: Vec<String> =
        run.values.iter().map(|e| format!("{},{}", e.value, e.error)).collect();
    format!(
        "{label},{budget},{seed},{},{calls},{:.3},{}",
        run.evaluations,
        run.seconds,
        values.join(",")
    )
}

pub fn write_csv(file: Option<OutputFile>, lines: &[String]) -> Result<(), Failure> {
    use std::io::Write;
    let Some(mut file) = file else { return Ok(()) };
    let text = lines.join("\n") + "\n";
    file.write_all(text.as_bytes()).map_err(|error| Failure::Run(format!("--csv: {error}")))?;
    file.finish()
}

pub fn draw(rows: &[Row], model: &Model, distances: &Distances) -> Result<Vec<u8>, Failure> {
    /// Beyond this many times the smallest distance a method has failed, and would press all others
    /// into one line.
    const SPAN: f64 = 100.0;
    let mut curves: Vec<plot::Curve> = Vec::new();
    // Unbiased distances of good samples scatter about zero, which a logarithmic axis cannot show.
    let logarithmic = !rows.iter().any(|row| row.values[0].value <= 0.0);
    let smallest = rows.iter().map(|row| row.values[0].value).fold(f64::INFINITY, f64::min);
    let mut left_out = 0;
    for row in rows {
        let value = row.values[0];
        if logarithmic && value.value > SPAN * smallest {
            left_out += 1;
            continue;
        }
        let point = (row.evaluations, value.value, Some(value.error));
        match curves.iter_mut().find(|curve| curve.label == row.label) {
            Some(curve) => curve.points.push(point),
            None => curves.push(plot::Curve { label: row.label.clone(), points: vec![point] }),
        }
    }
    curves.iter_mut().for_each(|curve| curve.points.sort_by(|a, b| a.0.total_cmp(&b.0)));
    let mut title = format!("{}, {}", model.describe(), model.noising.title());
    if left_out > 0 {
        title += &format!(" ({left_out} above {:.0} left out)", SPAN * smallest);
    }
    let label = distances.metrics[0].label();
    let axis = if model.calls_per_evaluation() == 2 {
        "model evaluations, each twice the network"
    } else {
        "model evaluations"
    };
    Ok(plot::curves(&curves, axis, label, &title, true, logarithmic)?.into_bytes())
}

pub fn table(
    arguments: &Compare,
    model: &Model,
    distances: &Distances,
    rows: &[Row],
    failures: &[String],
) -> String {
    let twice = if model.calls_per_evaluation() == 2 {
        "; every evaluation is two of the network"
    } else {
        ""
    };
    let mut text = format!(
        "{}, {}: {} chains, {} seeds from {}, in {} dimensions{twice}\n\n",
        model.noising.describe(),
        model.describe(),
        arguments.chains,
        arguments.seeds,
        arguments.seed,
        model.dimension(),
    );
    let width = rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0).max(6);
    text += &format!("{:<width$}  evaluations     seconds", "method");
    for metric in &distances.metrics {
        text += &format!("  {:>24}", metric.name());
    }
    text += "\n";
    for row in rows {
        text += &format!("{:<width$}  {:>11}  {:>10.2}", row.label, evaluations(row), row.seconds);
        for value in &row.values {
            text += &if value.value.is_nan() {
                format!("  {:>24}", "diverged")
            } else {
                format!("  {:>12.5} +- {:>8.5}", value.value, value.error)
            };
        }
        text += "\n";
    }
    for (metric, value) in distances.halves().unwrap_or_default() {
        text += &format!(
            "\n{}: one half of the reference is {:.5} +- {:.5} from the other",
            metric.name(),
            value.value,
            value.error
        );
    }
    for failure in failures {
        text += &format!("\n{failure}");
    }
    for path in [&arguments.csv, &arguments.plot].into_iter().flatten() {
        text += &format!("\nwritten: {}", path.display());
    }
    text
}

pub fn json(
    arguments: &Compare,
    model: &Model,
    distances: &Distances,
    rows: &[Row],
    failures: &[String],
) -> String {
    let number = |x: f64| if x.is_finite() { json!(x) } else { json!(null) };
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let mut entry = json!({
                "method": row.label, "budget": row.budget, "evaluations": number(row.evaluations), "seconds": row.seconds,
            });
            for (metric, value) in distances.metrics.iter().zip(&row.values) {
                entry[metric.name()] = number(value.value);
                entry[format!("{}_error", metric.name())] = number(value.error);
            }
            entry
        })
        .collect();
    let halves: serde_json::Map<String, serde_json::Value> = distances
        .halves()
        .unwrap_or_default()
        .into_iter()
        .map(|(m, e)| (m.name().into(), number(e.value)))
        .collect();
    let report = json!({
        "process": model.noising.describe(), "model": model.describe(), "chains": arguments.chains,
        "model_calls_per_evaluation": model.calls_per_evaluation(),
        "seeds": arguments.seeds, "seed": arguments.seed, "rows": rows, "halves_of_reference": halves, "failures": failures,
    });
    report.to_string()
}
