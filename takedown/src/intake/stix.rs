//! STIX 2.0 and 2.1: indicators by their patterns, observables by their values, relationships as links.
//!
//! Every object gets a verdict. Relationships, infrastructure, malware and observed data are read first,
//! so that an indicator knows its family and role whatever the order of the bundle.

mod marking;
mod observable;
pub mod pattern;

use std::collections::HashMap;

use entities::{FactKind, LinkKind, Role, Timestamp};
use serde_json::{Map, Value};

use super::{
    classify,
    context::Context,
    entry::{Claim, Entry, Linked, Parsed, Stated},
    hints::{self, Tags},
    json::{absorb, cut},
};

/// Why STIX 1.x is refused, in XML or JSON.
pub const REFUSED_1X: &str =
    "STIX 1.x, which is not read: ask the publisher for STIX 2.1, or convert it with an elevator tool first";

/// A JSON object of the bundle.
type Object = Map<String, Value>;

/// Whether a document's start is STIX 1.x in XML.
pub fn is_version_1_xml(head: &str) -> bool {
    head.trim_start_matches('\u{feff}').trim_start().starts_with('<')
        && (head.contains("STIX_Package") || head.contains("http://stix.mitre.org/"))
}

/// Whether a JSON object is a STIX object: a type, and an id of that type.
pub fn is_object(object: &Object) -> bool {
    let kind = text(object, "type");
    !kind.is_empty() && text(object, "id").strip_prefix(kind).is_some_and(|rest| rest.starts_with("--"))
}

/// Reads a bundle's objects: one entry each, in order, numbered from 1.
pub fn read(objects: &[Value], context: &Context) -> Vec<Entry> {
    let bundle = Bundle::of(objects, context);
    let mut entries = Vec::with_capacity(objects.len());
    for (number, object) in (1u64..).zip(objects) {
        let (shown, parsed) = match object {
            Value::Object(object) => (shown(object), bundle.parsed(object)),
            _ => (String::new(), Err("not an object: a bundle holds JSON objects".to_owned())),
        };
        entries.push(Entry { number, text: shown, parsed });
    }
    entries
}

/// A text property, or the empty text.
fn text<'a>(object: &'a Object, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The texts of a list property.
fn texts<'a>(object: &'a Object, key: &str) -> impl Iterator<Item = &'a str> {
    object.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn time(object: &Object, key: &str) -> Option<Timestamp> {
    text(object, key).parse().ok()
}

fn shown(object: &Object) -> String {
    let kind = text(object, "type");
    let first = ["pattern", "value", "name", "relationship_type", "id"].iter().map(|k| text(object, k));
    let first = first.into_iter().find(|t| !t.is_empty()).unwrap_or_default();
    cut(&format!("{kind}: {first}"))
}

/// What the objects of a bundle say of each other.
struct Bundle<'a> {
    context: &'a Context,
    by_id: HashMap<&'a str, &'a Object>,
    /// Family by the id of what indicates, consists of, or talks to it.
    families: HashMap<&'a str, &'a str>,
    /// Role by the id of a thing that an infrastructure consists of.
    roles: HashMap<&'a str, Role>,
    /// When a thing was observed, by its id.
    seen: HashMap<&'a str, Timestamp>,
    /// The family that the bundle's only report names.
    reported: Option<String>,
}

impl<'a> Bundle<'a> {
    fn of(objects: &'a [Value], context: &'a Context) -> Self {
        let objects: Vec<&Object> = objects.iter().filter_map(Value::as_object).collect();
        let mut bundle = Self {
            context,
            by_id: objects.iter().map(|o| (text(o, "id"), *o)).filter(|(id, _)| !id.is_empty()).collect(),
            families: HashMap::new(),
            roles: HashMap::new(),
            seen: HashMap::new(),
            reported: None,
        };
        let mut reports = Vec::new();
        for object in objects {
            match text(object, "type") {
                "relationship" => bundle.relate(object),
                "observed-data" => {
                    let at = time(object, "last_observed").or_else(|| time(object, "first_observed"));
                    if let Some(at) = at {
                        bundle.seen.extend(texts(object, "object_refs").map(|id| (id, at)));
                    }
                }
                "report" | "grouping" => reports.push(object),
                _ => {}
            }
        }
        if let [report] = reports.as_slice() {
            let title = format!("{} {}", text(report, "name"), text(report, "title"));
            bundle.reported = hints::family(&title, context);
        }
        bundle
    }

