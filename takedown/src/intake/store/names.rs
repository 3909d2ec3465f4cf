//! The observables that a chunk names: each looked up, and stored if it is new.

use std::collections::{HashMap, HashSet};

use entities::{ObservableId, ObservableKind};
use sea_orm::{ConnectionTrait as _, DbBackend, Value};

use super::{
    Store,
    given::{ABSENT, Given},
};
use crate::{error::Error, intake::entry::Named};

/// The kinds that are looked up on the network: new ones are due at once.
const OBSERVED: [ObservableKind; 4] = [
    ObservableKind::DomainName,
    ObservableKind::HostName,
    ObservableKind::Ipv4Address,
    ObservableKind::Ipv6Address,
];

/// A stored observable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) id: ObservableId,
    /// This import stored it, in this chunk: nothing in the store refers to it.
    pub(super) fresh: bool,
}

/// The observables of a chunk, by kind and value.
pub(super) struct Names<'a> {
    rows: HashMap<(ObservableKind, &'a str), Row>,
}

impl<'a> Names<'a> {
    /// Finds or stores everything in `named`. `mostly_new` says which of the two is tried first; it changes only
    /// how many statements are needed.
    pub(super) async fn resolve(
        store: Store<'_>,
        named: impl Iterator<Item = &'a Named>,
        mostly_new: bool,
    ) -> Result<Self, Error> {
        let mut wanted: Vec<&Named> = named.collect();
        // In the index's order: neighbouring keys are on the same page, and whoever else inserts in this order
        // never waits for us while we wait for them.
        wanted.sort_unstable_by_key(|named| (named.value.as_str(), named.kind.as_str()));
        wanted.dedup_by_key(|named| (named.value.as_str(), named.kind));
        let mut names = Self { rows: HashMap::with_capacity(wanted.len()) };
        if !mostly_new {
            names.find(store, &mut wanted).await?;
        }
        names.insert(store, &mut wanted).await?;
        // What is in the store already, and what observing stored in between.
        names.find(store, &mut wanted).await?;
        if wanted.is_empty() { Ok(names) } else { Err(Error::Stale) }
    }

    /// Moves what is in the store from `wanted` to the rows.
    async fn find(&mut self, store: Store<'_>, wanted: &mut Vec<&'a Named>) -> Result<(), Error> {
        let found = Given::default()
            .ints("n", 0..i64::try_from(wanted.len()).unwrap_or(i64::MAX))
            .texts("kind", wanted.iter().map(|named| named.kind.as_str()))
            .texts("value", wanted.iter().map(|named| named.value.as_str()))
            .query(
                store.txn,
                "SELECT g.n, o.id FROM given g LEFT JOIN observable o ON o.value = g.value AND o.kind = g.kind \
                 AND o.operation_id IS NOT DISTINCT FROM $1",
                vec![Value::from(store.operation)],
            )
            .await?;
        for row in found {
            let (n, id): (i64, Option<ObservableId>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let Some(id) = id else { continue };
            if let Some(named) = usize::try_from(n).ok().and_then(|n| wanted.get(n)) {
                self.rows.insert((named.kind, &named.value), Row { id, fresh: false });
            }
        }
        wanted.retain(|named| !self.rows.contains_key(&(named.kind, named.value.as_str())));
        Ok(())
    }

    /// Stores what of `wanted` is not in the store, and moves it to the rows.
    async fn insert(&mut self, store: Store<'_>, wanted: &mut Vec<&'a Named>) -> Result<(), Error> {
        let ids: Vec<ObservableId> = wanted.iter().map(|_| store.env.ids.next(store.now)).collect();
        let due = |named: &&Named| match store.due && OBSERVED.contains(&named.kind) {
            true => store.now.0,
            false => ABSENT,
        };
        // Named, or PostgreSQL looks into every unique index of the table for each row.
        let none = match store.txn.get_database_backend() {
            DbBackend::Postgres => "'00000000-0000-0000-0000-000000000000'::uuid",
            _ => "x''",
        };
        let inserted = Given::default()
            .ids("id", ids.iter().map(|id| id.0))
            .texts("kind", wanted.iter().map(|named| named.kind.as_str()))
            .texts("value", wanted.iter().map(|named| named.value.as_str()))
            .texts("display", wanted.iter().map(|named| named.display.as_deref().unwrap_or("")))
            .texts("registrable", wanted.iter().map(|named| named.registrable.as_deref().unwrap_or("")))
            .ints("due", wanted.iter().map(due))
            .returning(
                store.txn,
                &format!(
                    "INSERT INTO observable (id, kind, value, display, registrable, state, next_due_at, \
                     created_at, version, operation_id) SELECT g.id, g.kind, g.value, NULLIF(g.display, ''), \
                     NULLIF(g.registrable, ''), 'fresh', NULLIF(g.due, {ABSENT}), $1, 1, $2 FROM given g \
                     WHERE true ON CONFLICT (value, kind, COALESCE(operation_id, {none})) DO NOTHING RETURNING id"
                ),
                vec![Value::from(store.now), Value::from(store.operation)],
            )
            .await?;
        let inserted: HashSet<ObservableId> =
            inserted.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
        let mut ids = ids.into_iter();
        wanted.retain(|named| match ids.next().filter(|id| inserted.contains(id)) {
            Some(id) => {
                self.rows.insert((named.kind, &named.value), Row { id, fresh: true });
                false
            }
            None => true,
        });
        Ok(())
    }

    /// The stored observable of something that the chunk names.
    pub(super) fn of(&self, named: &Named) -> Result<Row, Error> {
        // `resolve` has walked the same entries.
        self.rows.get(&(named.kind, named.value.as_str())).copied().ok_or(Error::Stale)
    }

    /// Whether more of them are new than not.
    pub(super) fn mostly_new(&self) -> bool {
        self.fresh() * 2 > self.rows.len() as u64
    }

    /// How many observables this chunk brought.
    pub(super) fn fresh(&self) -> u64 {
        self.rows.values().filter(|row| row.fresh).count() as u64
    }
}
