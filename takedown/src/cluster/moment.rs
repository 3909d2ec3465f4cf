//! Moments as edge lists and registries write them.

/// A moment, and whether the time of day is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Seconds since 1970, UTC.
    pub second: i64,
    /// Whether the time of day was told; otherwise it is the day's first second.
    pub exact: bool,
}

impl Moment {
    /// Days since 1970.
    pub const fn day(self) -> i64 {
        self.second.div_euclid(86_400)
    }

    /// The earlier of two; of one day the exact one, which says more.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        let better = if self.day() == other.day() {
            other.exact && (!self.exact || other < self)
        } else {
            other < self
        };
        if better { other } else { self }
    }

    /// Reads `2025-05-07`, `2025-05-07T03:37:58Z`, `2025-05-07 03:37:58.146+00:00`, with `/` for `-` too, and
    /// seconds since 1970. None for anything else.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = text.trim().as_bytes();
        if (9..=11).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit) {
            let second = bytes.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
            return Some(Self { second, exact: true });
        }
        let number = |from: usize, to: usize| -> Option<i64> {
            let digits = bytes.get(from..to)?;
            digits
                .iter()
                .all(u8::is_ascii_digit)
                .then(|| digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let parted = matches!((bytes[4], bytes[7]), (b'-', b'-') | (b'/', b'/'));
        if !parted || !(1..=12).contains(&month) || !(1..=31).contains(&day) || year < 1970 {
            return None;
        }
        let midnight = days_since_1970(year, month, day) * 86_400;
        if bytes.len() == 10 {
            return Some(Self { second: midnight, exact: false });
        }
        if !matches!(bytes[10], b'T' | b't' | b' ') {
            return None;
        }
        let (hour, minute) = (number(11, 13)?, number(14, 16)?);
        let second = if bytes.get(16) == Some(&b':') { number(17, 19)? } else { 0 };
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let shift = shift(bytes.get(16..).unwrap_or_default())?;
        Some(Self { second: midnight + hour * 3_600 + minute * 60 + second - shift, exact: true })
    }
}

/// The offset from UTC in seconds that the rest of a time of day tells; none is UTC.
fn shift(rest: &[u8]) -> Option<i64> {
    let Some(at) = rest.iter().position(|byte| matches!(byte, b'+' | b'-')) else { return Some(0) };
    let digits: Vec<i64> = rest[at + 1..]
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .map(|digit| i64::from(digit - b'0'))
        .collect();
    let seconds = match digits.as_slice() {
        [a, b] => (a * 10 + b) * 3_600,
        [a, b, c, d] => (a * 10 + b) * 3_600 + (c * 10 + d) * 60,
        _ => return None,
    };
    Some(if rest[at] == b'-' { -seconds } else { seconds })
}

/// Days from 1970-01-01, proleptic Gregorian (Hinnant's days_from_civil).
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_with_and_without_a_time_of_day() {
        let exact = |second| Some(Moment { second, exact: true });
        assert_eq!(Moment::read("2025-05-07"), Some(Moment { second: 1_746_576_000, exact: false }));
        assert_eq!(Moment::read("2025-05-07T03:37:58.146000+00:00"), exact(1_746_589_078));
        assert_eq!(Moment::read("2025-05-07 05:37:58+02:00"), exact(1_746_589_078));
        assert_eq!(Moment::read("2025-05-07T03:37Z"), exact(1_746_589_020));
        assert_eq!(Moment::read("1746589078"), exact(1_746_589_078));
        for odd in ["", "13335", "2025-13-07", "2025-05-07x", "yesterday", "2025-05-07T99:00:00", "20250507"]
        {
            assert_eq!(Moment::read(odd), None, "{odd}");
        }
    }
}
