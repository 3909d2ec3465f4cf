//! Things of every kind, each with its marking's tag in everything that it says.

use std::{collections::BTreeSet, io::Cursor, sync::Arc};

use anyhow::{Context as _, Result};
use entities::{
    ActorRole, Authority, Channel, ClusterId, ClusterRulingKind, DeskId, FactKind, ImportId, NoticeId,
    NoticeState, ObservableId, ObservableKind, OperationId, Pap, PersonId, PivotRuling, Probe, TaskId,
    TaskState, Timestamp, Tlp, Verdict, cluster, cluster_member, cluster_ruling, desk, fact, notice,
    notice_task, observation, operation, operation_member, person, pivot, task, verification,
};
use serde_json::{Value, json};
use takedown::{
    actor::{Actor, Knows, Trail},
    audit,
    clock::Clock,
    env::Env,
    ids::Ids,
    intake::{self, ImportRequest, format::Format},
    party,
    reads::{
        Page,
        observables::{self, ObservableFilter},
    },
    settings::Settings,
};
use tests::Database;
use uuid::Uuid;

use crate::graph::world::insert;

/// A word that stands in everything with that marking, and nowhere else.
pub const TAGS: [(&str, Tlp); 4] =
    [("clearmark", Tlp::Clear), ("ambermark", Tlp::Amber), ("redmark", Tlp::Red), (SEALED, Tlp::Clear)];
/// The word of what belongs to a sealed operation.
pub const SEALED: &str = "sealmark";
/// Its only member.
const MEMBER: PersonId = PersonId(Uuid::from_u128(7));

/// Somebody who asks.
pub struct Asker {
    pub name: &'static str,
    pub actor: Actor,
    /// The code with which reading is refused, if it is.
    pub reads: Option<&'static str>,
    limit: Option<Tlp>,
    /// Whether they are the member of the sealed operation.
    pub member: bool,
}

impl Asker {
    /// The tags of what they may see.
    pub fn sees(&self) -> BTreeSet<&'static str> {
        TAGS.iter()
            .filter(|(_, tlp)| self.limit.is_some_and(|limit| *tlp <= limit))
            .filter(|(tag, _)| *tag != SEALED || self.member)
            .map(|(tag, _)| *tag)
            .collect()
    }

    /// The most restrictive label that they read.
    pub fn limit(&self) -> Option<Tlp> {
        self.limit
    }

    pub fn sees_all(&self) -> bool {
        self.limit == Some(Tlp::Red)
    }
}

/// Everybody, with what they may see; written down here, and not asked of the rules.
pub fn askers() -> Vec<Asker> {
    let person = |name: &'static str, role, agency: Option<&str>, clearance| Actor::Person {
        name: name.into(),
        role,
        agency: agency.map(str::to_owned),
        id: None,
        clearance,
        only: None,
        knows: Knows::Its,
        trail: Trail::default(),
    };
    let asker = |name, actor, reads, limit| Asker { name, actor, reads, limit, member: false };
    let member = Actor::Person {
        name: MEMBER.to_string(),
        role: ActorRole::Analyst,
        agency: None,
        id: Some(MEMBER),
        clearance: None,
        only: None,
        knows: Knows::Its,
        trail: Trail::default(),
    };
    vec![
        Asker { name: "member", actor: member, reads: None, limit: Some(Tlp::Red), member: true },
        asker("analyst", person("ina", ActorRole::Analyst, None, None), None, Some(Tlp::Red)),
        asker("lead", person("lea", ActorRole::Lead, None, None), None, Some(Tlp::Red)),
        asker(
            "liaison",
            person("kim", ActorRole::Liaison, Some("agency:x"), None),
            None,
            Some(Tlp::AmberStrict),
        ),
        asker(
            "cleared to green",
            person("gil", ActorRole::Analyst, None, Some(Tlp::Green)),
            None,
            Some(Tlp::Green),
        ),
        asker("partner", person("pat", ActorRole::Partner, Some("agency:y"), None), Some("FORBIDDEN"), None),
        asker("admin", person("root", ActorRole::Admin, None, None), Some("FORBIDDEN"), None),
        asker("nobody", Actor::Nobody, Some("UNAUTHENTICATED"), None),
    ]
}

