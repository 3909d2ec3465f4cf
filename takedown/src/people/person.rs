//! Accounts: made, changed and disabled by an administrator. A change of what a person may ends its sessions.
#![expect(clippy::disallowed_methods, reason = "the store file of people, which holds no case content")]

use std::collections::HashMap;

use entities::{ActorRole, PartyId, PersonId, Tlp, party, person};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QuerySelect, sea_query::LockType,
};
use serde_json::json;

use super::session;
use crate::{
    access::{self, Action, Subject},
    actor::{Actor, Knows, Trail},
    audit,
    env::Env,
    error::Error,
    operation,
    reads::{Page, Slice, cut},
};

/// The longest name to sign in with, in characters.
const NAME_MAX: usize = 64;

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// The name to sign in with.
    pub name: String,
    /// What the person is called.
    pub full_name: Option<String>,
    /// What it may be.
    pub role: ActorRole,
    /// Whose person it is.
    pub party: Option<PartyId>,
    /// What it reads at most, if that is less than the role does.
    pub clearance: Option<Tlp>,
}

/// Which people are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct PersonFilter {
    /// With this role.
    pub role: Option<ActorRole>,
    /// Of this party.
    pub party: Option<PartyId>,
}

/// Makes an account. It cannot sign in before a password was chosen by an [`invite`](super::invite).
///
/// # Errors
/// The actor may not, a field is wrong, the name is taken, or the database refused.
pub async fn create(env: &Env, actor: &Actor, new: NewPerson) -> Result<person::Model, Error> {
    access::check(actor, Action::ManagePeople, Subject::System)?;
    let txn = env.begin().await?;
    let row = create_in(env, &txn, actor, new).await?;
    env.commit(txn).await?;
    Ok(row)
}

pub(super) async fn create_in(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    new: NewPerson,
) -> Result<person::Model, Error> {
    let name = canonical(&new.name);
    well_formed(&name, new.full_name.as_deref())?;
    belongs(txn, new.role, new.party).await?;
    if by_name(txn, &name).await?.is_some() {
        return Err(Error::invalid("name", "somebody has that name already: choose another"));
    }
    let row = person::Model {
        id: env.id(),
        name,
        full_name: new.full_name,
        role: new.role,
        party_id: new.party,
        clearance: new.clearance,
        password: None,
        second_factor: None,
        second_factor_at: None,
        second_factor_step: 0,
        created_at: env.now(),
        disabled_at: None,
        version: 1,
    };
    row.clone().into_active_model().reset_all().insert(txn).await?;
    // Neither name: the ledger keeps what cannot be erased.
    let detail = json!({ "role": row.role, "party": row.party_id, "clearance": row.clearance });
    audit::record(txn, env.now(), actor, "create_person", row.id, detail).await?;
    Ok(row)
}

/// Changes what a person may; its sessions end, so that nothing goes on with what it was.
///
/// # Errors
/// The actor may not, there is no such person, it is the last administrator or the last who can read an operation, or the
/// database refused.
pub async fn set_role(
    env: &Env,
    actor: &Actor,
    id: PersonId,
    role: ActorRole,
    party: Option<PartyId>,
    clearance: Option<Tlp>,
) -> Result<person::Model, Error> {
    access::check(actor, Action::ManagePeople, Subject::System)?;
    let txn = env.begin().await?;
    let was = locked(&txn, id).await?;
    if role != ActorRole::Admin {
        may_go(&txn, &was).await?;
    }
    let row = change_in(env, &txn, actor, was, (role, party, clearance)).await?;
    env.commit(txn).await?;
    Ok(row)
}

