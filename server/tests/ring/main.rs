//! The server's integration ring: one binary, one file a subject, a real Postgres.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod anchor;
mod answers;
mod bad_entry;
mod bench;
mod billing;
mod bundle;
mod chains;
mod clouds;
mod cluster;
mod command;
mod console;
mod demonstration;
mod epochs;
mod evidence;
mod exactly_once;
mod fabric;
mod foresight;
mod forger;
mod grants;
mod http;
mod identity;
mod import;
mod insider;
mod ledger;
mod machines;
mod postgres_embedded;
mod process;
mod projection;
mod publish;
mod quarantine;
mod restored;
mod scrub;
mod shares;
mod signer;
mod snapshot;
mod stand_in;
mod three;
mod verify;
mod verify_anchors;
mod witness;
