//! Reading the directory.
#![expect(clippy::disallowed_methods, reason = "the directory has its own rule: `Action::ReadDirectory`")]

use std::collections::HashMap;

use entities::{ClaimField, PartyId, PartyKind, party, party_claim, party_source};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, Func, LikeExpr},
};

use super::Country;
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    env::Env,
    error::Error,
    reads::{Page, Slice, cut},
};

/// Parties in one condition.
const IDS: usize = 10_000;

/// Which parties are wanted; what is left out does not limit.
#[derive(Clone, Debug, Default)]
pub struct PartyFilter {
    /// Of these kinds.
    pub kinds: Vec<PartyKind>,
    /// In this country.
    pub country: Option<Country>,
    /// Whose name has this text in it, in any case.
    pub text: Option<String>,
}

/// A page of parties.
///
/// # Errors
/// The actor may not, the page is out of bounds, or the database refused.
pub async fn list(
    env: &Env,
    actor: &Actor,
    filter: &PartyFilter,
    page: Page,
) -> Result<Slice<party::Model>, Error> {
    access::check(actor, Action::ReadDirectory, Subject::System)?;
    let mut select = party::Entity::find();
    if !filter.kinds.is_empty() {
        select = select.filter(party::Column::Kind.is_in(filter.kinds.iter().copied()));
    }
    if let Some(country) = filter.country {
        select = select.filter(party::Column::Country.eq(country.code()));
    }
    if let Some(text) = &filter.text {
        let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let name = Expr::expr(Func::lower(Expr::col(party::Column::Name)));
        select = select.filter(name.like(LikeExpr::new(format!("%{escaped}%")).escape('\\')));
    }
    cut(&env.db, select, party::Column::Id, page).await
}

/// The party with that id.
///
/// # Errors
/// There is none, the actor may not, or the database refused.
pub async fn by_id(env: &Env, actor: &Actor, id: PartyId) -> Result<party::Model, Error> {
    access::check(actor, Action::ReadDirectory, Subject::System)?;
    party::Entity::find_by_id(id).one(&env.db).await?.ok_or_else(|| Error::not_found("party", id))
}

/// The parties with those ids, for batches.
///
/// # Errors
/// The actor may not, or the database refused.
pub async fn by_ids(
    env: &Env,
    actor: &Actor,
    ids: &[PartyId],
) -> Result<HashMap<PartyId, party::Model>, Error> {
    access::check(actor, Action::ReadDirectory, Subject::System)?;
    let mut found = HashMap::new();
    for part in ids.chunks(IDS) {
        let rows = party::Entity::find().filter(party::Column::Id.is_in(part.iter().copied()));
        found.extend(rows.all(&env.db).await?.into_iter().map(|row| (row.id, row)));
    }
    Ok(found)
}

/// The party with that key, such as `iana:146`.
///
/// # Errors
/// As [`by_id`].
pub async fn by_key(env: &Env, actor: &Actor, key: &str) -> Result<party::Model, Error> {
    access::check(actor, Action::ReadDirectory, Subject::System)?;
    let row = party::Entity::find().filter(party::Column::Key.eq(key)).one(&env.db).await?;
    row.ok_or_else(|| Error::not_found("party", key))
}

/// What all sources say about many parties, by field, source and value; what was withdrawn too.
///
/// # Errors
/// The actor may not, or the database refused.
pub async fn claims(
    env: &Env,
    actor: &Actor,
    of: &[PartyId],
) -> Result<HashMap<PartyId, Vec<party_claim::Model>>, Error> {
    access::check(actor, Action::ReadDirectory, Subject::System)?;
    let mut by: HashMap<_, Vec<_>> = HashMap::new();
    for part in of.chunks(IDS) {
        let rows = party_claim::Entity::find()
            .filter(party_claim::Column::PartyId.is_in(part.iter().copied()))
            .order_by_asc(party_claim::Column::Field)
            .order_by_asc(party_claim::Column::Source)
            .order_by_asc(party_claim::Column::Origin)
            .order_by_asc(party_claim::Column::Value)
            .all(&env.db)
            .await?;
        for row in rows {
            by.entry(row.party_id).or_default().push(row);
        }
    }
    Ok(by)
}

/// The lists that were loaded, by name.
///
/// # Errors
/// The actor may not, or the database refused.
pub async fn sources(env: &Env, actor: &Actor) -> Result<Vec<party_source::Model>, Error> {
    access::check(actor, Action::ReadDirectory, Subject::System)?;
    Ok(party_source::Entity::find().order_by_asc(party_source::Column::Name).all(&env.db).await?)
}

/// The parties that sources say answer for each of these scopes.
pub(super) async fn by_scope(
    db: &impl ConnectionTrait,
    scopes: &[String],
) -> Result<HashMap<String, Vec<party::Model>>, Error> {
    let said = party_claim::Entity::find()
        .filter(party_claim::Column::Field.eq(ClaimField::Scope))
        .filter(party_claim::Column::Value.is_in(scopes))
        .filter(party_claim::Column::WithdrawnAt.is_null())
        .order_by_asc(party_claim::Column::PartyId)
        .all(db)
        .await?;
    let ids = said.iter().map(|claim| claim.party_id);
    let parties = party::Entity::find().filter(party::Column::Id.is_in(ids)).all(db).await?;
    let parties: HashMap<PartyId, party::Model> = parties.into_iter().map(|row| (row.id, row)).collect();
    let mut by: HashMap<String, Vec<party::Model>> = HashMap::new();
    for claim in said {
        let found = by.entry(claim.value).or_default();
        // Several sources may say it of one party.
        if found.last().is_none_or(|last| last.id != claim.party_id) {
            found.extend(parties.get(&claim.party_id).cloned());
        }
    }
    Ok(by)
}

/// The mailbox that the directory has for each of these keys, and who says so: only where all that is said is one
/// mailbox, since between several a person chooses.
///
/// # Errors
/// The database refused.
pub(crate) async fn mailboxes(
    db: &impl ConnectionTrait,
    keys: &[String],
) -> Result<HashMap<String, (String, String)>, Error> {
    let mut found: HashMap<String, (String, String)> = HashMap::new();
    let mut disputed = Vec::new();
    for part in keys.chunks(IDS) {
        let parties = party::Entity::find().filter(party::Column::Key.is_in(part)).all(db).await?;
        let parties: HashMap<PartyId, String> = parties.into_iter().map(|row| (row.id, row.key)).collect();
        let said = party_claim::Entity::find()
            .filter(party_claim::Column::PartyId.is_in(parties.keys().copied()))
            .filter(party_claim::Column::Field.eq(ClaimField::Email))
            .filter(party_claim::Column::WithdrawnAt.is_null())
            .order_by_asc(party_claim::Column::Source)
            .all(db)
            .await?;
        for claim in said {
            let Some(key) = parties.get(&claim.party_id) else { continue };
            match found.get(key) {
                None => drop(found.insert(key.clone(), (claim.value, claim.source))),
                Some((email, _)) if *email == claim.value => {}
                Some(_) => disputed.push(key.clone()),
            }
        }
    }
    found.retain(|key, _| !disputed.contains(key));
    Ok(found)
}
