//! Signing in over HTTP, and what attackers try there: each of these fails when its defence is taken away.

use axum::http::header::{COOKIE, SET_COOKIE};
use serde_json::json;
use takedown::{
    access::Action,
    people::{NewPerson, invite, person, session},
    token::OwnToken,
};

use super::*;

const PASSWORD: &str = "correct horse battery";

/// The routes, with an analyst and an administrator who can sign in.
pub async fn app_with_people(variables: &[(&str, &str)]) -> App {
    let app = app(variables).await;
    for (name, role) in [("ana", ActorRole::Analyst), ("root", ActorRole::Admin)] {
        let admin = Actor::person("operator", ActorRole::Admin);
        let new = NewPerson { name: name.into(), full_name: None, role, party: None, clearance: None };
        let made = person::create(&app.env, &admin, new).await.expect("an account");
        let link = invite::create(&app.env, &admin, made.id).await.expect("a link");
        invite::accept(&app.env, &link, PASSWORD).await.expect("accepted");
    }
    app
}

fn to(path: &str, headers: &[(&str, &str)], body: &Value) -> Request<Body> {
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body.to_string())).expect("a request");
    request.extensions_mut().insert(Peer("192.0.2.1".parse().expect("an address")));
    request
}

const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

async fn sign_in(app: &App, name: &str, password: &str, headers: &[(&str, &str)]) -> Response<Body> {
    send(app, to("/auth/sign-in", headers, &json!({ "name": name, "password": password }))).await
}

