//! A large neighbourhood as groups: by name server, autonomous system, registrar, cluster, or what else fleets are
//! counted by.

use entities::ObservableId;

use super::{
    filter::Wants,
    fleet::{self, Counted, Dimension, Fleets},
    neighbourhood::everything,
};
use crate::{actor::Actor, env::Env, error::Error};

/// The most members of each group that are told at once.
pub const MEMBERS: u64 = 500;

/// Observables of a neighbourhood that have one thing in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What, and how many.
    pub counted: Counted,
    /// The first of them, by id.
    pub members: Vec<ObservableId>,
}

/// A neighbourhood as groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collapsed {
    /// The largest first.
    pub groups: Vec<Group>,
    /// How many groups there are.
    pub total: u64,
    /// How many observables were grouped.
    pub size: usize,
    /// Whether the neighbourhood is larger than what was grouped.
    pub bounded: bool,
}

/// The neighbourhood of `of` in the `first` largest groups, with the first `members` of each, which may be none.
/// `wants.first` does not count: up to 20,000 observables are grouped.
///
/// # Errors
/// As `neighbourhood`, and a bound is out of bounds.
pub async fn collapsed(
    env: &Env,
    actor: &Actor,
    of: &[ObservableId],
    wants: &Wants,
    (by, first, members): (Dimension, u64, u64),
) -> Result<Collapsed, Error> {
    if members > MEMBERS {
        return Err(Error::invalid("members", format!("must be 0 to {MEMBERS}")));
    }
    if first.saturating_mul(members) > Wants::MOST as u64 {
        let why = format!("`first` times `members` must be at most {}", Wants::MOST);
        return Err(Error::invalid("members", why));
    }
    let (around, bounded) = everything(env, actor, of, wants).await?;
    let counts = fleet::counts(env, actor, Fleets::These(&around), by, first).await?;
    let counts = counts.into_values().next().unwrap_or_default();
    let mut told = if members > 0 && !counts.rows.is_empty() {
        fleet::members(env, actor, &around, by, members).await?
    } else {
        Default::default()
    };
    let groups = counts.rows.into_iter().map(|counted| {
        let members = told.remove(&counted.key).unwrap_or_default();
        Group { counted, members }
    });
    Ok(Collapsed { groups: groups.collect(), total: counts.total, size: around.len(), bounded })
}
