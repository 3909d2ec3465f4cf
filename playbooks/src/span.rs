//! Lengths of time as people write them in a playbook: `30m`, `48h`, `365d`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer};

/// A length of time, written as a whole number and one of `s`, `m`, `h`, `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// Why a text is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time: write a whole number and s, m, h or d, as in `30m`, up to 3650d")]
pub struct ParseSpanError(String);

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
const LONGEST_SECONDS: u64 = 3_650 * 86_400;

impl FromStr for Span {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let unit = text.chars().last()?;
            let seconds = UNITS.iter().find(|(letter, _)| *letter == unit)?.1;
            let digits = &text[..text.len() - 1];
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let total = digits.parse::<u64>().ok()?.checked_mul(seconds)?;
            (total <= LONGEST_SECONDS).then(|| Self(Duration::from_secs(total)))
        };
        read().ok_or_else(|| ParseSpanError(text.chars().take(32).collect()))
    }
}

impl fmt::Display for Span {
    /// The largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (letter, unit) =
            UNITS.into_iter().find(|(_, unit)| seconds.is_multiple_of(*unit)).unwrap_or(('s', 1));
        write!(f, "{}{letter}", seconds / unit)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_prints_it_back() {
        for (text, seconds, printed) in
            [("30m", 1_800, "30m"), ("48h", 172_800, "2d"), ("365d", 31_536_000, "365d"), ("90s", 90, "90s")]
        {
            let span: Span = text.parse().expect("a span");
            assert_eq!((span.0.as_secs(), span.to_string().as_str()), (seconds, printed));
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in ["", "m", "30", "30 m", "-1h", "1.5h", "30M", "4000d", "99999999999999999999d", "é", "1é"]
        {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
