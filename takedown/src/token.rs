//! Access tokens: how a person or program proves who it is. Only the hash is kept.
#![expect(clippy::disallowed_methods, reason = "tokens are read to find out who asks")]

use std::{net::IpAddr, sync::Arc};

use entities::{ActorRole, OperationId, PersonId, Timestamp, TokenId, token};
use ipnetwork::IpNetwork;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    access::{self, Action, Subject},
    actor::{Actor, Knows},
    audit,
    env::Env,
    error::Error,
    operation,
    people::{oidc, person},
};

/// The most tokens of one person that live at a time.
const OWN_MAX: usize = 50;
/// The most networks of one token.
const NETWORKS_MAX: usize = 20;
/// The most operations of one token.
const OPERATIONS_MAX: usize = 20;

/// What every token begins with, so that a leaked one is recognised.
pub const PREFIX: &str = "lks_";

/// The longest name or agency, in characters.
const NAME_MAX: usize = 64;

/// What a token is to say of who holds it.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The actor's name, as the ledger will keep it.
    pub name: String,
    /// What the actor may be.
    pub role: ActorRole,
    /// The agency of a liaison.
    pub agency: Option<String>,
    /// When it ends; never, if not set.
    pub expires_at: Option<Timestamp>,
}

/// Makes a token and returns it with its secret, which is kept nowhere.
///
/// # Errors
/// The actor may not, a field is wrong, or the database refused.
pub async fn create(env: &Env, actor: &Actor, new: NewToken) -> Result<(token::Model, String), Error> {
    access::check(actor, Action::ManageTokens, Subject::System)?;
    well_formed(env, &new)?;
    let secret = format!("{PREFIX}{}", base32(&env.ids.secret()));
    let row = token::Model {
        id: env.id(),
        hash: hash(&secret),
        name: new.name,
        role: new.role,
        agency: new.agency,
        created_at: env.now(),
        expires_at: new.expires_at,
        revoked_at: None,
        person_id: None,
        label: None,
        actions: None,
        networks: None,
        operations: None,
        last_used_at: None,
        last_used_from: None,
    };
    let txn = env.begin().await?;
    row.clone().into_active_model().reset_all().insert(&txn).await?;
    let detail = json!({
        "name": row.name, "role": row.role.as_str(), "agency": row.agency, "expires_at": row.expires_at,
    });
    audit::record(&txn, env.now(), actor, "token.created", row.id, detail).await?;
    env.commit(txn).await?;
    Ok((row, secret))
}

/// Every token there is or was, oldest first.
///
/// # Errors
/// The actor may not, or the database refused.
pub async fn list(env: &Env, actor: &Actor) -> Result<Vec<token::Model>, Error> {
    access::check(actor, Action::ManageTokens, Subject::System)?;
    Ok(token::Entity::find().order_by_asc(token::Column::Id).all(&env.db).await?)
}

/// A token that a person makes for its own programs.
#[derive(Clone, Debug, Default)]
pub struct OwnToken {
    /// What it is for.
    pub label: String,
    /// The only acts that it may; all that its person may, if none is named.
    pub actions: Vec<Action>,
    /// The only networks that it may come from; all, if none is named.
    pub networks: Vec<IpNetwork>,
    /// The only operations whose things it reads and adds to; if none is named, all that its person knows of.
    pub operations: Vec<OperationId>,
    /// When it ends; never, if not set.
    pub expires_at: Option<Timestamp>,
}

/// A network that a token may come from.
///
/// # Errors
/// The text is none.
pub fn network(text: &str) -> Result<IpNetwork, Error> {
    text.parse().map_err(|_| Error::invalid("networks", "must be such as 192.0.2.0/24 or 2001:db8::/32"))
}

