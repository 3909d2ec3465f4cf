//! Table `provider_session`.

use sea_orm::entity::prelude::*;

use crate::{SessionId, Timestamp};

/// What a session that a sign-in provider vouched for has to do with that provider.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_session")]
pub struct Model {
    /// The session.
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_id: SessionId,
    /// The provider, as the configuration names it.
    pub provider: String,
    /// Its issuer identifier.
    pub issuer: String,
    /// Whom the provider means (`sub`).
    pub subject: String,
    /// The provider’s own session (`sid`), if it names one.
    pub sid: Option<String>,
    /// The provider’s tokens, sealed for the session.
    pub tokens: Vec<u8>,
    /// When the provider is asked again; never, if it gave no refresh token.
    pub refresh_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