/// Changes what a person may, of a row that was read under lock.
pub(super) async fn change_in(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    was: person::Model,
    (role, party, clearance): (ActorRole, Option<PartyId>, Option<Tlp>),
) -> Result<person::Model, Error> {
    belongs(txn, role, party).await?;
    let row = person::Model { role, party_id: party, clearance, ..was.clone() };
    let row = update(txn, row).await?;
    // What a provider takes away is taken, whoever was the last to have it: else its people kept what they are no longer.
    if matches!(actor, Actor::Person { .. }) {
        operation::keep_a_reader(txn, &was).await?;
    }
    session::end_all(txn, env.now(), row.id, None).await?;
    let facts =
        |row: &person::Model| json!({ "role": row.role, "party": row.party_id, "clearance": row.clearance });
    let detail = json!({ "was": facts(&was), "is": facts(&row) });
    audit::record(txn, env.now(), actor, "change_role", row.id, detail).await?;
    Ok(row)
}

/// Disables an account, or enables it again. Its sessions and tokens end at once; tokens work again when it is enabled.
///
/// # Errors
/// As [`set_role`].
pub async fn set_disabled(
    env: &Env,
    actor: &Actor,
    id: PersonId,
    disabled: bool,
) -> Result<person::Model, Error> {
    access::check(actor, Action::ManagePeople, Subject::System)?;
    let txn = env.begin().await?;
    let row = locked(&txn, id).await?;
    if row.disabled_at.is_some() == disabled {
        return Ok(row);
    }
    if disabled {
        may_go(&txn, &row).await?;
    }
    let changed = person::Model { disabled_at: disabled.then(|| env.now()), ..row.clone() };
    let changed = update(&txn, changed).await?;
    operation::keep_a_reader(&txn, &row).await?;
    session::end_all(&txn, env.now(), id, None).await?;
    let verb = if disabled { "disable_person" } else { "enable_person" };
    audit::record(&txn, env.now(), actor, verb, id, json!({})).await?;
    env.commit(txn).await?;
    Ok(changed)
}

/// A page of people, in the order in which they were made.
///
/// # Errors
/// The actor may not, the page is out of bounds, or the database refused.
pub async fn list(
    env: &Env,
    actor: &Actor,
    filter: PersonFilter,
    page: Page,
) -> Result<Slice<person::Model>, Error> {
    access::check(actor, Action::ManagePeople, Subject::System)?;
    let mut select = person::Entity::find();
    if let Some(role) = filter.role {
        select = select.filter(person::Column::Role.eq(role));
    }
    if let Some(party) = filter.party {
        select = select.filter(person::Column::PartyId.eq(party));
    }
    cut(&env.db, select, person::Column::Id, page).await
}

/// What people read where somebody did something: what the person is called, or the name to sign in with.
///
/// # Errors
/// Nobody is signed in, or the database refused.
pub async fn names(env: &Env, actor: &Actor, ids: &[PersonId]) -> Result<HashMap<PersonId, String>, Error> {
    access::signed_in(actor)?;
    let rows = person::Entity::find().filter(person::Column::Id.is_in(ids.iter().copied()));
    let named = |row: person::Model| {
        let erased = row.name == erased(row.id);
        (row.id, if erased { "erased person".into() } else { row.full_name.unwrap_or(row.name) })
    };
    Ok(rows.all(&env.db).await?.into_iter().map(named).collect())
}

/// The name that an account has once its person was erased.
pub(super) fn erased(id: PersonId) -> String {
    format!("erased-{}", id.0.simple())
}

/// The person with that id or name.
///
/// # Errors
/// The actor may not, there is none, or the database refused.
pub async fn named(env: &Env, actor: &Actor, text: &str) -> Result<person::Model, Error> {
    access::check(actor, Action::ManagePeople, Subject::System)?;
    let found = match text.parse::<PersonId>() {
        Ok(id) => person::Entity::find_by_id(id).one(&env.db).await?,
        Err(_) => by_name(&env.db, &canonical(text)).await?,
    };
    found.ok_or_else(|| Error::not_found("person", text))
}

