//! One provider: what it publishes (OpenID Connect Discovery 1.0), its keys, and the exchanges with it. What it publishes is
//! remembered; while it is down that is asked for again only now and then, so that nobody queues up behind it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entities::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use super::{
    ProviderSettings, Refused,
    claims::Expected,
    jws::{Algorithm, Token},
    keys::Keys,
    wrong::Wrong,
};
use crate::outside::provider::{ClientLogin, ExchangeError, ProviderPort, ProviderSetupError};

/// How long what a provider publishes is believed: as long as a key that it took back is.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);
/// How long a provider that did not answer is not asked for it again.
const PAUSE: Duration = Duration::from_secs(5);
/// How often unknown keys make us look for new ones, within [`WINDOW`].
const LOOKS: u32 = 3;
/// The time that [`LOOKS`] is for.
const WINDOW: Duration = Duration::from_secs(60);

/// What a provider publishes, as far as we use it.
#[derive(Clone, Debug)]
pub struct Published {
    /// Where browsers are sent to sign in.
    pub authorize: Url,
    /// Where codes and refresh tokens are given in.
    pub token: Url,
    /// Where more is told about a person.
    pub userinfo: Option<Url>,
    /// Where browsers are sent to sign out.
    pub end_session: Option<Url>,
    /// Whether its answers name it (RFC 9207).
    pub names_itself: bool,
    /// Whether it takes a client's secret only in the body.
    secret_in_body: bool,
    keys_at: Url,
    keys: Keys,
}

/// What is known of it.
#[derive(Debug, Default)]
struct Known {
    published: Option<(Timestamp, Arc<Published>)>,
    failed: Option<(Timestamp, ExchangeError)>,
    /// Since when looks are counted, and how many there were.
    looks: Option<(Timestamp, u32)>,
}

/// A provider that people can sign in with.
pub struct Provider {
    /// What the operator set.
    pub settings: ProviderSettings,
    port: ProviderPort,
    known: Mutex<Known>,
    /// One at a time asks for what it publishes.
    turn: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("name", &self.settings.name).finish_non_exhaustive()
    }
}

impl Provider {
    /// A provider; it is asked nothing yet.
    ///
    /// # Errors
    /// Its issuer or a root cannot be used.
    pub fn new(settings: ProviderSettings) -> Result<Self, ProviderSetupError> {
        let issuer = Url::parse(&settings.issuer).map_err(|_| ProviderSetupError::Issuer)?;
        let port = ProviderPort::new(&issuer, &settings.roots, settings.timeout)?;
        Ok(Self { settings, port, known: Mutex::default(), turn: tokio::sync::Mutex::default() })
    }

