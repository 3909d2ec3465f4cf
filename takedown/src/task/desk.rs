//! Desks: where a registrar takes notices, from its RDAP entity or from a person; never a registrant.
#![expect(clippy::disallowed_methods, reason = "the store file of desks, written by this stage only")]

use std::collections::BTreeMap;

use entities::{Channel, DeskId, OperationId, Timestamp, desk};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter,
};
use serde_json::json;

use super::known::{Known, majority};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
    party, visible,
};

/// The source of a desk that a person recorded; RDAP never changes such a one.
pub const MANUAL: &str = "manual";

/// A desk as RDAP readings propose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// `iana:146`, or `name:…`.
    pub scope: String,
    /// The registrar's name.
    pub party: String,
    /// The mailbox; none when RDAP publishes no usable one.
    pub email: Option<String>,
    /// `rdap:host`; empty without a mailbox.
    pub source: String,
    /// The operation whose names give it; none for names that belong to none.
    pub operation: Option<OperationId>,
}

/// The desks of registrars, each for the names of one operation or of none.
pub type Desks = BTreeMap<(Option<OperationId>, String), desk::Model>;

/// One desk a registrar and operation, from everything that is known of its names. Where RDAP answers give several
/// mailboxes for one registrar, most names decide, so that one odd answer does not redirect a fleet's notices; names of
/// another operation decide nothing, so that they neither tell of themselves nor redirect others' notices.
pub fn propose(known: &[Known]) -> Vec<Proposal> {
    let mut by_scope = BTreeMap::<(Option<OperationId>, &str), Vec<&Known>>::new();
    for one in known {
        if let Some(scope) = one.registration.as_ref().and_then(|r| r.registrar.as_deref()) {
            by_scope.entry((one.observable.operation_id, scope)).or_default().push(one);
        }
    }
    by_scope
        .into_iter()
        .map(|((operation, scope), names)| {
            let mailboxes: Vec<(String, &str)> = names.iter().filter_map(|one| mailbox(one)).collect();
            let email = majority(mailboxes.iter().map(|(email, _)| email.as_str())).map(str::to_owned);
            let source = mailboxes.iter().find(|(address, _)| Some(address) == email.as_ref());
            let names = names.iter().filter_map(|one| one.registration.as_ref()?.registrar_name.as_deref());
            Proposal {
                scope: scope.to_owned(),
                party: majority(names).unwrap_or(scope).to_owned(),
                source: source.map_or_else(String::new, |(_, server)| (*server).to_owned()),
                email,
                operation,
            }
        })
        .collect()
}

/// The abuse mailbox that a name's RDAP gives, and by which server: one that is an address, is not published
/// as the registrant's, and is not at the malicious name itself.
fn mailbox(known: &Known) -> Option<(String, &str)> {
    let registration = known.registration.as_ref()?;
    registration.abuse_emails.iter().rev().find_map(|(email, server)| {
        let email = email.trim().to_lowercase();
        let address: lettre::Address = email.parse().ok()?;
        let (target, host) = (known.observable.value.as_str(), address.domain());
        let of_target = host == target || host.ends_with(&format!(".{target}"));
        let of_registrant = registration.registrant.iter().any(|token| token.eq_ignore_ascii_case(&email));
        (!of_target && !of_registrant).then_some((email, server.as_str()))
    })
}

/// What the source of a desk from the directory begins with.
const DIRECTORY: &str = "directory:";

/// Fills in the mailboxes that RDAP does not give and the directory does.
async fn filled(txn: &DatabaseTransaction, proposals: &[Proposal]) -> Result<Vec<Proposal>, Error> {
    let unknown: Vec<String> =
        proposals.iter().filter(|p| p.email.is_none()).map(|p| p.scope.clone()).collect();
    let mut listed = party::mailboxes(txn, &unknown).await?;
    let mut filled = proposals.to_vec();
    for proposal in filled.iter_mut().filter(|p| p.email.is_none()) {
        if let Some((email, source)) = listed.remove(&proposal.scope) {
            proposal.email = Some(email);
            proposal.source = format!("{DIRECTORY}{source}");
        }
    }
    Ok(filled)
}

/// Stores what RDAP proposes, or the directory where RDAP names no mailbox, and returns the registrars' desks. A person's
/// record stands, for every operation, and the directory never replaces what RDAP once gave. What the names of an operation
/// give is kept for that operation: it never changes a desk that others see.
pub(super) async fn refresh(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    proposals: &[Proposal],
) -> Result<Desks, Error> {
    let proposals = &filled(txn, proposals).await?[..];
    let mut desks = Desks::new();
    for chunk in proposals.chunks(500) {
        let stored = visible::desks(actor)
            .filter(desk::Column::Channel.eq(Channel::Registrar))
            .filter(desk::Column::Scope.is_in(chunk.iter().map(|p| p.scope.as_str())))
            .all(txn)
            .await?;
        desks.extend(stored.into_iter().map(|desk| ((desk.operation_id, desk.scope.clone()), desk)));
    }
    for proposal in proposals {
        let now = env.now();
        let place = (proposal.operation, proposal.scope.clone());
        if let Some(common) = instead(&desks, proposal) {
            desks.insert(place, common);
            continue;
        }
        match desks.get_mut(&place) {
            Some(desk) if desk.source == MANUAL || proposal.email.is_none() => {}
            Some(desk)
                if proposal.source.starts_with(DIRECTORY)
                    && desk.email.is_some()
                    && !desk.source.starts_with(DIRECTORY) => {}
            Some(desk) => {
                let moved = desk.email != proposal.email;
                let was = desk.email.clone();
                desk.email.clone_from(&proposal.email);
                desk.source.clone_from(&proposal.source);
                desk.verified_at = Some(now);
                update(txn, desk).await?;
                if moved {
                    record_desk(env, txn, actor, proposal.operation, (desk, was.as_deref())).await?;
                }
            }
            None => {
                let desk = new_desk(env.id(), proposal, now);
                desk.clone().into_active_model().reset_all().insert(txn).await?;
                record_desk(env, txn, actor, proposal.operation, (&desk, None)).await?;
                desks.insert(place, desk);
            }
        }
    }
    Ok(desks)
}

