//! Table `holding`.

use sea_orm::entity::prelude::*;

use crate::{ObservableId, OperationId};

/// That a name holds a value that others may hold too. Worked out of links, readings and sightings, so that who else
/// holds a value, and how many do, is one look into an index.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "holding")]
pub struct Model {
    /// The name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub observable_id: ObservableId,
    /// Of what kind the value is: `address`, `name_servers`, …; `created` for the moment of registration.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// The value.
    #[sea_orm(primary_key, auto_increment = false)]
    pub value: String,
    /// The operation that the name belongs to; none if it belongs to none.
    pub operation_id: Option<OperationId>,
}

impl ActiveModelBehavior for ActiveModel {}
