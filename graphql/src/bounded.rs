//! Lists that hang on a row, bounded, and never without saying so.

use std::borrow::Cow;

use async_graphql::{Object, OutputType, TypeName};
use takedown::reads::observables::NESTED;

use crate::{
    context::int,
    rows::{Joined, Plain, Row, Rows, covered, lists},
};

/// A bounded list that never hides that it is one.
pub struct Bounded<T> {
    nodes: Vec<T>,
    total: i32,
    truncated: bool,
}

impl<T> Bounded<T> {
    /// The first of all these rows.
    pub fn new<R>(rows: Vec<R>, first: Option<i32>, node: impl Fn(R) -> T) -> Self {
        let total = rows.len();
        let most = most(first);
        let nodes = rows.into_iter().take(most).map(node).collect();
        Self { nodes, total: int(total), truncated: total > most }
    }

    /// Some rows, how many there are of them all, and whether that is more.
    pub fn some(nodes: Vec<T>, total: u64, truncated: bool) -> Self {
        Self { nodes, total: int(total), truncated }
    }
}

/// How many rows of a nested list are wanted.
pub fn most(first: Option<i32>) -> usize {
    first.and_then(|first| usize::try_from(first).ok()).unwrap_or(NESTED).min(NESTED)
}

impl<T: OutputType> TypeName for Bounded<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}List", T::type_name()).into()
    }
}

/// A bounded list that never hides that it is one.
#[Object(name_type)]
impl<T: Row> Bounded<T> {
    /// The first of them.
    async fn nodes(&self) -> Rows<'_, T> {
        Rows::all(&self.nodes)
    }

    /// How many there are.
    async fn total(&self) -> i32 {
        self.total
    }

    /// Whether `nodes` has fewer than there are.
    async fn truncated(&self) -> bool {
        self.truncated
    }
}

impl<T: Row> Row for Bounded<T> {
    const PLAIN: &'static [(&'static str, Plain<Self>)] =
        &[("total", |list, to| to.int(list.total)), ("truncated", |list, to| to.flag(list.truncated))];
    const JOINED: &'static [(&'static str, Joined<Self>)] = &[(
        "nodes",
        Joined {
            covers: covered::<T>,
            answer: |ctx, owners| Box::pin(lists(ctx, owners, |owner: &Self| owner.nodes.as_slice())),
        },
    )];
}
