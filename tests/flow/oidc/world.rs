//! The routes with one provider, and a browser's way through them.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{
        Request, StatusCode,
        header::{COOKIE, LOCATION, SET_COOKIE},
    },
};
use entities::{ActorRole, Secret, Timestamp, audit_event};
use serde_json::{Value, json};
use server::{
    config::{Surroundings, load},
    http, telemetry,
};
use takedown::{
    actor::Actor,
    audit,
    clock::Clock,
    env::Env,
    ids::Ids,
    job::{Run as _, kinds::RefreshSessions},
    party::{self, Given as List},
    people::{
        Seal,
        oidc::{Algorithm, Provider, ProviderSettings, Providers},
    },
    settings::Settings,
};
use tests::Database;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use url::Url;

use super::forger::{Forger, Signer};

/// How long an exchange may take here.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// One process, and the provider that it believes.
pub struct World {
    pub env: Arc<Env>,
    pub forger: Forger,
    pub signer: Signer,
    router: Router,
}

/// A browser on its way.
pub struct Way {
    pub cookie: String,
    pub asked: HashMap<String, String>,
}

/// Where a browser ended up.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// Signed in, with this cookie.
    In(String),
    /// Back on the page, with this code.
    Out(String),
}

impl World {
    pub async fn of(database: &Database) -> Result<Self> {
        Self::with(database, |settings| settings).await
    }

    pub async fn with(
        database: &Database,
        change: impl Fn(ProviderSettings) -> ProviderSettings,
    ) -> Result<Self> {
        let signer = Signer::new("first", 1)?;
        let forger = Forger::start(vec![signer.jwk()]).await?;
        let clock = Clock::manual(Timestamp(1_800_000_000_000_000));
        let mut env = Env::new(database.connect().await?, clock, Ids::seeded(1), Settings::default());
        env.seal = Some(Seal::new([3; 32]));
        let providers = [change(settings("forger", &forger.issuer)?), settings("other", &forger.issuer)?];
        let providers = providers.into_iter().map(Provider::new).collect::<Result<Vec<_>, _>>()?;
        env.providers = Providers::new(providers);
        let env = Arc::new(env);
        let list = r#"{"parties": [{"key": "agency:de:example", "kind": "law_enforcement", "name": "Example Police"}]}"#;
        let list = List { source: "own", bytes: list.as_bytes(), replace: false };
        party::load(&env, &Actor::person("lea", ActorRole::Lead), list).await?;
        let loaded = load(&Surroundings::new("/nowhere", &[]), None)?;
        let app = http::App {
            schema: graphql::schema(env.clone()),
            metrics: telemetry::recorder()?.handle(),
            env: env.clone(),
            stop: CancellationToken::new(),
            limits: Arc::new(loaded.config.http),
        };
        Ok(Self { env, forger, signer, router: http::router(app) })
    }

    /// The seconds since 1970 of its clock.
    pub fn now(&self) -> i64 {
        self.env.now().0 / 1_000_000
    }

    /// One request, from an address, with cookies; its answer.
    pub async fn send(&self, request: Request<Body>) -> Result<axum::http::Response<Body>> {
        Ok(self.router.clone().oneshot(request).await?)
    }

