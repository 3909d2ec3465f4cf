//! The road over the API: what ana, lea and max do with GraphQL alone, through the real router, on both databases.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use takedown::job::{kinds::VerifyDue, schedule};
use tests::{Api, App, on_each_database};

const IMPORT: &str = "mutation ($text: String!) {
    importIndicators(input: {source: \"range sensors\", text: $text, family: \"LummaC2\", role: C2, tlp: CLEAR, pap: GREEN}) {
        total accepted duplicate rejected
        import { id lines(verdict: REJECTED) { nodes { number text reason verdict } } }
    }
}";
const OPEN: &str =
    "mutation { openTasks(input: {family: \"Lumma Stealer\"}) { opened withoutDesk refused { reasons } } }";
const APPROVE: &str = "mutation ($ids: [ID!]!) { approveTasks(ids: $ids) { id state approvedBy { name } } }";
const APPROVE_NOTICE: &str = "mutation ($id: ID!) { approveNotice(id: $id) { state approvedBy { name } } }";

/// The first list of the range as text, and how many lines it has.
fn list(app: &App) -> Result<String> {
    Ok(std::fs::read_to_string(&app.lists.families[0].path)?)
}

#[tokio::test]
async fn the_road_is_walked_with_the_api_alone() -> Result<()> {
    on_each_database(async |database| {
        let app = App::start(database).await?;
        let api = Api::of(&app).await?;
        let text = format!("{}\nsee chapter 4\n", list(&app)?);
        let said = &api.data(&api.ana, IMPORT, json!({ "text": text })).await?["importIndicators"];
        let figure = |name: &str| said[name].as_i64().unwrap_or(-1);
        assert_eq!(figure("total"), figure("accepted") + figure("duplicate") + figure("rejected"), "{said}");
        let lines = said["import"]["lines"]["nodes"].as_array().context("lines")?;
        let refused = lines.iter().find(|line| line["text"] == "see chapter 4").context("the line is not told")?;
        assert_eq!((&refused["verdict"], &refused["number"]), (&json!("REJECTED"), &json!(figure("total"))));
        ensure!(refused["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{refused}");
        let again = api.data(&api.ana, IMPORT, json!({ "text": text })).await?;
        assert_eq!(again["importIndicators"]["accepted"], 0, "{again}");
        app.run_jobs().await?;
        // Names are grouped a while after the last change.
        app.advance(app.env.settings.cluster.pause);
        app.run_jobs().await?;

        knows_what_was_seen(&api).await?;
        let opened = api.data(&api.ana, OPEN, json!({})).await?["openTasks"]["opened"].take();
        ensure!(opened.as_array().is_some_and(|ids| ids.len() > 20), "{opened}");
        assert_eq!(api.refusal(Some(&api.ana), APPROVE, json!({ "ids": opened })).await?, "FORBIDDEN");
        let approved = api.data(&api.lea, APPROVE, json!({ "ids": opened })).await?;
        assert_eq!(approved["approveTasks"][0], json!({ "id": opened[0], "state": "APPROVED", "approvedBy": { "name": "lea" } }));
        app.run_jobs().await?;
        notices_go_out(&app, &api).await?;

        for _ in 0..80 {
            app.advance(Duration::from_secs(15 * 60));
            let _ = app.range.act();
            schedule::turn(&app.env, Duration::from_secs(15 * 60), &VerifyDue {}).await?;
            app.run_jobs().await?;
        }
        let held = "{ tasks(first: 500, filter: {verdict: HELD_BY_REGISTRAR}) { totalCount nodes {
            state target { value state } confirmedAt verifications { verdict agreeing rounds evidence } } } }";
        let held = &api.data(&api.lea, held, json!({})).await?["tasks"];
        ensure!(held["totalCount"].as_i64() > Some(10), "{}", held["totalCount"]);
        for task in held["nodes"].as_array().context("nodes")? {
            assert_eq!((&task["state"], &task["target"]["state"]), (&json!("MONITORING"), &json!("DARK")), "{task}");
            let first = &task["verifications"][0];
            assert_eq!(first["verdict"], "HELD_BY_REGISTRAR", "{task}");
            ensure!(first["agreeing"].as_i64() >= Some(2), "one look is not enough: {task}");
        }
        Ok(())
    })
    .await
}

