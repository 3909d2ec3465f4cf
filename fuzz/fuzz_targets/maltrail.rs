//! Maltrail trails, and its lists of sinkholes.
#![no_main]

use lockstep_fuzz::read_as;
use takedown::intake::format::Format;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    read_as(data, "lummac2.txt", Format::Maltrail);
    read_as(data, "sinkhole_x.txt", Format::Maltrail);
});
