//! The functions that the fuzz targets run: those of the property tests in `domain/tests`.

#![forbid(unsafe_code)]

#[path = "../../tests/ring/parsers/targets.rs"]
pub mod targets;
