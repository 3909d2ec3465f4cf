//! The ledger on both databases: it holds, the database defends it, and tampering is found where it happened.

use anyhow::{Context as _, Result, ensure};
use entities::ActorRole;
use futures::future::try_join_all;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;
use takedown::{
    actor::Actor,
    audit::{self, Chain, checkpoint, export},
    clock::Clock,
    env::Env,
    error::Error,
    ids::Ids,
    people::Seal,
    settings::Settings,
};
use tests::{Database, on_each_database};

async fn env(database: &Database) -> Result<Env> {
    let clock = Clock::manual("2025-05-13T12:00:00Z".parse()?);
    Ok(Env::new(database.connect().await?, clock, Ids::seeded(1), Settings::default()))
}

async fn record(env: &Env, nth: usize) -> Result<(), Error> {
    let txn = env.begin().await?;
    let actor = Actor::System("test");
    audit::record(&txn, env.now(), &actor, "tried", format!("thing {nth}"), json!({ "nth": nth })).await?;
    env.commit(txn).await
}

async fn written(database: &Database, events: usize) -> Result<Env> {
    let env = env(database).await?;
    for nth in 1..=events {
        record(&env, nth).await?;
    }
    Ok(env)
}

/// Takes the guard away, as somebody with the database's own rights could.
async fn unguard(env: &Env) -> Result<()> {
    let drop: &[&str] = match env.db.get_database_backend() {
        DbBackend::Postgres => &["DROP TRIGGER audit_event_append_only ON audit_event"],
        _ => &["DROP TRIGGER audit_event_no_update", "DROP TRIGGER audit_event_no_delete"],
    };
    for sql in drop {
        env.db.execute_unprepared(sql).await?;
    }
    Ok(())
}

async fn broken_at(env: &Env) -> Result<(i64, String)> {
    match audit::verify(&env.db, None).await? {
        Chain::Broken { seq, reason } => Ok((seq, reason)),
        Chain::Intact { .. } => anyhow::bail!("the ledger says that it is intact"),
    }
}

