//! STIX patterns.
#![no_main]

use takedown::intake::stix::pattern::alternatives;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(found) = alternatives(text) {
        assert!(!found.is_empty() && found.iter().all(|together| !together.is_empty()));
    }
});