/// Makes a token for who acts and returns it with its secret, which is kept nowhere. It has its person's role and
/// clearance of the moment in which it is used, and ends when its person is disabled. That of a person without a password
/// works only as long as a sign-in provider vouched for the person within `auth.session_longest`.
///
/// # Errors
/// The actor may not, a field is wrong, there are too many, or the database refused.
pub async fn create_own(env: &Env, actor: &Actor, new: OwnToken) -> Result<(token::Model, String), Error> {
    access::check(actor, Action::ManageOwnAccess, Subject::System)?;
    // A token that may do less must not make one that may do more.
    if matches!(actor, Actor::Person { only: Some(_), .. } | Actor::Person { knows: Knows::Only(_), .. }) {
        return Err(Error::invalid("token", "is made by a person who is signed in, not with another token"));
    }
    let label = new.label.trim();
    if label.is_empty() || label.len() > 200 || label.chars().any(char::is_control) {
        return Err(Error::invalid(
            "label",
            "must be 1 to 200 bytes of text that says what the token is for",
        ));
    }
    if new.expires_at.is_some_and(|at| at <= env.now()) {
        return Err(Error::invalid("expiresAt", "must be in the future"));
    }
    if new.networks.len() > NETWORKS_MAX {
        return Err(Error::invalid("networks", format!("must be at most {NETWORKS_MAX}")));
    }
    if new.operations.len() > OPERATIONS_MAX {
        return Err(Error::invalid("operations", format!("must be at most {OPERATIONS_MAX}")));
    }
    for id in &new.operations {
        operation::find(&env.db, actor, *id).await?;
    }
    if own(env, actor).await?.iter().filter(|row| lives(env, row)).count() >= OWN_MAX {
        return Err(Error::invalid("token", format!("would be one of more than {OWN_MAX}: revoke some")));
    }
    let person = person::own(env, actor).await?;
    let secret = format!("{PREFIX}{}", base32(&env.ids.secret()));
    let joined = |words: Vec<String>| (!words.is_empty()).then(|| words.join(" "));
    let row = token::Model {
        id: env.id(),
        hash: hash(&secret),
        name: actor.to_string(),
        role: person.role,
        agency: None,
        created_at: env.now(),
        expires_at: new.expires_at,
        revoked_at: None,
        person_id: Some(person.id),
        label: Some(label.to_owned()),
        actions: joined(new.actions.iter().map(|action| action.name().to_owned()).collect()),
        networks: joined(new.networks.iter().map(ToString::to_string).collect()),
        operations: joined(new.operations.iter().map(ToString::to_string).collect()),
        last_used_at: None,
        last_used_from: None,
    };
    let txn = env.begin().await?;
    row.clone().into_active_model().reset_all().insert(&txn).await?;
    let detail = json!({
        "actions": row.actions, "networks": row.networks, "operations": new.operations.len(),
        "expires_at": row.expires_at,
    });
    audit::record(&txn, env.now(), actor, "token.created", row.id, detail).await?;
    env.commit(txn).await?;
    Ok((row, secret))
}

/// One's own tokens that were not revoked, oldest first.
///
/// # Errors
/// The actor may not, or the database refused.
pub async fn own(env: &Env, actor: &Actor) -> Result<Vec<token::Model>, Error> {
    access::check(actor, Action::ManageOwnAccess, Subject::System)?;
    let Some(id) = actor.account() else { return Ok(Vec::new()) };
    let rows = token::Entity::find()
        .filter(token::Column::PersonId.eq(id))
        .filter(token::Column::RevokedAt.is_null())
        .order_by_asc(token::Column::Id);
    Ok(rows.all(&env.db).await?.into_iter().map(|row| env.used.of_token(row)).collect())
}

/// Ends a token now: one's own, or as an administrator anybody's. Revoking a revoked one changes nothing.
///
/// # Errors
/// There is no such token of one's own, the actor may not, or the database refused.
pub async fn revoke(env: &Env, actor: &Actor, id: TokenId) -> Result<token::Model, Error> {
    let all = access::check(actor, Action::ManageTokens, Subject::System).is_ok();
    if !all {
        access::check(actor, Action::ManageOwnAccess, Subject::System)?;
    }
    let txn = env.begin().await?;
    let row = token::Entity::find_by_id(id).one(&txn).await?;
    // Somebody else's is as if it were not there.
    let row = row.filter(|row| all || (row.person_id.is_some() && row.person_id == actor.account()));
    let row = row.ok_or_else(|| Error::not_found("token", id))?;
    if row.revoked_at.is_some() {
        return Ok(row);
    }
    let row = end(env, &txn, actor, row).await?;
    env.commit(txn).await?;
    Ok(row)
}

/// Ends every token of a person for whom a provider vouches no longer.
pub(crate) async fn revoke_all(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    of: PersonId,
) -> Result<(), Error> {
    let rows = token::Entity::find()
        .filter(token::Column::PersonId.eq(of))
        .filter(token::Column::RevokedAt.is_null())
        .order_by_asc(token::Column::Id);
    for row in rows.all(txn).await? {
        end(env, txn, actor, row).await?;
    }
    Ok(())
}

