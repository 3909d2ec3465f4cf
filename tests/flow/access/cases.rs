//! One case a field of the schema.

use serde_json::{Value, json};

use super::world::World;

/// Fields that are lists, asked with all that hangs on their rows.
pub const LISTS: &[(&str, &str)] = &[
    (
        "Query.operations",
        "{ operations(first: 50) { totalCount edges { node { id name sealed members { name } } } } }",
    ),
    (
        "Query.observables",
        "{ observables(first: 100) { totalCount edges { node { id kind value facts { list } \
         sightings(first: 5) { nodes { source family tlp } } observations(first: 5) { total nodes { raw reading } } \
         links(first: 5) { total nodes { source to { value } } } linkedFrom(first: 5) { nodes { from { value } } } } } } }",
    ),
    (
        "Query.imports",
        "{ imports(first: 50) { totalCount edges { node { id name source total accepted lines(first: 5) { edges { node { text reason verdict } } } } } } }",
    ),
    (
        "Query.clusters",
        "{ clusters(first: 50) { totalCount edges { node { id name size members(first: 5) { ruling reasons { value } observable { value } } \
         tasks(first: 5) { edges { node { reason target { value } } } } } } } }",
    ),
    (
        "Query.tasks",
        "{ tasks(first: 50) { totalCount edges { node { id reason target { value } verifications { evidence } desk { party } } } } }",
    ),
    (
        "Query.notices",
        "{ notices(first: 50) { totalCount edges { node { id subject body messageId tasks { reason target { value } } } } } }",
    ),
];

type Variables = fn(&World, &str) -> Value;

/// Fields that are asked with ids or values.
pub const ONES: &[(&str, &str, Variables)] = &[
    (
        "Query.observable",
        "query ($id: ID!) { observable(id: $id) { value facts { list } } }",
        |w, t| json!({ "id": w.of(t).domain.to_string() }),
    ),
    (
        "Query.observable",
        "query ($value: String!) { observable(kind: DOMAIN_NAME, value: $value) { value } }",
        |_, t| json!({ "value": format!("{t}-address.com") }),
    ),
    (
        "Query.import",
        "query ($id: ID!) { import(id: $id) { name lines(first: 5) { edges { node { text } } } } }",
        |w, t| json!({ "id": w.of(t).import.to_string() }),
    ),
    (
        "Query.cluster",
        "query ($id: ID!) { cluster(id: $id) { size members(first: 5) { observable { value } } } }",
        |w, t| json!({ "id": w.of(t).cluster.to_string() }),
    ),
    (
        "Query.task",
        "query ($id: ID!) { task(id: $id) { reason verifications { evidence } } }",
        |w, t| json!({ "id": w.of(t).task.to_string() }),
    ),
    (
        "Query.notice",
        "query ($id: ID!) { notice(id: $id) { body } }",
        |w, t| json!({ "id": w.of(t).notice.to_string() }),
    ),
    (
        "Query.node",
        "query ($id: ID!) { node(id: $id) { ... on Observable { value } } }",
        |w, t| json!({ "id": w.of(t).domain.to_string() }),
    ),
    (
        "Query.node",
        "query ($id: ID!) { node(id: $id) { ... on Import { name } } }",
        |w, t| json!({ "id": w.of(t).import.to_string() }),
    ),
    (
        "Query.node",
        "query ($id: ID!) { node(id: $id) { ... on Cluster { members(first: 5) { observable { value } } } } }",
        |w, t| json!({ "id": w.of(t).cluster.to_string() }),
    ),
    (
        "Query.node",
        "query ($id: ID!) { node(id: $id) { ... on Task { reason } } }",
        |w, t| json!({ "id": w.of(t).task.to_string() }),
    ),
    (
        "Query.operation",
        "query ($id: ID!) { operation(id: $id) { name members { name } } }",
        |w, t| json!({ "id": w.of(t).operation.to_string() }),
    ),
    (
        "Query.node",
        "query ($id: ID!) { node(id: $id) { ... on Operation { name } } }",
        |w, t| json!({ "id": w.of(t).operation.to_string() }),
    ),
    (
        "Query.node",
        "query ($id: ID!) { node(id: $id) { ... on Notice { body } } }",
        |w, t| json!({ "id": w.of(t).notice.to_string() }),
    ),
    (
        "Query.neighbourhood",
        "query ($of: [ID!]!) { neighbourhood(of: $of) { nodes { observable { value } } } }",
        |w, t| json!({ "of": [w.of(t).domain.to_string()] }),
    ),
    (
        "Query.path",
        "query ($from: ID!, $to: ID!) { path(from: $from, to: $to) { bounded } node(id: $to) { ... on Observable { value } } }",
        |w, t| json!({ "from": w.of("clearmark").address.to_string(), "to": w.of(t).domain.to_string() }),
    ),
    (
        "Query.commonPivots",
        "query ($of: [ID!]!, $id: ID!) { commonPivots(of: $of) { total } node(id: $id) { ... on Observable { value } } }",
        |w, t| json!({ "of": [w.of("clearmark").address.to_string(), w.of(t).domain.to_string()], "id": w.of(t).domain.to_string() }),
    ),
];

