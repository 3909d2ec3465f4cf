//! The port to the routing table: which prefix and AS an address belongs to, from a loaded table.
//!
//! Two formats, told apart line by line, plain or gzip: ranges `first,last,asn,name` (CSV as `@ip-location-db/asn`
//! has it) and CAIDA's pfx2as `address<TAB>length<TAB>asn`.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    sync::Arc,
};

use flate2::bufread::MultiGzDecoder;
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use prefix_trie::PrefixMap;

/// The longest line, in bytes.
const MAX_LINE: usize = 4096;
/// How many lines a table may have; the whole Internet has about 1.3 million prefixes.
const MAX_LINES: usize = 16_000_000;

/// What the table says about an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsnEntry {
    /// The longest prefix that covers the address; a piece of the range where the table has ranges.
    pub prefix: IpNetwork,
    /// The AS number.
    pub asn: u32,
    /// The AS's name; empty when the table has none.
    pub name: String,
}

/// Why a table cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum AsnError {
    /// The file cannot be opened or read.
    #[error("{file}: {error}")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        error: io::Error,
    },
    /// A line is neither format.
    #[error("{file}:{line}: {what}")]
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: AsnLineError,
    },
}

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AsnLineError {
    /// More than 4 KiB.
    #[error("the line is longer than {MAX_LINE} bytes")]
    TooLong,
    /// More than 16 million lines.
    #[error("the table has more than {MAX_LINES} lines")]
    TooMany,
    /// Too few fields.
    #[error("expected first,last,asn,name or address<TAB>length<TAB>asn")]
    Fields,
    /// A field is no address.
    #[error("an address cannot be read")]
    Address,
    /// The range ends before it begins, or mixes IPv4 and IPv6.
    #[error("the range's ends do not fit together")]
    Range,
    /// The prefix length.
    #[error("the prefix length cannot be read")]
    Length,
    /// The AS number.
    #[error("the AS number cannot be read")]
    Asn,
}

/// One line: a range of addresses and who announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsnLine {
    /// The first address.
    pub first: IpAddr,
    /// The last one, of the same family.
    pub last: IpAddr,
    /// The AS number; of several (multi-origin, AS sets) the first.
    pub asn: u32,
    /// The AS's name, or nothing.
    pub name: String,
}

/// Reads one line of either format; `None` for an empty line or a comment.
///
/// # Errors
/// See [`AsnLineError`].
pub fn line(bytes: &[u8]) -> Result<Option<AsnLine>, AsnLineError> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let read = if text.contains('\t') { prefix_line(text) } else { range_line(text) };
    read.map(Some)
}

fn range_line(text: &str) -> Result<AsnLine, AsnLineError> {
    let mut fields = text.splitn(4, ',');
    let mut field = || fields.next().map(|field| field.trim().trim_matches('"'));
    let (Some(first), Some(last), Some(asn)) = (field(), field(), field()) else {
        return Err(AsnLineError::Fields);
    };
    let address = |text: &str| text.parse::<IpAddr>().map_err(|_| AsnLineError::Address);
    let (first, last) = (address(first)?, address(last)?);
    if first > last || first.is_ipv4() != last.is_ipv4() {
        return Err(AsnLineError::Range);
    }
    let name = fields.next().unwrap_or_default().trim();
    let name = match name.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').unwrap_or(quoted).replace("\"\"", "\""),
        None => name.to_owned(),
    };
    Ok(AsnLine { first, last, asn: number(asn)?, name })
}

fn prefix_line(text: &str) -> Result<AsnLine, AsnLineError> {
    let mut fields = text.split('\t').map(str::trim);
    let (Some(address), Some(length), Some(asn)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(AsnLineError::Fields);
    };
    let address: IpAddr = address.parse().map_err(|_| AsnLineError::Address)?;
    let length: u8 = length.parse().map_err(|_| AsnLineError::Length)?;
    let network = IpNetwork::new(address, length).map_err(|_| AsnLineError::Length)?;
    Ok(AsnLine {
        first: network.network(),
        last: network.broadcast(),
        asn: number(asn)?,
        name: String::new(),
    })
}

/// The first AS number of `1`, `AS1`, `1_2` (several origins) or `1,2` (an AS set).
fn number(text: &str) -> Result<u32, AsnLineError> {
    let first = text.trim_start_matches(['{', '(']).split(['_', ',']).next().unwrap_or_default();
    first.trim_start_matches("AS").parse().map_err(|_| AsnLineError::Asn)
}

/// The table.
#[derive(Clone, Debug, Default)]
pub struct AsnTable {
    ipv4: PrefixMap<Ipv4Network, u32>,
    ipv6: PrefixMap<Ipv6Network, u32>,
    /// The distinct (number, name) pairs, which the prefixes point to.
    systems: Vec<(u32, Arc<str>)>,
    known: HashMap<(u32, Arc<str>), u32>,
}

