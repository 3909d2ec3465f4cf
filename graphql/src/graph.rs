//! The infrastructure as a graph: neighbourhoods, paths, what is shared, what changed, and fleets in figures.

pub mod changes;
pub mod collapsed;
pub mod common;
pub mod fleet;
pub mod neighbourhood;
pub mod path;

use async_graphql::InputObject;
use entities::{ObservableId, Timestamp};
use takedown::graph;
use time::OffsetDateTime;

use crate::{context::id, enums::LinkKind, error::Result, page::invalid};

/// Which links are followed; what is left out does not limit.
#[derive(InputObject, Default)]
pub struct LinkFilter {
    /// Of these kinds.
    #[graphql(default)]
    kinds: Vec<LinkKind>,
    /// That held at this instant. Not together with `since` and `until`.
    as_of: Option<OffsetDateTime>,
    /// That held at this instant or later.
    since: Option<OffsetDateTime>,
    /// That held at this instant or earlier.
    until: Option<OffsetDateTime>,
}

impl LinkFilter {
    /// The filter as the work takes it.
    ///
    /// # Errors
    /// `asOf` and a window are given together.
    pub fn read(self) -> Result<graph::LinkFilter> {
        if self.as_of.is_some() && (self.since.is_some() || self.until.is_some()) {
            return Err(invalid("asOf", "give either `asOf`, or `since` and `until`"));
        }
        Ok(graph::LinkFilter {
            kinds: self.kinds.into_iter().map(Into::into).collect(),
            since: self.as_of.or(self.since).map(Timestamp::from),
            until: self.as_of.or(self.until).map(Timestamp::from),
            ..graph::LinkFilter::default()
        })
    }
}

/// The observables that a question is about.
///
/// # Errors
/// One of them is no id of an observable.
pub fn observables(of: &[async_graphql::ID]) -> Result<Vec<ObservableId>> {
    of.iter().map(|given| id("observable", given)).collect()
}

/// A number of rows, or what stands for it where it is left out.
///
/// # Errors
/// It is negative.
pub fn rows(first: Option<i32>, unsaid: usize) -> Result<usize> {
    first.map_or(Ok(unsaid), |first| {
        usize::try_from(first).map_err(|_| invalid("first", "must not be negative"))
    })
}
