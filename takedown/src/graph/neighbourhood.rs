//! What is within some hops of observables: level by level, the newest links of each observable in turn, so that a hub
//! gets no more of the answer than its neighbours.

use std::collections::{HashMap, HashSet};

use entities::{LinkId, ObservableId, link};
use sea_orm::ConnectionTrait;

use super::{
    each::{Asked, Part, first_links, newest_first},
    filter::{End, Wants, leading},
};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    reads::observables,
};

/// The most observables that a walk begins at.
pub const STARTS: usize = 100;
/// The most observables that are grouped.
pub const GROUPED: usize = 20_000;
/// Directions of observables in one statement.
const STREAMS: usize = 2_000;

/// An observable of a neighbourhood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which.
    pub id: ObservableId,
    /// How many links away from what the walk began at.
    pub hops: u8,
    /// The link by which it was found; none for what the walk began at.
    pub by: Option<LinkId>,
}

/// What is within some hops.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbourhood {
    /// In the order in which they were found.
    pub nodes: Vec<Node>,
    /// The links that were walked and have both ends in `nodes`, in the order in which they were walked.
    pub links: Vec<link::Model>,
    /// Whether there is more than this.
    pub truncated: bool,
}

impl Neighbourhood {
    /// Links that are taken for each observable: several sources may assert one relation.
    pub const LINKS_PER_NODE: usize = 4;
}

/// What is within `wants.hops` of `of`.
///
/// The order is a promise: of each level the observables are taken as they were found, and of each first its newest
/// outgoing link, then its newest incoming one, then of each the second newest, and so on, until `wants.first`
/// observables are found or four times as many links are walked.
///
/// # Errors
/// The actor may not read; an observable is not there or not visible; a bound is out of bounds; the database refused.
pub async fn neighbourhood(
    env: &Env,
    actor: &Actor,
    of: &[ObservableId],
    wants: &Wants,
) -> Result<Neighbourhood, Error> {
    let starts = begin(env, actor, of, wants).await?;
    let mut walk = Walk::new(actor, wants, wants.first, &starts);
    walk.run(&env.db).await?;
    Ok(walk.found)
}

/// The observables that [`neighbourhood`] would find without a limit, up to [`GROUPED`], those that it begins at left
/// out; and whether there are more.
///
/// # Errors
/// As [`neighbourhood`].
pub async fn everything(
    env: &Env,
    actor: &Actor,
    of: &[ObservableId],
    wants: &Wants,
) -> Result<(Vec<ObservableId>, bool), Error> {
    let starts = begin(env, actor, of, wants).await?;
    let mut walk = Walk::new(actor, wants, GROUPED, &starts);
    walk.keeps_links = false;
    walk.run(&env.db).await?;
    let nodes = walk.found.nodes[starts.len()..].iter().map(|node| node.id);
    Ok((nodes.collect(), walk.found.truncated))
}

pub(super) async fn begin(
    env: &Env,
    actor: &Actor,
    of: &[ObservableId],
    wants: &Wants,
) -> Result<Vec<ObservableId>, Error> {
    access::check(actor, Action::Read, Subject::System)?;
    wants.check()?;
    let starts = distinct(of);
    if starts.is_empty() || starts.len() > STARTS.min(wants.first) {
        return Err(Error::invalid(
            "of",
            format!("must name 1 to {STARTS} observables, and no more than `first`"),
        ));
    }
    seen(env, actor, &starts).await?;
    Ok(starts)
}

/// The same ids, each once, in the order in which they are given.
pub(super) fn distinct(of: &[ObservableId]) -> Vec<ObservableId> {
    let mut met = HashSet::with_capacity(of.len());
    of.iter().copied().filter(|id| met.insert(*id)).collect()
}

/// # Errors
/// One of them is not there or not visible.
pub(super) async fn seen(env: &Env, actor: &Actor, of: &[ObservableId]) -> Result<(), Error> {
    let visible = observables::visible_of(env, actor, of).await?;
    match of.iter().find(|id| !visible.contains(id)) {
        Some(missing) => Err(Error::not_found("observable", missing)),
        None => Ok(()),
    }
}