/// Pages, filters, and one observable with everything that hangs on it.
async fn knows_what_was_seen(api: &Api) -> Result<()> {
    let page = "query ($after: String) { observables(first: 7, after: $after, filter: {kinds: [DOMAIN_NAME], family: \"LummaC\"}) {
        totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id value } } } }";
    let (mut seen, mut after, mut total) = (Vec::new(), Value::Null, 0);
    loop {
        let data = api.data(&api.ana, page, json!({ "after": after })).await?;
        let found = &data["observables"];
        total = found["totalCount"].as_u64().unwrap_or(total);
        for edge in found["edges"].as_array().context("edges")? {
            seen.push(edge["node"]["value"].as_str().context("a value")?.to_owned());
        }
        if found["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = found["pageInfo"]["endCursor"].clone();
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!((once.len(), u64::try_from(seen.len())?), (seen.len(), total), "every one once, as counted");

    let one =
        "query ($value: String!) { observable(kind: DOMAIN_NAME, value: $value) { id kind state observedAt
        sightings { nodes { source family role tlp pap line } }
        observations { nodes { probe server reading raw firstSeen lastSeen } }
        links { nodes { kind to { kind value } firstSeen lastSeen source } } } }";
    let found = &api.data(&api.ana, one, json!({ "value": seen[0] })).await?["observable"];
    let sighting = &found["sightings"]["nodes"][0];
    assert_eq!((&sighting["family"], &sighting["role"]), (&json!("lumma"), &json!("C2")), "{found}");
    ensure!(!found["observedAt"].is_null(), "{found}");
    ensure!(found["observations"]["nodes"].as_array().is_some_and(|rows| rows.len() > 3), "{found}");
    ensure!(found["links"]["nodes"].as_array().is_some_and(|rows| !rows.is_empty()), "{found}");

    let looked_at = api
        .data(&api.ana, "mutation ($ids: [ID!]!) { observe(ids: $ids) }", json!({ "ids": [found["id"]] }))
        .await?;
    assert_eq!(looked_at["observe"], 1);
    let clusters = "{ clusters(first: 2) { nodes { name size members(first: 3) { \
                    reasons { kind value sharedBy } observable { value } } } } }";
    let clusters = api.data(&api.ana, clusters, json!({})).await?;
    let reason = &clusters["clusters"]["nodes"][0]["members"][0]["reasons"][0];
    ensure!(reason["sharedBy"].as_i64() > Some(1), "{clusters}");
    Ok(())
}

/// Who approved the tasks' notices drafted them; another person approves each.
async fn notices_go_out(app: &App, api: &Api) -> Result<()> {
    let drafts = "query ($state: NoticeState!) { notices(first: 100, state: $state) { nodes {
        id subject body recipient tlp sha256 tasks { state } smtpReply } } }";
    let data = api.data(&api.max, drafts, json!({ "state": "DRAFT" })).await?;
    let drafted = data["notices"]["nodes"].as_array().context("notices")?;
    ensure!(!drafted.is_empty(), "approved tasks have drafts");
    for draft in drafted {
        let id = json!({ "id": draft["id"] });
        assert_eq!(api.refusal(Some(&api.ana), APPROVE_NOTICE, id.clone()).await?, "FORBIDDEN");
        let approved = api.data(&api.max, APPROVE_NOTICE, id.clone()).await?;
        assert_eq!(
            approved["approveNotice"],
            json!({ "state": "APPROVED", "approvedBy": { "name": "max" } })
        );
        assert_eq!(api.refusal(Some(&api.max), APPROVE_NOTICE, id).await?, "CONFLICT");
    }
    app.run_jobs().await?;
    let data = api.data(&api.lea, drafts, json!({ "state": "SENT" })).await?;
    let sent = data["notices"]["nodes"].as_array().context("notices")?;
    assert_eq!(sent.len(), drafted.len());
    for (notice, draft) in sent.iter().zip(drafted) {
        assert_eq!(
            (&notice["body"], &notice["sha256"]),
            (&draft["body"], &draft["sha256"]),
            "what was approved"
        );
        ensure!(notice["smtpReply"].as_str().is_some_and(|reply| reply.starts_with("250")), "{notice}");
    }
    Ok(())
}

