//! Countries by ISO 3166-1 alpha-2, with the two codes that are only reserved or in use: `EU`, and `XK` for Kosovo.

use std::{fmt, str::FromStr};

/// Code and English short name, sorted by code.
const TABLE: &str = include_str!("countries.tsv");

/// A country of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(&'static str);

/// Why a text is not a country.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no country: write its ISO 3166-1 code, such as DE")]
pub struct UnknownCountryError(String);

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().filter_map(|line| line.split_once('\t'))
}

impl Country {
    /// The two letters.
    pub const fn code(self) -> &'static str {
        self.0
    }

    /// The English short name.
    pub fn name(self) -> &'static str {
        rows().find(|(code, _)| *code == self.0).map_or(self.0, |(_, name)| name)
    }

    /// The country of that English name, as lists write it.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        rows().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(code, _)| Self(code))
    }
}

impl FromStr for Country {
    type Err = UnknownCountryError;

    fn from_str(text: &str) -> Result<Self, UnknownCountryError> {
        let found = rows().find(|(code, _)| code.eq_ignore_ascii_case(text.trim()));
        let unknown = || UnknownCountryError(text.chars().take(32).collect());
        found.map(|(code, _)| Self(code)).ok_or_else(unknown)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_read_by_code_and_by_name() {
        let at: Country = "at".parse().expect("Austria");
        assert_eq!((at.code(), at.name()), ("AT", "Austria"));
        assert_eq!(Country::named("south korea").map(Country::code), Some("KR"));
        assert_eq!(Country::named("United States").map(Country::code), Some("US"));
        for wrong in ["", "A", "AUT", "ZZ", "UK"] {
            assert!(wrong.parse::<Country>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_whole_and_in_order() {
        let codes: Vec<_> = rows().map(|(code, _)| code).collect();
        assert!(codes.is_sorted() && codes.len() == TABLE.lines().count(), "{codes:?}");
        assert!(rows().all(|(code, name)| code.len() == 2 && !name.is_empty()));
    }
}
