//! The directory: parties, what each source says about them, and the circle of countries that receive a share.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entities::{party, party_claim};
use takedown::party::{self as directory, CircleCountry as Row, Country};
use time::OffsetDateTime;

use crate::{
    context::ContextExt,
    enums::{ClaimField, PartyKind, Standing},
    error::Result,
    load::load,
    loaders::ClaimsOf,
    page::invalid,
    rows,
};

/// An organisation that acts, is asked to act, or is told.
pub struct Party(pub party::Model);

/// An organisation that acts, is asked to act, or is told.
#[Object]
impl Party {
    /// Its id, `pty_…`.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What identifies it: `iana:146`, `tld:com`, `csirt:at:cert.at`.
    async fn key(&self) -> &str {
        &self.0.key
    }

    /// What kind of organisation it is.
    async fn kind(&self) -> PartyKind {
        self.0.kind.into()
    }

    /// What the source that named it first calls it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where that source says it is, ISO 3166-1 alpha-2 or `EU`.
    async fn country(&self) -> Option<&str> {
        self.0.country.as_deref()
    }

    /// When it was first named.
    async fn created_at(&self) -> OffsetDateTime {
        self.0.created_at.datetime()
    }

    /// What each source says about it, side by side.
    async fn claims(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Also what sources no longer say.", default = false)] withdrawn: bool,
    ) -> Result<Vec<PartyClaim>> {
        let rows = load(ctx, ClaimsOf(self.0.id)).await?.unwrap_or_default();
        let wanted = rows.into_iter().filter(|row| withdrawn || row.withdrawn_at.is_none());
        Ok(wanted.map(PartyClaim::from).collect())
    }

    /// The fields about which sources disagree.
    async fn conflicts(&self, ctx: &Context<'_>) -> Result<Vec<PartyConflict>> {
        let rows = load(ctx, ClaimsOf(self.0.id)).await?.unwrap_or_default();
        Ok(directory::conflicts(&rows).into_iter().map(PartyConflict::from).collect())
    }
}

impl rows::Row for Party {}

/// What one source says about a party.
#[derive(SimpleObject)]
pub struct PartyClaim {
    /// About what.
    field: ClaimField,
    /// What it says.
    value: String,
    /// The list or person that says it.
    source: String,
    /// Whom the list has it from; empty if it does not say.
    origin: String,
    /// When it was so, as the source dates it.
    as_of: Option<OffsetDateTime>,
    /// When it was first read.
    first_read_at: OffsetDateTime,
    /// Since when the source no longer says it.
    withdrawn_at: Option<OffsetDateTime>,
}

impl From<party_claim::Model> for PartyClaim {
    fn from(row: party_claim::Model) -> Self {
        Self {
            field: row.field.into(),
            value: row.value,
            source: row.source,
            origin: row.origin,
            as_of: row.as_of.map(|at| at.datetime()),
            first_read_at: row.first_read_at.datetime(),
            withdrawn_at: row.withdrawn_at.map(|at| at.datetime()),
        }
    }
}

/// A field about which sources disagree.
#[derive(SimpleObject)]
pub struct PartyConflict {
    /// The field.
    field: ClaimField,
    /// What each source says.
    positions: Vec<PartyPosition>,
}

/// What one source says about a field.
#[derive(SimpleObject)]
pub struct PartyPosition {
    /// The list or person.
    source: String,
    /// Whom the list has it from; empty if it does not say.
    origin: String,
    /// The values.
    values: Vec<String>,
}

impl From<directory::Conflict> for PartyConflict {
    fn from(conflict: directory::Conflict) -> Self {
        let position = |position: directory::Position| PartyPosition {
            source: position.source,
            origin: position.origin,
            values: position.values.into_iter().collect(),
        };
        Self {
            field: conflict.field.into(),
            positions: conflict.positions.into_iter().map(position).collect(),
        }
    }
}

/// Which parties are wanted; what is left out does not limit.
#[derive(InputObject, Default)]
pub struct PartyFilter {
    /// Of these kinds.
    #[graphql(default)]
    kinds: Vec<PartyKind>,
    /// In this country, ISO 3166-1 alpha-2.
    country: Option<String>,
    /// Whose name has this text in it, in any case.
    text: Option<String>,
}

impl PartyFilter {
    /// The filter as the work takes it.
    ///
    /// # Errors
    /// `country` is none.
    pub fn read(self) -> Result<directory::PartyFilter> {
        let country = self.country.map(|code| code.parse::<Country>()).transpose();
        Ok(directory::PartyFilter {
            kinds: self.kinds.into_iter().map(Into::into).collect(),
            country: country.map_err(|error| invalid("country", &error.to_string()))?,
            text: self.text,
        })
    }
}

/// A country of the circle that receives a share.
pub struct CircleCountry(pub Row);

/// A country of the circle that receives a share.
#[Object]
impl CircleCountry {
    /// ISO 3166-1 alpha-2.
    async fn country(&self) -> &str {
        self.0.country.code()
    }

    /// Its English name.
    async fn name(&self) -> &str {
        self.0.country.name()
    }

    /// How it belongs.
    async fn standing(&self) -> Standing {
        self.0.standing.into()
    }

    /// Who receives its share; null until a person says so.
    async fn receiver(&self) -> Option<Party> {
        self.0.receiver.clone().map(Party)
    }

    /// Who could: the parties that sources say answer for the country.
    async fn candidates(&self) -> Vec<Party> {
        self.0.candidates.iter().cloned().map(Party).collect()
    }
}

/// The circle, by country.
///
/// # Errors
/// Who asks may not, or the database refused.
pub async fn circle(ctx: &Context<'_>) -> Result<Vec<CircleCountry>> {
    let rows = directory::circle(ctx.env(), ctx.actor()).await?;
    Ok(rows.into_iter().map(CircleCountry).collect())
}
