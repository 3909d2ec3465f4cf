//! MISP events: one entry for each attribute, those inside objects too, in the order of the event.
//!
//! `to_ids: false` says that the producer would not alert on a thing, not that it is wrong: it is accepted,
//! and where no tag states a confidence it gets [`NOT_FOR_ALERTS`], so that it stays behind the others.
//! Attributes that point at reports, or name a victim, are refused by their category.

mod attribute;

use entities::{FactKind, LinkKind, ObservableKind, Timestamp};
use serde_json::{Map, Value};

use super::{
    classify,
    context::Context,
    entry::{Claim, Entry, Linked, Named, Parsed, Stated},
    hints::{self, Tags},
    json::cut,
};

/// Why a feed's manifest is refused.
pub const REFUSED_MANIFEST: &str =
    "a MISP feed's manifest: it lists events without their attributes; import the event files beside it";
/// Why a feed's `hashes.csv` is refused.
pub const REFUSED_HASHES: &str = "a MISP feed's hash list: hashes of attribute values, for correlation, not of files; import the event files beside it";
/// The confidence of an attribute that is not for alerts and has no confidence of its own.
pub const NOT_FOR_ALERTS: i16 = 25;

/// A JSON object of the event.
type Object = Map<String, Value>;

/// Whether a document's first line is of a feed's `hashes.csv`: `md5 of the value,uuid of the event`.
pub fn is_hash_list(first_line: &str) -> bool {
    let Some((hash, event)) = first_line.trim().split_once(',') else {
        return false;
    };
    let is_uuid = event.len() == 36
        && event.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        });
    is_uuid && hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a JSON object is an event, bare or in its wrapper.
pub fn is_event(object: &Object) -> bool {
    let bare =
        |o: &Object| o.contains_key("info") && (o.contains_key("Attribute") || o.contains_key("Object"));
    object.get("Event").is_some_and(Value::is_object) || bare(object) || is_attributes(object)
}

/// A search for attributes answers with `Attribute` alone.
fn is_attributes(object: &Object) -> bool {
    object.get("Attribute").is_some_and(Value::is_array)
}

/// Reads events (`{Event: …}`, bare, or the answer to a search) into one entry an attribute.
///
/// # Errors
/// None of the values is an event.
pub fn read(events: &[Value], context: &Context) -> Result<Vec<Entry>, String> {
    let mut entries = Entries { context, entries: Vec::new() };
    let mut any = events.is_empty();
    for event in events {
        let Some(event) = event.as_object() else {
            entries.refuse("", "not an event: a JSON object is expected");
            continue;
        };
        if let Some(inside) = event.get("Event").and_then(Value::as_object) {
            entries.event(inside);
        } else if is_event(event) {
            entries.event(event);
        } else {
            entries.refuse("", "not an event: it has no `Event` and no `Attribute`");
            continue;
        }
        any = true;
    }
    match any {
        true => Ok(entries.entries),
        false => Err("a MISP answer without an event in it".to_owned()),
    }
}

fn text<'a>(object: &'a Object, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(object: &'a Object, key: &str) -> impl Iterator<Item = &'a Object> {
    object.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// MISP writes booleans as such, as `1`, and as `"1"`.
fn flag(object: &Object, key: &str) -> Option<bool> {
    match object.get(key)? {
        Value::Bool(b) => Some(*b),
        Value::Number(n) => Some(n.as_i64() != Some(0)),
        Value::String(s) => Some(!matches!(s.as_str(), "" | "0" | "false")),
        _ => None,
    }
}

/// Seconds since 1970 as a number or text, or RFC 3339.
fn time(object: &Object, key: &str) -> Option<Timestamp> {
    let value = object.get(key)?;
    let seconds = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    match seconds {
        Some(0) => None,
        Some(seconds) => seconds.checked_mul(1_000_000).map(Timestamp),
        None => value.as_str()?.parse().ok(),
    }
}

struct Entries<'a> {
    context: &'a Context,
    entries: Vec<Entry>,
}

/// What an event says of all that is in it.
struct Event<'e> {
    object: &'e Object,
    family: Option<String>,
    day: Option<Timestamp>,
}

