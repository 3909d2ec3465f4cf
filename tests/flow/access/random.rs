//! Random worlds: what everybody sees of them, beside a model that knows nothing of the statements. Some worlds pile up in
//! one database, so that each is asked for among others.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use entities::{
    Authority, Channel, ClusterId, DeskId, ImportId, NoticeId, NoticeState, ObservableId, ObservableKind,
    SourceId, TaskId, TaskState, Tlp, cluster, cluster_member, desk, import, link, notice, observable,
    sighting, source, task,
};
use proptest::prelude::*;
use sea_orm::ConnectionTrait as _;
use serde_json::json;
use takedown::{
    actor::Actor,
    env::Env,
    error::Error,
    reads::{
        Page, Slice,
        cases::{self, TaskFilter},
        imports,
        observables::{self, ObservableFilter},
    },
};
use tests::on_each_database;
use uuid::Uuid;

use super::world::askers;
use crate::graph::{
    check,
    world::{self, insert, observed, sighted},
};

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
    page: u64,
}

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
        (Just(observables), links, tasks, clusters, notices, 1..6_u64).prop_map(
            |(observables, links, tasks, clusters, notices, page)| Plan {
                observables,
                links,
                tasks: tasks.into_iter().collect(),
                clusters: clusters.into_iter().map(|of| of.into_iter().collect()).collect(),
                notices,
                page,
            },
        )
    })
}

/// Everything that was stored, and what marks it.
#[derive(Default)]
struct Model {
    observables: Vec<(ObservableId, ObservableKind, Vec<Tlp>)>,
    links: Vec<(ObservableId, ObservableId, Tlp)>,
    imports: Vec<(ImportId, Vec<Tlp>)>,
    tasks: Vec<(TaskId, ObservableId)>,
    clusters: Vec<(ClusterId, Vec<ObservableId>)>,
    notices: Vec<(NoticeId, Tlp)>,
}

impl Model {
    fn sees_sighted(&self, limit: Tlp, id: ObservableId) -> bool {
        let of = self.observables.iter().find(|(known, ..)| *known == id);
        of.is_some_and(|(.., labels)| labels.iter().any(|tlp| *tlp <= limit))
    }

    fn sees(&self, limit: Tlp, id: ObservableId) -> bool {
        let Some((_, kind, labels)) = self.observables.iter().find(|(known, ..)| *known == id) else {
            return false;
        };
        if limit == Tlp::Red || self.sees_sighted(limit, id) {
            return true;
        }
        let beside = |(from, to, tlp): &(ObservableId, ObservableId, Tlp)| {
            *tlp <= limit
                && ((*from == id && self.sees_sighted(limit, *to))
                    || (*to == id && self.sees_sighted(limit, *from)))
        };
        labels.is_empty() && (*kind == ObservableKind::NameServer || self.links.iter().any(beside))
    }

    fn seen(&self, limit: Tlp) -> Seen {
        let all = limit == Tlp::Red;
        let ids = |of: &mut dyn Iterator<Item = Uuid>| of.collect::<BTreeSet<_>>();
        Seen {
            observables: ids(&mut self
                .observables
                .iter()
                .map(|(id, ..)| *id)
                .filter(|id| self.sees(limit, *id))
                .map(|id| id.0)),
            imports: ids(&mut self
                .imports
                .iter()
                .filter(|(_, labels)| all || (!labels.is_empty() && labels.iter().all(|tlp| *tlp <= limit)))
                .map(|(id, _)| id.0)),
            tasks: ids(&mut self.tasks.iter().filter(|(_, of)| self.sees(limit, *of)).map(|(id, _)| id.0)),
            clusters: ids(&mut self
                .clusters
                .iter()
                .filter(|(_, of)| all || of.iter().any(|of| self.sees(limit, *of)))
                .map(|(id, _)| id.0)),
            notices: ids(&mut self.notices.iter().filter(|(_, tlp)| *tlp <= limit).map(|(id, _)| id.0)),
        }
    }

