//! The links of a chunk: unique by ends, kind and source, their dates extended by what is said later.

use std::collections::HashMap;

use entities::{LinkId, LinkKind, ObservableId, Timestamp, Tlp};
use sea_orm::Value;

use super::{Arrived, Known, News, Store, given::Given, names::Names};
use crate::{
    error::Error,
    intake::entry::{Linked, Parsed},
};

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
    fn take(&mut self, linked: &Linked, tlp: Tlp, now: Timestamp) -> bool {
        let Some((first, last, count)) = self.held else {
            let (first, last) = linked.seen.unwrap_or((now, now));
            self.held = Some((first, last.max(first), linked.count.max(1)));
            self.tlp = tlp;
            return true;
        };
        let Some((from, to)) = linked.seen else { return false };
        let (wider, apart) = (from < first || to > last, to < first || from > last);
        let total = if apart { count.saturating_add(linked.count.max(1)) } else { count.max(linked.count) };
        if !wider && total == count {
            return false;
        }
        self.held = Some((first.min(from), last.max(to), total));
        self.changed = true;
        true
    }
}

/// Stores the chunk's links, notes which entries brought news, and returns how many links are new.
pub(super) async fn store(
    store: &Store<'_>,
    arrived: &[Arrived],
    names: &Names<'_>,
    news: &mut News,
) -> Result<u64, Error> {
    let mut slots: Vec<Slot> = Vec::new();
    let mut at_key: HashMap<Key, usize> = HashMap::new();
    let mut mentions: Vec<(usize, usize, &Linked, Tlp)> = Vec::new();
    for (at, Arrived { entry, .. }) in arrived.iter().enumerate() {
        let Ok(parsed) = &entry.parsed else { continue };
        let tlp = marking(parsed, store.fallback.tlp);
        for linked in &parsed.links {
            let (from, to) = (names.of(&linked.from)?, names.of(&linked.to)?);
            let key = Key { from: from.id, kind: linked.kind, to: to.id };
            let slot = *at_key.entry(key).or_insert_with(|| {
                let maybe_stored = !from.fresh && !to.fresh;
                slots.push(Slot { key, maybe_stored, stored: None, held: None, tlp, changed: false });
                slots.len() - 1
            });
            mentions.push((at, slot, linked, tlp));
        }
    }
    find(store, &mut slots).await?;
    for (at, slot, linked, tlp) in mentions {
        let said = slots[slot].take(linked, tlp, store.now);
        news.note(at, if said { None } else { Some(Known::Before) });
    }
    let new = insert(store, &slots).await?;
    update(store, &slots).await?;
    Ok(new)
}

/// The most restrictive label of an entry's sightings; the import's where it has none.
fn marking(parsed: &Parsed, fallback: Tlp) -> Tlp {
    parsed.sightings.iter().map(|(_, claim)| claim.tlp.unwrap_or(fallback)).max().unwrap_or(fallback)
}

/// Marks the links that are stored already.
async fn find(store: &Store<'_>, slots: &mut [Slot]) -> Result<(), Error> {
    let asked: Vec<usize> = (0..slots.len()).filter(|at| slots[*at].maybe_stored).collect();
    let keys = || asked.iter().map(|at| slots[*at].key);
    let found = Given::default()
        .ints("n", asked.iter().map(|at| i64::try_from(*at).unwrap_or(i64::MAX)))
        .ids("from_id", keys().map(|key| key.from.0))
        .texts("kind", keys().map(|key| key.kind.as_str()))
        .ids("to_id", keys().map(|key| key.to.0))
        .query(
            store.txn,
            "SELECT g.n, l.id, l.first_seen, l.last_seen, l.count FROM given g CROSS JOIN link l \
             WHERE l.from_id = g.from_id AND l.kind = g.kind AND l.to_id = g.to_id AND l.source_id = $1",
            vec![Value::from(store.source)],
        )
        .await?;
    for row in found {
        let n: i64 = row.try_get_by_index(0)?;
        let Some(slot) = usize::try_from(n).ok().and_then(|n| slots.get_mut(n)) else { continue };
        slot.stored = Some(row.try_get_by_index(1)?);
        slot.held = Some((row.try_get_by_index(2)?, row.try_get_by_index(3)?, row.try_get_by_index(4)?));
    }
    Ok(())
}

async fn insert(store: &Store<'_>, slots: &[Slot]) -> Result<u64, Error> {
    let rows: Vec<(&Slot, (Timestamp, Timestamp, i64))> = slots
        .iter()
        .filter(|slot| slot.stored.is_none())
        .filter_map(|slot| slot.held.map(|held| (slot, held)))
        .collect();
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
            "INSERT INTO link (id, from_id, kind, to_id, source_id, first_seen, last_seen, count, tlp) \
             SELECT g.id, g.from_id, g.kind, g.to_id, $1, g.first_seen, g.last_seen, g.times, g.tlp \
             FROM given g WHERE true ON CONFLICT (from_id, kind, to_id, source_id) DO NOTHING",
            vec![Value::from(store.source)],
        )
        .await
}

async fn update(store: &Store<'_>, slots: &[Slot]) -> Result<(), Error> {
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
            assert_eq!(slot.take(&linked(seen, count), Tlp::Clear, Timestamp(99)), news, "{seen:?} {count}");
            assert_eq!(slot.held, Some((Timestamp(first), Timestamp(last), total)));
        }
    }

    #[test]
    fn saying_everything_again_is_no_news() {
        let said = [(None, 1), (Some((5, 6)), 2), (Some((1, 2)), 2), (Some((8, 9)), 40), (Some((3, 4)), 1)];
        let mut slot = slot();
        for (seen, count) in said {
            slot.take(&linked(seen, count), Tlp::Clear, Timestamp(7));
        }
        for (seen, count) in said {
            assert!(!slot.take(&linked(seen, count), Tlp::Clear, Timestamp(70)), "{seen:?}");
        }
    }
}