async fn end(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    row: token::Model,
) -> Result<token::Model, Error> {
    let mut changed = row.into_active_model();
    changed.revoked_at = Set(Some(env.now()));
    let row = changed.update(txn).await?;
    audit::record(txn, env.now(), actor, "token.revoked", row.id, json!({ "name": row.name })).await?;
    Ok(row)
}

fn lives(env: &Env, row: &token::Model) -> bool {
    row.revoked_at.is_none() && row.expires_at.is_none_or(|at| at > env.now())
}

/// Who holds the token `secret`, which is used from `from`.
///
/// # Errors
/// [`Error::Unauthenticated`] for an unknown, expired or revoked one, or from elsewhere, without saying which.
pub async fn actor(env: &Env, secret: &str, from: Option<IpAddr>) -> Result<Actor, Error> {
    if !secret.starts_with(PREFIX) || secret.len() > 128 {
        return Err(Error::Unauthenticated);
    }
    let hash = hash(secret);
    let row = token::Entity::find().filter(token::Column::Hash.eq(hash.clone())).one(&env.db).await?;
    let row = row.ok_or(Error::Unauthenticated)?;
    let same: bool = row.hash.ct_eq(&hash).into();
    if !same || !lives(env, &row) || !may_come(&row, from) {
        return Err(Error::Unauthenticated);
    }
    let actor = holder(env, &row).await?;
    env.used.token(row.id, env.now(), from);
    Ok(actor)
}

async fn holder(env: &Env, row: &token::Model) -> Result<Actor, Error> {
    let allowed = row.actions.as_deref().map(|names| {
        // An act that this version does not know is not allowed.
        names.split(' ').filter_map(Action::named).collect::<Arc<[Action]>>()
    });
    // One that is for everything its person may do is still no person who has signed in.
    let allowed = allowed.or_else(|| row.person_id.is_some().then(|| Action::ALL.into()));
    // A token must not outlive the word of who answers for its person.
    if let Some(id) = row.person_id
        && !oidc::vouched(env, id).await?
    {
        return Err(Error::Unauthenticated);
    }
    let actor = match row.person_id {
        Some(id) => person::actor(&env.db, id).await?,
        None => {
            let holder = Actor::person(row.name.clone(), row.role);
            row.agency.clone().into_iter().fold(holder, Actor::of)
        }
    };
    Ok(match actor {
        Actor::Person { name, role, agency, id, clearance, trail, .. } => {
            // Likewise an operation whose id does not read.
            let only = row.operations.as_deref();
            let only = only.map(|ids| ids.split(' ').filter_map(|id| id.parse().ok()).collect());
            let knows = only.map_or(Knows::Its, Knows::Only);
            Actor::Person { name, role, agency, id, clearance, only: allowed, knows, trail }
        }
        other => other,
    })
}

/// Whether the token may come from there: one that is bound comes from nowhere that is not known.
fn may_come(row: &token::Model, from: Option<IpAddr>) -> bool {
    let Some(networks) = &row.networks else { return true };
    let Some(from) = from.map(|from| from.to_canonical()) else { return false };
    networks
        .split(' ')
        .filter_map(|text| text.parse::<IpNetwork>().ok())
        .any(|network| network.contains(from))
}

fn well_formed(env: &Env, new: &NewToken) -> Result<(), Error> {
    let plain = |text: &str| {
        let allowed = |c: char| c.is_alphanumeric() || ".-_@ ".contains(c);
        !text.is_empty()
            && text.trim() == text
            && text.chars().count() <= NAME_MAX
            && text.chars().all(allowed)
    };
    let rule = format!("must be 1 to {NAME_MAX} letters, digits, spaces or any of . - _ @");
    if !plain(&new.name) {
        return Err(Error::invalid("name", rule));
    }
    // The ledger keeps machine work and nobody apart from people by these names.
    if new.name == "nobody" {
        return Err(Error::invalid("name", "`nobody` stands for who is not signed in"));
    }
    if new.agency.as_deref().is_some_and(|agency| !plain(agency)) {
        return Err(Error::invalid("agency", rule));
    }
    let of_agency = matches!(new.role, ActorRole::Liaison | ActorRole::Partner);
    if of_agency != new.agency.is_some() {
        return Err(Error::invalid("agency", "a liaison and a partner have an agency, and no one else has"));
    }
    if new.expires_at.is_some_and(|at| at <= env.now()) {
        return Err(Error::invalid("expires_at", "must be in the future"));
    }
    Ok(())
}

