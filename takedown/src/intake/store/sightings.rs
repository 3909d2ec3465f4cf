//! The sightings of a chunk: unique by observable, source, family, role and time; a later claim may tighten the
//! marking or prolong the validity of one that is known.

use std::collections::HashMap;

use entities::{Handling, ImportId, ObservableId, Pap, Role, SightingId, Timestamp, Tlp};
use sea_orm::Value;

use super::{
    Arrived, Batch, Known, News,
    given::{ABSENT, Given},
    micros,
    names::Names,
    number,
};
use crate::{error::Error, intake::entry::Claim, marking::Marking};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key<'a> {
    observable: ObservableId,
    family: &'a str,
    role: Role,
    seen_at: Option<Timestamp>,
}

/// A sighting as it stands, stored or about to be.
struct Slot<'a> {
    key: Key<'a>,
    /// The observable is older than this chunk, so the sighting may be too.
    maybe_stored: bool,
    stored: Option<(SightingId, Known)>,
    /// The line and claim that said it first, if it is not stored.
    first: Option<(i64, &'a Claim)>,
    tlp: Tlp,
    pap: Pap,
    handling: Handling,
    valid_until: Option<Timestamp>,
    changed: bool,
}

impl<'a> Slot<'a> {
    /// Takes one more claim in; `None` if it says something new, else where it was known from.
    fn take(&mut self, line: i64, claim: &'a Claim, store: &Batch<'_>) -> Option<Known> {
        let Marking { tlp, pap, handling } = store.fallback.marking(claim.tlp, claim.pap);
        let known = match (self.stored, self.first) {
            (None, None) => {
                self.first = Some((line, claim));
                (self.tlp, self.pap, self.handling) = (tlp, pap, handling);
                self.valid_until = claim.valid_until;
                return None;
            }
            (Some((_, known)), _) => known,
            (None, Some((first, _))) => Known::Line(first),
        };
        let tighter = tlp > self.tlp || pap > self.pap || handling > self.handling;
        if !tighter && claim.valid_until <= self.valid_until {
            return Some(known);
        }
        self.changed = true;
        self.tlp = self.tlp.max(tlp);
        self.pap = self.pap.max(pap);
        self.handling = self.handling.max(handling);
        self.valid_until = self.valid_until.max(claim.valid_until);
        None
    }
}

/// Stores the chunk's sightings, notes which entries brought news, and returns how many sightings are new.
pub(super) async fn store<'a>(
    store: &'a Batch<'_>,
    arrived: &'a [Arrived],
    names: &Names<'_>,
    news: &mut News,
) -> Result<u64, Error> {
    let mut slots: Vec<Slot<'a>> = Vec::with_capacity(arrived.len());
    let mut at_key: HashMap<Key<'a>, usize> = HashMap::with_capacity(arrived.len());
    let mut mentions: Vec<(usize, usize, &'a Claim)> = Vec::with_capacity(arrived.len());
    for (at, Arrived { entry, .. }) in arrived.iter().enumerate() {
        let Ok(parsed) = &entry.parsed else { continue };
        for (named, claim) in &parsed.sightings {
            let row = names.of(named)?;
            let key = Key {
                observable: row.id,
                family: claim.family.as_deref().unwrap_or(&store.fallback.family),
                role: claim.role.unwrap_or(store.fallback.role),
                seen_at: claim.seen_at,
            };
            let slot = *at_key.entry(key).or_insert_with(|| {
                slots.push(Slot {
                    key,
                    maybe_stored: !row.fresh,
                    stored: None,
                    first: None,
                    tlp: Tlp::Clear,
                    pap: Pap::Clear,
                    handling: Handling::H0,
                    valid_until: None,
                    changed: false,
                });
                slots.len() - 1
            });
            mentions.push((at, slot, claim));
        }
    }
    find(store, &mut slots).await?;
    for (at, slot, claim) in mentions {
        news.note(at, slots[slot].take(number(&arrived[at].entry), claim, store));
    }
    let new = insert(store, &slots).await?;
    update(store, &slots).await?;
    Ok(new)
}

/// Marks the sightings that are stored already.
async fn find(store: &Batch<'_>, slots: &mut [Slot<'_>]) -> Result<(), Error> {
    let asked: Vec<usize> = (0..slots.len()).filter(|at| slots[*at].maybe_stored).collect();
    let keys = || asked.iter().map(|at| &slots[*at].key);
    let found = Given::default()
        .ints("n", asked.iter().map(|at| i64::try_from(*at).unwrap_or(i64::MAX)))
        .ids("observable", keys().map(|key| key.observable.0))
        .texts("family", keys().map(|key| key.family))
        .texts("role", keys().map(|key| key.role.as_str()))
        .ints("seen", keys().map(|key| key.seen_at.map_or(0, |at| at.0)))
        .query(
            store.txn,
            "SELECT g.n, s.id, s.import_id, s.line, s.tlp, s.pap, s.valid_until, s.handling \
             FROM given g LEFT JOIN sighting s ON s.observable_id = g.observable AND s.source_id = $1 \
             AND s.family = g.family AND s.role = g.role AND COALESCE(s.seen_at, 0) = g.seen",
            vec![Value::from(store.source)],
        )
        .await?;
    for row in found {
        let n: i64 = row.try_get_by_index(0)?;
        let Some(slot) = usize::try_from(n).ok().and_then(|n| slots.get_mut(n)) else { continue };
        let Some(id) = row.try_get_by_index(1)? else { continue };
        let (import, line): (ImportId, i64) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let known = if import == store.import { Known::Line(line) } else { Known::Import(import, line) };
        slot.stored = Some((id, known));
        slot.tlp = row.try_get_by_index(4)?;
        slot.pap = row.try_get_by_index(5)?;
        slot.valid_until = row.try_get_by_index(6)?;
        slot.handling = row.try_get_by_index(7)?;
    }
    Ok(())
}