impl AsnTable {
    /// Loads a file into the table; where it speaks of a prefix that is known already, it wins.
    ///
    /// # Errors
    /// The file cannot be read, or a line of it.
    pub fn load(&mut self, path: &Path) -> Result<(), AsnError> {
        let file = path.display().to_string();
        let unreadable = |error| AsnError::Io { file: file.clone(), error };
        let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
        let is_gzip = reader.fill_buf().map_err(unreadable)?.starts_with(&[0x1f, 0x8b]);
        if is_gzip {
            self.read(&file, BufReader::new(MultiGzDecoder::new(reader)))
        } else {
            self.read(&file, reader)
        }
    }

    /// Reads lines into the table; `file` is their name in errors.
    ///
    /// # Errors
    /// The reader fails, or a line cannot be read.
    pub fn read(&mut self, file: &str, mut reader: impl BufRead) -> Result<(), AsnError> {
        let mut bytes = Vec::new();
        for number in 1.. {
            let fail = |what| AsnError::Line { file: file.to_owned(), line: number, what };
            bytes.clear();
            let mut bounded = reader.by_ref().take(MAX_LINE as u64 + 1);
            bounded
                .read_until(b'\n', &mut bytes)
                .map_err(|error| AsnError::Io { file: file.to_owned(), error })?;
            match bytes.len() {
                0 => break,
                length if length > MAX_LINE => return Err(fail(AsnLineError::TooLong)),
                _ if number > MAX_LINES => return Err(fail(AsnLineError::TooMany)),
                _ => {}
            }
            if let Some(line) = line(&bytes).map_err(fail)? {
                self.insert(&line);
            }
        }
        Ok(())
    }

    /// Takes one line. AS 0 means that nobody announces the range: it is left out.
    pub fn insert(&mut self, line: &AsnLine) {
        if line.asn == 0 {
            return;
        }
        let system = self.system(line.asn, &line.name);
        match (line.first, line.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                for (start, length) in prefixes(first.to_bits().into(), last.to_bits().into(), 32) {
                    let address = Ipv4Addr::from_bits(u32::try_from(start).unwrap_or(u32::MAX));
                    if let Ok(network) = Ipv4Network::new(address, length) {
                        self.ipv4.insert(network, system);
                    }
                }
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                for (start, length) in prefixes(first.to_bits(), last.to_bits(), 128) {
                    if let Ok(network) = Ipv6Network::new(Ipv6Addr::from_bits(start), length) {
                        self.ipv6.insert(network, system);
                    }
                }
            }
            _ => {}
        }
    }

    fn system(&mut self, asn: u32, name: &str) -> u32 {
        let key = (asn, Arc::from(name));
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let place = u32::try_from(self.systems.len()).unwrap_or(u32::MAX);
        self.systems.push(key.clone());
        self.known.insert(key, place);
        place
    }

    /// What the table says about `address`; IPv4 in IPv6 clothes counts as IPv4.
    pub fn lookup(&self, address: IpAddr) -> Option<AsnEntry> {
        let (prefix, system) = match address.to_canonical() {
            IpAddr::V4(v4) => {
                let (prefix, system) = self.ipv4.get_lpm(&Ipv4Network::from(v4))?;
                (IpNetwork::V4(prefix), system)
            }
            IpAddr::V6(v6) => {
                let (prefix, system) = self.ipv6.get_lpm(&Ipv6Network::from(v6))?;
                (IpNetwork::V6(prefix), system)
            }
        };
        let (asn, name) = self.systems.get(usize::try_from(*system).ok()?)?;
        Some(AsnEntry { prefix, asn: *asn, name: name.to_string() })
    }

    /// How many prefixes the table has.
    pub fn len(&self) -> usize {
        self.ipv4.len() + self.ipv6.len()
    }

    /// Whether nothing is loaded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The fewest prefixes that make up `first..=last` in addresses of `width` bits, as (start, length).
