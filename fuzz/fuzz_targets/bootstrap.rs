//! RDAP bootstrap files (RFC 9224).
#![no_main]

use takedown::outside::rdap::bootstrap::{Bootstrap, Registry};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for registry in [Registry::Dns, Registry::Ipv4, Registry::Ipv6, Registry::Asn, Registry::ObjectTags] {
        let mut bootstrap = Bootstrap::default();
        if bootstrap.add(registry, data).is_ok() {
            let _ = bootstrap.domain("a.example");
            let _ = bootstrap.address(std::net::IpAddr::from([192, 0, 2, 1]));
            let _ = bootstrap.autnum(64_500);
            let _ = bootstrap.tagged("X-ARIN");
        }
    }
});
