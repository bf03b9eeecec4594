//! One cloud of Ternion: everything that touches the world.
//!
//! `node` composes the services of one cloud; each feature folder shows one small face.

pub mod anchor;
pub mod bundle;
pub mod cli;
pub mod config;
pub mod console;
pub mod demo;
pub mod economics;
pub mod evidence;
pub mod fabric;
pub mod grant;
pub mod http;
pub mod identity;
pub mod keys;
pub mod lab;
pub mod ledger;
pub mod logging;
pub mod node;
pub mod optimizer;
mod outside;
pub mod peer;
pub mod postgres;
pub mod problem;
pub mod projection;
pub mod quarantine;
pub mod snapshot;
mod typed;
pub mod webhook;
pub mod witness;

use domain::clock::Timestamp;

/// The wall clock. Only here does the program read it.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::from_datetime(time::OffsetDateTime::now_utc())
}
