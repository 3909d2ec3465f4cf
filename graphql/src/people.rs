//! People, their sessions and tokens. Passwords and second factors are not here: they are under `/auth`.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use entities::{person, session, token};
use takedown::{
    access,
    actor::Actor,
    people::{person as people, session as sessions},
    token::{self as tokens, OwnToken},
};
use time::OffsetDateTime;

use crate::{
    context::{ContextExt, id},
    enums::{ActorRole, Tlp},
    error::Result,
    load::load,
    loaders::PartyOf,
    party::Party,
    rows::Row,
    viewer::Action,
};

/// Somebody who may sign in.
pub struct Person(pub person::Model);

/// Somebody who may sign in.
#[Object]
impl Person {
    /// Its id, `psn_…`: what the ledger keeps of who acted.
    pub async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The name to sign in with.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What the person is called.
    async fn full_name(&self) -> Option<&str> {
        self.0.full_name.as_deref()
    }

    /// What the person may be.
    async fn role(&self) -> ActorRole {
        self.0.role.into()
    }

    /// Whose person it is.
    async fn party(&self, ctx: &Context<'_>) -> Result<Option<Party>> {
        let Some(id) = self.0.party_id else { return Ok(None) };
        Ok(load(ctx, PartyOf(id)).await?.map(Party))
    }

    /// The most restrictive label that the person reads, if that is less than the role does.
    async fn clearance(&self) -> Option<Tlp> {
        self.0.clearance.map(Into::into)
    }

    /// Whether a second factor is asked for.
    async fn second_factor(&self) -> bool {
        self.0.second_factor_at.is_some()
    }

    /// When it was made.
    async fn created_at(&self) -> OffsetDateTime {
        self.0.created_at.datetime()
    }

    /// Since when it may not sign in.
    async fn disabled_at(&self) -> Option<OffsetDateTime> {
        self.0.disabled_at.map(|at| at.datetime())
    }
}

impl Row for Person {}

/// A browser that is signed in.
pub struct Session(pub session::Model);

/// A browser that is signed in.
#[Object]
impl Session {
    /// Its id, `ses_…`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// From where it was begun; empty if that is not known.
    async fn address(&self) -> &str {
        &self.0.address
    }

    /// What the browser calls itself.
    async fn agent(&self) -> &str {
        &self.0.agent
    }

    /// When it began.
    async fn created_at(&self) -> OffsetDateTime {
        self.0.created_at.datetime()
    }

    /// When it was last used, to the minute.
    async fn seen_at(&self) -> OffsetDateTime {
        self.0.seen_at.datetime()
    }

    /// When it ends at the latest.
    async fn expires_at(&self) -> OffsetDateTime {
        self.0.expires_at.datetime()
    }

    /// When it was ended.
    async fn ended_at(&self) -> Option<OffsetDateTime> {
        self.0.ended_at.map(|at| at.datetime())
    }
}

/// A token of a person's own, for its programs.
pub struct AccessToken(pub token::Model);

/// A token of a person's own, for its programs.
#[Object]
impl AccessToken {
    /// Its id, `tok_…`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What it is for.
    async fn label(&self) -> Option<&str> {
        self.0.label.as_deref()
    }

    /// The only acts that it may; null for all that its person may.
    async fn actions(&self) -> Option<Vec<Action>> {
        let names = self.0.actions.as_deref()?.split(' ');
        Some(names.filter_map(access::Action::named).map(Into::into).collect())
    }

    /// The only networks that it may come from; null for all.
    async fn networks(&self) -> Option<Vec<&str>> {
        Some(self.0.networks.as_deref()?.split(' ').collect())
    }

    /// The only operations whose things it reads and adds to, `opn_…`; null for all that its person knows of, and for what
    /// belongs to none.
    async fn operations(&self) -> Option<Vec<ID>> {
        Some(self.0.operations.as_deref()?.split(' ').map(ID::from).collect())
    }

    /// When it was made.
    async fn created_at(&self) -> OffsetDateTime {
        self.0.created_at.datetime()
    }

