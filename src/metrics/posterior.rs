//! The summary of a posterior: mean, spread, quantiles, errors and convergence of each parameter.

use std::fmt;

use ndarray::ArrayView3;

use super::draws::{Draws, Statistic};
use super::ranks::Scores;
use super::traces::{self, scores};
use crate::error::{Error, Result};
use crate::math::digits::{number, scaled};
use crate::quoted::escaped;

/// Columns behind the name, as ArviZ calls them.
const COLUMNS: [&str; 10] =
    ["mean", "sd", "q5", "q50", "q95", "mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "r_hat"];

/// What the draws of a posterior say about each parameter, and how well they know it. It prints
/// itself as a table with one row for each parameter.
///
/// ```
/// use langevin::metrics::Posterior;
/// use langevin::ndarray::Array3;
/// use langevin::prelude::*;
/// // Sequences of low discrepancy, as the draws of four chains.
/// let trace = Array3::from_shape_fn((250, 4, 2), |(i, c, j)| {
///     ((0.618 + 0.1 * j as f64) * i as f64 + 0.2 * c as f64).fract()
/// });
/// let posterior = Posterior::of(trace.view())?.names(["mu", "tau"])?;
/// println!("{posterior}");
/// let mu = posterior.get("mu").expect("a parameter of this name");
/// assert!(mu.r_hat < 1.01 && mu.ess_bulk > 400.0);
/// # Ok::<(), Error>(())
/// ```
///
/// In the table, `-` stands for NaN. With the feature `serde` it is written as `saved`, `chains`
/// and `parameters`, a list of the fields of [`Parameter`]. NaN and infinities become `null`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Posterior {
    /// Number of saved frames.
    pub saved: usize,
    /// Number of chains.
    pub chains: usize,
    /// One entry for each coordinate of the trace, in its order.
    pub parameters: Vec<Parameter>,
}

/// The summary of one parameter. Its fields are named as the columns of ArviZ.
///
/// A parameter that never moves has NaN in all fields but the mean, `sd` = 0 and the quantiles. If
/// every chain stays at its own value, `r_hat` is infinite.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Parameter {
    /// The name: x0, x1, … until [`Posterior::names`] gives another.
    pub name: String,
    /// Mean of all draws.
    #[cfg_attr(feature = "serde", serde(serialize_with = "finite"))]
    pub mean: f64,
    /// Standard deviation, with n − 1 in the denominator.
    #[cfg_attr(feature = "serde", serde(serialize_with = "finite"))]
    pub sd: f64,
    /// The quantile of probability 0.05.
    #[cfg_attr(feature = "serde", serde(serialize_with = "finite"))]
    pub q5: f64,
    /// The median.
    #[cfg_attr(feature = "serde", serde(serialize_with = "finite"))]
    pub q50: f64,
    /// The quantile of probability 0.95. Between `q5` and `q95` lie 90 % of the draws.
    #[cfg_attr(feature = "serde", serde(serialize_with = "finite"))]
    pub q95: f64,
    /// Monte Carlo error of the mean, see [`Statistic::error`].
    #[cfg_attr(feature = "serde", serde(serialize_with = "finite"))]
    pub mcse_mean: f64,
    /// Monte Carlo error of the standard deviation, see [`Statistic::error`].
    #[cfg_attr(feature = "serde", serde(serialize_with = "finite"))]
    pub mcse_sd: f64,
    /// Bulk effective sample size, see
    /// [`effective_sample_size`](super::effective_sample_size). Above 100 for each chain is good.
    #[cfg_attr(feature = "serde", serde(serialize_with = "finite"))]
    pub ess_bulk: f64,
    /// Tail effective sample size, see
    /// [`tail_effective_sample_size`](super::tail_effective_sample_size).
    #[cfg_attr(feature = "serde", serde(serialize_with = "finite"))]
    pub ess_tail: f64,
    /// Rank-normalised split R̂, see [`split_r_hat`](super::split_r_hat). Below 1.01 is good.
    #[cfg_attr(feature = "serde", serde(serialize_with = "finite"))]
    pub r_hat: f64,
}

