//! From whom a provider vouches for to an account of ours: found by issuer and subject, never by a name or a mail address,
//! which a provider can give to whomever it likes. What the account may follows from the person's groups, each time.
#![expect(clippy::disallowed_methods, reason = "the store file of whom providers know")]

use entities::{ActorRole, PartyId, PersonId, identity, party, person};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait,
    IntoActiveModel, QueryFilter,
};
use serde_json::{Map, Value, json};

use super::{ACTOR, Provider, Refused};
use crate::{
    access::{self, Action, Subject},
    audit,
    env::Env,
    error::Error,
    people::{NewPerson, person as people},
    token::base32,
};

/// The longest name that a provider's word makes, in bytes; what makes it unique comes after.
const NAME_MAX: usize = 48;
/// The most of a person's groups that are looked at.
const GROUPS_MAX: usize = 10_000;

/// Whom a provider vouches for, and as what.
#[derive(Clone, Debug)]
pub(super) struct Vouched {
    /// Whom it means.
    pub subject: String,
    /// Its own session.
    pub sid: Option<String>,
    /// The person's groups; none if it was not said.
    pub groups: Option<Vec<String>>,
    /// What the person is called.
    full_name: Option<String>,
    /// What the person is called when signing in there.
    user_name: Option<String>,
}

impl Vouched {
    /// What claims say of `subject`.
    pub(super) fn read(subject: String, claims: &Map<String, Value>, groups_claim: &str) -> Self {
        let text = |name: &str, most: usize| {
            let text = claims.get(name)?.as_str()?.trim();
            let plain = !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control);
            plain.then(|| text.to_owned())
        };
        Self {
            groups: claims.get(groups_claim).map(groups),
            sid: text("sid", 255),
            full_name: text("name", 200),
            user_name: text("preferred_username", 200),
            subject,
        }
    }

    /// Adds what userinfo says, where the ID token was silent.
    pub(super) fn complete(self, more: Self) -> Self {
        Self {
            groups: self.groups.or(more.groups),
            full_name: self.full_name.or(more.full_name),
            user_name: self.user_name.or(more.user_name),
            ..self
        }
    }

    /// The role that the operator gives to one of the person's groups.
    fn role(&self, roles: &[(String, ActorRole)]) -> Option<ActorRole> {
        let groups = self.groups.as_deref().unwrap_or_default();
        roles.iter().find(|(group, _)| groups.contains(group)).map(|(_, role)| *role)
    }
}

/// Groups are a list of texts, or one text.
fn groups(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => {
            all.iter().filter_map(|one| Some(one.as_str()?.to_owned())).take(GROUPS_MAX).collect()
        }
        _ => Vec::new(),
    }
}

/// The account of whom a provider vouches for, as its groups say: made when it is the first time, changed when they did.
///
/// # Errors
/// No group makes a role, or the account is disabled.
pub(super) async fn admit(
    env: &Env,
    txn: &DatabaseTransaction,
    provider: &Provider,
    vouched: &Vouched,
) -> Result<person::Model, Refused> {
    access::check(&ACTOR, Action::AdmitPeople, Subject::System)?;
    let settings = &provider.settings;
    let known = known(txn, &settings.issuer, &vouched.subject).await?;
    let was = match known {
        Some(id) => Some(people::locked(txn, id).await?),
        None => None,
    };
    if was.as_ref().is_some_and(|was| was.disabled_at.is_some()) {
        return Err(Refused::Disabled);
    }
    let role = vouched.role(&settings.roles).ok_or(Refused::NoRole)?;
    let party = party_of(txn, provider).await?;
    let Some(was) = was else { return create(env, txn, provider, vouched, (role, party)).await };
    renew(env, txn, provider, vouched).await?;
    let called = vouched.full_name.is_some() && vouched.full_name != was.full_name;
    let was = if called {
        people::update(txn, person::Model { full_name: vouched.full_name.clone(), ..was }).await?
    } else {
        was
    };
    if (was.role, was.party_id) == (role, party) {
        return Ok(was);
    }
    // The last administrator too: whom the provider takes it from is none any more.
    let clearance = was.clearance;
    Ok(people::change_in(env, txn, &ACTOR, was, (role, party, clearance)).await?)
}

