//! Batches: one statement for what many rows of an answer ask for, whatever their number.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use entities::{
    ClusterId, DeskId, NoticeId, ObservableId, SourceId, TaskId, cluster_member, desk, fact, link,
    observable, observation, sighting, source, task, verification,
};
use takedown::{
    actor::Actor,
    env::Env,
    error::Error,
    reads::{Page, Slice, cases, observables},
};

/// Loads for one request: its actor sees what it may see.
pub struct Batch {
    /// The surroundings.
    pub env: Arc<Env>,
    /// Who asks.
    pub actor: Actor,
}

/// What is wanted of an observable or case, as a loader key.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident($id:ty) => $value:ty, $load:expr;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub $id);

        impl Loader<$name> for Batch {
            type Value = $value;
            type Error = Arc<Error>;

            async fn load(&self, keys: &[$name]) -> Result<HashMap<$name, $value>, Arc<Error>> {
                let ids: Vec<$id> = keys.iter().map(|key| key.0).collect();
                let rows = $load(&self.env, &self.actor, &ids).await.map_err(Arc::new)?;
                Ok(rows.into_iter().map(|(id, value)| ($name(id), value)).collect())
            }
        }
    )+ };
}

/// Links that start at an observable.
async fn outgoing(
    env: &Env,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<observables::Hanging<link::Model>, Error> {
    observables::links(env, actor, ids, true).await
}

/// Links that end at an observable.
async fn incoming(
    env: &Env,
    actor: &Actor,
    ids: &[ObservableId],
) -> Result<observables::Hanging<link::Model>, Error> {
    observables::links(env, actor, ids, false).await
}

keys! {
    /// The observable with an id.
    ObservableOf(ObservableId) => observable::Model, observables::by_ids;
    /// The source with an id.
    SourceOf(SourceId) => source::Model, observables::sources;
    /// An observable's sightings.
    SightingsOf(ObservableId) => Vec<sighting::Model>, observables::sightings;
    /// An observable's facts.
    FactsOf(ObservableId) => Vec<fact::Model>, observables::facts;
    /// An observable's observations.
    ObservationsOf(ObservableId) => Vec<observation::Model>, observables::observations;
    /// Links that start at an observable.
    LinksFrom(ObservableId) => Vec<link::Model>, outgoing;
    /// Links that end at an observable.
    LinksTo(ObservableId) => Vec<link::Model>, incoming;
    /// A cluster's members.
    MembersOf(ClusterId) => Vec<cluster_member::Model>, cases::members;
    /// The desk with an id.
    DeskOf(DeskId) => desk::Model, cases::desks;
    /// The task with an id.
    TaskOf(TaskId) => task::Model, cases::tasks_by_ids;
    /// A task's verifications.
    VerificationsOf(TaskId) => Vec<verification::Model>, cases::verifications;
    /// The tasks that a notice speaks for.
    TasksOf(NoticeId) => Vec<TaskId>, cases::tasks_of_notices;
}

/// A page of a cluster's tasks.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClusterTasks(pub ClusterId, pub Page);

impl Loader<ClusterTasks> for Batch {
    type Value = Slice<task::Model>;
    type Error = Arc<Error>;

    /// One document asks for few different pages, and all clusters of a page are loaded together.
    async fn load(&self, keys: &[ClusterTasks]) -> Result<HashMap<ClusterTasks, Self::Value>, Arc<Error>> {
        let mut pages: HashMap<Page, Vec<ClusterId>> = HashMap::new();
        for ClusterTasks(cluster, page) in keys {
            pages.entry(*page).or_default().push(*cluster);
        }
        let mut found = HashMap::new();
        for (page, clusters) in pages {
            let slices = cases::tasks_of_clusters(&self.env, &self.actor, &clusters, page).await?;
            found.extend(slices.into_iter().map(|(id, slice)| (ClusterTasks(id, page), slice)));
        }
        Ok(found)
    }
}
