//! Runs over changes: they move what the changes touch, nothing else, and nearly as a run over everything would.

use std::{collections::BTreeMap, time::Duration};

use entities::{LinkKind, PivotRuling, audit_event, pivot};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    audit,
    cluster::{
        engine, load, recluster, recluster_changed, ruling,
        tests::{clusters, names, share, tie},
        tuning,
    },
    testing::{START, Seed, Test, ana, lea},
};

/// What an observation writes into the ledger.
async fn observed(test: &Test, ids: &[ObservableId]) {
    let txn = test.begin().await.unwrap();
    audit::record(&txn, START, &ana(), "observed", "batch", json!({ "ids": ids })).await.unwrap();
    test.commit(txn).await.unwrap();
}

/// Ten groups of four names by a registrant each, grouped once; the names and the registrants.
async fn grouped(test: &Test) -> (Vec<ObservableId>, Vec<ObservableId>) {
    let ids = names(test, 40).await;
    let mut registrants = Vec::new();
    for (at, group) in ids.chunks(4).enumerate() {
        registrants.push(share(test, group, LinkKind::RegisteredTo, &format!("r{at}@inbox.example")).await);
    }
    let report = recluster(test, &lea()).await.unwrap();
    assert_eq!((report.full, report.clusters, report.members), (true, 10, 40));
    (ids, registrants)
}

async fn late(test: &Test, name: &str, registrar: &str) -> ObservableId {
    test.plant(&[Seed { name, registrar, ..Seed::default() }]).await[0]
}

#[tokio::test]
async fn a_newcomer_joins_and_nothing_else_is_looked_at() {
    let test = Test::new().await;
    let (ids, registrants) = grouped(&test).await;
    let before = clusters(&test).await;
    let new = late(&test, "late.example", "999").await;
    tie(&test, &[new], LinkKind::RegisteredTo, registrants[3]).await;
    // What the ledger does not tell of is left to the next run over everything.
    tie(&test, &ids[4..5], LinkKind::RegisteredTo, registrants[0]).await;
    observed(&test, &[new]).await;
    let report = recluster_changed(&test, &lea()).await.unwrap();
    assert_eq!((report.full, report.names, report.clusters, report.new), (false, 5, 1, 0));
    let after = clusters(&test).await;
    for (id, members) in &before {
        let mut expected = members.clone();
        if members.contains(&ids[12]) {
            expected.push(new);
        }
        assert_eq!(after[id], expected);
    }
    // Nothing happened since: nothing is looked at, and the ledger is silent.
    let events = test.all::<audit_event::Entity>().await.len();
    let report = recluster_changed(&test, &lea()).await.unwrap();
    assert_eq!((report.full, report.names), (false, 0));
    assert_eq!(test.all::<audit_event::Entity>().await.len(), events);
}

#[tokio::test]
async fn an_import_and_its_links_are_changes() {
    let test = Test::new().await;
    let (ids, registrants) = grouped(&test).await;
    let import = test.all::<entities::import::Entity>().await.remove(0);
    let next = entities::import::Model { id: test.id(), ..import };
    test.insert(vec![next.clone()]).await;
    tie(&test, &[ids[0], ids[1], ids[2], ids[3]], LinkKind::RegisteredTo, registrants[9]).await;
    let txn = test.begin().await.unwrap();
    audit::record(&txn, START, &ana(), "imported", next.id, json!({})).await.unwrap();
    test.commit(txn).await.unwrap();
    let report = recluster_changed(&test, &lea()).await.unwrap();
    assert_eq!((report.full, report.names, report.clusters), (false, 8, 1));
    let merged: Vec<ObservableId> = ids[..4].iter().chain(&ids[36..]).copied().collect();
    assert!(clusters(&test).await.values().any(|members| *members == merged));
}

#[tokio::test]
async fn a_value_that_grows_into_a_hub_is_parked_and_comes_back_when_it_shrinks() {
    let test = Test::new().await;
    let ids = names(&test, 160).await;
    let address = share(&test, &ids[..50], LinkKind::ResolvesTo, "192.0.2.80").await;
    for pair in ids[..60].chunks(2) {
        let value = format!("{}@inbox.example", pair[0]);
        share(&test, pair, LinkKind::RegisteredTo, &value).await;
    }
    recluster(&test, &lea()).await.unwrap();
    tie(&test, &ids[50..51], LinkKind::ResolvesTo, address).await;
    observed(&test, &ids[50..51]).await;
    let report = recluster_changed(&test, &lea()).await.unwrap();
    assert_eq!((report.full, report.hubs.len(), report.hubs[0].shared_by), (false, 1, 51));
    let hub = test.all::<pivot::Entity>().await.remove(0);
    assert_eq!((hub.value.as_str(), hub.shared_by, hub.parked_at), ("192.0.2.80", 51, Some(START)));
    // A name that is no longer there to be grouped no longer counts.
    #[expect(clippy::disallowed_methods, reason = "a test takes away what nothing else does")]
    link::Entity::delete_many().filter(link::Column::FromId.eq(ids[50])).exec(&test.db).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test takes away what nothing else does")]
    link::Entity::delete_many().filter(link::Column::FromId.eq(ids[49])).exec(&test.db).await.unwrap();
    observed(&test, &[ids[49], ids[50], ids[1]]).await;
    let report = recluster_changed(&test, &lea()).await.unwrap();
    assert!(!report.full && report.hubs.is_empty(), "{report:?}");
    assert!(test.all::<pivot::Entity>().await.is_empty());
}

