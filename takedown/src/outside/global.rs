//! Which addresses are on the open internet: what the ports may connect to when somebody else chose the target.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;

/// Says whether `address` may be connected to: global unicast, or inside one of the `allowed` networks.
///
/// The refused blocks are those of the IANA special-purpose registries (RFC 6890 and its updates) that are not
/// globally reachable, multicast, and IPv6 forms that carry an IPv4 address which is itself refused
/// (mapped, compatible, NAT64, 6to4; Teredo always).
pub fn may_connect(address: IpAddr, allowed: &[IpNetwork]) -> bool {
    let plain = address.to_canonical();
    allowed.iter().any(|network| network.contains(address) || network.contains(plain)) || is_global(plain)
}

/// Says whether an address is global unicast.
pub fn is_global(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4_is_global(v4),
        IpAddr::V6(v6) => v6_is_global(v6),
    }
}

fn v4_is_global(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        // "This network", private, loopback, link-local with the clouds' metadata service.
        (0 | 10 | 127, _, _) | (192, 168, _) | (169, 254, _) => true,
        (172, 16..=31, _) => true,
        // Carrier-grade NAT, RFC 6598.
        (100, 64..=127, _) => true,
        // IETF protocol assignments, documentation, the old 6to4 relay, AS112, benchmarking.
        (192, 0, 0 | 2) | (192, 88, 99) | (192, 31, 196) | (192, 52, 193) | (192, 175, 48) => true,
        (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => true,
        // Multicast, reserved, broadcast.
        (224..=255, _, _) => true,
        _ => false,
    };
    !special
}

fn v6_is_global(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let tail = || v4_of(segments[6], segments[7]);
    match segments {
        // NAT64, RFC 6052: the last 32 bits are the target.
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => v4_is_global(tail()),
        // 6to4, RFC 3056: bits 16..48 are the target.
        [0x2002, high, low, ..] => v4_is_global(v4_of(high, low)),
        // Teredo, ORCHID, benchmarking and the rest of the protocol assignments; documentation.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0xdb8, ..] => false,
        [0x3fff, 0..=0x0fff, ..] => false,
        // Segment-routing, AS112 and everything outside 2000::/3 (loopback, ULA, link-local, multicast, IPv4-compatible).
        [0x2620, 0x4f, 0x8000, ..] => false,
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

fn v4_of(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_refused_in_every_disguise() {
        for text in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:a9fe:a9fe::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
        ] {
            let address: IpAddr = text.parse().unwrap();
            assert!(!is_global(address), "{text} must be refused");
        }
    }

    #[test]
    fn open_addresses_pass_and_allowed_networks_open_the_rest() {
        for text in [
            "1.1.1.1",
            "100.63.255.255",
            "172.32.0.1",
            "193.0.6.139",
            "64:ff9b::101:101",
            "2002:101:101::1",
            "2001:67c:2e8:22::c100:68b",
            "2a00:1450::1",
            "2620:0:2d0::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_global(text.parse().unwrap()), "{text} must pass");
        }
        let allowed: Vec<IpNetwork> = vec!["127.0.0.0/8".parse().unwrap()];
        assert!(may_connect("127.0.0.9".parse().unwrap(), &allowed));
        assert!(may_connect("::ffff:127.0.0.9".parse().unwrap(), &allowed));
        assert!(!may_connect("::1".parse().unwrap(), &allowed));
        assert!(!may_connect("10.0.0.1".parse().unwrap(), &allowed));
    }
}
