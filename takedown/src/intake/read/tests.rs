use std::{collections::BTreeMap, io::Write, path::PathBuf};

use super::*;

fn all(bytes: &[u8], name: &str, format: Format) -> Result<(Summary, Vec<Entry>), ReadError> {
    let mut entries = Vec::new();
    let mut sink = |entry: Entry| {
        entries.push(entry);
        true
    };
    let summary = read(bytes, name, format, &Context::default(), &mut sink)?;
    Ok((summary, entries))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).expect("memory");
    packed.finish().expect("memory")
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packed = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        packed.start_file(*name, zip::write::SimpleFileOptions::default()).expect("memory");
        packed.write_all(bytes).expect("memory");
    }
    packed.finish().expect("memory").into_inner()
}

#[test]
fn packed_and_encoded_inputs_read_like_plain_ones() {
    let text = "evil.example\r\n\r\n192.0.2.1\r\n";
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let utf16_big: Vec<u8> =
        [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let bom = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let (plain, wanted) = all(text.as_bytes(), "list.txt", Format::Auto).expect("a list");
    assert_eq!((plain.format, plain.total, plain.parsed, plain.rejected), (Format::Plain, 3, 2, 1));
    assert_eq!(plain.sha256.len(), 64);
    for bytes in [gzip(text.as_bytes()), zip(&[("list.txt", text.as_bytes())]), utf16, utf16_big, bom] {
        let (summary, entries) = all(&bytes, "list", Format::Auto).expect("the same list");
        assert_eq!(entries, wanted);
        assert_eq!((summary.bytes, summary.members), (bytes.len() as u64, 1));
    }
}

#[test]
fn the_members_of_an_archive_are_numbered_on() {
    let bytes = zip(&[
        ("__MACOSX/._a.txt", b"x"),
        ("lummac2.txt", b"# Aliases: x\nevil.example\n"),
        ("b.csv", b"ioc,type\nbad.example,domain\n"),
    ]);
    let (summary, entries) = all(&bytes, "lists.zip", Format::Auto).expect("an archive");
    assert_eq!((summary.members, summary.total, summary.parsed), (2, 4, 2));
    assert_eq!(entries.iter().map(|e| e.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn bombs_nests_and_broken_archives_are_refused() {
    let line = b"evil.example\n".repeat(1 << 18);
    let small = Limits { ratio: 20, ..Limits::default() };
    for bomb in [gzip(&line), zip(&[("x.txt", &line)])] {
        let outcome =
            read_within(&small, bomb.as_slice(), "x", Format::Auto, &Context::default(), &mut |_| true);
        assert!(matches!(outcome, Err(ReadError::Bomb { ratio: 20 })), "{outcome:?}");
    }
    let inner = gzip(b"evil.example\n");
    assert!(matches!(all(&gzip(&inner), "x.gz.gz", Format::Auto), Err(ReadError::Nested)));
    assert!(matches!(all(&zip(&[("a.gz", &inner)]), "x.zip", Format::Auto), Err(ReadError::Nested)));
    assert!(matches!(all(&inner[..inner.len() / 2], "x.gz", Format::Auto), Err(ReadError::Io(_))));
    assert!(matches!(all(b"PK\x03\x04 nonsense", "x.zip", Format::Auto), Err(ReadError::Archive(_))));
    assert!(matches!(all(b"BZh91AY", "x.bz2", Format::Auto), Err(ReadError::Archive(_))));
    assert!(matches!(
        all(b"<stix:STIX_Package", "x.xml", Format::Auto),
        Err(ReadError::Refused(Refused::Stix1))
    ));
}

#[test]
fn limits_are_said_in_words() {
    let limits = Limits { file: 20, ..Limits::default() };
    let long = b"evil.example\n".repeat(10);
    let error = read_within(&limits, long.as_slice(), "x", Format::Auto, &Context::default(), &mut |_| true)
        .expect_err("too long");
    assert!(error.to_string().contains("over the limit"), "{error}");
}

#[test]
fn a_bad_line_is_an_entry_and_not_an_error() {
    let mut bytes = b"evil.example\nb\xffd.example\nb\0d.example\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'a', (1 << 20) + 5));
    bytes.extend(b"\nbad.example\n");
    let (summary, entries) = all(&bytes, "x", Format::Plain).expect("a list");
    let reasons: Vec<_> = entries.iter().map(|e| e.parsed.as_ref().err().map(String::as_str)).collect();
    assert_eq!(
        reasons,
        [
            None,
            Some("not UTF-8: save the file as UTF-8"),
            Some("a NUL byte in the line: this is no text"),
            Some("the line is over 1 MiB long"),
            None
        ]
    );
    assert_eq!(summary.total, 5);
    assert!(entries.iter().all(|e| e.text.chars().count() <= Entry::TEXT_MAX && !e.text.contains('\0')));
}

#[test]
fn the_sink_can_stop() {
    let mut seen = 0;
    let mut sink = |_| {
        seen += 1;
        seen < 2
    };
    let list = "evil.example\n".repeat(10);
    let summary = read(list.as_bytes(), "x", Format::Auto, &Context::default(), &mut sink).expect("a list");
    assert!(summary.stopped && summary.sha256.is_empty());
    assert_eq!(seen, 2);
}

#[test]
fn a_table_of_one_column_has_a_header_too() {
    let (_, entries) = all(b"domain\nevil.example\n", "x.csv", Format::Auto).expect("a list");
    assert_eq!(entries[0].parsed, Err("header row".to_owned()));
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic_and_every_line_is_an_entry(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        text in "([a-z0-9.:/,;\t\"#@\\[\\]-]{0,30}(\n|\r\n)){0,12}",
    ) {
        let _ = all(&bytes, "x", Format::Auto);
        for format in [Format::Plain, Format::Hosts, Format::Rpz, Format::Maltrail, Format::PassiveDns] {
            let _ = all(&bytes, "x", format);
            if format != Format::PassiveDns {
                let (summary, _) = all(text.as_bytes(), "x", format).expect("text");
                proptest::prop_assert_eq!(summary.total, text.matches('\n').count() as u64);
                proptest::prop_assert_eq!(summary.total, summary.parsed + summary.rejected);
            }
        }
        for format in [Format::Csv, Format::Tsv, Format::Json] {
            let _ = all(&bytes, "x", format);
            let _ = all(text.as_bytes(), "x", format);
        }
    }
}

/// The files of a folder of the shared data, or none with a loud word.
fn shared(folder: &str) -> Vec<PathBuf> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(folder);
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(next) = folders.pop() {
        let Ok(inside) = std::fs::read_dir(&next) else { continue };
        for entry in inside.flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    if files.is_empty() {
        eprintln!("SKIPPED: {} is not there", root.display());
    }
    files.sort();
    files
}

/// Lists, which are read in full.
const LISTS: &[&str] = &[
    "ioc-sekoia",
    "ioc-threatlabz",
    "ioc-unit42",
    "ioc-viriback",
    "tweetfeed",
    "infra-domaintools",
    "passive-dns",
    "clusters-infoblox",
    "dead-drops",
];

/// Documents, of which some are schemas, manifests and STIX 1.x: read or refused.
const DOCUMENTS: &[&str] = &[
    "stix21-tweetfeed",
    "stix21-oasis",
    "stix21-misp-stix",
    "stix20-unit42",
    "stix-talos",
    "attack-subset",
    "misp-feed-tweetfeed",
    "misp-events-core",
    "misp-events-eset",
    "graph-groundtruth",
];

#[test]
fn the_published_trails_are_read_in_full() {
    read_in_full(&["ioc-maltrail"], false);
}

#[test]
fn the_published_lists_are_read_in_full() {
    read_in_full(LISTS, false);
}

#[test]
fn the_published_documents_are_read_or_refused() {
    read_in_full(DOCUMENTS, true);
}

/// Every file is read to its end and every line of it is accounted for, or it is refused as a whole where
/// that is allowed.
fn read_in_full(folders: &[&str], may_be_refused: bool) {
    let context = Context::default();
    for folder in folders.iter().copied() {
        for path in shared(folder) {
            let bytes = std::fs::read(&path).expect("a file");
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
            let mut sink = |entry: Entry| {
                if let Err(why) = entry.parsed {
                    if ![lines::BLANK, lines::COMMENT].contains(&why.as_str()) {
                        let place = path
                            .strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"))
                            .expect("shared");
                        eprintln!(
                            "REJECTED | {} | {} | {why} | {}",
                            place.display(),
                            entry.number,
                            entry.text
                        );
                    }
                    *reasons.entry(why).or_default() += 1;
                }
                true
            };
            let summary = match read(bytes.as_slice(), &name, Format::Auto, &context, &mut sink) {
                Ok(summary) => summary,
                Err(ReadError::Refused(_) | ReadError::Document { .. }) if may_be_refused => {
                    eprintln!("REFUSED | {folder}/{name}");
                    continue;
                }
                Err(error) => panic!("{name}: {error}"),
            };
            assert_eq!(summary.total, summary.parsed + summary.rejected, "{name}");
            let mut top: Vec<_> = reasons.into_iter().map(|(why, n)| (n, why)).collect();
            top.sort_by(|a, b| b.cmp(a));
            let top: Vec<_> = top.into_iter().take(4).map(|(n, why)| format!("{n}× {why}")).collect();
            eprintln!(
                "COUNT | {folder}/{name} | {} | {} | {} | {} | {}",
                summary.format,
                summary.total,
                summary.parsed,
                summary.rejected,
                top.join("; ")
            );
            let lines = bytes.iter().filter(|&&b| b == b'\n').count() as u64
                + u64::from(bytes.last().is_some_and(|&b| b != b'\n'));
            if !matches!(
                summary.format,
                Format::Json | Format::Csv | Format::Tsv | Format::Stix | Format::Misp
            ) {
                assert_eq!(summary.total, lines, "{name}");
            }
            assert!(summary.total <= lines.max(20_000), "{name}");
        }
    }
}
