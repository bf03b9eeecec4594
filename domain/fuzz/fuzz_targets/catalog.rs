//! Any bytes, read as what a payload of a known kind says.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::catalog(bytes));