fn prefixes(first: u128, last: u128, width: u32) -> Vec<(u128, u8)> {
    let mut pieces = Vec::new();
    let mut start = first;
    loop {
        // The largest aligned block that begins here and does not pass the end.
        let aligned = start.trailing_zeros().min(width);
        let fitting = match (last - start).checked_add(1) {
            Some(count) => count.ilog2(),
            None => 128,
        };
        let bits = aligned.min(fitting);
        pieces.push((start, u8::try_from(width - bits).unwrap_or(0)));
        let next = 1_u128.checked_shl(bits).and_then(|size| start.checked_add(size));
        match next {
            Some(next) if next <= last => start = next,
            _ => return pieces,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn table(text: &str) -> AsnTable {
        let mut table = AsnTable::default();
        table.read("t.csv", text.as_bytes()).unwrap();
        table
    }

    #[test]
    fn the_longest_prefix_wins_across_both_formats() {
        let table = table(
            "# comment\n10.0.0.0,10.255.255.255,64496,\"Big, \"\"the\"\" one\"\n10.1.0.0\t16\t64497_64498\n\n\
             2001:db8::,2001:db8::ffff,64499,Six\n2001:db8::\t32\t{64500,64501}\n192.0.2.0,192.0.2.255,0,nobody\n",
        );
        let found = |text: &str| table.lookup(text.parse().unwrap());
        let entry = found("10.2.0.1").unwrap();
        assert_eq!((entry.prefix.to_string().as_str(), entry.asn), ("10.0.0.0/8", 64496));
        assert_eq!(entry.name, "Big, \"the\" one");
        assert_eq!(found("::ffff:10.1.2.3").unwrap().asn, 64497);
        assert_eq!(found("2001:db8::1").unwrap().asn, 64499);
        assert_eq!(found("2001:db8:1::1").unwrap().asn, 64500);
        assert_eq!(found("192.0.2.1"), None);
        assert_eq!(found("11.0.0.0"), None);
    }

    #[test]
    fn errors_name_file_and_line() {
        let error = |text: &str| AsnTable::default().read("t.csv", text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("\nx"), "t.csv:2: expected first,last,asn,name or address<TAB>length<TAB>asn");
        assert_eq!(error("1.0.0.0,x,1,n"), "t.csv:1: an address cannot be read");
        assert_eq!(error("1.0.0.9,1.0.0.1,1,n"), "t.csv:1: the range's ends do not fit together");
        assert_eq!(error("1.0.0.9,::1,1,n"), "t.csv:1: the range's ends do not fit together");
        assert_eq!(error("1.0.0.0\t33\t1"), "t.csv:1: the prefix length cannot be read");
        assert_eq!(error("1.0.0.0\t24\t4294967296"), "t.csv:1: the AS number cannot be read");
        assert_eq!(error(&"x".repeat(5000)), "t.csv:1: the line is longer than 4096 bytes");
    }

    #[test]
    fn gzip_is_recognised_and_a_cut_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv.gz");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(b"192.0.2.0,192.0.2.255,64496,Test\n").unwrap();
        let bytes = gzip.finish().unwrap();
        std::fs::write(&path, &bytes).unwrap();
        let mut table = AsnTable::default();
        table.load(&path).unwrap();
        assert_eq!(table.lookup("192.0.2.9".parse().unwrap()).unwrap().asn, 64496);
        std::fs::write(&path, &bytes[..bytes.len() - 12]).unwrap();
        assert!(matches!(AsnTable::default().load(&path), Err(AsnError::Io { .. })));
    }

    #[test]
    fn the_published_table_answers_as_its_own_ranges_say() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/asn"));
        if !folder.exists() {
            eprintln!("SKIPPED: {} is absent", folder.display());
            return;
        }
        for file in ["asn-ipv4.subset.csv", "asn-ipv6.every20th.csv"] {
            let mut table = AsnTable::default();
            table.load(&folder.join(file)).unwrap();
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            let mut lines = 0;
            for line in text.lines().filter_map(|text| line(text.as_bytes()).unwrap()) {
                lines += 1;
                for address in [line.first, line.last] {
                    let entry = table.lookup(address).unwrap();
                    assert_eq!((entry.asn, &entry.name), (line.asn, &line.name), "{address}");
                }
            }
            assert!(lines > 5000 && table.len() >= lines, "{file}");
        }
    }

    proptest! {
        #[test]
        fn pieces_cover_the_range_and_nothing_else(a in any::<u32>(), b in any::<u32>(), wide in any::<bool>()) {
            let shift = if wide { 96 } else { 0 };
            let (first, last) = (u128::from(a.min(b)) << shift, (u128::from(a.max(b)) << shift) | ((1 << shift) - 1));
            let width = if wide { 128 } else { 32 };
            let pieces = prefixes(first, last, width);
            prop_assert!(pieces.len() <= 2 * width as usize);
            let mut next = Some(first);
            for (start, length) in pieces {
                prop_assert_eq!(Some(start), next);
                let size = 1_u128.checked_shl(width - u32::from(length));
                prop_assert!(size.is_none_or(|size| start % size == 0));
                next = size.and_then(|size| start.checked_add(size));
            }
            prop_assert_eq!(next, last.checked_add(1));
        }

        #[test]
        fn any_bytes_are_a_line_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = line(&bytes);
        }
    }
}
