//! Defanging undone: never longer than what came in by more than the schemes mended, and no panic.
#![no_main]

use takedown::intake::refang::{defang, refang};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let live = refang(text);
    assert!(live.len() <= 2 * text.len() + 8);
    let _ = defang(&live);
});
