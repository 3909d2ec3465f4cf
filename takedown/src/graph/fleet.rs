//! Fleets in figures: how many of them are at each registrar, in each state, of each age, counted in the store.

use std::collections::HashMap;

use entities::{
    ClusterId, LinkKind, ObservableId, ObservableKind, OperationId, Probe, Timestamp, cluster_member, link,
    observable, observation,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, ExprTrait, QueryFilter, QueryResult, QuerySelect,
    QueryTrait,
    sea_query::{CommonTableExpression, Expr, Order, Query, SelectStatement, UnionType},
};
use uuid::Uuid;

use super::{
    each::given,
    filter::{End, LinkFilter, leading, only},
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    reads::observables::{self, ObservableFilter},
    visible,
};

/// The most rows of one count.
pub const FIRST: u64 = 500;

/// By what observables are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Where they stand.
    State,
    /// The top-level domain of their registrable domain.
    Tld,
    /// How long ago they were registered, as registration data last said.
    Age,
    /// The registrar that sponsors them, as last seen.
    Registrar,
    /// The whole set of their name servers, as last seen.
    NameServers,
    /// Each of their name servers, as last seen.
    NameServer,
    /// Each autonomous system that announces an address of theirs, as last seen.
    AutonomousSystem,
    /// Their cluster.
    Cluster,
}

/// What a count is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A term: a state, a top-level domain, an age, a set of name servers.
    Text(String),
    /// A registrar, a name server, an autonomous system.
    Observable(ObservableId),
    /// A cluster.
    Cluster(ClusterId),
}

/// How many observables of a fleet have one thing in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What.
    pub key: Key,
    /// How many.
    pub count: u64,
}

/// The counts of one fleet, the greatest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The greatest.
    pub rows: Vec<Counted>,
    /// How many there are.
    pub total: u64,
}

