//! The server's integration ring: one binary, one file a subject, a real Postgres.