/// The things of one marking.
pub struct Marked {
    pub tag: &'static str,
    pub domain: ObservableId,
    pub address: ObservableId,
    pub import: ImportId,
    pub cluster: ClusterId,
    pub task: TaskId,
    pub notice: NoticeId,
    /// One of that marking; the sealed one, where that is the marking, and else one that has nothing.
    pub operation: OperationId,
    /// How many observables are seen by who sees this marking.
    pub observables: u64,
}

pub struct World {
    pub env: Arc<Env>,
    /// Over the surroundings; made once, since that takes longer than an answer.
    pub schema: graphql::Schema,
    pub marked: Vec<Marked>,
}

/// Who has the database, and plants everything.
fn ana() -> Actor {
    Actor::operator("ana", ActorRole::Analyst)
}

impl World {
    pub async fn store(database: &Database) -> Result<Self> {
        let clock = Clock::manual("2025-05-13T12:00:00Z".parse()?);
        let env = Env::new(database.connect().await?, clock, Ids::seeded(1), Settings::default());
        let env = Arc::new(env);
        let schema = graphql::schema(env.clone());
        let mut world = Self { env, schema, marked: Vec::new() };
        let list =
            br#"{"parties": [{"key": "tld:example", "kind": "registry", "name": "Example Registry"}]}"#;
        let lea = Actor::person("lea", ActorRole::Lead);
        party::load(&world.env, &lea, party::Given { source: "test", bytes: list, replace: false }).await?;
        let at = world.env.now();
        let desk = desk::Model {
            id: world.env.id(),
            channel: Channel::Registrar,
            party: "A registrar".into(),
            scope: "iana:64496".into(),
            email: Some("abuse@registrar.example".into()),
            source: "manual".into(),
            verified_at: None,
            created_at: at,
            version: 1,
            operation_id: None,
        };
        insert(&world.env, vec![desk.clone()]).await?;
        insert(&world.env, vec![person(at)]).await?;
        for (tag, tlp) in TAGS {
            let marked = world.plant(tag, tlp, desk.id).await?;
            world.marked.push(marked);
        }
        world.shared(at).await?;
        Ok(world)
    }

    /// Makes the operation of that marking.
    async fn operation(&self, tag: &str, tlp: Tlp, at: Timestamp) -> Result<OperationId> {
        let row = operation::Model {
            id: self.env.id(),
            name: format!("{tag} operation"),
            tlp,
            handling: entities::Handling::H0,
            pap: Pap::Clear,
            owner_id: None,
            sealed_at: (tag == SEALED).then_some(at),
            contact: None,
            created_by: "ana".into(),
            created_at: at,
            version: 1,
        };
        let member = operation_member::Model {
            id: self.env.id(),
            operation_id: row.id,
            person_id: Some(MEMBER),
            party_id: None,
            added_by: "ana".into(),
            added_at: at,
        };
        insert(&self.env, vec![row.clone()]).await?;
        if tag == SEALED {
            insert(&self.env, vec![member]).await?;
        }
        Ok(row.id)
    }

    /// Imports lines of that marking; source and name have the tag.
    pub async fn import(
        &self,
        line: &str,
        (tag, tlp): (&str, Tlp),
        operation: Option<OperationId>,
    ) -> Result<ImportId> {
        let request = ImportRequest {
            source: format!("{tag} source"),
            name: format!("{tag}.txt"),
            family: Some("lumma".into()),
            role: None,
            tlp,
            pap: Pap::Green,
            handling: entities::Handling::H0,
            operation,
            dry_run: false,
        };
        let input = Cursor::new(line.as_bytes().to_vec());
        let report = intake::import(&self.env, &ana(), &request, Format::Auto, input, |_| {}).await?;
        report.id.context("an import")
    }

