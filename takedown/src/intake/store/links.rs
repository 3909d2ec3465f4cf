//! The links of a chunk: unique by ends, kind and source, their dates extended by what is said later.

use std::collections::HashMap;

use entities::{LinkId, LinkKind, ObservableId, SourceId, Timestamp, Tlp};
use sea_orm::Value;

use super::{Store, given::Given, names::Names};
use crate::{error::Error, intake::entry::Linked};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    from: ObservableId,
    kind: LinkKind,
    to: ObservableId,
}

/// A link as it stands, stored or about to be.
struct Slot {
    key: Key,
    /// Both ends are older than this chunk, so the link may be too.
    maybe_stored: bool,
    stored: Option<LinkId>,
    /// First seen, last seen, count; none until it is stored or said.
    held: Option<(Timestamp, Timestamp, i64)>,
    tlp: Tlp,
    changed: bool,
}

impl Slot {
    /// Takes one more statement of the link in; true if it says something new. A statement without dates is
    /// news only of a link that was not known. Windows that overlap count the same events, so the greater count
    /// stands; windows apart add up. Saying all of it again, in the same order, is never news.
    fn take(&mut self, said: &Said<'_>, now: Timestamp) -> bool {
        let times = said.link.count.max(1);
        let Some((first, last, count)) = self.held else {
            let (first, last) = said.seen.unwrap_or((now, now));
            self.held = Some((first, last.max(first), times));
            self.tlp = said.tlp;
            return true;
        };
        let Some((from, to)) = said.seen else { return false };
        let (wider, apart) = (from < first || to > last, to < first || from > last);
        let total = if apart { count.saturating_add(times) } else { count.max(times) };
        if !wider && total == count {
            return false;
        }
        self.held = Some((first.min(from), last.max(to), total));
        self.changed = true;
        true
    }
}

/// A statement of a link.
pub(super) struct Said<'a> {
    /// The entry that says it.
    pub(super) at: usize,
    pub(super) link: &'a Linked,
    /// When it held, if that is known.
    pub(super) seen: Option<(Timestamp, Timestamp)>,
    pub(super) tlp: Tlp,
}

/// Stores links in the order in which they are said, notes for each entry whether what it says was known, and
/// returns how many links are new.
pub(super) async fn store(
    store: Store<'_>,
    source: SourceId,
    names: &Names<'_>,
    said: &[Said<'_>],
    mut note: impl FnMut(usize, bool),
) -> Result<u64, Error> {
    let mut slots: Vec<Slot> = Vec::new();
    let mut at_key: HashMap<Key, usize> = HashMap::with_capacity(said.len());
    let mut mentions: Vec<usize> = Vec::with_capacity(said.len());
    for Said { link, tlp, .. } in said {
        let (from, to) = (names.of(&link.from)?, names.of(&link.to)?);
        let key = Key { from: from.id, kind: link.kind, to: to.id };
        mentions.push(*at_key.entry(key).or_insert_with(|| {
            let maybe_stored = !from.fresh && !to.fresh;
            slots.push(Slot { key, maybe_stored, stored: None, held: None, tlp: *tlp, changed: false });
            slots.len() - 1
        }));
    }
    find(store, source, &mut slots).await?;
    for (said, slot) in said.iter().zip(mentions) {
        note(said.at, !slots[slot].take(said, store.now));
    }
    let new = insert(store, source, &slots).await?;
    update(store, &slots).await?;
    Ok(new)
}

/// Marks the links that are stored already.
async fn find(store: Store<'_>, source: SourceId, slots: &mut [Slot]) -> Result<(), Error> {
    let asked: Vec<usize> = (0..slots.len()).filter(|at| slots[*at].maybe_stored).collect();
    let keys = || asked.iter().map(|at| slots[*at].key);
    let found = Given::default()
        .ints("n", asked.iter().map(|at| i64::try_from(*at).unwrap_or(i64::MAX)))
        .ids("from_id", keys().map(|key| key.from.0))
        .texts("kind", keys().map(|key| key.kind.as_str()))
        .ids("to_id", keys().map(|key| key.to.0))
        .query(
            store.txn,
            "SELECT g.n, l.id, l.first_seen, l.last_seen, l.count FROM given g LEFT JOIN link l \
             ON l.from_id = g.from_id AND l.kind = g.kind AND l.to_id = g.to_id AND l.source_id = $1",
            vec![Value::from(source)],
        )
        .await?;
    for row in found {
        let n: i64 = row.try_get_by_index(0)?;
        let Some(slot) = usize::try_from(n).ok().and_then(|n| slots.get_mut(n)) else { continue };
        slot.stored = row.try_get_by_index(1)?;
        if slot.stored.is_some() {
            slot.held = Some((row.try_get_by_index(2)?, row.try_get_by_index(3)?, row.try_get_by_index(4)?));
        }
    }
    Ok(())
}

async fn insert(store: Store<'_>, source: SourceId, slots: &[Slot]) -> Result<u64, Error> {
    let mut rows: Vec<New<'_>> = slots
        .iter()
        .filter(|slot| slot.stored.is_none())
        .filter_map(|slot| slot.held.map(|held| (slot, held)))
        .collect();
    // In the index's order: neighbouring keys are on the same page.
    rows.sort_unstable_by_key(|(slot, _)| (slot.key.from.0, slot.key.to.0));
    // Nobody else sees an end that this transaction brings. PostgreSQL inserts what may be there already twice over.
    let (perhaps, surely): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(slot, _)| slot.maybe_stored);
    let past = "WHERE true ON CONFLICT (from_id, kind, to_id, source_id) DO NOTHING";
    Ok(put(store, source, &surely, "").await? + put(store, source, &perhaps, past).await?)
}

