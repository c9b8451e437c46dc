//! `tokens`, as oauth.rs has it.
#![no_main]

#[expect(dead_code, reason = "the others are other targets")]
#[path = "../readers.rs"]
mod readers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| readers::oauth::tokens(bytes));
