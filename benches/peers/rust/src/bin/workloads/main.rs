//! Workloads in Rust: ours, loops written by hand, and other crates.
//!
//! It answers lines on its input, as the programs in Python do. `workloads.py` asks.
//!
//! ```text
//! list W1          the contestants of a workload, as a line of JSON
//! turn 3           runs contestant 3 of the list once, and says how long it took
//! save 3 PATH      runs it once, and writes the positions, shape (chains, dim)
//! ```

mod bias;
mod crates;
mod fused;
mod lanes;
mod ours;
mod problem;
mod scheduler;
mod vectors;

use std::io::{BufRead, Write};
use std::time::Instant;

use cpu_time::ProcessTime;
use langevin::BoxError;
use langevin::ndarray::Array2;
use serde_json::json;

type Result<T> = std::result::Result<T, BoxError>;

/// Runs once. Returns the positions if they are wanted.
type Body = Box<dyn FnMut(bool) -> Result<Option<Array2<f64>>>>;

/// One of those who take turns at a workload.
struct Contestant {
    workload: String,
    peer: &'static str,
    variant: String,
    precision: &'static str,
    /// Units of work of a turn: chain-steps, say.
    units: f64,
    body: Body,
}

impl Contestant {
    fn new(workload: &str, peer: &'static str, units: usize, body: Body) -> Self {
        Self {
            workload: workload.into(),
            peer,
            variant: String::new(),
            precision: "f64",
            units: units as f64,
            body,
        }
    }

    fn variant(mut self, variant: impl Into<String>) -> Self {
        self.variant = variant.into();
        self
    }

    fn precision(mut self, precision: &'static str) -> Self {
        self.precision = precision;
        self
    }

    fn described(&self) -> serde_json::Value {
        json!({ "workload": self.workload, "peer": self.peer, "variant": self.variant,
            "precision": self.precision, "units": self.units })
    }
}

fn contestants(workload: &str) -> Result<Vec<Contestant>> {
    let mut all = match workload {
        "W6" => bias::contestants()?,
        "W7" => scheduler::contestants()?,
        _ => ours::contestants(workload)?,
    };
    all.extend(fused::contestants(workload)?);
    all.extend(crates::contestants(workload)?);
    Ok(all)
}

fn chosen<'a>(all: &'a mut [Contestant], number: &str) -> Result<&'a mut Contestant> {
    let count = all.len();
    let reason = || format!("there is no contestant {number}: say list, then 0 to {count}").into();
    all.get_mut(number.parse::<usize>()?).ok_or_else(reason)
}

fn answer(all: &mut Vec<Contestant>, line: &str) -> Result<serde_json::Value> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if let ["list", workload] = words[..] {
        *all = contestants(workload)?;
        return Ok(all.iter().map(Contestant::described).collect());
    }
    match words[..] {
        ["turn", number] => {
            let contestant = chosen(all, number)?;
            let wall = Instant::now();
            let cpu = ProcessTime::now();
            (contestant.body)(false)?;
            Ok(json!({ "cpu": cpu.elapsed().as_secs_f64(), "wall": wall.elapsed().as_secs_f64() }))
        }
        ["save", number, path] => {
            let positions = (chosen(all, number)?.body)(true)?;
            if let Some(positions) = &positions {
                ndarray_npy::write_npy(path, &positions.as_standard_layout().into_owned())?;
            }
            Ok(json!({ "saved": positions.is_some() }))
        }
        _ => Err(format!("cannot read `{line}`: say list, turn or save").into()),
    }
}

fn main() -> Result<()> {
    let mut all = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let reply = answer(&mut all, &line?)?;
        println!("{reply}");
        std::io::stdout().flush()?;
    }
    Ok(())
}
