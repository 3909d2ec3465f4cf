//! MISP events: the input is what stands inside the event.
#![no_main]

use lockstep_fuzz::CONTEXT;
use takedown::intake::json;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = json::read(&format!(r#"{{"Event":{{"info":"x",{text}}}}}"#), &CONTEXT);
});
