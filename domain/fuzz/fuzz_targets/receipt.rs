//! Any bytes, read as receipts.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::receipt(bytes));