impl Posterior {
    /// The summary of `trace`, shape (saved ≥ 4, chains ≥ 1, dim). Leave out the frames of the
    /// warm-up beforehand: all frames count.
    ///
    /// Cost: O(n log n) for each coordinate with n draws. Coordinates are shared among all cores
    /// (feature `rayon`), which changes no number.
    ///
    /// ArviZ 0.23 (`summary`, `mcse`, `ess`, `rhat`) gives the same numbers. For a
    /// single chain it gives no R̂, and here it is that of the two halves. [`Statistic`] lists the
    /// other differences.
    ///
    /// # Errors
    /// - [`Error::Shape`] for fewer than four saved frames, no chain or no coordinate.
    /// - [`Error::NonFinite`] for a NaN or an infinity. Its row is saved index · chains + chain.
    pub fn of(trace: ArrayView3<'_, f64>) -> Result<Self> {
        #[cfg(feature = "rayon")]
        {
            let scores = scores(trace);
            let parameters = traces::per_coordinate_on_all_cores(trace, |coordinate| {
                Parameter::of(&Draws::new(coordinate), &scores)
            })?;
            Ok(Self::named(trace, parameters))
        }
        #[cfg(not(feature = "rayon"))]
        Self::on_one_thread(trace)
    }

    /// The same on the thread of the caller.
    pub(crate) fn on_one_thread(trace: ArrayView3<'_, f64>) -> Result<Self> {
        let scores = scores(trace);
        let parameters = traces::per_coordinate(trace, |coordinate| {
            Parameter::of(&Draws::new(coordinate), &scores)
        })?;
        Ok(Self::named(trace, parameters))
    }

    fn named(trace: ArrayView3<'_, f64>, mut parameters: Vec<Parameter>) -> Self {
        let (saved, chains, _) = trace.dim();
        for (j, parameter) in parameters.iter_mut().enumerate() {
            parameter.name = format!("x{j}");
        }
        Self { saved, chains, parameters }
    }

    /// With a name for each parameter, in the order of the coordinates.
    ///
    /// # Errors
    /// - [`Error::Shape`] unless there are as many names as parameters.
    /// - [`Error::Twice`] if two names are equal.
    pub fn names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        check_names(&names, self.parameters.len())?;
        for (parameter, name) in self.parameters.iter_mut().zip(names) {
            parameter.name = name;
        }
        Ok(self)
    }

    /// The parameter of a name.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// Refuses another number of names than this, and two equal ones.
pub(crate) fn check_names(names: &[String], count: usize) -> Result<()> {
    if names.len() != count {
        let given = format!("({})", names.len());
        return Err(Error::Shape { what: "names", given, expected: format!("({count})") });
    }
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::Twice { what: format!("name {}", pair[0]) }),
        None => Ok(()),
    }
}

impl Parameter {
    fn of(draws: &Draws, scores: &Scores) -> Self {
        let [ess_bulk, r_hat] = draws.of_ranks(scores);
        Self {
            name: String::new(),
            mean: draws.estimate(Statistic::Mean),
            sd: draws.estimate(Statistic::Sd),
            q5: draws.estimate(Statistic::Quantile(0.05)),
            q50: draws.estimate(Statistic::Quantile(0.5)),
            q95: draws.estimate(Statistic::Quantile(0.95)),
            mcse_mean: draws.error(Statistic::Mean),
            mcse_sd: draws.error(Statistic::Sd),
            ess_bulk,
            ess_tail: draws.tail_size(),
            r_hat,
        }
    }

    /// The cells of its row, in the order of the columns.
    fn cells(&self) -> [String; 10] {
        let place = |x: f64| scaled(x, self.sd);
        let known = |x: f64, text: String| if x.is_nan() { "-".into() } else { text };
        [
            place(self.mean),
            number(self.sd),
            place(self.q5),
            place(self.q50),
            place(self.q95),
            known(self.mcse_mean, number(self.mcse_mean)),
            known(self.mcse_sd, number(self.mcse_sd)),
            known(self.ess_bulk, format!("{:.0}", self.ess_bulk)),
            known(self.ess_tail, format!("{:.0}", self.ess_tail)),
            known(self.r_hat, format!("{:.3}", self.r_hat)),
        ]
    }
}

impl fmt::Display for Posterior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.parameters.iter().map(|row| escaped(&row.name)).collect();
        let rows: Vec<[String; 10]> = self.parameters.iter().map(Parameter::cells).collect();
        let length = |text: &String| text.chars().count();
        let first = names.iter().map(length).max().unwrap_or(0);
        let widths: [usize; 10] = std::array::from_fn(|k| {
            rows.iter().map(|row| length(&row[k])).fold(COLUMNS[k].len(), usize::max)
        });
        write!(f, "{:first$}", "")?;
        for (column, width) in COLUMNS.iter().zip(widths) {
            write!(f, "  {column:>width$}")?;
        }
        for (name, row) in names.iter().zip(&rows) {
            write!(f, "\n{name:first$}")?;
            for (cell, width) in row.iter().zip(widths) {
                write!(f, "  {cell:>width$}")?;
            }
        }
        Ok(())
    }
}

