//! From where a request comes: the connection's other end, or what a trusted proxy says of it.

use std::net::IpAddr;

use axum::http::{Extensions, HeaderMap, header::USER_AGENT};
use ipnetwork::IpNetwork;
use takedown::people::Device;

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// From where a request comes, and what its browser calls itself.
pub fn device(extensions: &Extensions, headers: &HeaderMap, proxies: &[IpNetwork]) -> Device {
    let peer = extensions.get::<Peer>().map(|peer| peer.0);
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    Device { address: peer.map(|peer| behind(peer, headers, proxies)), agent: agent.to_owned() }
}

/// The last address of `X-Forwarded-For` that is no trusted proxy's. What stands before it anybody can have written, and
/// a peer that is no trusted proxy is not believed at all.
fn behind(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNetwork]) -> IpAddr {
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut last = peer.to_canonical();
    if !trusted(last) {
        return last;
    }
    let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = said.flat_map(|value| value.split(',')).collect();
    for hop in hops.into_iter().rev() {
        let Ok(address) = hop.trim().parse::<IpAddr>() else { return last };
        last = address.to_canonical();
        if !trusted(last) {
            return last;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_its_own_word() {
        let proxies: Vec<IpNetwork> = vec!["192.0.2.0/28".parse().expect("a network")];
        let seen = |peer: &str, said: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in said {
                headers.append("x-forwarded-for", value.parse().expect("a value"));
            }
            behind(peer.parse().expect("an address"), &headers, &proxies).to_string()
        };
        assert_eq!(seen("198.51.100.1", &["203.0.113.5"]), "198.51.100.1", "no proxy");
        assert_eq!(seen("192.0.2.1", &["203.0.113.5"]), "203.0.113.5");
        assert_eq!(
            seen("192.0.2.1", &["10.0.0.1, 203.0.113.5"]),
            "203.0.113.5",
            "the client made the first up"
        );
        assert_eq!(seen("192.0.2.1", &["203.0.113.5, 192.0.2.2"]), "203.0.113.5", "two proxies");
        assert_eq!(seen("192.0.2.1", &["203.0.113.5", "203.0.113.6"]), "203.0.113.6");
        assert_eq!(seen("::ffff:192.0.2.1", &["::ffff:203.0.113.5"]), "203.0.113.5");
        assert_eq!(seen("192.0.2.1", &["unknown"]), "192.0.2.1");
        assert_eq!(seen("192.0.2.1", &[]), "192.0.2.1");
    }
}
