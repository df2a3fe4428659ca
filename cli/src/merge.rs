//! `langevin merge`: the shards of a run as one, with the outputs and the report of a run that had
//! all chains.

use std::path::{Path, PathBuf};

use clap::Args;
use langevin::draws::places;
use langevin::prelude::{MomentsObserver, Observer, Real, Samples, Trace};

use crate::arguments::RunOptions;
use crate::beginning::read_state;
use crate::checkpoint::base_settings;
use crate::failure::{Failure, of_file, refuse};
use crate::inputs::{hash, same_file};
use crate::joined_frames::Frames;
use crate::output::OutputFile;
use crate::pieces::{Piece, pieces, sorted};
use crate::samples_file::{SamplesFile, is_csv};
use crate::simulation::{Job, Outcome, moments_of, warn_of_rounding};
use crate::trace_file::Kept;

#[derive(Args)]
pub struct Merge {
    /// The state files of all shards, in any order; with --every and --out also the outputs of all
    /// shards
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Samples of all chains, .npy or .csv; - is stdout
    #[arg(long, value_name = "OUT.npy")]
    out: Option<PathBuf>,
    /// Picture of the final positions over the density
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<PathBuf>,
    /// Picture of the first samples of generate as small images
    #[arg(long, value_name = "OUT.png")]
    grid_image: Option<PathBuf>,
    /// The saved draws of all chains, if the shards have kept theirs with --trace
    #[arg(long, value_name = "DIR.zarr|FILE.npy|FILE.csv")]
    trace: Option<PathBuf>,
    /// The draws of all chains of posterior, with their names, log density and verdict
    #[arg(long, value_name = "DIR.zarr|FILE.npy")]
    draws: Option<PathBuf>,
    /// The state of all chains at the end, for --resume
    #[arg(long, value_name = "FILE")]
    save_state: Option<PathBuf>,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Load the library that the shards name with --target-library or --engine-library. Its code
    /// runs: give this only for state files that you trust
    #[arg(long)]
    trust_libraries: bool,
}

/// The output of a posterior.
const DRAWS: &str = "--draws";

/// The options of outputs, with what was given for each.
type Outputs<'o> = [(&'static str, &'o Option<PathBuf>); 6];

/// The command that a run with all chains would have had, with the shards in place of the run.
pub fn command(arguments: &Merge) -> Result<Vec<String>, Failure> {
    let outputs = [
        ("--out", &arguments.out),
        ("--plot", &arguments.plot),
        ("--grid-image", &arguments.grid_image),
        ("--trace", &arguments.trace),
        (DRAWS, &arguments.draws),
        ("--save-state", &arguments.save_state),
    ];
    for (option, path) in outputs.iter().filter_map(|(name, path)| Some((name, path.as_ref()?))) {
        let own =
            if ["--trace", DRAWS].contains(option) { places(path) } else { vec![path.clone()] };
        own.iter().try_for_each(|place| spare(option, place, &arguments.files))?;
    }
    let [states, _] = sorted(&arguments.files)?;
    let Some(first) = states.first() else { return refuse("there is no state file of a shard") };
    // A file of the other precision is told apart when it is read again.
    let settings = read_state::<f64>(first).map(|file| file.settings);
    let settings = settings.or_else(|_| read_state::<f32>(first).map(|file| file.settings));
    let settings = settings.map_err(|why| of_file(first, why))?;
    let words = settings.get("arguments");
    let words = words.and_then(|text| serde_json::from_str::<Vec<String>>(text).ok());
    let Some(words) = words else { return Err(of_file(first, "it is not that of a shard")) };
    if !arguments.trust_libraries {
        check_libraries(first, &words)?;
    }
    check_outputs(&words, &outputs)?;
    let mut whole = vec!["langevin".to_owned()];
    whole.extend(without_outputs(words, &outputs));
    for (option, path) in outputs {
        whole.extend(path.iter().flat_map(|path| [option.into(), path.display().to_string()]));
    }
    whole.extend(arguments.json.then(|| "--json".to_owned()));
    for file in &arguments.files {
        whole.extend(["--merge".into(), file.display().to_string()]);
    }
    Ok(whole)
}

