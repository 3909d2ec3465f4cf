//! Small worlds: stored as rows, and walked in memory by the plainest code that says the same.

use std::collections::{BTreeMap, HashSet};

use anyhow::Result;
use entities::{
    ActorRole, ImportId, LinkId, LinkKind, ObservableId, ObservableKind, ObservableState, Pap, Role,
    SightingId, SourceId, Timestamp, Tlp, import, link, observable, sighting, source,
};
use proptest::prelude::*;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, ModelTrait};
use takedown::{
    access,
    actor::Actor,
    clock::Clock,
    env::Env,
    graph::{LinkFilter, Neighbourhood, Node, Wants},
    ids::Ids,
    settings::Settings,
};
use tests::Database;

const START: Timestamp = Timestamp(1_747_137_600_000_000);

/// The start and some days.
pub fn day(days: i64) -> Timestamp {
    Timestamp(START.0 + days * 86_400_000_000)
}

/// Sees everything.
pub fn ana() -> Actor {
    Actor::person("ana", ActorRole::Analyst)
}

/// Sees nothing that is TLP:RED.
pub fn liaison() -> Actor {
    Actor::liaison("lou", "an agency")
}

/// Surroundings over a database.
pub async fn env(database: &Database) -> Result<Env> {
    let env = Env::new(database.connect().await?, Clock::manual(START), Ids::seeded(3), Settings::default());
    Ok(env)
}

/// A world: its observables by number, and its links between them.
#[derive(Clone, Debug, Default)]
pub struct World {
    nodes: Vec<(ObservableKind, Option<Tlp>)>,
    links: Vec<Edge>,
    observed: BTreeMap<usize, Timestamp>,
    rows: Vec<observable::Model>,
    stored: Vec<link::Model>,
}

/// A link between two observables of a world.
#[derive(Clone, Debug)]
struct Edge {
    from: usize,
    kind: LinkKind,
    to: usize,
    source: usize,
    days: (i64, i64),
    tlp: Tlp,
}

impl World {
    /// A new observable; with a sighting of that marking, or with none.
    pub fn node(&mut self, kind: ObservableKind, seen: Option<Tlp>) -> usize {
        self.nodes.push((kind, seen));
        self.nodes.len() - 1
    }

    /// A link that held from day to day.
    pub fn link(&mut self, from: usize, kind: LinkKind, to: usize, first: i64, last: i64) {
        self.links.push(Edge { from, kind, to, source: 0, days: (first, last), tlp: Tlp::Clear });
    }

    /// The ids of observables, once they are stored.
    pub fn ids(&self, of: &[usize]) -> Vec<ObservableId> {
        of.iter().map(|at| self.rows[*at].id).collect()
    }

    /// How many observables it has.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// That an observable was looked at last.
    pub fn observed(&mut self, of: usize, at: Timestamp) {
        self.observed.insert(of, at);
    }

    /// The values of observables, once they are stored.
    pub fn values(&self, of: &[usize]) -> Vec<String> {
        of.iter().map(|at| self.rows[*at].value.clone()).collect()
    }

