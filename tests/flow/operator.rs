//! What an operator does beside the road, on both databases: the schema, tokens, dead jobs, reading the ledger.

use std::time::Duration;

use anyhow::Result;
use entities::ActorRole;
use futures::future::try_join_all;
use migrations::{Migrator, MigratorTrait};
use takedown::{
    actor::Actor,
    audit,
    clock::Clock,
    env::Env,
    error::Error,
    ids::Ids,
    job::{kinds::ObserveDue, oversight, queue},
    settings::Settings,
    token::{self, NewToken},
};
use tests::{Database, on_each_database};

async fn env(database: &Database) -> Result<Env> {
    let clock = Clock::manual("2025-05-13T12:00:00Z".parse()?);
    Ok(Env::new(database.connect().await?, clock, Ids::seeded(1), Settings::default()))
}

fn admin() -> Actor {
    Actor::person("root", ActorRole::Admin)
}

#[tokio::test]
async fn processes_that_start_together_make_the_schema_once() -> Result<()> {
    on_each_database(async |database| {
        let db = database.connect().await?;
        Migrator::reset(&db).await?;
        assert!(migrations::status(&db).await?.iter().all(|(_, applied)| !applied));
        let pools = try_join_all((0..4).map(|_| database.connect())).await?;
        let made = try_join_all(pools.iter().map(migrations::up)).await?;
        assert_eq!(made.iter().filter(|changes| !changes.is_empty()).count(), 1, "{made:?}");
        assert!(migrations::status(&db).await?.iter().all(|(_, applied)| *applied));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_token_is_its_holder_until_it_is_revoked() -> Result<()> {
    on_each_database(async |database| {
        let env = env(database).await?;
        let expires_at = Some(env.now().plus(Duration::from_secs(60)));
        let new =
            NewToken { name: "bo".into(), role: ActorRole::Liaison, agency: Some("bka".into()), expires_at };
        let (row, secret) = token::create(&env, &admin(), new).await?;
        assert_eq!(token::actor(&env, &secret, None).await?, Actor::liaison("bo", "bka"));
        assert_eq!(token::list(&env, &admin()).await?, std::slice::from_ref(&row));
        token::revoke(&env, &admin(), row.id).await?;
        assert!(matches!(token::actor(&env, &secret, None).await, Err(Error::Unauthenticated)));
        let verbs: Vec<_> = audit::tail(&env.db, &admin(), 10).await?.into_iter().map(|e| e.verb).collect();
        assert_eq!(verbs, ["token.created", "token.revoked"]);
        assert_eq!(audit::after(&env.db, &admin(), 1, 10).await?.len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_dead_job_runs_again_when_a_person_says_so() -> Result<()> {
    on_each_database(async |database| {
        let env = env(database).await?;
        let txn = env.begin().await?;
        queue::enqueue(&env, &txn, &ObserveDue {}).await?;
        env.commit(txn).await?;
        let claimed = queue::claim(&env, "test", 1).await?;
        queue::bury(&env, &claimed[0], "the resolver is gone").await?;

        let analyst = Actor::person("ana", ActorRole::Analyst);
        assert!(matches!(oversight::list(&env, &analyst, true, 10).await, Err(Error::Forbidden { .. })));
        let dead = oversight::list(&env, &admin(), true, 10).await?;
        assert_eq!(dead.len(), 1);
        oversight::requeue(&env, &admin(), dead[0].id).await?;
        assert!(oversight::list(&env, &admin(), true, 10).await?.is_empty());
        let again = oversight::requeue(&env, &admin(), dead[0].id).await;
        assert!(matches!(again, Err(Error::Conflict { .. })), "it is alive");
        let claimed = queue::claim(&env, "test", 1).await?;
        assert_eq!((claimed.len(), claimed[0].attempts), (1, 1));

        // A waiting job with the same key does the work: the dead one goes.
        queue::bury(&env, &claimed[0], "again").await?;
        let txn = env.begin().await?;
        queue::enqueue(&env, &txn, &ObserveDue {}).await?;
        env.commit(txn).await?;
        oversight::requeue(&env, &admin(), claimed[0].id).await?;
        assert_eq!(queue::depth(&env.db).await?, (1, 0));
        Ok(())
    })
    .await
}
