//! Shards: the chains of a run in several parts, each run by a program of its own.

use std::fmt;
use std::str::FromStr;

use langevin::advanced::quoted;
use langevin::ndarray::{Array2, Axis, Slice};
use langevin::ranks::share;

use crate::arguments::RunOptions;
use crate::failure::{Failure, refuse};

/// Which part of the chains, counted from 1, of how many parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    pub index: usize,
    pub of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let parts = parts.and_then(|(one, all)| Some((one.parse().ok()?, all.parse().ok()?)));
        match parts {
            Some((index, of)) if index >= 1 && index <= of => Ok(Self { index, of }),
            _ => Err(format!("given `{}`, expected I/N with I from 1 to N, as 2/5", quoted(text))),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// The chains that a run takes of all: so many behind the first ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub skipped: usize,
    pub chains: usize,
    /// The number of its first chain.
    pub first: u32,
}

impl RunOptions {
    /// The chains of this run: all, or those of its shard or of its rank. Parts differ by
    /// one chain at most.
    pub fn part(&self) -> Part {
        let rows = match self.shard {
            None => self.ranks().share(self.chains),
            Some(Shard { index, of }) => share(self.chains, index - 1, of),
        };
        let first = self.beginning.first_chain().saturating_add(rows.start as u32);
        Part { skipped: rows.start, chains: rows.len(), first }
    }

    /// The number of chains whose samples this run writes.
    pub fn written(&self) -> usize {
        if self.shard.is_some() { self.part().chains } else { self.chains }
    }

    /// Refuses shards without chains, chains without a number, and sums without a report.
    pub fn check_chains(&self) -> Result<(), Failure> {
        let first = self.beginning.first_chain();
        let end = u64::from(first).checked_add(self.chains as u64);
        if end.is_none_or(|end| end > 1 << 32) {
            return refuse(format!(
                "--chains: given {}, expected numbers below 2^32 from --first-chain {first} on",
                self.chains
            ));
        }
        // A merge may take the sums of shards without a report of them.
        if self.covariance && !self.common.json && self.merge.is_empty() {
            return refuse("--covariance is in the report of --json; give both");
        }
        match self.shard {
            Some(shard) if self.team.size() > 1 => refuse(format!(
                "--shard {shard}: the {} ranks of this run have a share of the chains already; \
                 leave it out",
                self.team.size()
            )),
            Some(shard) if shard.of > self.chains => refuse(format!(
                "--shard {shard}: expected no more shards than the {} chains",
                self.chains
            )),
            _ => Ok(()),
        }
    }

    /// The rows of a start that belong to the chains of this run. Other numbers of rows are left
    /// to be refused.
    pub fn rows_of<F: Clone>(&self, start: Array2<F>) -> Array2<F> {
        let part = self.part();
        if part.chains == self.chains || start.nrows() != self.chains {
            return start;
        }
        let rows = Slice::from(part.skipped..part.skipped + part.chains);
        start.slice_axis(Axis(0), rows).to_owned()
    }
}
