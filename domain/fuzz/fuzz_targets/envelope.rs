//! Any bytes, read as payloads, and the texts beside them.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::envelope(bytes));
