//! Instants as lists write them.

use entities::Timestamp;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset, format_description::well_known::Rfc3339};

/// Reads RFC 3339, `2025-05-13`, `2025-05-13 12:00:00 [UTC]`, `20250513`, `13-05-2025`, `13.05.2025`,
/// `5/13/2025` and seconds or milliseconds since 1970. Without a zone it is UTC. A date that may be read
/// two ways (`05/06/2025`) is none.
pub fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim().trim_matches('"');
    if !(8..=40).contains(&text.len()) || !text.is_ascii() {
        return None;
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return digits(text);
    }
    if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
        return sane(at);
    }
    let text = text.strip_suffix("UTC").or_else(|| text.strip_suffix('Z')).unwrap_or(text).trim_end();
    let (day, clock) = match text.find([' ', 'T']) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        None => (text, ""),
    };
    let date = date(day)?;
    let (clock, offset) = split_offset(clock)?;
    let time = if clock.is_empty() { Time::MIDNIGHT } else { time_of_day(clock)? };
    sane(date.with_time(time).assume_offset(offset))
}

/// Years in which a sighting can have been made.
fn sane(at: OffsetDateTime) -> Option<Timestamp> {
    (1980..=2100).contains(&at.year()).then(|| Timestamp::from(at))
}

fn digits(text: &str) -> Option<Timestamp> {
    let number: i64 = text.parse().ok()?;
    match text.len() {
        8 => {
            let date = calendar(&text[..4], &text[4..6], &text[6..])?;
            sane(date.midnight().assume_utc())
        }
        9 | 10 => sane(OffsetDateTime::from_unix_timestamp(number).ok()?),
        13 => sane(OffsetDateTime::from_unix_timestamp_nanos(i128::from(number) * 1_000_000).ok()?),
        _ => None,
    }
}

fn date(text: &str) -> Option<Date> {
    let mark = text.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
    let mut parts = text.split(mark);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    if a.len() == 4 {
        return calendar(a, b, c);
    }
    let (first, second): (u8, u8) = (a.parse().ok()?, b.parse().ok()?);
    match mark {
        // Dashes and dots between day, month and year are the European order.
        '-' | '.' => calendar(c, b, a),
        _ if first > 12 || first == second => calendar(c, b, a),
        _ if second > 12 => calendar(c, a, b),
        _ => None,
    }
}

fn calendar(year: &str, month: &str, day: &str) -> Option<Date> {
    if year.len() != 4 {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

/// `12:00:00.25+02:00` into clock and offset.
fn split_offset(text: &str) -> Option<(&str, UtcOffset)> {
    let Some(at) = text.rfind(['+', '-']) else { return Some((text, UtcOffset::UTC)) };
    let (clock, offset) = text.split_at(at);
    let digits: String = offset[1..].chars().filter(|c| *c != ':').collect();
    let hours: i8 = digits.get(..2)?.parse().ok()?;
    let minutes: i8 = if digits.len() > 2 { digits.get(2..4)?.parse().ok()? } else { 0 };
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    Some((clock.trim_end(), UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()?))
}

fn time_of_day(text: &str) -> Option<Time> {
    let (clock, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let mut parts = clock.split(':').map(str::parse::<u8>);
    let (hour, minute) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let second = parts.next().unwrap_or(Ok(0)).ok()?;
    let fraction: String = fraction.chars().take(6).collect();
    let micro = if fraction.is_empty() { 0 } else { format!("{fraction:0<6}").parse().ok()? };
    if parts.next().is_some() { None } else { Time::from_hms_micro(hour, minute, second, micro).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_lists_write() {
        for (given, wanted) in [
            ("2025-05-13", "2025-05-13T00:00:00Z"),
            ("2025-05-13T12:00:00+02:00", "2025-05-13T10:00:00Z"),
            ("2025-05-15T13:02:32.320000+00:00", "2025-05-15T13:02:32.32Z"),
            ("2026-07-23 01:31:00", "2026-07-23T01:31:00Z"),
            ("2026-07-23 01:31:00 UTC", "2026-07-23T01:31:00Z"),
            ("2026-07-23 01:31", "2026-07-23T01:31:00Z"),
            ("21-06-2019", "2019-06-21T00:00:00Z"),
            ("21.06.2019", "2019-06-21T00:00:00Z"),
            ("6/21/2019", "2019-06-21T00:00:00Z"),
            ("20250515", "2025-05-15T00:00:00Z"),
            ("1565309567", "2019-08-09T00:12:47Z"),
            ("1565309567000", "2019-08-09T00:12:47Z"),
        ] {
            assert_eq!(read(given).map(|t| t.to_string()).as_deref(), Some(wanted), "{given}");
        }
        for not in
            ["", "5/6/2019", "yesterday", "2025-13-01", "99999999", "1.2.3.4", "2025", "12345678901234567890"]
        {
            assert_eq!(read(not), None, "{not}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[0-9T:+./ Z-]{0,42}|.{0,20}") {
            let _ = read(&text);
        }
    }
}