    fn relate(&mut self, relationship: &'a Object) {
        let (from, to) = (text(relationship, "source_ref"), text(relationship, "target_ref"));
        let verb = text(relationship, "relationship_type");
        let at = |id: &str| self.by_id.get(id).copied();
        if let Some(malware) =
            at(to).filter(|o| matches!(text(o, "type"), "malware" | "tool") && is_thing(from))
        {
            self.families.entry(from).or_insert_with(|| text(malware, "name"));
        }
        if let Some(malware) = at(from).filter(|o| text(o, "type") == "malware" && is_thing(to)) {
            self.families.entry(to).or_insert_with(|| text(malware, "name"));
        }
        let infrastructure = match verb {
            "consists-of" | "communicates-with" => at(from).map(|o| (o, to)),
            "indicates" => at(to).map(|o| (o, from)),
            _ => None,
        };
        let Some((infrastructure, id)) = infrastructure.filter(|(o, _)| text(o, "type") == "infrastructure")
        else {
            return;
        };
        let role = texts(infrastructure, "infrastructure_types").find_map(hints::role);
        if let Some(role) = role.or_else(|| hints::role(text(infrastructure, "name"))) {
            self.roles.entry(id).or_insert(role);
        }
    }

    fn parsed(&self, object: &Object) -> Result<Parsed, String> {
        if object.get("revoked").and_then(Value::as_bool) == Some(true) {
            return Err("revoked by its producer".to_owned());
        }
        match text(object, "type") {
            "indicator" => self.indicator(object),
            "observed-data" => self.observed(object),
            "relationship" => self.relationship(object),
            "" => Err("not a STIX object: it has no `type`".to_owned()),
            kind if observable::is_kind(kind) => {
                refuse_reference(object)?;
                let claim = self.claim(object);
                let found =
                    observable::parsed(object, &claim, &|id| self.by_id.get(id).copied(), self.context)?;
                Ok(self.finish(object, found))
            }
            "malware" | "tool" => {
                Err("a family, not an indicator: its name goes to what indicates it".to_owned())
            }
            "infrastructure" => {
                Err("infrastructure names no indicator by itself: its parts are read on their own".to_owned())
            }
            "marking-definition" => {
                Err("a marking, not an indicator: it is applied to what refers to it".to_owned())
            }
            kind => Err(format!("a STIX object of type {} names no indicator", cut(kind))),
        }
    }

    fn indicator(&self, object: &Object) -> Result<Parsed, String> {
        refuse_reference(object)?;
        let language = text(object, "pattern_type");
        if !matches!(language, "" | "stix") {
            return Err(format!("a {} rule names no indicator: only STIX patterns are read", cut(language)));
        }
        let claim = self.claim(object);
        let mut found = Parsed::default();
        let mut refused = Vec::new();
        for together in pattern::alternatives(text(object, "pattern"))? {
            match observable::of_pattern(&together, &claim, self.context) {
                Ok(parsed) => absorb(&mut found, parsed),
                Err(why) => refused.push(why),
            }
        }
        if let Some((first, _)) = found.sightings.first() {
            let of = first.clone();
            // Half a pattern was readable: what was left out is told, not hidden.
            found.facts.extend(refused.into_iter().take(8).map(|why| Stated {
                of: of.clone(),
                kind: FactKind::Published,
                list: "stix-pattern".to_owned(),
                detail: format!("left out: {why}"),
            }));
            return Ok(self.finish(object, found));
        }
        Err(refused.into_iter().next().unwrap_or_else(|| "an empty pattern".to_owned()))
    }

    /// STIX 2.0 holds the observables inside; 2.1 refers to them.
    fn observed(&self, object: &Object) -> Result<Parsed, String> {
        refuse_reference(object)?;
        let Some(inside) = object.get("objects").and_then(Value::as_object) else {
            return Err("observed data: what it observed is read on its own".to_owned());
        };
        let claim = Claim {
            seen_at: time(object, "last_observed").or_else(|| time(object, "first_observed")),
            ..self.claim(object)
        };
        let mut found = Parsed::default();
        let mut refused = None;
        for part in inside.values().filter_map(Value::as_object).take(1_000) {
            let lookup = |id: &str| inside.get(id).and_then(Value::as_object);
            match observable::parsed(part, &claim, &lookup, self.context) {
                Ok(parsed) => absorb(&mut found, parsed),
                Err(why) => refused = Some(why),
            }
        }
        if inside.len() > 1_000 {
            return Err(format!("observed data of {} objects: at most 1000 are read", inside.len()));
        }
        if found.sightings.is_empty() {
            return Err(refused.unwrap_or_else(|| "observed data without an object".to_owned()));
        }
        Ok(self.finish(object, found))
    }

