//! What the stages' tests share: a migrated database in memory, a clock that stands, rows to begin with.
#![expect(clippy::disallowed_methods, reason = "tests write what earlier stages would have written")]

use std::time::Duration;

use entities::{
    ActorRole, FactKind, ImportId, ObservableId, ObservableKind, ObservableState, Pap, Probe, Role, SourceId,
    Timestamp, Tlp, fact, import, observable, observation, sighting, source,
};
use migrations::{Migrator, MigratorTrait};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QueryOrder};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::{
    actor::Actor,
    clock::Clock,
    db,
    env::Env,
    ids::Ids,
    observe::reading::{DnsReading, Outcome, RdapDomainReading, RegistrarReading},
    settings::{Delivery, MailSettings, Settings, SmtpUrl},
};

/// 2025-05-13T12:00:00Z, when every test begins.
pub const START: Timestamp = Timestamp(1_747_137_600_000_000);

/// `START` plus some days.
pub fn day(days: i64) -> Timestamp {
    Timestamp(START.0 + days * 86_400_000_000)
}

/// Opens tasks.
pub fn ana() -> Actor {
    Actor::person("ana", ActorRole::Analyst)
}

/// Approves.
pub fn lea() -> Actor {
    Actor::person("lea", ActorRole::Lead)
}

/// Surroundings over a fresh database.
pub struct Test {
    /// The surroundings.
    pub env: Env,
    source: SourceId,
    import: ImportId,
}

impl std::ops::Deref for Test {
    type Target = Env;

    fn deref(&self) -> &Env {
        &self.env
    }
}

/// A domain to plant: what differs from a fresh C2 of registrar 64496.
#[derive(Clone)]
pub struct Seed<'a> {
    pub name: &'a str,
    pub family: &'a str,
    pub registrar: &'a str,
    pub abuse: Option<&'a str>,
    pub registrant: Option<&'a str>,
    pub name_servers: &'a [&'a str],
    pub address: &'a str,
    pub tlp: Tlp,
    pub listed: Option<&'a str>,
}

impl Default for Seed<'_> {
    fn default() -> Self {
        Self {
            name: "bad.example",
            family: "Lumma Stealer",
            registrar: "64496",
            abuse: Some("abuse@registrar.example"),
            registrant: None,
            name_servers: &["ns1.dns.example", "ns2.dns.example"],
            address: "192.0.2.7",
            tlp: Tlp::Clear,
            listed: None,
        }
    }
}

