//! Response policy zones.
#![no_main]

use lockstep_fuzz::read_as;
use takedown::intake::format::Format;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    read_as(data, "rpz.zone", Format::Rpz);
});
