//! Records of a table out of physical lines: RFC 4180, read kindly and within bounds.

use std::{
    collections::VecDeque,
    io::{self, BufRead},
};

use crate::intake::physical::{Flaw, Line, Lines};

/// How far a quoted field may reach, in lines and bytes. An open quote beyond that is a broken line.
const SPAN_LINES: usize = 100;
const SPAN_BYTES: usize = 256 << 10;
/// The most columns of a record.
const FIELDS_MAX: usize = 2_000;

/// One record with the line it starts at.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The physical line it starts at.
    pub number: u64,
    /// Its text as it stands.
    pub text: String,
    /// Its cells, unquoted and trimmed.
    pub fields: Vec<String>,
    /// Why it cannot be read as a record.
    pub flaw: Option<&'static str>,
}

/// Reads records one by one.
pub struct Records<R> {
    lines: Lines<R>,
    /// Lines that were read ahead in search of a closing quote.
    ahead: VecDeque<Line>,
    delimiter: u8,
}

impl<R: BufRead> Records<R> {
    /// Records with that delimiter.
    pub const fn new(lines: Lines<R>, delimiter: u8) -> Self {
        Self { lines, ahead: VecDeque::new(), delimiter }
    }

    fn line(&mut self, line: &mut Line) -> io::Result<bool> {
        match self.ahead.pop_front() {
            Some(next) => {
                *line = next;
                Ok(true)
            }
            None => self.lines.next(line),
        }
    }

    /// The next record; none at the end.
    ///
    /// # Errors
    /// What the stream says.
    pub fn next(&mut self) -> io::Result<Option<Record>> {
        let mut line = Line::default();
        if !self.line(&mut line)? {
            return Ok(None);
        }
        let mut record = Record { number: line.number, text: line.text, ..Record::default() };
        if let Some(flaw @ (Flaw::TooLong | Flaw::Nul)) = line.flaw {
            record.flaw = Some(flaw.reason());
            return Ok(Some(record));
        }
        if split(&record.text, self.delimiter, &mut record.fields)
            || record.text.trim_start().starts_with('#')
        {
            return Ok(Some(record));
        }
        self.close(record).map(Some)
    }

    /// Looks on for the closing quote; gives the lines back where there is none.
    fn close(&mut self, mut record: Record) -> io::Result<Record> {
        let mut joined = record.text.clone();
        let mut taken = Vec::new();
        while taken.len() < SPAN_LINES && joined.len() < SPAN_BYTES {
            let mut line = Line::default();
            if !self.line(&mut line)? {
                break;
            }
            joined.push('\n');
            joined.push_str(&line.text);
            let has_quote = line.text.contains('"');
            taken.push(line);
            if has_quote && split(&joined, self.delimiter, &mut record.fields) {
                record.text = joined;
                return Ok(record);
            }
        }
        for line in taken.into_iter().rev() {
            self.ahead.push_front(line);
        }
        split(&record.text, self.delimiter, &mut record.fields);
        record.flaw = Some("a quote is opened and not closed");
        Ok(record)
    }
}

/// Splits a record into its cells; false if a quote stays open. Blanks around a cell do not count, and a
/// quote in the middle of an unquoted cell is a letter.
pub fn split(text: &str, delimiter: u8, fields: &mut Vec<String>) -> bool {
    fields.clear();
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        while at < bytes.len() && bytes[at] != delimiter && matches!(bytes[at], b' ' | b'\t') {
            at += 1;
        }
        if fields.len() >= FIELDS_MAX {
            return true;
        }
        if bytes.get(at) == Some(&b'"') {
            let mut cell = String::new();
            let mut start = at + 1;
            loop {
                let Some(quote) = memchr::memchr(b'"', &bytes[start..]).map(|p| start + p) else {
                    cell.push_str(&text[start..]);
                    fields.push(cell);
                    return false;
                };
                cell.push_str(&text[start..quote]);
                if bytes.get(quote + 1) == Some(&b'"') {
                    cell.push('"');
                    start = quote + 2;
                } else {
                    at = quote + 1;
                    break;
                }
            }
            let end = memchr::memchr(delimiter, &bytes[at..]).map_or(bytes.len(), |p| at + p);
            cell.push_str(text[at..end].trim());
            fields.push(cell.trim().to_owned());
            at = end;
        } else {
            let end = memchr::memchr(delimiter, &bytes[at..]).map_or(bytes.len(), |p| at + p);
            fields.push(text[at..end].trim().to_owned());
            at = end;
        }
        if at >= bytes.len() {
            return true;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<Record> {
        let mut records = Records::new(Lines::new(text.as_bytes()), b',');
        let mut all = Vec::new();
        while let Some(record) = records.next().expect("bytes in memory") {
            all.push(record);
        }
        all
    }

    #[test]
    fn splits_kindly() {
        let cells = |text: &str| {
            let mut fields = Vec::new();
            split(text, b',', &mut fields);
            fields
        };
        assert_eq!(cells("a, b ,c"), ["a", "b", "c"]);
        assert_eq!(cells("\"a,b\", \"c \"\"d\"\"\",e"), ["a,b", "c \"d\"", "e"]);
        assert_eq!(cells("a\"b,c"), ["a\"b", "c"]);
        assert_eq!(cells(""), [""]);
        assert_eq!(cells("a,"), ["a", ""]);
    }

    #[test]
    fn a_record_may_span_lines_and_an_open_quote_breaks_one_line_only() {
        let got = records("a,\"b\nc\",d\ne,f\n");
        assert_eq!(got.len(), 2);
        assert_eq!(
            (got[0].number, got[0].fields.as_slice()),
            (1, &["a".into(), "b\nc".into(), "d".into()][..])
        );
        assert_eq!(got[1].number, 3);
        let got = records("a,\"b\nc,d\ne,f\n");
        assert_eq!(got.len(), 3);
        assert!(got[0].flaw.is_some() && got[1].flaw.is_none());
        assert_eq!(got[2].fields, ["e", "f"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[a\", \t\n\r;]{0,200}|\\PC{0,50}") {
            let _ = records(&text);
        }
    }
}
