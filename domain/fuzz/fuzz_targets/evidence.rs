//! Any bytes, read as records of evidence.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::evidence(bytes));
