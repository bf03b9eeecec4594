//! Any bytes, read as signed notes and cosignatures.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::note(bytes));