/// The desk for everybody that an operation uses: the one that a person recorded, or any with a mailbox where RDAP gave the
/// operation none.
fn instead(desks: &Desks, proposal: &Proposal) -> Option<desk::Model> {
    let of = proposal.operation?;
    let common = desks.get(&(None, proposal.scope.clone()))?;
    let found = |source: &str| !source.is_empty() && !source.starts_with(DIRECTORY);
    let own = desks.get(&(Some(of), proposal.scope.clone()));
    let by_rdap = found(&proposal.source) || own.is_some_and(|own| found(&own.source));
    (common.source == MANUAL || common.email.is_some() && !by_rdap).then(|| common.clone())
}

fn new_desk(id: DeskId, proposal: &Proposal, now: Timestamp) -> desk::Model {
    desk::Model {
        id,
        channel: Channel::Registrar,
        party: proposal.party.clone(),
        scope: proposal.scope.clone(),
        email: proposal.email.clone(),
        source: proposal.source.clone(),
        verified_at: proposal.email.is_some().then_some(now),
        created_at: now,
        version: 1,
        operation_id: proposal.operation,
    }
}

/// Records a desk that a person found, or corrects one: for everybody, whatever the names of operations give.
///
/// # Errors
/// The address is none, or the actor may not.
pub async fn record(
    env: &Env,
    actor: &Actor,
    channel: Channel,
    scope: &str,
    party: &str,
    email: &str,
) -> Result<desk::Model, Error> {
    let email = email.trim().to_lowercase();
    email
        .parse::<lettre::Address>()
        .map_err(|_| Error::invalid("email", "is not a mail address: write `abuse@registrar.example`"))?;
    let txn = env.begin().await?;
    let stored = visible::for_update(visible::desks(actor))
        .filter(desk::Column::Channel.eq(channel))
        .filter(desk::Column::Scope.eq(scope))
        .filter(desk::Column::OperationId.is_null())
        .one(&txn)
        .await?;
    access::check(actor, Action::OpenTasks, Subject::Common)?;
    let was = stored.as_ref().and_then(|desk| desk.email.clone());
    let mut desk = stored.clone().unwrap_or_else(|| {
        let proposal = Proposal {
            scope: scope.into(),
            party: party.into(),
            email: None,
            source: MANUAL.into(),
            operation: None,
        };
        desk::Model { channel, ..new_desk(env.id(), &proposal, env.now()) }
    });
    desk.email = Some(email);
    party.clone_into(&mut desk.party);
    MANUAL.clone_into(&mut desk.source);
    desk.verified_at = Some(env.now());
    if stored.is_some() {
        update(&txn, &mut desk).await?;
    } else {
        desk.clone().into_active_model().reset_all().insert(&txn).await?;
    }
    record_desk(env, &txn, actor, None, (&desk, was.as_deref())).await?;
    env.commit(txn).await?;
    Ok(desk)
}

async fn update(txn: &DatabaseTransaction, desk: &mut desk::Model) -> Result<(), Error> {
    let read = desk.version;
    desk.version += 1;
    let written = desk::Entity::update_many()
        .set(desk.clone().into_active_model().reset_all())
        .filter(desk::Column::Id.eq(desk.id))
        .filter(desk::Column::Version.eq(read))
        .exec(txn)
        .await?;
    if written.rows_affected == 1 { Ok(()) } else { Err(Error::Stale) }
}

/// The ledger names where the address is from, since notices go there.
async fn record_desk(
    env: &Env,
    txn: &DatabaseTransaction,
    actor: &Actor,
    operation: Option<OperationId>,
    (desk, was): (&desk::Model, Option<&str>),
) -> Result<(), Error> {
    let detail = json!({
        "channel": desk.channel, "scope": desk.scope, "party": desk.party,
        "email": desk.email, "was": was, "source": desk.source,
    });
    audit::record_of(txn, env.now(), actor, operation, "record_desk", desk.id, detail).await?;
    Ok(())
}

/// The desk with this id.
///
/// # Errors
/// [`Error::NotFound`] if the actor does not see it.
pub async fn by_id(db: &impl ConnectionTrait, actor: &Actor, id: DeskId) -> Result<desk::Model, Error> {
    let found = visible::desks(actor).filter(desk::Column::Id.eq(id)).one(db).await?;
    found.ok_or_else(|| Error::not_found("desk", id))
}
