//! Packed inputs within bounds: how much may come out of how little, and UTF-16 to UTF-8.

use std::{
    cell::Cell,
    io::{self, BufRead, Read},
    rc::Rc,
};

/// The limits of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The input as it comes, in bytes.
    pub file: u64,
    /// What comes out of an archive, all members together, in bytes.
    pub unpacked: u64,
    /// How many bytes may come out for each that went in, after the first MiB.
    pub ratio: u64,
    /// A zip archive, which is held in memory, in bytes.
    pub archive: u64,
    /// The files of a zip archive.
    pub members: usize,
    /// A document that is read as one (STIX, MISP, a report), in bytes.
    pub document: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file: 4 << 30,
            unpacked: 4 << 30,
            ratio: 200,
            archive: 64 << 20,
            members: 10_000,
            document: 64 << 20,
        }
    }
}

/// A limit that was passed while reading; travels inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
pub enum Over {
    /// More came out for what went in than the ratio allows.
    #[error("unpacks to over {0} times its size")]
    Ratio(u64),
    /// Too many bytes.
    #[error("{what} is over {limit} bytes")]
    Bytes {
        /// Of what.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
}

/// Whether bytes start an archive.
pub fn is_packed(start: &[u8]) -> bool {
    matches!(start, [0x1f, 0x8b, ..] | [b'P', b'K', 3 | 5, 4 | 6, ..])
}

/// Counts the packed bytes that go through.
pub struct Gauge<R> {
    input: R,
    count: Rc<Cell<u64>>,
}

impl<R> Gauge<R> {
    /// A gauge at zero.
    pub fn new(input: R) -> Self {
        Self { input, count: Rc::new(Cell::new(0)) }
    }

    /// The count, shared.
    pub fn count(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.count)
    }
}

impl<R: Read> Read for Gauge<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(into)?;
        self.count.set(self.count.get() + n as u64);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Gauge<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.count.set(self.count.get() + amount as u64);
        self.input.consume(amount);
    }
}

/// Stops an unpacked stream at the limits.
pub struct Bounded<R> {
    input: R,
    packed: Rc<Cell<u64>>,
    out: Rc<Cell<u64>>,
    unpacked: u64,
    ratio: u64,
}

impl<R> Bounded<R> {
    /// A stream that unpacks what `packed` counts.
    pub fn new(input: R, packed: Rc<Cell<u64>>, limits: &Limits) -> Self {
        Self { input, packed, out: Rc::new(Cell::new(0)), unpacked: limits.unpacked, ratio: limits.ratio }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(into)?;
        let out = self.out.get() + n as u64;
        self.out.set(out);
        if out > self.unpacked {
            return Err(io::Error::other(Over::Bytes { what: "the unpacked input", limit: self.unpacked }));
        }
        if out > (1 << 20) + self.packed.get().saturating_mul(self.ratio) {
            return Err(io::Error::other(Over::Ratio(self.ratio)));
        }
        Ok(n)
    }
}

/// What the members of one archive may unpack to, together.
pub struct Budget {
    packed: Rc<Cell<u64>>,
    out: Rc<Cell<u64>>,
    unpacked: u64,
    ratio: u64,
}

impl Budget {
    /// The budget of an archive of that size.
    pub fn new(size: u64, limits: &Limits) -> Self {
        let packed = Rc::new(Cell::new(size));
        Self { packed, out: Rc::new(Cell::new(0)), unpacked: limits.unpacked, ratio: limits.ratio }
    }

    /// A member that draws on it.
    pub fn over<R>(&self, input: R) -> Bounded<R> {
        let (packed, out) = (Rc::clone(&self.packed), Rc::clone(&self.out));
        Bounded { input, packed, out, unpacked: self.unpacked, ratio: self.ratio }
    }
}

/// Whether a text starts as UTF-16, and if so whether big-endian.
pub fn utf16(start: &[u8]) -> Option<bool> {
    match start {
        [0xff, 0xfe, ..] => Some(false),
        [0xfe, 0xff, ..] => Some(true),
        _ => None,
    }
}

/// UTF-16 read as UTF-8; what is no UTF-16 becomes U+FFFD.
pub struct Utf16<R> {
    input: R,
    big_endian: bool,
    ready: Vec<u8>,
    given: usize,
    /// An odd byte and a high surrogate that wait for what follows.
    byte: Option<u8>,
    high: Option<u16>,
}

impl<R> Utf16<R> {
    /// A decoder; the byte order mark is dropped.
    pub const fn new(input: R, big_endian: bool) -> Self {
        Self { input, big_endian, ready: Vec::new(), given: 0, byte: None, high: None }
    }

    fn unit(&mut self, unit: u16) {
        let push =
            |ready: &mut Vec<u8>, c: char| ready.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        let replacement = char::REPLACEMENT_CHARACTER;
        if let Some(high) = self.high.take() {
            if let Some(Ok(c)) = char::decode_utf16([high, unit]).next() {
                push(&mut self.ready, c);
                return;
            }
            push(&mut self.ready, replacement);
        }
        match unit {
            0xd800..=0xdbff => self.high = Some(unit),
            0xfeff => {}
            _ => push(&mut self.ready, char::from_u32(u32::from(unit)).unwrap_or(replacement)),
        }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            self.ready.clear();
            self.given = 0;
            let mut raw = [0u8; 8_192];
            let n = self.input.read(&mut raw)?;
            if n == 0 {
                if self.byte.take().is_none() && self.high.take().is_none() {
                    return Ok(0);
                }
                self.ready.extend_from_slice("\u{fffd}".as_bytes());
            }
            for &byte in &raw[..n] {
                match self.byte.take() {
                    None => self.byte = Some(byte),
                    Some(first) => {
                        let pair = [first, byte];
                        self.unit(if self.big_endian {
                            u16::from_be_bytes(pair)
                        } else {
                            u16::from_le_bytes(pair)
                        });
                    }
                }
            }
        }
        let n = into.len().min(self.ready.len() - self.given);
        into[..n].copy_from_slice(&self.ready[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}
