//! How many statements an answer takes: as many for two rows as for two hundred.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Cursor,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Result;
use async_graphql::Request;
use entities::{ActorRole, Pap, Tlp};
use takedown::{
    actor::Actor,
    clock::Clock,
    env::Env,
    ids::Ids,
    intake::{self, ImportRequest, format::Format},
    settings::Settings,
};
use tests::on_each_database;

/// Four levels of observables, each with what hangs on it.
fn query(first: usize) -> String {
    format!(
        "{{ observables(first: {first}, filter: {{ kinds: [URL] }}) {{ totalCount edges {{ node {{
           value facts {{ kind }} sightings(first: 2) {{ nodes {{ source }} }}
           links(first: 2) {{ nodes {{ source to {{
             value facts {{ kind }}
             linkedFrom(first: 2) {{ nodes {{ from {{
               value sightings(first: 2) {{ nodes {{ source line }} }}
               links(first: 2) {{ nodes {{ to {{ value kind observations(first: 2) {{ total }} }} }} }}
             }} }} }}
           }} }} }}
         }} }} }} }}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_statements_does_not_depend_on_the_rows() -> Result<()> {
    on_each_database(async |database| {
        let mut db = database.connect().await?;
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        db.set_metric_callback(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let clock = Clock::manual("2025-05-13T12:00:00Z".parse()?);
        let env = Arc::new(Env::new(db, clock, Ids::seeded(1), Settings::default()));
        let ana = Actor::person("ana", ActorRole::Analyst);
        let mut list = String::new();
        for n in 0..300 {
            writeln!(list, "hxxp://h{n}.evil{}[.]com/a/{n}", n % 40)?;
        }
        let request = ImportRequest {
            source: "test".into(),
            name: "-".into(),
            family: None,
            role: None,
            tlp: Tlp::Clear,
            pap: Pap::Green,
            dry_run: false,
        };
        intake::import(&env, &ana, &request, Format::Auto, Cursor::new(list.into_bytes()), |_| {}).await?;
        let schema = graphql::schema(env.clone());
        let mut took = BTreeMap::new();
        for first in [2, 20, 200] {
            count.store(0, Ordering::SeqCst);
            let request = Request::new(query(first));
            let prepared = graphql::prepare(&schema, request, env.clone(), ana.clone()).map_err(|r| anyhow::anyhow!("{r:?}"))?;
            let response = prepared.execute(&schema).await;
            assert!(response.errors.is_empty(), "{:?}", response.errors);
            let data = serde_json::to_value(response.data)?;
            let rows = data["observables"]["edges"].as_array().map_or(0, Vec::len);
            assert_eq!(rows, first);
            let deepest = &data["observables"]["edges"][0]["node"]["links"]["nodes"][0]["to"]["linkedFrom"]["nodes"][0]
                ["from"]["links"]["nodes"][0]["to"]["value"];
            assert!(deepest.is_string(), "four levels: {data}");
            took.insert(first, count.load(Ordering::SeqCst));
        }
        println!("statements on {}: {took:?}", database.name());
        assert!(took[&2] > 0);
        assert!(took.values().all(|statements| *statements == took[&2]), "{took:?}");
        Ok(())
    })
    .await
}
