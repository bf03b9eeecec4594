//! Who wins where exactly one may: a lease, a price version, the execution of an approval. A
//! single-decree Paxos among the three clouds for each (resource, version), without I/O.
//!
//! Finality does not decide this: a third cloud may cosign both sides of a cut link. Here two of
//! three must *vote* for one value, and a cloud that voted tells so to whoever asks later:
//!
//! ```text
//!             prepare(ballot)                  propose(ballot, value, promises)
//! Proposer ────────────────────► Acceptor ─► promise ─┐ two ──────► Acceptor ─► accept ─┐ two
//!                                                     └► choice()                        └► decided
//! ```
//! Source: Lamport, "Paxos Made Simple" (2001). What is ours:
//! * every vote is a signed note under the cloud's cosigner key, so that a [`Decision`] carries
//!   its own proof, which the deployment's policy file is enough to check, for ever;
//! * a proposal carries the promises that allow its value, and acceptors check them;
//! * a cloud's own ballot is reserved at its own acceptor, durably, before anybody else hears of
//!   it, so that no two attempts, before and after a crash or side by side, use one ballot;
//! * the version is the fencing token: whatever is guarded refuses a lower one than it has seen.
//!
//! What it guarantees, whatever is lost, repeated, reordered or crashes: at most one value is
//! decided for a (resource, version), and it was proposed. It does so while clouds are honest: one
//! that votes twice can make two decisions, and [`contradiction`] names it by its own signatures.
//! Not every lie is caught: a cloud may claim to have accepted what nobody proposed.

mod acceptor;
mod ballot;
mod decision;
mod evidence;
mod lease;
mod name;
mod proposer;
mod value;
mod vote;

pub use acceptor::{Acceptor, Effect as AcceptorEffect, Refusal, Request};
pub use ballot::Ballot;
/// Votes that decide: two of the three clouds, whatever the mode of the logs, since any two pairs
/// share one.
pub const QUORUM: usize = 2;

pub use decision::{BadDecision, Decision, SignedVote, Voters};
pub use evidence::{Contradiction, contradiction, first_contradiction};
pub use lease::{LEASE_SKEW_MS, LEASE_TTL_MS_MAX, Lease, LeaseMove};
pub use name::{BadName, Family, GrantId, RESOURCE_NAME_CHARS_MAX, Resource, Version};
pub use proposer::{Effect as ProposerEffect, Input as ProposerInput, Proposer};
pub use value::{BadValue, VALUE_BYTES_MAX, Value};
pub use vote::{Choice, Proposal, Statement, Vote, choice};
