//! Operations: who works on what together, and who may know of it.

use async_graphql::{Context, ID, InputObject, Object};
use entities::{OperationId, collision, operation};
use takedown::operation::{self as operations, Member, NewOperation, Who};
use time::OffsetDateTime;

use crate::{
    context::{ContextExt, id},
    enums::{Handling, Pap, Tlp},
    error::Result,
    load::load,
    loaders::{OperationMembers, OperationOf, PartyOf},
    page::invalid,
    party::Party,
    rows::Row,
};

/// Work of some people and parties on some things, which are kept apart from everything else.
pub struct Operation(pub operation::Model);

/// Work of some people and parties on some things, which are kept apart from everything else.
#[Object]
impl Operation {
    /// Its id, `opn_…`.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether only its members know of it.
    async fn sealed(&self) -> bool {
        self.0.sealed_at.is_some()
    }

    /// Since when only its members know of it.
    async fn sealed_at(&self) -> Option<OffsetDateTime> {
        self.0.sealed_at.map(|at| at.datetime())
    }

    /// How far what belongs to it may be shared at most.
    async fn tlp(&self) -> Tlp {
        self.0.tlp.into()
    }

    /// What may be done at most with what belongs to it.
    async fn pap(&self) -> Pap {
        self.0.pap.into()
    }

    /// What its provider permits at most to be done with what belongs to it.
    async fn handling(&self) -> Handling {
        self.0.handling.into()
    }

    /// The party that owns it, and may lift its seal; null if who made it is of no party.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<Party>> {
        let Some(id) = self.0.owner_id else { return Ok(None) };
        Ok(load(ctx, PartyOf(id)).await?.map(Party))
    }

    /// The desk that who holds the same is told to speak to; null if nobody is told anything.
    async fn contact(&self) -> Option<&str> {
        self.0.contact.as_deref()
    }

    /// Who made it.
    async fn created_by(&self) -> &str {
        &self.0.created_by
    }

    /// When.
    async fn created_at(&self) -> OffsetDateTime {
        self.0.created_at.datetime()
    }

    /// Who works in it.
    async fn members(&self, ctx: &Context<'_>) -> Result<Vec<OperationMember>> {
        let members = load(ctx, OperationMembers(self.0.id)).await?.unwrap_or_default();
        Ok(members.into_iter().map(OperationMember).collect())
    }
}

impl Row for Operation {}

/// That a person, or everybody of a party, works in an operation.
pub struct OperationMember(Member);

/// That a person, or everybody of a party, works in an operation.
#[Object]
impl OperationMember {
    /// The person, `psn_…`; null for a party.
    async fn person(&self) -> Option<ID> {
        self.0.row.person_id.map(ID::from)
    }

    /// The party; null for a person.
    async fn party(&self, ctx: &Context<'_>) -> Result<Option<Party>> {
        let Some(id) = self.0.row.party_id else { return Ok(None) };
        Ok(load(ctx, PartyOf(id)).await?.map(Party))
    }

    /// The name that the person signs in with, or the party's.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Who added it.
    async fn added_by(&self) -> &str {
        &self.0.row.added_by
    }

    /// When.
    async fn added_at(&self) -> OffsetDateTime {
        self.0.row.added_at.datetime()
    }
}

/// That one holds something that a sealed operation holds too: whom to speak to, and no more.
pub struct Collision(pub collision::Model);

/// That one holds something that a sealed operation holds too: whom to speak to, and no more.
#[Object]
impl Collision {
    /// Its id, `col_…`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// One's operation that holds it; null if it was imported for none.
    async fn operation(&self, ctx: &Context<'_>) -> Result<Option<Operation>> {
        of(ctx, self.0.operation_id).await
    }

    /// The desk that wants to be spoken to.
    async fn contact(&self) -> &str {
        &self.0.contact
    }

    /// When that was first so.
    async fn at(&self) -> OffsetDateTime {
        self.0.at.datetime()
    }
}

/// The operation that something belongs to, if it belongs to one.
///
/// # Errors
/// The database refused.
pub async fn of(ctx: &Context<'_>, id: Option<OperationId>) -> Result<Option<Operation>> {
    let Some(id) = id else { return Ok(None) };
    Ok(load(ctx, OperationOf(id)).await?.map(Operation))
}

/// An operation to be made.
#[derive(InputObject)]
pub struct CreateOperationInput {
    /// What people call it.
    name: String,
    /// How far what belongs to it may be shared at most.
    #[graphql(default_with = "Tlp::AmberStrict")]
    tlp: Tlp,
    /// What may be done at most with what belongs to it.
    #[graphql(default_with = "Pap::Amber")]
    pap: Pap,
    /// What its provider permits at most to be done with what belongs to it.
    #[graphql(default_with = "Handling::H0")]
    handling: Handling,
    /// Whether only its members may know of it.
    #[graphql(default = true)]
    sealed: bool,
    /// Who works in it besides who makes it.
    #[graphql(default)]
    members: Vec<MemberInput>,
}

impl CreateOperationInput {
    /// Makes it.
    ///
    /// # Errors
    /// The work refuses it.
    pub async fn create(self, ctx: &Context<'_>) -> Result<Operation> {
        let mut members = Vec::with_capacity(self.members.len());
        for member in self.members {
            members.push(member.who(ctx).await?);
        }
        let Self { name, sealed, .. } = self;
        let (tlp, pap, handling) = (self.tlp.into(), self.pap.into(), self.handling.into());
        let new = NewOperation { name, tlp, pap, handling, sealed, members };
        Ok(Operation(operations::create(ctx.env(), ctx.actor(), new).await?))
    }
}

/// A person or a party: one of the fields.
#[derive(InputObject)]
pub struct MemberInput {
    /// The person, `psn_…` or the name to sign in with.
    person: Option<String>,
    /// The party, `pty_…` or its key: everybody of it, also who comes later.
    party: Option<String>,
}

impl MemberInput {
    async fn who(self, ctx: &Context<'_>) -> Result<Who> {
        let text = match (self.person, self.party) {
            (Some(person), None) => person,
            (None, Some(party)) if party.starts_with("pty_") => party,
            (None, Some(party)) => format!("party:{party}"),
            _ => return Err(invalid("member", "give either `person` or `party`")),
        };
        Ok(operations::who(ctx.env(), ctx.actor(), &text).await?)
    }
}

/// A member to be added to an operation or removed from it.
#[derive(InputObject)]
pub struct OperationMemberInput {
    /// The operation, `opn_…`.
    operation: ID,
    /// Who.
    member: MemberInput,
}

impl OperationMemberInput {
    /// Adds it.
    ///
    /// # Errors
    /// The work refuses it.
    pub async fn add(self, ctx: &Context<'_>) -> Result<Operation> {
        let (env, actor) = (ctx.env(), ctx.actor());
        let operation: OperationId = id("operation", &self.operation)?;
        operations::add(env, actor, operation, self.member.who(ctx).await?).await?;
        Ok(Operation(operations::by_id(env, actor, operation).await?))
    }

    /// Removes it; null if who removes it was it, and knows of the operation no longer.
    ///
    /// # Errors
    /// The work refuses it.
    pub async fn remove(self, ctx: &Context<'_>) -> Result<Option<Operation>> {
        let (env, actor) = (ctx.env(), ctx.actor());
        let operation: OperationId = id("operation", &self.operation)?;
        operations::remove(env, actor, operation, self.member.who(ctx).await?).await?;
        let left = operations::by_ids(env, actor, &[operation]).await?;
        Ok(left.into_values().next().map(Operation))
    }
}
