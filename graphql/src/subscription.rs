//! What can be listened to. The source is the ledger, read with a cursor, so it is the same on every replica; each
//! event carries its cursor, and `after` goes on from there without loss and without doubles.

use std::{collections::VecDeque, sync::Arc};

use async_graphql::{Context, ID, SimpleObject, Subscription as GraphqlSubscription};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::{ClusterId, ImportId, ObservableId, cluster, import, observable};
use futures::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use takedown::{
    access::{self, Action, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    reads::{
        cases,
        feed::{self, Change, Event, Tide},
        imports, observables,
    },
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    case::Cluster,
    context::{ContextExt, id, int},
    error::Result,
    import::Import,
    observable::Observable,
    page::invalid,
};

/// The most things that one subscription watches by their ids.
const MOST_WATCHED: usize = 500;

/// An event, or the error that ends the stream.
type Heard<T> = async_graphql::Result<T>;

/// The questions that go on being answered.
pub struct Subscription;

/// Everything that changes goes through the ledger; these read it.
#[GraphqlSubscription]
impl Subscription {
    /// Look-ups said something new of an observable, or an import brought one that is watched.
    async fn observable_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these, `obs_…`, at most 500; all that are looked at if left out.")]
        ids: Option<Vec<ID>>,
        #[graphql(desc = "The cursor of the last event that was received; from now on if left out.")]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Heard<ObservableChange>> + use<>> {
        let listener = Listener::begin(ctx, Watch::Observables(watched("observable", ids)?), after).await?;
        Ok(listener.listen(|told| match told.thing {
            Thing::Observable(row) => {
                Some(ObservableChange { cursor: told.cursor, at: told.at, observable: Observable(row) })
            }
            _ => None,
        }))
    }

    /// A cluster came to be or was changed: its members, its family or its name.
    async fn cluster_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only these, `clu_…`, at most 500; all if left out.")] ids: Option<Vec<ID>>,
        #[graphql(desc = "The cursor of the last event that was received; from now on if left out.")]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Heard<ClusterChange>> + use<>> {
        let listener = Listener::begin(ctx, Watch::Clusters(watched("cluster", ids)?), after).await?;
        Ok(listener.listen(|told| match told.thing {
            Thing::Cluster(row) => {
                Some(ClusterChange { cursor: told.cursor, at: told.at, cluster: Cluster(row) })
            }
            _ => None,
        }))
    }

    /// An import arrived; if one is named, also how many of its observables have been looked at, as that grows.
    async fn import_progressed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this one, `imp_…`; the arrival of any if left out.")] import: Option<ID>,
        #[graphql(desc = "The cursor of the last event that was received; from now on if left out.")]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Heard<ImportProgress>> + use<>> {
        let import = import.map(|given| id("import", &given)).transpose()?;
        let listener = Listener::begin(ctx, Watch::Imports(import), after).await?;
        Ok(listener.listen(|told| match told.thing {
            Thing::Import(row, all, observed) => Some(ImportProgress {
                cursor: told.cursor,
                at: told.at,
                import: Import(row),
                observables: int(all),
                observed: int(observed),
            }),
            _ => None,
        }))
    }
}

/// An observable of which something new is known.
#[derive(SimpleObject)]
pub struct ObservableChange {
    /// Where this event stands; `after` goes on behind it.
    cursor: String,
    /// When it was written down.
    at: OffsetDateTime,
    /// The observable as it is now.
    observable: Observable,
}

/// A cluster that changed.
#[derive(SimpleObject)]
pub struct ClusterChange {
    /// Where this event stands; `after` goes on behind it.
    cursor: String,
    /// When it was written down.
    at: OffsetDateTime,
    /// The cluster as it is now.
    cluster: Cluster,
}

/// How far an import has come.
#[derive(SimpleObject)]
pub struct ImportProgress {
    /// Where this event stands; `after` goes on behind it.
    cursor: String,
    /// When it was written down.
    at: OffsetDateTime,
    /// The import.
    import: Import,
    /// How many observables it has sightings of.
    observables: i32,
    /// How many of them have been looked at.
    observed: i32,
}

