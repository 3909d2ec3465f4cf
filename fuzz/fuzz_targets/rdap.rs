//! RDAP answers (RFC 9083) of every class.
#![no_main]

use takedown::outside::rdap::{Class, read, status};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for class in [Class::Domain, Class::IpNetwork, Class::Autnum, Class::Entity] {
        let _ = read(data, class);
    }
    let _ = status(&String::from_utf8_lossy(data));
});
