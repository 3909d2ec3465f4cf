//! The wall, from outside: a world with CLEAR, AMBER and RED things of every kind, and with those of a sealed operation,
//! asked for by everybody, with every field of the schema. What somebody may not see must leave no trace in any answer.

mod cases;
mod ids;
mod random;
mod replay;
mod world;

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use async_graphql::{
    Request, Variables,
    parser::{
        parse_schema,
        types::{TypeKind, TypeSystemDefinition},
    },
};
use futures::StreamExt as _;
use serde_json::{Value, json};
use takedown::actor::Actor;
use tests::on_each_database;

use self::{
    cases::{LISTS, MUTATIONS, ONES, OTHERS, SUBSCRIPTIONS},
    world::{Asker, SEALED, TAGS, World, askers},
};

/// The whole answer as JSON, whatever it is.
async fn ask(world: &World, actor: &Actor, document: &str, variables: Value) -> Result<Value> {
    let request = Request::new(document).variables(Variables::from_json(variables));
    match graphql::prepare(&world.schema, request, world.env.clone(), actor.clone()) {
        Ok(prepared) => Ok(serde_json::to_value(prepared.execute(&world.schema).await)?),
        Err(refusals) => anyhow::bail!("{document}: {refusals:?}"),
    }
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

/// Tags of what the answer has a trace of.
fn traces(answer: &Value) -> BTreeSet<&'static str> {
    let text = answer.to_string();
    TAGS.iter().map(|(tag, _)| *tag).filter(|tag| text.contains(tag)).collect()
}