/// SHA-256 is enough: the secret has 256 random bits, there is nothing to guess.
fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

/// RFC 4648 §6 in lower case, without padding.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let (mut text, mut bits, mut held) = (String::new(), 0u32, 0u32);
    for byte in bytes {
        (bits, held) = ((bits << 8) | u32::from(*byte), held + 8);
        while held >= 5 {
            held -= 5;
            text.push(char::from(ALPHABET[((bits >> held) & 31) as usize]));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        text.push(char::from(ALPHABET[((bits << (5 - held)) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{clock::Clock, db, ids::Ids, settings::Settings};

    async fn env() -> Env {
        let db = db::connect("sqlite::memory:", 1).await.expect("a database");
        migrations::up(&db).await.expect("a schema");
        Env::new(db, Clock::manual(Timestamp(1_000_000)), Ids::seeded(1), Settings::default())
    }

    fn admin() -> Actor {
        Actor::person("root", ActorRole::Admin)
    }

    fn ana(expires_at: Option<Timestamp>) -> NewToken {
        NewToken { name: "ana".into(), role: ActorRole::Analyst, agency: None, expires_at }
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("foobar", "mzxw6ytboi"),
        ];
        for (bytes, text) in vectors {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[tokio::test]
    async fn a_token_is_its_holder_until_it_expires() {
        let env = env().await;
        let until = env.now().plus(Duration::from_secs(60));
        let (row, secret) = create(&env, &admin(), ana(Some(until))).await.expect("made");
        assert!(secret.starts_with("lks_") && secret.len() == 56, "{secret}");
        assert!(!row.hash.is_empty() && !format!("{row:?}").contains(&secret));
        assert_eq!(
            actor(&env, &secret, None).await.expect("known"),
            Actor::person("ana", ActorRole::Analyst)
        );
        env.clock.advance(Duration::from_secs(60));
        assert!(matches!(actor(&env, &secret, None).await, Err(Error::Unauthenticated)));
    }

    #[tokio::test]
    async fn a_revoked_or_unknown_token_is_nobody() {
        let env = env().await;
        let (row, secret) = create(&env, &admin(), ana(None)).await.expect("made");
        for wrong in ["", "lks_", "lks_aaaa", &secret[..55], &format!("{secret}a"), &secret.to_uppercase()] {
            assert!(matches!(actor(&env, wrong, None).await, Err(Error::Unauthenticated)), "{wrong}");
        }
        revoke(&env, &admin(), row.id).await.expect("revoked");
        revoke(&env, &admin(), row.id).await.expect("nothing to do");
        assert!(matches!(actor(&env, &secret, None).await, Err(Error::Unauthenticated)));
        let chain = audit::verify(&env.db, None).await.expect("a ledger");
        assert!(matches!(chain, audit::Chain::Intact { events: 2, .. }), "{chain:?}");
        assert!(matches!(revoke(&env, &admin(), env.id()).await, Err(Error::NotFound { .. })));
    }

    #[tokio::test]
    async fn only_an_administrator_makes_tokens_and_a_liaison_has_an_agency() {
        let env = env().await;
        let lea = Actor::person("lea", ActorRole::Lead);
        assert!(matches!(create(&env, &lea, ana(None)).await, Err(Error::Forbidden { .. })));
        assert!(matches!(list(&env, &Actor::Nobody).await, Err(Error::Unauthenticated)));
        for (name, role, agency) in [
            ("bo", ActorRole::Liaison, None),
            ("bo", ActorRole::Lead, Some("bka")),
            ("", ActorRole::Lead, None),
            ("nobody", ActorRole::Lead, None),
            ("system:send-notice", ActorRole::Lead, None),
            ("a\nb", ActorRole::Lead, None),
        ] {
            let new =
                NewToken { name: name.into(), role, agency: agency.map(str::to_owned), expires_at: None };
            assert!(matches!(create(&env, &admin(), new).await, Err(Error::Invalid { .. })), "{name:?}");
        }
    }
}
