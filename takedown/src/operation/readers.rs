//! Who is left to read an operation: one that nobody can read any more would be there, and lost.
#![expect(
    clippy::disallowed_methods,
    reason = "asks of operations that who acts need not know of, and names none"
)]

use std::collections::BTreeSet;

use entities::{OperationId, PersonId, operation, operation_member, person};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, sea_query::LockType,
};

use crate::{access, error::Error};

/// Refuses a change of a person, which is made already in this transaction, that leaves an operation without anybody who can
/// read it. `was` is the person before.
///
/// # Errors
/// It would, and no more is said of it: who changes people reads no cases. The database refused.
pub(crate) async fn keep_a_reader(txn: &DatabaseTransaction, was: &person::Model) -> Result<(), Error> {
    let Some(limit) = access::reach(was.role, was.clearance).filter(|_| was.disabled_at.is_none()) else {
        return Ok(());
    };
    let member = Condition::any()
        .add(operation_member::Column::PersonId.eq(was.id))
        .add_option(was.party_id.map(|party| operation_member::Column::PartyId.eq(party)));
    let its = operation_member::Entity::find()
        .select_only()
        .column(operation_member::Column::OperationId)
        .filter(member)
        .into_query();
    // Locked, so that of two who go at a time the second sees that the first went.
    let its = operation::Entity::find()
        .filter(operation::Column::Id.in_subquery(its))
        .order_by_asc(operation::Column::Id)
        .lock(LockType::Update)
        .all(txn)
        .await?;
    let read: Vec<operation::Model> = its.into_iter().filter(|row| row.tlp <= limit).collect();
    if unread(txn, &read).await?.is_empty() {
        return Ok(());
    }
    let from = "an operation would lose its last member: let the local operator add another".to_owned();
    Err(Error::Conflict { from, event: "this".into() })
}

/// The operations among these that nobody can read: no enabled person who is a member, itself or by its party, and whose role
/// and clearance read its label.
pub(super) async fn unread(
    txn: &DatabaseTransaction,
    of: &[operation::Model],
) -> Result<Vec<OperationId>, Error> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let members = operation_member::Entity::find()
        .filter(operation_member::Column::OperationId.is_in(of.iter().map(|row| row.id)))
        .all(txn)
        .await?;
    let people: BTreeSet<PersonId> = members.iter().filter_map(|row| row.person_id).collect();
    let parties: BTreeSet<_> = members.iter().filter_map(|row| row.party_id).collect();
    let theirs =
        Condition::any().add(person::Column::Id.is_in(people)).add(person::Column::PartyId.is_in(parties));
    let people =
        person::Entity::find().filter(person::Column::DisabledAt.is_null()).filter(theirs).all(txn).await?;
    let reads = |operation: &operation::Model| {
        let own: Vec<_> = members.iter().filter(|row| row.operation_id == operation.id).collect();
        people.iter().any(|person| {
            let is = own.iter().any(|row| {
                row.person_id == Some(person.id)
                    || (row.party_id.is_some() && row.party_id == person.party_id)
            });
            is && access::reach(person.role, person.clearance).is_some_and(|limit| operation.tlp <= limit)
        })
    };
    Ok(of.iter().filter(|row| !reads(row)).map(|row| row.id).collect())
}
