//! Whatever is read of an operation is noted, also where no row of it is shown.

use std::collections::BTreeSet;

use entities::{ClusterRulingKind, cluster_change, cluster_ruling};

use super::*;
use crate::{
    cluster::{kind::PivotKind, ruling, tell},
    graph::{
        LinkFilter, Wants,
        common::common_pivots,
        fleet::{self, Dimension, Fleets},
        path::{Best, path},
    },
};

#[tokio::test]
async fn figures_paths_and_single_rows_of_an_operation_are_noted() {
    let test = Test::new().await;
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let max = account(&test, "max", ActorRole::Lead, None).await;
    let operation = create(&test, &lea, sealed("Magnus")).await.unwrap().id;
    import(&test, &lea, Some(operation), "evil-one.com\n").await.unwrap();
    let inside = plant(&test, Some(operation)).await;
    plant(&test, None).await;
    crate::cluster::recluster(&test, &Actor::System("test")).await.unwrap();
    let groups = crate::cluster::tests::clusters(&test).await;
    let cluster = *groups.iter().find(|(_, members)| **members == inside).unwrap().0;
    // One of whose family no source tells.
    for row in test.all::<sighting::Entity>().await.into_iter().filter(|row| row.observable_id == inside[0]) {
        let nameless = sighting::ActiveModel { family: Set(String::new()), ..row.into_active_model() };
        nameless.update(&test.db).await.unwrap();
    }
    ruling::judge(&test, &lea, cluster, true, "a reason").await.unwrap();
    let change = test.all::<cluster_change::Entity>().await;
    let change = change.iter().find(|row| row.cluster_id == cluster).unwrap().id;
    let ruled = test.all::<cluster_ruling::Entity>().await;
    let ruled = ruled.iter().find(|row| row.kind == ClusterRulingKind::Accepted).unwrap().id;

    let all = ObservableFilter::default();
    let ends = (inside[0], inside[1]);
    macro_rules! noted {
        ($who:ident: $($what:literal => $read:expr;)+) => { $(
            for (actor, expected) in [(&lea, BTreeSet::from([operation])), (&max, BTreeSet::new())] {
                let $who = &actor.clone().afresh();
                let _ = $read.await;
                assert_eq!($who.take_shown(), expected, $what);
            }
        )+ };
    }
    noted! { who:
        "the size of a cluster" => fleet::sizes(&test, who, Fleets::Clusters(&[cluster]));
        "the size of what is found" => fleet::sizes(&test, who, Fleets::Found(&all));
        "counts" => fleet::counts(&test, who, Fleets::Found(&all), Dimension::State, 10);
        "counts of some" => fleet::counts(&test, who, Fleets::These(&inside), Dimension::Tld, 10);
        "which are visible" => observables::visible_of(&test, who, &inside);
        "a path" => path(&test, who, ends, &Wants::default(), Best::Shortest, 2);
        "what they share" => common_pivots(&test, who, &inside, &LinkFilter::default(), 10);
        "who would leave" => tell::would_leave(&test, who, cluster, PivotKind::Registrant, "x");
        "a change" => tell::change(&test, who, change);
        "a ruling" => tell::ruling(&test, who, ruled);
        "what is likely next" => tell::likely_next(&test, who, 10, None);
    }
}
