//! Who is due for a look: the reconciler that keeps observations fresh, and a person's request to look now.
#![expect(clippy::disallowed_methods, reason = "the due query is machine work over all observables")]

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use entities::{ObservableId, ObservableKind, OperationId, Probe, observable, observation};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockBehavior, LockType},
};

use super::{
    ask::Questions,
    round::{self, Round},
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    job::{
        JobError, Run,
        kinds::{ObserveDue, ReadRegistrations},
        queue,
    },
    visible,
};

/// How long a batch is somebody's: if that worker dies, it is due again then.
const CLAIM: Duration = Duration::from_secs(15 * 60);
/// Domains in one registration job: registries allow about one question a second.
const REGISTRATIONS: usize = 25;

impl Run for ObserveDue {
    /// Takes one batch, leaves the rest to the next job of its kind, which may run beside it.
    async fn run(self, env: &Env) -> Result<(), JobError> {
        if env.outside.dns.resolvers() == 0 {
            // Nobody can be asked: what is due stays so, until somebody can.
            tracing::warn!("observe.resolvers names no resolver: nothing is looked at");
            return Ok(());
        }
        let targets = claim(env).await?;
        if targets.is_empty() {
            return Ok(());
        }
        let actor = Actor::System("observe-due");
        let questions = Questions::survey(env);
        round::observe(env, &actor, &targets, &questions).await?;
        Ok(())
    }
}

impl Run for ReadRegistrations {
    async fn run(self, env: &Env) -> Result<(), JobError> {
        let actor = Actor::System("read-registrations");
        let targets = visible::observables(&actor)
            .filter(observable::Column::Id.is_in(self.observables))
            .all(&env.db)
            .await?;
        let (looks, _) = round::observe(env, &actor, &targets, &Questions::registration()).await?;
        // What did answer is in the port's cache, so a second run asks only the rest.
        let patience = looks.iter().filter_map(|look| look.again_after).max();
        patience.map_or(Ok(()), |after| {
            let what = "the registration data of some domains".into();
            Err(JobError::Retry { error: Error::Unavailable { what }, after: Some(after) })
        })
    }
}

/// Takes the observables that have been due longest, marks them as taken, and enqueues what follows: the next
/// batch, and the registrations of domains that nobody has looked at yet.
async fn claim(env: &Env) -> Result<Vec<observable::Model>, Error> {
    let now = env.now();
    let batch = env.settings.observe.batch;
    let txn = env.begin().await?;
    let due = observable::Entity::find()
        .filter(observable::Column::NextDueAt.lte(now))
        .order_by_asc(observable::Column::NextDueAt)
        .order_by_asc(observable::Column::Id)
        .limit(batch)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(&txn)
        .await?;
    observable::Entity::update_many()
        .col_expr(observable::Column::NextDueAt, Expr::value(Some(now.plus(CLAIM))))
        .filter(observable::Column::Id.is_in(due.iter().map(|row| row.id)))
        .exec(&txn)
        .await?;
    if due.len() as u64 == batch {
        queue::enqueue(env, &txn, &ObserveDue {}).await?;
    }
    for job in registrations(env, &txn, &due).await? {
        queue::enqueue(env, &txn, &job).await?;
    }
    env.commit(txn).await?;
    Ok(due)
}

/// Jobs for the domains whose registration was not read for a while.
async fn registrations(
    env: &Env,
    txn: &DatabaseTransaction,
    due: &[observable::Model],
) -> Result<Vec<ReadRegistrations>, Error> {
    let settings = &env.settings.observe;
    if !settings.registration {
        return Ok(Vec::new());
    }
    let domains: Vec<ObservableId> =
        due.iter().filter(|row| row.kind == ObservableKind::DomainName).map(|row| row.id).collect();
    let known: HashSet<ObservableId> = observation::Entity::find()
        .select_only()
        .column(observation::Column::ObservableId)
        .filter(observation::Column::ObservableId.is_in(domains.iter().copied()))
        .filter(observation::Column::Probe.eq(Probe::RdapDomain))
        .filter(observation::Column::LastSeen.gt(env.now().minus(settings.registration_every)))
        .into_tuple()
        .all(txn)
        .await?
        .into_iter()
        .collect();
    let unread: Vec<ObservableId> = domains.into_iter().filter(|id| !known.contains(id)).collect();
    Ok(unread.chunks(REGISTRATIONS).map(|part| ReadRegistrations { observables: part.to_vec() }).collect())
}

/// Whom a person wants looked at now.
#[derive(Clone, Debug)]
pub enum Whom {
    /// Those whose time has come.
    Due,
    /// Every observable that is looked at at all.
    All,
    /// These.
    These(Vec<ObservableId>),
}

