//! Table `operation_member`.

use sea_orm::entity::prelude::*;

use crate::{OperationId, OperationMemberId, PartyId, PersonId, Timestamp};

/// That a person, or everybody of a party, works in an operation. Unique by operation and member.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "operation_member")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OperationMemberId,
    /// The operation.
    pub operation_id: OperationId,
    /// The person; none for a party.
    pub person_id: Option<PersonId>,
    /// The party; none for a person.
    pub party_id: Option<PartyId>,
    /// Who added it.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
