//! Every document that comes with the program, as everybody, about something of each marking: what it answers, in figures,
//! beside what was checked in. A change of a rule or of a document shows there.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use async_graphql::parser::{parse_query, types::OperationType};
use graphql::operations;
use serde_json::{Value, json};
use tests::{on_each_database, services};

use super::{
    ask, code,
    world::{TAGS, World, askers},
};

/// What was checked in.
const CHECKED_IN: &str = include_str!("replay.txt");
/// Set to 1, the file is written anew, to be reviewed like code.
const WRITE: &str = "LOCKSTEP_TEST_WRITE";

/// The variables of a document that is about something of a marking, or of all; an answer is the same for each if they are.
fn variables(world: &World, name: &str, tag: &str) -> Value {
    let of = world.of(tag);
    let operation = of.operation.to_string();
    match name {
        "AddOperationMember" | "RemoveOperationMember" => {
            json!({ "input": { "operation": operation, "member": { "party": "tld:example" } } })
        }
        "ApproveNotice" => json!({ "id": of.notice.to_string() }),
        "ApproveTasks" => json!({ "ids": [of.task.to_string()] }),
        "CollapsedNeighbourhood" => json!({ "of": [of.address.to_string()], "by": "CLUSTER" }),
        "CommonPivots" => json!({ "of": [of.domain.to_string(), of.address.to_string()] }),
        "CreateOperation" => {
            let members = [json!({ "party": "tld:example" })];
            json!({ "input": { "name": "Replay", "tlp": "CLEAR", "members": members } })
        }
        "CreateToken" => json!({ "input": { "label": "replay", "operations": [operation] } }),
        "FleetSummary" => json!({ "filter": {} }),
        "ImportIndicators" => {
            let input =
                json!({ "source": "replay", "text": format!("{tag}-domain.com"), "operation": operation });
            json!({ "input": input })
        }
        "ImportLines" => json!({ "id": of.import.to_string() }),
        "LinkChanges" => {
            let (since, until) = ("2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z");
            json!({ "cluster": of.cluster.to_string(), "since": since, "until": until })
        }
        "Neighbourhood" => json!({ "of": [of.address.to_string()], "total": true }),
        "Observable" => json!({ "kind": "DOMAIN_NAME", "value": format!("{tag}-address.com") }),
        "Observe" => json!({ "ids": [of.domain.to_string()] }),
        "OpenTasks" => json!({ "input": { "observables": [of.address.to_string()] } }),
        "AllowCollisions" | "Operation" | "SealOperation" | "UnsealOperation" => json!({ "id": operation }),
        "Party" => json!({ "key": "tld:example" }),
        "Path" => json!({ "from": of.domain.to_string(), "to": of.address.to_string() }),
        "RevokeSession" => json!({ "id": "ses_00000000000000000000000000" }),
        "RevokeToken" => json!({ "id": "tok_00000000000000000000000000" }),
        _ => json!({}),
    }
}

/// An answer in figures: of lists how long they are, of numbers that count what they say, of the rest whether it is there.
fn figures(key: &str, value: &Value) -> String {
    const COUNTS: [&str; 10] = [
        "totalCount",
        "total",
        "size",
        "accepted",
        "duplicate",
        "rejected",
        "opened",
        "observe",
        "hops",
        "truncated",
    ];
    match value {
        Value::Null => "null".into(),
        Value::Array(list) => match list.first() {
            Some(first) => format!("{}x{}", list.len(), figures(key, first)),
            None => "0".into(),
        },
        Value::Object(fields) => {
            let told = fields.iter().map(|(key, value)| (key, figures(key, value)));
            let told = told.filter(|(_, told)| told != "_").map(|(key, told)| format!("{key}:{told}"));
            format!("{{{}}}", told.collect::<Vec<_>>().join(" "))
        }
        counted if COUNTS.contains(&key) => counted.to_string(),
        _ => "_".into(),
    }
}

/// Whether a document changes something; none if it goes on being answered.
fn writes(text: &str) -> Result<Option<bool>> {
    let document = parse_query(text)?;
    let (_, first) = document.operations.iter().next().context("an operation")?;
    Ok(match first.node.ty {
        OperationType::Query => Some(false),
        OperationType::Mutation => Some(true),
        OperationType::Subscription => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_document_answers_everybody_as_is_checked_in() -> Result<()> {
    on_each_database(async |database| {
        let world = World::store(database).await?;
        let mut told = String::new();
        // Questions first, as the acts change what they find.
        for acts in [false, true] {
            for (name, text) in operations::ALL {
                if writes(text)? != Some(acts) {
                    continue;
                }
                let [first, second, ..] = TAGS.map(|(tag, _)| variables(&world, name, tag));
                // What is about nothing marked is asked once.
                let tags = if first == second { &TAGS[..1] } else { &TAGS[..] };
                for (tag, _) in tags {
                    let given = variables(&world, name, tag);
                    let about = if tags.len() == 1 { "all" } else { *tag };
                    for asker in askers() {
                        let answer = ask(&world, &asker.actor, text, given.clone()).await?;
                        let told_so = match code(&answer) {
                            "none" => figures("", &answer["data"]),
                            refused => refused.to_owned(),
                        };
                        writeln!(told, "{name} {about} | {} | {told_so}", asker.name)?;
                    }
                }
            }
        }
        if services::variable(WRITE).is_some() {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/flow/access/replay.txt");
            std::fs::write(file, &told)?;
            return Ok(());
        }
        for (at, (is, was)) in told.lines().zip(CHECKED_IN.lines()).enumerate() {
            anyhow::ensure!(
                is == was,
                "line {}, on {}:\n  checked in: {was}\n  answered:   {is}\n{WRITE}=1 writes it anew",
                at + 1,
                database.name()
            );
        }
        assert_eq!(told.lines().count(), CHECKED_IN.lines().count(), "{WRITE}=1 writes it anew");
        Ok(())
    })
    .await
}
