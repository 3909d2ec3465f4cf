//! Signing in with a provider (OpenID Connect Core 1.0): authorization code with PKCE, nonce and state. The tokens are
//! verified here, by ring: the libraries for it bring a second set of cryptography with an open advisory (RUSTSEC-2023-0071)
//! and read the machine's clock.

mod account;
mod back_channel;
mod claims;
mod flow;
mod jws;
mod keys;
mod provider;
mod refresh;
mod session;
mod spent;
mod wrong;

use std::{sync::Arc, time::Duration};

use entities::{ActorRole, PersonId, Secret, Timestamp, Tlp};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use url::Url;

pub use self::{
    back_channel::back_channel,
    flow::{Answer, Begun, VALID, begin, finish},
    jws::Algorithm,
    provider::Provider,
    session::sign_out_at,
    wrong::Wrong,
};
use crate::{env::Env, error::Error, outside::provider::ExchangeError};

/// Who acts when a provider's word changes something.
const ACTOR: crate::actor::Actor = crate::actor::Actor::System("oidc");

/// A provider, as the operator named it.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// What it is called in addresses and the ledger: letters, digits and hyphens.
    pub name: String,
    /// What people read on its button.
    pub label: String,
    /// Its issuer identifier, to the letter.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// What proves it; none for a public client.
    pub client_secret: Option<Secret>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The claim with a person's groups.
    pub groups_claim: String,
    /// Which group makes which role: the first that a person is in counts, and in none nobody gets in.
    pub roles: Vec<(String, ActorRole)>,
    /// The party whose people they are, by its key.
    pub party: Option<String>,
    /// The clearance that a new account begins with.
    pub clearance: Option<Tlp>,
    /// How its tokens may be signed.
    pub algorithms: Vec<Algorithm>,
    /// Certificates to trust besides the system's, PEM.
    pub roots: Vec<String>,
    /// How long one exchange with it may take.
    pub timeout: Duration,
    /// Where it sends browsers back to.
    pub callback: Url,
    /// Where it sends browsers that signed out.
    pub after_sign_out: Url,
}

/// Every provider that people can sign in with.
#[derive(Clone, Debug, Default)]
pub struct Providers(Vec<Arc<Provider>>);

impl Providers {
    /// These providers.
    pub fn new(providers: impl IntoIterator<Item = Provider>) -> Self {
        Self(providers.into_iter().map(Arc::new).collect())
    }

    /// Each, in the operator's order.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The one of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn named(&self, name: &str) -> Result<Arc<Provider>, Error> {
        let found = self.0.iter().find(|provider| provider.settings.name == name);
        found.cloned().ok_or_else(|| Error::not_found("provider", name.chars().take(64).collect::<String>()))
    }
}

/// Forgets whom providers mean by a person.
pub(super) async fn forget_identities(txn: &DatabaseTransaction, id: PersonId) -> Result<(), Error> {
    account::forget(txn, id).await
}

/// Whether tokens of a person may go on, as far as providers are concerned.
pub(crate) async fn vouched(env: &Env, id: PersonId) -> Result<bool, Error> {
    account::stands(env, id).await
}

/// Takes away what is no longer needed.
pub(super) async fn tidy(db: &impl ConnectionTrait, now: Timestamp) -> Result<(), Error> {
    session::forget(db, now).await?;
    spent::forget(db, now).await
}

/// Why nobody was signed in with a provider. The ledger and the log have the reason; a browser is told the
/// [`code`](Refused::code).
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The answer belongs to no request of this browser, or comes too late or again.
    #[error("state is missing, of another browser, used or out of time")]
    State,
    /// The provider let nobody in.
    #[error("provider said {0}")]
    Denied(String),
    /// The provider's token is not believed.
    #[error("{0}")]
    Token(#[from] Wrong),
    /// The person is in no group that makes a role.
    #[error("no group makes a role")]
    NoRole,
    /// The account is disabled.
    #[error("account is disabled")]
    Disabled,
    /// The party of the configuration is not in the directory.
    #[error("party is not in the directory")]
    NoParty,
    /// The provider cannot be asked.
    #[error("provider {0}")]
    Exchange(#[from] ExchangeError),
    /// Too many attempts failed.
    #[error("too many attempts: wait {} s", .0.as_secs().max(1))]
    Wait(Duration),
    /// Something else.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Refused {
    /// What a provider's refusal means for the one person that it is about. It is none of the person if the provider refuses
    /// us, or asks for patience.
    fn of_one(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Refused { status: 400..=428 | 430..=499, error }
                if error.as_deref() != Some("invalid_client") =>
            {
                Self::Denied(error.unwrap_or_else(|| "no".into()))
            }
            error => error.into(),
        }
    }

    /// What a browser is told.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::State => "again",
            Self::Denied(_) => "denied",
            Self::Token(_) => "not-believed",
            Self::NoRole => "no-role",
            Self::Disabled => "disabled",
            Self::Exchange(_) => "unavailable",
            Self::Wait(_) => "wait",
            Self::NoParty | Self::Failed(_) => "failed",
        }
    }
}

impl From<sea_orm::DbErr> for Refused {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Failed(error.into())
    }
}
