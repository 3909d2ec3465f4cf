//! From a DNS message to our reading of it, and to text.

use std::fmt::Write as _;

use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{Name, RData, Record, RecordType},
};

use super::{MAX_ALIASES, RAW_LIMIT, outcome_of};
use crate::observe::reading::Outcome;

/// The longest text of one record in a reading, in bytes; a longer one is cut and says so.
pub const RECORD_LIMIT: usize = 4 * 1024;

/// What a message says about one name and type.
#[derive(Debug)]
pub struct Read {
    /// How the question ended.
    pub outcome: Outcome,
    /// The records at the end of the chain, sorted, without doubles.
    pub records: Vec<String>,
    /// The CNAME chain.
    pub aliases: Vec<String>,
    /// The shortest TTL on the way, in seconds.
    pub ttl_min: Option<u32>,
    /// The owner of the SOA of a negative answer.
    pub zone: Option<String>,
    /// The end of a chain that the server left open: neither records nor an SOA say what is there.
    pub open_alias: Option<Name>,
}

impl Default for Read {
    fn default() -> Self {
        Self {
            outcome: Outcome::NoData,
            records: Vec::new(),
            aliases: Vec::new(),
            ttl_min: None,
            zone: None,
            open_alias: None,
        }
    }
}

impl Read {
    /// Takes what the next message of a chase says: its end is the end, the chain grows.
    pub fn append(&mut self, next: Self) {
        self.outcome = next.outcome;
        self.records = next.records;
        self.aliases.extend(next.aliases);
        self.ttl_min = [self.ttl_min, next.ttl_min].into_iter().flatten().min();
        self.zone = next.zone;
        self.open_alias = next.open_alias;
    }

    fn saw(&mut self, ttl: u32) {
        self.ttl_min = Some(self.ttl_min.map_or(ttl, |least| least.min(ttl)));
    }

    fn keep(&mut self, records: Vec<String>) {
        self.records = records;
        self.records.sort_unstable();
        self.records.dedup();
    }

    /// Notes the SOA by which a zone says that there is nothing, and the TTL of that (RFC 2308 §5).
    fn negative(&mut self, message: &Message) {
        for record in &message.authorities {
            if let RData::SOA(soa) = &record.data {
                self.zone = Some(name(&record.name));
                self.saw(record.ttl.min(soa.minimum));
                return;
            }
        }
    }
}

/// Reads a resolver's answer for `asked` and `kind`: the chain from the name, and the records at its end.
pub fn answer(message: &Message, asked: &Name, kind: RecordType) -> Read {
    let mut read = Read { outcome: outcome_of(message.response_code), ..Read::default() };
    let mut end = asked.clone();
    while read.aliases.len() < MAX_ALIASES {
        let next = message.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == end => Some((record.ttl, target.0.to_lowercase())),
            _ => None,
        });
        let Some((ttl, target)) = next else { break };
        read.saw(ttl);
        read.aliases.push(name(&target));
        end = target;
    }
    let mut records = Vec::new();
    for record in message.answers.iter().filter(|record| record.record_type() == kind && record.name == end) {
        read.saw(record.ttl);
        records.push(data(&record.data));
    }
    read.keep(records);
    if matches!(read.outcome, Outcome::NoData | Outcome::NxDomain) && read.records.is_empty() {
        read.negative(message);
    }
    if read.outcome == Outcome::NoData {
        if !read.records.is_empty() {
            read.outcome = Outcome::Answer;
        } else if read.zone.is_none() && !read.aliases.is_empty() {
            read.open_alias = Some(end);
        }
    }
    read
}

/// Reads what a server of `zone` says about the delegation of `asked`: a referral, or with authority that there is none.
pub fn referral(message: &Message, asked: &Name, zone: &Name) -> Read {
    let mut read = Read { outcome: outcome_of(message.response_code), ..Read::default() };
    if !matches!(read.outcome, Outcome::NoData | Outcome::NxDomain) {
        return read;
    }
    // A referral names a zone below the parent and at or above the name; one that points up is a lame server's.
    let below =
        |owner: &Name| zone.zone_of(owner) && owner.num_labels() > zone.num_labels() && owner.zone_of(asked);
    let mut records = Vec::new();
    for record in message.answers.iter().chain(&message.authorities) {
        if let RData::NS(server) = &record.data
            && below(&record.name)
        {
            read.saw(record.ttl);
            records.push(name(&server.0));
        }
    }
    read.keep(records);
    if !read.records.is_empty() && read.outcome == Outcome::NoData {
        read.outcome = Outcome::Answer;
    } else if message.authoritative {
        read.negative(message);
    } else {
        // A middle box or a lame server: its "no" proves nothing.
        read.outcome = Outcome::Error;
    }
    read
}

