//! Random worlds: what everybody sees of them, beside a model that knows nothing of the statements. Some worlds pile up in
//! one database, so that each is asked for among others. Each is there once or several times, with the same names: in
//! operations and outside of them; people come and go in these, and seals are set and lifted.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use entities::{
    ActorRole, Authority, Channel, ClusterId, DeskId, ImportId, NoticeId, NoticeState, ObservableId,
    ObservableKind, OperationId, PartyId, PartyKind, SourceId, TaskId, TaskState, Tlp, cluster,
    cluster_member, desk, import, link, notice, observable, operation as operation_row, operation_member,
    party, sighting, source, task,
};
use proptest::prelude::*;
use sea_orm::ConnectionTrait as _;
use serde_json::json;
use takedown::{
    actor::{Actor, Knows, Trail},
    audit::{self, ActivityFilter},
    env::Env,
    error::Error,
    operation,
    people::{NewPerson, person},
    reads::{
        Page, Slice,
        cases::{self, TaskFilter},
        feed, imports,
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

/// Where something is: in an operation, by its number, or in none.
type Place = Option<usize>;

/// Everything that was stored, where it is, and what marks it.
#[derive(Default)]
struct Model {
    observables: Vec<(ObservableId, Place, ObservableKind, Vec<Tlp>)>,
    links: Vec<(ObservableId, ObservableId, Tlp)>,
    imports: Vec<(ImportId, Place, Vec<Tlp>)>,
    tasks: Vec<(TaskId, ObservableId)>,
    clusters: Vec<(ClusterId, Place, Vec<ObservableId>)>,
    notices: Vec<(NoticeId, Place, Tlp)>,
    /// Numbers of events.
    events: Vec<(i64, Place)>,
}

/// Somebody, as the model knows them: what they read, and of which operations they know.
struct Eyes {
    limit: Tlp,
    knows: [bool; OPERATIONS],
}

impl Eyes {
    fn know(&self, place: Place) -> bool {
        place.is_none_or(|of| self.knows[of])
    }
}

impl Model {
    fn sees_sighted(&self, eyes: &Eyes, id: ObservableId) -> bool {
        let of = self.observables.iter().find(|(known, ..)| *known == id);
        of.is_some_and(|(_, place, _, labels)| {
            eyes.know(*place) && labels.iter().any(|tlp| *tlp <= eyes.limit)
        })
    }

    fn sees(&self, eyes: &Eyes, id: ObservableId) -> bool {
        let Some((_, place, kind, labels)) = self.observables.iter().find(|(known, ..)| *known == id) else {
            return false;
        };
        if !eyes.know(*place) {
            return false;
        }
        if eyes.limit == Tlp::Red || self.sees_sighted(eyes, id) {
            return true;
        }
        let beside = |(from, to, tlp): &(ObservableId, ObservableId, Tlp)| {
            *tlp <= eyes.limit
                && ((*from == id && self.sees_sighted(eyes, *to))
                    || (*to == id && self.sees_sighted(eyes, *from)))
        };
        labels.is_empty() && (*kind == ObservableKind::NameServer || self.links.iter().any(beside))
    }

    fn seen(&self, eyes: &Eyes) -> Seen {
        let limit = eyes.limit;
        let all = limit == Tlp::Red;
        let ids = |of: &mut dyn Iterator<Item = Uuid>| of.collect::<BTreeSet<_>>();
        Seen {
            observables: ids(&mut self
                .observables
                .iter()
                .map(|(id, ..)| *id)
                .filter(|id| self.sees(eyes, *id))
                .map(|id| id.0)),
            imports: ids(&mut self
                .imports
                .iter()
                .filter(|(_, place, _)| eyes.know(*place))
                .filter(|(.., labels)| all || (!labels.is_empty() && labels.iter().all(|tlp| *tlp <= limit)))
                .map(|(id, ..)| id.0)),
            tasks: ids(&mut self.tasks.iter().filter(|(_, of)| self.sees(eyes, *of)).map(|(id, _)| id.0)),
            clusters: ids(&mut self
                .clusters
                .iter()
                .filter(|(_, place, _)| eyes.know(*place))
                .filter(|(.., of)| all || of.iter().any(|of| self.sees(eyes, *of)))
                .map(|(id, ..)| id.0)),
            notices: ids(&mut self
                .notices
                .iter()
                .filter(|(_, place, tlp)| eyes.know(*place) && *tlp <= limit)
                .map(|(id, ..)| id.0)),
            events: self.events.iter().filter(|(_, place)| eyes.know(*place)).map(|(seq, _)| *seq).collect(),
        }
    }

    /// Stores a world beside what is there, in each of its places, with the same names.
    async fn store(&mut self, stage: &Stage, plan: &Plan) -> Result<()> {
        let env = &stage.env;
        let (at, mark): (_, SourceId) = (env.now(), env.id());
        insert(env, vec![source::Model { id: mark, name: mark.to_string(), created_at: at }]).await?;
        for place in &plan.places {
            self.store_in(stage, plan, mark, *place).await?;
        }
        Ok(())
    }

    async fn store_in(&mut self, stage: &Stage, plan: &Plan, mark: SourceId, place: Place) -> Result<()> {
        let Stage { env, desk, operations, .. } = stage;
        let (at, own) = (env.now(), place.map(|of| operations[of]));
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
                operation_id: own,
            })
            .collect();
        let rows: Vec<observable::Model> = plan
            .observables
            .iter()
            .enumerate()
            .map(|(at, (kind, _))| observable::Model { operation_id: own, ..observed(env, *kind, mark, at) })
            .collect();
        let mut seen: Vec<sighting::Model> = Vec::new();
        let mut labels = vec![Vec::new(); 3];
        for (row, (_, said)) in rows.iter().zip(&plan.observables) {
            for (nth, (which, tlp)) in said.iter().enumerate() {
                let family = format!("family {nth}");
                let sighted = sighted(env, &arrivals[*which], row.id, *tlp);
                seen.push(sighting::Model { family, operation_id: own, ..sighted });
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
        let tasks: Vec<task::Model> = plan
            .tasks
            .iter()
            .map(|of| task::Model { operation_id: own, ..open(env, rows[*of].id) })
            .collect();
        let groups: Vec<cluster::Model> = plan
            .clusters
            .iter()
            .map(|of| cluster::Model { operation_id: own, ..group(env, of.len()) })
            .collect();
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
        let notices: Vec<notice::Model> = plan
            .notices
            .iter()
            .map(|tlp| notice::Model { operation_id: own, ..drafted(env, *desk, *tlp) })
            .collect();
        self.observables.extend(
            rows.iter().zip(&plan.observables).map(|(row, (kind, said))| {
                (row.id, place, *kind, said.iter().map(|(_, tlp)| *tlp).collect())
            }),
        );
        self.links.extend(links.iter().map(|link| (link.from_id, link.to_id, link.tlp)));
        self.imports.extend(arrivals.iter().zip(labels).map(|(row, labels)| (row.id, place, labels)));
        self.tasks.extend(tasks.iter().map(|row| (row.id, row.target_id)));
        self.clusters.extend(
            groups
                .iter()
                .zip(&plan.clusters)
                .map(|(group, of)| (group.id, place, of.iter().map(|of| rows[*of].id).collect())),
        );
        self.notices.extend(notices.iter().map(|row| (row.id, place, row.tlp)));
        let arrived = arrivals.iter().map(|row| row.id).collect::<Vec<_>>();
        insert(env, arrivals).await?;
        insert(env, rows).await?;
        insert(env, seen).await?;
        insert(env, links).await?;
        insert(env, tasks).await?;
        insert(env, groups).await?;
        insert(env, members).await?;
        insert(env, notices).await?;
        let txn = env.begin().await?;
        for import in arrived {
            let ana = Actor::person("ana", ActorRole::Analyst);
            let event = audit::record_of(&txn, at, &ana, own, "imported", import, json!({})).await?;
            self.events.push((event.seq, place));
        }
        env.commit(txn).await?;
        Ok(())
    }
}

/// What stays while worlds come and go.
struct Stage {
    env: Env,
    desk: DeskId,
    operations: [OperationId; OPERATIONS],
    people: Vec<Actor>,
    party: PartyId,
}

impl Stage {
    async fn set(env: Env) -> Result<Self> {
        let at = env.now();
        let desk = desk::Model {
            id: env.id(),
            channel: Channel::Registrar,
            party: "A registrar".into(),
            scope: "iana:64496".into(),
            email: None,
            source: "manual".into(),
            verified_at: None,
            created_at: at,
            version: 1,
        };
        insert(&env, vec![desk.clone()]).await?;
        let party = party::Model {
            id: env.id(),
            key: "agency:z".into(),
            kind: PartyKind::ALL[0],
            name: "Z".into(),
            country: None,
            created_at: at,
        };
        insert(&env, vec![party.clone()]).await?;
        let operations: [OperationId; OPERATIONS] = std::array::from_fn(|_| env.id());
        let row = |id: &OperationId| operation_row::Model {
            id: *id,
            name: id.to_string(),
            tlp: Tlp::Clear,
            pap: entities::Pap::Clear,
            owner_id: None,
            sealed_at: None,
            contact: None,
            created_by: "ana".into(),
            created_at: at,
            version: 1,
        };
        insert(&env, operations.iter().map(row).collect::<Vec<_>>()).await?;
        let mut people = Vec::new();
        for (name, role, clearance, key) in [
            ("one", ActorRole::Lead, None, None),
            ("two", ActorRole::Analyst, None, None),
            ("three", ActorRole::Analyst, Some(Tlp::Green), None),
            ("four", ActorRole::Liaison, None, Some("agency:z")),
        ] {
            let root = Actor::person("root", ActorRole::Admin);
            let party = key.map(|_| party.id);
            let new = NewPerson { name: name.into(), full_name: None, role, party, clearance };
            let row = person::create(&env, &root, new).await?;
            people.push(Actor::Person {
                name: row.id.to_string(),
                role,
                agency: key.map(str::to_owned),
                id: Some(row.id),
                clearance,
                only: None,
                knows: Knows::Its,
                trail: Trail::default(),
            });
        }
        Ok(Self { env, desk: desk.id, operations, people, party: party.id })
    }

    /// Seals operations, and puts people and the party into them.
    async fn arrange(&self, plan: &Plan) -> Result<()> {
        let env = &self.env;
        env.db.execute_unprepared("DELETE FROM operation_member").await?;
        for (of, sealed) in self.operations.iter().zip(plan.sealed) {
            let operator = Actor::operator("root", ActorRole::Lead);
            let row = match sealed {
                true => operation::seal(env, &operator, *of).await?,
                false => operation::unseal(env, &operator, *of).await?,
            };
            ensure!(row.sealed_at.is_some() == sealed);
        }
        let people = self.people[..PEOPLE].iter().map(|actor| (actor.account(), None));
        let who = people.chain([(None, Some(self.party))]);
        let mut rows = Vec::new();
        for ((person_id, party_id), of) in who.zip(plan.members) {
            for (operation, _) in self.operations.iter().zip(of).filter(|(_, is)| *is) {
                rows.push(operation_member::Model {
                    id: env.id(),
                    operation_id: *operation,
                    person_id,
                    party_id,
                    added_by: "ana".into(),
                    added_at: env.now(),
                });
            }
        }
        insert(env, rows).await
    }

    /// Everybody, with what they read and know.
    fn everybody(&self, plan: &Plan) -> Vec<(String, Actor, Option<Eyes>)> {
        let eyes = |limit: Option<Tlp>, of: [bool; OPERATIONS]| {
            let knows = std::array::from_fn(|at| !plan.sealed[at] || of[at]);
            limit.map(|limit| Eyes { limit, knows })
        };
        let others = askers().into_iter().map(|asker| {
            let limit = asker.limit();
            (asker.name.to_owned(), asker.actor, eyes(limit, [false; OPERATIONS]))
        });
        let limits = [Tlp::Red, Tlp::Red, Tlp::Green, Tlp::AmberStrict];
        let people = self.people.iter().zip(limits).zip(plan.members);
        let people =
            people.map(|((actor, limit), of)| (actor.to_string(), actor.clone(), eyes(Some(limit), of)));
        others.chain(people).collect()
    }
}

#[derive(Debug, PartialEq)]
struct Seen {
    observables: BTreeSet<Uuid>,
    imports: BTreeSet<Uuid>,
    tasks: BTreeSet<Uuid>,
    clusters: BTreeSet<Uuid>,
    notices: BTreeSet<Uuid>,
    events: BTreeSet<i64>,
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
        operation_id: None,
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
        operation_id: None,
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
        operation_id: None,
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
            let slice = audit::activity(env, actor, &filter, 100, before, false).await?;
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
