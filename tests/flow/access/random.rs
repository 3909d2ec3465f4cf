//! Random worlds: what everybody sees of them, beside a model that knows nothing of the statements. Some worlds pile up in
//! one database, so that each is asked for among others. Each is there once or several times, with the same names: in
//! operations and outside of them; people come and go in these, and seals are set and lifted.

mod model;
mod stage;

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use entities::{ActorRole, ObservableKind, Tlp, cluster, import, notice, observable, task};
use proptest::prelude::*;
use sea_orm::ConnectionTrait as _;
use takedown::{
    actor::Actor,
    audit::{self, ActivityFilter},
    env::Env,
    error::Error,
    reads::{
        Page, Slice,
        cases::{self, TaskFilter},
        feed, imports,
        observables::{self, ObservableFilter},
    },
};
use tests::on_each_database;
use uuid::Uuid;

use self::{
    model::{Model, Seen},
    stage::Stage,
};
use crate::graph::{check, world};

const KINDS: [ObservableKind; 4] = [
    ObservableKind::DomainName,
    ObservableKind::Url,
    ObservableKind::Ipv4Address,
    ObservableKind::NameServer,
];

/// One world, by numbers.
#[derive(Clone, Debug)]
struct Plan {
    /// Of each observable its kind, and its sightings: in which of three imports, with which label.
    observables: Vec<(ObservableKind, Vec<(usize, Tlp)>)>,
    links: Vec<(usize, usize, Tlp)>,
    tasks: Vec<usize>,
    clusters: Vec<Vec<usize>>,
    notices: Vec<Tlp>,
    /// Where it is: in which operations, or in none.
    places: Vec<Option<usize>>,
    /// Which operations are sealed from now on.
    sealed: [bool; OPERATIONS],
    /// Which people, and last which party, are members of which from now on.
    members: [[bool; OPERATIONS]; PEOPLE + 1],
    page: u64,
}

const OPERATIONS: usize = 3;
/// People with an account of no party. One more is of a party.
const PEOPLE: usize = 3;

fn any_plan() -> impl Strategy<Value = Plan> {
    let tlp = || prop::sample::select(Tlp::ALL);
    let sightings = prop::collection::vec((0..3_usize, tlp()), 0..3);
    let nodes = prop::collection::vec((prop::sample::select(&KINDS[..]), sightings), 1..7);
    nodes.prop_flat_map(move |observables| {
        let at = || 0..observables.len();
        let links = prop::collection::vec((at(), at(), tlp()), 0..8);
        let tasks = prop::collection::btree_set(at(), 0..4);
        let clusters = prop::collection::vec(prop::collection::btree_set(at(), 1..4), 0..3);
        let notices = prop::collection::vec(tlp(), 0..3);
        let places = prop::collection::btree_set(prop::option::of(0..OPERATIONS), 1..3);
        let who = (any::<[bool; OPERATIONS]>(), any::<[[bool; OPERATIONS]; PEOPLE + 1]>());
        let things = (links, tasks, clusters, notices);
        (Just(observables), things, places, who, 1..6_u64).prop_map(
            |(observables, (links, tasks, clusters, notices), places, (sealed, members), page)| Plan {
                observables,
                links,
                tasks: tasks.into_iter().collect(),
                clusters: clusters.into_iter().map(|of| of.into_iter().collect()).collect(),
                notices,
                places: places.into_iter().collect(),
                sealed,
                members,
                page,
            },
        )
    })
}

/// All ids of a list, page by page; every page says the same total, which is what there is.
async fn walked<T>(
    size: u64,
    id: impl Fn(&T) -> Uuid,
    mut list: impl AsyncFnMut(Page) -> Result<Slice<T>, Error>,
) -> Result<BTreeSet<Uuid>> {
    let (mut ids, mut total) = (BTreeSet::new(), None);
    let mut page = Page { first: size, after: None, total: true };
    loop {
        let slice = list(page).await?;
        ensure!(total.is_none_or(|total| Some(total) == slice.total), "the total changed");
        total = slice.total;
        let before = ids.len();
        ids.extend(slice.rows.iter().map(&id));
        ensure!(ids.len() == before + slice.rows.len(), "a row came twice");
        page.after = slice.rows.last().map(&id);
        if !slice.more {
            break;
        }
        ensure!(slice.rows.len() as u64 == size, "a page that is not the last is full");
    }
    ensure!(total == Some(ids.len() as u64), "{total:?}, {}", ids.len());
    Ok(ids)
}

