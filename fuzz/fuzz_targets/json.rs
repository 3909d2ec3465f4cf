//! JSON documents of any kind, told apart and read.
#![no_main]

use lockstep_fuzz::CONTEXT;
use takedown::intake::json;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok((_, entries)) = json::read(text, &CONTEXT) {
        assert!(entries.iter().zip(1..).all(|(e, n)| e.number == n));
    }
});