#[test]
fn every_field_has_a_case() {
    let document = parse_schema(graphql::sdl()).expect("the schema reads");
    let cased: BTreeSet<String> = [
        LISTS.iter().map(|case| case.0).collect::<Vec<_>>(),
        ONES.iter().map(|case| case.0).collect(),
        OTHERS.to_vec(),
        MUTATIONS.iter().map(|case| case.0).collect(),
        SUBSCRIPTIONS.iter().map(|case| case.0).collect(),
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect();
    let mut there = BTreeSet::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node.to_string();
        let TypeKind::Object(object) = definition.node.kind else { continue };
        if ["Query", "Mutation", "Subscription"].contains(&name.as_str()) {
            there.extend(object.fields.iter().map(|field| format!("{name}.{}", field.node.name.node)));
        }
    }
    assert_eq!(cased, there, "left: cases, right: the schema");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_what_each_may_see_and_no_trace_of_more() -> Result<()> {
    on_each_database(async |database| {
        let world = World::store(database).await?;
        for (field, document) in LISTS {
            for asker in askers() {
                let answer = ask(&world, &asker.actor, document, json!({})).await?;
                let told = format!("{field} as {}: {answer}", asker.name);
                if let Some(refused) = asker.reads {
                    assert_eq!(code(&answer), refused, "{told}");
                    ensure!(traces(&answer).is_empty(), "{told}");
                    continue;
                }
                ensure!(answer.get("errors").is_none_or(|errors| errors == &json!([])), "{told}");
                assert_eq!(traces(&answer), asker.sees(), "{told}");
                let list =
                    answer["data"].as_object().and_then(|data| data.values().next()).unwrap_or(&Value::Null);
                let rows = list["edges"].as_array().map_or(0, Vec::len);
                assert_eq!(list["totalCount"], rows, "the total counts what is there: {told}");
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_by_id_is_there_or_as_if_it_had_never_been() -> Result<()> {
    on_each_database(async |database| {
        let world = World::store(database).await?;
        for (field, document, variables) in ONES {
            for (tag, _) in TAGS {
                for Asker { name, actor, reads, .. } in askers() {
                    let sees = askers()
                        .iter()
                        .find(|one| one.name == name)
                        .is_some_and(|one| one.sees().contains(tag));
                    let answer = ask(&world, &actor, document, variables(&world, tag)).await?;
                    let told = format!("{field} of {tag} as {name}: {answer}");
                    if let Some(refused) = reads {
                        assert_eq!(code(&answer), refused, "{told}");
                    } else if sees {
                        ensure!(traces(&answer).contains(tag) && code(&answer) == "none", "{told}");
                        let beyond: Vec<_> = traces(&answer)
                            .into_iter()
                            .filter(|tag| {
                                !askers().iter().any(|one| one.name == name && one.sees().contains(tag))
                            })
                            .collect();
                        ensure!(beyond.is_empty(), "{beyond:?} in {told}");
                    } else {
                        assert_eq!(code(&answer), "NOT_FOUND", "{told}");
                        // As for something that was never there, but for the words that were asked with.
                        let never = world::never(&variables(&world, tag));
                        let never = ask(&world, &actor, document, never).await?;
                        assert_eq!(shape(&answer), shape(&never), "{told}");
                    }
                }
            }
        }
        Ok(())
    })
    .await
}

/// An answer without ids, values, places and traces: what is left must not tell.
fn shape(answer: &Value) -> Value {
    let mut errors = answer["errors"].clone();
    for error in errors.as_array_mut().into_iter().flatten() {
        let text = error["message"].as_str().unwrap_or_default();
        let words: Vec<_> = text.split(' ').filter(|word| !word.contains(['_', '.'])).collect();
        *error = json!({ "message": words.join(" "), "code": error["extensions"]["code"] });
    }
    json!({ "data": answer["data"], "errors": errors })
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_changes_what_they_do_not_see_or_may_not() -> Result<()> {
    on_each_database(async |database| {
        let world = World::store(database).await?;
        let before = world.ledger().await?;
        for (field, document, variables, may) in MUTATIONS {
            for (tag, _) in TAGS {
                for asker in askers() {
                    let about_all = variables(&world, "redmark") == variables(&world, "clearmark");
                    if may.contains(&asker.name) && (about_all || asker.sees().contains(tag)) {
                        continue;
                    }
                    let answer = ask(&world, &asker.actor, document, variables(&world, tag)).await?;
                    let told = format!("{field} of {tag} as {}: {answer}", asker.name);
                    let expected: &[&str] = match asker.name {
                        "nobody" => &["UNAUTHENTICATED"],
                        // Not seen is not found; seen, or not about one thing, is forbidden.
                        _ if may.contains(&asker.name) => &["NOT_FOUND"],
                        _ => &["FORBIDDEN", "NOT_FOUND"],
                    };
                    ensure!(expected.contains(&code(&answer)), "{told}");
                    let gone =
                        answer["data"].as_object().is_none_or(|data| data.values().all(Value::is_null));
                    ensure!(gone && traces(&answer).is_empty(), "{told}");
                }
            }
        }
        assert_eq!(world.ledger().await?, before, "nothing was written");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens_who_may_not_read() -> Result<()> {
    on_each_database(async |database| {
        let world = World::store(database).await?;
        for (field, document) in SUBSCRIPTIONS {
            for asker in askers() {
                let schema = graphql::schema(world.env.clone());
                let request = Request::new(*document);
                let prepared = graphql::prepare(&schema, request, world.env.clone(), asker.actor.clone())
                    .map_err(|refusals| anyhow::anyhow!("{field}: {refusals:?}"))?;
                let mut stream = prepared.stream(&schema);
                let told = format!("{field} as {}", asker.name);
                if let Some(refused) = asker.reads {
                    let first = serde_json::to_value(stream.next().await)?;
                    assert_eq!(code(&first), refused, "{told}");
                    continue;
                }
                // What is heard is loaded like any answer; `outside::subscriptions` listens.
                ensure!(futures::poll!(stream.next()).is_pending(), "{told}");
            }
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_is_heard_by_who_sees_it_and_what_does_not_ends_nobodys_listening() -> Result<()> {
    on_each_database(async |database| {
        let world = World::store(database).await?;
        // One that everybody hears of, after all that some do not.
        world.import("clearmark-last.com\n", (TAGS[0].0, TAGS[0].1), None).await?;
        let schema = graphql::schema(world.env.clone());
        // From the beginning of the ledger.
        let document = "subscription { importProgressed(after: \"AAAAAAAAAAA\") { import { name } } }";
        for asker in askers().into_iter().filter(|asker| asker.reads.is_none()) {
            let request = Request::new(document);
            let prepared = graphql::prepare(&schema, request, world.env.clone(), asker.actor.clone())
                .map_err(|refusals| anyhow::anyhow!("{refusals:?}"))?;
            let heard: Vec<_> = prepared.stream(&schema).take(asker.sees().len() + 1).collect().await;
            let heard = serde_json::to_value(heard)?;
            let told = format!("{}: {heard}", asker.name);
            ensure!(!heard.to_string().contains("errors"), "{told}");
            assert_eq!(traces(&heard), asker.sees(), "{told}");
            assert_eq!(
                heard[asker.sees().len()]["data"]["importProgressed"]["import"]["name"],
                "clearmark.txt"
            );
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_the_questions() -> Result<()> {
    on_each_database(async |database| {
        let world = World::store(database).await?;
        for asker in askers() {
            let told = asker.name;
            let viewer =
                ask(&world, &asker.actor, "{ viewer { role can(action: READ) } }", json!({})).await?;
            let reads = viewer["data"]["viewer"]["can"].as_bool();
            assert_eq!(reads, (told != "nobody").then_some(asker.reads.is_none()), "{told}: {viewer}");

            // Figures count what is seen.
            let all = "{ fleet(filter: {}) { size } observables(first: 500) { totalCount } }";
            let figures = ask(&world, &asker.actor, all, json!({})).await?;
            if asker.reads.is_none() {
                let (fleet, total) =
                    (&figures["data"]["fleet"]["size"], &figures["data"]["observables"]["totalCount"]);
                assert_eq!(fleet, total, "{told}: {figures}");
                assert_eq!(*total, world.observables(&asker.sees()), "{told}: {figures}");
            }

            // The directory is for everyone, people for administrators.
            for (document, admin_only) in [
                ("{ parties { totalCount } }", false),
                ("{ circle { country } }", false),
                ("{ party(key: \"tld:example\") { key } }", false),
                ("{ people { totalCount } }", true),
            ] {
                let answer = ask(&world, &asker.actor, document, json!({})).await?;
                let expected = match (told, admin_only) {
                    ("nobody", _) => "UNAUTHENTICATED",
                    ("admin", true) | (_, false) => "none",
                    (_, true) => "FORBIDDEN",
                };
                assert_eq!(code(&answer), expected, "{document} as {told}: {answer}");
            }

            // Whom to speak to is for who is told.
            let desks = ask(&world, &asker.actor, "{ collisions { contact } }", json!({})).await?;
            assert_eq!(code(&desks), asker.reads.unwrap_or("none"), "{told}: {desks}");
            ensure!(traces(&desks).is_empty(), "{told}: {desks}");

            // The ledger is for leads and administrators, who do not all read what it is about; one's own acts for everyone.
            let others = ask(
                &world,
                &asker.actor,
                "{ activity { total nodes { actor { key name } verb detail } } }",
                json!({}),
            )
            .await?;
            let own = "query ($actor: String!) { activity(filter: {actor: $actor}) { total } }";
            let own = ask(&world, &asker.actor, own, json!({ "actor": asker.actor.to_string() })).await?;
            let expected = match told {
                "nobody" => ["UNAUTHENTICATED", "UNAUTHENTICATED"],
                "lead" | "admin" => ["none", "none"],
                _ => ["FORBIDDEN", "none"],
            };
            assert_eq!([code(&others), code(&own)], expected, "{told}: {others} {own}");
            ensure!(!others.to_string().contains(SEALED), "{told}: {others}");
            ensure!(
                told != "admin"
                    || others["data"]["activity"]["nodes"]
                        .as_array()
                        .is_some_and(|nodes| nodes.iter().all(|node| node["detail"].is_null())),
                "{others}"
            );

            // What counts all that share a value is for who sees everything.
            for (document, key) in [
                ("{ pivots(first: 500) { totalCount edges { node { value } } } }", "pivots"),
                ("{ likelyNext { __typename } }", "likelyNext"),
            ] {
                let answer = ask(&world, &asker.actor, document, json!({})).await?;
                if !asker.sees_all() {
                    ensure!(traces(&answer).is_empty(), "{document} as {told}: {answer}");
                    ensure!(
                        asker.reads.is_none() || code(&answer) == asker.reads.unwrap_or_default(),
                        "{document} as {told}: {answer}"
                    );
                } else if key == "pivots" {
                    assert_eq!(traces(&answer), BTreeSet::from(["redmark"]), "{told}: {answer}");
                }
            }
        }
        Ok(())
    })
    .await
}
