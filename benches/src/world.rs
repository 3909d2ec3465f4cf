//! A large store with hubs: names that somebody reported, and what they link to. Some registrars have a twentieth of all
//! names each, and one name server has 50,000.

use anyhow::Result;
use entities::{
    ImportId, LinkId, LinkKind, ObservableId, ObservableKind, ObservableState, Pap, Role, SightingId,
    SourceId, Timestamp, Tlp, import, link, observable, sighting, source,
};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, IntoActiveModel,
    ModelTrait,
};
use takedown::db;
use uuid::Uuid;

use crate::Dice;

/// Of a hundred observables so many are names; the rest is what they link to.
pub const NAMES: u64 = 70;
/// How many registrars there are; they come after the first name server, which comes after the names.
pub const REGISTRARS: u64 = 20;
/// So many names have the first name server.
const HUB: u64 = 50_000;
/// Rows in one statement.
pub const ROWS: usize = 1_000;
/// When everything was there.
pub const START: Timestamp = Timestamp(1_747_137_600_000_000);

/// The observable of that number: names come first.
pub fn id(at: u64) -> ObservableId {
    ObservableId(Uuid::from_u128(0x0196_c000_0000_7000_8000_0000_0000_0000 + u128::from(at)))
}

/// Indexes are made after the rows, as that is much faster.
const INDEXES: [(&str, &str); 4] = [
    ("link_from_id_kind_to_id_source_id_key", "from_id, kind, to_id, source_id"),
    ("link_from_id_first_seen_id_idx", "from_id, first_seen, id"),
    ("link_to_id_first_seen_id_idx", "to_id, first_seen, id"),
    ("link_to_id_kind_first_seen_id_idx", "to_id, kind, first_seen, id"),
];

/// Makes names and what they link to; returns how many links there are.
///
/// # Errors
/// The database refused.
pub async fn fill(db: &DatabaseConnection, observables: u64) -> Result<u64> {
    for (name, _) in INDEXES {
        db.execute_unprepared(&format!("DROP INDEX {name}")).await?;
    }
    let txn = db::begin(db).await?;
    let source = origin(&txn).await?;
    let names = observables * NAMES / 100;
    let mut rows = Vec::with_capacity(ROWS);
    for at in 0..observables {
        rows.push(observed(at, names));
        if rows.len() == ROWS || at + 1 == observables {
            store(&txn, std::mem::take(&mut rows)).await?;
        }
    }
    let mut sightings = Vec::with_capacity(ROWS);
    for name in 0..names {
        sightings.push(sighted(name, source)?);
        if sightings.len() == ROWS || name + 1 == names {
            store(&txn, std::mem::take(&mut sightings)).await?;
        }
    }
    let (mut links, mut made) = (Vec::with_capacity(ROWS + 8), 0);
    for name in 0..names {
        for (kind, to) in linked(name, names, observables) {
            links.push(link::Model {
                id: LinkId(Uuid::from_u128(0x0196_c000_0000_7000_9000_0000_0000_0000 + u128::from(made))),
                from_id: id(name),
                kind,
                to_id: id(to),
                source_id: source,
                first_seen: Timestamp(START.0 + i64::try_from(name / 10)?),
                last_seen: Timestamp(START.0 + 86_400_000_000),
                count: 1,
                tlp: Tlp::Clear,
            });
            made += 1;
        }
        if links.len() >= ROWS || name + 1 == names {
            store(&txn, std::mem::take(&mut links)).await?;
        }
    }
    txn.commit().await?;
    for (at, (name, columns)) in INDEXES.into_iter().enumerate() {
        let unique = if at == 0 { "UNIQUE " } else { "" };
        db.execute_unprepared(&format!("CREATE {unique}INDEX {name} ON link ({columns})")).await?;
    }
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared("VACUUM (ANALYZE) observable, sighting, link").await?;
    }
    Ok(made)
}

