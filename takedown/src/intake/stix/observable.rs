//! STIX observables (STIX 2.1 §6; in 2.0 embedded in observed data) and the terms of a pattern, as ours.

use entities::{LinkKind, ObservableKind};
use serde_json::Value;

use super::{Object, pattern::Term, text, texts};
use crate::intake::{
    classify,
    context::Context,
    entry::{Claim, Named, Parsed},
    json::{absorb, cut},
};

/// Whether a type is one that [`parsed`] has a word on.
pub fn is_kind(kind: &str) -> bool {
    matches!(
        kind,
        "domain-name"
            | "ipv4-addr"
            | "ipv6-addr"
            | "url"
            | "autonomous-system"
            | "file"
            | "x509-certificate"
            | "network-traffic"
            | "email-addr"
            | "email-message"
            | "cryptocurrency-wallet"
    )
}

/// An observable of its own kind, claimed.
fn of_kind(kind: ObservableKind, value: &str, claim: &Claim, context: &Context) -> Result<Parsed, String> {
    let named = classify::of_kind(kind, value, context)?;
    Ok(Parsed { sightings: vec![(named, claim.clone())], ..Parsed::default() })
}

/// What an observable object names, with its embedded relations as links.
///
/// # Errors
/// Why it names nothing of ours.
pub fn parsed<'a>(
    object: &Object,
    claim: &Claim,
    lookup: &dyn Fn(&str) -> Option<&'a Object>,
    context: &Context,
) -> Result<Parsed, String> {
    match text(object, "type") {
        "domain-name" => {
            let mut found = classify::parsed(text(object, "value"), claim.clone(), context)?;
            resolved(&mut found, object, lookup, context);
            Ok(found)
        }
        "ipv4-addr" | "ipv6-addr" => {
            let mut found = classify::parsed(text(object, "value"), claim.clone(), context)?;
            let systems = texts(object, "belongs_to_refs").take(16).filter_map(lookup);
            for number in systems.filter_map(number) {
                if let (Ok(system), Some((address, _))) = (
                    classify::of_kind(ObservableKind::AutonomousSystem, &number, context),
                    found.sightings.first(),
                ) {
                    found.links.push(classify::link(address, LinkKind::AnnouncedBy, &system));
                }
            }
            Ok(found)
        }
        "url" | "cryptocurrency-wallet" => classify::parsed(text(object, "value"), claim.clone(), context),
        "autonomous-system" => {
            let number = number(object).ok_or("an autonomous system without a number")?;
            of_kind(ObservableKind::AutonomousSystem, &number, claim, context)
        }
        "file" => hashes(object, ObservableKind::FileHash, claim, context),
        "x509-certificate" => hashes(object, ObservableKind::Certificate, claim, context),
        "network-traffic" => {
            let to = lookup(text(object, "dst_ref")).map(|o| text(o, "value")).unwrap_or_default();
            if to.is_empty() {
                return Err("network traffic without a destination that is in the bundle".to_owned());
            }
            classify::parsed(
                &endpoint(to, object.get("dst_port").and_then(Value::as_u64)),
                claim.clone(),
                context,
            )
        }
        "email-addr" | "email-message" => Err("mail, which is no kind of observable".to_owned()),
        kind => Err(format!("an observable of type {} is of no kind that is looked after here", cut(kind))),
    }
}

fn number(object: &Object) -> Option<String> {
    object.get("number").and_then(Value::as_u64).map(|n| n.to_string())
}

fn endpoint(host: &str, port: Option<u64>) -> String {
    match port {
        None => host.to_owned(),
        Some(port) if host.contains(':') => format!("[{host}]:{port}"),
        Some(port) => format!("{host}:{port}"),
    }
}

/// `resolves_to_refs` of a name: addresses, or further names.
fn resolved<'a>(
    found: &mut Parsed,
    object: &Object,
    lookup: &dyn Fn(&str) -> Option<&'a Object>,
    context: &Context,
) {
    let Some((name, _)) = found.sightings.first().cloned() else {
        return;
    };
    for to in texts(object, "resolves_to_refs").take(1_000).filter_map(lookup) {
        if let Ok((to, _)) = classify::classify(text(to, "value"), context) {
            found.links.extend(points_to(&name, &to));
        }
    }
}

