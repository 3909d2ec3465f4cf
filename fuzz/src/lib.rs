//! What the fuzz targets share.

use std::sync::LazyLock;

use takedown::intake::{context::Context, entry::Entry, format::Format, read};

/// The default context, made once.
pub static CONTEXT: LazyLock<Context> = LazyLock::new(Context::default);

/// Reads an input as a format: numbers run from 1 without a gap, but for the lines over which a record of a table goes on,
/// and no text is longer than what is shown.
pub fn read_as(data: &[u8], name: &str, format: Format) {
    let records = matches!(format, Format::Auto | Format::Csv | Format::Tsv);
    // The number before, over how many more lines its entry went on, and whether more of it is not shown.
    let mut before = (0, 0, false);
    let mut sink = |entry: Entry| {
        let (number, more, cut) = before;
        let next = number + 1;
        let follows = entry.number == next
            || records && (entry.number == next + more || cut && entry.number > next + more);
        assert!(follows, "an entry is missing or counted twice: {} after {number}", entry.number);
        let shown = entry.text.chars().count();
        assert!(shown <= Entry::TEXT_MAX);
        if let Err(why) = &entry.parsed {
            assert!(!why.is_empty());
        }
        before = (entry.number, entry.text.matches('\n').count() as u64, shown == Entry::TEXT_MAX);
        true
    };
    let _ = read(data, name, format, &CONTEXT, &mut sink);
}