/// What a name links to: a registrar and two name servers that many share, addresses and a mail host that few do, a
/// registrant that hardly anybody does. Different ones, as a link is unique.
fn linked(name: u64, names: u64, observables: u64) -> Vec<(LinkKind, u64)> {
    let mut dice = Dice(name ^ 0x6c69_6e6b);
    // The hub, the registrars, then the rest, of which the last half are addresses.
    let (first, rest) = (names + REGISTRARS + 1, observables - names - REGISTRARS - 1);
    let servers = rest / 20;
    let one = |dice: &mut Dice, from: u64, of: u64| first + from + dice.roll(of);
    let server = if name < HUB.min(names / 10) { names } else { one(&mut dice, 0, servers / 2) };
    let address = one(&mut dice, rest / 2, rest / 4);
    vec![
        (LinkKind::SponsoredBy, names + 1 + dice.roll(REGISTRARS)),
        (LinkKind::DelegatedTo, server),
        (LinkKind::DelegatedTo, one(&mut dice, servers / 2, servers / 2)),
        (LinkKind::ResolvesTo, address),
        (LinkKind::ResolvesTo, one(&mut dice, rest / 2 + rest / 4, rest / 4)),
        (LinkKind::MailTo, one(&mut dice, servers, servers)),
        (LinkKind::RegisteredTo, one(&mut dice, 2 * servers, rest / 2 - 2 * servers)),
    ]
}

/// The observable of that number, of `names` names in all.
pub fn observed(at: u64, names: u64) -> observable::Model {
    let kind = if at < names { ObservableKind::DomainName } else { ObservableKind::RegistrantToken };
    let value = format!("n{at}.example");
    observable::Model {
        id: id(at),
        kind,
        registrable: (at < names).then(|| value.clone()),
        value,
        display: None,
        state: ObservableState::Active,
        next_due_at: None,
        observed_at: None,
        created_at: START,
        version: 1,
        operation_id: None,
    }
}

/// Stores the source of everything here, and the import that brought it.
///
/// # Errors
/// The database refused.
pub async fn origin(db: &impl ConnectionTrait) -> Result<SourceId> {
    let source = SourceId(Uuid::from_u128(1));
    store(db, vec![source::Model { id: source, name: "bench".into(), created_at: START }]).await?;
    store(db, vec![brought(source)]).await?;
    Ok(source)
}

fn brought(source: SourceId) -> import::Model {
    import::Model {
        id: ImportId(Uuid::from_u128(2)),
        source_id: source,
        name: "bench".into(),
        format: "plain".into(),
        sha256: String::new(),
        total: 0,
        accepted: 0,
        duplicate: 0,
        rejected: 0,
        lines_digest: String::new(),
        created_by: "bench".into(),
        created_at: START,
        operation_id: None,
    }
}

/// That a name was reported.
///
/// # Errors
/// There are more names than lines.
pub fn sighted(name: u64, source: SourceId) -> Result<sighting::Model> {
    Ok(sighting::Model {
        id: SightingId(Uuid::from_u128(0x0196_c000_0000_7000_a000_0000_0000_0000 + u128::from(name))),
        observable_id: id(name),
        source_id: source,
        import_id: ImportId(Uuid::from_u128(2)),
        line: i64::try_from(name)? + 1,
        family: "Lumma Stealer".into(),
        role: Role::C2,
        seen_at: None,
        valid_until: None,
        confidence: None,
        grading_scale: None,
        grading: None,
        tlp: Tlp::Amber,
        pap: Pap::Amber,
        handling: entities::Handling::H0,
        created_at: START,
        operation_id: None,
    })
}

/// Inserts rows in one statement.
///
/// # Errors
/// The database refused.
pub async fn store<M, A>(db: &impl ConnectionTrait, rows: Vec<M>) -> Result<()>
where
    M: IntoActiveModel<A> + ModelTrait,
    A: ActiveModelTrait<Entity = M::Entity> + Send,
{
    if rows.is_empty() {
        return Ok(());
    }
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    A::Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(())
}
