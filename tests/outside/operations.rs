//! The documents that come with the program, each executed.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use async_graphql::{Request, Variables};
use entities::ActorRole;
use graphql::operations;
use serde_json::{Value, json};
use takedown::{
    actor::{Actor, Knows, Trail},
    people::{
        Device, NewPerson, invite, person, session,
        sign_in::{Credentials, sign_in},
    },
};
use tests::App;

use crate::running::{app, root};

/// Executes a document as somebody; its data, and its errors if it has some.
async fn execute(app: &App, actor: Actor, name: &str, variables: Value) -> Result<Value> {
    let text = operations::named(name).with_context(|| format!("no document {name}"))?;
    let request = Request::new(text).variables(Variables::from_json(variables));
    let schema = graphql::schema(app.env.clone());
    let prepared = graphql::prepare(&schema, request, app.env.clone(), actor)
        .map_err(|refusals| anyhow::anyhow!("{name}: {refusals:?}"))?;
    let response = prepared.execute(&schema).await;
    anyhow::ensure!(response.errors.is_empty(), "{name}: {:?}", response.errors);
    Ok(serde_json::to_value(response.data)?)
}

#[test]
fn every_file_is_shipped() -> Result<()> {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("graphql/operations"))? {
        let name = entry?.file_name().into_string().expect("a name");
        files.insert(name.trim_end_matches(".graphql").to_owned());
    }
    assert_eq!(files, operations::ALL.iter().map(|(name, _)| (*name).to_owned()).collect());
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "every document once, each after what it needs")]
#[tokio::test(flavor = "multi_thread")]
async fn each_document_does_what_it_says() -> Result<()> {
    let (_database, app) = app().await?;
    let mut left: BTreeSet<&str> = operations::ALL.iter().map(|(name, _)| *name).collect();
    // Subscriptions have a test of their own.
    left.retain(|name| !name.ends_with("Changed") && !name.ends_with("Progressed"));
    let mut run = async |actor: Actor, name: &'static str, variables: Value| {
        left.remove(name);
        execute(&app, actor, name, variables).await
    };
    let input = json!({ "source": "test", "text": "evil-one.com\nnothing here", "family": "lumma", "tlp": "CLEAR", "pap": "GREEN" });
    let made = run(app.ana(), "ImportIndicators", json!({ "input": input })).await?;
    let import = made["importIndicators"]["import"]["id"].clone();
    assert_eq!(made["importIndicators"]["accepted"], 1, "{made}");
    let imports = run(app.ana(), "Imports", json!({ "first": 1 })).await?;
    assert_eq!(imports["imports"]["edges"].as_array().map(Vec::len), Some(1));
    let lines = run(app.ana(), "ImportLines", json!({ "id": import })).await?;
    assert_eq!(lines["import"]["lines"]["edges"].as_array().map(Vec::len), Some(2), "{lines}");
    let one = json!({ "kind": "DOMAIN_NAME", "value": "evil-one.com" });
    let one = run(app.ana(), "Observable", one).await?;
    let id = one["observable"]["id"].clone();
    let near = run(app.ana(), "Neighbourhood", json!({ "of": [id] })).await?;
    assert_eq!(near["neighbourhood"]["nodes"][0]["observable"]["id"], id, "{near}");
    assert_eq!(run(app.ana(), "Observe", json!({ "ids": [id] })).await?["observe"], 1);
    let page =
        run(app.ana(), "Observables", json!({ "first": 5, "filter": { "kinds": ["DOMAIN_NAME"] } })).await?;
    assert_eq!(page["observables"]["edges"].as_array().map(Vec::len), Some(5));
    app.run_jobs().await?;
    app.advance(app.env.settings.cluster.pause);
    app.run_jobs().await?;
    let clusters = run(app.ana(), "Clusters", json!({})).await?;
    let cluster = &clusters["clusters"]["edges"][0]["node"];
    let changes =
        json!({ "cluster": cluster["id"], "since": "2020-01-01T00:00:00Z", "until": "2040-01-01T00:00:00Z" });
    let changes = run(app.ana(), "LinkChanges", changes).await?;
    let appeared = &changes["cluster"]["linkChanges"]["appeared"];
    assert!(appeared["total"].as_i64() > Some(0), "{changes}");
    let members: Vec<&Value> = cluster["members"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|member| &member["observable"]["id"])
        .collect();
    let common = run(app.ana(), "CommonPivots", json!({ "of": members })).await?;
    let value = &common["commonPivots"]["nodes"][0]["value"]["id"];
    assert!(value.is_string(), "members of a cluster share something: {common}");
    let path = run(app.ana(), "Path", json!({ "from": members[0], "to": members[1] })).await?;
    assert!(path["path"]["steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{path}");
    let collapsed = json!({ "of": [value], "by": "CLUSTER" });
    let collapsed = run(app.ana(), "CollapsedNeighbourhood", collapsed).await?;
    assert!(collapsed["neighbourhood"]["collapsed"]["size"].as_i64() >= Some(2), "{collapsed}");
    let filter = json!({ "filter": { "kinds": ["DOMAIN_NAME"], "observed": true } });
    let fleet = run(app.ana(), "FleetSummary", filter).await?;
    for by in ["states", "ages", "tlds", "registrars", "nameServers", "systems", "clusters"] {
        assert!(fleet["fleet"][by]["total"].as_i64() > Some(0), "{by}: {fleet}");
    }
    let scope = json!({ "input": { "family": app.lists.families[0].family } });
    let opened = run(app.ana(), "OpenTasks", scope).await?;
    let ids = opened["openTasks"]["opened"].clone();
    assert!(ids.as_array().is_some_and(|ids| !ids.is_empty()), "{opened}");
    run(app.lea(), "ApproveTasks", json!({ "ids": ids })).await?;
    app.run_jobs().await?;
    run(app.lea(), "Tasks", json!({ "first": 3 })).await?;
    let notices = run(app.lea(), "Notices", json!({ "state": "DRAFT" })).await?;
    let notice = notices["notices"]["edges"][0]["node"]["id"].clone();
    let approved = run(app.max(), "ApproveNotice", json!({ "id": notice })).await?;
    assert_eq!(approved["approveNotice"]["id"], notice);
    let viewer = run(app.lea(), "Viewer", json!({})).await?;
    assert_eq!((&viewer["viewer"]["name"], &viewer["viewer"]["approves"]), (&json!("lea"), &json!(true)));
    let list = br#"{"parties": [{"key": "tld:example", "kind": "registry", "name": "Example Registry",
        "says": {"email": "abuse@registry.example", "scope": "country:AT"}}]}"#;
    let given = takedown::party::Given { source: "test", bytes: list, replace: false };
    takedown::party::load(&app.env, &app.lea(), given).await?;
    let parties = run(app.ana(), "Parties", json!({ "filter": { "kinds": ["REGISTRY"] } })).await?;
    let party = &parties["parties"]["edges"][0]["node"];
    assert_eq!((&parties["parties"]["totalCount"], &party["key"]), (&json!(1), &json!("tld:example")));
    let party = run(app.ana(), "Party", json!({ "id": party["id"] })).await?;
    assert_eq!(party["party"]["claims"].as_array().map(Vec::len), Some(3), "{party}");
    let circle = run(app.ana(), "Circle", json!({})).await?;
    let austria = circle["circle"].as_array().and_then(|rows| rows.iter().find(|row| row["country"] == "AT"));
    assert_eq!(austria.map(|row| &row["candidates"][0]["key"]), Some(&json!("tld:example")), "{circle}");
    let admin = Actor::person("root", ActorRole::Admin);
    let new = NewPerson {
        name: "kim".into(),
        full_name: None,
        role: ActorRole::Analyst,
        party: None,
        clearance: None,
    };
    let kim = person::create(&app.env, &admin, new).await?;
    let link = invite::create(&app.env, &admin, kim.id).await?;
    invite::accept(&app.env, &link, "correct horse battery").await?;
    let given = Credentials { name: "kim".into(), password: "correct horse battery".into(), code: None };
    let signed = sign_in(&app.env, &given, &Device::default(), None).await?;
    let (as_kim, _) = session::actor(&app.env, &signed.secret.0).await?;
    let own = json!({ "filter": { "actor": kim.id.to_string() } });
    let own = run(as_kim.clone(), "Activity", own).await?;
    assert_eq!(own["activity"]["nodes"][0]["verb"], "sign_in", "{own}");
    let people = run(admin.clone(), "People", json!({})).await?;
    assert_eq!(people["people"]["edges"][0]["node"]["name"], "kim", "{people}");
    let input =
        json!({ "input": { "label": "a script", "actions": ["READ"], "networks": ["192.0.2.0/24"] } });
    let made = run(as_kim.clone(), "CreateToken", input).await?;
    let made = &made["createToken"]["token"];
    assert_eq!((&made["actions"], &made["label"]), (&json!(["READ"]), &json!("a script")));
    let revoked = run(as_kim.clone(), "RevokeToken", json!({ "id": made["id"] })).await?;
    assert!(revoked["revokeToken"]["revokedAt"].is_string(), "{revoked}");
    let ended = run(as_kim, "RevokeSession", json!({ "id": signed.session.to_string() })).await?;
    assert!(ended["revokeSession"]["endedAt"].is_string(), "{ended}");
    let input = json!({ "input": { "name": "Magnus", "members": [{ "person": "kim" }] } });
    let boss = NewPerson {
        name: "max".into(),
        full_name: None,
        role: ActorRole::Lead,
        party: None,
        clearance: None,
    };
    let boss = person::create(&app.env, &admin, boss).await?;
    let boss = Actor::Person {
        name: boss.id.to_string(),
        role: ActorRole::Lead,
        agency: None,
        id: Some(boss.id),
        clearance: None,
        only: None,
        knows: Knows::Its,
        trail: Trail::default(),
    };
    let made = run(boss.clone(), "CreateOperation", input).await?["createOperation"].clone();
    assert_eq!(made["sealed"], json!(true), "{made}");
    let id = made["id"].clone();
    let input = json!({ "source": "test", "text": "evil-one.com", "operation": id });
    let brought = run(boss.clone(), "ImportIndicators", json!({ "input": input })).await?;
    assert_eq!(brought["importIndicators"]["accepted"], 1, "what others hold is new here: {brought}");
    let one = run(boss.clone(), "Operation", json!({ "id": id })).await?;
    assert_eq!(one["observables"]["edges"][0]["node"]["value"], "evil-one.com", "{one}");
    let kim = json!({ "input": { "operation": id, "member": { "person": "kim" } } });
    let fewer = run(boss.clone(), "RemoveOperationMember", kim.clone()).await?;
    assert_eq!(fewer["removeOperationMember"]["members"].as_array().map(Vec::len), Some(1), "{fewer}");
    let back = run(boss.clone(), "AddOperationMember", kim).await?;
    assert_eq!(back["addOperationMember"]["members"].as_array().map(Vec::len), Some(2), "{back}");
    let allowed = json!({ "id": id, "contact": "desk@agency.example" });
    let allowed = run(boss.clone(), "AllowCollisions", allowed).await?;
    assert_eq!(allowed["allowCollisions"]["contact"], "desk@agency.example");
    assert_eq!(run(boss.clone(), "Collisions", json!({})).await?["collisions"], json!([]));
    let open = run(boss.clone(), "UnsealOperation", json!({ "id": id })).await?;
    assert_eq!(open["unsealOperation"]["sealed"], json!(false), "{open}");
    let shut = run(boss.clone(), "SealOperation", json!({ "id": id })).await?;
    assert!(shut["sealOperation"]["sealedAt"].is_string(), "{shut}");
    let all = run(boss, "Operations", json!({})).await?;
    assert_eq!(all["operations"]["totalCount"], 1, "{all}");
    run(app.lea(), "DemoTasks", json!({})).await?;
    run(app.lea(), "DemoClusters", json!({})).await?;
    assert!(left.is_empty(), "not executed: {left:?}");
    Ok(())
}
