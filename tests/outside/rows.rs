//! A list that is answered for all of its rows together says what the library says row by row.

use std::{fmt::Write as _, io::Cursor, sync::Arc};

use anyhow::Result;
use async_graphql::Request;
use entities::{ActorRole, Pap, Tlp};
use serde_json::Value;
use takedown::{
    actor::Actor,
    clock::Clock,
    env::Env,
    ids::Ids,
    intake::{self, ImportRequest, format::Format},
    settings::Settings,
};
use tests::on_each_database;

/// Every field that is answered so, below pages, bounded lists, fragments and aliases. `value` is written as it stands here.
const OBSERVABLES: &str = "
    query ($first: Int, $more: Boolean = true) {
      observables(first: $first) {
        __typename totalCount pageInfo { hasNextPage endCursor }
        edges { cursor node { ...Row named: value } }
        nodes { id @skip(if: $more) value facts { kind } sightings(first: 1) { total nodes { ...Said } } }
      }
      hosts: observables(filter: { kinds: [HOST_NAME] }) { edges { node {
        value
        linkedFrom(first: 2) { total nodes { from { id value links { nodes { to { value } } } } } }
        only: links(kinds: [BELOW_DOMAIN], asOf: \"2025-05-13T12:00:00Z\", first: 1) { nodes { kind source } }
      } } }
    }
    fragment Row on Observable {
      __typename id kind display registrableDomain state createdAt observedAt nextDueAt
      links(first: 3) { total truncated nodes {
        id kind firstSeen lastSeen count to { id kind value } from { ... on Observable { value } __typename }
      } }
    }
    fragment Said on Sighting { id family role tlp pap createdAt line source }";

/// The same document, with a field asked twice at its end: it cannot be answered so.
fn twice(document: &str) -> String {
    document.replacen("named: value", "named: value named: value", 1)
}

async fn answer(env: &Arc<Env>, actor: &Actor, document: String) -> Result<Value> {
    let schema = graphql::schema(env.clone());
    let variables = async_graphql::Variables::from_json(serde_json::json!({ "first": 200 }));
    let request = Request::new(document).variables(variables);
    let prepared = graphql::prepare(&schema, request, env.clone(), actor.clone())
        .map_err(|r| anyhow::anyhow!("{r:?}"))?;
    let response = prepared.execute(&schema).await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    let answer = serde_json::from_str(&graphql::text(&response))?;
    assert_eq!(serde_json::to_value(&response)?, answer);
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_says_together_what_it_says_row_by_row() -> Result<()> {
    on_each_database(async |database| {
        let clock = Clock::manual("2025-05-13T12:00:00.25Z".parse()?);
        let env = Arc::new(Env::new(database.connect().await?, clock, Ids::seeded(1), Settings::default()));
        let ana = Actor::person("ana", ActorRole::Analyst);
        for (tlp, names) in [(Tlp::Clear, 0..30), (Tlp::Red, 20..50)] {
            let mut list = String::new();
            for n in names {
                writeln!(list, "hxxp://h{n}.evil{}[.]com/a/{n}?\u{e9}\nb\u{fc}cher{n}[.]example", n % 7)?;
            }
            let request = ImportRequest {
                source: "te\"st".into(),
                name: "-".into(),
                family: Some("lumma".into()),
                role: None,
                tlp,
                pap: Pap::Green,
                handling: entities::Handling::H0,
                operation: None,
                dry_run: false,
            };
            intake::import(&env, &ana, &request, Format::Auto, Cursor::new(list.into_bytes()), |_| {})
                .await?;
        }
        let bo = Actor::liaison("bo", "agency");
        let mut answers = Vec::new();
        for actor in [&ana, &bo] {
            let together = answer(&env, actor, OBSERVABLES.into()).await?;
            let apart = answer(&env, actor, twice(OBSERVABLES)).await?;
            assert!(together == apart, "{actor} on {}: {together}\n{apart}", database.name());
            answers.push(together);
        }
        let edges = &answers[0]["data"]["observables"]["edges"];
        assert!(
            edges[100]["node"]["id"].is_string() && edges.to_string().contains("\"b\u{fc}cher1.example\"")
        );
        assert!(answers[0] != answers[1], "what bo may not see is in neither");
        Ok(())
    })
    .await
}
