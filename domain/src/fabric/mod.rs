//! Which cloud a client is sent to, and why.
//!
//! Everything here is pure: probes, reports of other clouds, scores and the time are arguments.
//! Formulas are numbered as in the vectors (`domain/tests/vectors/routing/FORMULAS.md`), times are
//! milliseconds unless a name says seconds, and ties go to the cloud that is named first.
//!
//! From a probe to an answer:
//! - **Is it there?** [`health`] counts probes (F5), [`verdict`] takes the votes of a majority (F6).
//! - **Does it stay?** [`damping`] holds back what comes and goes (F7).
//! - **How far, how busy?** [`smoothing`] follows peaks (F3), [`distance`] guesses where nothing was
//!   measured, [`score`] ranks (F1, F2), [`region`] does so for each client region (F13).
//! - **Better enough?** [`hysteresis`] asks for a margin (F4).
//! - **Who goes where?** [`spill`] respects capacity (F8), [`capacity`] plans by it, [`shares`] are what
//!   people decided on, [`weight`] shares and keeps clients where they were (F9, F10), [`network`] knows
//!   a client's region by its address.
//! - **Who else is told?** [`publish`] has what providers of DNS are sent.
//! - **For how long?** [`ttl`]: until something can change (F11), and the bound that follows (F14).
//!
//! [`selector`] puts them together: one a node, fed with what it sees and hears (F12 is in it).

pub mod capacity;
pub mod damping;
pub mod distance;
pub mod health;
pub mod hysteresis;
pub mod network;
pub mod publish;
pub mod region;
pub mod score;
pub mod selector;
pub mod shares;
pub mod smoothing;
pub mod spill;
pub mod ttl;
pub mod verdict;
pub mod weight;
