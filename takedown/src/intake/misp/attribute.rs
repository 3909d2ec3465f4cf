//! One attribute by its type (MISP data models, attribute types), as an observable of ours.

use entities::{LinkKind, ObservableKind};

use super::{Object, list, text};
use crate::intake::{
    classify,
    context::Context,
    entry::{Claim, Parsed},
    json::cut,
};

/// What an attribute names.
///
/// # Errors
/// Why it names nothing of ours.
pub fn parsed(
    attribute: &Object,
    object: Option<&Object>,
    claim: &Claim,
    context: &Context,
) -> Result<Parsed, String> {
    let value = match attribute.get("value") {
        Some(serde_json::Value::Number(number)) => number.to_string(),
        _ => text(attribute, "value").trim().to_owned(),
    };
    if value.is_empty() {
        return Err("an attribute without a value".to_owned());
    }
    let kind = text(attribute, "type");
    match kind {
        "ip-dst" | "ip-src" => match object.and_then(port) {
            Some(port) => classify::parsed(&endpoint(&value, port), claim.clone(), context),
            None => classify::parsed(&value, claim.clone(), context),
        },
        "domain" | "hostname" | "url" | "uri" | "btc" | "md5" | "sha1" | "sha256" | "sha512" => {
            classify::parsed(&value, claim.clone(), context)
        }
        "domain|ip" => name_and_address(&value, claim, context),
        "ip-dst|port" | "ip-src|port" | "hostname|port" => {
            let (host, port) = value.rsplit_once(['|', ':']).ok_or("`host|port` is expected")?;
            classify::parsed(&endpoint(host, port), claim.clone(), context)
        }
        "AS" => of_kind(
            ObservableKind::AutonomousSystem,
            value.trim_start_matches(['A', 'S', 'a', 's', ' ']),
            claim,
            context,
        ),
        "x509-fingerprint-sha1" | "x509-fingerprint-sha256" => {
            of_kind(ObservableKind::Certificate, &value, claim, context)
        }
        "telegram-id" => of_kind(
            ObservableKind::Account,
            &format!("telegram:{}", value.trim_start_matches('@')),
            claim,
            context,
        ),
        "dash" | "xmr" => classify::parsed(&value, claim.clone(), context)
            .ok()
            .filter(|p| p.sightings.iter().any(|(n, _)| n.kind == ObservableKind::Wallet))
            .ok_or_else(|| format!("a wallet of a kind that is not looked after here ({kind})")),
        "ssdeep"
        | "tlsh"
        | "imphash"
        | "vhash"
        | "sha224"
        | "sha384"
        | "authentihash"
        | "pehash"
        | "impfuzzy"
        | "x509-fingerprint-md5"
        | "ja3-fingerprint-md5"
        | "jarm-fingerprint"
        | "hassh-md5" => Err(format!("a {kind}, which does not name one file or certificate")),
        "port" => Err("a port, read with the address of its object".to_owned()),
        "filename" => Err("a file name, which names no observable".to_owned()),
        "link" => Err("a reference of the event".to_owned()),
        "whois-registrant-email"
        | "whois-registrant-phone"
        | "whois-registrant-name"
        | "whois-registrant-org"
        | "dns-soa-email" => of_kind(ObservableKind::RegistrantToken, &value, claim, context),
        "whois-registrar" => of_kind(ObservableKind::Registrar, &value, claim, context),
        _ if kind.starts_with("email") => Err("mail, which is no kind of observable".to_owned()),
        _ => match kind
            .strip_prefix("filename|")
            .filter(|a| matches!(*a, "md5" | "sha1" | "sha256" | "sha512"))
        {
            Some(_) => {
                let (_, hash) = value.rsplit_once('|').ok_or("`file name|hash` is expected")?;
                of_kind(ObservableKind::FileHash, hash, claim, context)
            }
            None => Err(format!("an attribute of type {} names no observable", cut(kind))),
        },
    }
}

fn of_kind(kind: ObservableKind, value: &str, claim: &Claim, context: &Context) -> Result<Parsed, String> {
    let named = classify::of_kind(kind, value, context)?;
    Ok(Parsed { sightings: vec![(named, claim.clone())], ..Parsed::default() })
}

fn endpoint(host: &str, port: &str) -> String {
    let (host, port) = (host.trim().trim_matches(['[', ']']), port.trim());
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// `name|address`: both, and the link between them.
fn name_and_address(value: &str, claim: &Claim, context: &Context) -> Result<Parsed, String> {
    let (name, address) = value.split_once('|').ok_or("`domain|ip` is expected")?;
    let mut found = classify::parsed(name, claim.clone(), context)?;
    let other = classify::parsed(address, claim.clone(), context)?;
    if let (Some((name, _)), Some((to, _))) = (found.sightings.first(), other.sightings.first())
        && matches!(to.kind, ObservableKind::Ipv4Address | ObservableKind::Ipv6Address)
    {
        found.links.push(classify::link(name, LinkKind::ResolvesTo, to));
    }
    crate::intake::json::absorb(&mut found, other);
    Ok(found)
}

/// The destination port of an `ip-port` or `network-connection` object, where it states exactly one.
fn port(object: &Object) -> Option<&str> {
    if !matches!(text(object, "name"), "ip-port" | "network-connection" | "network-socket") {
        return None;
    }
    let is_port =
        |a: &&Object| matches!(text(a, "object_relation"), "dst-port" | "port") && text(a, "type") == "port";
    let mut ports = list(object, "Attribute").filter(is_port).map(|a| text(a, "value"));
    ports.next().filter(|p| !p.is_empty() && ports.next().is_none())
}
