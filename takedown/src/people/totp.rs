//! Time-based one-time passwords: RFC 6238 with SHA-1, six digits, thirty seconds, as every authenticator has it.

use entities::Timestamp;
use ring::hmac;
use subtle::ConstantTimeEq;

/// Seconds of a step.
const STEP: i64 = 30;
/// Steps before and after the present one that count, for clocks that are not exact (RFC 6238 §5.2).
const DRIFT: i64 = 1;
/// Bytes of a secret (RFC 4226 §4, R6).
pub const SECRET: usize = 20;

/// The step that `code` is right for at `now`, if it is after `last`: a code counts once (RFC 6238 §5.2).
pub fn step(secret: &[u8], code: &str, now: Timestamp, last: i64) -> Option<i64> {
    let present = now.0.div_euclid(1_000_000 * STEP);
    let mut found = None;
    // All are compared, whatever the first gives.
    for step in present - DRIFT..=present + DRIFT {
        let same: bool = at(secret, step).as_bytes().ct_eq(code.as_bytes()).into();
        if same && step > last {
            found = Some(step);
        }
    }
    found
}

/// The code of a step (RFC 4226 §5.3).
pub fn at(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 15);
    let word = tag[offset..offset + 4].iter().fold(0u32, |word, byte| (word << 8) | u32::from(*byte));
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(at(secret, seconds / 30), code, "{seconds}");
        }
    }

    #[test]
    fn a_code_counts_once_and_for_a_minute_and_a_half() {
        let secret = b"12345678901234567890";
        let second = |seconds: i64| Timestamp(seconds * 1_000_000);
        let code = at(secret, 100);
        assert_eq!(step(secret, &code, second(3_000), 0), Some(100));
        assert_eq!(step(secret, &code, second(3_000), 100), None, "again");
        assert_eq!(step(secret, &code, second(2_970), 0), Some(100), "our clock is late");
        assert_eq!(step(secret, &code, second(3_059), 0), Some(100), "our clock is early");
        assert_eq!(step(secret, &code, second(3_060), 0), None);
        for wrong in ["", "12345", "1234567", "abcdef"] {
            assert_eq!(step(secret, wrong, second(3_000), 0), None, "{wrong}");
        }
    }
}
