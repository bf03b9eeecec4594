//! The public face: routers, and errors as problem details.

pub mod problem;
pub mod security;
