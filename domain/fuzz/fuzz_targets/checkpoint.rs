//! Any bytes, read as checkpoints.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::checkpoint(bytes));
