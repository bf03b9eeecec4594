//! The server's integration ring: one binary, one file a subject, a real Postgres.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod clouds;
mod cluster;
mod console;
mod identity;
mod ledger;
mod postgres_embedded;
mod projection;
mod three;
