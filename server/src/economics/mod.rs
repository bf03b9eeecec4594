//! Economics on a server: simulations on all cores.

mod parallel;

pub use parallel::{Stopped, run};
