//! Who may come in: sessions, passwords, tokens and the forms, over HTTP on a real Postgres.

mod clouds;
mod credentials;
mod house;
mod operator;
mod security;
mod sign_in;
mod tokens;
