//! Proofs that others make of our hashes: OpenTimestamps, Bitcoin, Ethereum, RFC 3161.
//!
//! Parse, recompute, and say what still rests on somebody's word. All bytes here come from
//! strangers: every parser bounds depth and size, never panics, and names the byte where it
//! stopped. Nothing here asks a network; what must be asked (is this block in the chain? is this
//! authority one I trust?) is an argument, and where it is missing the verdict says so.
//!
//! `state` is the other direction: what becomes of one hash on its way to such a proof.

pub mod bitcoin;
mod bytes;
pub mod ethereum;
pub mod explorer;
mod hash;
pub mod ots;
mod publisher;
pub mod rfc3161;
mod source;
pub mod state;

pub use bytes::{Defect, Malformed};
pub use publisher::{COMMITMENT_BYTES, Publisher, TAG, UnknownPublisher, commitment};
pub use source::Source;