    /// Stores a world beside what is there.
    async fn store(&mut self, env: &Env, desk: DeskId, plan: &Plan) -> Result<()> {
        let (at, mark): (_, SourceId) = (env.now(), env.id());
        let origin = source::Model { id: mark, name: mark.to_string(), created_at: at };
        let arrivals: Vec<import::Model> = (0..3)
            .map(|_| import::Model {
                id: env.id(),
                source_id: mark,
                name: "-".into(),
                format: "list".into(),
                sha256: String::new(),
                total: 0,
                accepted: 0,
                duplicate: 0,
                rejected: 0,
                lines_digest: String::new(),
                created_by: "ana".into(),
                created_at: at,
            })
            .collect();
        let rows: Vec<observable::Model> = plan
            .observables
            .iter()
            .enumerate()
            .map(|(at, (kind, _))| observed(env, *kind, mark, at))
            .collect();
        let mut seen: Vec<sighting::Model> = Vec::new();
        let mut labels = vec![Vec::new(); 3];
        for (row, (_, said)) in rows.iter().zip(&plan.observables) {
            for (nth, (which, tlp)) in said.iter().enumerate() {
                let family = format!("family {nth}");
                seen.push(sighting::Model { family, ..sighted(env, &arrivals[*which], row.id, *tlp) });
                labels[*which].push(*tlp);
            }
        }
        let mut unique = BTreeSet::new();
        let between = plan.links.iter().filter(|(from, to, _)| unique.insert((*from, *to)));
        let links: Vec<link::Model> = between
            .map(|(from, to, tlp)| link::Model {
                id: env.id(),
                from_id: rows[*from].id,
                kind: entities::LinkKind::ResolvesTo,
                to_id: rows[*to].id,
                source_id: mark,
                first_seen: at,
                last_seen: at,
                count: 1,
                tlp: *tlp,
            })
            .collect();
        let tasks: Vec<task::Model> = plan.tasks.iter().map(|of| open(env, rows[*of].id)).collect();
        let groups: Vec<cluster::Model> = plan.clusters.iter().map(|of| group(env, of.len())).collect();
        let members: Vec<cluster_member::Model> = groups
            .iter()
            .zip(&plan.clusters)
            .flat_map(|(group, of)| {
                of.iter().map(|of| cluster_member::Model {
                    cluster_id: group.id,
                    observable_id: rows[*of].id,
                    reasons: json!([]),
                    joined_at: at,
                })
            })
            .collect();
        let notices: Vec<notice::Model> = plan.notices.iter().map(|tlp| drafted(env, desk, *tlp)).collect();
        self.observables.extend(
            rows.iter()
                .zip(&plan.observables)
                .map(|(row, (kind, said))| (row.id, *kind, said.iter().map(|(_, tlp)| *tlp).collect())),
        );
        self.links.extend(links.iter().map(|link| (link.from_id, link.to_id, link.tlp)));
        self.imports.extend(arrivals.iter().map(|row| row.id).zip(labels));
        self.tasks.extend(tasks.iter().map(|row| (row.id, row.target_id)));
        self.clusters.extend(
            groups
                .iter()
                .zip(&plan.clusters)
                .map(|(group, of)| (group.id, of.iter().map(|of| rows[*of].id).collect())),
        );
        self.notices.extend(notices.iter().map(|row| (row.id, row.tlp)));
        insert(env, vec![origin]).await?;
        insert(env, arrivals).await?;
        insert(env, rows).await?;
        insert(env, seen).await?;
        insert(env, links).await?;
        insert(env, tasks).await?;
        insert(env, groups).await?;
        insert(env, members).await?;
        insert(env, notices).await
    }
}

#[derive(Debug, PartialEq)]
struct Seen {
    observables: BTreeSet<Uuid>,
    imports: BTreeSet<Uuid>,
    tasks: BTreeSet<Uuid>,
    clusters: BTreeSet<Uuid>,
    notices: BTreeSet<Uuid>,
}

fn open(env: &Env, of: ObservableId) -> task::Model {
    task::Model {
        id: env.id(),
        target_id: of,
        channel: Channel::Registrar,
        authority: Authority::AbusePolicy,
        cluster_id: None,
        desk_id: None,
        playbook: "registrar-suspension".into(),
        state: TaskState::Draft,
        reason: None,
        verdict: None,
        opened_by: "ana".into(),
        approved_by: None,
        opened_at: env.now(),
        approved_at: None,
        first_notice_at: None,
        ack_at: None,
        claimed_at: None,
        first_seen_down_at: None,
        confirmed_at: None,
        reemerged_at: None,
        next_check_at: None,
        version: 1,
    }
}

fn group(env: &Env, size: usize) -> cluster::Model {
    cluster::Model {
        id: env.id(),
        name: "a cluster".into(),
        family: "lumma".into(),
        size: i64::try_from(size).unwrap_or(i64::MAX),
        created_at: env.now(),
        updated_at: env.now(),
        version: 1,
    }
}

fn drafted(env: &Env, desk: DeskId, tlp: Tlp) -> notice::Model {
    let id: NoticeId = env.id();
    notice::Model {
        id,
        desk_id: desk,
        recipient: "abuse@registrar.example".into(),
        subject: "a subject".into(),
        body: "a body".into(),
        xarf: json!([]),
        sha256: String::new(),
        tlp,
        state: NoticeState::Draft,
        reason: None,
        message_id: format!("{id}@lockstep.example"),
        drafted_by: "ana".into(),
        approved_by: None,
        smtp_reply: None,
        created_at: env.now(),
        approved_at: None,
        sent_at: None,
        version: 1,
    }
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

async fn asked(env: &Env, actor: &Actor, size: u64) -> Result<Seen> {
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
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_of_random_worlds_what_the_model_says() -> Result<()> {
    on_each_database(async |database| {
        let env = world::env(database).await?;
        let desk = desk::Model {
            id: env.id(),
            channel: Channel::Registrar,
            party: "A registrar".into(),
            scope: "iana:64496".into(),
            email: None,
            source: "manual".into(),
            verified_at: None,
            created_at: env.now(),
            version: 1,
        };
        insert(&env, vec![desk.clone()]).await?;
        let model = tokio::sync::Mutex::new(Model::default());
        check(&any_plan(), async |plan| {
            let mut model = model.lock().await;
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
            }
            model.store(&env, desk.id, &plan).await?;
            for asker in askers() {
                let Some(limit) = asker.limit() else {
                    let page = Page::first(1);
                    ensure!(
                        cases::tasks(&env, &asker.actor, &TaskFilter::default(), page).await.is_err(),
                        "{}",
                        asker.name
                    );
                    continue;
                };
                let (expected, found) = (model.seen(limit), asked(&env, &asker.actor, plan.page).await?);
                ensure!(expected == found, "{} with {limit}:\n{expected:?}\n{found:?}", asker.name);
            }
            Ok(())
        })
    })
    .await
}
