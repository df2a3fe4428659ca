//! The state files of the shards of a run: what only these have, and all of them in order.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use langevin::prelude::Real;
use langevin::run::{Settings, StateFile};
use serde_json::json;

use crate::beginning::read_state;
use crate::checkpoint::shared_settings;
use crate::failure::{Failure, of_file, refuse};
use crate::shard::Shard;

/// The state files among these, and the others.
pub fn sorted(files: &[PathBuf]) -> Result<[Vec<PathBuf>; 2], Failure> {
    let mut all = [Vec::new(), Vec::new()];
    for path in files {
        const TITLE: &[u8] = b"langevin state ";
        let mut head = Vec::new();
        let read = File::open(path).and_then(|file| file.take(15).read_to_end(&mut head));
        read.map_err(|error| of_file(path, format!("cannot be read: {error}")))?;
        all[usize::from(head != TITLE)].push(path.clone());
    }
    Ok(all)
}

/// What the state file of a shard has beside the settings of all shards.
pub fn of_shard(hash: Option<String>, seconds: f64) -> Settings {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let own = [
        ("kind", "shard".into()),
        ("arguments", json!(words).to_string()),
        ("out sha256", hash.unwrap_or_else(|| "none".into())),
        ("seconds", seconds.to_string()),
    ];
    own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// One shard: its file, and what was in it.
pub struct Piece<F> {
    pub path: PathBuf,
    pub file: StateFile<F>,
}

/// The state files in the order of their chains: all of one run, and all of it.
pub fn pieces<F: Real>(
    paths: &[PathBuf],
    settings: &Settings,
    steps: usize,
) -> Result<Vec<Piece<F>>, Failure> {
    let mut pieces = BTreeMap::new();
    let mut parts = None;
    let shared = shared_settings(settings);
    for path in paths {
        let file = read_state::<F>(path).map_err(|why| of_file(path, why))?;
        let shard = file.settings.get("shard").and_then(|text| text.parse::<Shard>().ok());
        let Some(shard) = shard else { return Err(of_file(path, "it is not that of a shard")) };
        let own = shared_settings(&file.settings);
        for name in shared.keys().chain(own.keys()) {
            let value = |of: &Settings| of.get(name).map_or("nothing".into(), String::clone);
            if value(&shared) != value(&own) {
                let expected = value(&shared);
                let why = format!("{name}: it has {}, expected {expected}", value(&own));
                return Err(of_file(path, why));
            }
        }
        if *parts.get_or_insert(shard.of) != shard.of {
            let of = parts.unwrap_or_default();
            return Err(of_file(path, format!("it is shard {shard}, but others are of {of}")));
        }
        let taken = file.samples.steps;
        if taken < steps as u64 {
            let why = format!("shard {shard} was stopped after step {taken} of {steps}");
            return Err(of_file(path, why));
        }
        if let Some(Piece { path: other, .. }) = pieces.get(&shard.index) {
            let other: &PathBuf = other;
            let why = format!("it is shard {shard}, as {} is", other.display());
            return Err(of_file(path, why));
        }
        pieces.insert(shard.index, Piece { path: path.clone(), file });
    }
    let of = parts.unwrap_or_default();
    match (1..=of).find(|index| !pieces.contains_key(index)) {
        Some(missing) => refuse(format!("shard {missing}/{of} is missing")),
        None => Ok(pieces.into_values().collect()),
    }
}

impl<F: Real> Piece<F> {
    /// How long the shard took.
    pub fn seconds(&self) -> f64 {
        let text = self.file.settings.get("seconds");
        text.and_then(|text| text.parse().ok()).unwrap_or(0.0)
    }
}