/// Writes NaN and infinities as nothing, which is `null` in JSON.
#[cfg(feature = "serde")]
fn finite<S: serde::Serializer>(x: &f64, to: S) -> std::result::Result<S::Ok, S::Error> {
    match x.is_finite() {
        true => to.serialize_some(x),
        false => to.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{effective_sample_size, split_r_hat, tail_effective_sample_size};
    use crate::noise::splitmix::raw;
    use ndarray::Array3;
    use serde_json::Value;

    /// The traces of `tests/golden/summary_reference.py`, to the last bit.
    fn trace(case: &Value) -> Array3<f64> {
        let real = |key: &str| case[key].as_f64().unwrap();
        let whole = |key: &str| case[key].as_u64().unwrap();
        let [rho, shift, scale] = ["rho", "shift", "scale"].map(real);
        let [saved, chains] = ["saved", "chains"].map(|key| whole(key) as usize);
        let mut generator = raw(whole("seed"));
        let mut trace = Array3::zeros((saved, chains, 1));
        for chain in 0..chains {
            let mut x = 0.0;
            for frame in 0..saved {
                x = rho * x + (generator.uniform() - 0.5);
                let value = x * (1.0 + scale * chain as f64) + shift * chain as f64;
                trace[[frame, chain, 0]] = match case["kind"].as_str().unwrap() {
                    "ties" => (value * 4.0).floor() * 0.25,
                    "binary" => f64::from(u8::from(value > 0.125)),
                    "heavy" => {
                        1.0 / (value * value + 0.0009765625) * if value > 0.0 { 1.0 } else { -1.0 }
                    }
                    "far" => value + 1000.0,
                    _ => value,
                };
            }
        }
        trace
    }

    #[test]
    fn same_numbers_as_arviz() {
        let golden: Value =
            serde_json::from_str(include_str!("../../tests/golden/summary_reference.json"))
                .unwrap();
        assert_eq!(golden["arviz"], "0.23.4");
        let probabilities = golden["probabilities"].as_array().unwrap();
        for case in golden["cases"].as_array().unwrap() {
            let trace = trace(case);
            let posterior = Posterior::of(trace.view()).unwrap();
            let row = &posterior.parameters[0];
            let same = |what: &str, found: f64, expected: &Value, scale: f64| {
                let expected = expected.as_f64().unwrap();
                let error = (found - expected).abs() / expected.abs().max(scale);
                let seed = &case["seed"];
                assert!(error < 1e-10, "{what}, seed {seed}: {found} against {expected}");
            };
            // A mean near 0 is known in parts of the standard deviation.
            same("mean", row.mean, &case["mean"], row.sd);
            same("sd", row.sd, &case["sd"], 0.0);
            same("mcse_mean", row.mcse_mean, &case["mcse_mean"], 0.0);
            same("mcse_sd", row.mcse_sd, &case["mcse_sd"], 0.0);
            same("ess_bulk", row.ess_bulk, &case["ess_bulk"], 0.0);
            same("ess_tail", row.ess_tail, &case["ess_tail"], 0.0);
            same("r_hat", row.r_hat, &case["r_hat"], 0.0);
            let size = |of: Statistic| of.effective_sample_size(trace.view()).unwrap()[0];
            same("ess_mean", size(Statistic::Mean), &case["ess_mean"], 0.0);
            same("ess_sd", size(Statistic::Sd), &case["ess_sd"], 0.0);
            for (k, probability) in probabilities.iter().enumerate() {
                let of = Statistic::Quantile(probability.as_f64().unwrap());
                let value = of.estimate(trace.view()).unwrap()[0];
                let error = of.error(trace.view()).unwrap()[0];
                same("quantile", value, &case["quantiles"][k], row.sd);
                same("ess_quantile", size(of), &case["ess_quantiles"][k], 0.0);
                same("mcse_quantile", error, &case["mcse_quantiles"][k], f64::MIN_POSITIVE);
            }
        }
    }

    fn small() -> Array3<f64> {
        let mut generator = raw(5);
        Array3::from_shape_fn((20, 2, 3), |(_, chain, j)| match j {
            0 => 100.0 + generator.uniform(),
            1 => 0.5,
            _ => chain as f64,
        })
    }

    #[test]
    fn it_is_the_statistics_one_by_one() {
        for saved in [19, 20] {
            statistics_one_by_one(small().slice(ndarray::s![..saved, .., ..]));
        }
    }

    fn statistics_one_by_one(trace: ArrayView3<'_, f64>) {
        let posterior = Posterior::of(trace).unwrap();
        let again = Posterior::on_one_thread(trace).unwrap();
        assert_eq!(posterior.to_string(), again.to_string());
        assert_eq!([posterior.saved, posterior.chains], [trace.dim().0, 2]);
        let columns = [
            Statistic::Mean.estimate(trace),
            Statistic::Sd.estimate(trace),
            Statistic::Quantile(0.05).estimate(trace),
            Statistic::Quantile(0.5).estimate(trace),
            Statistic::Quantile(0.95).estimate(trace),
            Statistic::Mean.error(trace),
            Statistic::Sd.error(trace),
            effective_sample_size(trace),
            tail_effective_sample_size(trace),
            split_r_hat(trace),
        ];
        for (j, p) in posterior.parameters.iter().enumerate() {
            assert_eq!(p.name, format!("x{j}"));
            let places = [p.mean, p.sd, p.q5, p.q50, p.q95];
            let found = [p.mcse_mean, p.mcse_sd, p.ess_bulk, p.ess_tail, p.r_hat];
            for (found, column) in places.into_iter().chain(found).zip(&columns) {
                let expected = column.as_ref().unwrap()[j];
                assert!(found == expected || found.is_nan() && expected.is_nan());
            }
        }
    }

    #[test]
    fn tables_are_aligned_and_show_what_is_not_known() {
        let posterior = Posterior::of(small().view()).unwrap();
        let text = posterior.names(["mu", "a\nlong name", "τ"]).unwrap().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        let length = |line: &&str| line.chars().count();
        assert!(lines.iter().all(|line| length(line) == length(&lines[0])));
        assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), COLUMNS);
        let cells = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>();
        let frozen = ["0.50000", "0.00000", "0.50000", "0.50000", "0.50000", "-", "-", "-", "-"];
        assert!(lines[2].starts_with("a\\nlong name  "));
        assert_eq!(cells(lines[2])[2..11], frozen);
        assert_eq!(cells(lines[2])[11], "-");
        assert_eq!(cells(lines[3]).last().unwrap(), "inf");
    }

    #[cfg(feature = "serde")]
    #[test]
    fn json_has_null_for_what_is_not_known() {
        let posterior = Posterior::of(small().view()).unwrap().names(["mu", "b", "c"]).unwrap();
        let json: Value = serde_json::to_value(&posterior).unwrap();
        assert_eq!(json["saved"], 20);
        assert_eq!(json["chains"], 2);
        assert_eq!(json["parameters"][0]["name"], "mu");
        assert_eq!(json["parameters"][0]["r_hat"], posterior.parameters[0].r_hat);
        assert_eq!(json["parameters"][1]["mean"], 0.5);
        for key in ["mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "r_hat"] {
            assert!(json["parameters"][1][key].is_null(), "{key}");
        }
        assert!(json["parameters"][2]["r_hat"].is_null());
        let keys: Vec<&String> = json["parameters"][0].as_object().unwrap().keys().collect();
        assert!(COLUMNS.iter().all(|column| keys.iter().any(|key| key == column)));
        assert_eq!(keys.len(), COLUMNS.len() + 1);
    }

    #[test]
    fn bad_names_are_refused() {
        let posterior = Posterior::of(small().view()).unwrap();
        let few = posterior.clone().names(["a", "b"]).unwrap_err().to_string();
        assert_eq!(few, "names: given shape (2), expected (3)");
        let twice = posterior.clone().names(["a", "b", "a"]).unwrap_err().to_string();
        assert_eq!(twice, "name a is given twice; give it once");
        let named = posterior.names(vec![String::from("a"), "b".into(), "c".into()]).unwrap();
        assert_eq!(named.get("c").map(|c| c.name.as_str()), Some("c"));
        assert_eq!(named.get("x0"), None);
        assert!(matches!(
            Posterior::of(Array3::zeros((4, 1, 0)).view()),
            Err(Error::Shape { what: "trace", .. })
        ));
    }
}
