//! The facts of a chunk: what the input states of a thing, and the benign lists it is on.

use std::collections::{HashMap, HashSet};

use entities::{FactId, FactKind, ObservableId};
use sea_orm::Value;

use super::{
    Store,
    given::Given,
    names::{Names, Row},
};
use crate::{error::Error, intake::entry::Stated};

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

/// Stores facts, notes for each entry whether what it states was known, and returns how many facts are new.
pub(super) async fn store(
    store: Store<'_>,
    names: &Names<'_>,
    stated: &[(Option<usize>, &Stated)],
    mut note: impl FnMut(usize, bool),
) -> Result<u64, Error> {
    let mut slots: Vec<Slot<'_>> = Vec::new();
    let mut at_key: HashMap<Key<'_>, usize> = HashMap::new();
    let mut mentions: Vec<(usize, usize)> = Vec::new();
    for (at, fact) in stated {
        let row = names.of(&fact.of)?;
        let key = key(row, fact);
        let slot = *at_key.entry(key).or_insert_with(|| {
            slots.push(Slot { key, maybe_stored: !row.fresh, known: false, stored: false });
            slots.len() - 1
        });
        mentions.extend(at.map(|at| (at, slot)));
    }
    find(store, &mut slots).await?;
    for (at, slot) in mentions {
        note(at, slots[slot].known);
        slots[slot].known = true;
    }
    let new: Vec<&Key<'_>> = slots.iter().filter(|slot| !slot.stored).map(|slot| &slot.key).collect();
    insert(store, &new, "NOTHING").await
}

/// Stores facts that hold now; one that is known lasts longer.
pub(super) async fn extend(store: Store<'_>, names: &Names<'_>, stated: &[Stated]) -> Result<(), Error> {
    let mut keys = Vec::with_capacity(stated.len());
    let mut seen = HashSet::with_capacity(stated.len());
    for fact in stated {
        keys.push(key(names.of(&fact.of)?, fact));
    }
    let keys: Vec<&Key<'_>> = keys.iter().filter(|key| seen.insert(**key)).collect();
    insert(
        store,
        &keys,
        "UPDATE SET last_seen = excluded.last_seen WHERE fact.last_seen < excluded.last_seen",
    )
    .await?;
    Ok(())
}

fn key(row: Row, fact: &Stated) -> Key<'_> {
    Key { observable: row.id, kind: fact.kind, list: &fact.list, detail: &fact.detail }
}

/// Marks the facts that are stored already.
async fn find(store: Store<'_>, slots: &mut [Slot<'_>]) -> Result<(), Error> {
    let asked: Vec<usize> = (0..slots.len()).filter(|at| slots[*at].maybe_stored).collect();
    let found = with_keys(
        Given::default().ints("n", asked.iter().map(|at| i64::try_from(*at).unwrap_or(i64::MAX))),
        asked.iter().map(|at| &slots[*at].key),
    )
    .query(
        store.txn,
        "SELECT g.n, f.id FROM given g LEFT JOIN fact f ON f.observable_id = g.observable AND f.kind = g.kind \
         AND f.list = g.list AND f.detail = g.detail",
        Vec::new(),
    )
    .await?;
    for row in found {
        let (n, id): (i64, Option<FactId>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if id.is_none() {
            continue;
        }
        if let Some(slot) = usize::try_from(n).ok().and_then(|n| slots.get_mut(n)) {
            (slot.known, slot.stored) = (true, true);
        }
    }
    Ok(())
}

async fn insert(store: Store<'_>, keys: &[&Key<'_>], on_conflict: &'static str) -> Result<u64, Error> {
    with_keys(
        Given::default().ids("id", keys.iter().map(|_| store.env.ids.next::<FactId>(store.now).0)),
        keys.iter().copied(),
    )
    .execute(
        store.txn,
        &format!(
            "INSERT INTO fact (id, observable_id, kind, list, detail, first_seen, last_seen) \
             SELECT g.id, g.observable, g.kind, g.list, g.detail, $1, $1 FROM given g \
             WHERE true ON CONFLICT (observable_id, kind, list, detail) DO {on_conflict}"
        ),
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
