//! Tokens that are not believed, and keys.

use std::{net::IpAddr, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tests::on_each_database;

use super::{
    forger::{Signer, unsigned},
    out,
    world::World,
};

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
