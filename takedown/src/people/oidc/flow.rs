//! The way of a browser to a provider and back. All that a request needs later is derived from one secret in a cookie, so
//! that whoever only asks writes nothing here: the state and the nonce, which are seen elsewhere, tell nothing of it.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::{Secret, SessionId, Timestamp};
use ring::hmac;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

use super::{
    ACTOR, Provider, Refused,
    account::{self, Vouched},
    claims::{self, Occasion},
    provider::Published,
    session::{self as vouched_for, Tokens},
    spent,
    wrong::Wrong,
};
use crate::{
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    outside::provider::ExchangeError,
    people::{Device, person as people, session, sign_in::SignedIn, throttle::Attempt},
    token::{self, base32},
};

/// How long a browser may be away.
pub const VALID: Duration = Duration::from_secs(10 * 60);

/// A browser on its way.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Where to.
    pub url: Url,
    /// What its cookie holds meanwhile.
    pub cookie: Secret,
}

/// What a browser brings back in the address (RFC 6749 §4.1.2, RFC 9207).
#[derive(Clone, Default)]
pub struct Answer {
    /// For what the tokens are given.
    pub code: Option<String>,
    /// Which request it answers.
    pub state: String,
    /// Why there is no code.
    pub error: Option<String>,
    /// Who answers.
    pub issuer: Option<String>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answer(redacted)")
    }
}

/// A request: its secret, and the session that its browser had when it began.
struct Request {
    secret: String,
    before: Option<SessionId>,
}

impl Request {
    fn derived(&self, purpose: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{purpose} {}", self.secret)))
    }

    fn state(&self) -> String {
        self.derived("state")
    }

    fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// The secret of PKCE (RFC 7636 §4.1).
    fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// What a cookie holds: the secret, when it was made, the session before, and a seal over these and the provider.
    fn cookie(&self, env: &Env, provider: &Provider) -> Result<String, Error> {
        let before = self.before.map(|id| id.to_string()).unwrap_or_default();
        let text = format!("{}.{}.{before}", self.secret, env.now().0);
        let tag = hmac::sign(&key(env)?, message(provider, &text).as_bytes());
        Ok(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag)))
    }

    /// The request of a cookie that was made for this provider and is not too old.
    fn of(env: &Env, provider: &Provider, cookie: &str) -> Result<Self, Refused> {
        let (text, tag) = cookie.rsplit_once('.').ok_or(Refused::State)?;
        let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).map_err(|_| Refused::State)?;
        let sealed = hmac::verify(&key(env)?, message(provider, text).as_bytes(), &tag);
        sealed.map_err(|_| Refused::State)?;
        let (secret, rest) = text.split_once('.').ok_or(Refused::State)?;
        let (at, before) = rest.split_once('.').ok_or(Refused::State)?;
        let at = Timestamp(at.parse().map_err(|_| Refused::State)?);
        if at.plus(VALID) <= env.now() {
            return Err(Refused::State);
        }
        Ok(Self { secret: secret.to_owned(), before: before.parse().ok() })
    }
}