    fn relationship(&self, object: &Object) -> Result<Parsed, String> {
        let verb = text(object, "relationship_type");
        let (from, to) = (text(object, "source_ref"), text(object, "target_ref"));
        let kind = match (verb, from.split("--").next(), to.split("--").next()) {
            ("resolves-to", Some("domain-name"), Some("domain-name")) => LinkKind::AliasOf,
            ("resolves-to", ..) => LinkKind::ResolvesTo,
            ("belongs-to", Some("ipv4-addr" | "ipv6-addr"), Some("autonomous-system")) => {
                LinkKind::AnnouncedBy
            }
            ("communicates-with" | "beacons-to" | "exfiltrates-to" | "downloads", Some("file"), _) => {
                LinkKind::CommunicatesWith
            }
            _ => {
                return Err(format!(
                    "a relationship ({}) between things that are read on their own",
                    cut(verb)
                ));
            }
        };
        let named = |id: &str| {
            let object = self
                .by_id
                .get(id)
                .ok_or_else(|| format!("a relationship to {}, which is not in the bundle", cut(id)))?;
            let lookup = |id: &str| self.by_id.get(id).copied();
            let parsed = observable::parsed(object, &Claim::default(), &lookup, self.context)?;
            parsed
                .sightings
                .into_iter()
                .next()
                .map(|(named, _)| named)
                .ok_or_else(|| "a relationship to nothing".to_owned())
        };
        let (from, to) = (named(from)?, named(to)?);
        let seen = match (time(object, "start_time"), time(object, "stop_time")) {
            (Some(first), Some(last)) => Some((first, last.max(first))),
            (Some(at), None) | (None, Some(at)) => Some((at, at)),
            (None, None) => None,
        };
        let link = Linked { seen, ..classify::link(&from, kind, &to) };
        Ok(Parsed { links: vec![link], ..Parsed::default() })
    }

    fn claim(&self, object: &Object) -> Claim {
        let id = text(object, "id");
        let mut tags = Tags::default();
        if let Some(family) = self.families.get(id) {
            tags.family(family);
        }
        for key in ["labels", "indicator_types"] {
            for label in texts(object, key).take(64) {
                tags.add(label, self.context);
            }
        }
        let phases = object.get("kill_chain_phases").and_then(Value::as_array).into_iter().flatten();
        let phase = phases.filter_map(|p| p.get("phase_name")?.as_str()).find_map(hints::role);
        for reference in marking::refs(object).take(64) {
            match marking::tlp(reference, self.by_id.get(reference).copied()) {
                marking::Marking::Tlp(tlp) => tags.mark(tlp),
                marking::Marking::Statement(statement) => tags.add(&statement, self.context),
                marking::Marking::Unknown => {}
            }
        }
        let mut claim = tags.claim();
        let described = format!("{} {}", text(object, "name"), text(object, "description"));
        let confidence = object.get("confidence").and_then(Value::as_i64).filter(|c| (0..=100).contains(c));
        claim.role = self.roles.get(id).copied().or(claim.role).or(phase).or_else(|| hints::role(&described));
        claim.family = claim
            .family
            .or_else(|| hints::family(&described, self.context))
            .or_else(|| self.reported.clone());
        claim.confidence = confidence.and_then(|c| i16::try_from(c).ok()).or(claim.confidence);
        claim.seen_at = time(object, "valid_from")
            .or_else(|| self.seen.get(id).copied())
            .or_else(|| time(object, "created"));
        claim.valid_until = time(object, "valid_until");
        claim
    }

    /// Notes markings that are no TLP: their terms bind whoever handles the thing.
    fn finish(&self, object: &Object, mut found: Parsed) -> Parsed {
        let Some((of, _)) = found.sightings.first() else {
            return found;
        };
        let of = of.clone();
        for reference in marking::refs(object).take(8) {
            let detail = match marking::tlp(reference, self.by_id.get(reference).copied()) {
                marking::Marking::Tlp(_) => continue,
                marking::Marking::Statement(statement) => cut(&statement),
                marking::Marking::Unknown => format!("{}: not in the bundle", cut(reference)),
            };
            found.facts.push(Stated {
                of: of.clone(),
                kind: FactKind::Published,
                list: "stix-marking".to_owned(),
                detail,
            });
        }
        found
    }
}

/// Whether an id is of something that can be indicated: not another family, a person or a report.
fn is_thing(id: &str) -> bool {
    id.split("--")
        .next()
        .is_some_and(|kind| matches!(kind, "indicator" | "infrastructure") || observable::is_kind(kind))
}

/// MISP's converter writes an event's own references as observed data with the category as a label.
fn refuse_reference(object: &Object) -> Result<(), String> {
    let is_reference = |label: &str| {
        matches!(label, "misp:category=\"External analysis\"" | "misp:category=\"Internal reference\"")
            || label == "misp:type=\"link\""
    };
    match texts(object, "labels").any(is_reference) {
        true => Err("a reference of the report, by its label".to_owned()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