    async fn plant(&self, tag: &'static str, tlp: Tlp, desk: DeskId) -> Result<Marked> {
        let env = &self.env;
        let page = Page { total: true, ..Page::first(500) };
        let all = ObservableFilter::default();
        let before = observables::list(env, &ana(), &all, page).await?.total.unwrap_or(0);
        // The address's host and domain have no sighting of their own, and are as marked as the address.
        let lines = format!("{tag}-domain.com\nhttps://www.{tag}-address.com/gate\n{tag} is no indicator\n");
        let at = env.now();
        let operation = self.operation(tag, tlp, at).await?;
        let own = (tag == SEALED).then_some(operation);
        let import = self.import(&lines, (tag, tlp), own).await?;
        let after = observables::list(env, &ana(), &all, page).await?.total.unwrap_or(0);
        let named = async |name: String| {
            let found = observables::by_value(env, &ana(), ObservableKind::DomainName, &name).await?;
            Ok::<_, anyhow::Error>(found.id)
        };
        let domain = named(format!("{tag}-domain.com")).await?;
        let address = named(format!("{tag}-address.com")).await?;
        let fact = fact::Model {
            id: env.id(),
            observable_id: domain,
            kind: FactKind::Listed,
            list: format!("{tag} list"),
            detail: String::new(),
            first_seen: at,
            last_seen: at,
        };
        let seen = observation::Model {
            id: env.id(),
            observable_id: domain,
            probe: Probe::A,
            server: "192.0.2.53".into(),
            reading: json!({ "said": tag }),
            raw: tag.into(),
            digest: vec![0; 32],
            first_seen: at,
            last_seen: at,
            count: 1,
        };
        insert(env, vec![fact]).await?;
        insert(env, vec![seen]).await?;
        let cluster = self.cluster(tag, &[domain], at, own).await?;
        let task = self.task(tag, domain, (cluster, own), desk, at).await?;
        let notice = notice::Model {
            id: env.id(),
            desk_id: desk,
            recipient: "abuse@registrar.example".into(),
            subject: tag.into(),
            body: tag.into(),
            xarf: json!([]),
            sha256: String::new(),
            tlp,
            handling: entities::Handling::H0,
            state: NoticeState::Draft,
            reason: None,
            message_id: format!("{tag}@lockstep.example"),
            drafted_by: "ana".into(),
            approved_by: None,
            smtp_reply: None,
            created_at: at,
            approved_at: None,
            sent_at: None,
            version: 1,
            operation_id: own,
        };
        insert(env, vec![notice.clone()]).await?;
        insert(env, vec![notice_task::Model { notice_id: notice.id, task_id: task }]).await?;
        Ok(Marked {
            tag,
            domain,
            address,
            import,
            cluster,
            task,
            notice: notice.id,
            operation,
            observables: after - before,
        })
    }

    async fn cluster(
        &self,
        name: &str,
        of: &[ObservableId],
        at: Timestamp,
        own: Option<OperationId>,
    ) -> Result<ClusterId> {
        let row = cluster::Model {
            id: self.env.id(),
            name: format!("{name} cluster"),
            family: "lumma".into(),
            size: i64::try_from(of.len())?,
            created_at: at,
            updated_at: at,
            version: 1,
            operation_id: own,
        };
        insert(&self.env, vec![row.clone()]).await?;
        let member = |of: &ObservableId| cluster_member::Model {
            cluster_id: row.id,
            observable_id: *of,
            reasons: json!([{ "kind": "link", "value": "redmark reason", "shared_by": 2, "weight": 1 }]),
            joined_at: at,
        };
        insert(&self.env, of.iter().map(member).collect::<Vec<_>>()).await?;
        Ok(row.id)
    }