/// Looks now, in this process, batch by batch; `progress` is told the figures so far and how many there are.
///
/// # Errors
/// The actor may not observe, one of the named is not visible, or the database refused; batches before that one
/// are stored.
pub async fn observe_now(
    env: &Env,
    actor: &Actor,
    whom: Whom,
    questions: &Questions,
    mut progress: impl FnMut(&Round, u64),
) -> Result<Round, Error> {
    access::check(actor, Action::Observe, Subject::System)?;
    let ids = find(env, actor, whom).await?;
    let (mut total, count) = (Round::default(), ids.len() as u64);
    let batch = usize::try_from(env.settings.observe.batch).unwrap_or(usize::MAX).max(1);
    for part in ids.chunks(batch) {
        let targets = visible::observables(actor)
            .filter(observable::Column::Id.is_in(part.iter().copied()))
            .order_by_asc(observable::Column::Id)
            .all(&env.db)
            .await?;
        let (_, round) = round::observe(env, actor, &targets, questions).await?;
        total.add(&round);
        progress(&total, count);
    }
    Ok(total)
}

async fn find(env: &Env, actor: &Actor, whom: Whom) -> Result<Vec<ObservableId>, Error> {
    access::signed_in(actor)?;
    let select = visible::observables(actor).select_only().column(observable::Column::Id);
    let select = select.order_by_asc(observable::Column::Id);
    let select = match whom {
        Whom::Due => select.filter(observable::Column::NextDueAt.lte(env.now())),
        Whom::All => select.filter(observable::Column::NextDueAt.is_not_null()),
        Whom::These(ids) => {
            let found: Vec<ObservableId> = select
                .filter(observable::Column::Id.is_in(ids.iter().copied()))
                .into_tuple()
                .all(&env.db)
                .await?;
            if let Some(missing) = ids.iter().find(|id| !found.contains(id)) {
                return Err(Error::not_found("observable", missing));
            }
            return Ok(found);
        }
    };
    Ok(select.into_tuple().all(&env.db).await?)
}

/// Observables by the operation that they belong to.
async fn by_operation(
    txn: &DatabaseTransaction,
    ids: &[ObservableId],
) -> Result<BTreeMap<Option<OperationId>, Vec<ObservableId>>, Error> {
    let rows: Vec<(ObservableId, Option<OperationId>)> = observable::Entity::find()
        .select_only()
        .columns([observable::Column::Id, observable::Column::OperationId])
        .filter(observable::Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(observable::Column::Id)
        .into_tuple()
        .all(txn)
        .await?;
    let mut by: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (id, operation) in rows {
        by.entry(operation).or_default().push(id);
    }
    Ok(by)
}

/// Makes observables due at once and wakes the reconciler: the quick answer to a request over the API.
///
/// # Errors
/// The actor may not observe, one of them is not visible, or the database refused.
pub async fn request(env: &Env, actor: &Actor, ids: &[ObservableId]) -> Result<usize, Error> {
    let txn = env.begin().await?;
    let found = find(env, actor, Whom::These(ids.to_vec())).await?;
    access::check(actor, Action::Observe, Subject::System)?;
    let made: u64 = observable::Entity::update_many()
        .col_expr(observable::Column::NextDueAt, Expr::value(Some(env.now())))
        .filter(observable::Column::Id.is_in(found.iter().copied()))
        .filter(observable::Column::NextDueAt.is_not_null())
        .exec(&txn)
        .await?
        .rows_affected;
    for (operation, ids) in by_operation(&txn, &found).await? {
        let listed: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let detail = serde_json::json!({ "observables": listed });
        audit::record_of(&txn, env.now(), actor, operation, "requested-look", "batch", detail).await?;
    }
    queue::enqueue(env, &txn, &ObserveDue {}).await?;
    env.commit(txn).await?;
    Ok(usize::try_from(made).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Seed, Test};

    #[tokio::test]
    async fn without_a_resolver_nothing_is_looked_at_and_what_is_due_stays_due() {
        let test = Test::new().await;
        let ids = test.plant(&[Seed { name: "evil.example", ..Seed::default() }]).await;
        let due = observable::ActiveModel {
            id: sea_orm::ActiveValue::Unchanged(ids[0]),
            next_due_at: sea_orm::ActiveValue::Set(Some(test.now())),
            ..Default::default()
        };
        let before = test.all::<observation::Entity>().await.len();
        let row = sea_orm::ActiveModelTrait::update(due, &test.db).await.unwrap();
        ObserveDue {}.run(&test).await.unwrap();
        let after = test.all::<observable::Entity>().await.into_iter().find(|row| row.id == ids[0]).unwrap();
        assert_eq!(after.next_due_at, Some(test.now()));
        assert_eq!(after.observed_at, row.observed_at);
        assert_eq!(test.all::<observation::Entity>().await.len(), before);
    }
}
