//! What is listened to: heard on another replica, resumed without loss and without doubles, and by nobody who may not
//! see it.

use std::{collections::BTreeSet, io::Cursor, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use async_graphql::{Request, Response, Variables};
use entities::{ActorRole, Pap, Tlp};
use futures::{StreamExt, stream::BoxStream};
use serde_json::{Value, json};
use takedown::{
    actor::Actor,
    audit,
    env::Env,
    ids::Ids,
    intake::{self, ImportRequest, format::Format},
    settings::Settings,
};
use tests::{App, Database, on_each_database};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::running::{Running, node, outside};

/// The longest that an event may take to be heard.
const PATIENCE: Duration = Duration::from_secs(20);
/// The cursor before every event.
const START: &str = "AAAAAAAAAAA";

/// Another process on the same database.
async fn replica(database: &Database, app: &App) -> Result<Arc<Env>> {
    let db = database.connect().await?;
    Ok(Arc::new(Env::new(db, app.env.clock.clone(), Ids::seeded(8), Settings::default())))
}

fn listen(
    env: &Arc<Env>,
    actor: Actor,
    name: &str,
    variables: Value,
) -> Result<BoxStream<'static, Response>> {
    let text = graphql::operations::named(name).context("a document")?;
    let request = Request::new(text).variables(Variables::from_json(variables));
    let schema = graphql::schema(env.clone());
    let prepared =
        graphql::prepare(&schema, request, env.clone(), actor).map_err(|r| anyhow::anyhow!("{r:?}"))?;
    Ok(prepared.stream(&schema))
}

/// The next event's only field.
async fn next(stream: &mut BoxStream<'static, Response>) -> Result<Value> {
    let response = tokio::time::timeout(PATIENCE, stream.next()).await.context("nothing was heard")?;
    let response = response.context("it ended")?;
    ensure!(response.errors.is_empty(), "{:?}", response.errors);
    let Value::Object(data) = serde_json::to_value(response.data)? else { anyhow::bail!("no data") };
    data.into_iter().next().map(|(_, event)| event).context("a field")
}

async fn import(app: &App, name: &str, lines: &str, tlp: Tlp) -> Result<String> {
    let request = ImportRequest {
        source: "test".into(),
        name: name.into(),
        family: None,
        role: None,
        tlp,
        pap: Pap::Green,
        handling: entities::Handling::H0,
        operation: None,
        dry_run: false,
    };
    let input = Cursor::new(lines.as_bytes().to_vec());
    let report = intake::import(&app.env, &app.ana(), &request, Format::Auto, input, |_| {}).await?;
    Ok(report.id.context("an import")?.to_string())
}