/// The numbers of the events after `since` that somebody hears of, as who reads the ledger finds them too.
async fn heard(env: &Env, actor: &Actor, since: i64) -> Result<BTreeSet<i64>> {
    let (mut heard, mut after) = (BTreeSet::new(), since);
    loop {
        let (events, through) = feed::after(env, actor, after).await?;
        heard.extend(events.iter().map(|event| event.seq));
        if through == after {
            break;
        }
        after = through;
    }
    if actor.role() == Some(ActorRole::Lead) {
        let filter = ActivityFilter { verb: Some("imported".into()), ..ActivityFilter::default() };
        let (mut found, mut before) = (BTreeSet::new(), None);
        let total = audit::activity(env, actor, &filter, 1, None, true).await?.total;
        let mut every = 0;
        loop {
            let slice = audit::activity(env, actor, &filter, 500, before, false).await?;
            every += slice.rows.len() as u64;
            found.extend(slice.rows.iter().map(|event| event.seq).filter(|seq| *seq > since));
            before = slice.rows.last().map(|event| event.seq);
            if !slice.more {
                break;
            }
        }
        ensure!(found == heard && total == Some(every), "the ledger: {found:?}, the feed: {heard:?}");
    }
    Ok(heard)
}

async fn asked(env: &Env, actor: &Actor, size: u64, since: i64) -> Result<Seen> {
    let all = (ObservableFilter::default(), TaskFilter::default());
    Ok(Seen {
        observables: walked(
            size,
            |row: &observable::Model| row.id.0,
            async |page| observables::list(env, actor, &all.0, page).await,
        )
        .await?,
        imports: walked(
            size,
            |row: &import::Model| row.id.0,
            async |page| imports::list(env, actor, page).await,
        )
        .await?,
        tasks: walked(
            size,
            |row: &task::Model| row.id.0,
            async |page| cases::tasks(env, actor, &all.1, page).await,
        )
        .await?,
        clusters: walked(
            size,
            |row: &cluster::Model| row.id.0,
            async |page| cases::clusters(env, actor, None, page).await,
        )
        .await?,
        notices: walked(
            size,
            |row: &notice::Model| row.id.0,
            async |page| cases::notices(env, actor, None, page).await,
        )
        .await?,
        events: heard(env, actor, since).await?,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_of_random_worlds_what_the_model_says() -> Result<()> {
    on_each_database(async |database| {
        let stage = Stage::set(world::env(database).await?).await?;
        let env = &stage.env;
        let begun = audit::head(&env.db).await?.map_or(0, |event| event.seq);
        let model = tokio::sync::Mutex::new((Model::default(), begun));
        check(&any_plan(), async |plan| {
            let mut held = model.lock().await;
            let (model, since) = &mut *held;
            // A few are enough to be asked for among.
            if model.observables.len() > 25 {
                for table in [
                    "sighting",
                    "link",
                    "task",
                    "cluster_member",
                    "cluster",
                    "notice",
                    "import",
                    "observable",
                ] {
                    env.db.execute_unprepared(&format!("DELETE FROM {table}")).await?;
                }
                *model = Model::default();
                *since = audit::head(&env.db).await?.map_or(0, |event| event.seq);
            }
            model.store(&stage, &plan).await?;
            stage.arrange(&plan).await?;
            for (name, actor, eyes) in stage.everybody(&plan) {
                let Some(eyes) = eyes else {
                    let page = Page::first(1);
                    ensure!(cases::tasks(env, &actor, &TaskFilter::default(), page).await.is_err(), "{name}");
                    continue;
                };
                let (expected, found) = (model.seen(&eyes), asked(env, &actor, plan.page, *since).await?);
                ensure!(expected == found, "{name} with {}:\n{expected:?}\n{found:?}", eyes.limit);
            }
            Ok(())
        })
    })
    .await
}
