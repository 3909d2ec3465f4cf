//! A plain edge list in, clusters out: tab-separated text without any database, for evaluation and for other tools.
//!
//! The first line names the columns: domain, edge kind, value, and perhaps a date. Further columns are left alone.
//! A header of `a`, `b`, `weight` (or `source`, `target`) makes it a plain graph.

use std::io::{Read, Write};

use super::{
    features::{Collector, Features, MOST_KINDS, Row},
    moment::Moment,
};

/// A line longer than this is no edge.
const LONGEST_LINE: usize = 64 * 1024;

/// More distinct texts than this do not fit into the numbers used here.
const MOST_TEXTS: usize = u32::MAX as usize - 2;

/// Why an edge list was refused.
#[derive(Debug, thiserror::Error)]
pub enum EdgeListError {
    /// The file cannot be read.
    #[error("cannot read: {0}")]
    Read(#[from] std::io::Error),
    /// A line is not as its header says.
    #[error("line {line}: {what}")]
    Line {
        /// Counted from 1, with the header.
        line: usize,
        /// What is wrong and what to do.
        what: String,
    },
}

/// Where the columns are.
#[derive(Clone, Copy, Debug)]
enum Columns {
    /// Domain, kind, value and perhaps a date.
    Features { name: usize, kind: usize, value: usize, date: Option<usize> },
    /// Two ends.
    Graph { a: usize, b: usize },
}

/// Rows that are taken in together.
const BATCH: usize = 512;

/// Bytes that are read together.
const BLOCK: usize = 1 << 20;

/// Reads an edge list to its end.
///
/// # Errors
/// The first line that is not as the header says, by its number.
pub fn read(mut input: impl Read) -> Result<Features, EdgeListError> {
    let mut reader = Reader::default();
    let mut block: Vec<u8> = Vec::with_capacity(BLOCK);
    loop {
        let before = block.len();
        let read = (&mut input).take((BLOCK - before) as u64).read_to_end(&mut block)?;
        let end = if read == 0 { block.len() } else { memchr::memrchr(b'\n', &block).map_or(0, |at| at + 1) };
        if end == 0 && block.len() > LONGEST_LINE {
            return Err(reader.refuse(1, format!("longer than {LONGEST_LINE} bytes: that is no edge")));
        }
        reader.block(&block[..end])?;
        block.drain(..end);
        if read == 0 {
            break;
        }
    }
    if reader.columns.is_none() {
        let what = "the file is empty: the first line names the columns: domain, edge, value, date".into();
        return Err(EdgeListError::Line { line: 1, what });
    }
    Ok(reader.collector.finish())
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    collector: Collector,
    columns: Option<Columns>,
    /// Lines of the blocks before.
    lines: usize,
    /// The kind of the last row, which the next mostly has too.
    last_kind: (String, u16),
}

impl Reader {
    fn refuse(&self, line: usize, what: String) -> EdgeListError {
        EdgeListError::Line { line: self.lines + line, what }
    }

    /// Takes in whole lines.
    fn block(&mut self, block: &[u8]) -> Result<(), EdgeListError> {
        let text = std::str::from_utf8(block).map_err(|error| {
            let line = memchr::memchr_iter(b'\n', &block[..error.valid_up_to()]).count() + 1;
            self.refuse(line, "not UTF-8: convert the file".into())
        })?;
        let mut batch: Vec<Row<'_>> = Vec::with_capacity(BATCH);
        let (mut from, mut count) = (0, 0);
        while from < text.len() {
            let to = memchr::memchr(b'\n', &block[from..]).map_or(text.len(), |at| from + at);
            count += 1;
            let line = text[from..to].strip_suffix('\r').unwrap_or(&text[from..to]);
            from = to + 1;
            if line.len() > LONGEST_LINE {
                return Err(self.refuse(count, format!("longer than {LONGEST_LINE} bytes: that is no edge")));
            }
            if line.is_empty() {
                continue;
            }
            if let Some(columns) = self.columns {
                let row = self.row(columns, line).map_err(|what| self.refuse(count, what))?;
                batch.push(row);
            } else {
                let line = line.strip_prefix('\u{feff}').unwrap_or(line);
                self.columns = Some(header(line).map_err(|what| self.refuse(count, what))?);
            }
            if batch.len() == BATCH {
                self.collector.rows(&batch);
                batch.clear();
            }
        }
        self.collector.rows(&batch);
        self.lines += count;
        if self.collector.texts() >= MOST_TEXTS {
            return Err(self.refuse(0, "more than four thousand million distinct texts".into()));
        }
        Ok(())
    }

