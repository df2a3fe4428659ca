//! The ranks that do a run together, and what each of them has to do.

use std::sync::Arc;

use langevin::ranks::{Alone, Ranks};
use langevin::run::Settings;

use crate::arguments::RunOptions;
use crate::failure::{Failure, refuse};

/// The ranks of the program: one, or those of an MPI job.
#[derive(Clone)]
pub struct Team(Arc<dyn Ranks>);

impl Default for Team {
    fn default() -> Self {
        Self::new(Arc::new(Alone))
    }
}

impl Team {
    pub fn new(ranks: Arc<dyn Ranks>) -> Self {
        Self(ranks)
    }

    pub fn ranks(&self) -> Arc<dyn Ranks> {
        self.0.clone()
    }

    /// Whether this rank reads and writes for all: it alone has outputs.
    pub fn is_first(&self) -> bool {
        self.0.rank() == 0
    }

    pub fn size(&self) -> usize {
        self.0.size()
    }

    /// Which rank this is, before its error; nothing for one process.
    pub fn name(&self) -> String {
        match self.size() {
            1 => String::new(),
            size => format!("rank {} of {size}: ", self.0.rank()),
        }
    }
}

impl RunOptions {
    /// Whether each rank runs some of the chains.
    pub fn shares_chains(&self) -> bool {
        self.team.size() > 1 && self.chains >= self.team.size()
    }

    /// Whether there are more ranks than chains: then they share the rows of every call.
    pub fn shares_rows(&self) -> bool {
        self.team.size() > 1 && !self.shares_chains()
    }

    /// The ranks among which the chains are shared out.
    pub fn ranks(&self) -> Arc<dyn Ranks> {
        if self.shares_chains() { self.team.ranks() } else { Arc::new(Alone) }
    }

    /// Lets all ranks begin together, and makes sure that they are about to do the same run. No
    /// rank writes a file before this, so that all find the same ones.
    pub fn begin_together(&self, settings: &Settings) -> Result<(), Failure> {
        let team = &self.team;
        if team.size() == 1 {
            return Ok(());
        }
        let own = format!("{settings:?}").into_bytes();
        let first = team.0.gather_all(own.clone()).map_err(langevin::Error::Ranks)?;
        match first.iter().position(|other| *other != first[0]) {
            Some(other) => refuse(format!(
                "rank {other} has other options or input files than rank 0; expected the same"
            )),
            None => Ok(()),
        }
    }
}