/// A walk in progress.
struct Walk<'a> {
    actor: &'a Actor,
    wants: &'a Wants,
    first: usize,
    keeps_links: bool,
    found: Neighbourhood,
    known: HashSet<ObservableId>,
    walked: HashSet<LinkId>,
}

/// The links of one observable in one direction, as far as they are read.
struct Stream {
    end: End,
    of: ObservableId,
    rows: Vec<link::Model>,
}

impl<'a> Walk<'a> {
    fn new(actor: &'a Actor, wants: &'a Wants, first: usize, starts: &[ObservableId]) -> Self {
        let nodes = starts.iter().map(|id| Node { id: *id, hops: 0, by: None }).collect();
        Self {
            actor,
            wants,
            first,
            keeps_links: true,
            found: Neighbourhood { nodes, ..Neighbourhood::default() },
            known: starts.iter().copied().collect(),
            walked: HashSet::new(),
        }
    }

    async fn run(&mut self, db: &impl ConnectionTrait) -> Result<(), Error> {
        let mut begun = 0;
        for hops in 1..=self.wants.hops {
            let level: Vec<ObservableId> = self.found.nodes[begun..].iter().map(|node| node.id).collect();
            begun += level.len();
            self.level(db, &level, hops).await?;
            if self.found.truncated {
                break;
            }
        }
        Ok(())
    }

    /// Walks from every observable of one level, rank by rank. What is read at once is what the answer has room for,
    /// shared among those that have more.
    async fn level(
        &mut self,
        db: &impl ConnectionTrait,
        level: &[ObservableId],
        hops: u8,
    ) -> Result<(), Error> {
        let mut streams: Vec<Stream> = level
            .iter()
            .flat_map(|of| End::BOTH.map(|end| Stream { end, of: *of, rows: Vec::new() }))
            .collect();
        let (mut skip, mut least) = (0, 4);
        while !streams.is_empty() {
            // One beyond the room tells whether there is more.
            let room = self.first - self.found.nodes.len() + 1;
            let part = Part { skip, first: (room.div_ceil(streams.len()).max(least)) as u64 };
            for some in streams.chunks_mut(STREAMS) {
                fill(db, self.actor, self.wants, some, part).await?;
            }
            for rank in 0..part.first as usize {
                for stream in &streams {
                    let Some(link) = stream.rows.get(rank) else { continue };
                    if !self.take(stream, link, hops) {
                        return Ok(());
                    }
                }
            }
            streams.retain(|stream| stream.rows.len() as u64 == part.first);
            skip += part.first;
            least *= 2;
        }
        Ok(())
    }

    /// Takes one link; false once the walk is over.
    fn take(&mut self, stream: &Stream, link: &link::Model, hops: u8) -> bool {
        if self.walked.contains(&link.id) {
            return true;
        }
        let there = if stream.end == End::Outgoing { link.to_id } else { link.from_id };
        let new = !self.known.contains(&there);
        let full = self.walked.len() == self.first * Neighbourhood::LINKS_PER_NODE;
        if full || (new && self.found.nodes.len() == self.first) {
            self.found.truncated = true;
            return false;
        }
        self.walked.insert(link.id);
        if new {
            self.known.insert(there);
            self.found.nodes.push(Node { id: there, hops, by: Some(link.id) });
        }
        if self.keeps_links {
            self.found.links.push(link.clone());
        }
        true
    }
}

/// Reads the next part of each stream.
async fn fill(
    db: &impl ConnectionTrait,
    actor: &Actor,
    wants: &Wants,
    streams: &mut [Stream],
    part: Part,
) -> Result<(), Error> {
    let asked = End::BOTH.map(|end| Asked {
        end,
        of: streams.iter().filter(|stream| stream.end == end).map(|stream| stream.of).collect(),
        links: leading(actor, wants, end),
    });
    let mut by: HashMap<(End, ObservableId), Vec<link::Model>> = HashMap::with_capacity(streams.len());
    for (end, link) in first_links(db, asked.into(), part).await? {
        let here = if end == End::Outgoing { link.from_id } else { link.to_id };
        by.entry((end, here)).or_default().push(link);
    }
    for stream in streams {
        stream.rows = by.remove(&(stream.end, stream.of)).unwrap_or_default();
        newest_first(&mut stream.rows);
    }
    Ok(())
}
