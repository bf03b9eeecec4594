//! Any bytes, read as the genesis and epoch records.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::epoch(bytes));