    async fn task(
        &self,
        tag: &str,
        of: ObservableId,
        (cluster, own): (ClusterId, Option<OperationId>),
        desk: DeskId,
        at: Timestamp,
    ) -> Result<TaskId> {
        let row = task::Model {
            id: self.env.id(),
            target_id: of,
            channel: Channel::Registrar,
            authority: Authority::AbusePolicy,
            cluster_id: Some(cluster),
            desk_id: Some(desk),
            playbook: "registrar-suspension".into(),
            state: TaskState::Review,
            reason: Some(format!("{tag} reason")),
            verdict: None,
            opened_by: "ana".into(),
            approved_by: None,
            opened_at: at,
            approved_at: None,
            first_notice_at: None,
            ack_at: None,
            claimed_at: None,
            first_seen_down_at: None,
            confirmed_at: None,
            reemerged_at: None,
            next_check_at: None,
            version: 1,
            operation_id: own,
        };
        insert(&self.env, vec![row.clone()]).await?;
        let looked = verification::Model {
            id: self.env.id(),
            task_id: row.id,
            at,
            verdict: Verdict::Inconclusive,
            evidence: json!({ "said": tag }),
            agreeing: 1,
            rounds: 3,
        };
        insert(&self.env, vec![looked]).await?;
        Ok(row.id)
    }

    /// What is made of all three that are not sealed: a cluster that is named after the RED one, a ruling, a hub.
    async fn shared(&self, at: Timestamp) -> Result<()> {
        let open = self.marked.iter().filter(|marked| marked.tag != SEALED);
        let all: Vec<_> = open.map(|marked| marked.domain).collect();
        let cluster = self.cluster("redmark", &all, at, None).await?;
        let ruling = cluster_ruling::Model {
            id: self.env.id(),
            kind: ClusterRulingKind::Pinned,
            cluster_id: cluster,
            observable_id: all.last().copied(),
            reason: "redmark ruling".into(),
            ruled_by: "lea".into(),
            ruled_at: at,
        };
        insert(&self.env, vec![ruling]).await?;
        let hub = pivot::Model {
            id: self.env.id(),
            kind: "address".into(),
            value: "redmark pivot".into(),
            shared_by: 3,
            parked_at: Some(at),
            ruling: PivotRuling::Unruled,
            reason: String::new(),
            ruled_by: String::new(),
            ruled_at: None,
            operation_id: None,
        };
        insert(&self.env, vec![hub]).await
    }

    #[expect(clippy::expect_used, reason = "a tag that is not there is a mistake of the test")]
    pub fn of(&self, tag: &str) -> &Marked {
        self.marked.iter().find(|marked| marked.tag == tag).expect("a tag of the world")
    }

    /// How many observables are seen by who sees these tags.
    pub fn observables(&self, tags: &BTreeSet<&str>) -> u64 {
        self.marked.iter().filter(|marked| tags.contains(marked.tag)).map(|marked| marked.observables).sum()
    }

    /// How many events the ledger has.
    pub async fn ledger(&self) -> Result<i64> {
        Ok(audit::head(&self.env.db).await?.map_or(0, |event| event.seq))
    }
}

/// The member's account.
fn person(at: Timestamp) -> person::Model {
    person::Model {
        id: MEMBER,
        name: "mem".into(),
        full_name: None,
        role: ActorRole::Analyst,
        party_id: None,
        clearance: None,
        password: None,
        second_factor: None,
        second_factor_at: None,
        second_factor_step: 0,
        created_at: at,
        disabled_at: None,
        version: 1,
    }
}

/// The same question about something that was never there.
pub fn never(variables: &Value) -> Value {
    let text = variables.to_string();
    let mut out = String::new();
    let mut rest = text.as_str();
    // Of each id the last characters, of each name the tag.
    while let Some(at) = rest.find('_').filter(|at| rest.len() > at + 26) {
        let (head, tail) = rest.split_at(at + 1);
        out += head;
        if tail.as_bytes()[..26].iter().all(u8::is_ascii_alphanumeric) {
            out += &tail[..18];
            out += "zzzzzzzz";
            rest = &tail[26..];
        } else {
            rest = tail;
        }
    }
    out += rest;
    let out = TAGS.iter().fold(out, |text, (tag, _)| text.replace(tag, "nevermark"));
    serde_json::from_str(&out).unwrap_or_default()
}