/// A place in the ledger: an event, and the last thing in it that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    seq: i64,
    told: Option<Uuid>,
}

impl Cursor {
    fn write(self) -> String {
        let mut bytes = self.seq.to_be_bytes().to_vec();
        bytes.extend(self.told.iter().flat_map(|told| *told.as_bytes()));
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (seq, told) = bytes.split_first_chunk::<8>()?;
        let told = if told.is_empty() { None } else { Some(Uuid::from_slice(told).ok()?) };
        let seq = i64::from_be_bytes(*seq);
        (seq >= 0).then_some(Self { seq, told })
    }
}

/// What is listened for.
enum Watch {
    Observables(Option<Vec<ObservableId>>),
    Clusters(Option<Vec<ClusterId>>),
    Imports(Option<ImportId>),
}

/// What an event is about, as it is now.
enum Thing {
    Observable(observable::Model),
    Cluster(cluster::Model),
    /// With how many observables it has, and how many were looked at.
    Import(import::Model, u64, u64),
}

/// One thing to tell.
struct Told {
    cursor: String,
    at: OffsetDateTime,
    thing: Thing,
}

/// Who listens, for what, and how far it has heard.
struct Listener {
    env: Arc<Env>,
    actor: Actor,
    tide: Arc<Tide>,
    watch: Watch,
    /// Every event up to here was told in full.
    through: i64,
    /// The event that was told in part, and the last thing in it.
    part: Option<(i64, Uuid)>,
    waiting: VecDeque<Told>,
    /// The last progress that was told, so that nothing is told twice.
    progress: Option<(u64, u64)>,
}

impl Listener {
    async fn begin(ctx: &Context<'_>, watch: Watch, after: Option<String>) -> Result<Self> {
        let (env, actor) = (ctx.env().clone(), ctx.actor().clone());
        access::check(&actor, Action::Read, Subject::System)?;
        let tide = ctx.data_unchecked::<Arc<Tide>>().clone();
        let new = after.is_none();
        let (through, part) = match after {
            None => (tide.now(&env).await?, None),
            Some(text) => {
                let wrong = || invalid("after", "is no cursor of a subscription: take it from an event");
                let Cursor { seq, told } = Cursor::read(&text).ok_or_else(wrong)?;
                (told.map_or(seq, |_| seq - 1), told.map(|told| (seq, told)))
            }
        };
        let at = env.now();
        let mut listener =
            Self { env, actor, tide, watch, through, part, waiting: VecDeque::new(), progress: None };
        if let (Watch::Imports(Some(import)), true) = (&listener.watch, new) {
            // Where it stands now; there may never be another event.
            let change = Change::Imported(*import);
            listener.progressed(*import, &Event { seq: through, at, change }).await?;
        }
        Ok(listener)
    }