/// The merged files stay: they are not the outputs of one run that may take another's place.
fn spare(option: &str, output: &Path, files: &[PathBuf]) -> Result<(), Failure> {
    match files.iter().find(|file| same_file(file, output)) {
        Some(file) => refuse(format!(
            "{option} {} would replace {}, which is merged; give it another name",
            output.display(),
            file.display()
        )),
        None => Ok(()),
    }
}

/// A posterior has draws, and other commands have samples.
fn check_outputs(words: &[String], outputs: &Outputs<'_>) -> Result<(), Failure> {
    let is_posterior = is_posterior(words);
    let has = |name: &str| (name == DRAWS) == is_posterior;
    match outputs.iter().find(|(name, path)| path.is_some() && !has(name)) {
        Some((name, _)) if is_posterior => refuse(format!(
            "{name}: given shards of posterior, expected --draws alone; leave {name} out"
        )),
        Some((name, _)) => refuse(format!(
            "{name}: given shards of {}, expected those of posterior; give --out or --trace",
            words.first().map_or("another command", |word| word)
        )),
        None => Ok(()),
    }
}

fn is_posterior(words: &[String]) -> bool {
    words.first().is_some_and(|word| word == "posterior")
}

/// A state file must not make code run that its reader has not asked for.
fn check_libraries(path: &Path, words: &[String]) -> Result<(), Failure> {
    const LIBRARIES: [&str; 2] = ["--target-library", "--engine-library"];
    match LIBRARIES.iter().find(|name| words.iter().any(|word| word.contains(**name))) {
        Some(name) => Err(of_file(
            path,
            format!(
                "its command has {name}, which runs the code of that library; give \
                 --trust-libraries if you trust the file"
            ),
        )),
        None => Ok(()),
    }
}

/// The words of a command without the options that belong to one shard alone.
fn without_outputs(words: Vec<String>, outputs: &Outputs<'_>) -> Vec<String> {
    const SINGLE: [&str; 2] = ["--json", "--quiet"];
    const OTHERS: [&str; 5] =
        ["--checkpoint", "--checkpoint-every", "--resume", "--shard", "--threads"];
    // These go with an output that there may not be.
    const WITH: [(&str, &str); 2] = [("--image-shape", "--grid-image"), ("--names", "--trace")];
    // The names of a posterior are in its report.
    let is_posterior = is_posterior(&words);
    let is_asked =
        |name: &str| outputs.iter().any(|(option, path)| *option == name && path.is_some());
    let is_dropped = |name: &str| {
        OTHERS.contains(&name)
            || outputs.iter().any(|(option, _)| *option == name)
            || (!is_posterior
                && WITH.iter().any(|(option, output)| *option == name && !is_asked(output)))
    };
    let mut kept = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.split_once('=') {
            Some((name, _)) if is_dropped(name) => {}
            _ if SINGLE.contains(&&word[..]) => {}
            None if is_dropped(&word) => {
                words.next();
            }
            _ => kept.push(word),
        }
    }
    kept
}

impl<F: Real> Piece<F> {
    /// What an observer saved.
    fn saved(&self, index: usize) -> Option<&[u8]> {
        self.file.observers.as_ref()?.get(index)?.as_deref()
    }

    /// An observer with what that of the shard has gathered.
    fn filled<O: Observer<F>>(&self, index: usize, own: Option<O>) -> Result<Option<O>, Failure> {
        let Some(mut own) = own else { return Ok(None) };
        let Some(saved) = self.saved(index) else {
            return Err(of_file(&self.path, "the shard has kept no draws; run it with --trace"));
        };
        own.restore(saved).map_err(|why| of_file(&self.path, why))?;
        Ok(Some(own))
    }

