//! Any bytes, read as Ethereum's headers, transactions and trie nodes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::ethereum(bytes));
