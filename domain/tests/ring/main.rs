//! The ring around the pure rules: published test vectors, tampered receipts and proofs, three clouds
//! under a scripted network, and the formulas of economics.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod anchor;
mod bundle;
mod economics;
mod ed25519;
mod equivocation;
mod evidence;
mod fabric;
mod fixtures;
mod grants;
mod jcs;
mod note;
mod parsers;
mod receipt;
mod rfc6962;
mod simulator;
mod vectors;
