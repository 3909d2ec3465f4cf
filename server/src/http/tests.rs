mod people;
mod sockets;

use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header::AUTHORIZATION},
};
use entities::{ActorRole, Timestamp};
use serde_json::Value;
use takedown::{
    actor::Actor,
    clock::Clock,
    ids::Ids,
    people::Seal,
    settings::Settings,
    token::{self, NewToken},
};
use tower::ServiceExt;

use super::*;
use crate::config::{Surroundings, load};

const QUERY: &str = r#"{"query":"{ __typename }"}"#;

async fn app(variables: &[(&str, &str)]) -> App {
    let loaded = load(&Surroundings::new("/nowhere", variables), None).expect("a configuration");
    let db = takedown::db::connect("sqlite::memory:", 1).await.expect("a database");
    migrations::up(&db).await.expect("a schema");
    let clock = Clock::manual(Timestamp(1_800_000_000_000_000));
    let mut env = Env::new(db, clock, Ids::seeded(1), Settings::default());
    env.seal = Some(Seal::new([3; 32]));
    let env = Arc::new(env);
    App {
        schema: ::graphql::schema(env.clone()),
        metrics: crate::telemetry::recorder().expect("a recorder").handle(),
        env,
        stop: CancellationToken::new(),
        limits: Arc::new(loaded.config.http),
    }
}

async fn token(app: &App) -> (entities::TokenId, String) {
    let admin = Actor::person("root", ActorRole::Admin);
    let expires_at = Some(app.env.now().plus(std::time::Duration::from_secs(60)));
    let new = NewToken { name: "ana".into(), role: ActorRole::Analyst, agency: None, expires_at };
    let (row, secret) = token::create(&app.env, &admin, new).await.expect("a token");
    (row.id, secret)
}

async fn send(app: &App, request: Request<Body>) -> Response<Body> {
    router(app.clone()).oneshot(request).await.expect("an answer")
}

async fn json(answer: Response<Body>) -> Value {
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    serde_json::from_slice(&body).expect("JSON")
}

