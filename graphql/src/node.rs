//! Whatever has an id of its own (<https://relay.dev/docs/guides/graphql-server-specification/>).

use async_graphql::{Context, ID, Interface};
use entities::{
    ClusterChangeId, ClusterId, ClusterRulingId, DeskId, ImportId, NoticeId, ObservableId, OperationId,
    PartyId, PersonId, PivotId, TaskId,
};
use takedown::{
    access::{self, Action, Subject},
    cluster::tell,
    error::Error,
    operation as operations, party as directory,
    people::person,
    reads::{
        cases,
        imports::{self, Lines},
        observables,
    },
};

use crate::{
    case::{Cluster, Desk, Notice, Task},
    cluster::{ClusterEvent, ClusterRuling, Pivot},
    context::ContextExt,
    error::{ApiError, Result},
    import::{Import, ImportLine},
    load::load,
    loaders::DeskOf,
    observable::Observable,
    operation::Operation,
    party::Party,
    people::Person,
};

/// A thing that can be asked for again by its id alone.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id, unique among all things."))]
pub enum Node {
    /// A cluster.
    Cluster(Cluster),
    /// What became of a cluster in one run.
    ClusterEvent(ClusterEvent),
    /// A ruling about a cluster.
    ClusterRuling(ClusterRuling),
    /// A desk.
    Desk(Desk),
    /// An import.
    Import(Import),
    /// A line of an import.
    ImportLine(ImportLine),
    /// A notice.
    Notice(Notice),
    /// An observable.
    Observable(Observable),
    /// An operation.
    Operation(Operation),
    /// A party.
    Party(Party),
    /// A person.
    Person(Person),
    /// A shared value that is parked or ruled about.
    Pivot(Pivot),
    /// A task.
    Task(Task),
}

/// The thing with that id.
///
/// # Errors
/// There is none, or it is not visible; the actor may not read; the database refused.
pub async fn node(ctx: &Context<'_>, id: &ID) -> Result<Node> {
    let (env, actor) = (ctx.env(), ctx.actor());
    // The directory is for everyone who is signed in, whether they read cases or not.
    if let Ok(id) = id.parse::<PartyId>() {
        return Ok(Node::Party(Party(directory::by_id(env, actor, id).await?)));
    }
    // People are for administrators, to whom alone they are there.
    if id.parse::<PersonId>().is_ok() {
        let none = ApiError(Error::not_found("node", id.as_str()));
        let found = person::named(env, actor, id).await;
        return found.map(|row| Node::Person(Person(row))).map_err(|error| match error {
            Error::Forbidden { .. } => none,
            other => other.into(),
        });
    }
    access::check(actor, Action::Read, Subject::System)?;
    let none = || ApiError(Error::not_found("node", id.as_str()));
    if let Some((import, number)) = id.split_once('/') {
        let import: ImportId = import.parse().map_err(|_| none())?;
        let number: i64 = number.parse().map_err(|_| none())?;
        let import = imports::by_id(env, actor, import).await?;
        let wanted = Lines { verdict: None, first: 1, after: number.saturating_sub(1) };
        let mut lines = imports::lines(env, actor, &[import.id], wanted).await?;
        let mut lines = lines.remove(&import.id).into_iter().flat_map(|slice| slice.rows);
        let line = lines.find(|line| line.number == number).ok_or_else(none)?;
        return Ok(Node::ImportLine(ImportLine(import.id, line)));
    }
    if let Ok(id) = id.parse::<ObservableId>() {
        return Ok(Node::Observable(Observable(observables::by_id(env, actor, id).await?)));
    }
    if let Ok(id) = id.parse::<ImportId>() {
        return Ok(Node::Import(Import(imports::by_id(env, actor, id).await?)));
    }
    if let Ok(id) = id.parse::<ClusterId>() {
        return Ok(Node::Cluster(Cluster(cases::cluster(env, actor, id).await?)));
    }
    if let Ok(id) = id.parse::<TaskId>() {
        return Ok(Node::Task(Task(cases::task(env, actor, id).await?)));
    }
    if let Ok(id) = id.parse::<NoticeId>() {
        return Ok(Node::Notice(Notice(cases::notice(env, actor, id).await?)));
    }
    if let Ok(id) = id.parse::<OperationId>() {
        return Ok(Node::Operation(Operation(operations::by_id(env, actor, id).await?)));
    }
    if let Ok(id) = id.parse::<DeskId>() {
        return load(ctx, DeskOf(id)).await?.map(|desk| Node::Desk(Desk(desk))).ok_or_else(none);
    }
    if let Ok(id) = id.parse::<ClusterChangeId>() {
        return Ok(Node::ClusterEvent(ClusterEvent(tell::change(env, actor, id).await?)));
    }
    if let Ok(id) = id.parse::<ClusterRulingId>() {
        return Ok(Node::ClusterRuling(ClusterRuling(tell::ruling(env, actor, id).await?)));
    }
    if let Ok(id) = id.parse::<PivotId>() {
        return Ok(Node::Pivot(Pivot(tell::pivot(env, actor, id).await?)));
    }
    Err(none())
}
