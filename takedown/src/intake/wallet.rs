//! Wallet and contract addresses, taken only when their checksum is right: any 34 letters look like one.

use sha2::{Digest, Sha256};

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// The canonical form of a wallet or contract address: `eth:0x…` lower-case, `btc:…`, `tron:…`.
pub fn read(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() == 42 && (text.starts_with("0x") || text.starts_with("0X")) {
        let hex = &text[2..];
        return hex
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then(|| format!("eth:0x{}", hex.to_ascii_lowercase()));
    }
    if bytes.get(..3).is_some_and(|p| p.eq_ignore_ascii_case(b"bc1")) && (14..=90).contains(&bytes.len()) {
        let lower = text.to_ascii_lowercase();
        let one_case = lower == text || text.to_ascii_uppercase() == text;
        return (one_case && bech32_holds(&lower)).then(|| format!("btc:{lower}"));
    }
    if (26..=35).contains(&bytes.len()) && matches!(bytes[0], b'1' | b'3' | b'T') {
        let payload = base58(bytes)?;
        let (body, sum) = payload.split_at(21);
        if Sha256::digest(Sha256::digest(body))[..4] != *sum {
            return None;
        }
        return match body[0] {
            0x00 | 0x05 => Some(format!("btc:{text}")),
            0x41 => Some(format!("tron:{text}")),
            _ => None,
        };
    }
    None
}

/// 25 bytes out of base58.
fn base58(text: &[u8]) -> Option<[u8; 25]> {
    let mut out = [0u8; 25];
    for letter in text {
        let mut carry = BASE58.iter().position(|b| b == letter)?;
        for byte in out.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(out)
}

/// The checksum of BIP 173 (bech32) or BIP 350 (bech32m) over a lower-case `bc1…`.
fn bech32_holds(text: &str) -> bool {
    let step = |sum: u32, value: u32| {
        let top = sum >> 25;
        let next = ((sum & 0x1ff_ffff) << 5) ^ value;
        [0x3b6a_57b2u32, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
            .iter()
            .enumerate()
            .fold(next, |sum, (bit, part)| if top >> bit & 1 == 1 { sum ^ part } else { sum })
    };
    // The human-readable part `bc`, expanded.
    let start = [3, 3, 0, 2, 3].into_iter().fold(1, step);
    let mut sum = start;
    for letter in text.bytes().skip(3) {
        let Some(value) = BECH32.iter().position(|&b| b == letter) else { return false };
        sum = step(sum, value as u32);
    }
    matches!(sum, 1 | 0x2bc8_30a3)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn takes_addresses_with_a_right_checksum() {
        for (given, canonical) in [
            ("0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B", "eth:0xab5801a7d398351b8be11c439e05c5b3259aec9b"),
            ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "btc:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
            ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "btc:3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
            ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "btc:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
            (
                "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
                "btc:bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
            ),
        ] {
            assert_eq!(read(given).as_deref(), Some(canonical), "{given}");
        }
        for not in [
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
            "0x1234",
            "",
            "1",
            "TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT",
        ] {
            assert_eq!(read(not), None, "{not}");
        }
    }
}