    /// Its output among these files.
    fn output<'p>(&self, hashed: &'p [(Option<String>, PathBuf)]) -> Result<&'p Path, Failure> {
        let own = self.file.settings.get("out sha256");
        match hashed.iter().find(|(hash, _)| hash.is_some() && hash.as_ref() == own) {
            Some((_, path)) => Ok(path),
            None => Err(of_file(
                &self.path,
                "the output of this shard is missing; name those of all shards as well",
            )),
        }
    }
}

/// What the observers of all shards have gathered.
struct Gathered<F> {
    moments: Option<MomentsObserver>,
    trace: Option<Trace<F>>,
    seconds: f64,
}

impl<F: Real> Gathered<F> {
    /// The sums and the draws of all shards, in the order of their chains.
    fn of(
        pieces: &[Piece<F>],
        moments: &Option<MomentsObserver>,
        trace: &Option<Trace<F>>,
    ) -> Result<Self, Failure> {
        let mut all = Self { moments: None, trace: None, seconds: 0.0 };
        for piece in pieces {
            let moments = piece.filled(0, moments.clone())?;
            let trace = piece.filled(1, trace.clone())?;
            match (&mut all.moments, moments) {
                (Some(all), Some(next)) => all.append(next)?,
                (_, next) => all.moments = next,
            }
            match (&mut all.trace, trace) {
                (Some(all), Some(next)) => all.append(next)?,
                (_, next) => all.trace = next,
            }
            all.seconds += piece.seconds();
        }
        Ok(all)
    }
}

/// The frames in the outputs of the shards.
fn frames_of<F: Real>(
    pieces: &[Piece<F>],
    arrays: &[PathBuf],
    is_csv: bool,
) -> Result<Frames, Failure> {
    let hashed: Vec<_> = arrays.iter().map(|path| (hash(path), path.clone())).collect();
    let mut outputs = Vec::new();
    let mut dim = 0;
    for piece in pieces {
        let wanted = if is_csv { "csv" } else { "npy" };
        let kind = piece.file.settings.get("out").map_or("none", String::as_str);
        if kind != "none" && kind != wanted {
            let why = format!("its output is .{kind}, but --out is .{wanted}; give --out .{kind}");
            return Err(of_file(&piece.path, why));
        }
        dim = piece.file.samples.dim;
        let chains = piece.file.samples.positions().nrows();
        outputs.push((piece.output(&hashed)?.to_path_buf(), chains));
    }
    Frames::open(&outputs, dim, is_csv)
}

/// The outcome of the run that the shards are of.
pub fn joined<F: Real>(
    options: &RunOptions,
    job: Job<'_, F>,
    kept: &mut Kept<'_, F>,
    mut out: Option<(OutputFile, &Path)>,
    state: Option<OutputFile>,
) -> Result<Outcome<F>, Failure> {
    let steps = job.grid.steps();
    let [states, arrays] = sorted(&options.merge)?;
    let pieces = pieces::<F>(&states, &job.settings, steps)?;
    let moments = moments_of(options, job.moments);
    let Gathered { moments, trace, seconds } = Gathered::of(&pieces, &moments, &kept.trace)?;
    kept.trace = trace;
    if let Some((mut file, path)) = out.take_if(|_| job.frames.is_some()) {
        let frames = frames_of(&pieces, &arrays, is_csv(path))?;
        frames.join::<F>(&mut file.writer).map_err(|error| file.failed(error))?;
        file.finish()?;
    }
    let samples = Samples::join(pieces.into_iter().map(|piece| piece.file.samples).collect())?;
    if let Some((file, path)) = out {
        let begun = SamplesFile::begin::<F>(file, path, None, steps, samples.positions().dim())?;
        begun.finish(samples.steps, &samples)?.0.finish()?;
    }
    warn_of_rounding(&samples);
    if let Some(file) = state {
        file.fill(|to| samples.write_state(&base_settings(&job.settings), to))?;
    }
    Ok(Outcome {
        samples,
        seconds,
        before: 0,
        is_recovered: false,
        planned_steps: steps,
        moments,
        saved: job.frames.map(|every| every.count(steps)),
        stopped: None,
    })
}
