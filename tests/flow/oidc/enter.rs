//! Who gets in, and by which answers.

use std::{net::IpAddr, time::Duration};

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use takedown::people::person;
use tests::on_each_database;

use super::{
    forger::Given,
    out, root,
    world::{End, World, home},
};

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
        world.forger.plan().given = Given::Refusal(StatusCode::BAD_REQUEST, "invalid_grant");
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
