//! The physical lines of a stream, in bounded memory: a line that is too long is passed over, not kept.

use std::io::{self, BufRead};

/// The longest line that is kept, in bytes.
pub const LINE_MAX: usize = 1 << 20;

/// What is wrong with a line as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Over [`LINE_MAX`] bytes; only its start was kept.
    TooLong,
    /// It holds a NUL byte.
    Nul,
    /// Some bytes are not UTF-8; they stand as U+FFFD.
    NotUtf8,
}

impl Flaw {
    /// The reason for a verdict.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "the line is over 1 MiB long",
            Self::Nul => "a NUL byte in the line: this is no text",
            Self::NotUtf8 => "not UTF-8: save the file as UTF-8",
        }
    }
}

/// One line without its end.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// Its text.
    pub text: String,
    /// What is wrong with it, if anything.
    pub flaw: Option<Flaw>,
}

/// Reads lines one by one into a buffer that is used again.
pub struct Lines<R> {
    input: R,
    number: u64,
    raw: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Lines of `input`, numbered from 1.
    pub const fn new(input: R) -> Self {
        Self { input, number: 0, raw: Vec::new() }
    }

    /// Reads the next line into `line`; false at the end.
    ///
    /// # Errors
    /// What the stream says: a read error, or a limit of the reader below.
    pub fn next(&mut self, line: &mut Line) -> io::Result<bool> {
        self.raw.clear();
        let mut too_long = false;
        let mut any = false;
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = memchr::memchr(b'\n', chunk);
            let upto = end.unwrap_or(chunk.len());
            let room = LINE_MAX - self.raw.len();
            too_long |= upto > room;
            self.raw.extend_from_slice(&chunk[..upto.min(room)]);
            let used = end.map_or(upto, |at| at + 1);
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(false);
        }
        self.number += 1;
        if self.raw.last() == Some(&b'\r') {
            self.raw.pop();
        }
        if self.number == 1 && self.raw.starts_with(b"\xef\xbb\xbf") {
            self.raw.drain(..3);
        }
        line.number = self.number;
        line.text.clear();
        match std::str::from_utf8(&self.raw) {
            Ok(text) => {
                line.text.push_str(text);
                line.flaw = memchr::memchr(0, &self.raw).map(|_| Flaw::Nul);
            }
            Err(_) => {
                line.text.push_str(&String::from_utf8_lossy(&self.raw));
                line.flaw = Some(Flaw::NotUtf8);
            }
        }
        if too_long {
            line.flaw = Some(Flaw::TooLong);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(io::BufReader::with_capacity(7, bytes));
        let mut seen = Vec::new();
        let mut line = Line::default();
        while lines.next(&mut line).expect("bytes in memory") {
            seen.push(line.clone());
        }
        seen
    }

    #[test]
    fn every_line_counts_whatever_its_end() {
        let seen = all(b"\xef\xbb\xbfone\r\n\ntwo\xff\nthr\0ee");
        let texts: Vec<_> = seen.iter().map(|l| (l.number, l.text.as_str(), l.flaw)).collect();
        assert_eq!(
            texts,
            [
                (1, "one", None),
                (2, "", None),
                (3, "two\u{fffd}", Some(Flaw::NotUtf8)),
                (4, "thr\0ee", Some(Flaw::Nul))
            ]
        );
        assert!(all(b"").is_empty());
        assert_eq!(all(b"a\n").len(), 1);
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let mut bytes = vec![b'a'; LINE_MAX + 10];
        bytes.extend_from_slice(b"\nb");
        let seen = all(&bytes);
        assert_eq!((seen.len(), seen[0].flaw, seen[0].text.len()), (2, Some(Flaw::TooLong), LINE_MAX));
        assert_eq!((seen[1].text.as_str(), seen[1].flaw), ("b", None));
    }
}
