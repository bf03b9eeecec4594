//! Any bytes, read as strict JSON.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::json(bytes));
