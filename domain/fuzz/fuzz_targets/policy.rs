//! Any bytes, read as policy files.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::policy(bytes));
