//! Draws as a Zarr store: a folder of arrays that xarray and ArviZ open.

use std::fs;
use std::io;
use std::path::Path;

use ndarray::ArrayView3;
use serde_json::{Map, Value, json};

use super::array::{Array, Numbers};
use super::collection::Draws;
use super::names::{axis, variables};
use super::place;
use crate::error::Result;
use crate::real::Real;

/// A store is written in chunks of at most so many bytes.
const CHUNK: usize = 1 << 26;
/// The attribute by which a store of this library is known.
const MARK: [&str; 2] = ["creation_library", "langevin"];
const POSTERIOR: &str = "posterior";
const STATS: &str = "sample_stats";

/// The arrays of a group.
struct Group<'a> {
    name: &'static str,
    arrays: Vec<Array<'a>>,
}

impl<F: Real> Draws<F> {
    /// Writes a Zarr store, version 3 of the format: a folder with the groups `posterior` and
    /// `sample_stats`. The [module](crate::draws) lists its arrays. The attributes are those of the
    /// store and of `posterior`.
    ///
    /// The folder appears when it is complete. A folder at this path is replaced if it is empty or
    /// a store of this library, and nothing else is ever replaced.
    ///
    /// # Errors
    /// [`Error::Draws`](crate::Error::Draws) if something else is at this path, or the folder
    /// cannot be written.
    pub fn write_zarr(&self, path: impl AsRef<Path>) -> Result<()> {
        let groups = [
            Group { name: POSTERIOR, arrays: self.posterior()? },
            Group { name: STATS, arrays: self.stats() },
        ];
        place::folder(path.as_ref(), may_go, |folder| self.fill(folder, &groups))
    }

    fn fill(&self, folder: &Path, groups: &[Group<'_>]) -> io::Result<()> {
        let mut attributes = self.attributes().clone();
        let [key, library] = MARK;
        attributes.insert(key.into(), library.into());
        attributes.insert("creation_library_version".into(), env!("CARGO_PKG_VERSION").into());
        attributes.insert("inference_library".into(), library.into());
        attributes.insert("inference_library_version".into(), env!("CARGO_PKG_VERSION").into());
        let mut whole = Map::new();
        for group in groups {
            let inside = folder.join(group.name);
            fs::create_dir(&inside)?;
            let mut members = Map::new();
            for array in &group.arrays {
                let metadata = write_array(&inside.join(&array.name), array)?;
                whole.insert(format!("{}/{}", group.name, array.name), metadata.clone());
                members.insert(array.name.clone(), metadata);
            }
            write_json(&inside, &group_metadata(&attributes, Some(members)))?;
            whole.insert(group.name.into(), group_metadata(&attributes, None));
        }
        write_json(folder, &group_metadata(&attributes, Some(whole)))
    }

    fn posterior(&self) -> Result<Vec<Array<'_>>> {
        let mut arrays = self.coordinates();
        for variable in variables(self.names())? {
            let name = variable.name;
            let third = variable.is_indexed.then(|| (axis(&name), variable.columns.len()));
            arrays.extend(third.clone().map(|(name, length)| counted(name, length)));
            arrays.push(self.drawn(name, third, reals(self.positions(), variable.columns)));
        }
        Ok(arrays)
    }

