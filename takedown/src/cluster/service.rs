//! Values that tell whose guest a name is and nothing of whose name it is: where parking services and sinkholes put what
//! they hold. The population alone does not say so, since few of their guests are in the store.

use std::net::IpAddr;

use entities::ObservableKind;

use super::kind::PivotKind;
use crate::intake::{
    benign::{Benign, BenignKind},
    entry::Named,
};

/// Whether a value of a pivot of that kind is the address or the server of a parking service or a sinkhole, by the lists
/// that the operator loaded.
pub fn hosts_others(benign: &Benign, kind: &str, value: &str) -> bool {
    let of = |kind: PivotKind| kind.as_str();
    let named = |kind, value: &str| Named { kind, value: value.to_owned(), display: None, registrable: None };
    let address = |text: &str| {
        let kind = match text.parse().ok()? {
            IpAddr::V4(_) => ObservableKind::Ipv4Address,
            IpAddr::V6(_) => ObservableKind::Ipv6Address,
        };
        Some(named(kind, text))
    };
    let things: Vec<Named> = if benign.is_empty() {
        Vec::new()
    } else if kind == of(PivotKind::Address) {
        address(value).into_iter().collect()
    } else if kind == of(PivotKind::Prefix) {
        vec![named(ObservableKind::Prefix, value)]
    } else if [PivotKind::NameServers, PivotKind::MailHost, PivotKind::SoaMailbox].map(of).contains(&kind) {
        value.split(' ').map(|host| named(ObservableKind::NameServer, host)).collect()
    } else {
        Vec::new()
    };
    let guests = |list| matches!(benign.kind_of(list), Some(BenignKind::Parking | BenignKind::Sinkhole));
    things.iter().any(|thing| benign.matches(thing).iter().any(|(list, _)| guests(list)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> Benign {
        let folder = tempfile::tempdir().unwrap();
        for (name, kind, entries) in [
            ("parking-domain", "cidr", r#""203.0.113.0/24""#),
            ("parking-domain-ns", "hostname", r#""parking-lot.example""#),
            ("sinkholes", "cidr", r#""192.0.2.66""#),
            ("popular", "hostname", r#""popular.example""#),
        ] {
            let list = folder.path().join(name);
            std::fs::create_dir(&list).unwrap();
            let text = format!(
                r#"{{"name":"{name}","description":"","version":1,"type":"{kind}","matching_attributes":["hostname","ip-src"],"list":[{entries}]}}"#
            );
            std::fs::write(list.join("list.json"), text).unwrap();
        }
        let mut benign = Benign::default();
        benign.load(folder.path()).unwrap();
        benign
    }

    #[test]
    fn parking_services_and_sinkholes_say_nothing_and_other_lists_do_not_silence() {
        let benign = lists();
        for (kind, value, says_nothing) in [
            (PivotKind::Address, "203.0.113.80", true),
            (PivotKind::Address, "192.0.2.66", true),
            (PivotKind::Address, "192.0.2.1", false),
            (PivotKind::Prefix, "203.0.113.0/24", true),
            (PivotKind::NameServers, "ns1.parking-lot.example ns2.parking-lot.example", true),
            (PivotKind::NameServers, "ns1.popular.example ns2.popular.example", false),
            (PivotKind::MailHost, "mx.parking-lot.example", true),
            (PivotKind::Registrant, "203.0.113.80", false),
        ] {
            assert_eq!(hosts_others(&benign, kind.as_str(), value), says_nothing, "{kind:?} {value}");
        }
        assert!(!hosts_others(&Benign::default(), PivotKind::Address.as_str(), "203.0.113.80"));
    }
}
