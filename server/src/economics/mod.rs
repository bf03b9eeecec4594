//! Economics on a server: what would be, computed from FINAL usage and dated price maps on all
//! cores.
//!
//! `usage` prices metered rows and lists what has no price, `inputs` makes a portfolio of them,
//! `parallel` draws it, `answer` says what came of it, `simulate` drives.

mod answer;
mod inputs;
mod parallel;
mod request;
mod simulate;
mod usage;

pub use answer::Answer;
pub use parallel::{Stopped, run};
pub use request::{Request, SCENARIOS_MAX};
pub use simulate::{Economics, SimulateError};