/// A name as we write it: lower case, escaped, without the last dot; the root is `.`.
pub fn name(name: &Name) -> String {
    let mut text = name.to_ascii();
    text.make_ascii_lowercase();
    if text.len() > 1 && text.ends_with('.') {
        text.pop();
    }
    text
}

/// A record's data in presentation form (RFC 1035 §5.1).
fn data(data: &RData) -> String {
    let mut text = match data {
        RData::A(address) => return address.0.to_string(),
        RData::AAAA(address) => return address.0.to_string(),
        RData::CNAME(target) => name(&target.0),
        RData::NS(server) => name(&server.0),
        RData::PTR(target) => name(&target.0),
        RData::MX(mx) => format!("{} {}", mx.preference, name(&mx.exchange)),
        RData::SOA(soa) => format!(
            "{} {} {} {} {} {} {}",
            name(&soa.mname),
            name(&soa.rname),
            soa.serial,
            // The wire has 32 unsigned bits here (RFC 1035 §3.3.13).
            soa.refresh.cast_unsigned(),
            soa.retry.cast_unsigned(),
            soa.expire.cast_unsigned(),
            soa.minimum
        ),
        RData::TXT(txt) => {
            let strings: Vec<String> = txt.txt_data.iter().map(|bytes| quoted(bytes)).collect();
            strings.join(" ")
        }
        RData::CAA(caa) => format!("{} {} {}", caa.flags(), plain(&caa.tag), quoted(&caa.value)),
        other => plain(&other.to_string()),
    };
    cut(&mut text, RECORD_LIMIT);
    text
}

/// A character string in quotes; what is not printable ASCII is written `\DDD`.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\{byte:03}");
            }
        }
    }
    text.push('"');
    text
}

/// Text without control characters or anything beyond ASCII, written `\DDD` by byte.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b' '..=b'~') {
            safe.push(char::from(byte));
        } else {
            let _ = write!(safe, "\\{byte:03}");
        }
    }
    safe
}

/// Cuts ASCII text to `limit` bytes and says so at its end.
fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        let whole = text.len();
        text.truncate(text.floor_char_boundary(limit));
        let _ = write!(text, " [cut, {whole} bytes in all]");
    }
}

/// The messages in presentation text, within [`RAW_LIMIT`].
pub fn raw(messages: &[Message], note: Option<&str>) -> String {
    let mut text = String::new();
    let mut left_out = 0_usize;
    let mut line = |line: String| {
        if text.len() + line.len() + 40 <= RAW_LIMIT {
            text.push_str(&line);
            text.push('\n');
        } else {
            left_out += 1;
        }
    };
    if let Some(note) = note {
        line(format!(";; {}", plain(note)));
    }
    for message in messages {
        let flag = |set: bool, name: &'static str| if set { name } else { "" };
        line(format!(
            ";; {}, flags: qr{}{}{}{}{}",
            code(message.response_code),
            flag(message.authoritative, " aa"),
            flag(message.truncation, " tc"),
            flag(message.recursion_desired, " rd"),
            flag(message.recursion_available, " ra"),
            flag(message.authentic_data, " ad"),
        ));
        for query in &message.queries {
            line(format!(";; question: {} {}", name(query.name()), query.query_type()));
        }
        let sections = [
            ("answer", &message.answers),
            ("authority", &message.authorities),
            ("additional", &message.additionals),
        ];
        for (title, records) in sections {
            if !records.is_empty() {
                line(format!(";; {title}"));
            }
            for record in records {
                line(presented(record));
            }
        }
    }
    if left_out > 0 {
        let _ = writeln!(text, ";; {left_out} more lines left out");
    }
    text
}

fn presented(record: &Record) -> String {
    let (owner, kind) = (name(&record.name), record.record_type());
    format!("{owner} {} {} {kind} {}", record.ttl, record.dns_class, data(&record.data))
}

/// The response code by its registered name where it has a common one.
fn code(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        other => format!("rcode {}", u16::from(other)),
    }
}
