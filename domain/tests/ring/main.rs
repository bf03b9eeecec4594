//! The ring around the pure rules: published test vectors, tampered receipts, and three clouds
//! under a scripted network.

mod ed25519;
mod fixtures;
mod jcs;
mod note;
mod receipt;
mod rfc6962;
mod simulator;