/// A link to be, with its dates and count.
type New<'a> = (&'a Slot, (Timestamp, Timestamp, i64));

async fn put(store: Store<'_>, source: SourceId, rows: &[New<'_>], past: &str) -> Result<u64, Error> {
    Given::default()
        .ids("id", rows.iter().map(|_| store.env.ids.next::<LinkId>(store.now).0))
        .ids("from_id", rows.iter().map(|(slot, _)| slot.key.from.0))
        .texts("kind", rows.iter().map(|(slot, _)| slot.key.kind.as_str()))
        .ids("to_id", rows.iter().map(|(slot, _)| slot.key.to.0))
        .ints("first_seen", rows.iter().map(|(_, (first, ..))| first.0))
        .ints("last_seen", rows.iter().map(|(_, (_, last, _))| last.0))
        .ints("times", rows.iter().map(|(_, (.., count))| *count))
        .texts("tlp", rows.iter().map(|(slot, _)| slot.tlp.as_str()))
        .execute(
            store.txn,
            &format!(
                "INSERT INTO link (id, from_id, kind, to_id, source_id, first_seen, last_seen, count, tlp) \
                 SELECT g.id, g.from_id, g.kind, g.to_id, $1, g.first_seen, g.last_seen, g.times, g.tlp \
                 FROM given g {past}"
            ),
            vec![Value::from(source)],
        )
        .await
}

async fn update(store: Store<'_>, slots: &[Slot]) -> Result<(), Error> {
    let rows: Vec<(LinkId, (Timestamp, Timestamp, i64))> = slots
        .iter()
        .filter(|slot| slot.changed)
        .filter_map(|slot| Some((slot.stored?, slot.held?)))
        .collect();
    Given::default()
        .ids("id", rows.iter().map(|(id, _)| id.0))
        .ints("first_seen", rows.iter().map(|(_, (first, ..))| first.0))
        .ints("last_seen", rows.iter().map(|(_, (_, last, _))| last.0))
        .ints("times", rows.iter().map(|(_, (.., count))| *count))
        .execute(
            store.txn,
            "UPDATE link SET first_seen = g.first_seen, last_seen = g.last_seen, count = g.times \
             FROM given g WHERE link.id = g.id",
            Vec::new(),
        )
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use entities::ObservableKind;

    use super::*;
    use crate::intake::entry::Named;

    fn linked(seen: Option<(i64, i64)>, count: i64) -> Linked {
        let named = |value: &str| Named {
            kind: ObservableKind::DomainName,
            value: value.to_owned(),
            display: None,
            registrable: None,
        };
        Linked {
            from: named("a.example"),
            kind: LinkKind::AliasOf,
            to: named("b.example"),
            seen: seen.map(|(from, to)| (Timestamp(from), Timestamp(to))),
            count,
        }
    }

    fn slot() -> Slot {
        let id = ObservableId(uuid::Uuid::nil());
        let key = Key { from: id, kind: LinkKind::AliasOf, to: id };
        Slot { key, maybe_stored: false, stored: None, held: None, tlp: Tlp::Clear, changed: false }
    }

    fn take(slot: &mut Slot, link: &Linked, now: i64) -> bool {
        slot.take(&Said { at: 0, link, seen: link.seen, tlp: Tlp::Clear }, Timestamp(now))
    }

    #[test]
    fn windows_apart_add_up_and_windows_that_overlap_keep_the_greater_count() {
        let mut slot = slot();
        let steps = [
            (Some((10, 20)), 5, true, (10, 20, 5)),
            (Some((10, 20)), 5, false, (10, 20, 5)),
            (Some((12, 18)), 1, false, (10, 20, 5)),
            (Some((15, 30)), 2, true, (10, 30, 5)),
            (Some((15, 30)), 9, true, (10, 30, 9)),
            (Some((1, 2)), 3, true, (1, 30, 12)),
            (None, 7, false, (1, 30, 12)),
        ];
        for (seen, count, news, (first, last, total)) in steps {
            assert_eq!(take(&mut slot, &linked(seen, count), 99), news, "{seen:?} {count}");
            assert_eq!(slot.held, Some((Timestamp(first), Timestamp(last), total)));
        }
    }

    #[test]
    fn saying_everything_again_is_no_news() {
        let said = [(None, 1), (Some((5, 6)), 2), (Some((1, 2)), 2), (Some((8, 9)), 40), (Some((3, 4)), 1)];
        let mut slot = slot();
        for (seen, count) in said {
            take(&mut slot, &linked(seen, count), 7);
        }
        for (seen, count) in said {
            assert!(!take(&mut slot, &linked(seen, count), 70), "{seen:?}");
        }
    }
}