    /// What it publishes.
    ///
    /// # Errors
    /// It cannot be asked, or publishes what cannot be used.
    pub async fn published(&self, now: Timestamp) -> Result<Arc<Published>, ExchangeError> {
        if let Some(fresh) = self.fresh(now) {
            return fresh;
        }
        let turn = tokio::time::timeout(self.settings.timeout, self.turn.lock()).await;
        let _turn = turn.map_err(|_| ExchangeError::Slow(self.settings.timeout))?;
        // Whoever had the turn before may have brought it.
        if let Some(fresh) = self.fresh(now) {
            return fresh;
        }
        let read = self.read().await;
        let mut known = self.known();
        match read {
            Ok(published) => {
                let published = Arc::new(published);
                (known.published, known.failed) = (Some((now, published.clone())), None);
                Ok(published)
            }
            Err(error) => {
                known.failed = Some((now, error.clone()));
                Err(error)
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known well enough, also that it is down.
    fn fresh(&self, now: Timestamp) -> Option<Result<Arc<Published>, ExchangeError>> {
        let known = self.known();
        if let Some((at, published)) = &known.published
            && at.plus(REMEMBERED) > now
        {
            return Some(Ok(published.clone()));
        }
        let (at, error) = known.failed.as_ref()?;
        (at.plus(PAUSE) > now).then(|| Err(error.clone()))
    }

    async fn read(&self) -> Result<Published, ExchangeError> {
        let issuer = self.settings.issuer.trim_end_matches('/');
        let at = self.port.address(&format!("{issuer}/.well-known/openid-configuration"))?;
        let document = self.port.get(&at, None).await?;
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        // Another's document would send codes to its owner (OpenID Connect Discovery §4.3).
        if text("issuer") != Some(self.settings.issuer.as_str()) {
            return Err(ExchangeError::Configuration("another issuer"));
        }
        let needed =
            |name: &str, missing| self.port.address(text(name).ok_or(ExchangeError::Configuration(missing))?);
        let optional = |name: &str| text(name).map(|text| self.port.address(text)).transpose();
        let keys_at = needed("jwks_uri", "no jwks_uri")?;
        let methods = document.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        let takes = |method: &str| methods.is_none_or(|all| all.iter().any(|one| one == method));
        Ok(Published {
            authorize: needed("authorization_endpoint", "no authorization_endpoint")?,
            token: needed("token_endpoint", "no token_endpoint")?,
            userinfo: optional("userinfo_endpoint")?,
            end_session: optional("end_session_endpoint")?,
            names_itself: document.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
            secret_in_body: !takes("client_secret_basic") && takes("client_secret_post"),
            keys: self.keys(&keys_at).await?,
            keys_at,
        })
    }

    async fn keys(&self, at: &Url) -> Result<Keys, ExchangeError> {
        let keys = Keys::read(&self.port.get(at, None).await?);
        if keys.is_empty() { Err(ExchangeError::Configuration("no key that can verify")) } else { Ok(keys) }
    }

    /// What is published with keys that were looked for anew; as it was, if that was done often of late.
    async fn anew(&self, now: Timestamp) -> Result<Arc<Published>, ExchangeError> {
        let published = self.published(now).await?;
        {
            let mut known = self.known();
            let looks = known.looks.filter(|(since, _)| since.plus(WINDOW) > now).unwrap_or((now, 0));
            if looks.1 >= LOOKS {
                return Ok(published);
            }
            known.looks = Some((looks.0, looks.1 + 1));
        }
        let keys = self.keys(&published.keys_at).await?;
        let published = Arc::new(Published { keys, ..Published::clone(&published) });
        self.known().published = Some((now, published.clone()));
        Ok(published)
    }

    /// The claims of a token that this provider signed, and how.
    pub(super) async fn verified(
        &self,
        now: Timestamp,
        text: &str,
        kinds: &[&str],
    ) -> Result<(Map<String, Value>, Algorithm), Refused> {
        let token = Token::read(text, &self.settings.algorithms)?;
        if token.kind.as_deref().is_some_and(|kind| !kinds.contains(&kind)) {
            return Err(Wrong::Kind.into());
        }
        let claims = match token.claims(&self.published(now).await?.keys) {
            // It may have begun to sign with another key.
            Err(Wrong::Key | Wrong::Signature) => token.claims(&self.anew(now).await?.keys),
            known => known,
        };
        Ok((claims?, token.algorithm))
    }

    /// What holds of every token of it.
    pub(super) fn expected(&self, now: Timestamp) -> Expected<'_> {
        Expected { issuer: &self.settings.issuer, client_id: &self.settings.client_id, now }
    }

    /// Gives a code or a refresh token in.
    pub(super) async fn tokens(
        &self,
        published: &Published,
        form: &[(&str, &str)],
    ) -> Result<Map<String, Value>, ExchangeError> {
        let id = self.settings.client_id.as_str();
        let mut form = form.to_vec();
        let secret = self.settings.client_secret.as_ref().map(|secret| secret.0.as_str());
        let login = match secret {
            Some(secret) if !published.secret_in_body => Some(ClientLogin { id, secret }),
            Some(secret) => {
                form.extend([("client_id", id), ("client_secret", secret)]);
                None
            }
            None => {
                form.push(("client_id", id));
                None
            }
        };
        self.port.post(&published.token, &form, login).await
    }

    /// What it tells about the holder of an access token.
    pub(super) async fn userinfo(&self, at: &Url, access: &str) -> Result<Map<String, Value>, ExchangeError> {
        self.port.get(at, Some(access)).await
    }
}