/// Fields with a test of their own.
pub const OTHERS: &[&str] = &[
    "Query.viewer",
    "Query.fleet",
    "Query.parties",
    "Query.party",
    "Query.circle",
    "Query.people",
    "Query.pivots",
    "Query.likelyNext",
    "Query.activity",
    "Query.collisions",
];

/// Acts on something marked, and who may do it where they see it.
pub const MUTATIONS: &[(&str, &str, Variables, &[&str])] = &[
    (
        "Mutation.importIndicators",
        "mutation ($text: String!) { importIndicators(input: {source: \"x\", text: $text}) { total } }",
        |_, _| json!({ "text": "other.com" }),
        &["member", "analyst", "lead", "cleared to green"],
    ),
    // Whether there is anything or not: what is sealed is not there, and the rest is for members.
    (
        "Mutation.importIndicators",
        "mutation ($id: ID!) { importIndicators(input: {source: \"x\", text: \"other.com\", operation: $id}) { total } }",
        |w, t| json!({ "id": w.of(t).operation.to_string() }),
        &["member"],
    ),
    (
        "Mutation.createOperation",
        "mutation { createOperation(input: {name: \"x\", tlp: CLEAR, members: [{party: \"tld:example\"}]}) { id } }",
        |_, _| json!({}),
        &["lead", "liaison"],
    ),
    (
        "Mutation.addOperationMember",
        "mutation ($id: ID!) { addOperationMember(input: {operation: $id, member: {party: \"tld:example\"}}) { id } }",
        |w, t| json!({ "id": w.of(t).operation.to_string() }),
        &[],
    ),
    (
        "Mutation.removeOperationMember",
        "mutation ($id: ID!) { removeOperationMember(input: {operation: $id, member: {person: \"mem\"}}) { id } }",
        |w, t| json!({ "id": w.of(t).operation.to_string() }),
        &[],
    ),
    (
        "Mutation.sealOperation",
        "mutation ($id: ID!) { sealOperation(id: $id) { id } }",
        |w, t| json!({ "id": w.of(t).operation.to_string() }),
        &[],
    ),
    (
        "Mutation.allowCollisions",
        "mutation ($id: ID!) { allowCollisions(id: $id, contact: \"a desk\") { id } }",
        |w, t| json!({ "id": w.of(t).operation.to_string() }),
        &[],
    ),
    (
        "Mutation.unsealOperation",
        "mutation ($id: ID!) { unsealOperation(id: $id) { id } }",
        |w, t| json!({ "id": w.of(t).operation.to_string() }),
        &[],
    ),
    (
        "Mutation.observe",
        "mutation ($ids: [ID!]!) { observe(ids: $ids) }",
        |w, t| json!({ "ids": [w.of(t).domain.to_string()] }),
        &["member", "analyst", "lead", "cleared to green"],
    ),
    (
        "Mutation.ruleOnCluster",
        "mutation ($cluster: ID!) { ruleOnCluster(input: {cluster: $cluster, accept: true, reason: \"a reason\"}) { id } }",
        |w, t| json!({ "cluster": w.of(t).cluster.to_string() }),
        &["member", "analyst", "lead"],
    ),
    (
        "Mutation.ruleOnPivot",
        "mutation ($value: String!) { ruleOnPivot(input: {kind: ADDRESS, value: $value, ruling: EXCLUDED, reason: \"a reason\"}) { id } }",
        |_, _| json!({ "value": "192.0.2.7" }),
        &["member", "analyst", "lead"],
    ),
    (
        "Mutation.openTasks",
        "mutation ($of: [ID!]!) { openTasks(input: {clusters: $of}) { opened } }",
        |w, t| json!({ "of": [w.of(t).cluster.to_string()] }),
        &["member", "analyst", "lead", "cleared to green"],
    ),
    (
        "Mutation.approveTasks",
        "mutation ($ids: [ID!]!) { approveTasks(ids: $ids) { id } }",
        |w, t| json!({ "ids": [w.of(t).task.to_string()] }),
        &["lead", "liaison"],
    ),
    (
        "Mutation.approveNotice",
        "mutation ($id: ID!) { approveNotice(id: $id) { id } }",
        |w, t| json!({ "id": w.of(t).notice.to_string() }),
        &["lead", "liaison"],
    ),
    // Only the member has an account, and so anything of its own.
    (
        "Mutation.createToken",
        "mutation { createToken(input: {label: \"x\"}) { secret } }",
        |_, _| json!({}),
        &["member"],
    ),
    (
        "Mutation.revokeToken",
        "mutation { revokeToken(id: \"tok_00000000000000000000000000\") { id } }",
        |_, _| json!({}),
        &[],
    ),
    (
        "Mutation.revokeSession",
        "mutation { revokeSession(id: \"ses_00000000000000000000000000\") { id } }",
        |_, _| json!({}),
        &[],
    ),
];

/// What can be listened to.
pub const SUBSCRIPTIONS: &[(&str, &str)] = &[
    ("Subscription.importProgressed", "subscription { importProgressed { import { name } } }"),
    ("Subscription.observableChanged", "subscription { observableChanged { observable { value } } }"),
    ("Subscription.clusterChanged", "subscription { clusterChanged { cluster { name } } }"),
];