fn post(headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post("/graphql").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).expect("a request")
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn a_token_is_its_holder_and_none_is_nobody() {
    let app = app(&[]).await;
    let (id, secret) = token(&app).await;
    let bearer = format!("Bearer {secret}");
    assert_eq!(send(&app, post(&[], QUERY)).await.status(), StatusCode::OK);
    assert_eq!(send(&app, post(&[("authorization", &bearer)], QUERY)).await.status(), StatusCode::OK);
    let basic = format!("Basic {secret}");
    for wrong in ["Bearer lks_wrong", "Bearer", "", &basic, &secret, &format!("{bearer}x")] {
        let answer = send(&app, post(&[("authorization", wrong)], QUERY)).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{wrong}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_eq!(json(answer).await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }
    let twice = post(&[("authorization", &bearer), ("authorization", &bearer)], QUERY);
    assert_eq!(send(&app, twice).await.status(), StatusCode::UNAUTHORIZED);
    token::revoke(&app.env, &Actor::person("root", ActorRole::Admin), id).await.expect("revoked");
    let answer = send(&app, post(&[("authorization", &bearer)], QUERY)).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let app = app(&[]).await;
    let (_, secret) = token(&app).await;
    app.env.clock.advance(std::time::Duration::from_secs(61));
    let answer = send(&app, post(&[(AUTHORIZATION.as_str(), &format!("Bearer {secret}"))], QUERY)).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_too_large_is_refused_whether_announced_or_not() {
    let app = app(&[("LOCKSTEP__HTTP__BODY_LIMIT", "64 B")]).await;
    let long = format!(r#"{{"query":"{{ __typename }}{}"}}"#, " ".repeat(100));
    assert_eq!(send(&app, post(&[], long.clone())).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let pieces =
        long.into_bytes().chunks(10).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect::<Vec<_>>();
    let stream = Body::from_stream(futures::stream::iter(pieces));
    assert_eq!(send(&app, post(&[], stream)).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let announced = post(&[("content-length", "65")], Body::empty());
    assert_eq!(send(&app, announced).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(&app, post(&[], QUERY)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let app = app(&[("LOCKSTEP__HTTP__TIMEOUT", "50ms")]).await;
    let endless = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let answer = send(&app, post(&[], endless)).await;
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(json(answer).await["errors"][0]["extensions"]["code"], "UNAVAILABLE");
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let app = app(&[]).await;
    let (_, secret) = token(&app).await;
    let bearer = format!("Bearer {secret}");
    for body in ["", "{", "[]", "7", "\u{0}", &"[".repeat(100_000)] {
        let answer = send(&app, post(&[("authorization", &bearer)], body.to_owned())).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{:?}", &body[..body.len().min(8)]);
    }
    let plain = Request::post("/graphql").header("content-type", "text/plain").body(Body::from(QUERY));
    assert_eq!(send(&app, plain.expect("a request")).await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let form = Request::post("/graphql").header("content-type", "multipart/form-data; boundary=x");
    let answer = send(&app, form.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "nobody uploads");
    let form = form_of(&bearer, None);
    assert_eq!(send(&app, form).await.status(), StatusCode::BAD_REQUEST, "no page of another origin uploads");
    let form = form_of(&bearer, Some("1"));
    assert_eq!(send(&app, form).await.status(), StatusCode::OK);
    assert_eq!(send(&app, get("/graphql")).await.status(), StatusCode::BAD_REQUEST);
    let put = Request::put("/graphql").body(Body::empty()).expect("a request");
    assert_eq!(send(&app, put).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(send(&app, get("/nowhere")).await.status(), StatusCode::NOT_FOUND);
}

fn form_of(bearer: &str, preflight: Option<&str>) -> Request<Body> {
    let body = "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\"{ __typename }\"}\r\n\
                --x\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{}\r\n--x--\r\n";
    let mut request = Request::post("/graphql")
        .header("content-type", "multipart/form-data; boundary=x")
        .header("authorization", bearer);
    if let Some(value) = preflight {
        request = request.header("graphql-require-preflight", value);
    }
    request.body(Body::from(body)).expect("a request")
}

#[tokio::test]
async fn a_document_is_refused_by_its_media_type() {
    let app = app(&[]).await;
    for (accept, status) in [
        ("application/json", StatusCode::OK),
        ("*/*", StatusCode::OK),
        ("application/graphql-response+json", StatusCode::BAD_REQUEST),
    ] {
        for wrong in [
            r#"{"query":"{"}"#,
            r#"{"query":"{ nothing }"}"#,
            r#"{"query":"{ __schema { types { name } } }"}"#,
        ] {
            let answer = send(&app, post(&[("accept", accept)], wrong)).await;
            assert_eq!(answer.status(), status, "{accept} {wrong}");
            let body = json(answer).await;
            assert!(
                body.get("data").is_none() && body["errors"][0]["extensions"]["code"].is_string(),
                "{body}"
            );
        }
    }
    let answer = send(&app, post(&[("accept", "text/html")], QUERY)).await;
    assert_eq!(answer.status(), StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn a_query_may_be_in_the_url_and_a_mutation_may_not() {
    let app = app(&[]).await;
    let answer = send(
        &app,
        get("/graphql?query=query+A+%7B+__typename+%7D+query+B+%7Ba:__typename%7D&operationName=A"),
    );
    assert_eq!(json(answer.await).await["data"]["__typename"], "Query");
    let answer = send(&app, get("/graphql?query=mutation%7B__typename%7D")).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["allow"], "POST");
    let twice = send(&app, get("/graphql?query=%7B__typename%7D&query=%7B__typename%7D")).await;
    assert_eq!(twice.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_document_is_known_by_its_hash() {
    let app = app(&[("LOCKSTEP__HTTP__TRUSTED_DOCUMENTS_ONLY", "true")]).await;
    let (_, secret) = token(&app).await;
    let bearer = format!("Bearer {secret}");
    let headers = [("authorization", bearer.as_str())];
    let text = graphql_text("Imports");
    let hash = ::graphql::operations::hash(text);
    for body in [
        serde_json::json!({ "documentId": format!("sha256:{hash}") }),
        serde_json::json!({ "documentId": hash }),
        serde_json::json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } }),
        serde_json::json!({ "query": text }),
    ] {
        let answer = json(send(&app, post(&headers, body.to_string())).await).await;
        assert_eq!(answer["data"]["imports"]["totalCount"], 0, "{answer}");
    }
    let free = json(send(&app, post(&headers, QUERY)).await).await;
    assert!(free.get("data").is_none(), "{free}");
    let unknown = serde_json::json!({ "documentId": "00" }).to_string();
    assert_eq!(send(&app, post(&headers, unknown)).await.status(), StatusCode::BAD_REQUEST);
}

fn graphql_text(name: &str) -> &'static str {
    ::graphql::operations::named(name).expect("a document")
}

#[tokio::test]
async fn every_answer_carries_the_headers_and_its_trace() {
    let app = app(&[]).await;
    for path in ["/healthz", "/readyz", "/metrics", "/nowhere", "/graphql"] {
        let answer = send(&app, get(path)).await;
        let headers = answer.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY");
        assert_eq!(headers["cache-control"], "no-store");
        assert!(headers["content-security-policy"].to_str().expect("text").contains("default-src 'none'"));
        assert!(!headers.contains_key("access-control-allow-origin"));
        assert_eq!(headers["x-trace-id"].len(), 32);
        assert_eq!(headers["x-request-id"].len(), 32);
    }
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let answer = send(&app, post(&[("traceparent", &parent), ("x-request-id", "proxy-7")], "{")).await;
    assert_eq!(answer.headers()["x-trace-id"], trace);
    assert_eq!(answer.headers()["x-request-id"], "proxy-7");
    assert_eq!(json(answer).await["errors"][0]["extensions"]["traceId"], trace);
    let answer = send(&app, post(&[("traceparent", "00-zz-1-01"), ("x-request-id", "a\"b")], QUERY)).await;
    assert_eq!(answer.headers()["x-trace-id"].len(), 32);
    assert_eq!(answer.headers()["x-request-id"].len(), 32);
}

#[tokio::test]
async fn a_panic_is_an_answer_without_internals() {
    let app = app(&[]).await;
    let broken = Router::<()>::new()
        .route("/panic", axum::routing::get(async || -> &'static str { panic!("the secret is hunter2") }))
        .layer(from_fn_with_state(app.clone(), trace::request));
    let answer = broken.oneshot(get("/panic")).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = json(answer).await;
    assert_eq!(body["errors"][0]["message"], "internal error");
    assert!(!body.to_string().contains("hunter2"));
}

#[tokio::test]
async fn readiness_follows_the_schema_and_the_end() {
    let app = app(&[]).await;
    assert_eq!(send(&app, get("/healthz")).await.status(), StatusCode::OK);
    assert_eq!(send(&app, get("/readyz")).await.status(), StatusCode::OK);
    app.stop.cancel();
    let answer = send(&app, get("/readyz")).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(json(answer).await["reason"], "stopping");
    assert_eq!(send(&app, get("/healthz")).await.status(), StatusCode::OK, "it still lives");

    let bare = takedown::db::connect("sqlite::memory:", 1).await.expect("a database");
    let env = Env::new(bare, Clock::System, Ids::seeded(1), Settings::default());
    let app = App { env: Arc::new(env), stop: CancellationToken::new(), ..app };
    let answer = send(&app, get("/readyz")).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(json(answer).await["reason"].as_str().expect("a reason").starts_with("the schema lacks"));
}

#[tokio::test]
async fn metrics_are_rendered_with_the_depth_of_the_queue() {
    let app = app(&[]).await;
    let answer = send(&app, get("/metrics")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers()["content-type"].to_str().expect("text").starts_with("text/plain"));
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    let text = String::from_utf8(body.to_vec()).expect("text");
    assert!(text.contains("lockstep_jobs{state=\"alive\"} 0\nlockstep_jobs{state=\"dead\"} 0\n"), "{text}");
}

#[tokio::test]
async fn with_a_certificate_it_speaks_tls_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let (certificate, key) = (certificate.to_string_lossy(), key.to_string_lossy());
    let both = [("LOCKSTEP__HTTP__TLS_CERTIFICATE", &*certificate), ("LOCKSTEP__HTTP__TLS_KEY", &*key)];
    let app = app(&both).await;
    let tls = app.limits.tls().expect("usable").expect("a certificate");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (stop, limits) = (app.stop.clone(), app.limits.clone());
    let served = tokio::spawn(async move {
        serve(listener, router(app), &limits, Some(tls), stop, std::time::Duration::from_secs(1)).await;
    });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder().tls_certs_only([root]).build().expect("a client");
    let answer = client.get(format!("https://localhost:{port}/healthz")).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.version()), (200, axum::http::Version::HTTP_2));
    let plain = client.get(format!("http://localhost:{port}/healthz")).send().await;
    assert!(plain.is_err(), "{plain:?}");
    for alone in &both {
        let loaded = load(&Surroundings::new("/nowhere", &[*alone]), None).expect("a configuration");
        assert!(loaded.config.http.tls().is_err(), "one without the other");
    }
    served.abort();
}
