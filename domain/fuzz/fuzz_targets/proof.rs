//! Any bytes, read as inclusion and consistency proofs, tiles, a tree's right edge.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::proof(bytes));
