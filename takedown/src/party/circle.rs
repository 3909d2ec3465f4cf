//! The circle of countries that receive a share, as the European Security Program drew it in June 2025 (reference:
//! domain.md §11): the member states of the European Union, candidates, EFTA, the United Kingdom, Monaco and the Holy
//! See. A person can add countries, take them out, and say which party receives a country's share.
#![expect(clippy::disallowed_methods, reason = "the store file of the circle, which holds no case content")]

use std::collections::BTreeMap;

use entities::{PartyId, Standing, Timestamp, circle_country, party};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::OnConflict,
};
use serde_json::json;

use super::{Country, read::by_scope};
use crate::{
    access::{self, Action, Subject},
    actor::Actor,
    audit,
    env::Env,
    error::Error,
};

/// Code and standing.
const BUILT_IN: &str = include_str!("circle.tsv");

/// How many countries a circle has at most: all there are.
pub const COUNTRIES: usize = 260;

/// A country of the circle.
#[derive(Clone, Debug, PartialEq)]
pub struct CircleCountry {
    /// Which.
    pub country: Country,
    /// How it belongs.
    pub standing: Standing,
    /// Who receives its share; nobody until a person says so.
    pub receiver: Option<party::Model>,
    /// Who could: the parties that sources say answer for the country.
    pub candidates: Vec<party::Model>,
    /// Who decided about it, and when; none for what is built in.
    pub set: Option<(String, Timestamp)>,
}

fn built_in() -> impl Iterator<Item = (Country, Standing)> {
    let row = |line: &str| {
        let (code, standing) = line.split_once('\t')?;
        Some((code.parse().ok()?, standing.parse().ok()?))
    };
    BUILT_IN.lines().filter_map(row)
}

/// The countries of the circle, by code. Those that were taken out are left out.
///
/// # Errors
/// The actor may not, or the database refused.
pub async fn circle(env: &Env, actor: &Actor) -> Result<Vec<CircleCountry>, Error> {
    access::check(actor, Action::ReadDirectory, Subject::System)?;
    let decided = circle_country::Entity::find().all(&env.db).await?;
    let receivers: Vec<PartyId> = decided.iter().filter_map(|row| row.party_id).collect();
    let receivers = party::Entity::find().filter(party::Column::Id.is_in(receivers)).all(&env.db).await?;
    let mut countries: BTreeMap<Country, CircleCountry> = built_in()
        .map(|(country, standing)| {
            (country, CircleCountry { country, standing, receiver: None, candidates: Vec::new(), set: None })
        })
        .collect();
    for row in decided {
        let Ok(country) = row.country.parse::<Country>() else { continue };
        let receiver = receivers.iter().find(|party| Some(party.id) == row.party_id).cloned();
        let set = Some((row.set_by, row.set_at));
        let standing = row.standing;
        countries.insert(country, CircleCountry { country, standing, receiver, candidates: Vec::new(), set });
    }
    countries.retain(|_, row| row.standing != Standing::Left);
    let scopes: Vec<String> = countries.keys().map(|country| format!("country:{country}")).collect();
    let mut by_scope = by_scope(&env.db, &scopes).await?;
    for (country, row) in &mut countries {
        row.candidates = by_scope.remove(&format!("country:{country}")).unwrap_or_default();
    }
    Ok(countries.into_values().collect())
}

/// Decides about a country: how it belongs (as it does, or as a partner, if not said) and who receives its share
/// (nobody, if not said).
///
/// # Errors
/// The actor may not, the party is not there or not of that country, or the database refused.
pub async fn set(
    env: &Env,
    actor: &Actor,
    country: Country,
    standing: Option<Standing>,
    receiver: Option<PartyId>,
) -> Result<(), Error> {
    access::check(actor, Action::ManageParties, Subject::System)?;
    let txn = env.begin().await?;
    let was = circle_country::Entity::find_by_id(country.code()).one(&txn).await?;
    if let Some(id) = receiver {
        let found = party::Entity::find_by_id(id).one(&txn).await?;
        let party = found.ok_or_else(|| Error::not_found("party", id))?;
        let scope = format!("country:{country}");
        let answers = by_scope(&txn, std::slice::from_ref(&scope)).await?;
        let answers = answers.get(&scope).is_some_and(|parties| parties.iter().any(|one| one.id == id));
        if party.country.as_deref() != Some(country.code()) && !answers {
            let message =
                format!("{} is not of {country}, and no source says that it answers for it", party.key);
            return Err(Error::invalid("party", message));
        }
    }
    let stands = was.as_ref().map(|row| row.standing);
    let stands =
        stands.or_else(|| built_in().find(|(known, _)| *known == country).map(|(_, standing)| standing));
    let standing = standing.or(stands).unwrap_or(Standing::Partner);
    let row = circle_country::Model {
        country: country.to_string(),
        standing,
        party_id: receiver,
        set_by: actor.to_string(),
        set_at: env.now(),
    };
    let again = OnConflict::column(circle_country::Column::Country)
        .update_columns([
            circle_country::Column::Standing,
            circle_country::Column::PartyId,
            circle_country::Column::SetBy,
            circle_country::Column::SetAt,
        ])
        .to_owned();
    circle_country::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(again)
        .exec_without_returning(&txn)
        .await?;
    let detail = json!({
        "standing": standing, "receiver": receiver,
        "was": was.map(|row| json!({ "standing": row.standing, "receiver": row.party_id })),
    });
    audit::record(&txn, env.now(), actor, "set_circle_country", format!("country:{country}"), detail).await?;
    env.commit(txn).await
}
