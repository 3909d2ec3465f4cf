//! Who did something, by a name that people read.

use async_graphql::{Context, Object};
use entities::PersonId;

use crate::{error::Result, load::load, loaders::NameOf};

/// Who did something: a person, a program by its token, or machine work.
pub struct Who(String);

impl Who {
    /// As rows and the ledger keep it.
    pub fn of(actor: &str) -> Self {
        Self(actor.to_owned())
    }

    /// The same where nobody may have done it yet.
    pub fn maybe(actor: Option<&str>) -> Option<Self> {
        actor.filter(|actor| !actor.is_empty()).map(Self::of)
    }
}

/// Who did something: a person, a program by its token, or machine work.
#[Object]
impl Who {
    /// As the ledger keeps it, for `activity`: of an account its id (`psn_…`), else a name, `system:…` or `nobody`.
    async fn key(&self) -> &str {
        &self.0
    }

    /// What people read: of an account what the person is called, or `erased person`; else as the ledger keeps it.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        let Ok(id) = self.0.parse::<PersonId>() else { return Ok(self.0.clone()) };
        Ok(load(ctx, NameOf(id)).await?.unwrap_or_else(|| self.0.clone()))
    }
}
