//! Any bytes, read as keys as C2SP writes them.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::vkey(bytes));
