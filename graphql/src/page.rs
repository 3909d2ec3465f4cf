//! Relay connections over the work's pages.

use std::borrow::Cow;

use async_graphql::{
    Context, Object, ObjectType, OutputType, SimpleObject, TypeName,
    connection::{EmptyFields, PageInfo},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use takedown::{
    error::Error,
    reads::{Page, Slice},
};
use uuid::Uuid;

use crate::{
    context::int,
    error::{ApiError, Result},
    rows::{Joined, Plain, Row, Rows, covered, objects},
};

/// How many rows a page has when the client does not say.
const DEFAULT_FIRST: u64 = 50;

/// What a connection says besides its edges.
#[derive(SimpleObject)]
pub struct Total {
    /// The number of all rows that match and are visible; counted only when it is asked for.
    total_count: Option<i32>,
}

/// A page of a list, whose cursors are opaque and stable. `C` is what else it says.
pub struct Paged<T, C = Total> {
    edges: Vec<Edge<T>>,
    before: bool,
    more: bool,
    said: C,
}

/// A row of a page, with its cursor.
pub struct Edge<T> {
    cursor: String,
    node: T,
}

impl<T: OutputType, C: Send + Sync> TypeName for Paged<T, C> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

impl<T: OutputType> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::type_name()).into()
    }
}

/// A page of a list.
#[Object(name_type)]
impl<T: Row, C: ObjectType> Paged<T, C> {
    /// Information to aid in pagination.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.before,
            has_next_page: self.more,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }

    /// A list of edges.
    async fn edges(&self) -> Rows<'_, Edge<T>> {
        Rows::all(&self.edges)
    }

    /// A list of nodes.
    async fn nodes(&self) -> Rows<'_, T> {
        Rows(self.edges.iter().map(|edge| &edge.node).collect())
    }

    #[graphql(flatten)]
    async fn said(&self) -> &C {
        &self.said
    }
}

/// A row of a page, with its cursor.
#[Object(name_type)]
impl<T: Row> Edge<T> {
    /// The item at the end of the edge
    async fn node(&self) -> &T {
        &self.node
    }

    /// A cursor for use in pagination
    async fn cursor(&self) -> &str {
        &self.cursor
    }
}

impl<T: Row> Row for Edge<T> {
    const PLAIN: &'static [(&'static str, Plain<Self>)] = &[("cursor", |edge, to| to.text(&edge.cursor))];
    const JOINED: &'static [(&'static str, Joined<Self>)] = &[(
        "node",
        Joined {
            covers: covered::<T>,
            answer: |ctx, edges| {
                Box::pin(async move {
                    let nodes: Vec<&T> = edges.iter().map(|edge| &edge.node).collect();
                    objects(ctx, &nodes).await
                })
            },
        },
    )];
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
pub fn connection<R, T>(
    slice: Slice<R>,
    page: Page,
    id: impl Fn(&R) -> Uuid,
    node: impl Fn(R) -> T,
) -> Paged<T> {
    let edges = slice.rows.into_iter().map(|row| Edge { cursor: write(id(&row)), node: node(row) });
    let said = Total { total_count: slice.total.map(int) };
    Paged { edges: edges.collect(), before: page.after.is_some(), more: slice.more, said }
}

/// A page of rows with cursors of their own, whether there are rows before them, and whether there are more.
pub fn uncounted<T>(
    rows: impl Iterator<Item = (String, T)>,
    before: bool,
    more: bool,
) -> Paged<T, EmptyFields> {
    let edges = rows.map(|(cursor, node)| Edge { cursor, node }).collect();
    Paged { edges, before, more, said: EmptyFields }
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
