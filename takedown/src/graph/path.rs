//! How two observables are connected: the path of fewest links, or the one over the rarest values. Both ends walk
//! towards each other, what is common is walked around, and an answer that a bound may have spoilt says so.

use std::collections::{HashMap, HashSet};

use entities::{ObservableId, link};
use sea_orm::{
    ConnectionTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Query},
};

use super::{
    each::{Asked, Part, first_links, given, newest_first},
    filter::{End, Wants, ends_at, leading_to},
    neighbourhood::seen,
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    visible,
};

/// The longest path that is looked for.
pub const LONGEST: u8 = 8;
/// What is shared by more is walked around, where it is not said.
pub const COMMON: u64 = 1_000;
/// Links of one observable in one direction, the newest, that are walked.
const PER_NODE: u64 = 200;
/// Observables of one statement.
const NODES: usize = 100;
/// Links that are read in all.
const LINKS: usize = 50_000;
/// Links that are counted to weigh a value.
const WEIGHED: u64 = 500;
/// What a link costs besides what it leads over, in thousandths: of paths that are equally rare the shorter is better.
const HOP: u64 = 100;

/// Which of the paths is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Best {
    /// The one of fewest links.
    Shortest,
    /// The one over the rarest values: each link costs the logarithm of how many share what it ends at.
    Strongest,
}

/// One link of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct PathStep {
    /// Where it leads on the way.
    pub to: ObservableId,
    /// The link, which may point either way.
    pub link: link::Model,
    /// How many links end where this one does, up to 500: whether the step says much.
    pub shared_by: u64,
}

/// The answer about a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// The links from the one to the other; none if no path was found.
    pub steps: Option<Vec<PathStep>>,
    /// Whether a bound ended the search: there may be a better path, or one where none was found.
    pub bounded: bool,
}

/// The best path of at most `longest` links between two observables. `wants` says over what it may lead; its
/// `hops` and `first` do not count, and without `shared_by_at_most` it is [`COMMON`]. The two may be of any kind, and
/// as common as they are.
///
/// # Errors
/// The actor may not read; one of the two is not there or not visible; a bound is out of bounds; the database refused.
pub async fn path(
    env: &Env,
    actor: &Actor,
    (from, to): (ObservableId, ObservableId),
    wants: &Wants,
    best: Best,
    longest: u8,
) -> Result<Connection, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    if longest == 0 || longest > LONGEST {
        return Err(Error::invalid("longest", format!("must be 1 to {LONGEST}")));
    }
    let wants = Wants { shared_by_at_most: Some(wants.shared_by_at_most.unwrap_or(COMMON)), ..wants.clone() };
    wants.check()?;
    seen(env, actor, &[from, to]).await?;
    if from == to {
        return Ok(Connection { steps: Some(Vec::new()), bounded: false });
    }
    let mut search = Search { actor, wants: &wants, links: Vec::new(), met: HashSet::new(), bounded: false };
    let mut sides = [Side::new(from, to), Side::new(to, from)];
    for _ in 0..longest {
        let joined = sides[0].known.iter().any(|id| sides[1].known.contains(id));
        if best == Best::Shortest && joined {
            break;
        }
        // The narrower side goes on; one that has nowhere to go has found all that is connected with it.
        if sides.iter().any(|side| side.frontier.is_empty()) {
            break;
        }
        let narrow = usize::from(sides[1].frontier.len() < sides[0].frontier.len());
        search.widen(&env.db, &mut sides[narrow]).await?;
    }
    let weights = match best {
        Best::Shortest => HashMap::new(),
        Best::Strongest => shared(env, actor, search.links.iter().map(|link| link.to_id)).await?,
    };
    let cost = |link: &link::Model| match best {
        Best::Shortest => 1,
        Best::Strongest => HOP + logarithm(weights.get(&link.to_id).copied().unwrap_or(1)),
    };
    let Some(way) = cheapest(&search.links, cost, (from, to), longest) else {
        return Ok(Connection { steps: None, bounded: search.bounded });
    };
    let counts = shared(env, actor, way.iter().map(|(_, link)| link.to_id)).await?;
    let steps = way.into_iter().map(|(to, link)| {
        let shared_by = counts.get(&link.to_id).copied().unwrap_or(0);
        PathStep { to, link: link.clone(), shared_by }
    });
    let bounded = search.bounded;
    Ok(Connection { steps: Some(steps.collect()), bounded })
}