#[tokio::test]
async fn everything_is_grouped_when_people_ruled_or_a_day_has_passed() {
    let test = Test::new().await;
    let (ids, _) = grouped(&test).await;
    let value = "r0@inbox.example";
    ruling::pivot(&test, &ana(), PivotKind::Registrant, value, PivotRuling::Excluded, "a reseller")
        .await
        .unwrap();
    let report = recluster_changed(&test, &lea()).await.unwrap();
    assert_eq!((report.full, report.clusters), (true, 9));
    assert!(!recluster_changed(&test, &lea()).await.unwrap().full);
    test.advance(Duration::from_secs(24 * 3_600));
    assert!(recluster_changed(&test, &lea()).await.unwrap().full);
    // What touches most of the names is no small change.
    observed(&test, &ids[..30]).await;
    assert!(recluster_changed(&test, &lea()).await.unwrap().full);
}

#[tokio::test]
async fn what_people_pinned_and_barred_stands_through_runs_over_changes() {
    let test = Test::new().await;
    let (ids, registrants) = grouped(&test).await;
    let of = |found: &BTreeMap<ClusterId, Vec<ObservableId>>, id: ObservableId| {
        found.iter().find(|(_, members)| members.contains(&id)).map(|(cluster, _)| *cluster)
    };
    let (one, two) = (of(&clusters(&test).await, ids[0]), of(&clusters(&test).await, ids[4]));
    ruling::pin(&test, &ana(), one.unwrap(), &ids[5..6], "same builds").await.unwrap();
    ruling::bar(&test, &ana(), one.unwrap(), &ids[1..2], "a victim's page").await.unwrap();
    let new = late(&test, "late.example", "999").await;
    tie(&test, &[new], LinkKind::RegisteredTo, registrants[0]).await;
    observed(&test, &[new, ids[6]]).await;
    assert!(!recluster_changed(&test, &lea()).await.unwrap().full);
    let found = clusters(&test).await;
    assert_eq!(found[&one.unwrap()], [ids[0], ids[2], ids[3], ids[5], new]);
    assert_eq!(found[&two.unwrap()], [ids[4], ids[6], ids[7]]);
}

type Grouping = BTreeMap<ClusterId, Vec<ObservableId>>;

/// What groupings earn: the evidence within clusters, less what each pair within costs.
async fn earned<const N: usize>(test: &Test, groupings: [&Grouping; N]) -> [f64; N] {
    let population = load::everything(&test.db, &lea()).await.unwrap();
    let tuning = tuning(&test.settings.cluster);
    let (graph, ..) = engine::weigh(&population.features, tuning);
    groupings.map(|found| {
        let of = |(id, members): (&ClusterId, &Vec<ObservableId>)| {
            members.iter().map(|of| (*of, *id)).collect::<Vec<_>>()
        };
        let homes: HashMap<ObservableId, ClusterId> = found.iter().flat_map(of).collect();
        let home = |node: usize| homes.get(&population.ids[node]);
        let mut sum = 0.0;
        for node in (0..graph.nodes()).filter(|node| home(*node).is_some()) {
            let within = graph.row(node).filter(|(other, _)| home(*other as usize) == home(node));
            sum += within.map(|(_, points)| f64::from(points)).sum::<f64>() / 2.0;
        }
        let pairs: usize = found.values().map(|members| members.len() * (members.len() - 1) / 2).sum();
        sum - engine::search(tuning).resolution * pairs as f64
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// The tolerance that docs/CLUSTERS.md states.
    #[test]
    fn runs_over_changes_end_nearly_where_a_run_over_everything_does(
        first in prop::collection::vec((0usize..100, 0usize..3), 150..250),
        batches in prop::collection::vec(
            prop::collection::vec((0usize..100, 0usize..3, 0usize..60), 1..6), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let [changed, full] = runtime.block_on(async {
            let test = Test::new().await;
            let ids = names(&test, 300).await;
            // Ten names of a hand share three things.
            let mut things = Vec::new();
            for hand in 0..10 {
                let (rname, address) = (format!("rname:r{hand}.example"), format!("192.0.2.{hand}"));
                let token = format!("r{hand}@inbox.example");
                for (kind, value) in [
                    (LinkKind::RegisteredTo, token),
                    (LinkKind::SoaMailbox, rname),
                    (LinkKind::ResolvesTo, address),
                ] {
                    things.push((kind, share(&test, &[], kind, &value).await));
                }
            }
            let mut tied = BTreeSet::new();
            let mut link = async |name: usize, thing: usize, hand: usize| {
                let thing = hand * 3 + thing;
                if tied.insert((name, thing)) {
                    tie(&test, &[ids[name]], things[thing].0, things[thing].1).await;
                }
            };
            for (name, thing) in first {
                link(name, thing, name / 10).await;
            }
            recluster(&test, &lea()).await.unwrap();
            for batch in batches {
                let touched: Vec<ObservableId> = batch.iter().map(|(name, ..)| ids[*name]).collect();
                for (name, thing, hand) in batch {
                    // One in six is another hand's.
                    link(name, thing, if hand < 10 { hand } else { name / 10 }).await;
                }
                observed(&test, &touched).await;
                assert!(!recluster_changed(&test, &lea()).await.unwrap().full);
            }
            let changed = clusters(&test).await;
            recluster(&test, &lea()).await.unwrap();
            earned(&test, [&changed, &clusters(&test).await]).await
        });
        prop_assert!(changed >= 0.95 * full, "{changed} of {full}");
    }
}
