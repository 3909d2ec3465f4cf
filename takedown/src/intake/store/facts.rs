//! The facts of a chunk: what the input states of a thing, and the benign lists it is on.

use std::collections::HashMap;

use entities::{FactId, FactKind, ObservableId};
use sea_orm::Value;

use super::{Arrived, Known, News, Store, given::Given, names::Names};
use crate::error::Error;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key<'a> {
    observable: ObservableId,
    kind: FactKind,
    list: &'a str,
    detail: &'a str,
}

struct Slot<'a> {
    key: Key<'a>,
    /// The observable is older than this chunk, so the fact may be too.
    maybe_stored: bool,
    /// Stored, or said by an entry before.
    known: bool,
    stored: bool,
}

/// Stores the chunk's facts, notes which entries brought news, and returns how many facts are new. That a benign
/// list knows a thing is no news of the entry's.
pub(super) async fn store(
    store: &Store<'_>,
    arrived: &[Arrived],
    names: &Names<'_>,
    news: &mut News,
) -> Result<u64, Error> {
    let mut slots: Vec<Slot<'_>> = Vec::new();
    let mut at_key: HashMap<Key<'_>, usize> = HashMap::new();
    let mut mentions: Vec<(usize, usize)> = Vec::new();
    for (at, Arrived { entry, listed }) in arrived.iter().enumerate() {
        let Ok(parsed) = &entry.parsed else { continue };
        let own = parsed.facts.len();
        for (nth, fact) in parsed.facts.iter().chain(listed).enumerate() {
            let row = names.of(&fact.of)?;
            let key = Key { observable: row.id, kind: fact.kind, list: &fact.list, detail: &fact.detail };
            let slot = *at_key.entry(key).or_insert_with(|| {
                slots.push(Slot { key, maybe_stored: !row.fresh, known: false, stored: false });
                slots.len() - 1
            });
            if nth < own {
                mentions.push((at, slot));
            }
        }
    }
    find(store, &mut slots).await?;
    for (at, slot) in mentions {
        news.note(at, slots[slot].known.then_some(Known::Before));
        slots[slot].known = true;
    }
    insert(store, &slots).await
}

/// Marks the facts that are stored already.
async fn find(store: &Store<'_>, slots: &mut [Slot<'_>]) -> Result<(), Error> {
    let asked: Vec<usize> = (0..slots.len()).filter(|at| slots[*at].maybe_stored).collect();
    let found = with_keys(
        Given::default().ints("n", asked.iter().map(|at| i64::try_from(*at).unwrap_or(i64::MAX))),
        asked.iter().map(|at| &slots[*at].key),
    )
    .query(
        store.txn,
        "SELECT g.n FROM given g CROSS JOIN fact f WHERE f.observable_id = g.observable AND f.kind = g.kind \
         AND f.list = g.list AND f.detail = g.detail",
        Vec::new(),
    )
    .await?;
    for row in found {
        let n: i64 = row.try_get_by_index(0)?;
        if let Some(slot) = usize::try_from(n).ok().and_then(|n| slots.get_mut(n)) {
            (slot.known, slot.stored) = (true, true);
        }
    }
    Ok(())
}

async fn insert(store: &Store<'_>, slots: &[Slot<'_>]) -> Result<u64, Error> {
    let rows: Vec<&Slot<'_>> = slots.iter().filter(|slot| !slot.stored).collect();
    with_keys(
        Given::default().ids("id", rows.iter().map(|_| store.env.ids.next::<FactId>(store.now).0)),
        rows.iter().map(|slot| &slot.key),
    )
    .execute(
        store.txn,
        "INSERT INTO fact (id, observable_id, kind, list, detail, first_seen, last_seen) \
         SELECT g.id, g.observable, g.kind, g.list, g.detail, $1, $1 FROM given g \
         WHERE true ON CONFLICT (observable_id, kind, list, detail) DO NOTHING",
        vec![Value::from(store.now)],
    )
    .await
}

fn with_keys<'a>(given: Given, keys: impl Iterator<Item = &'a Key<'a>> + Clone) -> Given {
    given
        .ids("observable", keys.clone().map(|key| key.observable.0))
        .texts("kind", keys.clone().map(|key| key.kind.as_str()))
        .texts("list", keys.clone().map(|key| key.list))
        .texts("detail", keys.map(|key| key.detail))
}
