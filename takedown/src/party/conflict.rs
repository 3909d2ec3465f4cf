//! Where sources disagree about a party. Nobody decides here which of them is right.

use std::collections::{BTreeMap, BTreeSet};

use entities::{ClaimField, party_claim};

/// A field about which sources disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The field.
    pub field: ClaimField,
    /// What each source says, by source and origin.
    pub positions: Vec<Position>,
}

/// What one source says about a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The list or person.
    pub source: String,
    /// Whom the list has it from.
    pub origin: String,
    /// The values.
    pub values: BTreeSet<String>,
}

/// Fields of which a party has one, or one set: other lists of scopes, holidays, languages or telephones complete each
/// other.
const COMPARED: [ClaimField; 12] = [
    ClaimField::Name,
    ClaimField::Country,
    ClaimField::Status,
    ClaimField::Website,
    ClaimField::Email,
    ClaimField::LawEnforcementEmail,
    ClaimField::Form,
    ClaimField::Api,
    ClaimField::Rdap,
    ClaimField::Prefers,
    ClaimField::NotifiesRegistrant,
    ClaimField::PgpKey,
];

/// Where the standing claims about one party disagree: two sources do when neither says all that the other says.
pub fn conflicts(claims: &[party_claim::Model]) -> Vec<Conflict> {
    let mut by_field: BTreeMap<ClaimField, BTreeMap<(&str, &str), BTreeSet<&str>>> = BTreeMap::new();
    for claim in claims.iter().filter(|claim| claim.withdrawn_at.is_none()) {
        if COMPARED.contains(&claim.field) {
            let positions = by_field.entry(claim.field).or_default();
            positions.entry((&claim.source, &claim.origin)).or_default().insert(&claim.value);
        }
    }
    let mut found = Vec::new();
    for (field, positions) in by_field {
        let alike: Vec<BTreeSet<String>> = positions
            .values()
            .map(|values| values.iter().map(|value| essence(field, value)).collect())
            .collect();
        let disagree = alike
            .iter()
            .enumerate()
            .any(|(at, one)| alike[..at].iter().any(|other| !one.is_subset(other) && !other.is_subset(one)));
        if disagree {
            let position = |((source, origin), values): ((&str, &str), BTreeSet<&str>)| Position {
                source: source.to_owned(),
                origin: origin.to_owned(),
                values: values.into_iter().map(str::to_owned).collect(),
            };
            found.push(Conflict { field, positions: positions.into_iter().map(position).collect() });
        }
    }
    found
}

/// What of a value counts: punctuation in names and slashes of web addresses do not.
fn essence(field: ClaimField, value: &str) -> String {
    match field {
        ClaimField::Name => {
            value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        }
        ClaimField::Website => {
            let value = value.to_lowercase();
            let value = value.trim_start_matches("https://").trim_start_matches("http://");
            value.trim_start_matches("www.").trim_end_matches('/').to_owned()
        }
        ClaimField::Rdap | ClaimField::Form => value.trim_end_matches('/').to_owned(),
        _ => value.to_owned(),
    }
}
