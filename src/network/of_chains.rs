//! What a network is told of each chain: one value for all chains, or one for each of them.

use std::sync::Arc;

use super::problem::wrong;
use crate::error::{Error, Result};

/// A value for all chains, or one for each.
#[derive(Clone, Debug)]
pub(super) enum OfChains<T> {
    /// All have this one.
    Shared(Arc<T>),
    /// Chain `first` + k has value k.
    PerChain { first: u32, values: Arc<Vec<T>> },
}

/// The values of the rows of a call.
pub(super) enum OfRows<V> {
    Shared(V),
    PerRow(Vec<V>),
}

impl<T> OfChains<T> {
    pub(super) fn shared(value: T) -> Self {
        Self::Shared(Arc::new(value))
    }

    pub(super) fn per_chain(first: u32, values: Vec<T>) -> Self {
        Self::PerChain { first, values: Arc::new(values) }
    }

    /// The value of a chain, or `None` if nothing is said of it.
    pub(super) fn of(&self, chain: u32) -> Option<&T> {
        match self {
            Self::Shared(value) => Some(value),
            Self::PerChain { first, values } => values.get(chain.checked_sub(*first)? as usize),
        }
    }

    /// What `see` shows of the values of rows with these chains, if these are known. `what` names
    /// the values in errors.
    pub(super) fn of_rows<'v, V>(
        &'v self,
        what: &str,
        chains: Option<&[u32]>,
        see: impl Fn(&'v T) -> V,
    ) -> Result<OfRows<V>> {
        match (self, chains) {
            (Self::Shared(value), _) => Ok(OfRows::Shared(see(value))),
            (Self::PerChain { .. }, Some(chains)) => {
                let of = |chain: &u32| {
                    self.of(*chain).map(&see).ok_or_else(|| self.unknown(what, *chain))
                };
                chains.iter().map(of).collect::<Result<_>>().map(OfRows::PerRow)
            }
            (Self::PerChain { .. }, None) => {
                let given = "a call without numbers of chains";
                let expected = "those of the rows: call predict_chains, or give one for all chains";
                Err(wrong(what, given, expected))
            }
        }
    }

    /// The error about a chain of which nothing is said.
    fn unknown(&self, what: &str, chain: u32) -> Error {
        let [first, end] = match self {
            Self::Shared(_) => [0, u64::MAX],
            Self::PerChain { first, values } => {
                [u64::from(*first), u64::from(*first) + values.len() as u64]
            }
        };
        let given = format!("chain {chain}, counted from 0");
        wrong(what, given, format!("chains from {first} to {end}, without it"))
    }
}
