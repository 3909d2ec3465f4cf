//! Signing in with a provider that does everything wrong that one can do; the real one is in `tests/outside`.

mod forger;
mod world;

use std::{net::IpAddr, time::Duration};

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::ActorRole;
use serde_json::{Value, json};
use takedown::{
    actor::Actor,
    job::{Run as _, kinds::TidyPeople},
    people::{NewPerson, invite, person, retention},
};
use tests::on_each_database;

use self::{
    forger::{Given, Signer, unsigned},
    world::{End, PATIENCE, World, home},
};

fn root() -> Actor {
    Actor::person("root", ActorRole::Admin)
}

fn out(code: &str) -> End {
    End::Out(code.into())
}

#[tokio::test]
async fn whom_a_provider_vouches_for_gets_in_as_the_groups_say() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        let first = world.enter("7", &["x", "desk"], None).await?;
        let ana = world.viewer(&first).await?;
        assert_eq!(
            (&ana["role"], &ana["agency"], &ana["name"], &ana["account"]["fullName"]),
            (&json!("LIAISON"), &json!("agency:de:example"), &json!("forger.ana"), &json!("Ana Example"))
        );
        // Another subject is another person, whatever it is called; the same subject is the same person.
        let other = world.enter("8", &["desk"], None).await?;
        let other = world.viewer(&other).await?;
        assert_ne!(other["account"]["id"], ana["account"]["id"]);
        assert!(other["name"].as_str().is_some_and(|name| name.starts_with("forger.ana-")), "{other}");
        let second = world.enter("7", &["desk"], None).await?;
        assert_eq!(world.viewer(&second).await?["account"]["id"], ana["account"]["id"]);
        assert_eq!(world.viewer(&first).await?, ana, "the role is the same: the other browser goes on");
        // More groups, another role: nothing goes on with the old one.
        let lead = world.enter("7", &["leads", "desk"], None).await?;
        assert_eq!(world.viewer(&lead).await?["role"], "LEAD");
        assert_eq!(world.viewer(&first).await?, Value::Null);
        assert_eq!(world.newest("change_role").await?["is"]["role"], "lead");
        // No group, no way in, and nothing goes on either.
        let way = world.begin().await?;
        world.forger.gives(world.tokens(&world.claims(&way, "7", &["Leads"])));
        assert_eq!(world.back(&way).await?, out("no-role"));
        assert_eq!(world.viewer(&lead).await?, Value::Null);
        assert_eq!(world.newest("refuse_sign_in").await?["wrong"], "no group makes a role");
        // Disabled here is disabled, whatever the provider says.
        person::set_disabled(
            &world.env,
            &root(),
            ana["account"]["id"].as_str().context("id")?.parse()?,
            true,
        )
        .await?;
        let way = world.begin().await?;
        world.forger.gives(world.tokens(&world.claims(&way, "7", &["desk"])));
        assert_eq!(world.back(&way).await?, out("disabled"));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_request_is_of_code_with_pkce_and_the_secret_stays_out_of_addresses() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        let way = world.begin().await?;
        let asked = |name: &str| way.asked[name].as_str();
        assert_eq!((asked("response_type"), asked("code_challenge_method")), ("code", "S256"));
        assert_eq!(asked("redirect_uri"), "https://lockstep.example/auth/oidc/forger/callback");
        assert_eq!(asked("scope"), "openid profile");
        world.forger.gives(world.tokens(&world.claims(&way, "7", &["desk"])));
        assert!(matches!(world.back(&way).await?, End::In(_)));
        let sent = world.forger.plan().forms.pop().context("a form")?;
        let (form, login) = sent.split_once('\n').context("a login")?;
        let form: std::collections::HashMap<String, String> =
            url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        assert_eq!((form["grant_type"].as_str(), form["code"].as_str()), ("authorization_code", "c"));
        let verifier = ring::digest::digest(&ring::digest::SHA256, form["code_verifier"].as_bytes());
        assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(verifier), asked("code_challenge"));
        assert!(!form.contains_key("client_secret"));
        // RFC 6749, 2.3.1: each encoded as in a form, then as basic.
        assert_eq!(login, format!("Basic {}", base64::prelude::BASE64_STANDARD.encode("lockstep:se+cret")));
        // What is seen elsewhere tells nothing of what is in the cookie, nor of the verifier.
        for name in ["state", "nonce", "code_challenge"] {
            assert!(!way.cookie.contains(asked(name)) && asked(name) != form["code_verifier"], "{name}");
        }
        Ok(())
    })
    .await
}