/// Whose figures are wanted.
#[derive(Clone, Debug)]
pub enum Fleets<'a> {
    /// Of the members of each cluster.
    Clusters(&'a [ClusterId]),
    /// Of the observables that a filter finds; a family is one.
    Found(&'a ObservableFilter),
    /// Of these.
    These(&'a [ObservableId]),
}

/// Which fleet a row is of: a cluster, or the one.
pub type FleetId = Uuid;
/// The one fleet that is no cluster.
pub const THE_ONE: FleetId = Uuid::nil();

/// How many visible observables each fleet has. An empty one is left out.
///
/// # Errors
/// The actor may not read, or the database refused.
pub async fn sizes(env: &Env, actor: &Actor, fleets: Fleets<'_>) -> Result<HashMap<FleetId, u64>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    let count = Query::select()
        .column("fleet")
        .expr(Expr::cust("COUNT(DISTINCT id)"))
        .from_subquery(scope(env.db.get_database_backend(), actor, &fleets), "scope")
        .group_by_col("fleet")
        .to_owned();
    let mut sizes = HashMap::new();
    for row in env.db.query_all(&count).await? {
        sizes.insert(row.try_get_by_index(0)?, whole(&row, 1)?);
    }
    noted(env, actor, &fleets).await?;
    Ok(sizes)
}

/// The `first` greatest counts of each fleet by one dimension, in one statement. A fleet without any is left out.
///
/// # Errors
/// The actor may not read, `first` is not 1 to [`FIRST`], or the database refused.
pub async fn counts(
    env: &Env,
    actor: &Actor,
    fleets: Fleets<'_>,
    by: Dimension,
    first: u64,
) -> Result<HashMap<FleetId, Counts>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    within(first)?;
    let counted = Query::select()
        .columns(["fleet", "key"])
        .expr_as(Expr::cust("COUNT(DISTINCT id)"), "n")
        .from_subquery(keys(actor, by, env.now()), "keyed")
        .group_by_col("fleet")
        .group_by_col("key")
        .to_owned();
    let ranked = Query::select()
        .columns(["fleet", "key", "n"])
        .expr_as(Expr::cust("ROW_NUMBER() OVER (PARTITION BY fleet ORDER BY n DESC, key)"), "place")
        .expr_as(Expr::cust("COUNT(*) OVER (PARTITION BY fleet)"), "every")
        .from_subquery(counted, "counted")
        .to_owned();
    let select = Query::select()
        .columns(["fleet", "key", "n", "every"])
        .from_subquery(ranked, "ranked")
        .and_where(Expr::col("place").lte(first))
        .order_by("fleet", Order::Asc)
        .order_by("place", Order::Asc)
        .with_cte(named(scope(env.db.get_database_backend(), actor, &fleets)))
        .to_owned();
    let mut counts: HashMap<FleetId, Counts> = HashMap::new();
    for row in env.db.query_all(&select).await? {
        let fleet = counts.entry(row.try_get_by_index(0)?).or_default();
        fleet.total = whole(&row, 3)?;
        fleet.rows.push(Counted { key: key(&row, 1, by)?, count: whole(&row, 2)? });
    }
    noted(env, actor, &fleets).await?;
    Ok(counts)
}

/// Notes of which operations figures tell something: every one that they count a thing of.
async fn noted(env: &Env, actor: &Actor, fleets: &Fleets<'_>) -> Result<(), Error> {
    let of = Query::select()
        .distinct()
        .column("operation_id")
        .from_subquery(scope(env.db.get_database_backend(), actor, fleets), "scope")
        .and_where(Expr::col("operation_id").is_not_null())
        .to_owned();
    for row in env.db.query_all(&of).await? {
        actor.shown([row.try_get_by_index::<Option<OperationId>>(0)?]);
    }
    Ok(())
}

/// Of each of these keys the first `first` observables of one fleet that have it, by id, in one statement.
///
/// # Errors
/// As [`counts`].
pub async fn members(
    env: &Env,
    actor: &Actor,
    of: &[ObservableId],
    by: Dimension,
    first: u64,
) -> Result<HashMap<Key, Vec<ObservableId>>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    within(first)?;
    let keyed = Query::select()
        .distinct()
        .columns(["key", "id"])
        .from_subquery(keys(actor, by, env.now()), "keyed")
        .to_owned();
    let ranked = Query::select()
        .columns(["key", "id"])
        .expr_as(Expr::cust("ROW_NUMBER() OVER (PARTITION BY key ORDER BY id)"), "place")
        .from_subquery(keyed, "keyed")
        .to_owned();
    let select = Query::select()
        .columns(["key", "id"])
        .from_subquery(ranked, "ranked")
        .and_where(Expr::col("place").lte(first))
        .order_by("id", Order::Asc)
        .with_cte(named(scope(env.db.get_database_backend(), actor, &Fleets::These(of))))
        .to_owned();
    let mut members: HashMap<Key, Vec<ObservableId>> = HashMap::new();
    for row in env.db.query_all(&select).await? {
        members.entry(key(&row, 0, by)?).or_default().push(row.try_get_by_index(1)?);
    }
    Ok(members)
}

fn within(first: u64) -> Result<(), Error> {
    if first == 0 || first > FIRST {
        return Err(Error::invalid("first", format!("must be 1 to {FIRST}")));
    }
    Ok(())
}

fn whole(row: &QueryResult, at: usize) -> Result<u64, DbErr> {
    Ok(u64::try_from(row.try_get_by_index::<i64>(at)?).unwrap_or(0))
}

fn key(row: &QueryResult, at: usize, by: Dimension) -> Result<Key, DbErr> {
    Ok(match by {
        Dimension::State | Dimension::Tld | Dimension::Age => Key::Text(row.try_get_by_index(at)?),
        Dimension::NameServers => {
            let text: String = row.try_get_by_index(at)?;
            let mut hosts: Vec<&str> = text.split(' ').collect();
            hosts.sort_unstable();
            Key::Text(hosts.join(" "))
        }
        Dimension::Registrar | Dimension::NameServer | Dimension::AutonomousSystem => {
            Key::Observable(row.try_get_by_index(at)?)
        }
        Dimension::Cluster => Key::Cluster(row.try_get_by_index(at)?),
    })
}

/// What the statements below call the fleets' observables.
fn named(scope: SelectStatement) -> CommonTableExpression {
    CommonTableExpression::new().query(scope).table_name("scope").to_owned()
}

