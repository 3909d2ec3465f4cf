//! Tables of any publisher.
#![no_main]

use lockstep_fuzz::read_as;
use takedown::intake::format::Format;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    read_as(data, "table.csv", Format::Csv);
    read_as(data, "table.tsv", Format::Tsv);
});
