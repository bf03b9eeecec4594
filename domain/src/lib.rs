//! The pure rules and cryptography of Ternion.
//!
//! Nothing in this crate does I/O, reads a clock or draws randomness: time and entropy are
//! arguments. It compiles natively and to WASM, so that the server, the browser and the command
//! line verify with one implementation.
//!
//! Read in this order: [`cloud`] and [`event`] (what is recorded), [`log`] (how it is chained),
//! [`key`] and [`note`] (who signs), [`quorum`] (when it is final), [`receipt`] (how a stranger
//! checks it), [`evidence`] (how a stranger checks that a cloud broke the rules), [`grant`] (who
//! wins where only one may), [`snapshot`] (what a month comes to), [`anchor`] (how strangers prove
//! when it was), [`bundle`] (what an auditor takes home), [`verifier`] (how any of it is checked). Beside the ledger:
//! [`fabric`] (where clients are sent).

pub mod access;
pub mod anchor;
pub mod billing;
pub mod bundle;
pub mod catalog;
pub mod clock;
pub mod cloud;
pub mod economics;
pub mod epoch;
pub mod event;
pub mod evidence;
pub mod fabric;
pub mod finality;
pub mod grant;
pub mod json;
pub mod key;
pub mod log;
pub mod note;
pub mod policy;
pub mod pricing;
pub mod quarantine;
pub mod quorum;
pub mod receipt;
pub mod scrub;
pub mod snapshot;
pub mod usage;
pub mod verifier;
pub mod webhook;
pub mod witness;