    /// When it ends.
    async fn expires_at(&self) -> Option<OffsetDateTime> {
        self.0.expires_at.map(|at| at.datetime())
    }

    /// When it was revoked.
    async fn revoked_at(&self) -> Option<OffsetDateTime> {
        self.0.revoked_at.map(|at| at.datetime())
    }

    /// When it was last used, to the minute.
    async fn last_used_at(&self) -> Option<OffsetDateTime> {
        self.0.last_used_at.map(|at| at.datetime())
    }

    /// From where it was last used.
    async fn last_used_from(&self) -> Option<&str> {
        self.0.last_used_from.as_deref()
    }
}

/// Which people are wanted; what is left out does not limit.
#[derive(InputObject, Default)]
pub struct PersonFilter {
    /// With this role.
    role: Option<ActorRole>,
    /// Of this party, `pty_…`.
    party: Option<ID>,
}

impl PersonFilter {
    /// The filter as the work takes it.
    ///
    /// # Errors
    /// `party` is no id of a party.
    pub fn read(self) -> Result<takedown::people::PersonFilter> {
        let party = self.party.map(|given| id("party", &given)).transpose()?;
        Ok(takedown::people::PersonFilter { role: self.role.map(Into::into), party })
    }
}

/// A token that is wanted.
#[derive(InputObject)]
pub struct CreateTokenInput {
    /// What it is for.
    label: String,
    /// The only acts that it may; all that its person may, if left out.
    actions: Option<Vec<Action>>,
    /// The only networks that it may come from, such as `192.0.2.0/24`; all if left out.
    networks: Option<Vec<String>>,
    /// The only operations whose things it reads and adds to, `opn_…`; if left out, all that its person knows of.
    operations: Option<Vec<ID>>,
    /// When it ends; never, if left out.
    expires_at: Option<OffsetDateTime>,
}

/// A token with its secret.
#[derive(SimpleObject)]
pub struct CreateTokenPayload {
    /// The token.
    token: AccessToken,
    /// Its secret, which is shown this once and kept nowhere.
    secret: String,
}

impl CreateTokenInput {
    /// Makes the token.
    ///
    /// # Errors
    /// A field is wrong, who asks may not, or the database refused.
    pub async fn create(self, ctx: &Context<'_>) -> Result<CreateTokenPayload> {
        let networks = self.networks.unwrap_or_default();
        let networks =
            networks.iter().map(|text| tokens::network(text)).collect::<std::result::Result<_, _>>()?;
        let operations = self.operations.unwrap_or_default();
        let operations = operations.iter().map(|given| id("operation", given)).collect::<Result<_>>()?;
        let new = OwnToken {
            label: self.label,
            actions: self.actions.unwrap_or_default().into_iter().map(Into::into).collect(),
            networks,
            operations,
            expires_at: self.expires_at.map(Into::into),
        };
        let (row, secret) = tokens::create_own(ctx.env(), ctx.actor(), new).await?;
        Ok(CreateTokenPayload { token: AccessToken(row), secret })
    }
}

/// The account of who asks; none for a program's token.
///
/// # Errors
/// The database refused.
pub async fn own(ctx: &Context<'_>) -> Result<Option<Person>> {
    match ctx.actor() {
        Actor::Person { id: Some(_), .. } => Ok(Some(Person(people::own(ctx.env(), ctx.actor()).await?))),
        _ => Ok(None),
    }
}

/// The sessions of who asks that live.
///
/// # Errors
/// Who asks may not, or the database refused.
pub async fn own_sessions(ctx: &Context<'_>) -> Result<Vec<Session>> {
    let rows = sessions::own(ctx.env(), ctx.actor()).await?;
    Ok(rows.into_iter().map(Session).collect())
}

/// The tokens of who asks that were not revoked.
///
/// # Errors
/// Who asks may not, or the database refused.
pub async fn own_tokens(ctx: &Context<'_>) -> Result<Vec<AccessToken>> {
    let rows = tokens::own(ctx.env(), ctx.actor()).await?;
    Ok(rows.into_iter().map(AccessToken).collect())
}