    /// What it hears, in the order of the ledger. An error is told, and is the end.
    fn listen<T: Send + 'static>(
        self,
        form: impl Fn(Told) -> Option<T> + Send + 'static,
    ) -> BoxStream<'static, Heard<T>> {
        let told = stream::unfold(Some(self), async |listener| {
            let mut listener = listener?;
            match listener.next().await {
                Ok(told) => Some((Ok(told), Some(listener))),
                Err(error) => Some((Err(async_graphql::Error::from(error)), None)),
            }
        });
        told.filter_map(move |told| std::future::ready(told.map(&form).transpose())).boxed()
    }

    async fn next(&mut self) -> Result<Told> {
        loop {
            if let Some(told) = self.waiting.pop_front() {
                return Ok(told);
            }
            self.tide.beyond(&self.env, self.through).await?;
            let (events, through) = feed::after(&self.env, &self.actor, self.through).await?;
            for event in &events {
                self.take(event).await?;
            }
            if let (Watch::Imports(Some(import)), Some(last)) = (&self.watch, events.last()) {
                self.progressed(*import, last).await?;
            }
            self.through = through;
        }
    }

    /// Takes what is to be told of one event.
    async fn take(&mut self, event: &Event) -> Result<()> {
        let (env, actor) = (self.env.clone(), self.actor.clone());
        let things: Vec<(Uuid, Thing)> = match (&self.watch, &event.change) {
            (Watch::Observables(watched), change) => {
                let ids = match (change, watched) {
                    (Change::Observed(ids), None) => ids.clone(),
                    (Change::Observed(ids), Some(watched)) => both(ids, watched),
                    (Change::Imported(import), Some(watched)) => {
                        feed::brought(&env, &actor, *import, watched).await?
                    }
                    (Change::Imported(_), None) | (Change::Reclustered(_), _) => Vec::new(),
                };
                let mut rows = observables::by_ids(&env, &actor, &ids).await?;
                let rows = ids.iter().filter_map(|id| rows.remove(id));
                rows.map(|row| (row.id.0, Thing::Observable(row))).collect()
            }
            (Watch::Clusters(watched), Change::Reclustered(ids)) => {
                let ids = watched.as_ref().map_or_else(|| ids.clone(), |watched| both(ids, watched));
                let rows = cases::clusters_by_ids(&env, &actor, &ids).await?;
                rows.into_iter().map(|row| (row.id.0, Thing::Cluster(row))).collect()
            }
            (Watch::Imports(None), Change::Imported(import)) => {
                match imports::by_id(&env, &actor, *import).await {
                    Ok(row) => {
                        let (all, observed) = feed::progress(&env, &actor, *import).await?;
                        vec![(row.id.0, Thing::Import(row, all, observed))]
                    }
                    // One that is not seen did not arrive.
                    Err(Error::NotFound { .. }) => Vec::new(),
                    Err(other) => return Err(other.into()),
                }
            }
            (Watch::Clusters(_) | Watch::Imports(_), _) => Vec::new(),
        };
        let after = self.part.filter(|(seq, _)| *seq == event.seq).map(|(_, told)| told);
        let left: Vec<_> = things.into_iter().filter(|(id, _)| after.is_none_or(|told| *id > told)).collect();
        self.part = None;
        let last = left.len().checked_sub(1);
        for (nth, (id, thing)) in left.into_iter().enumerate() {
            // The last thing of an event ends it.
            let told = (Some(nth) != last).then_some(id);
            let cursor = Cursor { seq: event.seq, told }.write();
            self.waiting.push_back(Told { cursor, at: event.at.datetime(), thing });
        }
        Ok(())
    }

    /// Takes how far a watched import has come, once for many events.
    async fn progressed(&mut self, import: ImportId, last: &Event) -> Result<()> {
        let now = feed::progress(&self.env, &self.actor, import).await?;
        if self.progress != Some(now) && now.0 > 0 {
            let row = imports::by_id(&self.env, &self.actor, import).await?;
            self.progress = Some(now);
            let cursor = Cursor { seq: last.seq, told: None }.write();
            let thing = Thing::Import(row, now.0, now.1);
            self.waiting.push_back(Told { cursor, at: last.at.datetime(), thing });
        }
        Ok(())
    }
}

/// Those of `ids` that are watched; both are sorted.
fn both<T: Ord + Copy>(ids: &[T], watched: &[T]) -> Vec<T> {
    ids.iter().filter(|id| watched.binary_search(id).is_ok()).copied().collect()
}

fn watched<T: std::str::FromStr + Ord>(kind: &'static str, ids: Option<Vec<ID>>) -> Result<Option<Vec<T>>> {
    let Some(ids) = ids else { return Ok(None) };
    if ids.is_empty() || ids.len() > MOST_WATCHED {
        return Err(invalid("ids", "give 1 to 500 ids, or leave them out"));
    }
    let mut ids: Vec<T> = ids.iter().map(|given| id(kind, given)).collect::<Result<_>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(Some(ids))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        for cursor in [
            Cursor { seq: 0, told: None },
            Cursor { seq: i64::MAX, told: None },
            Cursor { seq: 7, told: Some(Uuid::from_u128(u128::MAX / 3)) },
        ] {
            assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
        }
        for wrong in ["", "AAAA", "AAAAAAAAAAE=", "__________8", "AAAAAAAAAAAA", "é"] {
            assert_eq!(Cursor::read(wrong), None, "{wrong}");
        }
    }
}
