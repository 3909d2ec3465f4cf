//! What the columns of a table are: by the words of its header, or else by what stands in them.

use std::collections::HashSet;

use entities::ObservableKind;

use crate::intake::{classify::classify, context::Context, when};

use super::iris;

/// How many rows are looked at where there is no header.
const ROWS_MAX: usize = 60;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Nothing we use.
    Ignored,
    /// An indicator of any kind.
    Value,
    /// An address: the indicator, or where the row's name pointed.
    Address,
    /// A certificate's fingerprint.
    Certificate,
    /// The port that belongs to the address or name.
    Port,
    /// The kind of the indicator, in the publisher's words.
    Type,
    /// `add` or `del`.
    Action,
    /// The malware family; the lower rank wins.
    Family(u8),
    /// What it did.
    Role,
    /// Words about it.
    Comment,
    /// Tags.
    Tags,
    /// TLP.
    Tlp,
    /// PAP.
    Pap,
    /// 0–100 or low, medium, high.
    Confidence,
    /// When it was seen; the lower rank wins.
    SeenAt(u8),
    /// Until when it is valid.
    ValidUntil,
    /// A link to a report: never an indicator.
    Reference,
    /// Name servers, several in a cell.
    NameServers,
    /// The autonomous system of the row's address.
    Asn,
    /// The registrar of the row's domain.
    Registrar,
    /// A value to be kept as it is.
    Published,
    /// A column of an Iris export.
    Iris(iris::Field),
    /// The owner name of an RRset.
    RrName,
    /// Its type.
    RrType,
    /// Its data.
    RrData,
    /// First time it was seen.
    RrFirst,
    /// Last time it was seen.
    RrLast,
    /// How often.
    RrCount,
}

/// The columns of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// A column each.
    pub columns: Vec<Column>,
    /// The names of the header row; empty if there is none.
    pub header: Vec<String>,
}