/// The cookie as a browser sends it back.
pub async fn cookie(app: &App, name: &str) -> String {
    let answer = sign_in(app, name, PASSWORD, &[OURS]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let set = answer.headers()[SET_COOKIE].to_str().expect("text").to_owned();
    set.split(';').next().expect("a pair").to_owned()
}

async fn who(app: &App, headers: &[(&str, &str)]) -> (StatusCode, Value) {
    let query = json!({ "query": "{ viewer { name role } }" });
    let answer = send(app, to("/graphql", headers, &query)).await;
    (answer.status(), json_of(answer).await)
}

async fn json_of(answer: Response<Body>) -> Value {
    super::json(answer).await
}

#[tokio::test]
async fn a_session_is_a_cookie_that_only_this_host_gets_and_no_script_reads() {
    let app = app_with_people(&[]).await;
    let answer = sign_in(&app, "ana", PASSWORD, &[OURS]).await;
    let set = answer.headers()[SET_COOKIE].to_str().expect("text").to_owned();
    assert!(set.starts_with("__Host-lockstep=lks1_"), "{set}");
    let attributes: Vec<_> = set.split("; ").skip(1).collect();
    assert_eq!(attributes, ["Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=43200"]);
    let secret = set.split(['=', ';']).nth(1).expect("a secret");
    assert!(!json_of(answer).await.to_string().contains(secret), "it is in the cookie only");
    let (status, body) =
        who(&app, &[OURS, ("cookie", &format!("theme=dark; __Host-lockstep={secret}"))]).await;
    assert_eq!(
        (status, &body["data"]["viewer"]),
        (StatusCode::OK, &json!({ "name": "ana", "role": "ANALYST" }))
    );
}

#[tokio::test]
async fn a_page_of_somebody_else_does_nothing_with_the_cookie() {
    let app = app_with_people(&[]).await;
    let cookie = cookie(&app, "ana").await;
    let pair = ("cookie", cookie.as_str());
    let host = ("host", "lockstep.example");
    for (from, allowed) in [
        (vec![OURS], true),
        (vec![host, ("origin", "https://lockstep.example")], true),
        (vec![("sec-fetch-site", "cross-site")], false),
        (vec![("sec-fetch-site", "same-site")], false),
        (vec![host, ("origin", "https://evil.example")], false),
        (vec![host, ("origin", "https://lockstep.example.evil.example")], false),
        (vec![host, ("origin", "null")], false),
        (vec![("sec-fetch-site", "cross-site"), host, ("origin", "https://lockstep.example")], false),
        (vec![], false),
    ] {
        let headers: Vec<_> = from.iter().copied().chain([pair]).collect();
        let (status, body) = who(&app, &headers).await;
        let expected = if allowed { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(status, expected, "{from:?}: {body}");
        let mut get = Request::get("/graphql?query=%7Bviewer%7Bname%7D%7D");
        for (name, value) in &headers {
            get = get.header(*name, *value);
        }
        let answer = send(&app, get.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status(), expected, "GET {from:?}");
    }
    // A form cannot send JSON, and a foreign page cannot sign anybody in, even without a cookie.
    let foreign = sign_in(&app, "ana", PASSWORD, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!((foreign.status(), foreign.headers().get(SET_COOKIE)), (StatusCode::FORBIDDEN, None));
    let form = Request::post("/auth/sign-in").header("content-type", "text/plain");
    let body = json!({ "name": "ana", "password": PASSWORD }).to_string();
    let form = form.body(Body::from(body)).expect("a request");
    assert_eq!(send(&app, form).await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_planted_session_is_not_the_persons_after_signing_in() {
    let app = app_with_people(&[]).await;
    let planted = cookie(&app, "root").await;
    let answer = sign_in(&app, "ana", PASSWORD, &[OURS, ("cookie", &planted)]).await;
    let fresh = answer.headers()[SET_COOKIE].to_str().expect("text").to_owned();
    assert!(!fresh.starts_with(&planted));
    assert_eq!(who(&app, &[OURS, ("cookie", &planted)]).await.0, StatusCode::UNAUTHORIZED);
    let both = format!("{planted}; {}", fresh.split(';').next().expect("a pair"));
    let (status, body) = who(&app, &[OURS, ("cookie", &both)]).await;
    assert_eq!((status, &body["data"]["viewer"]), (StatusCode::OK, &Value::Null), "two cookies are none");
}

#[tokio::test]
async fn a_cookie_is_worth_nothing_after_signing_out() {
    let app = app_with_people(&[]).await;
    let cookie = cookie(&app, "ana").await;
    let out = send(&app, to("/auth/sign-out", &[OURS, ("cookie", &cookie)], &json!({}))).await;
    assert!(out.headers()[SET_COOKIE].to_str().expect("text").starts_with("__Host-lockstep=; "));
    assert!(out.headers()[SET_COOKIE].to_str().expect("text").ends_with("Max-Age=0"));
    let (status, body) = who(&app, &[OURS, ("cookie", &cookie)]).await;
    assert_eq!(
        (status, &body["errors"][0]["extensions"]["code"]),
        (StatusCode::UNAUTHORIZED, &json!("UNAUTHENTICATED"))
    );
    let again = send(&app, to("/auth/sign-out", &[OURS, ("cookie", &cookie)], &json!({}))).await;
    assert_eq!(again.status(), StatusCode::OK, "who is out is out");
}

#[tokio::test]
async fn guessing_is_slowed_down_and_says_how_long() {
    let app = app_with_people(&[]).await;
    for n in 0..5 {
        let answer = sign_in(&app, "ana", &format!("guess number {n}"), &[OURS]).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{n}");
        assert_eq!(json_of(answer).await["errors"][0]["extensions"]["code"], "WRONG_CREDENTIALS");
    }
    let answer = sign_in(&app, "ana", PASSWORD, &[OURS]).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=2).contains(&wait), "{wait}");
    app.env.clock.advance(std::time::Duration::from_secs(wait));
    assert_eq!(sign_in(&app, "ana", PASSWORD, &[OURS]).await.status(), StatusCode::OK);
    // What was typed is told to nobody.
    for body in
        [json!({ "name": "ana", "password": 7 }), json!({ "hunter2hunter2": true }), json!("hunter2hunter2")]
    {
        let answer = send(&app, to("/auth/sign-in", &[OURS], &body)).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert!(!json_of(answer).await.to_string().contains("hunter2"));
    }
    let long = json!({ "name": "ana", "password": "x".repeat(20_000) });
    assert_eq!(send(&app, to("/auth/sign-in", &[OURS], &long)).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_bound_token_is_good_from_its_network_and_nobody_can_say_so_but_a_trusted_proxy() {
    let proxied = [("LOCKSTEP__HTTP__TRUSTED_PROXIES", "192.0.2.1/32")];
    for (variables, believed) in [(&[][..], false), (&proxied[..], true)] {
        let app = app_with_people(variables).await;
        let cookie = cookie(&app, "ana").await;
        let secret = cookie.split_once('=').expect("a pair").1;
        let (ana, _) = session::actor(&app.env, secret).await.expect("ana");
        let new = OwnToken {
            label: "a script".into(),
            actions: vec![Action::Read],
            networks: vec!["203.0.113.0/24".parse().expect("a network")],
            operations: Vec::new(),
            expires_at: None,
        };
        let (row, secret) = token::create_own(&app.env, &ana, new).await.expect("a token");
        let bearer = format!("Bearer {secret}");
        let said = [("authorization", bearer.as_str()), ("x-forwarded-for", "203.0.113.5")];
        let expected = if believed { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        assert_eq!(who(&app, &said).await.0, expected);
        assert_eq!(who(&app, &said[..1]).await.0, StatusCode::UNAUTHORIZED);
        token::revoke(&app.env, &ana, row.id).await.expect("revoked");
        assert_eq!(who(&app, &said).await.0, StatusCode::UNAUTHORIZED, "revoked");
    }
}

#[tokio::test]
async fn from_a_link_to_signed_in_and_a_second_factor() {
    let app = app_with_people(&[]).await;
    let admin = Actor::person("operator", ActorRole::Admin);
    let new = NewPerson {
        name: "lea".into(),
        full_name: None,
        role: ActorRole::Lead,
        party: None,
        clearance: None,
    };
    let lea = person::create(&app.env, &admin, new).await.expect("an account");
    let link = invite::create(&app.env, &admin, lea.id).await.expect("a link");
    let ask = async |path, headers: &[(&str, &str)], body| {
        let answer = send(&app, to(path, headers, &body)).await;
        (answer.status(), json_of(answer).await)
    };
    let (_, told) = ask("/auth/accept", &[OURS], json!({ "link": link })).await;
    assert_eq!(told, json!({ "name": "lea", "chosen": false }));
    let (status, _) =
        ask("/auth/accept", &[OURS], json!({ "link": link, "password": "another horse battery" })).await;
    assert_eq!(status, StatusCode::OK);
    let (status, _) = ask("/auth/accept", &[OURS], json!({ "link": link, "password": PASSWORD })).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "a link counts once");
    let signed = sign_in(&app, "lea", "another horse battery", &[OURS]).await;
    let cookie =
        signed.headers()[SET_COOKIE].to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let mine = [OURS, (COOKIE.as_str(), cookie.as_str())];
    let change = json!({ "old": "another horse battery", "new": PASSWORD });
    assert_eq!(ask("/auth/password", &[OURS], change.clone()).await.0, StatusCode::UNAUTHORIZED, "nobody");
    assert_eq!(ask("/auth/password", &mine, change).await.0, StatusCode::OK);
    let (status, told) =
        ask("/auth/second-factor", &mine, json!({ "do": "begin", "password": PASSWORD })).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert!(
        told["uri"].as_str().is_some_and(|uri| uri.starts_with("otpauth://totp/Lockstep:lea?")),
        "{told}"
    );
    let (status, told) =
        ask("/auth/second-factor", &mine, json!({ "do": "confirm", "code": "000000" })).await;
    assert_eq!(
        (status, &told["errors"][0]["extensions"]["code"]),
        (StatusCode::UNAUTHORIZED, &json!("WRONG_CREDENTIALS"))
    );
}

#[tokio::test]
async fn the_pages_load_only_what_is_ours_and_keep_the_link_out_of_urls() {
    let app = app_with_people(&[]).await;
    for path in ["/sign-in", "/accept"] {
        let answer = send(&app, get(path)).await;
        let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let page = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
        let page = String::from_utf8(page.to_vec()).expect("text");
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("style="));
        for file in page.split("\"/auth/files/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert_eq!(
                send(&app, get(&format!("/auth/files/{file}"))).await.status(),
                StatusCode::OK,
                "{file}"
            );
        }
    }
    assert_eq!(send(&app, get("/auth/files/nothing")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        send(&app, get("/auth/sign-in?name=ana&password=x")).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn the_way_to_a_provider_is_bounded_by_address_before_anything_is_done() {
    let limits = [("LOCKSTEP__HTTP__RATE_PER_MINUTE", "1"), ("LOCKSTEP__HTTP__RATE_BURST", "3")];
    let app = app(&limits).await;
    let router = router(app.clone());
    for (n, (method, path)) in [
        ("GET", "/auth/oidc/unknown"),
        ("GET", "/auth/oidc/unknown/callback?code=c&state=s"),
        ("POST", "/auth/oidc/unknown/back-channel"),
    ]
    .into_iter()
    .enumerate()
    {
        let ask = async |last: u8, bearer: &str| {
            let request = Request::builder().method(method).uri(path).header(OURS.0, OURS.1);
            let mut request = request.header("authorization", bearer).body(Body::empty()).expect("a request");
            request.extensions_mut().insert(Peer(std::net::IpAddr::from([192, 0, 2, last])));
            router.clone().oneshot(request).await.expect("an answer").status()
        };
        let from = u8::try_from(10 * n).expect("a few");
        for _ in 0..3 {
            assert_eq!(ask(from, "").await, StatusCode::NOT_FOUND, "{path}");
        }
        // Nor does a secret that nobody has looked at help.
        assert_eq!(ask(from, "Bearer lks_guess").await, StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert_eq!(ask(from + 1, "").await, StatusCode::NOT_FOUND, "{path}: from elsewhere");
    }
}