impl Entries<'_> {
    fn refuse(&mut self, shown: &str, why: &str) {
        self.push(cut(shown), Err(why.to_owned()));
    }

    fn push(&mut self, text: String, parsed: Result<Parsed, String>) {
        let number = self.entries.len() as u64 + 1;
        self.entries.push(Entry { number, text, parsed });
    }

    fn event(&mut self, object: &Object) {
        let day = format!("{}T00:00:00Z", text(object, "date")).parse().ok();
        let event = Event { object, family: hints::family(text(object, "info"), self.context), day };
        for attribute in list(object, "Attribute") {
            let parsed = self.attribute(attribute, None, &event);
            self.push(shown(attribute), parsed);
        }
        for inside in list(object, "Object") {
            self.object(inside, &event);
        }
        for proposal in list(object, "ShadowAttribute") {
            self.push(shown(proposal), Err("a proposal that the event's owner has not accepted".to_owned()));
        }
    }

    /// The attributes of an object, each on its own, and what they say together as links of the first.
    fn object(&mut self, object: &Object, event: &Event<'_>) {
        let start = self.entries.len();
        let deleted = flag(object, "deleted") == Some(true);
        for attribute in list(object, "Attribute") {
            let parsed = match deleted {
                true => Err("deleted by its producer, with its object".to_owned()),
                false => self.attribute(attribute, Some(object), event),
            };
            self.push(shown(attribute), parsed);
        }
        let seen = time(object, "first_seen")
            .map(|first| (first, time(object, "last_seen").unwrap_or(first).max(first)));
        let mut names = Vec::new();
        let mut targets = Vec::new();
        for entry in &self.entries[start..] {
            for (named, _) in entry.parsed.iter().flat_map(|p| &p.sightings) {
                match named.kind {
                    ObservableKind::DomainName | ObservableKind::HostName => names.push(named.clone()),
                    ObservableKind::Ipv4Address | ObservableKind::Ipv6Address => targets.push(named.clone()),
                    _ => {}
                }
            }
        }
        // Only these objects state that the name has the address; a `network-connection` does not.
        let resolves = matches!(text(object, "name"), "domain-ip" | "passive-dns" | "dns-record");
        if !resolves || names.len().saturating_mul(targets.len()) > 1_000 {
            return;
        }
        let links = names.iter().flat_map(|name| targets.iter().map(move |to| resolves_to(name, to, seen)));
        let links: Vec<Linked> = links.collect();
        if let Some(parsed) = self.entries[start..].iter_mut().find_map(|e| e.parsed.as_mut().ok()) {
            parsed.links.extend(links);
        }
    }

    fn attribute(
        &self,
        attribute: &Object,
        object: Option<&Object>,
        event: &Event<'_>,
    ) -> Result<Parsed, String> {
        if flag(attribute, "deleted") == Some(true) {
            return Err("deleted by its producer".to_owned());
        }
        match text(attribute, "category") {
            "External analysis" | "Internal reference"
                if matches!(text(attribute, "type"), "url" | "uri" | "link" | "domain") =>
            {
                return Err("a reference of the event, by its category".to_owned());
            }
            "Targeting data" => return Err("names a target, not the actor's infrastructure".to_owned()),
            _ => {}
        }
        if object.is_some_and(|o| matches!(text(o, "name"), "corporate-asset" | "victim")) {
            return Err("names a target, not the actor's infrastructure".to_owned());
        }
        let (claim, statements) = self.claim(attribute, object, event);
        let mut parsed = attribute::parsed(attribute, object, &claim, self.context)?;
        if let Some((of, _)) = parsed.sightings.first() {
            let of = of.clone();
            parsed.facts.extend(statements.into_iter().map(|detail| Stated {
                of: of.clone(),
                kind: FactKind::Published,
                list: "misp-comment".to_owned(),
                detail,
            }));
        }
        Ok(parsed)
    }

    /// What is claimed: the attribute's own tags before the object's and the event's; of markings the
    /// strictest. And the comment, where it says more than a link.
    fn claim(
        &self,
        attribute: &Object,
        object: Option<&Object>,
        event: &Event<'_>,
    ) -> (Claim, Option<String>) {
        let mut tags = Tags::default();
        for holder in [Some(attribute), object, Some(event.object)].into_iter().flatten() {
            for tag in list(holder, "Tag").take(256) {
                tags.add(text(tag, "name"), self.context);
            }
            for galaxy in list(holder, "Galaxy").take(64).flat_map(|g| list(g, "GalaxyCluster")) {
                tags.add(text(galaxy, "tag_name"), self.context);
            }
        }
        let mut claim = tags.claim();
        let comment = text(attribute, "comment").trim();
        claim.family =
            claim.family.or_else(|| hints::family(comment, self.context)).or_else(|| event.family.clone());
        claim.role =
            claim.role.or_else(|| hints::role(comment)).or_else(|| match text(attribute, "category") {
                "Payload delivery" if !text(attribute, "type").starts_with("email") => {
                    Some(entities::Role::Payload)
                }
                _ => None,
            });
        let to_ids = flag(attribute, "to_ids").unwrap_or(true);
        claim.confidence = claim.confidence.or((!to_ids).then_some(NOT_FOR_ALERTS));
        claim.seen_at = ["last_seen", "first_seen", "timestamp"]
            .iter()
            .find_map(|key| time(attribute, key))
            .or_else(|| object.and_then(|o| time(o, "last_seen").or_else(|| time(o, "first_seen"))))
            .or(event.day);
        let says_more = !comment.is_empty() && !comment.starts_with("http");
        (claim, says_more.then(|| cut(comment)))
    }
}

fn resolves_to(name: &Named, to: &Named, seen: Option<(Timestamp, Timestamp)>) -> Linked {
    Linked { seen, ..classify::link(name, LinkKind::ResolvesTo, to) }
}

fn shown(attribute: &Object) -> String {
    cut(&format!("{}: {}", text(attribute, "type"), text(attribute, "value")))
}

#[cfg(test)]
mod tests;
