//! Tables as plain numbers, for writing.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::metric::Metric;
use super::table::{Row, Table};

/// A row with the metrics that name its values.
struct Line<'t> {
    metrics: &'t [Metric],
    row: &'t Row,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("method", &self.row.label)?;
        map.serialize_entry("budget", &self.row.budget)?;
        map.serialize_entry("evaluations", &self.row.evaluations)?;
        map.serialize_entry("seconds", &self.row.seconds)?;
        for (metric, estimate) in self.metrics.iter().zip(&self.row.values) {
            map.serialize_entry(metric.name(), &estimate.value)?;
            map.serialize_entry(&format!("{metric}_error"), &estimate.error)?;
        }
        map.end()
    }
}

/// The distances of one half of the reference from the other.
struct Halves<'t>(&'t Table);

impl Serialize for Halves<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.halves.iter().map(|(metric, e)| (metric.name(), e.value)))
    }
}

impl Serialize for Table {
    /// Writes the rows, with each value and error under the name of its metric, the distances
    /// between the halves of the reference, the failures, and the calls of the network.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let line = |row| Line { metrics: &self.metrics, row };
        let rows: Vec<_> = self.rows.iter().map(line).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rows", &rows)?;
        map.serialize_entry("halves_of_reference", &Halves(self))?;
        map.serialize_entry("failures", &self.failures())?;
        let out_of_range: Vec<_> = self.out_of_range().collect();
        if !out_of_range.is_empty() {
            map.serialize_entry("out_of_range", &out_of_range)?;
        }
        map.serialize_entry("model_calls_per_evaluation", &self.passes)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::Single;
    use super::*;
    use crate::metrics::Estimate;

    #[test]
    fn tables_are_written_with_the_names_of_their_metrics() {
        let run = |value| Single {
            seed: 3,
            evaluations: 10.0,
            seconds: 0.5,
            values: vec![Estimate { value, error: 0.25 }],
            failure: None,
            out_of_range: None,
        };
        let row = Row::new("ddim".into(), 10, vec![run(1.5)], 1);
        let half = Estimate { value: f64::NAN, error: 0.0 };
        let metrics = vec![Metric::Frechet];
        let table =
            Table { metrics, rows: vec![row], halves: vec![(Metric::Frechet, half)], passes: 1 };
        let expected = serde_json::json!({
            "rows": [{
                "method": "ddim", "budget": 10, "evaluations": 10.0, "seconds": 0.5,
                "frechet": 1.5, "frechet_error": 0.25,
            }],
            "halves_of_reference": {"frechet": null}, "failures": [],
            "model_calls_per_evaluation": 1,
        });
        assert_eq!(serde_json::to_value(&table).unwrap(), expected);
    }
}