/// Everything that can be wrong with an ID token: what it is, the token, and what the ledger says.
fn forgeries(world: &World, good: &Value) -> Result<Vec<(&'static str, String, &'static str)>> {
    let signer = &world.signer;
    let stranger = Signer::new("first", 9)?;
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        signer.sign(&claims)
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        if let Some(claims) = claims.as_object_mut() {
            claims.remove(name);
        }
        signer.sign(&claims)
    };
    let now = world.now();
    let header = |header: Value| signer.sign_as(&header, good);
    let whole = signer.sign(good);
    let cut = format!("{}.", whole.rsplit_once('.').context("a signature")?.0);
    let embedded = stranger.sign_as(&json!({ "alg": "EdDSA", "kid": "new", "jwk": stranger.jwk() }), good);
    Ok(vec![
        ("another audience", with("aud", json!("another")), "audience is another"),
        ("several audiences", with("aud", json!(["lockstep", "x"])), "authorized party is another"),
        ("another party", with("azp", json!("another")), "authorized party is another"),
        ("another issuer", with("iss", json!("https://id.example")), "issuer is another"),
        ("another's signature", stranger.sign(good), "signature does not hold"),
        ("a cut signature", cut, "signature does not hold"),
        ("an unknown key", header(json!({ "alg": "EdDSA", "kid": "new" })), "key is not known"),
        ("a key that it brings along", embedded, "key is not known"),
        ("no signature", unsigned(good), "algorithm is not allowed"),
        ("none in capitals", header(json!({ "alg": "NONE" })), "algorithm is not allowed"),
        ("the public key as a secret", signer.confuse(good), "algorithm is not allowed"),
        (
            "an algorithm that is not allowed",
            header(json!({ "alg": "ES256", "kid": "first" })),
            "algorithm is not allowed",
        ),
        (
            "an algorithm of another key",
            header(json!({ "alg": "RS256", "kid": "first" })),
            "key is not known",
        ),
        (
            "a logout token",
            header(json!({ "alg": "EdDSA", "kid": "first", "typ": "logout+jwt" })),
            "kind of token is another",
        ),
        (
            "an access token",
            header(json!({ "alg": "EdDSA", "kid": "first", "typ": "at+jwt" })),
            "kind of token is another",
        ),
        (
            "what must be understood",
            header(json!({ "alg": "EdDSA", "kid": "first", "crit": ["b64"] })),
            "token is none that can be read",
        ),
        ("an expired one", with("exp", json!(now - 60)), "token has expired"),
        ("one without an end", without("exp"), "times are missing"),
        ("one from the future", with("iat", json!(now + 61)), "token is from the future"),
        ("one for later", with("nbf", json!(now + 61)), "token is from the future"),
        ("no nonce", without("nonce"), "nonce is missing or another"),
        ("another nonce", with("nonce", json!("n")), "nonce is missing or another"),
        ("no subject", without("sub"), "subject is missing"),
        ("an empty subject", with("sub", json!("")), "subject is missing"),
        ("another access token", with("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ")), "access token is another"),
        ("no token", "a.b".into(), "token is none that can be read"),
    ])
}

