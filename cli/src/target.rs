//! Targets from files: a mixture as JSON, or a data set as .npy with a bandwidth.

use langevin::GaussianMixture;
use langevin::image::Map;

use crate::arguments::TargetOptions;
use crate::failure::{Failure, refuse};
use crate::mixture_file::mixture;
use crate::npy::{Accept, read_rows};

/// A target, and how the numbers of its data set were mapped.
pub struct Target {
    pub mixture: GaussianMixture,
    pub map: Option<Map>,
}

/// The target that the arguments name; the numbers of a data set are mapped to the interval `scale`
/// first, from the smallest and the largest of them.
pub fn load(arguments: &TargetOptions, scale: Option<(f64, f64)>) -> Result<Target, Failure> {
    match (&arguments.data, arguments.bandwidth, &arguments.target) {
        (Some(data), Some(bandwidth), _) => {
            let mut rows = read_rows("--data", data, Accept::Reals)?;
            let named = |error| Failure::Input(format!("--scale: {error}"));
            let map =
                scale.map(|to| Map::of_extremes(rows.view(), to).map_err(named)).transpose()?;
            if let Some(map) = &map {
                map.apply(&mut rows);
            }
            Ok(Target { mixture: GaussianMixture::from_data(rows.view(), bandwidth)?, map })
        }
        (_, _, Some(path)) => mixture(path)
            .map(|mixture| Target { mixture, map: None })
            .map_err(|message| Failure::Input(format!("{}: {message}", path.display()))),
        _ => refuse("nothing to sample: give a TARGET.json, or --data with --bandwidth"),
    }
}
