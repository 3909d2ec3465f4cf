//! The kinds of values that a configuration has beside TOML's own: durations, sizes and URLs with secrets.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A duration, written as a number and a unit: `500ms`, `20s`, `5m`, `12h`, `7d`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

/// Milliseconds in one of each unit, longest first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused =
            || format!("`{text}` is not a duration: write a number and ms, s, m, h or d, such as 20s");
        let (number, unit) = split(text).ok_or_else(refused)?;
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(refused)?;
        number.checked_mul(*millis).map(|millis| Self(Duration::from_millis(millis))).ok_or_else(refused)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let whole = |(_, unit): &&(&str, u64)| millis != 0 && millis.is_multiple_of(*unit);
        let (name, unit) = UNITS.iter().find(whole).unwrap_or(&("s", 1_000));
        write!(f, "{}{name}", millis / unit)
    }
}

/// A number of bytes, written as a number and a unit: `512 KiB`, `2 MiB`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

/// Bytes in one of each unit, largest first.
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Size {
    /// As a number of bytes in memory.
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused =
            || format!("`{text}` is not a size: write a number and B, KiB, MiB or GiB, such as 2 MiB");
        let (number, unit) = split(text).ok_or_else(refused)?;
        let (_, bytes) = SIZES.iter().find(|(name, _)| *name == unit).ok_or_else(refused)?;
        number.checked_mul(*bytes).map(Self).ok_or_else(refused)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, unit): &&(&str, u64)| self.0 != 0 && self.0.is_multiple_of(*unit);
        let (name, unit) = SIZES.iter().find(whole).unwrap_or(&("B", 1));
        write!(f, "{} {name}", self.0 / unit)
    }
}

/// Splits a number from the unit after it.
fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    Some((text[..end].parse().ok()?, text[end..].trim_start()))
}

/// A URL that may hold a password, of a database or a mail server: nothing that prints or serialises it shows that.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// The URL itself, for the one place that connects.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Display for SecretUrl {
    /// The URL without its password: what stands between the first `:` after the scheme and the last `@`, and a
    /// `password=` parameter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        if !scheme.is_empty() {
            write!(f, "{scheme}://")?;
        }
        let (address, query) = rest.split_once('?').map_or((rest, None), |(a, q)| (a, Some(q)));
        match address.rsplit_once('@') {
            Some((login, host)) => match login.split_once(':') {
                Some((user, _)) => write!(f, "{user}:(redacted)@{host}")?,
                None => f.write_str(address)?,
            },
            None => f.write_str(address)?,
        }
        for (i, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
            f.write_str(if i == 0 { "?" } else { "&" })?;
            match pair.split_once('=') {
                Some((name, _)) if name.to_ascii_lowercase().contains("password") => {
                    write!(f, "{name}=(redacted)")?;
                }
                _ => f.write_str(pair)?,
            }
        }
        Ok(())
    }
}

macro_rules! as_text {
    ($($name:ty => $read:expr;)+) => {
        $(
            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(self, f)
                }
            }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                    s.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                    let read: fn(String) -> Result<Self, String> = $read;
                    read(String::deserialize(d)?).map_err(de::Error::custom)
                }
            }
        )+
    };
}

as_text! {
    Span => |text| text.parse();
    Size => |text| text.parse();
    SecretUrl => |text| Ok(text.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_back_what_they_print() {
        for text in ["500ms", "20s", "5m", "12h", "7d", "0s", "90s", "1500ms"] {
            assert_eq!(text.parse::<Span>().map(|span| span.to_string()), Ok(text.to_owned()));
        }
        for text in ["2 MiB", "512 KiB", "1 GiB", "1000 B", "0 B"] {
            assert_eq!(text.parse::<Size>().map(|size| size.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "20", "s", "-1s", "20 years", "99999999999999999999s", "18446744073709551615d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_that_prints_a_secret_shows_it() {
        let url = SecretUrl::from(
            "postgres://ana:hunter2p@ss:word@db.example/lockstep?sslpassword=x&a=b".to_owned(),
        );
        let printed = format!("{url} {url:?}") + &serde_json::to_string(&url).expect("serialises");
        assert!(
            !printed.contains("hunter2") && !printed.contains("word@") && !printed.contains("=x"),
            "{printed}"
        );
        assert_eq!(
            url.to_string(),
            "postgres://ana:(redacted)@db.example/lockstep?sslpassword=(redacted)&a=b"
        );
    }
}
