//! Plain lists and hosts files.
#![no_main]

use lockstep_fuzz::read_as;
use takedown::intake::format::Format;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    read_as(data, "list.txt", Format::Plain);
    read_as(data, "hosts", Format::Hosts);
});
