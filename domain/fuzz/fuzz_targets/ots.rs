//! Any bytes, read as OpenTimestamps proofs.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::ots(bytes));
