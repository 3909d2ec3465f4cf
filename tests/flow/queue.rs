//! The job queue on both databases: who gets a job, when it comes back, when it is given up.
#![expect(clippy::disallowed_methods, reason = "the tests look at the queue's own rows")]

use std::{collections::HashSet, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use entities::{NoticeId, ObservableId, job};
use futures::future::{join_all, try_join_all};
use sea_orm::EntityTrait;
use takedown::{
    clock::Clock,
    env::Env,
    error::Error,
    ids::Ids,
    job::{
        JobError,
        kinds::{ObserveDue, ReadRegistrations, SendNotice},
        queue, schedule,
        worker::{self, Running},
    },
    settings::Settings,
};
use tests::{Database, on_each_database};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// One process: a pool and ids of its own, the clock shared with the others.
async fn env(database: &Database, clock: &Clock, seed: u64) -> Result<Env> {
    Ok(Env::new(database.connect().await?, clock.clone(), Ids::seeded(seed), Settings::default()))
}

fn noon() -> Result<Clock> {
    Ok(Clock::manual("2025-05-13T12:00:00Z".parse()?))
}

/// A job without a dedupe key, told apart by `n`.
fn work(n: u128) -> ReadRegistrations {
    ReadRegistrations { observables: vec![ObservableId(Uuid::from_u128(n))] }
}

/// A job whose dedupe key is `n`.
fn keyed(n: u128) -> SendNotice {
    SendNotice { notice: NoticeId(Uuid::from_u128(n)) }
}

async fn enqueue<J: takedown::job::Job>(env: &Env, work: &J) -> Result<()> {
    let txn = env.begin().await?;
    queue::enqueue(env, &txn, work).await?;
    env.commit(txn).await?;
    Ok(())
}

async fn rows(env: &Env) -> Result<Vec<job::Model>> {
    Ok(job::Entity::find().all(&env.db).await?)
}

async fn only(env: &Env) -> Result<job::Model> {
    let mut rows = rows(env).await?;
    assert_eq!(rows.len(), 1);
    rows.pop().context("one row")
}

#[tokio::test]
async fn no_two_workers_get_the_same_job() -> Result<()> {
    on_each_database(async |database| {
        let clock = noon()?;
        let envs = [env(database, &clock, 1).await?, env(database, &clock, 2).await?];
        let txn = envs[0].begin().await?;
        for n in 0..150 {
            queue::enqueue(&envs[0], &txn, &work(n)).await?;
        }
        envs[0].commit(txn).await?;
        let claimers = envs.iter().flat_map(|env| (0..3).map(move |n| (env, format!("worker-{n}"))));
        let claimed = try_join_all(claimers.map(|(env, name)| async move {
            let mut mine = Vec::new();
            loop {
                let got = queue::claim(env, &name, 7).await?;
                if got.is_empty() {
                    return Ok::<_, Error>(mine);
                }
                mine.extend(got.into_iter().map(|row| row.id));
            }
        }))
        .await?
        .concat();
        assert_eq!(claimed.len(), 150);
        assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 150);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_lapsed_lease_is_another_workers_and_the_first_can_change_nothing() -> Result<()> {
    on_each_database(async |database| {
        let clock = noon()?;
        let env = env(database, &clock, 1).await?;
        enqueue(&env, &work(1)).await?;
        let lost = queue::claim(&env, "first", 10).await?.pop().context("the job")?;
        assert!(queue::claim(&env, "second", 10).await?.is_empty());
        clock.advance(env.settings.jobs.lease + Duration::from_secs(1));
        let held = queue::claim(&env, "second", 10).await?.pop().context("the job again")?;
        assert_eq!((held.id, held.attempts), (lost.id, 2));
        assert!(!queue::renew(&env, &lost).await?);
        queue::finish(&env, &lost).await?;
        queue::bury(&env, &lost, "too late").await?;
        queue::put_back(&env, &lost, env.now(), 0, Some("too late")).await?;
        assert_eq!(only(&env).await?, held);
        assert!(queue::renew(&env, &held).await?);
        queue::finish(&env, &held).await?;
        assert!(rows(&env).await?.is_empty());
        Ok(())
    })
    .await
}

fn fails<'a>(_: &'a job::Model, _: &'a Env) -> Running<'a> {
    Box::pin(async { Some(Err(JobError::retry(Error::Unavailable { what: "the registry".into() }))) })
}

fn fails_for_a_day<'a>(_: &'a job::Model, _: &'a Env) -> Running<'a> {
    let after = Some(Duration::from_secs(86_400));
    Box::pin(async move { Some(Err(JobError::Retry { error: Error::Stale, after })) })
}

fn gives_up<'a>(_: &'a job::Model, _: &'a Env) -> Running<'a> {
    Box::pin(async { Some(Err(JobError::GiveUp(Error::invalid("notice", "was withdrawn")))) })
}

#[expect(clippy::panic, reason = "what the worker must survive")]
fn panics<'a>(_: &'a job::Model, _: &'a Env) -> Running<'a> {
    Box::pin(async { panic!("a defect in a job") })
}

fn does_not_know<'a>(_: &'a job::Model, _: &'a Env) -> Running<'a> {
    Box::pin(async { None })
}

fn succeeds<'a>(_: &'a job::Model, _: &'a Env) -> Running<'a> {
    Box::pin(async { Some(Ok(())) })
}

fn never_ends<'a>(_: &'a job::Model, env: &'a Env) -> Running<'a> {
    // Tells the test that it has begun.
    env.jobs_waiting.notify_waiters();
    Box::pin(std::future::pending())
}

#[tokio::test]
async fn a_failing_job_is_tried_eight_times_with_growing_pauses_then_kept_as_dead() -> Result<()> {
    on_each_database(async |database| {
        let clock = noon()?;
        let env = env(database, &clock, 1).await?;
        enqueue(&env, &work(1)).await?;
        let mut last = Duration::ZERO;
        for attempt in 1..8 {
            assert_eq!(worker::drain(&env, fails).await?, 1);
            let row = only(&env).await?;
            assert_eq!((row.attempts, row.leased_until, row.dead_at), (attempt, None, None));
            assert!(row.last_error.context("why")?.contains("the registry"));
            let pause = row.run_at.since(env.now());
            assert!(pause > last && pause <= Duration::from_secs(4_500), "{pause:?} after {last:?}");
            assert_eq!(worker::drain(&env, fails).await?, 0, "it is not due yet");
            clock.advance(pause);
            last = pause;
        }
        assert_eq!(worker::drain(&env, fails).await?, 1);
        assert!(only(&env).await?.dead_at.is_some());
        clock.advance(Duration::from_secs(86_400));
        assert_eq!(worker::drain(&env, succeeds).await?, 0, "dead stays dead");
        assert_eq!(queue::depth(&env.db).await?, (0, 1));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn each_outcome_leaves_what_it_says() -> Result<()> {
    on_each_database(async |database| {
        let clock = noon()?;
        let env = env(database, &clock, 1).await?;
        enqueue(&env, &keyed(1)).await?;
        worker::drain(&env, gives_up).await?;
        let dead = only(&env).await?;
        assert!(dead.dead_at.is_some() && dead.last_error.context("why")?.contains("was withdrawn"));

        // The dead one does not stop a new one of the same key.
        enqueue(&env, &keyed(1)).await?;
        assert_eq!(worker::drain(&env, succeeds).await?, 1);
        assert_eq!(only(&env).await?.id, dead.id);

        enqueue(&env, &keyed(2)).await?;
        worker::drain(&env, does_not_know).await?;
        assert_eq!(queue::depth(&env.db).await?, (0, 2));

        enqueue(&env, &ObserveDue {}).await?;
        worker::drain(&env, panics).await?;
        assert_eq!(queue::depth(&env.db).await?, (1, 2), "a panic is tried again");
        clock.advance(Duration::from_secs(3_600));
        worker::drain(&env, fails_for_a_day).await?;
        clock.advance(Duration::from_secs(86_399));
        assert_eq!(worker::drain(&env, succeeds).await?, 0);
        clock.advance(Duration::from_secs(1));
        assert_eq!(worker::drain(&env, succeeds).await?, 1);
        assert_eq!(queue::depth(&env.db).await?, (0, 2));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn one_waiting_job_per_key() -> Result<()> {
    on_each_database(async |database| {
        let env = env(database, &noon()?, 1).await?;
        enqueue(&env, &keyed(1)).await?;
        enqueue(&env, &keyed(1)).await?;
        enqueue(&env, &keyed(2)).await?;
        assert_eq!(rows(&env).await?.len(), 2);

        // While it runs, the next one may wait; put back, it leaves the work to that one.
        let running = queue::claim(&env, "worker", 10).await?;
        enqueue(&env, &keyed(1)).await?;
        enqueue(&env, &keyed(1)).await?;
        assert_eq!(rows(&env).await?.len(), 3);
        for row in &running {
            queue::put_back(&env, row, env.now(), row.attempts, Some("again")).await?;
        }
        let left = rows(&env).await?;
        assert_eq!(left.len(), 2);
        assert_eq!(left.iter().filter_map(|row| row.dedupe_key.clone()).collect::<HashSet<_>>().len(), 2);
        assert!(left.iter().all(|row| row.leased_until.is_none()));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_job_of_a_write_that_is_taken_back_never_was() -> Result<()> {
    on_each_database(async |database| {
        let env = env(database, &noon()?, 1).await?;
        let txn = env.begin().await?;
        queue::enqueue(&env, &txn, &work(1)).await?;
        txn.rollback().await?;
        assert!(rows(&env).await?.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_turn_is_taken_once_however_many_offer_it() -> Result<()> {
    on_each_database(async |database| {
        let clock = noon()?;
        let mut envs = Vec::new();
        for seed in 0..4 {
            envs.push(env(database, &clock, seed).await?);
        }
        let every = Duration::from_secs(60);
        for turn in 1..=3 {
            let took = join_all(envs.iter().map(|env| schedule::turn(env, every, &ObserveDue {}))).await;
            let took = took.into_iter().collect::<Result<Vec<bool>, _>>()?;
            assert_eq!(took.iter().filter(|took| **took).count(), 1, "turn {turn}");
            assert_eq!(worker::drain(&envs[0], succeeds).await?, 1, "turn {turn}");
            clock.advance(every);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_worker_that_must_stop_lets_go_of_what_it_holds() -> Result<()> {
    on_each_database(async |database| {
        let mut env = env(database, &noon()?, 1).await?;
        env.settings.jobs.grace = Duration::from_millis(20);
        let env = Arc::new(env);
        enqueue(&env, &work(1)).await?;
        let begun = env.jobs_waiting.notified();
        let stop = CancellationToken::new();
        let worker = tokio::spawn(worker::work(env.clone(), "worker".into(), never_ends, stop.clone()));
        begun.await;
        stop.cancel();
        worker.await?;
        let row = only(&env).await?;
        assert_eq!((row.attempts, row.leased_until, row.last_error), (0, None, None));
        assert_eq!(worker::drain(&env, succeeds).await?, 1);
        Ok(())
    })
    .await
}