async fn insert(store: &Batch<'_>, slots: &[Slot<'_>]) -> Result<u64, Error> {
    let mut rows: Vec<(&Slot<'_>, i64, &Claim)> = slots
        .iter()
        .filter(|slot| slot.stored.is_none())
        .filter_map(|slot| slot.first.map(|(line, claim)| (slot, line, claim)))
        .collect();
    // In the index's order: neighbouring keys are on the same page.
    rows.sort_unstable_by_key(|(slot, ..)| slot.key.observable.0);
    let slots = || rows.iter().map(|(slot, ..)| *slot);
    let claims = || rows.iter().map(|(.., claim)| *claim);
    Given::default()
        .ids("id", rows.iter().map(|_| store.env.ids.next::<SightingId>(store.now).0))
        .ids("observable", slots().map(|slot| slot.key.observable.0))
        .ints("line", rows.iter().map(|(_, line, _)| *line))
        .texts("family", slots().map(|slot| slot.key.family))
        .texts("role", slots().map(|slot| slot.key.role.as_str()))
        .ints("seen", slots().map(|slot| micros(slot.key.seen_at)))
        .ints("until", slots().map(|slot| micros(slot.valid_until)))
        .ints("confidence", claims().map(|claim| claim.confidence.map_or(ABSENT, i64::from)))
        .texts("scale", claims().map(|c| c.grading.as_ref().map_or("", |(scale, _)| scale.as_str())))
        .texts("grading", claims().map(|c| c.grading.as_ref().map_or("", |(_, grading)| grading)))
        .texts("tlp", slots().map(|slot| slot.tlp.as_str()))
        .texts("pap", slots().map(|slot| slot.pap.as_str()))
        .texts("handling", slots().map(|slot| slot.handling.as_str()))
        .execute(
            store.txn,
            &format!(
                "INSERT INTO sighting (id, observable_id, source_id, import_id, line, family, role, seen_at, \
                 valid_until, confidence, grading_scale, grading, tlp, pap, handling, created_at, operation_id) \
                 SELECT g.id, g.observable, $1, $2, g.line, g.family, g.role, NULLIF(g.seen, {ABSENT}), \
                 NULLIF(g.until, {ABSENT}), NULLIF(g.confidence, {ABSENT}), NULLIF(g.scale, ''), \
                 NULLIF(g.grading, ''), g.tlp, g.pap, g.handling, $3, $4 FROM given g"
            ),
            vec![
                Value::from(store.source),
                Value::from(store.import),
                Value::from(store.now),
                Value::from(store.operation),
            ],
        )
        .await
}

async fn update(store: &Batch<'_>, slots: &[Slot<'_>]) -> Result<(), Error> {
    let rows: Vec<(SightingId, &Slot<'_>)> = slots
        .iter()
        .filter(|slot| slot.changed)
        .filter_map(|slot| slot.stored.map(|(id, _)| (id, slot)))
        .collect();
    Given::default()
        .ids("id", rows.iter().map(|(id, _)| id.0))
        .texts("tlp", rows.iter().map(|(_, slot)| slot.tlp.as_str()))
        .texts("pap", rows.iter().map(|(_, slot)| slot.pap.as_str()))
        .texts("handling", rows.iter().map(|(_, slot)| slot.handling.as_str()))
        .ints("until", rows.iter().map(|(_, slot)| micros(slot.valid_until)))
        .execute(
            store.txn,
            &format!(
                "UPDATE sighting SET tlp = g.tlp, pap = g.pap, handling = g.handling, valid_until = NULLIF(g.until, {ABSENT}) \
                 FROM given g WHERE sighting.id = g.id"
            ),
            Vec::new(),
        )
        .await?;
    Ok(())
}
