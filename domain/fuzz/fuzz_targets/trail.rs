//! Any bytes, read as trails of prices.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::trail(bytes));
