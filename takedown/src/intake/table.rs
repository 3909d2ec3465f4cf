//! Tables of any publisher: CSV, TSV and rows out of JSON, by the names of their columns or by what
//! stands in them.

use std::io::{self, BufRead};

use super::{
    context::Context,
    lines::{BLANK, COMMENT, HEADER},
    physical::Lines,
    read::{Sink, entry},
};

mod columns;
mod iris;
mod pdns;
mod record;
mod row;

pub use columns::{Plan, by_header, delimiter};
pub use pdns::line as passive_dns_line;
pub use row::row;

use record::{Record, Records};

/// How many records are looked at before the columns are settled, and their bytes.
const AHEAD_RECORDS: usize = 60;
const AHEAD_BYTES: usize = 4 << 20;
/// The header row stands among the first rows that are no comments.
const TITLES_MAX: usize = 10;

/// Whether a line is one word that names a column of indicators: the header of a table of one column.
pub fn is_header_word(text: &str) -> bool {
    let text = text.trim().trim_matches('"');
    !text.is_empty()
        && text.len() < 40
        && !text.contains(['.', '/', ':', ','])
        && columns::is_carrier_name(text)
}

/// Reads a table to its end or until the sink says stop.
///
/// # Errors
/// What the stream says.
pub fn read<R: BufRead>(
    lines: Lines<R>,
    delimiter: u8,
    context: &Context,
    sink: &mut Sink<'_>,
) -> io::Result<()> {
    let mut records = Records::new(lines, delimiter);
    let mut ahead = Vec::new();
    let mut bytes = 0;
    while ahead.len() < AHEAD_RECORDS && bytes < AHEAD_BYTES {
        let Some(record) = records.next()? else { break };
        bytes += record.text.len();
        ahead.push(record);
    }
    let (plan, header) = settle(&ahead, delimiter, context);
    for (at, record) in ahead.into_iter().enumerate() {
        let parsed = match header {
            Some(h) if at == h => Err(HEADER.to_owned()),
            Some(h) if at < h && no_row(&record).is_none() => Err("a title above the header row".to_owned()),
            _ => one(&record, plan.as_ref(), context),
        };
        if !sink(entry(record.number, &record.text, parsed)) {
            return Ok(());
        }
    }
    while let Some(record) = records.next()? {
        let parsed = one(&record, plan.as_ref(), context);
        if !sink(entry(record.number, &record.text, parsed)) {
            return Ok(());
        }
    }
    Ok(())
}

/// The columns, and the place of the header row if there is one.
fn settle(ahead: &[Record], delimiter: u8, context: &Context) -> (Option<Plan>, Option<usize>) {
    let rows: Vec<(usize, &Record)> =
        ahead.iter().enumerate().filter(|(_, r)| no_row(r).is_none() && r.flaw.is_none()).collect();
    for (at, record) in rows.iter().take(TITLES_MAX) {
        if let Some(plan) = by_header(&record.fields).filter(|_| is_header(record, context)) {
            return (Some(plan), Some(*at));
        }
    }
    // Some publishers put the names in a comment; the last such line is it.
    let comments = ahead.iter().enumerate().filter(|(_, r)| r.text.trim_start().starts_with('#')).rev();
    for (at, record) in comments {
        let mut fields = Vec::new();
        record::split(record.text.trim_start().trim_start_matches('#'), delimiter, &mut fields);
        if fields.len() > 1
            && let Some(plan) = by_header(&fields)
        {
            return (Some(plan), Some(at));
        }
    }
    let fields: Vec<&[String]> = rows.iter().map(|(_, r)| r.fields.as_slice()).collect();
    (columns::by_content(&fields, context), None)
}

/// A row of names has no indicator in it.
fn is_header(record: &Record, context: &Context) -> bool {
    record.fields.iter().all(|cell| cell.is_empty() || super::classify::classify(cell, context).is_err())
}

fn no_row(record: &Record) -> Option<&'static str> {
    let text = record.text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.is_empty() || record.fields.iter().all(String::is_empty) {
        return Some(BLANK);
    }
    (text.starts_with('#') || text.starts_with("//")).then_some(COMMENT)
}

fn one(record: &Record, plan: Option<&Plan>, context: &Context) -> Result<super::entry::Parsed, String> {
    if let Some(reason) = no_row(record).or(record.flaw) {
        return Err(reason.to_owned());
    }
    match plan {
        Some(plan) if !plan.header.is_empty() && record.fields == plan.header => Err(HEADER.to_owned()),
        Some(plan) => row::row(plan, &record.fields, context),
        None => super::lines::plain(&record.text, context),
    }
}

#[cfg(test)]
mod tests;