#[tokio::test]
async fn an_untouched_ledger_is_intact() -> Result<()> {
    on_each_database(async |database| {
        let env = written(database, 0).await?;
        assert_eq!(audit::verify(&env.db, None).await?, Chain::Intact { events: 0, head: "0".repeat(64) });
        for nth in 1..=5 {
            record(&env, nth).await?;
        }
        let head = audit::head(&env.db).await?.context("an event")?;
        let intact = Chain::Intact { events: 5, head: takedown::hex(&head.hash) };
        assert_eq!(audit::verify(&env.db, None).await?, intact);
        // What is taken back leaves no gap.
        let txn = env.begin().await?;
        audit::record(&txn, env.now(), &Actor::System("test"), "tried", "nothing", json!({})).await?;
        txn.rollback().await?;
        assert_eq!(audit::verify(&env.db, None).await?, intact);
        record(&env, 6).await?;
        assert!(matches!(audit::verify(&env.db, None).await?, Chain::Intact { events: 6, .. }));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_database_refuses_to_change_the_ledger() -> Result<()> {
    on_each_database(async |database| {
        let env = written(database, 3).await?;
        let mut statements =
            vec!["UPDATE audit_event SET actor = 'nobody' WHERE seq = 2", "DELETE FROM audit_event"];
        if env.db.get_database_backend() == DbBackend::Postgres {
            statements.push("TRUNCATE audit_event");
        }
        for sql in statements {
            let error = env.db.execute_unprepared(sql).await.expect_err(sql);
            assert!(error.to_string().contains("audit_event is append-only"), "{sql}: {error}");
        }
        assert!(matches!(audit::verify(&env.db, None).await?, Chain::Intact { events: 3, .. }));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_changed_field_is_found_at_its_event() -> Result<()> {
    for field in
        ["at = at + 1", "actor = 'x'", "verb = 'x'", "subject = 'x'", "detail = '{}'", "hash = prev_hash"]
    {
        on_each_database(async |database| {
            let env = written(database, 4).await?;
            unguard(&env).await?;
            env.db.execute_unprepared(&format!("UPDATE audit_event SET {field} WHERE seq = 3")).await?;
            let (seq, reason) = broken_at(&env).await?;
            assert_eq!(seq, 3, "{field}: {reason}");
            assert!(reason.contains("do not give its hash"), "{field}: {reason}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_or_exchanged_event_is_found() -> Result<()> {
    on_each_database(async |database| {
        let env = written(database, 4).await?;
        unguard(&env).await?;
        env.db.execute_unprepared("DELETE FROM audit_event WHERE seq = 2").await?;
        let (seq, reason) = broken_at(&env).await?;
        assert_eq!((seq, reason.contains("missing")), (2, true), "{reason}");
        // The gap closed by renumbering: the chain tells.
        env.db.execute_unprepared("UPDATE audit_event SET seq = 2 WHERE seq = 3").await?;
        env.db.execute_unprepared("UPDATE audit_event SET seq = 3 WHERE seq = 4").await?;
        let (seq, reason) = broken_at(&env).await?;
        assert_eq!((seq, reason.contains("the event before")), (2, true), "{reason}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_first_event_cannot_be_cut_off() -> Result<()> {
    on_each_database(async |database| {
        let env = written(database, 3).await?;
        unguard(&env).await?;
        env.db.execute_unprepared("DELETE FROM audit_event WHERE seq = 1").await?;
        assert_eq!(broken_at(&env).await?.0, 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn many_writers_leave_no_gap() -> Result<()> {
    on_each_database(async |database| {
        let mut envs = Vec::new();
        for _ in 0..4 {
            envs.push(env(database).await?);
        }
        try_join_all((0..80).map(|nth| record(&envs[nth % 4], nth))).await?;
        assert!(matches!(audit::verify(&envs[0].db, None).await?, Chain::Intact { events: 80, .. }));
        // Every one of them is there once.
        let sql = "SELECT count(DISTINCT subject) FROM audit_event";
        let backend = envs[0].db.get_database_backend();
        let row = envs[0].db.query_one_raw(Statement::from_string(backend, sql)).await?.context("a row")?;
        assert_eq!(row.try_get_by_index::<i64>(0)?, 80);
        Ok(())
    })
    .await
}

async fn signing(database: &Database, events: usize) -> Result<Env> {
    let mut env = written(database, events).await?;
    env.seal = Some(Seal::new([3; 32]));
    Ok(env)
}

#[tokio::test]
async fn a_ledger_that_was_cut_off_shows_against_its_checkpoint() -> Result<()> {
    on_each_database(async |database| {
        let env = signing(database, 4).await?;
        let key = checkpoint::public_key(&env)?;
        let signed = checkpoint::sign(&env).await?.context("a checkpoint")?;
        assert_eq!((signed.seq, checkpoint::sign(&env).await?), (4, None), "once");
        record(&env, 5).await?;
        assert!(matches!(audit::verify(&env.db, Some(&key)).await?, Chain::Intact { events: 5, .. }));
        unguard(&env).await?;
        env.db.execute_unprepared("DELETE FROM audit_event WHERE seq = 5").await?;
        assert!(
            matches!(audit::verify(&env.db, Some(&key)).await?, Chain::Intact { events: 4, .. }),
            "not signed yet"
        );
        env.db.execute_unprepared("DELETE FROM audit_event WHERE seq = 4").await?;
        let cut = audit::verify(&env.db, Some(&key)).await?;
        ensure!(matches!(&cut, Chain::Broken { seq: 4, reason } if reason.contains("cut off")), "{cut:?}");
        // Written anew from there on, as whoever has the database can: the chain holds, the checkpoint does not.
        record(&env, 99).await?;
        let anew = audit::verify(&env.db, Some(&key)).await?;
        ensure!(matches!(&anew, Chain::Broken { seq: 4, reason } if reason.contains("anew")), "{anew:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_checkpoint_counts_with_our_key_only_and_cannot_be_changed() -> Result<()> {
    on_each_database(async |database| {
        let mut env = signing(database, 2).await?;
        let key = checkpoint::public_key(&env)?;
        checkpoint::sign(&env).await?;
        for change in ["UPDATE audit_checkpoint SET at = 1", "DELETE FROM audit_checkpoint"] {
            ensure!(env.db.execute_unprepared(change).await.is_err(), "{change}");
        }
        record(&env, 3).await?;
        // Somebody else's key signs what they like.
        env.seal = Some(Seal::new([4; 32]));
        checkpoint::sign(&env).await?;
        assert!(
            matches!(audit::verify(&env.db, None).await?, Chain::Intact { .. }),
            "without a key it cannot be told"
        );
        let foreign = audit::verify(&env.db, Some(&key)).await?;
        ensure!(
            matches!(&foreign, Chain::Broken { seq: 3, reason } if reason.contains("another key")),
            "{foreign:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_export_proves_itself_without_us() -> Result<()> {
    on_each_database(async |database| {
        let env = signing(database, 3).await?;
        checkpoint::sign(&env).await?;
        let key = checkpoint::public_key(&env)?;
        let lead = Actor::person("lea", ActorRole::Lead);
        let mut lines = Vec::new();
        let mut keep = |line| {
            lines.push(line);
            Ok(())
        };
        for refused in
            [Actor::person("ana", ActorRole::Analyst), Actor::liaison("kim", "police"), Actor::Nobody]
        {
            ensure!(export::export(&env, &refused, &mut keep).await.is_err(), "{refused}");
        }
        assert_eq!(export::export(&env, &lead, &mut keep).await?, 4, "itself, too");
        let check = |lines: &[String], key: &[u8]| export::check(lines.join("\n").as_bytes(), Some(key));
        assert!(matches!(check(&lines, &key)?, Chain::Intact { events: 4, .. }));
        assert!(matches!(check(&lines, &[7; 32])?, Chain::Broken { seq: 3, .. }), "another key");
        for at in 0..4 {
            let mut changed = lines.clone();
            changed[at] = changed[at].replace("2025", "2024");
            assert!(
                matches!(check(&changed, &key)?, Chain::Broken { seq, .. } if seq == i64::try_from(at)? + 1)
            );
            changed.remove(at);
            assert!(matches!(check(&changed, &key)?, Chain::Broken { .. }) || at == 3, "without {at}");
        }
        let cut = check(&lines[..4], &key)?;
        ensure!(matches!(&cut, Chain::Broken { seq: 5, reason } if reason.contains("cut off")), "{cut:?}");
        ensure!(check(&["{}".into()], &key).is_err(), "what is none is refused");
        Ok(())
    })
    .await
}
