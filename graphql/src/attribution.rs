//! How likely observables and clusters are of known families, and why.

use async_graphql::SimpleObject;
use takedown::cluster::attribution;

use crate::context::int;

/// How likely something is of known families. The machine labels nothing: a person decides.
#[derive(SimpleObject)]
pub struct Attribution {
    /// The version of the model that says so.
    model_version: i32,
    /// How many names were looked at: of a cluster its first hundred members.
    looked: i32,
    /// Of how many of them a source tells the family.
    labelled: i32,
    /// The likeliest families, at most three; empty if none is likely at all.
    families: Vec<FamilyLikelihood>,
}

/// How likely something is of a family.
#[derive(SimpleObject)]
pub struct FamilyLikelihood {
    /// The family.
    family: String,
    /// How likely, from 0 to 1; of a cluster the share of its members that is expected to be of it.
    probability: f64,
    /// What speaks for it most.
    evidence: Vec<AttributionEvidence>,
}

/// A piece of evidence for a family.
#[derive(SimpleObject)]
pub struct AttributionEvidence {
    /// Of what kind: a kind of pivot, `top_level_domain`, `name_shape` or `name_word`.
    kind: String,
    /// The value.
    value: String,
    /// How many names whose family a source tells have it.
    labelled: i32,
    /// How many of those are of the family.
    of_family: i32,
    /// How much it speaks for the family, in nats.
    weight: f64,
}

impl From<attribution::Attribution> for Attribution {
    fn from(told: attribution::Attribution) -> Self {
        let evidence = |said: attribution::score::Said| AttributionEvidence {
            kind: said.kind,
            value: said.value,
            labelled: int(said.labelled),
            of_family: int(said.of_family),
            weight: said.weight,
        };
        let family = |one: attribution::score::Likelihood| FamilyLikelihood {
            family: one.family,
            probability: one.probability,
            evidence: one.evidence.into_iter().map(evidence).collect(),
        };
        Self {
            model_version: int(told.version),
            looked: int(told.looked),
            labelled: int(told.labelled),
            families: told.families.into_iter().map(family).collect(),
        }
    }
}
