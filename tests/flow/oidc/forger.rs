//! A sign-in provider on loopback that answers as it is told: for what a real one will not do wrong.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// What the forger says, and what it was asked.
#[derive(Default)]
pub struct Plan {
    /// Its configuration, over the ordinary one.
    pub document: Value,
    /// Its keys.
    pub keys: Vec<Value>,
    /// What a code or a refresh token gives.
    pub given: Given,
    /// What it says about whoever asks.
    pub userinfo: Value,
    /// That it says nothing, with this status.
    pub userinfo_refused: Option<StatusCode>,
    /// How often its keys were read.
    pub looks: usize,
    /// The forms that came for tokens, newest last.
    pub forms: Vec<String>,
}

/// An answer of the token endpoint.
#[derive(Clone, Default)]
pub enum Given {
    /// Nothing comes.
    #[default]
    Never,
    /// These tokens.
    Tokens(Value),
    /// A refusal, with its status.
    Refusal(StatusCode, &'static str),
    /// Somewhere else.
    Elsewhere,
    /// More than anybody reads.
    Flood,
}

/// The provider; it stops when this is dropped.
pub struct Forger {
    /// Its issuer identifier.
    pub issuer: String,
    plan: Arc<Mutex<Plan>>,
    server: JoinHandle<()>,
}

impl Drop for Forger {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct Desk {
    issuer: String,
    plan: Arc<Mutex<Plan>>,
}

impl Desk {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forger {
    /// A provider that publishes these keys.
    pub async fn start(keys: Vec<Value>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let issuer = format!("http://{}", listener.local_addr()?);
        let plan = Arc::new(Mutex::new(Plan { document: json!({}), keys, ..Plan::default() }));
        let desk = Desk { issuer: issuer.clone(), plan: plan.clone() };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(document))
            .route("/keys", get(keys_of))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(desk);
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { issuer, plan, server })
    }

    /// What it says, to be changed.
    pub fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it gives these tokens.
    pub fn gives(&self, tokens: Value) {
        self.plan().given = Given::Tokens(tokens);
    }
}

fn answer(value: &Value) -> Response {
    ([("content-type", "application/json")], value.to_string()).into_response()
}

async fn document(State(desk): State<Desk>) -> Response {
    let issuer = &desk.issuer;
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "end_session_endpoint": format!("{issuer}/end"),
        "jwks_uri": format!("{issuer}/keys"),
    });
    for (name, value) in desk.plan().document.as_object().into_iter().flatten() {
        document[name] = value.clone();
    }
    answer(&document)
}

async fn keys_of(State(desk): State<Desk>) -> Response {
    let mut plan = desk.plan();
    plan.looks += 1;
    answer(&json!({ "keys": plan.keys }))
}

async fn token(State(desk): State<Desk>, headers: HeaderMap, form: String) -> Response {
    let login = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = {
        let mut plan = desk.plan();
        plan.forms.push(format!("{form}\n{login}"));
        plan.given.clone()
    };
    match given {
        Given::Never => std::future::pending().await,
        Given::Tokens(tokens) => answer(&tokens),
        Given::Refusal(status, code) => (status, json!({ "error": code }).to_string()).into_response(),
        Given::Elsewhere => {
            (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, format!("{}/userinfo", desk.issuer))])
                .into_response()
        }
        Given::Flood => answer(&json!({ "id_token": "x".repeat(1 << 20) })),
    }
}

async fn userinfo(State(desk): State<Desk>) -> Response {
    let plan = desk.plan();
    match plan.userinfo_refused {
        Some(status) => status.into_response(),
        None => answer(&plan.userinfo),
    }
}

/// Somebody who signs with Ed25519.
pub struct Signer {
    /// The id of its key.
    pub kid: &'static str,
    pair: Ed25519KeyPair,
}

impl Signer {
    /// The same key for the same seed.
    pub fn new(kid: &'static str, seed: u8) -> Result<Self> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Self { kid, pair })
    }

    /// The public key, as it is published.
    pub fn jwk(&self) -> Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.pair.public_key());
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": self.kid, "x": x })
    }

    /// A token with the ordinary header.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&json!({ "alg": "EdDSA", "kid": self.kid }), claims)
    }

    /// A token with that header.
    pub fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// A token that says it is signed with a shared secret, which is the public key: what a verifier that believes the
    /// token's word about its algorithm takes.
    pub fn confuse(&self, claims: &Value) -> String {
        let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "kid": self.kid })), part(claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.pair.public_key().as_ref());
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes())))
    }
}

/// A token that nobody signed.
pub fn unsigned(claims: &Value) -> String {
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}