fn key(env: &Env) -> Result<hmac::Key, Error> {
    let bytes = env.seal()?.derived("requests to sign in").map_err(Error::internal)?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

fn message(provider: &Provider, text: &str) -> String {
    format!("{} {text}", provider.settings.name)
}

/// Sends a browser to a provider. `before` is the secret of the session that it has now: its cookie stays away when the
/// browser comes back from the provider's page (`SameSite=Strict`).
///
/// # Errors
/// The provider cannot be asked where to, or the database refused.
pub async fn begin(env: &Env, provider: &Provider, before: Option<&str>) -> Result<Begun, Refused> {
    let before = match before {
        Some(secret) => match session::unused(env, secret).await {
            Ok((_, id)) => Some(id),
            Err(Error::Unauthenticated) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    let published = provider.published(env.now()).await.inspect_err(|error| {
        let (provider, error) = (provider.settings.name.as_str(), error as &dyn std::error::Error);
        tracing::warn!(provider, error, "a provider cannot be asked");
    })?;
    let request = Request { secret: base32(&env.ids.secret()), before };
    let settings = &provider.settings;
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(request.verifier()));
    let mut url = published.authorize.clone();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &settings.client_id)
        .append_pair("redirect_uri", settings.callback.as_str())
        .append_pair("scope", &settings.scopes.join(" "))
        .append_pair("state", &request.state())
        .append_pair("nonce", &request.nonce())
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    if settings.scopes.iter().any(|scope| scope == "offline_access") {
        // Without it the scope is ignored (OpenID Connect Core §11).
        url.query_pairs_mut().append_pair("prompt", "consent");
    }
    Ok(Begun { url, cookie: Secret(request.cookie(env, provider)?) })
}

/// Signs in whom the provider vouches for. The session that the browser had when it began ends.
///
/// # Errors
/// A [`Refused`]; the ledger keeps it, unless nothing was begun in this browser.
pub async fn finish(
    env: &Env,
    provider: &Provider,
    cookie: Option<&str>,
    answer: &Answer,
    device: &Device,
) -> Result<SignedIn, Refused> {
    // Any page can send its visitors here as often as it likes: that costs nothing, and nobody at their address waits.
    if cookie.is_none() {
        return Err(Refused::State);
    }
    let given = match vouched(env, provider, cookie, answer).await {
        Ok(given) => given,
        Err(why) => return Err(refused(env, provider, device, None, why).await),
    };
    match enter(env, provider, &given, device).await {
        Ok(signed) => Ok(signed),
        Err(why) => Err(refused(env, provider, device, Some(&given.vouched.subject), why).await),
    }
}

/// What an answer brought.
struct Brought {
    /// Whom the provider vouches for.
    vouched: Vouched,
    /// What it gave.
    tokens: Tokens,
    /// When it is asked again.
    refresh_at: Option<Timestamp>,
    /// The session that the browser had before.
    before: Option<SessionId>,
}

/// Whom the provider vouches for, and what it gave.
async fn vouched(
    env: &Env,
    provider: &Provider,
    cookie: Option<&str>,
    answer: &Answer,
) -> Result<Brought, Refused> {
    let request = Request::of(env, provider, cookie.ok_or(Refused::State)?)?;
    let state = request.state();
    if !bool::from(state.as_bytes().ct_eq(answer.state.as_bytes())) {
        return Err(Refused::State);
    }
    // Spent before anything is asked: an answer counts once, also when two come at a time.
    let txn = env.begin().await?;
    let first = spent::spend(&txn, "state", &state, env.now().plus(VALID)).await?;
    env.commit(txn).await?;
    if !first {
        return Err(Refused::State);
    }
    let published = provider.published(env.now()).await?;
    match answer.issuer.as_deref() {
        Some(issuer) if issuer != provider.settings.issuer => return Err(Wrong::Issuer.into()),
        None if published.names_itself => return Err(Wrong::Issuer.into()),
        _ => {}
    }
    if let Some(error) = &answer.error {
        let plain = |c: &char| c.is_ascii_lowercase() || *c == '_';
        return Err(Refused::Denied(error.chars().take_while(plain).take(64).collect()));
    }
    let code = answer.code.as_deref().ok_or(Refused::State)?;
    let (verifier, nonce) = (request.verifier(), request.nonce());
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", provider.settings.callback.as_str()),
        ("code_verifier", verifier.as_str()),
    ];
    let given = provider.tokens(&published, &form).await.map_err(|error| match error {
        ExchangeError::Refused { error: Some(code), .. } if code == "invalid_grant" => Refused::Denied(code),
        error => error.into(),
    })?;
    let id = given.get("id_token").and_then(Value::as_str).ok_or(Wrong::Malformed)?;
    let vouched = believed(env, provider, &published, (id, &given), Occasion::SignIn(&nonce)).await?;
    let refresh = given.get("refresh_token").and_then(Value::as_str).map(str::to_owned);
    let tokens = Tokens { id: id.to_owned(), refresh, nonce };
    let refresh_at = vouched_for::due(env.now(), &given, &tokens);
    Ok(Brought { vouched, tokens, refresh_at, before: request.before })
}

