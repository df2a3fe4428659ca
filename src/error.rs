//! The error type of the crate, and the error type that drifts and observers may return.

/// What a user's drift or observer returns when it fails: any error, so that `?` works inside a
/// closure.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Everything that can go wrong, with the numbers that were given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number is outside the range in which the method makes sense.
    #[error("{name}: given {given}, expected {expected}")]
    Invalid {
        /// The parameter, as spelled in the API.
        name: &'static str,
        /// The value that was given.
        given: f64,
        /// The range, in words.
        expected: &'static str,
    },
    /// An array does not have the shape that its neighbours ask for.
    #[error("{what}: given shape {given}, expected {expected}")]
    Shape {
        /// The array, in words.
        what: &'static str,
        /// The shape that was given.
        given: String,
        /// The shape that was expected.
        expected: String,
    },
    /// A number that was given is NaN or infinite.
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
        /// Row at which the Cholesky factorisation broke down, or which is not symmetric.
        row: usize,
        /// What was found there: a pivot that is not positive, or an asymmetry.
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
        /// Index of the offending knot.
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
        /// What was asked for.
        wanted: &'static str,
        /// ᾱ of the level.
        alpha_bar: f64,
    },
    /// A budget of evaluations is too small for a method.
    #[error("{method}: {given} evaluations are too few, it needs at least {needed} here")]
    TooFew {
        /// The method.
        method: &'static str,
        /// The budget that was given.
        given: usize,
        /// What is needed.
        needed: usize,
    },
    /// Options were given of which only one may be.
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
        /// Index of the offending level in the list.
        index: usize,
        /// The level before it (the largest there is, for the first).
        previous: usize,
        /// The level itself.
        next: usize,
    },
    /// A word of a splitting integrator has a letter that stands for nothing.
    #[error(
        "word `{word}`: letter {position} is `{letter}`; \
         expected A (position), B (momentum) and O (friction and noise)"
    )]
    Letter {
        /// The word.
        word: String,
        /// The letter.
        letter: char,
        /// Its position, from 1.
        position: usize,
    },
    /// A word of a splitting integrator makes no sense.
    #[error("word `{word}` of {length} letters; expected {expected}")]
    Word {
        /// The word.
        word: String,
        /// The number of its letters.
        length: usize,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// A method needs a log density and the drift has none.
    #[error(
        "{method} needs the log density of the target, and this drift has none; \
         add one with WithDensity::new(drift, density)"
    )]
    NoDensity {
        /// The method.
        method: &'static str,
    },
    /// A chain left the finite numbers.
    #[error(
        "chain {chain} is no longer finite after step {step} (time {time}): \
         the step is probably too large for this target; \
         try a smaller one, or let diverged chains be frozen or ignored"
    )]
    Diverged {
        /// Number of the chain (the offset of the run included).
        chain: u64,
        /// The step, counted from 1, after which a coordinate was NaN or infinite.
        step: u64,
        /// Time at the end of that step.
        time: f64,
    },
    /// The drift returned an error.
    #[error(
        "the drift failed in step {step} (time {time}), \
         in the chunk of chains that begins with {chain}: {source}"
    )]
    Drift {
        /// First chain of the chunk that was being evaluated.
        chain: u64,
        /// The step, counted from 1.
        step: u64,
        /// Time at the start of that step.
        time: f64,
        /// What the drift said.
        source: BoxError,
    },
    /// An observer returned an error.
    #[error("an observer failed after step {step}: {source}")]
    Observer {
        /// Steps completed.
        step: u64,
        /// What the observer said.
        source: BoxError,
    },
    /// A sampler has no stationary distribution on the target it was probed on.
    #[error(
        "no stationary distribution: second moments grow by a factor {growth} per step (1 or more); \
         the step is too large for this curvature, or too small for its effect to be seen in f64"
    )]
    Unstable {
        /// Spectral radius of the map of second moments.
        growth: f64,
    },
    /// The exact probe cannot average the coins of this sampler.
    #[error("the probe cannot average this sampler exactly: {reason}")]
    NotProbeable {
        /// Why, and what to try.
        reason: &'static str,
    },
    /// There is nothing of this name.
    #[error("unknown {what} `{given}`; there are: {known}")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// The name that was given.
        given: String,
        /// The names there are.
        known: String,
    },
    /// An option was given that would have no effect.
    #[error("{option} is not an option of {by}, which takes {takes}; leave it out")]
    NotTaken {
        /// The option.
        option: String,
        /// The method, dynamics or process that was chosen.
        by: String,
        /// The options it takes, or "no options".
        takes: String,
    },
    /// The text of an option cannot be read.
    #[error("{option}: given `{given}`, expected {expected}")]
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
    /// A model of one kind was given where another kind is needed.
    #[error("model: given {given}, expected {expected}")]
    Model {
        /// What the model is.
        given: String,
        /// What is needed.
        expected: String,
    },
    /// An option is missing that a method needs.
    #[error("{by} needs the option {option}")]
    Missing {
        /// The option.
        option: &'static str,
        /// The method that needs it.
        by: &'static str,
    },
    /// The thread pool could not be started.
    #[error("cannot start {threads} threads: {source}")]
    Threads {
        /// The number asked for.
        threads: usize,
        /// What the operating system said.
        source: BoxError,
    },
    /// The environment asks for an instruction set that is unknown or that this processor lacks.
    #[error("LANGEVIN_SIMD is `{given}`; this machine knows: {known}")]
    InstructionSet {
        /// The value of the variable.
        given: String,
        /// The names that would work here.
        known: &'static str,
    },
    /// The file of a network could not be read.
    #[cfg(feature = "mlp")]
    #[error("cannot read the network {path}: {source}")]
    NetworkFile {
        /// The path that was given.
        path: String,
        /// What the operating system said.
        source: BoxError,
    },
    /// A network is not as docs/network-format.md says, or is asked for what it does not do.
    #[cfg(feature = "mlp")]
    #[error("network, {what}: given {given}, expected {expected}")]
    Network {
        /// The place: an entry of the description, or a tensor.
        what: String,
        /// What stands there.
        given: String,
        /// What should.
        expected: String,
    },
    /// An ONNX network is not as the module `onnx` says, or is asked for what it does not do.
    #[cfg(feature = "onnx")]
    #[error("ONNX network, {what}: given {given}, expected {expected}")]
    Onnx {
        /// The place: an input, the output, the graph or an option.
        what: String,
        /// What stands there.
        given: String,
        /// What should.
        expected: String,
    },
    /// The library that runs ONNX networks, tract, failed.
    #[cfg(feature = "onnx")]
    #[error("ONNX network, {doing}: {message}")]
    Tract {
        /// What it was doing.
        doing: &'static str,
        /// What it said.
        message: String,
    },
    /// A picture could not be drawn or encoded.
    #[cfg(feature = "plot")]
    #[error("the {format} picture could not be made: {message}")]
    Picture {
        /// The file format.
        format: &'static str,
        /// What the drawing library said.
        message: String,
    },
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A finite number greater than zero, or the error that says so.
pub(crate) fn positive(name: &'static str, given: f64) -> Result<f64> {
    if given > 0.0 && given.is_finite() {
        Ok(given)
    } else {
        Err(Error::Invalid { name, given, expected: "a finite number > 0" })
    }
}

/// A finite number, or the error that says so.
pub(crate) fn finite(name: &'static str, given: f64) -> Result<f64> {
    if given.is_finite() {
        Ok(given)
    } else {
        Err(Error::Invalid { name, given, expected: "a finite number" })
    }
}

/// A count from `least` to `most`, or the error that says so.
pub(crate) fn count(
    name: &'static str,
    given: usize,
    least: usize,
    most: usize,
    expected: &'static str,
) -> Result<usize> {
    if (least..=most).contains(&given) {
        Ok(given)
    } else {
        Err(Error::Invalid { name, given: given as f64, expected })
    }
}
