//! What the fuzz targets share.

use std::sync::LazyLock;

use takedown::intake::{context::Context, entry::Entry, format::Format, read};

/// The default context, made once.
pub static CONTEXT: LazyLock<Context> = LazyLock::new(Context::default);

/// Reads an input as a format: numbers run from 1 without a gap, and no text is longer than what is shown.
pub fn read_as(data: &[u8], name: &str, format: Format) {
    let mut next = 1;
    let mut sink = |entry: Entry| {
        assert_eq!(entry.number, next, "an entry is missing or counted twice");
        assert!(entry.text.chars().count() <= Entry::TEXT_MAX);
        if let Err(why) = &entry.parsed {
            assert!(!why.is_empty());
        }
        next += 1;
        true
    };
    let _ = read(data, name, format, &CONTEXT, &mut sink);
}
