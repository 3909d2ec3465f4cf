//! One input from its first byte to its last: packed or not, in whatever encoding, to entries in order.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use sha2::{Digest, Sha256};

use super::{
    archive::{self, Gauge, Limits},
    context::Context,
    entry::Entry,
    format::{self, Format, Refused, SAMPLE},
    json, json_rows, lines,
    maltrail::Maltrail,
    physical::{Line, Lines},
    report_text,
    rpz::Rpz,
    table,
};

/// Takes entries; says whether it wants more.
pub type Sink<'a> = dyn FnMut(Entry) -> bool + 'a;

/// What an input was, after it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The format, as told by content or given; of an archive, that of its last member.
    pub format: Format,
    /// The SHA-256 of the input as it came, in hex. Empty if the sink stopped the reading.
    pub sha256: String,
    /// The length of the input as it came, in bytes.
    pub bytes: u64,
    /// How many entries were handed over.
    pub total: u64,
    /// How many of them say something.
    pub parsed: u64,
    /// How many were refused.
    pub rejected: u64,
    /// How many files it held: 1, or the members of an archive.
    pub members: u64,
    /// The sink asked to stop before the end.
    pub stopped: bool,
}

/// Why an input cannot be read. Entries may have been handed over before it was known.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The stream broke, or a packed one is damaged.
    #[error("the input cannot be read: {0}")]
    Io(#[source] io::Error),
    /// It is of a kind that is not read.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A limit was passed.
    #[error("{what} is over the limit of {limit}; {mend}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// The limit with its unit.
        limit: String,
        /// What to do about it.
        mend: &'static str,
    },
    /// Unpacks to far more than it is: a bomb.
    #[error("unpacks to over {ratio} times its size: refused as an archive bomb")]
    Bomb {
        /// The ratio allowed.
        ratio: u64,
    },
    /// An archive in an archive.
    #[error("an archive inside an archive is not opened: unpack the outer one first")]
    Nested,
    /// The archive itself.
    #[error("the archive cannot be read: {0}")]
    Archive(String),
    /// A document as a whole is not what its format asks for.
    #[error("not a {format} document: {message}")]
    Document {
        /// The format that was tried.
        format: Format,
        /// What is wrong, with its place.
        message: String,
    },
}

impl From<io::Error> for ReadError {
    /// Limits of the readers below travel inside an [`io::Error`].
    fn from(error: io::Error) -> Self {
        match error.downcast::<archive::Over>() {
            Ok(archive::Over::Ratio(ratio)) => Self::Bomb { ratio },
            Ok(archive::Over::Bytes { what, limit }) => Self::Limit {
                what,
                limit: format!("{} MiB", limit >> 20),
                mend: "split it, or raise the limit",
            },
            Err(error) => Self::Io(error),
        }
    }
}

/// Reads an input with the usual limits. See [`read_within`].
///
/// # Errors
/// As [`read_within`].
pub fn read(
    input: impl Read,
    name: &str,
    format: Format,
    context: &Context,
    sink: &mut Sink<'_>,
) -> Result<Summary, ReadError> {
    read_within(&Limits::default(), input, name, format, context, sink)
}

/// Reads an input: hands every line or object to `sink` in order until it says stop. `name` is the file's
/// name; some publishers tell the family by it. Memory stays bounded: lists are streamed, documents are
/// held whole within their limit.
///
/// # Errors
/// Why the input as a whole cannot be read. A bad line is an entry, not an error.
pub fn read_within(
    limits: &Limits,
    input: impl Read,
    name: &str,
    format: Format,
    context: &Context,
    sink: &mut Sink<'_>,
) -> Result<Summary, ReadError> {
    let mut hashed = Hashed { input, sha256: Sha256::new(), bytes: 0, most: limits.file };
    let mut reading = Reading { limits, context, format, sink, summary: Summary::default(), offset: 0 };
    let mut outer = BufReader::with_capacity(SAMPLE, &mut hashed);
    let start = peek(&mut outer)?;
    match start.get(..4).unwrap_or(&start) {
        [0x1f, 0x8b, ..] => reading.gzip(Cursor::new(start).chain(outer), name)?,
        [b'P', b'K', 3 | 5, 4 | 6, ..] => reading.zip(Cursor::new(start).chain(outer))?,
        [b'B', b'Z', b'h', ..]
        | [0xfd, b'7', b'z', b'X', ..]
        | [b'7', b'z', 0xbc, 0xaf, ..]
        | [b'R', b'a', b'r', b'!', ..] => {
            return Err(ReadError::Archive("only gzip and zip are unpacked here".to_owned()));
        }
        _ => reading.member(start, outer, name)?,
    }
    let mut summary = reading.summary;
    if !summary.stopped {
        // What a packed stream leaves unread counts for the hash too.
        io::copy(&mut hashed, &mut io::sink())?;
        summary.sha256 = crate::hex(&hashed.sha256.finalize());
    }
    summary.bytes = hashed.bytes;
    Ok(summary)
}