    /// Stores it, with new ids, beside what is there.
    pub async fn store(&mut self, env: &Env) -> Result<()> {
        let mark: SourceId = env.id();
        let mut sources = Vec::new();
        for number in 0..2 {
            let id: SourceId = env.id();
            sources.push(source::Model { id, name: format!("{mark} {number}"), created_at: START });
        }
        let import = import::Model {
            id: env.id::<ImportId>(),
            source_id: sources[0].id,
            name: "-".into(),
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
        self.rows =
            self.nodes.iter().enumerate().map(|(at, (kind, _))| observed(env, *kind, mark, at)).collect();
        for (at, when) in &self.observed {
            self.rows[*at].observed_at = Some(*when);
        }
        let seen = self.nodes.iter().zip(&self.rows);
        let seen: Vec<sighting::Model> =
            seen.filter_map(|((_, tlp), row)| tlp.map(|tlp| sighted(env, &import, row.id, tlp))).collect();
        let mut unique = HashSet::new();
        let links =
            self.links.iter().filter(|edge| unique.insert((edge.from, edge.kind, edge.to, edge.source)));
        self.stored = links
            .map(|edge| link::Model {
                id: env.id::<LinkId>(),
                from_id: self.rows[edge.from].id,
                kind: edge.kind,
                to_id: self.rows[edge.to].id,
                source_id: sources[edge.source].id,
                first_seen: day(edge.days.0),
                last_seen: day(edge.days.0.max(edge.days.1)),
                count: 1,
                tlp: edge.tlp,
            })
            .collect();
        insert(env, sources).await?;
        insert(env, vec![import]).await?;
        insert(env, self.rows.clone()).await?;
        insert(env, seen).await?;
        insert(env, self.stored.clone()).await
    }

    /// Whether somebody sees an observable: one that was sighted by its sighting, another beside one that they see sighted.
    pub fn sees(&self, actor: &Actor, of: ObservableId) -> bool {
        let Some(most) = access::clearance(actor) else { return false };
        let node = |id: ObservableId| {
            self.rows.iter().zip(&self.nodes).find(|(row, _)| row.id == id).map(|(_, node)| *node)
        };
        let sighted = |id: ObservableId| node(id).is_some_and(|(_, tlp)| tlp.is_some_and(|tlp| tlp <= most));
        match node(of) {
            None => false,
            Some((_, Some(tlp))) => tlp <= most,
            Some((kind, None)) => {
                most == Tlp::Red
                    || kind == ObservableKind::NameServer
                    || self.stored.iter().filter(|link| link.tlp <= most).any(|link| {
                        (link.from_id == of && sighted(link.to_id))
                            || (link.to_id == of && sighted(link.from_id))
                    })
            }
        }
    }

    /// The links that somebody sees, with both ends.
    pub fn visible(&self, actor: &Actor) -> Vec<&link::Model> {
        let clearance = access::clearance(actor);
        let seen = |link: &&link::Model| {
            clearance.is_some_and(|most| link.tlp <= most)
                && self.sees(actor, link.from_id)
                && self.sees(actor, link.to_id)
        };
        self.stored.iter().filter(seen).collect()
    }

    /// Whether a walk may go there.
    pub fn wanted(&self, actor: &Actor, wants: &Wants, to: ObservableId) -> bool {
        let kind = self.rows.iter().find(|row| row.id == to).map(|row| row.kind);
        let shared = self.visible(actor).iter().filter(|link| link.to_id == to).count() as u64;
        kind.is_some_and(|kind| wants.kinds.is_empty() || wants.kinds.contains(&kind))
            && wants.shared_by_at_most.is_none_or(|most| shared <= most)
    }

    /// What a walk finds, link by link; `None` if it may not begin.
    pub fn walk(&self, actor: &Actor, starts: &[ObservableId], wants: &Wants) -> Option<Neighbourhood> {
        if !starts.iter().all(|id| self.sees(actor, *id)) {
            return None;
        }
        let links: Vec<&link::Model> =
            self.visible(actor).into_iter().filter(|link| passes(&wants.links, link)).collect();
        let mut found = Neighbourhood::default();
        for id in starts {
            if !found.nodes.iter().any(|node| node.id == *id) {
                found.nodes.push(Node { id: *id, hops: 0, by: None });
            }
        }
        for hops in 1..=wants.hops {
            let level: Vec<ObservableId> =
                found.nodes.iter().filter(|node| node.hops == hops - 1).map(|node| node.id).collect();
            let mut ranks: BTreeMap<(usize, usize, bool), (&link::Model, ObservableId)> = BTreeMap::new();
            for (at, here) in level.iter().enumerate() {
                for incoming in [false, true] {
                    let ends = |link: &link::Model| {
                        if incoming { (link.to_id, link.from_id) } else { (link.from_id, link.to_id) }
                    };
                    let leads = |link: &&&link::Model| {
                        ends(link).0 == *here && self.wanted(actor, wants, ends(link).1)
                    };
                    let mut own: Vec<&link::Model> = links.iter().filter(leads).copied().collect();
                    own.sort_by_key(|link| std::cmp::Reverse((link.first_seen, link.id)));
                    for (rank, link) in own.into_iter().enumerate() {
                        ranks.insert((rank, at, incoming), (link, ends(link).1));
                    }
                }
            }
            for (link, there) in ranks.into_values() {
                if found.links.iter().any(|walked| walked.id == link.id) {
                    continue;
                }
                let new = !found.nodes.iter().any(|node| node.id == there);
                if found.links.len() == 4 * wants.first || (new && found.nodes.len() == wants.first) {
                    found.truncated = true;
                    return Some(found);
                }
                if new {
                    found.nodes.push(Node { id: there, hops, by: Some(link.id) });
                }
                found.links.push(link.clone());
            }
        }
        Some(found)
    }
}

/// Whether a link passes a filter.
pub fn passes(filter: &LinkFilter, link: &link::Model) -> bool {
    (filter.kinds.is_empty() || filter.kinds.contains(&link.kind))
        && filter.since.is_none_or(|since| link.last_seen >= since)
        && filter.until.is_none_or(|until| link.first_seen <= until)
}

/// An observable of a world.
pub fn observed(env: &Env, kind: ObservableKind, mark: SourceId, at: usize) -> observable::Model {
    observable::Model {
        id: env.id(),
        kind,
        value: format!("{mark}-{at}.example"),
        display: None,
        registrable: Some(format!("{mark}-{at}.example")),
        state: ObservableState::Active,
        next_due_at: None,
        observed_at: None,
        created_at: START,
        version: 1,
        operation_id: None,
    }
}

/// A sighting of one.
pub fn sighted(env: &Env, import: &import::Model, of: ObservableId, tlp: Tlp) -> sighting::Model {
    sighting::Model {
        id: env.id::<SightingId>(),
        observable_id: of,
        source_id: import.source_id,
        import_id: import.id,
        line: 1,
        family: "Lumma Stealer".into(),
        role: Role::C2,
        seen_at: None,
        valid_until: None,
        confidence: None,
        grading_scale: None,
        grading: None,
        tlp,
        handling: entities::Handling::H0,
        pap: Pap::Clear,
        created_at: START,
        operation_id: None,
    }
}

/// Stores rows of one table.
pub async fn insert<M, A>(env: &Env, rows: Vec<M>) -> Result<()>
where
    M: IntoActiveModel<A> + ModelTrait,
    A: ActiveModelTrait<Entity = M::Entity> + Send,
{
    for chunk in rows.chunks(500) {
        let chunk = chunk.iter().cloned().map(|row| row.into_active_model().reset_all());
        A::Entity::insert_many(chunk).exec_without_returning(&env.db).await?;
    }
    Ok(())
}

const KINDS: [ObservableKind; 3] =
    [ObservableKind::DomainName, ObservableKind::Ipv4Address, ObservableKind::NameServer];
const LINKS: [LinkKind; 3] = [LinkKind::ResolvesTo, LinkKind::DelegatedTo, LinkKind::AliasOf];
const TLPS: [Tlp; 3] = [Tlp::Clear, Tlp::AmberStrict, Tlp::Red];

/// Any small world.
pub fn any_world() -> impl Strategy<Value = World> {
    let node = (prop::sample::select(&KINDS[..]), prop::option::of(prop::sample::select(&TLPS[..])));
    prop::collection::vec(node, 2..12).prop_flat_map(|nodes| {
        let of = 0..nodes.len();
        // Dates are few, so that many links are equally new.
        let days = (0..4_i64, 0..6_i64);
        let tlp = prop_oneof![4 => Just(Tlp::Clear), 1 => prop::sample::select(&TLPS[..])];
        let edge = (of.clone(), prop::sample::select(&LINKS[..]), of, 0..2_usize, days, tlp);
        let edge =
            edge.prop_map(|(from, kind, to, source, days, tlp)| Edge { from, kind, to, source, days, tlp });
        let rows = (Just(nodes), prop::collection::vec(edge, 0..40));
        rows.prop_map(|(nodes, links)| World { nodes, links, ..World::default() })
    })
}

/// Who may ask.
pub fn any_actor() -> impl Strategy<Value = Actor> {
    prop_oneof![Just(ana()), Just(liaison())]
}

/// Any filter of links.
pub fn any_filter() -> impl Strategy<Value = LinkFilter> {
    let kinds = prop_oneof![2 => Just(Vec::new()), 1 => prop::sample::subsequence(&LINKS[..], 1..3)];
    let at = || prop::option::of((0..6_i64).prop_map(day));
    (kinds, at(), at()).prop_map(|(kinds, since, until)| LinkFilter { kinds, since, until, change: None })
}

/// Any walk in any small world.
pub fn any_walk() -> impl Strategy<Value = (World, Actor, Vec<usize>, Wants)> {
    any_world().prop_flat_map(|world| {
        let starts = prop::collection::vec(0..world.nodes.len(), 1..3);
        let kinds = prop_oneof![2 => Just(Vec::new()), 1 => prop::sample::subsequence(&KINDS[..], 1..3)];
        let wants = (any_filter(), kinds, prop::option::of(1..4_u64), 1..4_u8, 2..14_usize);
        let wants = wants.prop_map(|(links, kinds, shared_by_at_most, hops, first)| Wants {
            links,
            kinds,
            shared_by_at_most,
            hops,
            first,
        });
        (Just(world), any_actor(), starts, wants)
    })
}