/// What the ledger says was observed: pairs of event and observable, in the order in which they are told.
async fn observed(app: &App) -> Result<Vec<(i64, String)>> {
    let mut pairs = Vec::new();
    for event in audit::after(&app.env.db, &app.lea(), 0, 10_000).await? {
        if event.verb == "observed" {
            let detail: Value = serde_json::from_str(&event.detail)?;
            let ids = detail["ids"].as_array().context("ids")?;
            pairs.extend(ids.iter().filter_map(|id| Some((event.seq, id.as_str()?.to_owned()))));
        }
    }
    pairs.sort();
    Ok(pairs)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_heard_on_another_replica_and_resumed_where_it_broke() -> Result<()> {
    on_each_database(async |database| {
        let app = App::start(database).await?;
        let other = replica(database, &app).await?;
        let mut arrivals = listen(&other, app.ana(), "ImportProgressed", json!({ "after": START }))?;
        let mut changes = listen(&other, app.ana(), "ObservableChanged", json!({ "after": START }))?;
        let file = std::fs::read_to_string(&app.lists.families[0].path)?;
        let id = import(&app, "list.txt", &file, Tlp::Clear).await?;
        let arrived = next(&mut arrivals).await?;
        assert_eq!((&arrived["import"]["id"], &arrived["import"]["name"]), (&json!(id), &json!("list.txt")));
        let mut progress = listen(&other, app.ana(), "ImportProgressed", json!({ "import": id }))?;
        let now = next(&mut progress).await?;
        assert_eq!(now["observed"], 0);
        app.run_jobs().await?;
        let expected = observed(&app).await?;
        assert!(expected.len() > 10, "{}", expected.len());

        // Heard in pieces: each connection breaks after some events, and the next goes on behind the last cursor.
        let mut heard = Vec::new();
        let mut cursor = START.to_owned();
        for piece in [1, 2, 4, usize::MAX] {
            for _ in 0..piece.min(expected.len() - heard.len()) {
                let event = next(&mut changes).await?;
                cursor = event["cursor"].as_str().context("a cursor")?.to_owned();
                heard.push(event["observable"]["id"].as_str().context("an id")?.to_owned());
            }
            changes = listen(&other, app.ana(), "ObservableChanged", json!({ "after": cursor }))?;
        }
        assert_eq!(heard, expected.iter().map(|(_, id)| id.clone()).collect::<Vec<_>>());
        // Nothing is left: what comes next is new.
        let mut named =
            listen(&other, app.ana(), "ObservableChanged", json!({ "ids": [heard[0]], "after": START }))?;
        assert_eq!(next(&mut named).await?["observable"]["id"], heard[0]);
        let far = next(&mut progress).await?;
        assert!(far["observed"].as_i64() > Some(0), "{far}");

        takedown::cluster::recluster(&app.env, &app.lea()).await?;
        let mut clusters = listen(&other, app.ana(), "ClusterChanged", json!({ "after": START }))?;
        assert!(
            next(&mut clusters).await?["cluster"]["id"].as_str().is_some_and(|id| id.starts_with("clu_"))
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_what_it_may_not_see() -> Result<()> {
    on_each_database(async |database| {
        let app = App::start(database).await?;
        let file = std::fs::read_to_string(&app.lists.families[0].path)?;
        let lines: Vec<&str> = file.lines().filter(|line| !line.is_empty()).collect();
        let (red, clear) = lines.split_at(lines.len() / 2);
        import(&app, "red", &red.join("\n"), Tlp::Red).await?;
        import(&app, "clear", &clear.join("\n"), Tlp::Clear).await?;
        app.run_jobs().await?;
        let bo = Actor::liaison("bo", "bka");
        let all: Vec<String> = observed(&app).await?.into_iter().map(|(_, id)| id).collect();
        let ids = all.iter().map(|id| id.parse()).collect::<Result<Vec<_>, _>>()?;
        let seen = takedown::reads::observables::by_ids(&app.env, &bo, &ids).await?;
        let expected: Vec<&String> =
            all.iter().filter(|id| id.parse().is_ok_and(|id| seen.contains_key(&id))).collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{} of {}", expected.len(), all.len());
        let mut stream = listen(&app.env, bo, "ObservableChanged", json!({ "after": START }))?;
        let mut heard = Vec::new();
        for _ in 0..expected.len() {
            heard.push(next(&mut stream).await?["observable"]["id"].as_str().context("an id")?.to_owned());
        }
        assert_eq!(heard.iter().collect::<Vec<_>>(), expected);
        for (actor, code) in
            [(Actor::Nobody, "UNAUTHENTICATED"), (Actor::person("root", ActorRole::Admin), "FORBIDDEN")]
        {
            let mut stream = listen(&app.env, actor, "ObservableChanged", json!({}))?;
            let response = stream.next().await.context("an answer")?;
            let errors = serde_json::to_value(&response.errors)?;
            assert_eq!(errors[0]["extensions"]["code"], code, "{errors}");
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_graphql_ws_hears_and_goes_on() -> Result<()> {
    if !outside()? {
        return Ok(());
    }
    let database = Database::sqlite().await?;
    let app = App::start(&database).await?;
    let running = Running::start(app.env.clone(), &[]).await?;
    let query = graphql::operations::named("ImportProgressed").context("a document")?;
    let mut names = BTreeSet::new();
    let mut after = START.to_owned();
    // The client is cut off after each event, and goes on behind it.
    for name in ["first", "second", "third"] {
        import(&app, name, &format!("{name}-evil.com"), Tlp::Clear).await?;
        let payload = json!({ "query": query, "variables": { "after": after } }).to_string();
        let mut client = node("socket.mjs", &[&running.socket(), &running.token, &payload]).spawn()?;
        let mut lines = BufReader::new(client.stdout.take().context("a pipe")?).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await??.context("an event")?;
        let event: Value = serde_json::from_str(&line)?;
        let event = &event["data"]["importProgressed"];
        assert_eq!(event["import"]["name"], name, "{line}");
        after = event["cursor"].as_str().context("a cursor")?.to_owned();
        names.insert(name);
        client.kill().await?;
    }
    assert_eq!(names.len(), 3);
    running.end().await;
    Ok(())
}
