//! Imports with what became of their lines.

use async_graphql::{Context, ID, Object, connection::EmptyFields};
use entities::{ImportId, import};
use takedown::reads::imports::{self, Lines};
use time::OffsetDateTime;

use crate::{
    context::int,
    enums::LineVerdict,
    error::Result,
    load::{load, load_slice},
    loaders::{LinesOf, SourceOf},
    observable::Sighting,
    operation::{self, Operation},
    page::{Paged, invalid, page_length, uncounted},
    rows::Row,
    who::Who,
};

/// A batch of indicators that arrived.
pub struct Import(pub import::Model);

/// A batch of indicators that arrived.
#[Object]
impl Import {
    /// Its id, `imp_…`.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Whose it is.
    async fn source(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(load(ctx, SourceOf(self.0.source_id)).await?.map(|source| source.name))
    }

    /// The file's name, `-` for standard input.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The format it was read as.
    async fn format(&self) -> &str {
        &self.0.format
    }

    /// SHA-256 of its bytes.
    async fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// Lines or objects.
    async fn total(&self) -> i32 {
        int(self.0.total)
    }

    /// Lines that brought something new.
    async fn accepted(&self) -> i32 {
        int(self.0.accepted)
    }

    /// Lines that were known already.
    async fn duplicate(&self) -> i32 {
        int(self.0.duplicate)
    }

    /// Lines that were refused.
    async fn rejected(&self) -> i32 {
        int(self.0.rejected)
    }

    /// Who imported it.
    async fn created_by(&self) -> Who {
        Who::of(&self.0.created_by)
    }

    /// When.
    async fn created_at(&self) -> OffsetDateTime {
        self.0.created_at.datetime()
    }

    /// The operation that it belongs to; null if it belongs to none.
    async fn operation(&self, ctx: &Context<'_>) -> Result<Option<Operation>> {
        operation::of(ctx, self.0.operation_id).await
    }

    /// Its lines in order, each with what became of it. The cursor is the line number.
    async fn lines(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only with this verdict.")] verdict: Option<LineVerdict>,
        #[graphql(desc = "How many rows, 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
    ) -> Result<Paged<ImportLine, EmptyFields>> {
        let first = page_length(first)?;
        let after: i64 = match &after {
            Some(cursor) => cursor.parse().map_err(|_| invalid("after", "is no cursor of this list"))?,
            None => 0,
        };
        let wanted = Lines { verdict: verdict.map(Into::into), first, after };
        let slice = load_slice(ctx, LinesOf(self.0.id, wanted)).await?;
        let lines = slice.rows.into_iter().map(|line| (line.number.to_string(), ImportLine(self.0.id, line)));
        Ok(uncounted(lines, after > 0, slice.more))
    }
}

impl Row for Import {}

/// What became of one line or object.
pub struct ImportLine(pub ImportId, pub imports::Line);

/// What became of one line or object.
#[Object]
impl ImportLine {
    /// Its id: the import's, and its number.
    pub async fn id(&self) -> ID {
        ID(format!("{}/{}", self.0, self.1.number))
    }

    /// Its number, from 1.
    async fn number(&self) -> i32 {
        int(self.1.number)
    }

    /// What became of it.
    async fn verdict(&self) -> LineVerdict {
        self.1.verdict.into()
    }

    /// Why it brought nothing new; empty for accepted lines.
    async fn reason(&self) -> &str {
        &self.1.reason
    }

    /// The line, cut; empty for accepted lines.
    async fn text(&self) -> &str {
        &self.1.text
    }

    /// The sightings that it brought.
    async fn sightings(&self) -> Vec<Sighting> {
        self.1.sightings.iter().cloned().map(Sighting).collect()
    }
}

impl Row for ImportLine {}
