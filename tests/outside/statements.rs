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
use entities::{ActorRole, ClusterId, ObservableId, ObservableKind, Pap, Tlp, cluster, cluster_member};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use takedown::{
    actor::Actor,
    clock::Clock,
    env::Env,
    ids::Ids,
    intake::{self, ImportRequest, format::Format},
    reads::{
        Page,
        observables::{self, ObservableFilter},
    },
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

/// What hangs on clusters and observables of the graph: figures, changes, lists at an instant.
fn graph_query(first: usize) -> String {
    let changes = "linkChanges(since: \"2020-01-01T00:00:00Z\", until: \"2030-01-01T00:00:00Z\", first: 3) {
        appeared { total nodes { kind to { value } } } ended { total } }";
    format!(
        "{{ clusters(first: {first}) {{ edges {{ node {{
             name {changes}
             changes(first: 2) {{ totalCount edges {{ cursor }} }} rulings(first: 2) {{ totalCount edges {{ cursor }} }}
             tasks(first: 2) {{ totalCount edges {{ cursor }} }}
             fleet {{ size tlds: counts(by: TLD, first: 3) {{ total nodes {{ key count }} }}
               servers: counts(by: NAME_SERVER, first: 3) {{ nodes {{ key observable {{ value }} }} }}
               clusters: counts(by: CLUSTER, first: 3) {{ nodes {{ key }} }} }}
             members(first: 2) {{ observable {{ value {changes}
               links(asOf: \"2025-05-13T12:00:00Z\", kinds: [BELOW_DOMAIN], first: 2) {{ total nodes {{ kind }} }} }} }}
         }} }} }} }}"
    )
}

/// What became of the lines of many imports.
fn import_query(first: usize) -> String {
    format!(
        "{{ imports(first: {first}) {{ edges {{ node {{
             source lines(first: 2) {{ edges {{ node {{ verdict sightings {{ source observable {{ value }} }} }} }} }}
             refused: lines(verdict: REJECTED, first: 2) {{ edges {{ node {{ reason }} }} }}
         }} }} }} }}"
    )
}

/// Clusters of two names each, as a run of the engine would leave them.
async fn clusters(env: &Env, of: &[ObservableId]) -> Result<()> {
    let at = env.now();
    let (mut rows, mut members) = (Vec::new(), Vec::new());
    for pair in of.chunks(2) {
        let id: ClusterId = env.id();
        rows.push(cluster::Model {
            id,
            name: id.to_string(),
            family: String::new(),
            size: 2,
            created_at: at,
            updated_at: at,
            version: 1,
            operation_id: None,
        });
        members.extend(pair.iter().map(|of| cluster_member::Model {
            cluster_id: id,
            observable_id: *of,
            reasons: serde_json::json!([]),
            joined_at: at,
        }));
    }
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    cluster::Entity::insert_many(rows).exec_without_returning(&env.db).await?;
    let members = members.into_iter().map(|row| row.into_active_model().reset_all());
    cluster_member::Entity::insert_many(members).exec_without_returning(&env.db).await?;
    Ok(())
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
            handling: entities::Handling::H0,
 operation: None,
 dry_run: false,
        };
        intake::import(&env, &ana, &request, Format::Auto, Cursor::new(list.into_bytes()), |_| {}).await?;
        for n in 0..99 {
            let few = format!("new{n}[.]example\nhxxp://h1.evil1[.]com/a/1\n\u{1}\n").into_bytes();
            intake::import(&env, &ana, &request, Format::Auto, Cursor::new(few), |_| {}).await?;
        }
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

        let page = Page::first(400);
        let hosts = ObservableFilter { kinds: vec![ObservableKind::HostName], ..ObservableFilter::default() };
        let hosts = observables::list(&env, &ana, &hosts, page).await?;
        clusters(&env, &hosts.rows.iter().map(|row| row.id).collect::<Vec<_>>()).await?;
        let mut took = BTreeMap::new();
        for first in [2, 20, 100] {
            count.store(0, Ordering::SeqCst);
            let request = Request::new(graph_query(first));
            let prepared = graphql::prepare(&schema, request, env.clone(), ana.clone()).map_err(|r| anyhow::anyhow!("{r:?}"))?;
            let response = prepared.execute(&schema).await;
            assert!(response.errors.is_empty(), "{:?}", response.errors);
            let data = serde_json::to_value(response.data)?;
            let clusters = data["clusters"]["edges"].as_array().map_or(0, Vec::len);
            assert_eq!(clusters, first);
            let node = &data["clusters"]["edges"][first - 1]["node"];
            assert_eq!((&node["fleet"]["size"], &node["fleet"]["clusters"]["nodes"][0]["key"]), (&2.into(), &node["name"]));
            assert!(node["linkChanges"]["appeared"]["total"].as_i64() > Some(0), "{node}");
            assert_eq!(node["changes"]["totalCount"], 0);
            took.insert(first, count.load(Ordering::SeqCst));
        }
        println!("statements for clusters on {}: {took:?}", database.name());
        assert!(took.values().all(|statements| *statements == took[&2]), "{took:?}");

        let mut took = BTreeMap::new();
        for first in [2, 20, 100] {
            count.store(0, Ordering::SeqCst);
            let request = Request::new(import_query(first));
            let prepared = graphql::prepare(&schema, request, env.clone(), ana.clone()).map_err(|r| anyhow::anyhow!("{r:?}"))?;
            let response = prepared.execute(&schema).await;
            assert!(response.errors.is_empty(), "{:?}", response.errors);
            let data = serde_json::to_value(response.data)?;
            let imports = data["imports"]["edges"].as_array().map_or(0, Vec::len);
            assert_eq!(imports, first);
            let of = |at: usize| &data["imports"]["edges"][at]["node"];
            assert_eq!(of(0)["lines"]["edges"][1]["node"]["verdict"], "ACCEPTED");
            assert_eq!(of(first - 1)["lines"]["edges"][0]["node"]["sightings"][0]["observable"]["value"], format!("new{}.example", first - 2));
            assert_eq!(of(first - 1)["lines"]["edges"][1]["node"]["verdict"], "DUPLICATE");
            assert_eq!(of(first - 1)["refused"]["edges"].as_array().map_or(0, Vec::len), 1);
            took.insert(first, count.load(Ordering::SeqCst));
        }
        println!("statements for imports on {}: {took:?}", database.name());
        assert!(took.values().all(|statements| *statements == took[&2]), "{took:?}");
        Ok(())
    })
    .await
}
