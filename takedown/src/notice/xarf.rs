//! XARF v4 reports, one per target (xarf/xarf-spec, `schemas/v4`): the exact form beside the defanged prose.

use entities::{Role, Timestamp};
use lettre::message::Mailbox;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{settings::MailSettings, task::known::Known};

/// The version that the reports declare.
const VERSION: &str = "4.2.0";

/// The report on one target: `content/malware` with `infostealer` and the role as a tag, since XARF has no type
/// for command and control.
pub fn report(settings: &MailSettings, known: &Known, id: Uuid, reference: &str) -> Value {
    let name = known.observable.value.as_str();
    let contact = contact(settings);
    let mut report = json!({
        "xarf_version": VERSION,
        "report_id": id,
        "timestamp": instant(known.seen().map_or(known.observable.created_at, |(_, last)| last)),
        "reporter": contact,
        "sender": contact,
        "source_identifier": name,
        "category": "content",
        "type": "malware",
        "url": format!("https://{name}/"),
        "malware_type": "infostealer",
        "evidence_source": "threat_intelligence",
        "verification_method": "threat_intelligence",
        "tags": tags(known, reference),
        "description": description(known),
    });
    let Some(fields) = report.as_object_mut() else { return report };
    if fits_domain_field(name) {
        fields.insert("domain".into(), name.into());
    }
    if let Some(family) = known.family() {
        fields.insert("malware_family".into(), family.into());
    }
    if has_role(known, &[Role::C2, Role::Exfil]) {
        fields.insert("c2_servers".into(), json!([{ "address": name }]));
    }
    if has_role(known, &[Role::Payload]) {
        fields.insert("distribution_method".into(), "direct_download".into());
    }
    if let Some(confidence) = known.sightings.iter().filter_map(|s| s.confidence).max() {
        fields.insert("confidence".into(), json!(f64::from(confidence.clamp(0, 100)) / 100.0));
    }
    resolution(known, fields);
    registration(known, fields);
    report
}

fn contact(settings: &MailSettings) -> Value {
    let read = settings.reply_to.as_deref().unwrap_or(&settings.from);
    let address =
        read.parse::<Mailbox>().map_or_else(|_| read.to_owned(), |mailbox| mailbox.email.to_string());
    json!({ "org": cut(&settings.org, 200), "contact": address, "domain": settings.domain })
}

fn resolution(known: &Known, fields: &mut Map<String, Value>) {
    let Some(at) = known.resolved_at else { return };
    fields.insert("verified_at".into(), instant(at).into());
    fields.insert(
        "dns_response".into(),
        json!({ "query_time": instant(at), "authoritative": false, "response_code": "NOERROR" }),
    );
    let (v4, v6): (Vec<&String>, Vec<&String>) = known.addresses.iter().partition(|a| !a.contains(':'));
    let mut records = Map::new();
    for (kind, addresses) in [("a", v4), ("aaaa", v6)] {
        if !addresses.is_empty() {
            records.insert(kind.into(), json!(addresses));
        }
    }
    if !records.is_empty() {
        fields.insert("dns_records".into(), records.into());
    }
    if !known.name_servers.is_empty() {
        fields.insert("nameservers".into(), json!(known.name_servers));
    }
}

fn registration(known: &Known, fields: &mut Map<String, Value>) {
    let Some(registration) = &known.registration else { return };
    if let Some(name) = &registration.registrar_name {
        fields.insert("registrar".into(), cut(name, 200).into());
    }
    if let Some(at) = registration.registered_at {
        // The registrant's data stays out: the registrar has it, and nobody else need.
        fields.insert("whois".into(), json!({ "created_date": instant(at) }));
    }
}

fn has_role(known: &Known, roles: &[Role]) -> bool {
    known.sightings.iter().any(|s| roles.contains(&s.role))
}

/// `namespace:predicate`, each of lower-case letters, digits, `_`, `+` and `-`: a dot is not allowed, so a
/// domain can be no tag.
fn tags(known: &Known, reference: &str) -> Vec<String> {
    let mut tags = Vec::new();
    if has_role(known, &[Role::C2]) {
        tags.push("botnet:command-and-control".to_owned());
    }
    if let Some(family) = known.family().map(slug).filter(|slug| !slug.is_empty()) {
        tags.push(format!("malware:{family}"));
    }
    tags.push(format!("reference:{}", slug(reference)));
    tags
}

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').chars().take(60).collect()
}

fn description(known: &Known) -> String {
    let sources =
        known.sightings.iter().map(|s| s.source_id).collect::<std::collections::BTreeSet<_>>().len();
    let what = super::render::used_as(known);
    let family = known.family().unwrap_or("an information stealer");
    let plural = if sources == 1 { "" } else { "s" };
    cut(
        &format!("Used by {family} as {what}, by {sources} source{plural}. Registered for the purpose."),
        1_000,
    )
}

/// The schema's pattern for `domain`, `^([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}$`: it refuses every A-label, since
/// those have two hyphens in a row. Such names stand in `url` and `source_identifier` alone.
fn fits_domain_field(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    let Some((tld, rest)) = labels.split_last() else { return false };
    let label = |label: &str| {
        label
            .split('-')
            .all(|run| !run.is_empty() && run.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
    };
    !rest.is_empty()
        && rest.iter().all(|l| label(l))
        && tld.len() >= 2
        && tld.bytes().all(|b| b.is_ascii_lowercase())
}

/// RFC 3339 to the second.
fn instant(at: Timestamp) -> String {
    Timestamp(at.0 - at.0.rem_euclid(1_000_000)).to_string()
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_field_takes_what_the_schema_takes() {
        for (name, fits) in [
            ("bad.example", true),
            ("a-b.c1.example", true),
            ("xn--bcher-kva.example", false),
            ("a--b.example", false),
            ("bad.xn--p1ai", false),
            ("Bad.example", false),
            ("example", false),
            ("-a.example", false),
            ("a_b.example", false),
        ] {
            assert_eq!(fits_domain_field(name), fits, "{name}");
        }
    }

    #[test]
    fn a_tag_has_no_dot_and_no_blank() {
        assert_eq!(slug("Lumma Stealer 4.0!"), "lumma-stealer-4-0");
        assert_eq!(slug("Ω"), "");
    }
}
