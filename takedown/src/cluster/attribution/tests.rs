//! Attribution out of the store: who may, who sees, and what it says.

use entities::{LinkKind, audit_event, cluster, cluster_model, sighting};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::*;
use crate::{
    cluster::{
        recluster,
        tests::{share, tie},
    },
    testing::{START, Seed, Test, ana, day, lea},
};

/// Two families of 40 names, each by two registrars of its own; and a name that nobody labelled, at Beta's.
async fn taught(test: &Test) -> (Vec<ObservableId>, ObservableId) {
    let rows: Vec<(String, &str, String)> = (0..80)
        .map(|at| {
            let (family, registrar) = if at % 2 == 0 { ("Alpha", 100) } else { ("Beta", 200) };
            (format!("n{at:02}{}.example", at * 7_919 % 997), family, format!("{}", registrar + at / 2 % 2))
        })
        .collect();
    let seeds: Vec<Seed<'_>> = rows
        .iter()
        .map(|(name, family, registrar)| Seed { name, family, registrar, ..Seed::default() })
        .collect();
    let ids = test.plant(&seeds).await;
    let fresh = Seed { name: "fresh.example", family: "", registrar: "200", ..Seed::default() };
    let fresh = test.plant(&[fresh]).await[0];
    recluster(test, &lea()).await.unwrap();
    (ids, fresh)
}

#[tokio::test]
async fn what_the_store_holds_is_learned_and_every_version_kept() {
    let test = Test::new().await;
    let (_, fresh) = taught(&test).await;
    assert!(of(&test, &ana(), &[fresh]).await.unwrap().is_empty(), "without a model nothing is said");
    let (version, report) = train(&test, &ana()).await.unwrap();
    assert_eq!((version, report.examples, report.families), (1, 80, 2));
    assert!(report.accuracy > 0.9, "{report:?}");
    let told = of(&test, &ana(), &[fresh]).await.unwrap().remove(&fresh).unwrap();
    assert_eq!((told.version, told.looked, told.labelled), (1, 1, 0));
    let beta = &told.families[0];
    assert!(beta.family == "Beta" && beta.probability > 0.8, "{beta:?}");
    let said = beta.evidence.iter().find(|said| said.kind == "registrar").unwrap();
    assert_eq!((said.value.as_str(), said.labelled, said.of_family), ("iana:200", 20, 20));
    assert_eq!(train(&test, &ana()).await.unwrap().0, 2);
    assert_eq!(test.all::<cluster_model::Entity>().await.len(), 2);
    let trained = test.all::<audit_event::Entity>().await.into_iter().filter(|event| event.verb == "trained");
    assert_eq!(trained.count(), 2);
    // Nobody labelled anything.
    assert!(store::labels(&test.env.db, &ana(), &[fresh]).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_came_after_the_training_counts_and_a_name_is_no_evidence_about_itself() {
    let test = Test::new().await;
    let (ids, _) = taught(&test).await;
    train(&test, &ana()).await.unwrap();
    let late = Seed { name: "late.example", family: "", registrar: "999", ..Seed::default() };
    let late = test.plant(&[late]).await[0];
    let token =
        share(&test, &[ids[0], ids[2], ids[4], ids[6]], LinkKind::RegisteredTo, "one@inbox.example").await;
    tie(&test, &[late], LinkKind::RegisteredTo, token).await;
    recluster(&test, &lea()).await.unwrap();
    let told = of(&test, &ana(), &[late, ids[0]]).await.unwrap();
    let labelled = |id: ObservableId| {
        let families = &told[&id].families;
        let said = families.iter().flat_map(|one| &one.evidence);
        said.filter(|said| said.kind == "registrant").map(|said| said.labelled).max()
    };
    assert_eq!((labelled(late), labelled(ids[0])), (Some(4), Some(3)));
}

#[tokio::test]
async fn a_cluster_is_what_its_members_are_and_who_sees_less_is_told_nothing() {
    let test = Test::new().await;
    let (ids, fresh) = taught(&test).await;
    share(&test, &[ids[1], ids[3], fresh], LinkKind::RegisteredTo, "two@inbox.example").await;
    recluster(&test, &lea()).await.unwrap();
    train(&test, &ana()).await.unwrap();
    let home = store::members(&test.env.db, &ana(), &all_clusters(&test).await).await.unwrap();
    let (home, members) = home.into_iter().find(|(_, members)| members.contains(&fresh)).unwrap();
    let told = of_clusters(&test, &ana(), &[home]).await.unwrap().remove(&home).unwrap();
    assert_eq!((told.looked, told.labelled), (members.len(), members.len() - 1));
    assert!(told.families[0].family == "Beta" && told.families[0].probability > 0.9, "{told:?}");
    let liaison = Actor::liaison("kim", "police");
    assert!(of(&test, &liaison, &[fresh]).await.unwrap().is_empty());
    assert!(of_clusters(&test, &liaison, &[home]).await.unwrap().is_empty());
    assert!(of(&test, &Actor::Nobody, &[fresh]).await.is_err());
}

async fn all_clusters(test: &Test) -> Vec<ClusterId> {
    test.all::<cluster::Entity>().await.into_iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn who_may_not_train_is_refused_and_too_little_teaches_nothing() {
    let test = Test::new().await;
    test.plant(&[Seed::default()]).await;
    let refused = train(&test, &ana()).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    for actor in [Actor::liaison("kim", "police"), Actor::System("test")] {
        assert!(matches!(train(&test, &actor).await, Err(Error::Forbidden { .. })));
    }
}

#[tokio::test]
async fn lists_without_dates_are_in_an_order_of_chance_whenever_they_were_imported() {
    let test = Test::new().await;
    taught(&test).await;
    for (family, at) in [("Alpha", START), ("Beta", day(1))] {
        #[expect(clippy::disallowed_methods, reason = "a test makes dated sightings undated")]
        sighting::Entity::update_many()
            .col_expr(sighting::Column::SeenAt, Expr::value(None::<i64>))
            .col_expr(sighting::Column::CreatedAt, Expr::value(at))
            .filter(sighting::Column::Family.eq(family))
            .exec(&test.env.db)
            .await
            .unwrap();
    }
    let examples = store::examples(&test.env.db, &ana()).await.unwrap();
    let early = examples[..40].iter().filter(|example| example.family == "Alpha").count();
    assert!((10..=30).contains(&early), "{early} of the first forty");
}
