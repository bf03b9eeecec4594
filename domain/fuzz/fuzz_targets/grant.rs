//! Any bytes, read as values and votes of grants.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::grant(bytes));
