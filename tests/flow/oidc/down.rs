//! A provider that is down, slow or odd.

use std::time::Duration;

use anyhow::Result;
use axum::http::StatusCode;
use entities::ActorRole;
use serde_json::json;
use takedown::people::{NewPerson, invite, person};
use tests::on_each_database;

use super::{
    forger::Given,
    out, root,
    world::{PATIENCE, World},
};

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
        let broken = Given::Refusal(StatusCode::INTERNAL_SERVER_ERROR, "server_error");
        for given in [Given::Never, Given::Elsewhere, Given::Flood, broken] {
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