/// The visible observables of the fleets: `fleet`, `id`, and what dimensions read of them.
fn scope(backend: DbBackend, actor: &Actor, fleets: &Fleets<'_>) -> SelectStatement {
    use observable::Column;
    let columns = [Column::Id, Column::Kind, Column::Registrable, Column::State, Column::OperationId];
    let the_one = || Expr::val(THE_ONE);
    match fleets {
        Fleets::Clusters(ids) => {
            let member = (cluster_member::Entity, cluster_member::Column::ObservableId);
            visible::observables(actor)
                .select_only()
                .expr_as(Expr::col((cluster_member::Entity, cluster_member::Column::ClusterId)), "fleet")
                .columns(columns)
                .into_query()
                .inner_join(
                    cluster_member::Entity,
                    Expr::col(member).equals((observable::Entity, Column::Id)),
                )
                .cond_where(access::visible::<cluster_member::Entity>(actor))
                .and_where(cluster_member::Column::ClusterId.is_in(ids.iter().copied()))
                .to_owned()
        }
        Fleets::Found(filter) => observables::filtered(actor, filter)
            .select_only()
            .expr_as(the_one(), "fleet")
            .columns(columns)
            .into_query(),
        Fleets::These(ids) => visible::observables(actor)
            .filter(Expr::col((observable::Entity, Column::Id)).in_subquery(given(backend, ids)))
            .select_only()
            .expr_as(the_one(), "fleet")
            .columns(columns)
            .into_query(),
    }
}

/// `fleet`, `id` and `key`: what each observable of the scope has by a dimension.
fn keys(actor: &Actor, by: Dimension, now: Timestamp) -> SelectStatement {
    match by {
        Dimension::State => own(Expr::cust("state")),
        // What is before the last dot, cut off: the same functions on both databases.
        Dimension::Tld => {
            own(Expr::cust("REPLACE(registrable, RTRIM(registrable, REPLACE(registrable, '.', '')), '')"))
                .and_where(Expr::cust("registrable IS NOT NULL"))
                .to_owned()
        }
        Dimension::Age => ages(actor, now),
        Dimension::Registrar => Query::select()
            .expr_as(Expr::col("to_id"), "key")
            .columns(["fleet", "id"])
            .from_subquery(latest(actor, LinkKind::SponsoredBy), "sponsored")
            .to_owned(),
        Dimension::NameServer => Query::select()
            .expr_as(Expr::col("to_id"), "key")
            .columns(["fleet", "id"])
            .from_subquery(latest(actor, LinkKind::DelegatedTo), "delegated")
            .to_owned(),
        Dimension::NameServers => name_servers(actor),
        Dimension::AutonomousSystem => systems(actor),
        Dimension::Cluster => Query::select()
            .expr_as(Expr::col((cluster_member::Entity, cluster_member::Column::ClusterId)), "key")
            .columns([("scope", "fleet"), ("scope", "id")])
            .from("scope")
            .inner_join(
                cluster_member::Entity,
                Expr::col((cluster_member::Entity, cluster_member::Column::ObservableId))
                    .equals(("scope", "id")),
            )
            .cond_where(access::visible::<cluster_member::Entity>(actor))
            .to_owned(),
    }
}

fn own(key: Expr) -> SelectStatement {
    Query::select().expr_as(key, "key").columns(["fleet", "id"]).from("scope").to_owned()
}

/// Visible links of one kind that lead to what is visible.
fn of_kind(actor: &Actor, kind: LinkKind) -> sea_orm::Select<link::Entity> {
    let filter = LinkFilter { kinds: vec![kind], ..LinkFilter::default() };
    leading(actor, &only(&filter), End::Outgoing).select_only()
}

/// `fleet`, `id` and `to_id`: where the links of one kind lead that were seen last, of each observable of the scope.
fn latest(actor: &Actor, kind: LinkKind) -> SelectStatement {
    let place =
        Expr::cust("RANK() OVER (PARTITION BY scope.fleet, link.from_id ORDER BY link.last_seen DESC)");
    let ranked = of_kind(actor, kind)
        .column(link::Column::ToId)
        .expr_as(place, "place")
        .into_query()
        .columns([("scope", "fleet"), ("scope", "id")])
        .inner_join("scope", Expr::col((link::Entity, link::Column::FromId)).equals(("scope", "id")))
        .to_owned();
    Query::select()
        .distinct()
        .columns(["fleet", "id", "to_id"])
        .from_subquery(ranked, "ranked")
        .and_where(Expr::col("place").eq(1))
        .to_owned()
}