/// Whom an ID token that came with `given` vouches for. What it leaves out is asked of userinfo.
pub(super) async fn believed(
    env: &Env,
    provider: &Provider,
    published: &Published,
    (id, given): (&str, &Map<String, Value>),
    occasion: Occasion<'_>,
) -> Result<Vouched, Refused> {
    let (claims, algorithm) = provider.verified(env.now(), id, &["jwt"]).await?;
    let subject = claims::id_token(&claims, provider.expected(env.now()), occasion)?;
    let access = given.get("access_token").and_then(Value::as_str);
    claims::beside(&claims, algorithm, access)?;
    let groups_claim = &provider.settings.groups_claim;
    let vouched = Vouched::read(subject, &claims, groups_claim);
    match (&vouched.groups, &published.userinfo, access) {
        (None, Some(at), Some(access)) => {
            let more = told(provider, at, access, &vouched.subject).await?;
            Ok(vouched.complete(more))
        }
        _ => Ok(vouched),
    }
}

/// What userinfo tells about the holder of an access token, who must be `subject`: another's answer would lend its groups
/// (OpenID Connect Core §5.3.2).
pub(super) async fn told(
    provider: &Provider,
    at: &Url,
    access: &str,
    subject: &str,
) -> Result<Vouched, Refused> {
    let more = provider.userinfo(at, access).await.map_err(Refused::of_one)?;
    if more.get("sub").and_then(Value::as_str) != Some(subject) {
        return Err(Wrong::OtherSubject.into());
    }
    Ok(Vouched::read(subject.to_owned(), &more, &provider.settings.groups_claim))
}

async fn enter(
    env: &Env,
    provider: &Provider,
    Brought { vouched, tokens, refresh_at, before }: &Brought,
    device: &Device,
) -> Result<SignedIn, Refused> {
    let txn = env.begin().await?;
    let person = account::admit(env, &txn, provider, vouched).await?;
    session::end_these(&txn, env.now(), before.iter().copied().collect()).await?;
    let (session, secret) = session::open(env, &txn, person.id, device, None).await?;
    vouched_for::keep(env, &txn, session.id, provider, vouched, (tokens, *refresh_at)).await?;
    let actor = people::actor(&txn, person.id).await?;
    let detail = json!({ "session": session.id, "with": "provider", "provider": provider.settings.name });
    audit::record(&txn, env.now(), &actor, "sign_in", person.id, detail).await?;
    env.commit(txn).await?;
    Ok(SignedIn { person: person.id, session: session.id, secret: Secret(secret) })
}

/// The ledger keeps refusals, as of passwords; of an address that is refused again and again not each.
async fn refused(
    env: &Env,
    provider: &Provider,
    device: &Device,
    subject: Option<&str>,
    why: Refused,
) -> Refused {
    let name = provider.settings.name.as_str();
    tracing::warn!(
        provider = name,
        client.address = ?device.address,
        error = &why as &dyn std::error::Error,
        "refused to sign somebody in"
    );
    // Nobody was refused: something is broken.
    if matches!(why, Refused::Exchange(_) | Refused::Failed(_)) {
        return why;
    }
    let noted = async {
        let txn = env.begin().await?;
        let attempt = Attempt::new(&format!("provider {name}"), device.address, true);
        if let Err(wait) = attempt.begin(&txn, env.now()).await? {
            return Ok(Some(wait));
        }
        let person = match subject {
            Some(subject) => account::known(&txn, &provider.settings.issuer, subject).await?,
            None => None,
        };
        // Whom the provider gives no role any more must not go on with the old one.
        if let (Some(person), Refused::NoRole) = (person, &why) {
            session::end_all(&txn, env.now(), person, None).await?;
            token::revoke_all(env, &txn, &ACTOR, person).await?;
        }
        let about = person.map_or_else(|| "person:unknown".to_owned(), |person| person.to_string());
        let detail = json!({ "provider": name, "wrong": why.to_string() });
        audit::record(&txn, env.now(), &Actor::Nobody, "refuse_sign_in", about, detail).await?;
        env.commit(txn).await?;
        Ok::<_, Error>(None)
    };
    let noted = noted.await;
    match noted {
        Ok(None) => why,
        Ok(Some(wait)) => Refused::Wait(wait),
        Err(error) => error.into(),
    }
}