/// The natural logarithm in thousandths.
fn logarithm(count: u64) -> u64 {
    // At most 1,000 times the logarithm of 500.
    ((Ord::max(count, 1) as f64).ln() * 1_000.0).round() as u64
}

/// One of the two walks.
struct Side {
    goal: ObservableId,
    known: HashSet<ObservableId>,
    frontier: Vec<ObservableId>,
}

impl Side {
    fn new(start: ObservableId, goal: ObservableId) -> Self {
        Self { goal, known: HashSet::from([start]), frontier: vec![start] }
    }
}

/// What both have read.
struct Search<'a> {
    actor: &'a Actor,
    wants: &'a Wants,
    links: Vec<link::Model>,
    met: HashSet<entities::LinkId>,
    bounded: bool,
}

impl Search<'_> {
    /// One side walks one link further, from all that it reached last.
    async fn widen(&mut self, db: &impl ConnectionTrait, side: &mut Side) -> Result<(), Error> {
        let frontier = std::mem::take(&mut side.frontier);
        for some in frontier.chunks(NODES) {
            if self.links.len() >= LINKS {
                self.bounded = true;
                break;
            }
            let asked = End::BOTH.map(|end| Asked {
                end,
                of: some.to_vec(),
                links: leading_to(self.actor, self.wants, end, side.goal),
            });
            let rows = first_links(db, asked.into(), Part { skip: 0, first: PER_NODE }).await?;
            let mut by: HashMap<(End, ObservableId), Vec<link::Model>> = HashMap::new();
            for (end, link) in rows {
                let here = if end == End::Outgoing { link.from_id } else { link.to_id };
                by.entry((end, here)).or_default().push(link);
            }
            for (of, end) in some.iter().flat_map(|of| End::BOTH.map(|end| (of, end))) {
                let mut own = by.remove(&(end, *of)).unwrap_or_default();
                self.bounded |= own.len() as u64 == PER_NODE;
                newest_first(&mut own);
                for link in own {
                    let there = if end == End::Outgoing { link.to_id } else { link.from_id };
                    if side.known.insert(there) {
                        side.frontier.push(there);
                    }
                    if self.met.insert(link.id) {
                        self.links.push(link);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The cheapest way over at most `longest` of these links, each of which may be walked either way; the first of
/// equals in the order of the links.
fn cheapest(
    links: &[link::Model],
    cost: impl Fn(&link::Model) -> u64,
    (from, to): (ObservableId, ObservableId),
    longest: u8,
) -> Option<Vec<(ObservableId, &link::Model)>> {
    // By the number of links: what it costs to be somewhere, and the last link of the way there.
    let mut layers: Vec<HashMap<ObservableId, (u64, Option<usize>)>> =
        vec![HashMap::from([(from, (0, None))])];
    let mut least: HashMap<ObservableId, u64> = HashMap::from([(from, 0)]);
    for _ in 0..longest {
        let last = layers.last()?;
        let mut next: HashMap<ObservableId, (u64, Option<usize>)> = HashMap::new();
        for (at, link) in links.iter().enumerate() {
            for (here, there) in [(link.from_id, link.to_id), (link.to_id, link.from_id)] {
                let Some((so_far, _)) = last.get(&here) else { continue };
                let whole = so_far + cost(link);
                if least.get(&there).is_none_or(|least| whole < *least) {
                    least.insert(there, whole);
                    next.insert(there, (whole, Some(at)));
                }
            }
        }
        layers.push(next);
    }
    let reached = |layer: &HashMap<ObservableId, (u64, Option<usize>)>| layer.get(&to).map(|(cost, _)| *cost);
    let (mut layer, _) = layers
        .iter()
        .enumerate()
        .filter_map(|(at, layer)| reached(layer).map(|cost| (at, cost)))
        .min_by_key(|(at, cost)| (*cost, *at))?;
    let mut way = Vec::new();
    let mut here = to;
    while let Some((_, Some(at))) = layers[layer].get(&here) {
        let link = &links[*at];
        way.push((here, link));
        here = if link.to_id == here { link.from_id } else { link.to_id };
        layer -= 1;
    }
    way.reverse();
    Some(way)
}

/// How many visible links end at each value, up to [`WEIGHED`].
async fn shared(
    env: &Env,
    actor: &Actor,
    values: impl Iterator<Item = ObservableId>,
) -> Result<HashMap<ObservableId, u64>, Error> {
    let mut values: Vec<ObservableId> = values.collect();
    values.sort_unstable();
    values.dedup();
    if values.is_empty() {
        return Ok(HashMap::new());
    }
    let mut ending =
        visible::links(actor).filter(Expr::col((link::Entity, link::Column::ToId)).equals(("given", "id")));
    if !access::sees_all(actor) {
        ending = ending.filter(Expr::exists(ends_at(actor, link::Column::FromId).into_query()));
    }
    let ending = ending.select_only().column(link::Column::FromId).limit(WEIGHED).into_query();
    let count = Query::select().expr(Expr::cust("COUNT(*)")).from_subquery(ending, "ending").to_owned();
    let select = Query::select()
        .column(("given", "id"))
        .expr_as(Expr::from(count), "shared")
        .from_subquery(given(env.db.get_database_backend(), &values), "given")
        .to_owned();
    let mut counts = HashMap::with_capacity(values.len());
    for row in env.db.query_all(&select).await? {
        let count: i64 = row.try_get_by_index(1)?;
        counts.insert(row.try_get_by_index(0)?, u64::try_from(count).unwrap_or(0));
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use entities::{LinkId, LinkKind, SourceId, Timestamp, Tlp};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> ObservableId {
        ObservableId(Uuid::from_u128(n))
    }

    fn link(n: usize, (from, to): (u128, u128)) -> link::Model {
        link::Model {
            id: LinkId(Uuid::from_u128(n as u128)),
            from_id: id(from),
            kind: LinkKind::ResolvesTo,
            to_id: id(to),
            source_id: SourceId(Uuid::nil()),
            first_seen: Timestamp(0),
            last_seen: Timestamp(0),
            count: 1,
            tlp: Tlp::Clear,
        }
    }

    /// The least cost over every walk of at most `longest` links, by trying all.
    fn by_trying(links: &[link::Model], at: ObservableId, to: ObservableId, longest: u8) -> Option<u64> {
        if at == to {
            return Some(0);
        }
        if longest == 0 {
            return None;
        }
        let steps = links.iter().flat_map(|link| {
            let (from, to) = (link.from_id, link.to_id);
            [(from, to, cost(link)), (to, from, cost(link))]
        });
        let onward = steps.filter(|(here, ..)| *here == at);
        onward.filter_map(|(_, there, cost)| Some(cost + by_trying(links, there, to, longest - 1)?)).min()
    }

    fn cost(link: &link::Model) -> u64 {
        1 + u64::try_from(link.to_id.0.as_u128()).unwrap_or(0) % 3
    }

    proptest! {
        #[test]
        fn the_cheapest_way_costs_what_trying_all_finds(
            ends in prop::collection::vec((0..6_u128, 0..6_u128), 0..8),
            longest in 1..5_u8,
        ) {
            let links: Vec<link::Model> = ends.into_iter().enumerate().map(|(n, ends)| link(n, ends)).collect();
            let way = cheapest(&links, cost, (id(0), id(5)), longest);
            let sum = way.as_ref().map(|way| way.iter().map(|(_, link)| cost(link)).sum::<u64>());
            prop_assert_eq!(sum, by_trying(&links, id(0), id(5), longest));
            if let Some(way) = way {
                prop_assert!(way.len() <= usize::from(longest));
                let mut here = id(0);
                for (to, link) in way {
                    prop_assert!([(link.from_id, link.to_id), (link.to_id, link.from_id)].contains(&(here, to)));
                    here = to;
                }
                prop_assert_eq!(here, id(5));
            }
        }
    }
}