#[tokio::test]
async fn a_forged_token_lets_nobody_in() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        let count = forgeries(&world, &json!({}))?.len();
        for n in 0..count {
            let way = world.begin().await?;
            let (what, token, reason) =
                forgeries(&world, &world.claims(&way, "7", &["leads"]))?.swap_remove(n);
            world.forger.gives(json!({ "access_token": "access", "id_token": token }));
            let query = format!("code=c&state={}", way.asked["state"]);
            // Each from elsewhere, so that none is refused for the number of them.
            let from = IpAddr::from([198, 51, 100, u8::try_from(n)?]);
            assert_eq!(world.back_with(&way.cookie, &query, from).await?, out("not-believed"), "{what}");
            assert_eq!(world.newest("refuse_sign_in").await?["wrong"], reason, "{what}");
        }
        let events = world.ledger().await?;
        assert!(!events.iter().any(|event| event.verb == "sign_in" || event.verb == "create_person"));
        assert_eq!(events.iter().filter(|event| event.verb == "refuse_sign_in").count(), count);
        world.enter("7", &["leads"], None).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_answer_counts_once_and_in_the_browser_that_asked() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        let way = world.begin().await?;
        let good = format!("code=c&state={}", way.asked["state"]);
        world.forger.gives(world.tokens(&world.claims(&way, "7", &["desk"])));
        let other = world.begin().await?;
        let elsewhere = world.begin_with("other").await?.map_err(|end| anyhow::anyhow!("{end:?}"))?;
        let (unsealed, seal) = way.cookie.rsplit_once('.').context("a seal")?;
        let (made, later) = (format!(".{}", world.env.now().0), format!(".{}", world.env.now().0 + 1));
        let mine = way.cookie.clone();
        for (n, (what, cookie, query)) in (0..).zip([
            ("no cookie", String::new(), good.clone()),
            ("another browser's", other.cookie.clone(), good.clone()),
            (
                "another provider's",
                elsewhere.cookie.clone(),
                format!("code=c&state={}", elsewhere.asked["state"]),
            ),
            ("one without a seal", unsealed.to_owned(), good.clone()),
            ("one that was changed", format!("{}.{seal}", unsealed.replace(&made, &later)), good.clone()),
            ("two of them", format!("{mine}; {}", other.cookie), good.clone()),
            ("no state", mine.clone(), "code=c".to_owned()),
            ("another state", mine.clone(), "code=c&state=x".to_owned()),
            ("two states", mine, format!("{good}&state=x")),
        ]) {
            let from = IpAddr::from([198, 51, 100, n]);
            assert_eq!(world.back_with(&cookie, &query, from).await?, out("again"), "{what}");
        }
        assert!(world.forger.plan().forms.is_empty(), "no code was given in");
        // Twice at a time, and once more after: one of them counts.
        let (one, two) = tokio::join!(world.back(&way), world.back(&way));
        let ends = [one?, two?, world.back(&way).await?];
        assert_eq!(ends.iter().filter(|end| matches!(end, End::In(_))).count(), 1, "{ends:?}");
        assert_eq!(world.forger.plan().forms.len(), 1, "the code was given in once");
        // Too late.
        let way = world.begin().await?;
        world.forger.gives(world.tokens(&world.claims(&way, "7", &["desk"])));
        world.env.clock.advance(Duration::from_secs(600));
        assert_eq!(world.back(&way).await?, out("again"));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_the_provider_answers_instead_of_a_code_is_told() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        let way = world.begin().await?;
        let query = format!("error=access_denied&state={}", way.asked["state"]);
        assert_eq!(world.back_with(&way.cookie, &query, home()).await?, out("denied"));
        assert_eq!(world.newest("refuse_sign_in").await?["wrong"], "provider said access_denied");
        // A code that the provider does not take.
        let way = world.begin().await?;
        world.forger.plan().given = Given::Refusal("invalid_grant");
        assert_eq!(world.back(&way).await?, out("denied"));
        // Another provider's answer (RFC 9207).
        let way = world.begin().await?;
        let query = format!("code=c&iss=https%3A%2F%2Fid.example&state={}", way.asked["state"]);
        assert_eq!(world.back_with(&way.cookie, &query, home()).await?, out("not-believed"));
        // A page that sends its visitors here makes nobody wait.
        let before = world.ledger().await?.len();
        for _ in 0..30 {
            assert_eq!(world.back_with("", "code=c&state=x", home()).await?, out("again"));
        }
        assert_eq!(world.ledger().await?.len(), before);
        // Whoever tries again and again waits, and fills no ledger.
        for _ in 0..10 {
            world.back_with(&way.cookie, "code=c&state=x", home()).await?;
        }
        assert_eq!(world.back_with(&way.cookie, "code=c&state=x", home()).await?, out("wait"));
        let refusals = world.ledger().await?.iter().filter(|event| event.verb == "refuse_sign_in").count();
        assert!(refusals < 8, "{refusals}");
        world.enter("7", &["desk"], None).await.context("the honest get in from there")?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_provider_that_is_down_slow_or_odd_hurts_no_other_sign_in() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        let new = NewPerson {
            name: "ana".into(),
            full_name: None,
            role: ActorRole::Analyst,
            party: None,
            clearance: None,
        };
        let ana = person::create(&world.env, &root(), new).await?;
        let link = invite::create(&world.env, &root(), ana.id).await?;
        invite::accept(&world.env, &link, "correct horse battery").await?;
        for given in [Given::Never, Given::Elsewhere, Given::Flood, Given::Refusal("server_error")] {
            let way = world.begin().await?;
            world.forger.plan().given = given;
            let began = std::time::Instant::now();
            assert_eq!(world.back(&way).await?, out("unavailable"));
            assert!(began.elapsed() < PATIENCE * 4, "{:?}", began.elapsed());
            let body = json!({ "name": "ana", "password": "correct horse battery" }).to_string();
            let (status, _) = world.post("/auth/sign-in", "application/json", "", body).await?;
            assert_eq!(status, StatusCode::OK);
        }
        assert!(
            !world.ledger().await?.iter().any(|event| event.verb == "refuse_sign_in"),
            "nobody was refused"
        );
        // What was published is forgotten in time; then another's document, and an address inside a network.
        for odd in [
            json!({ "issuer": "https://id.example" }),
            json!({ "token_endpoint": "https://10.0.0.1/token" }),
            json!({ "jwks_uri": "http://id.example/keys" }),
            json!({ "authorization_endpoint": null }),
        ] {
            world.env.clock.advance(Duration::from_secs(3_600));
            world.forger.plan().document = odd.clone();
            assert_eq!(world.begin_with("forger").await?.err(), Some(out("unavailable")), "{odd}");
        }
        // Mended, it is asked again after a moment, and not before.
        world.forger.plan().document = json!({});
        assert!(world.begin_with("forger").await?.is_err());
        world.env.clock.advance(Duration::from_secs(5));
        world.enter("7", &["desk"], None).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn new_keys_are_found_and_not_looked_for_too_often() -> Result<()> {
    on_each_database(async |database| {
        let mut world = World::of(database).await?;
        world.enter("7", &["desk"], None).await?;
        assert_eq!(world.forger.plan().looks, 1);
        world.signer = Signer::new("second", 2)?;
        world.forger.plan().keys = vec![world.signer.jwk()];
        world.enter("7", &["desk"], None).await.context("with the new key")?;
        assert_eq!(world.forger.plan().looks, 2);
        // The old one is worth nothing now.
        let old = Signer::new("first", 1)?;
        for n in 0..10 {
            let way = world.begin().await?;
            let token = old.sign(&world.claims(&way, "7", &["desk"]));
            world.forger.gives(json!({ "id_token": token }));
            let query = format!("code=c&state={}", way.asked["state"]);
            let from = IpAddr::from([198, 51, 100, n]);
            assert_eq!(world.back_with(&way.cookie, &query, from).await?, out("not-believed"));
        }
        assert_eq!(world.forger.plan().looks, 4, "three a minute");
        world.env.clock.advance(Duration::from_secs(60));
        world.signer = Signer::new("third", 3)?;
        world.forger.plan().keys = vec![world.signer.jwk()];
        world.enter("7", &["desk"], None).await.context("a minute later")?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn groups_that_the_token_leaves_out_are_asked_of_the_same_person() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        for (told, end) in [
            (json!({ "sub": "8", "groups": ["leads"] }), false),
            (json!({ "sub": "7", "groups": "leads" }), true),
        ] {
            let way = world.begin().await?;
            let mut claims = world.claims(&way, "7", &[]);
            claims.as_object_mut().context("claims")?.remove("groups");
            world.forger.gives(world.tokens(&claims));
            world.forger.plan().userinfo = told.clone();
            assert_eq!(matches!(world.back(&way).await?, End::In(_)), end, "{told}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_session_goes_on_as_long_as_its_provider_vouches_for_it() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        let cookie = world.enter("7", &["desk"], Some("r1")).await?;
        world.forger.plan().forms.clear();
        world.refresh().await?;
        assert!(world.forger.plan().forms.is_empty(), "not yet");
        // The word of the provider lasts five minutes; the next has another refresh token, and no ID token.
        world.env.clock.advance(Duration::from_secs(270));
        world.forger.gives(json!({ "access_token": "a", "refresh_token": "r2", "expires_in": 300 }));
        world.refresh().await?;
        assert!(world.forger.plan().forms.pop().context("a form")?.contains("refresh_token=r1"));
        // Down: nobody is signed out for that.
        world.env.clock.advance(Duration::from_secs(270));
        world.forger.plan().given = Given::Refusal("temporarily_unavailable");
        world.refresh().await?;
        assert!(world.forger.plan().forms.pop().context("a form")?.contains("refresh_token=r2"));
        assert_eq!(world.viewer(&cookie).await?["role"], "LIAISON");
        world.refresh().await?;
        assert!(world.forger.plan().forms.is_empty(), "let be for a while");
        // Up again, with more groups: another role, and nothing goes on with the old one.
        world.env.clock.advance(Duration::from_secs(120));
        let claims = |groups: &[&str]| {
            json!({
                "iss": world.forger.issuer, "aud": "lockstep", "sub": "7", "iat": world.now(), "exp": world.now() + 3_600,
                "groups": groups,
            })
        };
        world.forger.gives(json!({ "id_token": world.signer.sign(&claims(&["leads"])), "expires_in": 300 }));
        world.refresh().await?;
        assert_eq!(world.viewer(&cookie).await?, Value::Null);
        assert_eq!(world.newest("change_role").await?["is"]["role"], "lead");
        // The groups are gone, the token is another's, the provider says no: each ends it.
        let mut another = claims(&["leads"]);
        another["sub"] = json!("8");
        for (given, why) in [
            (Given::Tokens(json!({ "id_token": world.signer.sign(&claims(&[])) })), "no group makes a role"),
            (Given::Tokens(json!({ "id_token": world.signer.sign(&another) })), "subject is another"),
            (Given::Refusal("invalid_grant"), "provider vouches no longer"),
        ] {
            let cookie = world.enter("7", &["leads"], Some("r")).await?;
            world.env.clock.advance(Duration::from_secs(270));
            world.forger.plan().given = given;
            world.refresh().await?;
            assert_eq!(world.viewer(&cookie).await?, Value::Null, "{why}");
            assert_eq!(world.newest("end_session").await?["why"], why);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_logout_token_ends_what_it_is_about_and_counts_once() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
        let token = |change: &[(&str, Value)]| {
            let mut claims = json!({
                "iss": world.forger.issuer, "aud": "lockstep", "sub": "7", "iat": world.now(), "exp": world.now() + 120,
                "jti": "j", "events": event,
            });
            for (name, value) in change {
                claims[*name] = value.clone();
            }
            claims
        };
        let sign = |claims: &Value| {
            world.signer.sign_as(&json!({ "alg": "EdDSA", "kid": "first", "typ": "logout+jwt" }), claims)
        };
        let (ana, bo) = (world.enter("7", &["desk"], None).await?, world.enter("8", &["desk"], None).await?);
        let way = world.begin().await?;
        let stranger = Signer::new("first", 9)?;
        for (what, wrong) in [
            ("an ID token", world.signer.sign(&world.claims(&way, "7", &["desk"]))),
            ("with a nonce", sign(&token(&[("nonce", json!("n"))]))),
            ("without the event", sign(&token(&[("events", json!({}))]))),
            ("about nobody", sign(&token(&[("sub", json!(null))]))),
            ("without an id", sign(&token(&[("jti", json!(null))]))),
            ("for another", sign(&token(&[("aud", json!("another"))]))),
            ("of another", sign(&token(&[("iss", json!("https://id.example"))]))),
            ("expired", sign(&token(&[("exp", json!(world.now() - 60))]))),
            ("kept for long", sign(&token(&[("iat", json!(world.now() - 601))]))),
            ("signed by another", stranger.sign(&token(&[]))),
            ("signed by nobody", unsigned(&token(&[]))),
            ("signed with the public key", world.signer.confuse(&token(&[]))),
            ("nothing", String::new()),
        ] {
            let (status, body) = world.log_out(&wrong).await?;
            assert_eq!((status, &body["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")), "{what}");
        }
        assert!(world.viewer(&ana).await?.is_object());
        // Another session of hers is none of ours; her own is.
        let other = sign(&token(&[("sid", json!("another")), ("jti", json!("j0"))]));
        assert_eq!(world.log_out(&other).await?.0, StatusCode::OK);
        assert!(world.viewer(&ana).await?.is_object());
        let good = sign(&token(&[("sid", json!("sid of 7"))]));
        assert_eq!(world.log_out(&good).await?.0, StatusCode::OK);
        assert_eq!(world.viewer(&ana).await?, Value::Null);
        assert!(world.viewer(&bo).await?.is_object(), "somebody else goes on");
        assert_eq!(world.newest("provider_signed_out").await?["sessions"].as_array().map(Vec::len), Some(1));
        // Shown again it is refused, also after she signed in anew.
        let anew = world.enter("7", &["desk"], None).await?;
        assert_eq!(world.log_out(&good).await?.0, StatusCode::BAD_REQUEST);
        assert!(world.viewer(&anew).await?.is_object());
        // By subject alone: all of them.
        let too = world.enter("7", &["desk"], None).await?;
        assert_eq!(world.log_out(&sign(&token(&[("jti", json!("j2"))]))).await?.0, StatusCode::OK);
        assert_eq!((world.viewer(&anew).await?, world.viewer(&too).await?), (Value::Null, Value::Null));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn signing_out_leads_to_the_provider_and_foreign_pages_sign_nobody_in() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        let cookie = world.enter("7", &["desk"], None).await?;
        let (_, session) = world.post("/auth/sign-out", "application/json", &cookie, "{}".into()).await?;
        let goto = url::Url::parse(session["goto"].as_str().context("where to")?)?;
        let asked: std::collections::HashMap<_, _> = goto.query_pairs().into_owned().collect();
        assert_eq!(asked["post_logout_redirect_uri"], "https://lockstep.example/sign-in");
        assert!(asked["id_token_hint"].split('.').count() == 3 && asked["client_id"] == "lockstep");
        assert_eq!(world.viewer(&cookie).await?, Value::Null);
        // A session of before does not live on beside the new one.
        let before = world.enter("7", &["desk"], None).await?;
        let way = world.begin().await?;
        world.forger.gives(world.tokens(&world.claims(&way, "7", &["desk"])));
        let both = format!("{}; {before}", way.cookie);
        let query = format!("code=c&state={}", way.asked["state"]);
        assert!(matches!(world.back_with(&both, &query, home()).await?, End::In(after) if after != before));
        assert_eq!(world.viewer(&before).await?, Value::Null);
        let begin = |site: &str| axum::http::Request::get("/auth/oidc/forger").header("sec-fetch-site", site);
        let foreign = world.send(begin("cross-site").body(axum::body::Body::empty())?).await?;
        assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
        let unknown = axum::http::Request::get("/auth/oidc/unknown").body(axum::body::Body::empty())?;
        assert_eq!(world.send(unknown).await?.status(), StatusCode::NOT_FOUND);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn whoever_is_erased_is_unknown_and_what_is_spent_is_forgotten_in_time() -> Result<()> {
    on_each_database(async |database| {
        let world = World::with(database, |settings| takedown::people::oidc::ProviderSettings {
            clearance: Some(entities::Tlp::Green),
            ..settings
        })
        .await?;
        let cookie = world.enter("7", &["desk"], Some("r")).await?;
        let id = world.viewer(&cookie).await?["account"]["id"].as_str().context("id")?.to_owned();
        assert_eq!(world.newest("create_person").await?["clearance"], "green");
        retention::erase(&world.env, &root(), id.parse()?).await?;
        assert_eq!(world.viewer(&cookie).await?, Value::Null);
        let anew = world.enter("7", &["desk"], None).await?;
        assert_ne!(world.viewer(&anew).await?["account"]["id"], json!(id));
        world.env.clock.advance(Duration::from_secs(2 * 24 * 3_600));
        TidyPeople {}.run(&world.env).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        world.enter("7", &["desk"], None).await?;
        Ok(())
    })
    .await
}
