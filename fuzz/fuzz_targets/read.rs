//! The whole reader: formats told by content, gzip and zip, UTF-16, limits.
#![no_main]

use lockstep_fuzz::read_as;
use takedown::intake::format::Format;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    read_as(data, "input", Format::Auto);
});