impl Test {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let db = db::connect("sqlite::memory:", 1).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        let env = Env::new(db, Clock::manual(START), Ids::seeded(1), settings);
        let (source, import) = (env.id(), env.id());
        let row = source::Model { id: source, name: "a feed".into(), created_at: START };
        row.into_active_model().reset_all().insert(&env.db).await.unwrap();
        let row = import::Model {
            id: import,
            source_id: source,
            name: "list.txt".into(),
            format: "list".into(),
            sha256: String::new(),
            total: 0,
            accepted: 0,
            duplicate: 0,
            rejected: 0,
            lines_digest: String::new(),
            created_by: "ana".into(),
            created_at: START,
            operation_id: None,
        };
        row.into_active_model().reset_all().insert(&env.db).await.unwrap();
        Self { env, source, import }
    }

    pub fn advance(&self, by: Duration) {
        self.env.clock.advance(by);
    }

    /// Plants domains as import and observe would have left them: registered five days ago, seen two days ago,
    /// answering an hour ago.
    pub async fn plant(&self, seeds: &[Seed<'_>]) -> Vec<ObservableId> {
        let (mut observables, mut sightings, mut facts, mut observations) = (vec![], vec![], vec![], vec![]);
        let mut ids = Vec::new();
        for seed in seeds {
            let id: ObservableId = self.id();
            ids.push(id);
            observables.push(observable::Model {
                id,
                kind: ObservableKind::DomainName,
                value: seed.name.into(),
                display: None,
                registrable: Some(seed.name.into()),
                state: ObservableState::Active,
                next_due_at: None,
                observed_at: Some(START),
                created_at: START,
                version: 1,
                operation_id: None,
            });
            sightings.push(self.sighting(id, seed));
            if let Some(list) = seed.listed {
                facts.push(fact::Model {
                    id: self.id(),
                    observable_id: id,
                    kind: FactKind::Listed,
                    list: list.into(),
                    detail: seed.name.into(),
                    first_seen: START,
                    last_seen: START,
                });
            }
            observations.extend(self.observations(id, seed));
        }
        self.insert(observables).await;
        self.insert(sightings).await;
        self.insert(facts).await;
        self.insert(observations).await;
        ids
    }

    fn sighting(&self, id: ObservableId, seed: &Seed<'_>) -> sighting::Model {
        sighting::Model {
            id: self.id(),
            observable_id: id,
            source_id: self.source,
            import_id: self.import,
            line: 1,
            family: seed.family.into(),
            role: Role::C2,
            seen_at: Some(day(-2)),
            valid_until: None,
            confidence: Some(90),
            grading_scale: None,
            grading: None,
            tlp: seed.tlp,
            handling: entities::Handling::H0,
            pap: Pap::Clear,
            created_at: START,
            operation_id: None,
        }
    }

    fn observations(&self, id: ObservableId, seed: &Seed<'_>) -> Vec<observation::Model> {
        let row = |probe, server: &str, reading| observation::Model {
            id: self.id(),
            observable_id: id,
            probe,
            server: server.into(),
            reading,
            raw: String::new(),
            digest: vec![],
            first_seen: day(-1),
            last_seen: START.minus(Duration::from_secs(3_600)),
            count: 1,
        };
        let dns = |records: Vec<String>| {
            serde_json::to_value(DnsReading { outcome: Outcome::Answer, records, aliases: vec![] }).unwrap()
        };
        let rdap = RdapDomainReading {
            name: Some(seed.name.into()),
            status: vec!["active".into()],
            registrar: Some(RegistrarReading {
                iana_id: Some(seed.registrar.into()),
                name: Some(format!("Registrar {}", seed.registrar)),
                abuse_emails: seed.abuse.map(str::to_owned).into_iter().collect(),
                abuse_tels: vec![],
            }),
            registrant: seed.registrant.map(str::to_owned).into_iter().collect(),
            registered_at: Some(day(-5).to_string()),
            ..RdapDomainReading::default()
        };
        vec![
            row(Probe::A, "udp:192.0.2.53:53", dns(vec![seed.address.into()])),
            row(Probe::Ns, "udp:192.0.2.53:53", dns(seed.name_servers.iter().map(|s| (*s).into()).collect())),
            row(Probe::RdapDomain, "rdap:rdap.registry.example", serde_json::to_value(rdap).unwrap()),
        ]
    }

    /// Stores rows of one table.
    pub async fn insert<M, A>(&self, rows: Vec<M>)
    where
        M: IntoActiveModel<A> + sea_orm::ModelTrait,
        A: ActiveModelTrait<Entity = M::Entity> + Send,
    {
        for chunk in rows.chunks(500) {
            let chunk = chunk.iter().cloned().map(|row| row.into_active_model().reset_all());
            A::Entity::insert_many(chunk).exec_without_returning(&self.db).await.unwrap();
        }
    }

    /// Every row of a table, in the order of its key.
    pub async fn all<E: EntityTrait>(&self) -> Vec<E::Model> {
        use sea_orm::{Iterable, PrimaryKeyToColumn};
        let key = E::PrimaryKey::iter().next().unwrap().into_column();
        E::find().order_by_asc(key).all(&self.db).await.unwrap()
    }
}

/// A server that answers RCPT with `reply` and everything else kindly.
pub async fn smtp(reply: &'static str) -> MailSettings {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 mx.example\r\n").await.expect("written");
        let mut in_data = false;
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match line.as_str() {
                "." => {
                    in_data = false;
                    "250 2.0.0 queued as 42"
                }
                _ if in_data => continue,
                "DATA" => {
                    in_data = true;
                    "354 go on"
                }
                line if line.starts_with("RCPT") => reply,
                _ => "250 mx.example",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await.expect("written");
        }
    });
    MailSettings {
        delivery: Delivery::On,
        smtp: SmtpUrl(format!("smtp://127.0.0.1:{port}")),
        ..MailSettings::default()
    }
}