struct Reading<'a, 's> {
    limits: &'a Limits,
    context: &'a Context,
    format: Format,
    sink: &'a mut Sink<'s>,
    summary: Summary,
    /// Entries of the members before this one: numbers run on through an archive.
    offset: u64,
}

impl Reading<'_, '_> {
    fn gzip(&mut self, packed: impl BufRead, name: &str) -> Result<(), ReadError> {
        let packed = Gauge::new(packed);
        let count = packed.count();
        let unpacked =
            archive::Bounded::new(flate2::bufread::MultiGzDecoder::new(packed), count, self.limits);
        let mut inner = BufReader::with_capacity(SAMPLE, unpacked);
        let start = peek(&mut inner)?;
        if archive::is_packed(&start) {
            return Err(ReadError::Nested);
        }
        self.member(start, inner, name.strip_suffix(".gz").unwrap_or(name))
    }

    fn zip(&mut self, packed: impl Read) -> Result<(), ReadError> {
        let mut whole = Vec::new();
        let most = self.limits.archive;
        packed.take(most + 1).read_to_end(&mut whole)?;
        if whole.len() as u64 > most {
            let limit = format!("{} MiB", most >> 20);
            return Err(ReadError::Limit { what: "a zip archive", limit, mend: "unpack it first" });
        }
        let size = whole.len() as u64;
        let mut archive =
            zip::ZipArchive::new(Cursor::new(whole)).map_err(|e| ReadError::Archive(e.to_string()))?;
        if archive.len() > self.limits.members {
            let limit = format!("{} files", self.limits.members);
            return Err(ReadError::Limit { what: "a zip archive", limit, mend: "unpack it first" });
        }
        let budget = archive::Budget::new(size, self.limits);
        for at in 0..archive.len() {
            let member = archive.by_index(at).map_err(|e| ReadError::Archive(e.to_string()))?;
            let name = member.name().map(std::borrow::Cow::into_owned).unwrap_or_default();
            if !member.is_file() || is_clutter(&name) {
                continue;
            }
            let mut inner = BufReader::with_capacity(SAMPLE, budget.over(member));
            let start = peek(&mut inner)?;
            if archive::is_packed(&start) {
                return Err(ReadError::Nested);
            }
            self.member(start, inner, &name)?;
            if self.summary.stopped {
                break;
            }
        }
        Ok(())
    }

    /// One file: its encoding, its format, its entries.
    fn member(&mut self, start: Vec<u8>, rest: impl BufRead, name: &str) -> Result<(), ReadError> {
        self.summary.members += 1;
        self.offset = self.summary.total;
        let utf16 = archive::utf16(&start);
        let whole = Cursor::new(start).chain(rest);
        match utf16 {
            None => self.decoded(whole, name),
            Some(big_endian) => {
                self.decoded(BufReader::with_capacity(SAMPLE, archive::Utf16::new(whole, big_endian)), name)
            }
        }
    }

    fn decoded(&mut self, mut input: impl BufRead, name: &str) -> Result<(), ReadError> {
        let sample = peek(&mut input)?;
        let format = match self.format {
            Format::Auto => format::detect(&sample, self.context)?,
            given => given,
        };
        self.summary.format = format;
        let mut input = Cursor::new(sample.clone()).chain(input);
        let (context, offset) = (self.context, self.offset);
        let (summary, sink) = (&mut self.summary, &mut *self.sink);
        let mut counted = |mut entry: Entry| {
            entry.number += offset;
            summary.total += 1;
            match entry.parsed {
                Ok(_) => summary.parsed += 1,
                Err(_) => summary.rejected += 1,
            }
            let more = sink(entry);
            summary.stopped |= !more;
            more
        };
        match format {
            Format::Auto | Format::Plain => {
                let mut first = true;
                by_line(input, &mut counted, |text| {
                    let header = std::mem::take(&mut first) && table::is_header_word(text);
                    if header { Err(lines::HEADER.to_owned()) } else { lines::plain(text, context) }
                })?;
            }
            Format::Hosts => by_line(input, &mut counted, |text| lines::hosts(text, context))?,
            Format::Maltrail => {
                let mut trail = Maltrail::new(name, &context.families);
                by_line(input, &mut counted, |text| trail.line(text, context))?;
            }
            Format::Rpz => {
                let mut zone = Rpz::default();
                by_line(input, &mut counted, |text| zone.line(text, context))?;
            }
            Format::PassiveDns if sample.trim_ascii_start().starts_with(b"{") => {
                by_line(input, &mut counted, |text| table::passive_dns_line(text, context))?;
            }
            Format::Csv | Format::Tsv | Format::PassiveDns => {
                let text = String::from_utf8_lossy(&sample);
                let lines: Vec<&str> = text.lines().collect();
                let told =
                    if format == Format::Tsv { Some(b'\t') } else { table::delimiter(&lines, context) };
                table::read(Lines::new(input), told.unwrap_or(b','), context, &mut counted)?;
            }
            Format::Json => {
                json_rows::read(&mut input, context, &mut counted)
                    .map_err(|message| ReadError::Document { format, message })?;
            }
            Format::Text | Format::Stix | Format::Misp => {
                let bytes = document(input, self.limits.document)?;
                let told = whole(format, &bytes, name, context, &mut counted)?;
                self.summary.format = told;
            }
        }
        Ok(())
    }
}

