//! Table `observable`.

use sea_orm::entity::prelude::*;

use crate::{ObservableId, ObservableKind, ObservableState, OperationId, Timestamp};

/// A thing on the internet: unique by kind and canonical value within an operation, and within what belongs to none.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "observable")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ObservableId,
    /// What kind of thing.
    pub kind: ObservableKind,
    /// The canonical form: lower-case A-labels, RFC 5952 addresses.
    pub value: String,
    /// The Unicode form of an internationalised name, where it differs.
    pub display: Option<String>,
    /// The registrable domain of a name, URL or endpoint, by the public suffix list.
    pub registrable: Option<String>,
    /// Where it stands; decides how often it is looked at.
    pub state: ObservableState,
    /// When it is to be looked at next; none for kinds that are not observed.
    pub next_due_at: Option<Timestamp>,
    /// When it was last looked at.
    pub observed_at: Option<Timestamp>,
    /// When it entered the store.
    pub created_at: Timestamp,
    /// Counts changes, for optimistic locking.
    pub version: i32,
    /// The operation that it belongs to; none if it belongs to none.
    pub operation_id: Option<OperationId>,
}

impl ActiveModelBehavior for ActiveModel {}