/// A name's link to what it resolves to.
fn points_to(name: &Named, to: &Named) -> Option<crate::intake::entry::Linked> {
    let kind = match to.kind {
        ObservableKind::Ipv4Address | ObservableKind::Ipv6Address => LinkKind::ResolvesTo,
        ObservableKind::DomainName | ObservableKind::HostName => LinkKind::AliasOf,
        _ => return None,
    };
    Some(classify::link(name, kind, to))
}

/// Every hash of a file or certificate that is of a known length.
fn hashes(object: &Object, kind: ObservableKind, claim: &Claim, context: &Context) -> Result<Parsed, String> {
    let mut found = Parsed::default();
    let mut refused = None;
    for (algorithm, value) in object.get("hashes").and_then(Value::as_object).into_iter().flatten().take(16) {
        match of_kind(kind, value.as_str().unwrap_or_default(), claim, context) {
            Ok(parsed) => absorb(&mut found, parsed),
            Err(why) => refused = Some(format!("{}: {why}", cut(algorithm))),
        }
    }
    match found.sightings.is_empty() {
        true => Err(refused.unwrap_or_else(|| "it has no hash".to_owned())),
        false => Ok(found),
    }
}

/// What terms that hold together name: things by their values, an endpoint by destination and port, and
/// the addresses that a name resolves to.
///
/// # Errors
/// Why they name nothing.
pub fn of_pattern(together: &[Term], claim: &Claim, context: &Context) -> Result<Parsed, String> {
    let mut found = Parsed::default();
    let mut targets = Vec::new();
    let mut narrowing = Vec::new();
    let port =
        together.iter().find(|t| t.path == "network-traffic:dst_port").and_then(|t| t.value.parse().ok());
    for term in together {
        let (kind, property) = term.path.split_once(':').unwrap_or((&term.path, ""));
        let parsed = match (kind, property) {
            ("domain-name" | "ipv4-addr" | "ipv6-addr" | "url" | "cryptocurrency-wallet", "value") => {
                classify::parsed(&term.value, claim.clone(), context)?
            }
            ("domain-name", p) if p.starts_with("resolves_to_refs") && p.ends_with(".value") => {
                targets.push(&term.value);
                continue;
            }
            ("file" | "artifact", p) if p.starts_with("hashes.") => {
                of_kind(ObservableKind::FileHash, &term.value, claim, context)?
            }
            ("x509-certificate", p) if p.starts_with("hashes.") => {
                of_kind(ObservableKind::Certificate, &term.value, claim, context)?
            }
            ("autonomous-system", "number") => {
                of_kind(ObservableKind::AutonomousSystem, &term.value, claim, context)?
            }
            ("network-traffic", "dst_ref.value") => {
                classify::parsed(&endpoint(&term.value, port), claim.clone(), context)?
            }
            _ => {
                narrowing.push(term.path.as_str());
                continue;
            }
        };
        absorb(&mut found, parsed);
    }
    let name = found
        .sightings
        .iter()
        .find(|(n, _)| matches!(n.kind, ObservableKind::DomainName | ObservableKind::HostName));
    let name = name.map(|(n, _)| n.clone());
    for target in targets {
        let parsed = classify::parsed(target, claim.clone(), context)?;
        if let (Some(name), Some((to, _))) = (&name, parsed.sightings.first()) {
            found.links.extend(points_to(name, to));
        }
        absorb(&mut found, parsed);
    }
    match (found.sightings.is_empty(), narrowing.first()) {
        (false, _) => Ok(found),
        (true, Some(path)) if path.starts_with("email") => {
            Err("mail, which is no kind of observable".to_owned())
        }
        (true, Some(path)) => Err(format!("its pattern tests only {}, which names no observable", cut(path))),
        (true, None) => Err("an empty pattern".to_owned()),
    }
}
