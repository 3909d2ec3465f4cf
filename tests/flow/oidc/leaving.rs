//! Signing out, there and here, and being forgotten.

use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use serde_json::{Value, json};
use takedown::{
    job::{Run as _, kinds::TidyPeople},
    people::retention,
};
use tests::on_each_database;

use super::{
    forger::{Signer, unsigned},
    root,
    world::{End, World},
};

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
        // One that the provider gave no name may be the one that is meant, and ends too.
        let nameless = {
            let way = world.begin().await?;
            let mut claims = world.claims(&way, "7", &["desk"]);
            claims.as_object_mut().context("claims")?.remove("sid");
            world.forger.gives(world.tokens(&claims));
            match world.back(&way).await? {
                End::In(cookie) => cookie,
                End::Out(code) => anyhow::bail!(code),
            }
        };
        let by_sid = sign(&token(&[("sub", json!(null)), ("sid", json!("sid of 7")), ("jti", json!("j3"))]));
        assert_eq!(world.log_out(&by_sid).await?.0, StatusCode::OK);
        assert!(world.viewer(&nameless).await?.is_object(), "nobody is named");
        let by_both = sign(&token(&[("sid", json!("sid of 7")), ("jti", json!("j4"))]));
        assert_eq!(world.log_out(&by_both).await?.0, StatusCode::OK);
        assert_eq!(world.viewer(&nameless).await?, Value::Null);
        assert!(world.viewer(&bo).await?.is_object(), "somebody else goes on");
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
        // A session of before does not live on beside the new one, although its cookie stays away on the way back.
        let before = world.enter("7", &["desk"], None).await?;
        let way = world.begin_as(&before).await?;
        world.forger.gives(world.tokens(&world.claims(&way, "7", &["desk"])));
        assert!(world.viewer(&before).await?.is_object(), "who only begins stays");
        assert!(matches!(world.back(&way).await?, End::In(after) if after != before));
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
