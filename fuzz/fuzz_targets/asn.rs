//! Lines of address-to-AS tables.
#![no_main]

use takedown::outside::asn::{AsnTable, line};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for bytes in data.split(|&b| b == b'\n') {
        let _ = line(bytes);
    }
    let mut table = AsnTable::default();
    let _ = table.read("fuzz", data);
    let _ = table.lookup(std::net::IpAddr::from([192, 0, 2, 1]));
});
