//! The server's integration ring: one binary, one file a subject, a real Postgres.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod bench;
mod clouds;
mod cluster;
mod command;
mod console;
mod demonstration;
mod evidence;
mod http;
mod identity;
mod import;
mod ledger;
mod postgres_embedded;
mod projection;
mod scrub;
mod stand_in;
mod three;
mod verify;