/// A column's name with one blank between words, lower-case.
pub fn normal(name: &str) -> String {
    let name = name.trim_start_matches(['#', '\u{feff}', ' ']).to_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// The plan of a header row; none if the cells are not column names.
pub fn by_header(cells: &[String]) -> Option<Plan> {
    let names: Vec<String> = cells.iter().map(|c| normal(c)).collect();
    let has = |name: &str| names.iter().any(|n| n == name);
    if has("rrname") && has("rdata") {
        let columns = names.iter().map(|n| rrset(n)).collect();
        return Some(Plan { columns, header: cells.to_vec() });
    }
    let is_iris =
        has("domain") && (has("ip 1 address") || has("name server 1 host") || has("registrar status 1"));
    let mut columns: Vec<Column> = names
        .iter()
        .map(|name| match iris::field(name).filter(|_| is_iris) {
            Some(field) => Column::Iris(field),
            None => by_name(name),
        })
        .collect();
    if !columns.iter().any(|c| is_carrier(*c)) {
        // `name` is an indicator only where nothing else is one and a type stands beside it.
        let told = has("type") || has("observable types") || has("indicator type");
        let name =
            names.iter().position(|n| matches!(n.as_str(), "name" | "key" | "artifact" | "data" | "pattern"));
        columns[name.filter(|_| told)?] = Column::Value;
    }
    Some(Plan { columns, header: cells.to_vec() })
}

const fn is_carrier(column: Column) -> bool {
    matches!(
        column,
        Column::Value | Column::Address | Column::Certificate | Column::Iris(iris::Field::Domain)
    )
}

/// Whether a lone word is the name of a column of indicators.
pub fn is_carrier_name(word: &str) -> bool {
    is_carrier(by_name(&normal(word)))
}

fn by_name(name: &str) -> Column {
    match name {
        "ioc" | "iocs" | "indicator" | "indicators" | "value" | "ioc value" | "indicator value"
        | "observable" | "observables" | "domain" | "domains" | "domain name" | "domainname" | "hostname"
        | "hostnames" | "host" | "fqdn" | "url" | "urls" | "uri" | "sha256" | "sha256sum" | "sha256 hash"
        | "sha1" | "sha1 hash" | "md5" | "md5 hash" | "md5sum" | "hash" | "hashes" | "file hash"
        | "sha 256" | "sha 1" | "sha512" | "ip port" | "endpoint" | "c2 url" | "c2 domain"
        | "malicious domain" | "malicious url" | "wallet" | "site" | "website" | "landing page"
        | "payload url" => Column::Value,
        "ip" | "ips" | "ip address" | "ip addresses" | "ipv4" | "ipv6" | "address" | "dst ip" | "dest ip"
        | "c2 ip" | "ipaddress" => Column::Address,
        "certificate" | "certificate sha1" | "certificate sha256" | "cert sha1" | "cert sha256"
        | "cert hash" | "certificate hash" | "ssl hash" | "x509 sha1" | "tls fingerprint" => {
            Column::Certificate
        }
        "port" | "dst port" | "dest port" | "c2 port" => Column::Port,
        "type" | "ioc type" | "indicator type" | "observable types" | "observable type" | "kind"
        | "category" => Column::Type,
        "action" => Column::Action,
        "malware printable" | "family" | "malware family" => Column::Family(0),
        "malware" | "threat name" | "stealer" | "malware name" => Column::Family(1),
        "fk malware" | "signature" => Column::Family(2),
        "threat type"
        | "classification"
        | "kill chain"
        | "role"
        | "threat"
        | "usage"
        | "infrastructure type" => Column::Role,
        "comment" | "comments" | "description" | "notes" | "note" | "context" | "details" | "info" => {
            Column::Comment
        }
        "tags" | "tag" | "labels" => Column::Tags,
        "tlp" | "tlp label" | "marking" => Column::Tlp,
        "pap" => Column::Pap,
        "confidence" | "confidence level" | "score" => Column::Confidence,
        "first seen utc" | "first seen" | "firstseen" | "first seen at" => Column::SeenAt(0),
        "valid from" | "detected date" | "dateadded" | "date added" | "date" | "added" | "seen"
        | "seen at" | "timestamp" | "time" | "day" | "created at" | "listed" => Column::SeenAt(1),
        "last seen" | "last seen utc" | "lastseen" | "checked at" | "fetched at" => Column::SeenAt(2),
        "valid until" | "valid to" | "expires" | "expiry" => Column::ValidUntil,
        "link" | "links" | "reference" | "references" | "report" | "source" | "sources" | "tweet"
        | "urlhaus link" | "virustotal" | "vt" | "whois url" | "malware bazaar" | "threatfox link" => {
            Column::Reference
        }
        "ns" | "nameserver" | "nameservers" | "name servers" => Column::NameServers,
        "asn" | "as" | "as number" => Column::Asn,
        "registrar" => Column::Registrar,
        "domain creation" | "created" | "creation date" | "create date" | "registration date" | "status"
        | "org" | "filename" | "file name" | "country" | "registrant" => Column::Published,
        _ => Column::Ignored,
    }
}

fn rrset(name: &str) -> Column {
    match name {
        "rrname" => Column::RrName,
        "rrtype" => Column::RrType,
        "rdata" => Column::RrData,
        "time first" | "zone time first" | "first seen" | "first" => Column::RrFirst,
        "time last" | "zone time last" | "last seen" | "last" => Column::RrLast,
        "count" | "times seen" => Column::RrCount,
        _ => Column::Ignored,
    }
}

/// The plan of rows without a header, by what their columns hold; none if no column holds indicators.
pub fn by_content(rows: &[&[String]], context: &Context) -> Option<Plan> {
    let rows = &rows[..rows.len().min(ROWS_MAX)];
    let width = rows.iter().map(|r| r.len()).max()?;
    let mut columns = vec![Column::Ignored; width];
    let mut best: Option<(usize, usize)> = None;
    for (at, column) in columns.iter_mut().enumerate() {
        let cells: Vec<&str> =
            rows.iter().filter_map(|r| r.get(at)).map(String::as_str).filter(|c| !c.is_empty()).collect();
        if cells.is_empty() {
            continue;
        }
        let share = |count: usize| count * 100 / cells.len();
        let count = |test: &dyn Fn(&str) -> bool| share(cells.iter().filter(|c| test(c)).count());
        if count(&|c| when::read(c).is_some()) >= 80 && count(&|c| c.contains(['-', '/', ':'])) >= 80 {
            *column = Column::SeenAt(1);
        } else if count(&|c| matches!(c, "add" | "del" | "added" | "removed")) >= 80 {
            *column = Column::Action;
        } else if count(&is_type_word) >= 80 {
            *column = Column::Type;
        } else if count(&|c| c.starts_with('#')) >= 50 {
            *column = Column::Tags;
        } else if count(&is_report) >= 50 {
            *column = Column::Reference;
        } else {
            let bare = |c: &str| c.find(" #").map_or(c.len(), |at| at);
            let taken = count(&|c| classify(&c[..bare(c)], context).is_ok());
            let weight = taken * cells.len();
            if taken >= 10 && best.is_none_or(|(_, other)| weight > other) {
                best = Some((at, weight));
            }
        }
    }
    let (value, weight) = best?;
    // Lists of additions and removals name paths too, which are no indicators by themselves.
    let least = if columns.contains(&Column::Action) { 10 } else { 50 };
    let cells = rows.iter().filter(|r| r.get(value).is_some_and(|c| !c.is_empty())).count();
    if weight < least * cells {
        return None;
    }
    columns[value] = Column::Value;
    Some(Plan { columns, header: Vec::new() })
}

fn is_type_word(cell: &str) -> bool {
    let word = normal(cell);
    matches!(
        word.as_str(),
        "domain"
            | "ip"
            | "ipv4"
            | "ipv6"
            | "url"
            | "hash"
            | "md5"
            | "sha1"
            | "sha256"
            | "hostname"
            | "ip port"
            | "email"
            | "file"
    )
}

/// Whether a URL leads to a place where people report, not to what they report on.
pub fn is_report(cell: &str) -> bool {
    let Some((_, rest)) = cell.split_once("://") else { return false };
    let host = rest.split(['/', '?', ':']).next().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    matches!(
        host,
        "twitter.com"
            | "x.com"
            | "virustotal.com"
            | "app.any.run"
            | "tria.ge"
            | "urlscan.io"
            | "app.sekoia.io"
            | "urlhaus.abuse.ch"
            | "threatfox.abuse.ch"
            | "bazaar.abuse.ch"
            | "whois.domaintools.com"
            | "otx.alienvault.com"
            | "malpedia.caad.fkie.fraunhofer.de"
            | "infosec.exchange"
            | "bsky.app"
            | "censys.io"
            | "search.censys.io"
            | "shodan.io"
    )
}

/// The delimiter of a table in a sample of lines; none if they are no table.
pub fn delimiter(lines: &[&str], context: &Context) -> Option<u8> {
    let content: Vec<&str> = lines.iter().copied().filter(|l| !l.trim().is_empty()).take(200).collect();
    let rows: Vec<&str> = content.iter().copied().filter(|l| !l.trim_start().starts_with('#')).collect();
    let mut fields = Vec::new();
    let mut best = None;
    for mark in [b',', b'\t', b';', b'|'] {
        // A header row settles it; publishers put it in a comment too.
        let named = content.iter().take(20).any(|line| {
            let text = line.trim_start().trim_start_matches(['#', '\u{feff}']).trim_start();
            super::record::split(text, mark, &mut fields);
            fields.len() > 1 && by_header(&fields).is_some() && fields.iter().all(|f| f.len() < 64)
        });
        if named {
            return Some(mark);
        }
        let widths: Vec<usize> = rows
            .iter()
            .map(|line| {
                super::record::split(line, mark, &mut fields);
                fields.len()
            })
            .collect();
        let Some(usual) = usual(&widths).filter(|w| *w > 1) else { continue };
        let alike = widths.iter().filter(|w| **w == usual).count();
        if alike * 10 >= widths.len() * 8 && best.is_none_or(|(_, width)| usual > width) {
            best = Some((mark, usual));
        }
    }
    let (mark, _) = best?;
    let split: Vec<Vec<String>> = rows
        .iter()
        .take(ROWS_MAX)
        .map(|line| {
            super::record::split(line, mark, &mut fields);
            fields.clone()
        })
        .collect();
    let split: Vec<&[String]> = split.iter().map(Vec::as_slice).collect();
    by_content(&split, context).map(|_| mark)
}

/// The width that most rows have.
fn usual(widths: &[usize]) -> Option<usize> {
    let distinct: HashSet<usize> = widths.iter().copied().collect();
    distinct.into_iter().max_by_key(|w| (widths.iter().filter(|o| *o == w).count(), *w))
}

/// The kind that a type cell insists on, where the value's form alone would be read otherwise.
pub fn forced_kind(cell: &str) -> Option<ObservableKind> {
    let word = normal(cell);
    let is_certificate = word.contains("certificate")
        || word.contains("x509")
        || word.contains("ssl")
        || word.contains("tls cert");
    match word.as_str() {
        _ if is_certificate => Some(ObservableKind::Certificate),
        "nameserver" | "name server" | "ns" => Some(ObservableKind::NameServer),
        "registrar" => Some(ObservableKind::Registrar),
        _ => None,
    }
}
