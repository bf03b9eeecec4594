//! What-if: what tenants bring in and cost, how sure we are of it, and what would change it.
//!
//! Money that is stated (a price, an invoice, a statement) is decimal. Probabilities, elasticities
//! and draws are binary floating point, with `libm`'s functions and sums in a fixed order, so that
//! server and browser agree to the bit. Nothing here divides by a revenue of 0 (a margin is then
//! absent), counts an unpriced model as free, or draws a number that its names do not determine.
//!
//! From top to bottom:
//! - **What is**: [`basic`] is the plain formula; [`token_cost`] what providers take; [`sla`] what
//!   ladders of credits owe and recover; [`roll_up`] sums to groups.
//! - **What could be**: [`scenario`] names the shocks, [`stress`] the three that everybody asks
//!   about, and [`what_if`] applies them to metered usage; [`latency`], [`demand`], [`churn`], [`routing_mix`] and [`volatility`] say how the world
//!   answers.
//! - **How sure**: [`penalty`] and [`exact`] are distributions in closed form; [`draw`] and
//!   [`simulation`] sample what has none; [`sample`] and [`comparison`] say what a sample is worth.
//! - **Why**: [`tornado`], [`bridge`] and [`break_even`].
//!
//! [`study`] is a what-if as a whole: a request, its inputs, its answer. [`workload`] is the one that
//! benchmarks run.
//!
//! [`quantity`], [`probability`] and [`EconomicsError`] are what all of them stand on.

pub mod basic;
pub mod break_even;
pub mod bridge;
pub mod churn;
pub mod comparison;
pub mod demand;
pub mod draw;
mod error;
pub mod exact;
pub mod latency;
pub mod penalty;
pub mod probability;
pub mod quantity;
pub mod roll_up;
pub mod routing_mix;
pub mod sample;
pub mod scenario;
pub mod simulation;
pub mod sla;
pub mod stress;
pub mod study;
pub mod token_cost;
pub mod tornado;
pub mod volatility;
pub mod what_if;
pub mod workload;

pub use error::EconomicsError;
