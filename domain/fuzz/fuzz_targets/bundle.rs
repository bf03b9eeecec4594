//! Any bytes, read as audit bundles.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::bundle(bytes));
