//! STIX objects: the input is what stands between the brackets of a bundle.
#![no_main]

use lockstep_fuzz::CONTEXT;
use takedown::intake::json;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = json::read(&format!(r#"{{"type":"bundle","id":"bundle--1","objects":[{text}]}}"#), &CONTEXT);
});
