//! Passive DNS RRsets, as a table (DNSDB) or a JSON object a line (the common output format): dated links.

use entities::{FactKind, LinkKind, ObservableKind, Timestamp};
use serde::Deserialize;

use crate::intake::{
    classify::{classify, link, of_kind},
    context::Context,
    entry::{Linked, Named, Parsed, Stated},
    lines::no_content,
    when,
};

use super::columns::{Column, Plan};

/// The most records of one RRset that are taken.
const RDATA_MAX: usize = 256;

/// One RRset or record as the source gives it.
#[derive(Default)]
struct Set<'a> {
    name: &'a str,
    kind: &'a str,
    data: Vec<&'a str>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    count: i64,
}

/// Reads a row of a table.
///
/// # Errors
/// Why it says nothing.
pub fn row(plan: &Plan, cells: &[String], context: &Context) -> Result<Parsed, String> {
    let mut set = Set::default();
    for (column, cell) in plan.columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        match column {
            Column::RrName => set.name = cell,
            Column::RrType => set.kind = cell,
            Column::RrData => set.data = cell.lines().take(RDATA_MAX).collect(),
            // Zone files and sensors each have their times; the RRset held in both.
            Column::RrFirst => set.first = earliest(set.first, when::read(cell)),
            Column::RrLast => set.last = set.last.max(when::read(cell)),
            Column::RrCount => set.count = cell.parse().unwrap_or(0),
            _ => {}
        }
    }
    set.parsed(context)
}

fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

#[derive(Deserialize)]
struct Line {
    rrname: String,
    rrtype: String,
    rdata: OneOrMany,
    #[serde(default)]
    time_first: Option<serde_json::Value>,
    #[serde(default)]
    time_last: Option<serde_json::Value>,
    #[serde(default)]
    zone_time_first: Option<serde_json::Value>,
    #[serde(default)]
    zone_time_last: Option<serde_json::Value>,
    #[serde(default)]
    count: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Reads a line with one JSON object.
///
/// # Errors
/// Why it says nothing.
pub fn line(text: &str, context: &Context) -> Result<Parsed, String> {
    if let Some(reason) = no_content(text) {
        return Err(reason.to_owned());
    }
    let line: Line = serde_json::from_str(text).map_err(|e| format!("not a passive DNS object: {e}"))?;
    let at = |value: &Option<serde_json::Value>| match value {
        Some(serde_json::Value::Number(n)) => when::read(&n.to_string()),
        Some(serde_json::Value::String(s)) => when::read(s),
        _ => None,
    };
    let data = match &line.rdata {
        OneOrMany::One(one) => vec![one.as_str()],
        OneOrMany::Many(many) => many.iter().take(RDATA_MAX).map(String::as_str).collect(),
    };
    Set {
        name: &line.rrname,
        kind: &line.rrtype,
        data,
        first: earliest(at(&line.time_first), at(&line.zone_time_first)),
        last: at(&line.time_last).max(at(&line.zone_time_last)),
        count: line.count.unwrap_or(1),
    }
    .parsed(context)
}

impl Set<'_> {
    fn parsed(&self, context: &Context) -> Result<Parsed, String> {
        if self.name.is_empty() || self.kind.is_empty() || self.data.is_empty() {
            return Err("an RRset needs a name, a type and data".to_owned());
        }
        let (of, mut facts) = classify(self.name, context).map_err(|why| format!("rrname: {why}"))?;
        let mut parsed = Parsed::default();
        let mut why = None;
        for data in &self.data {
            match self.record(&of, data.trim(), context) {
                Ok(Record::Links(links)) => parsed.links.extend(links),
                Ok(Record::Fact(fact)) => facts.push(fact),
                Err(reason) => {
                    why.get_or_insert(format!("rdata: {reason}"));
                }
            }
        }
        let has_record = facts.iter().any(|f| f.kind == FactKind::Published);
        if parsed.links.is_empty() && !has_record {
            return Err(why.unwrap_or_else(|| "no record that is kept".to_owned()));
        }
        parsed.facts = facts;
        Ok(parsed)
    }

    fn record(&self, of: &Named, data: &str, context: &Context) -> Result<Record, String> {
        let host = |kind, text| of_kind(kind, text, context);
        let one = |kind, to: Named| Ok(Record::Links(vec![self.dated(of, kind, &to)]));
        let first = data.split_whitespace().next().unwrap_or_default();
        match self.kind.to_ascii_uppercase().as_str() {
            "A" => one(LinkKind::ResolvesTo, host(ObservableKind::Ipv4Address, data)?),
            "AAAA" => one(LinkKind::ResolvesTo, host(ObservableKind::Ipv6Address, data)?),
            "CNAME" | "DNAME" => one(LinkKind::AliasOf, classify(data, context)?.0),
            "NS" => one(LinkKind::DelegatedTo, host(ObservableKind::NameServer, data)?),
            "MX" => one(
                LinkKind::MailTo,
                host(ObservableKind::MailHost, data.split_whitespace().next_back().unwrap_or_default())?,
            ),
            "SOA" => {
                let mailbox = data.split_whitespace().nth(1).ok_or("an SOA needs two names")?;
                let mut links =
                    vec![self.dated(of, LinkKind::SoaPrimary, &host(ObservableKind::NameServer, first)?)];
                if let Ok(token) = host(ObservableKind::RegistrantToken, &mailbox_of(mailbox)) {
                    links.push(self.dated(of, LinkKind::SoaMailbox, &token));
                }
                Ok(Record::Links(links))
            }
            kind => {
                let detail: String = data.chars().take(512).collect();
                Ok(Record::Fact(Stated {
                    of: of.clone(),
                    kind: FactKind::Published,
                    list: format!("dns {}", kind.to_lowercase()),
                    detail,
                }))
            }
        }
    }

    fn dated(&self, from: &Named, kind: LinkKind, to: &Named) -> Linked {
        let seen = match (self.first, self.last) {
            (Some(first), Some(last)) => Some((first.min(last), first.max(last))),
            (Some(one), None) | (None, Some(one)) => Some((one, one)),
            (None, None) => None,
        };
        Linked { seen, count: self.count.max(1), ..link(from, kind, to) }
    }
}

enum Record {
    Links(Vec<Linked>),
    Fact(Stated),
}

/// `dns.evil.example.` as a mail address: the first dot that is not escaped is the at-sign (RFC 1035 §8).
fn mailbox_of(name: &str) -> String {
    let name = name.trim_end_matches('.');
    if name.contains('@') {
        return name.to_owned();
    }
    let bytes = name.as_bytes();
    let dot = (0..bytes.len()).find(|&at| bytes[at] == b'.' && (at == 0 || bytes[at - 1] != b'\\'));
    match dot {
        Some(at) => format!("{}@{}", name[..at].replace('\\', ""), &name[at + 1..]),
        None => name.to_owned(),
    }
}