/// The account of who acts.
///
/// # Errors
/// The actor has none, or the database refused.
pub async fn own(env: &Env, actor: &Actor) -> Result<person::Model, Error> {
    let id = actor.account().ok_or_else(|| Error::not_found("account", actor))?;
    person::Entity::find_by_id(id).one(&env.db).await?.ok_or_else(|| Error::not_found("account", id))
}

/// As whom a person acts; an account that is disabled acts as nobody.
pub(crate) async fn actor(db: &impl ConnectionTrait, id: PersonId) -> Result<Actor, Error> {
    let row = person::Entity::find_by_id(id).one(db).await?;
    let row = row.filter(|row| row.disabled_at.is_none()).ok_or(Error::Unauthenticated)?;
    let agency = match row.party_id {
        Some(id) => party::Entity::find_by_id(id).one(db).await?.map(|party| party.key),
        None => None,
    };
    let name = row.id.to_string();
    Ok(Actor::Person {
        name,
        role: row.role,
        agency,
        id: Some(id),
        clearance: row.clearance,
        only: None,
        knows: Knows::Its,
        trail: Trail::default(),
    })
}

/// The form in which names are stored and compared.
pub(super) fn canonical(name: &str) -> String {
    name.trim().to_lowercase()
}

pub(super) async fn by_name(db: &impl ConnectionTrait, name: &str) -> Result<Option<person::Model>, Error> {
    Ok(person::Entity::find().filter(person::Column::Name.eq(name)).one(db).await?)
}

/// The person, locked until the transaction ends.
pub(super) async fn locked(txn: &DatabaseTransaction, id: PersonId) -> Result<person::Model, Error> {
    let row = person::Entity::find_by_id(id).lock(LockType::Update).one(txn).await?;
    row.ok_or_else(|| Error::not_found("person", id))
}

/// Stores a row that was read under lock.
pub(super) async fn update(txn: &DatabaseTransaction, row: person::Model) -> Result<person::Model, Error> {
    let row = person::Model { version: row.version + 1, ..row };
    Ok(row.into_active_model().reset_all().update(txn).await?)
}

fn well_formed(name: &str, full_name: Option<&str>) -> Result<(), Error> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_@".contains(c);
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(allowed) {
        let rule = format!("must be 1 to {NAME_MAX} of the letters a to z, digits, and . - _ @");
        return Err(Error::invalid("name", rule));
    }
    if name == "nobody" || name.parse::<PersonId>().is_ok() {
        return Err(Error::invalid("name", "stands for something else: choose another"));
    }
    let plain = |text: &str| !text.is_empty() && text.len() <= 200 && !text.chars().any(char::is_control);
    if full_name.is_some_and(|text| !plain(text)) {
        return Err(Error::invalid("fullName", "must be 1 to 200 bytes of text"));
    }
    Ok(())
}

/// A liaison and a partner are of a party; the party must be there.
async fn belongs(txn: &DatabaseTransaction, role: ActorRole, party: Option<PartyId>) -> Result<(), Error> {
    match party {
        Some(id) if party::Entity::find_by_id(id).count(txn).await? == 0 => {
            Err(Error::not_found("party", id))
        }
        None if matches!(role, ActorRole::Liaison | ActorRole::Partner) => {
            Err(Error::invalid("party", format!("a {role} is somebody's: name the party")))
        }
        _ => Ok(()),
    }
}

/// Somebody must be able to run the system.
pub(super) async fn may_go(txn: &DatabaseTransaction, row: &person::Model) -> Result<(), Error> {
    if row.role != ActorRole::Admin {
        return Ok(());
    }
    let others = person::Entity::find()
        .filter(person::Column::Role.eq(ActorRole::Admin))
        .filter(person::Column::DisabledAt.is_null())
        .filter(person::Column::Password.is_not_null())
        .filter(person::Column::Id.ne(row.id))
        .count(txn)
        .await?;
    if others > 0 {
        return Ok(());
    }
    let (from, event) =
        ("it is the last administrator who can sign in".to_owned(), "taking that away".to_owned());
    Err(Error::Conflict { from, event })
}
