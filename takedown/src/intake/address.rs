//! IP addresses and prefixes in their one canonical form (RFC 5952), and which of them are on the internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads an IPv4 address in dotted decimal.
///
/// # Errors
/// Why not: the wrong number of parts, a part over 255, leading zeros, not on the public internet.
pub fn v4(text: &str) -> Result<Ipv4Addr, String> {
    let address = match text.parse::<Ipv4Addr>() {
        Ok(address) => address,
        Err(_) => return Err(not_v4(text)),
    };
    match special_v4(address) {
        Some(what) => Err(format!("{what} address, not on the public internet")),
        None => Ok(address),
    }
}

fn not_v4(text: &str) -> String {
    let parts: Vec<&str> = text.split('.').collect();
    let numeric = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
    if !parts.iter().all(numeric) {
        return "an IPv4 address has four decimal numbers between dots".to_owned();
    }
    if parts.len() != 4 {
        return format!("{} numbers between dots: not an IPv4 address; a version number?", parts.len());
    }
    if parts.iter().any(|p| p.len() > 3 || p.parse::<u16>().is_ok_and(|n| n > 255)) {
        return "a number over 255: not an IPv4 address; a version number?".to_owned();
    }
    "leading zeros in an IPv4 address: some tools read them as octal; write it without".to_owned()
}

/// The special-purpose block that an IPv4 address is in (RFC 6890), if it never names a public host.
/// Documentation and benchmarking blocks are let through: the synthetic internet lives there.
fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, ..) => Some("an unspecified"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Some("a private"),
        (100, 64..=127, _) => Some("a carrier's shared"),
        (127, ..) => Some("a loopback"),
        (169, 254, _) => Some("a link-local"),
        (192, 0, 0) => Some("a protocol"),
        (224..=239, ..) => Some("a multicast"),
        (240.., ..) => Some("a reserved"),
        _ => None,
    }
}

/// Reads an IPv6 address; an IPv4-mapped one (`::ffff:192.0.2.1`) becomes its IPv4 address.
///
/// # Errors
/// Why not: malformed, a zone index, not on the public internet.
pub fn v6(text: &str) -> Result<IpAddr, String> {
    if text.contains('%') {
        return Err("a zone index makes sense on one machine only: not an address on the internet".to_owned());
    }
    let address: Ipv6Addr = text.parse().map_err(|_| "not an IPv6 address".to_owned())?;
    if let Some(inner) = address.to_ipv4_mapped() {
        return v4(&inner.to_string()).map(IpAddr::V4);
    }
    match special_v6(address) {
        Some(what) => Err(format!("{what} address, not on the public internet")),
        None => Ok(IpAddr::V6(address)),
    }
}

/// The special-purpose block of an IPv6 address (RFC 6890), if it never names a public host.
fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    match (address.segments()[0], address.to_bits()) {
        (_, 0) => Some("an unspecified"),
        (_, 1) => Some("a loopback"),
        (0xfc00..=0xfdff, _) => Some("a private"),
        (0xfe80..=0xfebf, _) => Some("a link-local"),
        (0xfec0..=0xfeff, _) => Some("a site-local"),
        (0xff00.., _) => Some("a multicast"),
        (0x0100, bits) if bits << 16 >> 80 == 0 => Some("a discard-only"),
        _ => None,
    }
}

/// Reads a prefix in CIDR notation; host bits are set to zero.
///
/// # Errors
/// Why not: the address, the length, all of it off the public internet.
pub fn prefix(address: &str, length: &str) -> Result<String, String> {
    let bad = |most: u8| format!("a prefix length from 1 to {most} is expected, not `{length}`");
    let digits = !length.is_empty() && length.len() <= 3 && length.bytes().all(|b| b.is_ascii_digit());
    let length_number = length.parse::<u8>().ok().filter(|_| digits);
    if address.contains(':') {
        let base: Ipv6Addr = address.parse().map_err(|_| "not an IPv6 prefix".to_owned())?;
        let length = length_number.filter(|n| (1..=128).contains(n)).ok_or_else(|| bad(128))?;
        let base = Ipv6Addr::from_bits(base.to_bits() & (u128::MAX << (128 - length)));
        return match special_v6(base) {
            Some(what) if length >= 7 && base.to_bits() != 0 => {
                Err(format!("{what} prefix, not on the public internet"))
            }
            _ => Ok(format!("{base}/{length}")),
        };
    }
    let base: Ipv4Addr = address.parse().map_err(|_| not_v4(address))?;
    let length = length_number.filter(|n| (1..=32).contains(n)).ok_or_else(|| bad(32))?;
    let base = Ipv4Addr::from_bits(base.to_bits() & (u32::MAX << (32 - length)));
    match special_v4(base) {
        Some(what) if length >= 8 => Err(format!("{what} prefix, not on the public internet")),
        _ => Ok(format!("{base}/{length}")),
    }
}

/// Reads a port.
///
/// # Errors
/// Not a number from 1 to 65535.
pub fn port(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit());
    let port = text.parse::<u16>().ok().filter(|&p| digits && p != 0);
    port.ok_or_else(|| format!("`{}` is not a port (1–65535)", super::name::shown(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_public_and_says_why() {
        for (text, why) in [
            ("10.1.2.3", "a private address, not on the public internet"),
            ("127.0.0.1", "a loopback address, not on the public internet"),
            ("169.254.169.254", "a link-local address, not on the public internet"),
            ("0.0.0.0", "an unspecified address, not on the public internet"),
            ("255.255.255.255", "a reserved address, not on the public internet"),
            ("1.2.3", "3 numbers between dots: not an IPv4 address; a version number?"),
            ("1.2.3.256", "a number over 255: not an IPv4 address; a version number?"),
            ("1.2.3.04", "leading zeros in an IPv4 address: some tools read them as octal; write it without"),
        ] {
            assert_eq!(v4(text), Err(why.to_owned()), "{text}");
        }
        for text in ["192.0.2.1", "198.51.100.7", "203.0.113.9", "198.18.0.1", "198.19.255.1", "8.8.8.8"] {
            assert!(v4(text).is_ok(), "{text}");
        }
        for text in
            ["::1", "::", "fe80::1", "fc00::1", "ff02::1", "fe80::1%eth0", "1::2::3", "::ffff:10.0.0.1"]
        {
            assert!(v6(text).is_err(), "{text}");
        }
        assert_eq!(v6("2001:DB8:0:0:0:0:0:1").map(|a| a.to_string()), Ok("2001:db8::1".to_owned()));
        assert_eq!(v6("::ffff:192.0.2.1").map(|a| a.to_string()), Ok("192.0.2.1".to_owned()));
    }

    #[test]
    fn prefixes_lose_their_host_bits() {
        assert_eq!(prefix("192.0.2.77", "24"), Ok("192.0.2.0/24".to_owned()));
        assert_eq!(prefix("2001:db8::1", "32"), Ok("2001:db8::/32".to_owned()));
        for (address, length) in [
            ("192.0.2.0", "33"),
            ("192.0.2.0", "0"),
            ("10.0.0.0", "8"),
            ("fc00::", "7"),
            ("1.2.3", "8"),
            ("1.2.3.4", "+8"),
        ] {
            assert!(prefix(address, length).is_err(), "{address}/{length}");
        }
    }
}