/// Documents that are read as one; says what they turned out to be.
fn whole(
    format: Format,
    bytes: &[u8],
    name: &str,
    context: &Context,
    sink: &mut Sink<'_>,
) -> Result<Format, ReadError> {
    let text = String::from_utf8_lossy(bytes);
    let (format, entries) = if format == Format::Text {
        (Format::Text, report_text::read(&text, stem(name), context))
    } else {
        match json::read(&text, context) {
            Ok((json::Kind::Stix, entries)) => (Format::Stix, entries),
            Ok((json::Kind::Misp, entries)) => (Format::Misp, entries),
            Err(message) => return Err(ReadError::Document { format, message }),
        }
    };
    for entry in entries {
        if !sink(entry) {
            break;
        }
    }
    Ok(format)
}

fn document(input: impl Read, most: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    input.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let limit = format!("{} MiB", most >> 20);
        return Err(ReadError::Limit { what: "a document that is read as one", limit, mend: "split it" });
    }
    Ok(bytes)
}

/// Hands every line of a line format to `parse`.
fn by_line(
    input: impl BufRead,
    sink: &mut Sink<'_>,
    mut parse: impl FnMut(&str) -> Result<super::entry::Parsed, String>,
) -> Result<(), ReadError> {
    let mut lines = Lines::new(input);
    let mut line = Line::default();
    while lines.next(&mut line)? {
        let parsed = match line.flaw {
            None => parse(&line.text),
            Some(flaw) => match lines::no_content(&line.text) {
                Some(reason) => Err(reason.to_owned()),
                None => Err(flaw.reason().to_owned()),
            },
        };
        if !sink(entry(line.number, &line.text, parsed)) {
            break;
        }
    }
    Ok(())
}

/// An entry with its text cut to what is kept.
pub fn entry(number: u64, text: &str, parsed: Result<super::entry::Parsed, String>) -> Entry {
    let text = text.trim_end();
    let end = match text.is_ascii() {
        true => text.len().min(Entry::TEXT_MAX),
        false => text.char_indices().nth(Entry::TEXT_MAX).map_or(text.len(), |(at, _)| at),
    };
    let text = &text[..end];
    // Neither database stores a NUL in a text.
    let text = if memchr::memchr(0, text.as_bytes()).is_some() {
        text.replace('\0', "\u{fffd}")
    } else {
        text.to_owned()
    };
    Entry { number, text, parsed }
}

/// The file's name without folders and extensions.
pub fn stem(name: &str) -> &str {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.split('.').next().unwrap_or(file)
}

/// What file managers leave in archives.
fn is_clutter(name: &str) -> bool {
    name.starts_with("__MACOSX/") || name.ends_with(".DS_Store") || name.ends_with("Thumbs.db")
}

/// The first bytes of a stream, taken off it.
fn peek(input: &mut impl Read) -> Result<Vec<u8>, ReadError> {
    let mut start = Vec::with_capacity(SAMPLE);
    input.by_ref().take(SAMPLE as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Hashes and counts what is read through it.
struct Hashed<R> {
    input: R,
    sha256: Sha256,
    bytes: u64,
    most: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(into)?;
        self.sha256.update(&into[..n]);
        self.bytes += n as u64;
        if self.bytes > self.most {
            return Err(io::Error::other(archive::Over::Bytes { what: "the input", limit: self.most }));
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests;
