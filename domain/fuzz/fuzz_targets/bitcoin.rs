//! Any bytes, read as Bitcoin's headers, transactions and blocks.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::bitcoin(bytes));
