//! The documents that come with the program: `operations/*.graphql`. The console, the demo and the tests send these,
//! by their text or by its SHA-256, and an operator can allow only these.

use std::{collections::HashMap, sync::LazyLock};

use sha2::{Digest, Sha256};

macro_rules! document {
    ($name:literal) => {
        ($name, include_str!(concat!("../operations/", $name, ".graphql")))
    };
}

/// Each document by the name of its file, which is the name of its operation.
pub const ALL: &[(&str, &str)] = &[
    document!("Activity"),
    document!("AddOperationMember"),
    document!("AllowCollisions"),
    document!("ApproveNotice"),
    document!("ApproveTasks"),
    document!("Circle"),
    document!("ClusterChanged"),
    document!("Clusters"),
    document!("CollapsedNeighbourhood"),
    document!("Collisions"),
    document!("CommonPivots"),
    document!("CreateOperation"),
    document!("CreateToken"),
    document!("DemoClusters"),
    document!("DemoTasks"),
    document!("FleetSummary"),
    document!("ImportIndicators"),
    document!("ImportLines"),
    document!("ImportProgressed"),
    document!("Imports"),
    document!("LinkChanges"),
    document!("Neighbourhood"),
    document!("Notices"),
    document!("Observable"),
    document!("ObservableChanged"),
    document!("Observables"),
    document!("Observe"),
    document!("OpenTasks"),
    document!("Operation"),
    document!("Operations"),
    document!("Parties"),
    document!("Party"),
    document!("Path"),
    document!("People"),
    document!("RemoveOperationMember"),
    document!("RevokeSession"),
    document!("RevokeToken"),
    document!("SealOperation"),
    document!("Tasks"),
    document!("UnsealOperation"),
    document!("Viewer"),
];

static BY_HASH: LazyLock<HashMap<String, &'static str>> =
    LazyLock::new(|| ALL.iter().map(|(_, text)| (hash(text), *text)).collect());

/// The SHA-256 of a document's text, lower-case hex.
pub fn hash(text: &str) -> String {
    takedown::hex(&Sha256::digest(text))
}

/// The document with that SHA-256 (lower-case hex).
pub fn by_hash(hash: &str) -> Option<&'static str> {
    BY_HASH.get(hash).copied()
}

/// Whether a text is one of the documents.
pub fn known(text: &str) -> bool {
    by_hash(&hash(text)).is_some()
}

/// The document of that name.
pub fn named(name: &str) -> Option<&'static str> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The document of that name on one line without its comments, as a shell takes it.
pub fn on_one_line(name: &str) -> String {
    let lines = named(name).unwrap_or_default().lines().filter(|line| !line.starts_with('#'));
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}
