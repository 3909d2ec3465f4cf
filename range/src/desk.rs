//! Abuse desks of registrars: they read their mailbox and, some of them, suspend what they sponsor.

use std::collections::BTreeSet;

use mail_parser::{Message, MessageParser, MimeHeaders};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::dice;
use crate::internet::{Internet, Place, Standing};
use crate::mailbox::{Mail, Mailboxes};
use crate::scenario::{Desk, Registrar};

/// Most names that a desk takes from one mail.
const MAX_NAMES: usize = 10_000;

/// A domain that a desk has just suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// The domain.
    pub domain: String,
    /// Name of its registrar.
    pub registrar: String,
    /// Since when it is on hold: when the desk's delay had passed, by the range's clock.
    pub since: OffsetDateTime,
}

/// Which mails a desk has dealt with, in its mailbox.
#[derive(Debug, Default, Clone)]
pub(crate) struct Read(BTreeSet<usize>);

impl Read {
    /// The number below which everything was read.
    fn first_unread(&self) -> usize {
        (0..).find(|n| !self.0.contains(n)).unwrap_or(0)
    }
}

/// The registrar goes over its unread mail whose delay has passed, and suspends what it sponsors.
pub(crate) fn work(net: &Internet, mailboxes: &Mailboxes, index: usize, read: &mut Read) -> Vec<Suspension> {
    let registrar = &net.scenario.registrars[index];
    let mut done = Vec::new();
    for mail in mailboxes.read(&registrar.abuse, read.first_unread()) {
        let Some(due) = due(net.scenario.seed, registrar, &mail) else { return done };
        if due > net.now() || !read.0.insert(mail.number) {
            continue;
        }
        for domain in named(net, &mail.raw) {
            let mine = net.domain(domain).registrar == index;
            if mine && net.standing(domain) == Standing::Active && net.hold(domain, due) {
                let domain = net.domain(domain).name.clone();
                done.push(Suspension { domain, registrar: registrar.name.clone(), since: due });
            }
        }
    }
    done
}

/// When the desk acts on a mail; never for silent desks.
fn due(seed: u64, registrar: &Registrar, mail: &Mail) -> Option<OffsetDateTime> {
    let Desk::Acts { minutes: [from, to] } = registrar.desk else { return None };
    let span = u64::from(to - from) * 60 + 1;
    let extra = dice::pick(seed, &format!("desk/{}/{}", registrar.iana_id, mail.number), span);
    let extra = i64::try_from(extra).unwrap_or(0);
    Some(mail.received_at + Duration::minutes(i64::from(from)) + Duration::seconds(extra))
}

/// The domains of the range that a mail reports: those of its XARF parts, or else those in its text.
pub(crate) fn named(net: &Internet, raw: &[u8]) -> BTreeSet<usize> {
    let Some(message) = MessageParser::default().parse(raw) else { return BTreeSet::new() };
    let replied = message.header_raw("Auto-Submitted").map(str::trim);
    if replied.is_some_and(|v| v.to_ascii_lowercase().starts_with("auto-replied")) {
        return BTreeSet::new();
    }
    let reports: Vec<Value> = message.attachments().filter_map(xarf).collect();
    let found: Vec<String> = if reports.is_empty() {
        text_of(&message).split(is_between).map(refang).take(MAX_NAMES).collect()
    } else {
        reports.iter().filter_map(reported).take(MAX_NAMES).collect()
    };
    found.iter().filter_map(|name| domain_at(net, name)).collect()
}

/// A XARF v4 report, when the part is one: `application/json`, called `xarf….json`.
fn xarf(part: &mail_parser::MessagePart<'_>) -> Option<Value> {
    let name = part.attachment_name()?.to_ascii_lowercase();
    let json = part.content_type().is_some_and(|t| t.ctype() == "application" && t.subtype() == Some("json"));
    if !json || !name.starts_with("xarf") || !name.ends_with(".json") {
        return None;
    }
    let report: Value = serde_json::from_slice(part.contents()).ok()?;
    let version = report.get("xarf_version").and_then(Value::as_str)?;
    version.starts_with("4.").then_some(report)
}

/// The name that a report is about: `source_identifier`, or else the host of `url`.
fn reported(report: &Value) -> Option<String> {
    let text = |key| report.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
    text("source_identifier").or_else(|| text("url")).map(refang)
}

fn text_of(message: &Message<'_>) -> String {
    let bodies = 0..message.text_body_count();
    bodies.filter_map(|i| message.body_text(i)).map(|t| t.into_owned()).collect::<Vec<_>>().join("\n")
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>' | '"' | '\'' | '|' | '`')
}

/// The host of a defanged name or URL, in lower case.
fn refang(text: impl AsRef<str>) -> String {
    let mut text = text.as_ref().to_ascii_lowercase();
    for (defanged, dot) in
        [("[.]", "."), ("(.)", "."), ("{.}", "."), ("[dot]", "."), ("(dot)", "."), ("[:]", ":")]
    {
        text = text.replace(defanged, dot);
    }
    let host = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let host = host.split(['/', '?', '#', ':']).next().unwrap_or_default();
    host.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

fn domain_at(net: &Internet, name: &str) -> Option<usize> {
    match net.place(name) {
        Place::In { index, .. } => Some(index),
        Place::Vacant { .. } | Place::Suffix { .. } | Place::Outside => None,
    }
}
