//! Economics on a server: what would be, computed from FINAL usage and dated price maps on all
//! cores.
//!
//! `usage` prices metered rows and lists what has no price, `inputs` makes of them what
//! `domain::economics::study` asks for, `parallel` draws it, `simulate` drives,
//! `beyond` says which part of a day has the overage price, `figures` sums up each tenant for the
//! optimizer, `listed` says what a list price would change, both by the margin of `tally`;
//! `list_change` says how many decide on one, `problem` what is wrong with a question.

mod beyond;
mod figures;
mod inputs;
mod list_change;
mod listed;
mod parallel;
mod problem;
mod simulate;
mod tally;
mod usage;

pub use figures::{Found, TenantFigures};
pub(crate) use list_change::{Against, facts_now as list_facts};
pub use listed::{Affected, Listed};
pub use parallel::{Stopped, run};
pub use problem::absurd;
pub use simulate::{Cores, Draw, Economics, Shown, SimulateError, Window};