    async fn get(
        &self,
        path: &str,
        from: IpAddr,
        headers: &[(&str, &str)],
    ) -> Result<axum::http::Response<Body>> {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty())?;
        request.extensions_mut().insert(http::Peer(from));
        self.send(request).await
    }

    /// Posts to one of our routes, as a page of ours does.
    pub async fn post(
        &self,
        path: &str,
        kind: &str,
        cookie: &str,
        body: String,
    ) -> Result<(StatusCode, Value)> {
        let request =
            Request::post(path).header("content-type", kind).header("sec-fetch-site", "same-origin");
        let request = if cookie.is_empty() { request } else { request.header(COOKIE, cookie) };
        let answer = self.send(request.body(Body::from(body))?).await?;
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await?;
        Ok((status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? }))
    }

    /// Begins on the page to sign in on.
    pub async fn begin(&self) -> Result<Way> {
        self.begin_with("forger").await?.map_err(|end| anyhow::anyhow!("{end:?}"))
    }

    /// The same in a browser that is signed in by that cookie.
    pub async fn begin_as(&self, cookie: &str) -> Result<Way> {
        self.begun("forger", cookie).await?.map_err(|end| anyhow::anyhow!("{end:?}"))
    }

    /// The same with a provider of that name; where the browser is sent instead, if it is not to the provider.
    pub async fn begin_with(&self, provider: &str) -> Result<Result<Way, End>> {
        self.begun(provider, "").await
    }

    async fn begun(&self, provider: &str, cookie: &str) -> Result<Result<Way, End>> {
        let ours = [("sec-fetch-site", "same-origin"), (COOKIE.as_str(), cookie)];
        let answer = self.get(&format!("/auth/oidc/{provider}"), home(), &ours).await?;
        ensure!(answer.status() == StatusCode::SEE_OTHER, "{}", answer.status());
        let to = answer.headers()[LOCATION].to_str()?;
        if to.starts_with('/') {
            return Ok(Err(end(&answer)?));
        }
        let asked = Url::parse(to)?.query_pairs().into_owned().collect();
        let set = answer.headers()[SET_COOKIE].to_str()?;
        ensure!(set.contains("; Secure; HttpOnly; SameSite=Lax; Max-Age=600"), "{set}");
        let cookie = set.split(';').next().context("a pair")?.to_owned();
        Ok(Ok(Way { cookie, asked }))
    }

    /// Comes back with a code.
    pub async fn back(&self, way: &Way) -> Result<End> {
        self.back_with(&way.cookie, &format!("code=c&state={}", way.asked["state"]), home()).await
    }

    /// Comes back with that cookie and query, from that address.
    pub async fn back_with(&self, cookie: &str, query: &str, from: IpAddr) -> Result<End> {
        let headers = [("sec-fetch-site", "cross-site"), (COOKIE.as_str(), cookie)];
        end(&self.get(&format!("/auth/oidc/forger/callback?{query}"), from, &headers).await?)
    }

    /// The claims of an ID token that nothing is wrong with.
    pub fn claims(&self, way: &Way, subject: &str, groups: &[&str]) -> Value {
        json!({
            "iss": self.forger.issuer, "aud": "lockstep", "sub": subject, "nonce": way.asked["nonce"],
            "iat": self.now(), "exp": self.now() + 300, "groups": groups, "sid": format!("sid of {subject}"),
            "name": "Ana Example", "preferred_username": "ana", "email": "ana@agency.example",
        })
    }

    /// What comes with it.
    pub fn tokens(&self, claims: &Value) -> Value {
        json!({ "access_token": "access", "token_type": "Bearer", "id_token": self.signer.sign(claims) })
    }

    /// Signs somebody in; the session's cookie.
    pub async fn enter(&self, subject: &str, groups: &[&str], refresh: Option<&str>) -> Result<String> {
        let way = self.begin().await?;
        let mut tokens = self.tokens(&self.claims(&way, subject, groups));
        if let Some(refresh) = refresh {
            tokens["refresh_token"] = json!(refresh);
            tokens["expires_in"] = json!(300);
        }
        self.forger.gives(tokens);
        match self.back(&way).await? {
            End::In(cookie) => Ok(cookie),
            End::Out(code) => anyhow::bail!("{code}: {:?}", self.ledger().await?.last()),
        }
    }

    /// Who is signed in by that cookie.
    pub async fn viewer(&self, cookie: &str) -> Result<Value> {
        let query = json!({ "query": "{ viewer { name role agency account { id fullName } } }" }).to_string();
        let (_, mut answer) = self.post("/graphql", "application/json", cookie, query).await?;
        Ok(answer["data"]["viewer"].take())
    }

    /// Tells the back channel; status and body.
    pub async fn log_out(&self, token: &str) -> Result<(StatusCode, Value)> {
        let form = format!("logout_token={token}");
        let path = "/auth/oidc/forger/back-channel";
        self.post(path, "application/x-www-form-urlencoded", "", form).await
    }

    /// Lets the provider be asked again about sessions.
    pub async fn refresh(&self) -> Result<()> {
        RefreshSessions {}.run(&self.env).await.map_err(|error| anyhow::anyhow!("{error:?}"))
    }

    /// The ledger.
    pub async fn ledger(&self) -> Result<Vec<audit_event::Model>> {
        Ok(audit::tail(&self.env.db, &Actor::person("root", ActorRole::Admin), 10_000).await?)
    }

    /// What the newest event of a verb says.
    pub async fn newest(&self, verb: &str) -> Result<Value> {
        let events = self.ledger().await?;
        let event = events.iter().rfind(|event| event.verb == verb).with_context(|| verb.to_owned())?;
        Ok(serde_json::from_str(&event.detail)?)
    }
}

/// The address that browsers come from.
pub fn home() -> IpAddr {
    IpAddr::from([192, 0, 2, 1])
}

fn end(answer: &axum::http::Response<Body>) -> Result<End> {
    ensure!(answer.status() == StatusCode::SEE_OTHER, "{}", answer.status());
    let to = answer.headers()[LOCATION].to_str()?;
    let set = answer.headers().get_all(SET_COOKIE).iter().map(|set| set.to_str().unwrap_or_default());
    let session =
        set.filter_map(|set| set.split(';').next()).find(|pair| pair.starts_with("__Host-lockstep=lks1_"));
    Ok(match (to.strip_prefix("/sign-in#"), session) {
        (None, Some(session)) if to == "/sign-in" => End::In(session.to_owned()),
        (Some(code), None) => End::Out(code.split(':').next().unwrap_or_default().to_owned()),
        _ => anyhow::bail!("to {to} with {session:?}"),
    })
}

fn settings(name: &str, issuer: &str) -> Result<ProviderSettings> {
    let group = |group: &str, role| (group.to_owned(), role);
    Ok(ProviderSettings {
        name: name.to_owned(),
        label: "The Forger".into(),
        issuer: issuer.to_owned(),
        client_id: "lockstep".into(),
        client_secret: Some(Secret("se cret".into())),
        scopes: vec!["openid".into(), "profile".into()],
        groups_claim: "groups".into(),
        roles: vec![group("leads", ActorRole::Lead), group("desk", ActorRole::Liaison)],
        party: Some("agency:de:example".into()),
        clearance: None,
        algorithms: vec![Algorithm::EdDsa, Algorithm::Rs256],
        roots: Vec::new(),
        timeout: PATIENCE,
        callback: Url::parse(&format!("https://lockstep.example/auth/oidc/{name}/callback"))?,
        after_sign_out: Url::parse("https://lockstep.example/sign-in")?,
    })
}
