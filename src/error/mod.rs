//! The error type of the crate, and the error type that drifts and observers may return.

mod check;
mod hint;
mod names;

use crate::quoted::quoted;
pub(crate) use check::{count, finite, positive};
use hint::{divergence, instability, short};
pub use names::{BoxError, Result};

/// All errors of this crate, with the values that were given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number is outside its valid range.
    #[error("{name}: given {given}, expected {expected}")]
    Invalid {
        /// The parameter, as spelled in the API.
        name: &'static str,
        /// The value that was given.
        given: f64,
        /// The range, in words.
        expected: &'static str,
    },
    /// An array does not have the required shape.
    #[error("{what}: given shape {given}, expected {expected}")]
    Shape {
        /// The array, in words.
        what: &'static str,
        /// The shape that was given.
        given: String,
        /// The shape that was expected.
        expected: String,
    },
    /// A given number is NaN or infinite.
    #[error("{what}: the number in row {row}, column {column} is not finite")]
    NonFinite {
        /// The array, in words.
        what: &'static str,
        /// Row of the first such number, from 0.
        row: usize,
        /// Column of the first such number, from 0.
        column: usize,
    },
    /// A parameter of one mixture component is outside its range.
    #[error("component {component}: {name} is {given}, expected {expected}")]
    Component {
        /// Index of the component, from 0.
        component: usize,
        /// The parameter.
        name: &'static str,
        /// The value that was given.
        given: f64,
        /// The range, in words.
        expected: &'static str,
    },
    /// A covariance matrix is not symmetric positive definite.
    #[error(
        "component {component}: the covariance is not symmetric positive definite \
         ({found} {value} in row {row}); check the matrix, or add variance to its diagonal yourself"
    )]
    NotPositiveDefinite {
        /// Index of the component, from 0.
        component: usize,
        /// Row in which the Cholesky factorisation failed, or which is not symmetric.
        row: usize,
        /// What was found in that row: a pivot that is not positive, or an asymmetry.
        found: &'static str,
        /// Its value.
        value: f64,
    },
    /// A time grid is not strictly increasing.
    #[error(
        "time grid: knot {index} is {next} and the one before it {previous}; \
         knots must increase strictly"
    )]
    Grid {
        /// Index of the wrong knot.
        index: usize,
        /// The knot before it.
        previous: f64,
        /// The knot itself.
        next: f64,
    },
    /// A quantity cannot be computed from what a model predicts.
    #[error(
        "{wanted} does not follow from a prediction of {from} at alpha bar {alpha_bar}: \
         pure noise says nothing about the data; start at a lower level, \
         or use a model that predicts the velocity or the data"
    )]
    Unreachable {
        /// What the model predicts.
        from: &'static str,
        /// The quantity that was requested.
        wanted: &'static str,
        /// ᾱ of the level.
        alpha_bar: f64,
    },
    /// The number of evaluations is too small for a method.
    #[error("{method}: {given} evaluations are too few, it needs at least {needed} here")]
    TooFew {
        /// The method.
        method: &'static str,
        /// The number of evaluations that was given.
        given: usize,
        /// The smallest number that suffices.
        needed: usize,
    },
    /// An option, or an entry of a list, was given twice.
    #[error("{} is given twice; give it once", quoted(.what))]
    Twice {
        /// What was given twice.
        what: String,
    },
    /// Several options were given, and only one of them is allowed.
    #[error("give only one of {options}")]
    Clash {
        /// The options.
        options: &'static str,
    },
    /// The visited levels of a discrete chain do not decrease strictly.
    #[error(
        "levels visited: entry {index} is level {next} after level {previous}; \
         levels must decrease strictly to 0 (level = 0-based training timestep + 1)"
    )]
    Levels {
        /// Index of the wrong level in the list.
        index: usize,
        /// The level before it. For the first level, it is the largest level of the chain.
        previous: usize,
        /// The level itself.
        next: usize,
    },
    /// A word of a splitting integrator has a letter other than A, B and O.
    #[error(
        "word `{}`: letter {position} is `{}`; \
         expected A (position), B (momentum) and O (friction and noise)",
        quoted(.word), letter.escape_debug()
    )]
    Letter {
        /// The word.
        word: String,
        /// The letter.
        letter: char,
        /// Position of the letter, counted from 1.
        position: usize,
    },
    /// A word of a splitting integrator is not valid.
    #[error("word `{}` of {length} letters; expected {expected}", quoted(.word))]
    Word {
        /// The word.
        word: String,
        /// Number of its letters.
        length: usize,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// A method requires a log density and the drift has none.
    #[error(
        "{method} needs the log density of the target, and this drift has none; \
         add one with WithDensity::new(drift, density)"
    )]
    NoDensity {
        /// The method.
        method: &'static str,
    },
    /// A chain became NaN or infinite.
    #[error(
        "chain {chain} is no longer finite after step {step} (time {}): {}; \
         or let diverged chains be frozen or ignored",
        short(*time), divergence(*step)
    )]
    Diverged {
        /// Number of the chain. It includes the run's first chain number.
        chain: u64,
        /// The step, counted from 1, after which a coordinate was NaN or infinite.
        step: u64,
        /// Time at the end of that step.
        time: f64,
    },
    /// The drift returned an error.
    #[error(
        "the drift failed in step {step} (time {}), \
         in the chunk of chains that begins with {chain}: {source}",
        short(*time)
    )]
    Drift {
        /// First chain of the chunk that was evaluated.
        chain: u64,
        /// The step, counted from 1.
        step: u64,
        /// Time at the start of that step.
        time: f64,
        /// The error that the drift returned.
        source: BoxError,
    },
    /// The coefficients of a step are not finite, its noise has no covariance, or a number that
    /// must not vanish underflows.
    #[error(
        "the dynamics has no coefficients for step {step} (time {}, length {}): {what}; \
         check its constants and the step",
        short(*time), short(*length)
    )]
    Coefficients {
        /// The step, counted from 1.
        step: u64,
        /// Time at its start.
        time: f64,
        /// Its length.
        length: f64,
        /// What is wrong.
        what: &'static str,
    },
    /// An observer returned an error.
    #[error("an observer failed after step {step}: {source}")]
    Observer {
        /// Number of completed steps.
        step: u64,
        /// The error that the observer returned.
        source: BoxError,
    },
    /// A sampler has no stationary distribution on the probed target.
    #[error(
        "no stationary distribution: second moments change by a factor {growth} per step; {}",
        instability(*growth)
    )]
    Unstable {
        /// Spectral radius of the map of second moments.
        growth: f64,
    },
    /// The probe cannot average the coins of this sampler exactly.
    #[error("the probe cannot average this sampler exactly: {reason}")]
    NotProbeable {
        /// The reason, and what to try.
        reason: &'static str,
    },
    /// No item has this name.
    #[error("unknown {what} `{}`; there are: {known}", quoted(.given))]
    Unknown {
        /// The kind of item.
        what: &'static str,
        /// The name that was given.
        given: String,
        /// The known names.
        known: String,
    },
    /// An option was given that would have no effect.
    #[error("{} is not an option of {by}, which takes {takes}; leave it out", quoted(.option))]
    NotTaken {
        /// The option.
        option: String,
        /// The method, dynamics or process that was chosen.
        by: String,
        /// The options that it takes, or "no options".
        takes: String,
    },
    /// The text of an option cannot be read.
    #[error("{}: given `{}`, expected {expected}", quoted(.option), quoted(.given))]
    Value {
        /// The option.
        option: String,
        /// The text that was given.
        given: String,
        /// What was expected, in words.
        expected: String,
    },
    /// The dimension of a run is unknown.
    #[error(
        "the drift has no dimension and no start was given; \
         give a start, or the dimension with start_normal(dim)"
    )]
    NoDimension,
    /// Memory cannot hold the chains of a run.
    #[error(
        "chains: given {chains}, expected no more than memory holds: in {dim} dimensions the run \
         takes {bytes} bytes; try fewer chains, and join parts by their first chain"
    )]
    Memory {
        /// The number of chains.
        chains: usize,
        /// The dimension of a position.
        dim: usize,
        /// The bytes that the run would take.
        bytes: u128,
    },
    /// A run is to be resumed with something that it was not begun with.
    #[error("{what}: given {given}, but the run to resume has {expected}")]
    Mismatch {
        /// What does not fit.
        what: String,
        /// What this run has.
        given: String,
        /// What the run to resume has.
        expected: String,
    },
    /// The state of a run cannot be written to a file or read from it.
    #[error("state file: {reason}")]
    StateFile {
        /// Why not.
        reason: String,
    },
    /// Draws cannot be written, or their log density cannot be computed.
    #[error("draws: {reason}")]
    Draws {
        /// Where, and why not.
        reason: String,
    },
    /// A model of the wrong kind was given.
    #[error("model: given {given}, expected {expected}")]
    Model {
        /// The kind of the model.
        given: String,
        /// The required kind.
        expected: String,
    },
    /// An option that a method requires is missing.
    #[error("{by} needs the option {option}")]
    Missing {
        /// The option.
        option: &'static str,
        /// The method that requires it.
        by: String,
    },
    /// The thread pool could not be started.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// The requested number of threads.
        threads: usize,
        /// The error of the operating system.
        source: BoxError,
    },
    /// Another rank of a run has failed or left.
    #[error("ranks of the run: {0}")]
    Ranks(BoxError),
    /// `LANGEVIN_SIMD` names an instruction set that is unknown or that this processor lacks.
    #[error("LANGEVIN_SIMD is `{}`; this machine knows: {known}", quoted(.given))]
    InstructionSet {
        /// The value of the variable.
        given: String,
        /// The names that work on this machine.
        known: &'static str,
    },
    /// The file of a network could not be read.
    #[cfg(feature = "mlp")]
    #[error("cannot read the network {}: {source}", crate::quoted::escaped(.path))]
    NetworkFile {
        /// The path that was given.
        path: String,
        /// The error of the operating system.
        source: BoxError,
    },
    /// A network does not follow docs/network-format.md, or does not support what was requested.
    #[cfg(feature = "mlp")]
    #[error(
        "network, {}: given {}, expected {}",
        crate::quoted::abridged(.what), quoted(.given), crate::quoted::abridged(.expected)
    )]
    Network {
        /// The place: an entry of the description, or a tensor.
        what: String,
        /// What was found there.
        given: String,
        /// What was expected there.
        expected: String,
    },
    /// An ONNX network does not follow the module `onnx`, or does not support what was requested.
    #[cfg(feature = "onnx")]
    #[error(
        "ONNX network, {}: given {}, expected {}",
        crate::quoted::abridged(.what), quoted(.given), crate::quoted::abridged(.expected)
    )]
    Onnx {
        /// The place: an input, the output, the graph or an option.
        what: String,
        /// What was found there.
        given: String,
        /// What was expected there.
        expected: String,
    },
    /// ONNX Runtime, the library that runs ONNX networks, failed.
    #[cfg(feature = "onnx")]
    #[error("ONNX network, {doing}: {}", crate::quoted::escaped(.message))]
    Engine {
        /// The operation that failed.
        doing: &'static str,
        /// The message of the library.
        message: String,
    },
    /// A picture could not be drawn or encoded.
    #[cfg(feature = "plot")]
    #[error("the {format} picture could not be made: {}", crate::quoted::abridged(.message))]
    Picture {
        /// The file format.
        format: &'static str,
        /// The message of the drawing library.
        message: String,
    },
}