/// Name servers joined in the order of their ids, which is the same on both databases.
fn name_servers(actor: &Actor) -> SelectStatement {
    Query::select()
        .expr_as(Expr::cust("STRING_AGG(observable.value, ' ' ORDER BY delegated.to_id)"), "key")
        .columns([("delegated", "fleet"), ("delegated", "id")])
        .from_subquery(latest(actor, LinkKind::DelegatedTo), "delegated")
        .inner_join(
            observable::Entity,
            Expr::col((observable::Entity, observable::Column::Id)).equals(("delegated", "to_id")),
        )
        .group_by_col(("delegated", "fleet"))
        .group_by_col(("delegated", "id"))
        .to_owned()
}

/// Name → address, or an address itself → prefix → autonomous system; or address → autonomous system.
fn systems(actor: &Actor) -> SelectStatement {
    let addresses = || {
        let own = Query::select()
            .columns(["fleet", "id"])
            .expr_as(Expr::col("id"), "address")
            .from("scope")
            .and_where(
                Expr::col(("scope", "kind"))
                    .is_in([ObservableKind::Ipv4Address, ObservableKind::Ipv6Address]),
            )
            .to_owned();
        Query::select()
            .columns(["fleet", "id"])
            .expr_as(Expr::col("to_id"), "address")
            .from_subquery(latest(actor, LinkKind::ResolvesTo), "resolved")
            .union(UnionType::All, own)
            .to_owned()
    };
    let ends = |kind| of_kind(actor, kind).columns([link::Column::FromId, link::Column::ToId]).into_query();
    let direct = Query::select()
        .expr_as(Expr::col(("announced", "to_id")), "key")
        .columns([("addresses", "fleet"), ("addresses", "id")])
        .from_subquery(addresses(), "addresses")
        .join_subquery(
            sea_orm::JoinType::InnerJoin,
            ends(LinkKind::AnnouncedBy),
            "announced",
            Expr::col(("announced", "from_id")).equals(("addresses", "address")),
        )
        .to_owned();
    Query::select()
        .expr_as(Expr::col(("announced", "to_id")), "key")
        .columns([("addresses", "fleet"), ("addresses", "id")])
        .from_subquery(addresses(), "addresses")
        .join_subquery(
            sea_orm::JoinType::InnerJoin,
            ends(LinkKind::InPrefix),
            "routed",
            Expr::col(("routed", "from_id")).equals(("addresses", "address")),
        )
        .join_subquery(
            sea_orm::JoinType::InnerJoin,
            ends(LinkKind::AnnouncedBy),
            "announced",
            Expr::col(("announced", "from_id")).equals(("routed", "to_id")),
        )
        .union(UnionType::All, direct)
        .to_owned()
}

/// Names of the buckets of age, and the days since registration below which a name is in it.
const AGES: [(&str, i64); 5] = [("day", 1), ("week", 7), ("month", 30), ("quarter", 90), ("year", 365)];

/// How long ago each domain of the scope was registered, as registration data last said.
fn ages(actor: &Actor, now: Timestamp) -> SelectStatement {
    let ranked = visible::observations(actor)
        .filter(observation::Column::Probe.eq(Probe::RdapDomain))
        .select_only()
        .column(observation::Column::ObservableId)
        .expr_as(Expr::cust("observation.reading ->> 'registered_at'"), "at")
        .expr_as(
            Expr::cust(
                "RANK() OVER (PARTITION BY observation.observable_id ORDER BY observation.last_seen DESC)",
            ),
            "place",
        )
        .filter(Expr::cust("observation.observable_id IN (SELECT id FROM scope)"))
        .into_query();
    let last = Query::select()
        .column("observable_id")
        .expr_as(Expr::cust("MAX(at)"), "at")
        .from_subquery(ranked, "ranked")
        .and_where(Expr::col("place").eq(1))
        .group_by_col("observable_id")
        .to_owned();
    let mut bucket =
        sea_orm::sea_query::CaseStatement::new().case(Expr::cust("registered.at IS NULL"), "unknown");
    for (name, days) in AGES {
        let since = Timestamp(now.0.saturating_sub(days * 86_400_000_000)).to_string();
        bucket = bucket.case(Expr::col(("registered", "at")).gt(since), name);
    }
    Query::select()
        .expr_as(Expr::Case(Box::new(bucket.finally("older"))), "key")
        .columns([("scope", "fleet"), ("scope", "id")])
        .from("scope")
        .join_subquery(
            sea_orm::JoinType::LeftJoin,
            last,
            "registered",
            Expr::col(("registered", "observable_id")).equals(("scope", "id")),
        )
        .and_where(Expr::cust("scope.registrable IS NOT NULL"))
        .to_owned()
}
