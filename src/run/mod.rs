//! The only time loop: carries chunks of chains through all steps on all cores, and calls observers
//! in between.

mod builder;
mod calls;
mod checkpoint;
mod chunk;
mod driver;
#[cfg(feature = "serde")]
mod form;
mod join;
mod looks;
mod memory;
mod moments;
mod observe;
mod per_chain;
#[cfg(feature = "progress")]
mod progress;
mod resume;
mod samples;
mod saved;
mod settings;
mod sharing;
mod spread;
mod start;
mod state_file;
mod stepper;
mod stop_when;
mod summary;
mod tape;
mod threads;
mod trace;
mod whole;

pub use builder::Run;
pub use checkpoint::Checkpoint;
pub(crate) use checkpoint::replace;
pub(crate) use driver::Driver;
pub use moments::MomentsObserver;
pub use observe::{Every, Observer, Snapshot};
#[cfg(feature = "progress")]
pub use progress::ProgressBar;
#[cfg(feature = "progress")]
pub(crate) use progress::bar;
pub use samples::{Divergence, NonFinite, Samples};
pub(crate) use saved::{Saved, Saving, check_of, fail as unreadable};
pub use settings::Settings;
pub(crate) use settings::differing;
pub use spread::Spread;
pub use start::Start;
pub use state_file::StateFile;
pub(crate) use stepper::unasked;
pub use stepper::{Query, Stepper};
pub use stop_when::StopWhen;
pub use summary::{Expected, Summary};
pub use tape::Wanted;
pub(crate) use tape::{Marks, Question, Tape, checked};
pub use trace::Trace;
pub use whole::Whole;