    fn stats(&self) -> Vec<Array<'_>> {
        let mut arrays = self.coordinates();
        let diverging = self.diverging();
        let truth = Numbers::Truth(Box::new(move |at| diverging[[at[0], at[1]]]));
        arrays.push(self.drawn("diverging".into(), None, truth));
        let steps = self.steps();
        arrays.push(Array {
            name: "step".into(),
            dimensions: vec!["draw".into()],
            shape: vec![steps.len()],
            numbers: Numbers::Whole(Box::new(|at| steps[at[0]])),
        });
        if let Some(log) = self.log_density() {
            let numbers = Numbers::Double(Box::new(move |at| log[[at[0], at[1]]]));
            arrays.push(self.drawn("lp".into(), None, numbers));
        }
        if let Some(momenta) = self.momenta() {
            let dim = momenta.dim().2;
            let third = (axis("momentum"), dim);
            arrays.push(counted(third.0.clone(), dim));
            let numbers = reals(momenta, (0..dim).collect());
            arrays.push(self.drawn("momentum".into(), Some(third), numbers));
        }
        if let Some(energy) = self.energy() {
            let numbers = Numbers::Double(Box::new(move |at| energy[[at[0], at[1]]]));
            arrays.push(self.drawn("energy".into(), None, numbers));
        }
        arrays
    }

    /// The coordinates that all groups have: the numbers of the chains, and of the draws from 0.
    fn coordinates(&self) -> Vec<Array<'_>> {
        let chains = self.chains();
        let chain = Array {
            name: "chain".into(),
            dimensions: vec!["chain".into()],
            shape: vec![chains.len()],
            numbers: Numbers::Whole(Box::new(|at| chains[at[0]])),
        };
        vec![chain, counted("draw".into(), self.steps().len())]
    }

    /// An array (chain, draw), or one with a third dimension.
    fn drawn<'a>(
        &self,
        name: String,
        third: Option<(String, usize)>,
        numbers: Numbers<'a>,
    ) -> Array<'a> {
        let mut dimensions = vec!["chain".to_owned(), "draw".to_owned()];
        let mut shape = vec![self.chains().len(), self.steps().len()];
        if let Some((axis, length)) = third {
            dimensions.push(axis);
            shape.push(length);
        }
        Array { name, dimensions, shape, numbers }
    }
}

/// Chosen coordinates of an array (chain, draw, dim).
fn reals<'a, F: Real>(all: ArrayView3<'a, F>, columns: Vec<usize>) -> Numbers<'a> {
    let at = move |at: &[usize]| {
        let column = columns[at.get(2).copied().unwrap_or(0)];
        all[[at[0], at[1], column]].widen()
    };
    match F::NAME {
        "f32" => Numbers::Single(Box::new(move |index| at(index) as f32)),
        _ => Numbers::Double(Box::new(at)),
    }
}

/// A coordinate 0, 1, ….
fn counted<'a>(name: String, length: usize) -> Array<'a> {
    let numbers = Numbers::Whole(Box::new(|at| at[0] as u64));
    Array { dimensions: vec![name.clone()], name, shape: vec![length], numbers }
}

/// Writes the folder of an array and returns its description.
fn write_array(folder: &Path, array: &Array<'_>) -> io::Result<Value> {
    fs::create_dir(folder)?;
    let shape = array.chunk_shape(CHUNK);
    let metadata = array.metadata(&shape);
    write_json(folder, &metadata)?;
    for which in array.chunks(&shape) {
        let mut place = folder.join("c");
        place.extend(which.iter().map(ToString::to_string));
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&place, array.bytes(&shape, &which))?;
    }
    Ok(metadata)
}

/// The description of a group. With that of its members, a reader needs to open no other file.
fn group_metadata(attributes: &Map<String, Value>, members: Option<Map<String, Value>>) -> Value {
    let mut group = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
    if let Some(members) = members {
        group["consolidated_metadata"] =
            json!({"kind": "inline", "must_understand": false, "metadata": members});
    }
    group
}

fn write_json(folder: &Path, value: &Value) -> io::Result<()> {
    fs::write(folder.join("zarr.json"), format!("{value:#}\n"))
}

/// Whether a folder may be replaced: an empty one, or a store of this library with nothing in it
/// from elsewhere.
pub fn may_go(folder: &Path) -> Result<(), String> {
    const REFUSED: &str = "the folder there is no store of this library; name a new one";
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut is_empty = true;
    for entry in entries {
        is_empty = false;
        let name = entry.map_err(|error| error.to_string())?.file_name();
        if !["zarr.json", POSTERIOR, STATS].iter().any(|known| name == *known) {
            return Err(REFUSED.into());
        }
    }
    let is_marked = || {
        let text = fs::read_to_string(folder.join("zarr.json")).ok()?;
        let value: Value = serde_json::from_str(&text).ok()?;
        Some(value["attributes"][MARK[0]] == MARK[1])
    };
    match is_empty || is_marked() == Some(true) {
        true => Ok(()),
        false => Err(REFUSED.into()),
    }
}
