//! Free text: an entry for every line.
#![no_main]

use lockstep_fuzz::CONTEXT;
use takedown::intake::report_text;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let entries = report_text::read(text, text, &CONTEXT);
    assert_eq!(entries.len(), text.lines().count());
    let _ = report_text::looks_like(text);
});