#[tokio::test]
async fn nobody_reads_and_nobody_acts_without_a_token() -> Result<()> {
    on_each_database(async |database| {
        let app = App::start(database).await?;
        let api = Api::of(&app).await?;
        let (name, ids) =
            (json!({ "text": "evil.example" }), json!({ "ids": ["tsk_00000000000000000000000000"] }));
        for (query, variables) in [
            ("{ observables(first: 1) { nodes { id } } }", json!({})),
            ("{ observable(kind: DOMAIN_NAME, value: \"evil.example\") { id } }", json!({})),
            ("{ imports(first: 1) { nodes { id } } }", json!({})),
            ("{ clusters(first: 1) { nodes { id } } }", json!({})),
            ("{ tasks(first: 1) { nodes { id } } }", json!({})),
            ("{ notices(first: 1) { nodes { id } } }", json!({})),
            ("{ pivots(first: 1) { nodes { id } } }", json!({})),
            ("{ likelyNext(first: 1) { nodes { weight } } }", json!({})),
            ("{ node(id: \"dsk_00000000000000000000000000\") { id } }", json!({})),
            ("{ node(id: \"nothing\") { id } }", json!({})),
            (
                "mutation { ruleOnCluster(input: {cluster: \"clu_00000000000000000000000000\", accept: true, \
                 reason: \"x\"}) { id } }",
                json!({}),
            ),
            (
                "mutation { ruleOnPivot(input: {kind: ADDRESS, value: \"192.0.2.1\", ruling: TRUSTED, \
                 reason: \"x\"}) { id } }",
                json!({}),
            ),
            (IMPORT, name),
            (OPEN, json!({})),
            (APPROVE, ids.clone()),
            (APPROVE_NOTICE, json!({ "id": "ntc_00000000000000000000000000" })),
            (
                "mutation ($ids: [ID!]!) { observe(ids: $ids) }",
                json!({ "ids": ["obs_00000000000000000000000000"] }),
            ),
        ] {
            assert_eq!(api.refusal(None, query, variables).await?, "UNAUTHENTICATED", "{query}");
        }
        let none = api.data(&api.lea, "{ imports(first: 1) { totalCount } }", json!({})).await?;
        assert_eq!(none["imports"]["totalCount"], 0);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_file_is_uploaded_as_the_multipart_convention_has_it() -> Result<()> {
    on_each_database(async |database| {
        let app = App::start(database).await?;
        let api = Api::of(&app).await?;
        let upload =
            "mutation ($file: Upload!) { importIndicators(input: {source: \"a desk\", file: $file}) {
            format total accepted rejected import { name sha256 } } }";
        let file = b"hxxps://evil[.]example[.]com/a\nevil.example.net\nnot an indicator\n";
        let (status, _) = api.upload(None, upload, "list.txt", file).await?;
        assert_eq!(status, 401);
        let (status, answer) = api.upload(Some(&api.ana), upload, "list.txt", file).await?;
        let said = &answer["data"]["importIndicators"];
        assert_eq!(
            (status.as_u16(), &said["total"], &said["accepted"]),
            (200, &json!(3), &json!(2)),
            "{answer}"
        );
        assert_eq!(said["import"]["name"], "list.txt");
        Ok(())
    })
    .await
}
