//! How long sessions and tokens go on by a provider's word.

use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use serde_json::{Value, json};
use takedown::{people::session, token};
use tests::on_each_database;

use super::{forger::Given, world::World};

#[tokio::test]
async fn a_session_goes_on_as_long_as_its_provider_vouches_for_it() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        let cookie = world.enter("7", &["desk"], Some("r1")).await?;
        world.forger.plan().forms.clear();
        world.refresh().await?;
        assert!(world.forger.plan().forms.is_empty(), "not yet");
        // The word of the provider lasts five minutes; the next has another refresh token, and no ID token: then userinfo says
        // whose it is.
        world.env.clock.advance(Duration::from_secs(270));
        world.forger.gives(json!({ "access_token": "a", "refresh_token": "r2", "expires_in": 300 }));
        world.forger.plan().userinfo = json!({ "sub": "7", "groups": ["desk"] });
        world.refresh().await?;
        assert!(world.forger.plan().forms.pop().context("a form")?.contains("refresh_token=r1"));
        // Down: nobody is signed out for that.
        world.env.clock.advance(Duration::from_secs(270));
        for (status, code) in [
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
            (StatusCode::TOO_MANY_REQUESTS, "slow_down"),
            // Our own login is wrong: that says nothing of anybody.
            (StatusCode::UNAUTHORIZED, "invalid_client"),
        ] {
            world.forger.plan().given = Given::Refusal(status, code);
            world.refresh().await?;
            assert!(world.forger.plan().forms.pop().context("a form")?.contains("refresh_token=r2"), "{code}");
            world.env.clock.advance(Duration::from_secs(120));
        }
        world.forger.plan().given = Given::Refusal(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable");
        world.refresh().await?;
        assert!(world.forger.plan().forms.pop().is_some());
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
            (Given::Refusal(StatusCode::BAD_REQUEST, "invalid_grant"), "provider vouches no longer"),
            (Given::Refusal(StatusCode::FORBIDDEN, "access_denied"), "provider said access_denied"),
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
async fn a_renewal_without_an_id_token_is_of_whom_userinfo_says() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        let silent = json!({ "access_token": "a", "refresh_token": "r2", "expires_in": 300 });
        let desk = json!({ "sub": "7", "groups": ["desk"] });
        for (given, told, refused, why) in [
            (&silent, json!({ "sub": "8", "groups": ["desk"] }), None, "subject is another"),
            (&silent, json!({ "groups": ["desk"] }), None, "subject is another"),
            (&silent, json!({ "sub": "7" }), None, "no group makes a role"),
            (&silent, json!({ "sub": "7", "groups": [] }), None, "no group makes a role"),
            (&silent, desk.clone(), Some(StatusCode::UNAUTHORIZED), "provider said no"),
            (&json!({ "refresh_token": "r2" }), desk.clone(), None, "subject is missing"),
        ] {
            let cookie = world.enter("7", &["desk"], Some("r1")).await?;
            world.env.clock.advance(Duration::from_secs(270));
            world.forger.gives(given.clone());
            world.forger.plan().userinfo = told.clone();
            world.forger.plan().userinfo_refused = refused;
            world.refresh().await?;
            assert_eq!(world.viewer(&cookie).await?, Value::Null, "{told} {refused:?}");
            assert_eq!(world.newest("end_session").await?["why"], why, "{told} {refused:?}");
        }
        // Down between the two: the next refresh token is kept, since the first counts no more.
        let cookie = world.enter("7", &["desk"], Some("r1")).await?;
        world.env.clock.advance(Duration::from_secs(270));
        world.forger.gives(silent);
        world.forger.plan().userinfo = desk;
        world.forger.plan().userinfo_refused = Some(StatusCode::BAD_GATEWAY);
        world.refresh().await?;
        world.env.clock.advance(Duration::from_secs(120));
        world.forger.plan().userinfo_refused = None;
        world.forger.plan().forms.clear();
        world.refresh().await?;
        assert!(world.forger.plan().forms.pop().context("a form")?.contains("refresh_token=r2"));
        assert_eq!(world.viewer(&cookie).await?["role"], "LIAISON");
        Ok(())
    })
    .await
}

/// A token for everything, by who is signed in by that cookie.
async fn own_token(world: &World, cookie: &str) -> Result<String> {
    let secret = cookie.split_once('=').context("a cookie")?.1;
    let (actor, _) = session::actor(&world.env, secret).await?;
    let new = token::OwnToken { label: "a program".into(), ..Default::default() };
    Ok(token::create_own(&world.env, &actor, new).await?.1)
}

#[tokio::test]
async fn a_token_does_not_outlive_the_word_of_the_provider() -> Result<()> {
    on_each_database(async |database| {
        let world = World::of(database).await?;
        let works = async |secret: &str| token::actor(&world.env, secret, None).await.is_ok();
        // No group any more, at signing in and as a session goes on; and a refresh token that counts no more.
        let bo = own_token(&world, &world.enter("8", &["desk"], None).await?).await?;
        for given in [
            None,
            Some(Given::Refusal(StatusCode::BAD_REQUEST, "invalid_grant")),
            Some(Given::Tokens(json!({ "access_token": "a" }))),
        ] {
            let first = own_token(&world, &world.enter("7", &["desk"], Some("r")).await?).await?;
            assert!(works(&first).await);
            match given {
                Some(given) => {
                    world.env.clock.advance(Duration::from_secs(270));
                    world.forger.plan().given = given;
                    world.forger.plan().userinfo = json!({ "sub": "7", "groups": [] });
                    world.refresh().await?;
                }
                None => {
                    let way = world.begin().await?;
                    world.forger.gives(world.tokens(&world.claims(&way, "7", &[])));
                    world.back(&way).await?;
                }
            }
            assert!(!works(&first).await);
            assert_eq!(
                world.newest("token.revoked").await?["name"].as_str().map(|name| &name[..4]),
                Some("psn_")
            );
            world.enter("7", &["desk"], None).await?;
            assert!(!works(&first).await, "what was revoked stays so");
        }
        assert!(works(&bo).await, "somebody else's goes on");

        // Nobody said anything: the token works as long as a session would have.
        let cookie = world.enter("7", &["desk"], Some("r")).await?;
        let last = own_token(&world, &cookie).await?;
        let longest = world.env.settings.auth.session_longest;
        world.env.clock.advance(longest - Duration::from_secs(1));
        assert!(works(&last).await);
        world.forger.gives(json!({ "access_token": "a" }));
        world.forger.plan().userinfo = json!({ "sub": "7", "groups": ["desk"] });
        world.refresh().await?;
        world.env.clock.advance(longest - Duration::from_secs(1));
        assert!(works(&last).await, "the provider vouched again as the session went on");
        world.env.clock.advance(Duration::from_secs(1));
        assert!(!works(&last).await && !works(&bo).await);
        world.enter("7", &["desk"], None).await?;
        assert!(works(&last).await && !works(&bo).await);
        Ok(())
    })
    .await
}