    fn row<'a>(&mut self, columns: Columns, line: &'a str) -> Result<Row<'a>, String> {
        match columns {
            Columns::Features { name, kind, value, date } => {
                let cell = |at| cell(line, at).ok_or_else(|| too_few(name.max(kind).max(value) + 1, line));
                let (name, kind, value) = (cell(name)?, cell(kind)?, cell(value)?);
                if name.is_empty() {
                    return Err("the domain is empty".into());
                }
                if kind.is_empty() {
                    return Err(format!("the edge kind of {name:?} is empty"));
                }
                let date = date.and_then(|at| self::cell(line, at)).filter(|text| !text.is_empty());
                let since = date.map(moment).transpose()?;
                Ok(Row { name, kind: self.kind(kind)?, value, since, ends: false })
            }
            Columns::Graph { a, b } => {
                let cell = |at| cell(line, at).ok_or_else(|| too_few(a.max(b) + 1, line));
                let (name, value) = (cell(a)?, cell(b)?);
                if name.is_empty() || value.is_empty() {
                    return Err("an end is empty".into());
                }
                Ok(Row { name, kind: self.kind("edge")?, value, since: None, ends: true })
            }
        }
    }

    fn kind(&mut self, kind: &str) -> Result<u16, String> {
        if self.last_kind.0 != kind {
            let number = self.collector.kind(kind).ok_or_else(|| {
                format!("more than {MOST_KINDS} edge kinds: is the second column the kind?")
            })?;
            self.last_kind = (kind.to_owned(), number);
        }
        Ok(self.last_kind.1)
    }
}

/// A cell of a line, without blanks around it.
fn cell(line: &str, at: usize) -> Option<&str> {
    let mut from = 0;
    for _ in 0..at {
        from += memchr::memchr(b'\t', &line.as_bytes()[from..])? + 1;
    }
    let rest = &line[from..];
    let to = memchr::memchr(b'\t', rest.as_bytes()).unwrap_or(rest.len());
    Some(rest[..to].trim())
}

fn moment(text: &str) -> Result<Moment, String> {
    Moment::read(text).ok_or_else(|| format!("{text:?} is no date: write 2025-05-07 or 2025-05-07T03:37:58Z"))
}

fn header(text: &str) -> Result<Columns, String> {
    let names: Vec<String> = text.split('\t').map(|name| name.trim().to_ascii_lowercase()).collect();
    let find = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
    if names.len() < 2 {
        return Err("the first line names the columns, tab-separated: domain, edge, value, date".into());
    }
    let date = find(&["date", "since", "seen", "at", "when", "timestamp", "first_seen", "time"]);
    let name = find(&["domain", "name", "host", "hostname", "observable", "fqdn"]);
    let kind = find(&["edge", "edge kind", "edge_kind", "kind", "type", "relation", "feature", "edge type"]);
    let value = find(&["value", "object", "pivot", "to_value"]);
    if let (Some(name), Some(kind), Some(value)) = (name, kind, value) {
        return Ok(Columns::Features { name, kind, value, date });
    }
    let a = find(&["a", "source", "src", "from", "u", "node1", "node_a"]);
    let b = find(&["b", "target", "dst", "to", "v", "node2", "node_b"]);
    if let (Some(a), Some(b)) = (a, b) {
        return Ok(Columns::Graph { a, b });
    }
    if names.len() >= 3 && !names.iter().take(3).all(|name| name.parse::<f64>().is_ok()) {
        // Other words for the same three columns.
        return Ok(Columns::Features { name: 0, kind: 1, value: 2, date: date.filter(|at| *at > 2) });
    }
    Err(format!("the first line names the columns (domain, edge, value, date), not {text:?}"))
}

fn too_few(wanted: usize, text: &str) -> String {
    format!("{} columns, not {wanted}: columns are separated by tabs", text.split('\t').count())
}

/// Writes `domain`, `cluster`, in the order of the names.
///
/// # Errors
/// The file cannot be written.
pub fn write(mut output: impl Write, names: &[Box<str>], clusters: &[u32]) -> std::io::Result<()> {
    output.write_all(b"domain\tcluster\n")?;
    for (name, cluster) in names.iter().zip(clusters) {
        writeln!(output, "{name}\t{cluster}")?;
    }
    output.flush()
}

#[cfg(test)]
mod tests;
