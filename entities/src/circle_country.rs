//! Table `circle_country`.

use sea_orm::entity::prelude::*;

use crate::{PartyId, Standing, Timestamp};

/// What a person decided about a country of the circle; what nobody decided is in the list that is built in.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "circle_country")]
pub struct Model {
    /// ISO 3166-1 alpha-2.
    #[sea_orm(primary_key, auto_increment = false)]
    pub country: String,
    /// How it belongs.
    pub standing: Standing,
    /// Who receives its share.
    pub party_id: Option<PartyId>,
    /// The actor.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
