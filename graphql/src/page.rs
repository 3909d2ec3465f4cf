//! Relay connections over the work's pages.

use async_graphql::{
    Context, ObjectType, OutputType, SchemaBuilder, SimpleObject, SubscriptionType,
    connection::{Connection, Edge, EmptyFields},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use takedown::{
    error::Error,
    reads::{Page, Slice},
};
use uuid::Uuid;

use crate::{
    case::{Cluster, Notice, Task},
    cluster::{ClusterEvent, ClusterRuling, Pivot},
    context::int,
    error::{ApiError, Result},
    import::{Import, ImportLine},
    observable::Observable,
    operation::Operation,
    party::Party,
    people::Person,
};

/// How many rows a page has when the client does not say.
const DEFAULT_FIRST: u64 = 50;

/// What a connection says besides its edges.
#[derive(SimpleObject)]
pub struct Total {
    /// The number of all rows that match and are visible; counted only when it is asked for.
    total_count: Option<i32>,
}

/// A connection whose cursors are opaque and stable.
pub type Paged<T> = Connection<String, T, Total, EmptyFields>;

/// Says what connections and edges are; their types come from the library, which leaves it open.
pub fn described<Q, M, S>(builder: SchemaBuilder<Q, M, S>) -> SchemaBuilder<Q, M, S>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
{
    fn one<T: OutputType, C: ObjectType, Q, M, S>(builder: SchemaBuilder<Q, M, S>) -> SchemaBuilder<Q, M, S>
    where
        Q: ObjectType + 'static,
        M: ObjectType + 'static,
        S: SubscriptionType + 'static,
        Connection<String, T, C, EmptyFields>: OutputType,
        Edge<String, T, EmptyFields>: OutputType,
    {
        builder
            .override_output_type_description::<Connection<String, T, C, EmptyFields>>("A page of a list.")
            .override_output_type_description::<Edge<String, T, EmptyFields>>(
                "A row of a page, with its cursor.",
            )
    }
    let builder = one::<Cluster, Total, _, _, _>(builder);
    let builder = one::<ClusterEvent, Total, _, _, _>(builder);
    let builder = one::<ClusterRuling, Total, _, _, _>(builder);
    let builder = one::<Pivot, Total, _, _, _>(builder);
    let builder = one::<Import, Total, _, _, _>(builder);
    let builder = one::<ImportLine, EmptyFields, _, _, _>(builder);
    let builder = one::<Notice, Total, _, _, _>(builder);
    let builder = one::<Observable, Total, _, _, _>(builder);
    let builder = one::<Operation, Total, _, _, _>(builder);
    let builder = one::<Party, Total, _, _, _>(builder);
    let builder = one::<Person, Total, _, _, _>(builder);
    one::<Task, Total, _, _, _>(builder)
}

/// The page that `first` and `after` ask for.
///
/// # Errors
/// `first` is out of bounds, or `after` is no cursor of ours.
pub fn page(ctx: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<Page> {
    let first = page_length(first)?;
    let after = after.map(|cursor| read(&cursor)).transpose()?;
    Ok(Page { first, after, total: ctx.look_ahead().field("totalCount").exists() })
}

/// How many rows a page has.
///
/// # Errors
/// Not 1 to 500.
pub fn page_length(first: Option<i32>) -> Result<u64> {
    let first = first.map_or(Some(DEFAULT_FIRST), |first| u64::try_from(first).ok());
    first
        .filter(|first| (1..=Page::MOST).contains(first))
        .ok_or_else(|| invalid("first", &format!("must be 1 to {}", Page::MOST)))
}

/// The connection of a slice; `id` is a row's id, `node` its API form.
pub fn connection<R, T: OutputType>(
    slice: Slice<R>,
    page: Page,
    id: impl Fn(&R) -> Uuid,
    node: impl Fn(R) -> T,
) -> Paged<T> {
    let total = Total { total_count: slice.total.map(int) };
    let mut connection = Connection::with_additional_fields(page.after.is_some(), slice.more, total);
    connection.edges.extend(slice.rows.into_iter().map(|row| {
        let cursor = write(id(&row));
        Edge::new(cursor, node(row))
    }));
    connection
}

fn write(id: Uuid) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(id.as_bytes())
}

fn read(cursor: &str) -> Result<Uuid> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok();
    bytes
        .and_then(|bytes| Uuid::from_slice(&bytes).ok())
        .ok_or_else(|| invalid("after", "is no cursor of this list: take it from `pageInfo` or an edge"))
}

/// An argument is wrong.
pub fn invalid(field: &str, message: &str) -> ApiError {
    ApiError(Error::invalid(field, message))
}
