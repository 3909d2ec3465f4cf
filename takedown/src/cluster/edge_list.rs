//! A plain edge list in, clusters out: tab-separated text without any database, for evaluation and for other tools.
//!
//! The first line names the columns: domain, edge kind, value, and perhaps a date. Further columns are left alone.
//! A header of `a`, `b`, `weight` (or `source`, `target`) makes it a plain graph.

use std::io::{BufRead, Write};

use super::{
    features::{Collector, Features, MOST_KINDS},
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
enum Columns {
    /// Domain, kind, value and perhaps a date.
    Features { name: usize, kind: usize, value: usize, date: Option<usize> },
    /// Two ends.
    Graph { a: usize, b: usize },
}

/// Reads an edge list to its end.
///
/// # Errors
/// The first line that is not as the header says, by its number.
pub fn read(mut input: impl BufRead) -> Result<Features, EdgeListError> {
    let mut collector = Collector::default();
    let mut line = Vec::new();
    let mut number = 0;
    let mut columns = None;
    loop {
        line.clear();
        number += 1;
        let refuse = |what: String| EdgeListError::Line { line: number, what };
        if read_line(&mut input, &mut line).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => refuse(error.to_string()),
            _ => error.into(),
        })? == 0
        {
            break;
        }
        let text = std::str::from_utf8(&line).map_err(|_| refuse("not UTF-8: convert the file".into()))?;
        let text = text.trim_end_matches(['\n', '\r']);
        let text = if number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        if text.is_empty() {
            continue;
        }
        match &columns {
            None => columns = Some(header(text).map_err(refuse)?),
            Some(columns) => row(&mut collector, columns, text).map_err(refuse)?,
        }
        if collector.texts() >= MOST_TEXTS {
            return Err(refuse("more than four thousand million distinct texts".into()));
        }
    }
    if columns.is_none() {
        return Err(EdgeListError::Line {
            line: 1,
            what: "the file is empty: the first line names the columns: domain, edge, value, date".into(),
        });
    }
    Ok(collector.finish())
}

/// One line into `line`, at most [`LONGEST_LINE`] bytes.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut limited = std::io::Read::take(&mut *input, LONGEST_LINE as u64 + 1);
    let read = limited.read_until(b'\n', line)?;
    if read > LONGEST_LINE {
        let message = format!("longer than {LONGEST_LINE} bytes: that is no edge");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
    }
    Ok(read)
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

fn row(collector: &mut Collector, columns: &Columns, text: &str) -> Result<(), String> {
    let mut cells = text.split('\t');
    match *columns {
        Columns::Features { name: 0, kind: 1, value: 2, date: None } => {
            // The usual order, without a list.
            let (Some(name), Some(kind), Some(value)) = (cells.next(), cells.next(), cells.next()) else {
                return Err(too_few(3, text));
            };
            feature(collector, name, kind, value, None)
        }
        Columns::Features { name, kind, value, date } => {
            let cells: Vec<&str> = cells.collect();
            let (Some(name), Some(kind), Some(value)) = (cells.get(name), cells.get(kind), cells.get(value))
            else {
                return Err(too_few(name.max(kind).max(value) + 1, text));
            };
            let date =
                date.and_then(|at| cells.get(at)).map(|text| text.trim()).filter(|text| !text.is_empty());
            let since = date
                .map(|text| {
                    Moment::read(text).ok_or_else(|| {
                        format!("{text:?} is no date: write 2025-05-07 or 2025-05-07T03:37:58Z")
                    })
                })
                .transpose()?;
            feature(collector, name, kind, value, since)
        }
        Columns::Graph { a, b } => {
            let cells: Vec<&str> = cells.collect();
            let (Some(from), Some(to)) = (cells.get(a), cells.get(b)) else {
                return Err(too_few(a.max(b) + 1, text));
            };
            let Some(kind) = collector.kind("edge") else { return Err(too_many_kinds()) };
            if from.trim().is_empty() || to.trim().is_empty() {
                return Err("an end is empty".into());
            }
            collector.tie(from.trim(), to.trim(), kind);
            Ok(())
        }
    }
}

fn feature(
    collector: &mut Collector,
    name: &str,
    kind: &str,
    value: &str,
    since: Option<Moment>,
) -> Result<(), String> {
    let (name, kind) = (name.trim(), kind.trim());
    if name.is_empty() {
        return Err("the domain is empty".into());
    }
    if kind.is_empty() {
        return Err(format!("the edge kind of {name:?} is empty"));
    }
    let Some(kind) = collector.kind(kind) else { return Err(too_many_kinds()) };
    collector.row(name, kind, value, since);
    Ok(())
}

fn too_few(wanted: usize, text: &str) -> String {
    format!("{} columns, not {wanted}: columns are separated by tabs", text.split('\t').count())
}

fn too_many_kinds() -> String {
    format!("more than {MOST_KINDS} edge kinds: is the second column the kind?")
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
