//! Any bytes, read as time stamps, certificates and requests.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ternion_fuzz::targets::rfc3161(bytes));
