//! Typed ids: a UUIDv7 inside, a prefixed word outside (`obs_01jd…`), so that an id in a log or a
//! mail says what it names and a wrong kind of id cannot be passed.

use std::{fmt, str::FromStr};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form {prefix}_ and 26 characters")]
pub struct ParseIdError {
    /// The prefix that was expected.
    pub prefix: &'static str,
    /// What was given, cut to 64 characters.
    pub text: String,
}

/// Crockford's base 32, lower case (<https://www.crockford.com/base32.html>): sorts as the bytes do.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Writes 128 bits as 26 characters, most significant first.
pub(crate) fn encode(value: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0u8; 26];
    for (i, slot) in text.iter_mut().enumerate() {
        *slot = ALPHABET[((value >> (125 - 5 * i)) & 31) as usize];
    }
    f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

/// Reads what [`encode`] wrote; `None` for anything else, so every id has one spelling.
pub(crate) fn decode(text: &str) -> Option<u128> {
    if text.len() != 26 || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes().try_fold(0u128, |value, byte| {
        let digit = ALPHABET.iter().position(|&a| a == byte)?;
        Some((value << 5) | digit as u128)
    })
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, sea_orm::DeriveValueType)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// The prefix that this id wears outside.
            pub const PREFIX: &'static str = $prefix;
        }

        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(n: u64) -> Result<Self, sea_orm::DbErr> {
                uuid::Uuid::try_from_u64(n).map(Self)
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                encode(self.0.as_u128(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(|value| Self(uuid::Uuid::from_u128(value)))
                    .ok_or_else(|| ParseIdError { prefix: $prefix, text: text.chars().take(64).collect() })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// Names an observable.
    ObservableId, "obs"
);
id!(
    /// Names a sighting.
    SightingId, "sgt"
);
id!(
    /// Names a source.
    SourceId, "src"
);
id!(
    /// Names a link.
    LinkId, "lnk"
);
id!(
    /// Names a fact.
    FactId, "fct"
);
id!(
    /// Names an observation.
    ObservationId, "obn"
);
id!(
    /// Names an import.
    ImportId, "imp"
);
id!(
    /// Names a job.
    JobId, "job"
);
id!(
    /// Names an access token.
    TokenId, "tok"
);
id!(
    /// Names a cluster.
    ClusterId, "clu"
);
id!(
    /// Names a person's ruling about a cluster.
    ClusterRulingId, "rul"
);
id!(
    /// Names what became of a cluster in a run.
    ClusterChangeId, "chg"
);
id!(
    /// Names what was learned of families.
    ClusterModelId, "mdl"
);
id!(
    /// Names a shared value.
    PivotId, "piv"
);
id!(
    /// Names a desk.
    DeskId, "dsk"
);
id!(
    /// Names a task.
    TaskId, "tsk"
);
id!(
    /// Names a notice.
    NoticeId, "ntc"
);
id!(
    /// Names a verification.
    VerificationId, "vrf"
);
id!(
    /// Names an operation.
    OperationId, "opn"
);
id!(
    /// Names a membership in an operation.
    OperationMemberId, "mbr"
);
id!(
    /// Names that two hold the same.
    CollisionId, "col"
);
id!(
    /// Names a party.
    PartyId, "pty"
);
id!(
    /// Names what a source says about a party.
    PartyClaimId, "clm"
);
id!(
    /// Names a person.
    PersonId, "psn"
);
id!(
    /// Names a session.
    SessionId, "ses"
);
id!(
    /// Names a one-time link.
    InviteId, "inv"
);
id!(
    /// Names whom a sign-in provider knows.
    IdentityId, "idn"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        for n in [0u128, 1, u128::MAX, 0x0193_5f00_0000_7000_8000_0000_0000_0001] {
            let id = ObservableId(uuid::Uuid::from_u128(n));
            assert_eq!(id.to_string().parse::<ObservableId>(), Ok(id));
        }
    }

    #[test]
    fn ids_sort_outside_as_they_sort_inside() {
        let (a, b) = (ObservableId(uuid::Uuid::from_u128(31)), ObservableId(uuid::Uuid::from_u128(32)));
        assert!(a < b && a.to_string() < b.to_string());
    }

    #[test]
    fn a_wrong_prefix_length_or_digit_is_refused() {
        for text in [
            "",
            "obs_",
            "tsk_00000000000000000000000000",
            "obs_0000000000000000000000000u",
            "obs_80000000000000000000000000",
            "obs_0000000000000000000000000A",
        ] {
            assert!(text.parse::<ObservableId>().is_err(), "{text}");
        }
    }
}