async fn create(
    env: &Env,
    txn: &DatabaseTransaction,
    provider: &Provider,
    vouched: &Vouched,
    (role, party): (ActorRole, Option<PartyId>),
) -> Result<person::Model, Refused> {
    let settings = &provider.settings;
    let new = NewPerson {
        name: free_name(env, txn, provider, vouched).await?,
        full_name: vouched.full_name.clone(),
        role,
        party,
        clearance: settings.clearance,
    };
    let row = people::create_in(env, txn, &ACTOR, new).await?;
    let identity = identity::Model {
        id: env.id(),
        issuer: settings.issuer.clone(),
        subject: vouched.subject.clone(),
        person_id: row.id,
        created_at: env.now(),
        vouched_at: env.now(),
    };
    let detail = json!({ "provider": settings.name, "identity": identity.id });
    identity.into_active_model().reset_all().insert(txn).await?;
    audit::record(txn, env.now(), &ACTOR, "vouch_for_person", row.id, detail).await?;
    Ok(row)
}

/// Notes that the provider vouches for the person now.
async fn renew(
    env: &Env,
    txn: &DatabaseTransaction,
    provider: &Provider,
    vouched: &Vouched,
) -> Result<(), Error> {
    identity::Entity::update_many()
        .set(identity::ActiveModel { vouched_at: Set(env.now()), ..Default::default() })
        .filter(identity::Column::Issuer.eq(provider.settings.issuer.as_str()))
        .filter(identity::Column::Subject.eq(vouched.subject.as_str()))
        .exec(txn)
        .await?;
    Ok(())
}

/// Whether a person's tokens may go on: a provider vouched for it within the time that a session lives at the longest. Who
/// has a password, or never came from a provider, needs none.
pub(super) async fn stands(env: &Env, id: PersonId) -> Result<bool, Error> {
    let identities = identity::Entity::find().filter(identity::Column::PersonId.eq(id)).all(&env.db).await?;
    let Some(last) = identities.iter().map(|row| row.vouched_at).max() else { return Ok(true) };
    if last.plus(env.settings.auth.session_longest) > env.now() {
        return Ok(true);
    }
    let row = person::Entity::find_by_id(id).one(&env.db).await?;
    Ok(row.is_some_and(|row| row.password.is_some()))
}

/// The account of a subject, if it came before.
pub(super) async fn known(
    db: &impl ConnectionTrait,
    issuer: &str,
    subject: &str,
) -> Result<Option<PersonId>, Error> {
    let row = identity::Entity::find()
        .filter(identity::Column::Issuer.eq(issuer))
        .filter(identity::Column::Subject.eq(subject));
    Ok(row.one(db).await?.map(|row| row.person_id))
}

/// The provider's party.
async fn party_of(txn: &DatabaseTransaction, provider: &Provider) -> Result<Option<PartyId>, Refused> {
    let Some(key) = &provider.settings.party else { return Ok(None) };
    let row = party::Entity::find().filter(party::Column::Key.eq(key.as_str())).one(txn).await?;
    row.map(|row| Some(row.id)).ok_or(Refused::NoParty)
}

/// A name that nobody has, which begins with the provider's: so none of its people can be taken for somebody else's.
async fn free_name(
    env: &Env,
    txn: &DatabaseTransaction,
    provider: &Provider,
    vouched: &Vouched,
) -> Result<String, Error> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_@".contains(c);
    let own = vouched.user_name.as_deref().unwrap_or("person").to_lowercase();
    let own = own.chars().map(|c| if allowed(c) { c } else { '-' });
    let name: String = provider.settings.name.chars().chain(['.']).chain(own).take(NAME_MAX).collect();
    if people::by_name(txn, &name).await?.is_none() {
        return Ok(name);
    }
    Ok(format!("{name}-{}", &base32(&env.ids.secret())[..10]))
}

/// Forgets whom providers mean by a person.
pub(super) async fn forget(txn: &DatabaseTransaction, id: PersonId) -> Result<(), Error> {
    identity::Entity::delete_many().filter(identity::Column::PersonId.eq(id)).exec(txn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_operators_groups_counts() {
        let roles = [("leads".to_owned(), ActorRole::Lead), ("all".to_owned(), ActorRole::Analyst)];
        let role = |groups: Value| {
            let claims = Map::from_iter([("groups".to_owned(), groups)]);
            Vouched::read("7".into(), &claims, "groups").role(&roles)
        };
        assert_eq!(role(json!(["all", "leads"])), Some(ActorRole::Lead));
        assert_eq!(role(json!("all")), Some(ActorRole::Analyst));
        for none in [json!([]), json!(["Leads", "lead", 7]), json!(null), json!({ "leads": true })] {
            assert_eq!(role(none.clone()), None, "{none}");
        }
        assert_eq!(Vouched::read("7".into(), &Map::new(), "groups").role(&roles), None);
    }
}
