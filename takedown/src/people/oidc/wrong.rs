//! What can be wrong with a provider's token: a closed list, since the ledger keeps it and a token's own words stay out.

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It cannot be read.
    #[error("token is none that can be read")]
    Malformed,
    /// It is signed in a way that is not allowed, or not at all.
    #[error("algorithm is not allowed")]
    Algorithm,
    /// It is another kind of token.
    #[error("kind of token is another")]
    Kind,
    /// The provider publishes no such key.
    #[error("key is not known")]
    Key,
    /// The key did not sign it.
    #[error("signature does not hold")]
    Signature,
    /// It is another provider's.
    #[error("issuer is another")]
    Issuer,
    /// It is for somebody else.
    #[error("audience is another")]
    Audience,
    /// It was given to somebody else (`azp`).
    #[error("authorized party is another")]
    Party,
    /// A time is missing.
    #[error("times are missing")]
    Times,
    /// It has ended.
    #[error("token has expired")]
    Expired,
    /// It is from the future.
    #[error("token is from the future")]
    Future,
    /// It answers another request, or none.
    #[error("nonce is missing or another")]
    Nonce,
    /// It is about nobody.
    #[error("subject is missing")]
    Subject,
    /// It is about somebody else than before.
    #[error("subject is another")]
    OtherSubject,
    /// It belongs to another access token.
    #[error("access token is another")]
    AccessToken,
    /// It is no logout token.
    #[error("event is missing")]
    Event,
    /// It was shown before.
    #[error("token was shown before")]
    Replayed,
}
