//! Clusters in the store: what runs find, what people rule, what is told.

use std::collections::BTreeMap;

use entities::{
    ActorRole, ClusterChangeKind, ClusterId, LinkKind, ObservableId, ObservableKind, ObservableState,
    PivotRuling, Tlp, cluster, cluster_change, cluster_member, link, observable, pivot,
};

use super::{kind::PivotKind, recluster, ruling, tell};
use crate::{
    actor::Actor,
    error::Error,
    testing::{START, Seed, Test, ana, lea},
};

/// Names of one registrar each, so that only links tie them.
pub(super) async fn names(test: &Test, count: usize) -> Vec<ObservableId> {
    let texts: Vec<(String, String)> =
        (0..count).map(|at| (format!("n{at:02}.example"), format!("{}", 100 + at))).collect();
    let seeds: Vec<Seed<'_>> =
        texts.iter().map(|(name, registrar)| Seed { name, registrar, ..Seed::default() }).collect();
    test.plant(&seeds).await
}

/// Ties names to one thing, and returns it.
pub(crate) async fn share(test: &Test, names: &[ObservableId], kind: LinkKind, value: &str) -> ObservableId {
    let of = match kind {
        LinkKind::ResolvesTo => ObservableKind::Ipv4Address,
        _ => ObservableKind::RegistrantToken,
    };
    let thing = observable::Model {
        id: test.id(),
        kind: of,
        value: value.into(),
        display: None,
        registrable: None,
        state: ObservableState::Active,
        next_due_at: None,
        observed_at: None,
        created_at: START,
        version: 1,
        operation_id: None,
    };
    let to = thing.id;
    test.insert(vec![thing]).await;
    tie(test, names, kind, to).await;
    to
}

/// Ties names to a thing that is there.
pub(super) async fn tie(test: &Test, names: &[ObservableId], kind: LinkKind, to: ObservableId) {
    let source_id = test.all::<entities::source::Entity>().await[0].id;
    let links = names
        .iter()
        .map(|from| link::Model {
            id: test.id(),
            from_id: *from,
            kind,
            to_id: to,
            source_id,
            first_seen: START,
            last_seen: START,
            count: 1,
            tlp: Tlp::Clear,
        })
        .collect();
    test.insert::<link::Model, _>(links).await;
}

/// Who is with whom, by the cluster.
pub(crate) async fn clusters(test: &Test) -> BTreeMap<ClusterId, Vec<ObservableId>> {
    let mut by: BTreeMap<ClusterId, Vec<ObservableId>> = BTreeMap::new();
    for row in test.all::<cluster_member::Entity>().await {
        by.entry(row.cluster_id).or_default().push(row.observable_id);
    }
    for members in by.values_mut() {
        members.sort();
    }
    by
}

/// Two registrants with three names each.
async fn two(test: &Test) -> (Vec<ObservableId>, ClusterId, ClusterId) {
    let ids = names(test, 6).await;
    share(test, &ids[..3], LinkKind::RegisteredTo, "one@inbox.example").await;
    share(test, &ids[3..], LinkKind::RegisteredTo, "two@inbox.example").await;
    recluster(test, &lea()).await.unwrap();
    let found = clusters(test).await;
    let of = |member: ObservableId| *found.iter().find(|(_, members)| members.contains(&member)).unwrap().0;
    let (one, two) = (of(ids[0]), of(ids[3]));
    assert_eq!((found.len(), &found[&one][..], &found[&two][..]), (2, &ids[..3], &ids[3..]));
    (ids, one, two)
}

#[tokio::test]
async fn rulings_survive_every_run_and_say_who_and_why() {
    let test = Test::new().await;
    let (ids, one, two) = two(&test).await;
    ruling::pin(&test, &ana(), one, &ids[5..], "same builds").await.unwrap();
    ruling::bar(&test, &ana(), one, &ids[..1], "a victim's page").await.unwrap();
    ruling::name(&test, &ana(), one, "North", "its panel says so").await.unwrap();
    ruling::judge(&test, &ana(), two, true, "seen in three reports").await.unwrap();
    for _ in 0..2 {
        let found = clusters(&test).await;
        assert_eq!(found[&one], [ids[1], ids[2], ids[5]]);
        assert_eq!(found[&two], [ids[3], ids[4]]);
        recluster(&test, &lea()).await.unwrap();
    }
    let row = test
        .all::<cluster_member::Entity>()
        .await
        .into_iter()
        .find(|row| row.observable_id == ids[5])
        .unwrap();
    assert_eq!(row.reasons[0]["value"], "ana: same builds");
    let named = test.all::<cluster::Entity>().await.into_iter().find(|row| row.id == one).unwrap();
    assert_eq!((named.name.as_str(), named.size), ("North", 3));
    let verbs: Vec<String> =
        test.all::<entities::audit_event::Entity>().await.into_iter().map(|event| event.verb).collect();
    for verb in ["pinned", "barred", "named", "accepted"] {
        assert!(verbs.iter().any(|other| other == verb), "{verbs:?}");
    }
    // Withdrawn, the evidence decides again.
    ruling::withdraw(&test, &ana(), one, &[ids[0], ids[5]], "was wrong").await.unwrap();
    recluster(&test, &lea()).await.unwrap();
    assert_eq!(clusters(&test).await[&one], ids[..3]);
}

#[tokio::test]
async fn a_merger_and_a_split_survive_and_newcomers_follow() {
    let test = Test::new().await;
    let (ids, one, two) = two(&test).await;
    ruling::merge(&test, &ana(), two, one, "one panel serves both").await.unwrap();
    recluster(&test, &lea()).await.unwrap();
    assert_eq!(clusters(&test).await, BTreeMap::from([(one, ids.clone())]));
    let new = ruling::split(&test, &ana(), one, &ids[..2], "another panel").await.unwrap();
    recluster(&test, &lea()).await.unwrap();
    let found = clusters(&test).await;
    assert_eq!(found[&new], ids[..2]);
    assert_eq!(found[&one], ids[2..]);
}

#[tokio::test]
async fn a_split_of_most_members_leaves_the_others_where_they_were() {
    let test = Test::new().await;
    let ids = names(&test, 6).await;
    share(&test, &ids, LinkKind::RegisteredTo, "one@inbox.example").await;
    recluster(&test, &lea()).await.unwrap();
    let one = *clusters(&test).await.keys().next().unwrap();
    let new = ruling::split(&test, &ana(), one, &ids[..4], "another panel").await.unwrap();
    recluster(&test, &lea()).await.unwrap();
    let found = clusters(&test).await;
    assert_eq!((&found[&new][..], &found[&one][..]), (&ids[..4], &ids[4..]));
}

#[tokio::test]
async fn rulings_that_could_do_nothing_are_refused() {
    let test = Test::new().await;
    let (ids, one, _) = two(&test).await;
    let twice = ruling::pin(&test, &ana(), one, &[ids[3], ids[3]], "why").await;
    assert!(matches!(twice, Err(Error::Invalid { .. })), "{twice:?}");
    for kind in [PivotKind::Burst, PivotKind::Day, PivotKind::Link] {
        let refused = ruling::pivot(&test, &ana(), kind, "x", PivotRuling::Excluded, "why").await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_parked_explains_nothing() {
    let test = Test::new().await;
    let ids = names(&test, 60).await;
    share(&test, &ids, LinkKind::ResolvesTo, "192.0.2.80").await;
    share(&test, &ids[..3], LinkKind::RegisteredTo, "one@inbox.example").await;
    recluster(&test, &lea()).await.unwrap();
    let one = *clusters(&test).await.keys().next().unwrap();
    // Within the three alone the address would be rare.
    let leaving =
        tell::would_leave(&test, &ana(), one, PivotKind::Registrant, "one@inbox.example").await.unwrap();
    assert_eq!(leaving.len(), 2, "all but the core");
    let told = tell::explain(&test, &ana(), ids[2], Some(one)).await.unwrap();
    assert!(told.path.iter().all(|step| step.by.as_ref().is_some_and(|by| by.kind == PivotKind::Registrant)));
}

#[tokio::test]
async fn who_does_not_see_everything_is_told_no_reasons_hubs_or_hidden_members() {
    let test = Test::new().await;
    let hidden =
        Seed { name: "hidden.example", registrar: "997", tlp: entities::Tlp::Red, ..Seed::default() };
    let open = names(&test, 2).await;
    let secret = test.plant(&[hidden]).await[0];
    share(&test, &[open[0], open[1], secret], LinkKind::RegisteredTo, "one@inbox.example").await;
    recluster(&test, &lea()).await.unwrap();
    let one = *clusters(&test).await.keys().next().unwrap();
    let members = async |actor: &Actor| {
        crate::reads::cases::members(&test, actor, &[one]).await.unwrap().remove(&one).unwrap()
    };
    assert_eq!(members(&ana()).await.len(), 3);
    let liaison = Actor::liaison("kim", "police");
    let seen = members(&liaison).await;
    assert_eq!(seen.iter().map(|row| row.observable_id).collect::<Vec<_>>(), open);
    assert!(seen.iter().all(|row| row.reasons == serde_json::json!([])), "{seen:?}");
    ruling::pivot(&test, &ana(), PivotKind::Registrant, "one@inbox.example", PivotRuling::Trusted, "why")
        .await
        .unwrap();
    let page = crate::reads::Page::first(10);
    assert_eq!(tell::pivots(&test, &ana(), page).await.unwrap().rows.len(), 1);
    assert!(tell::pivots(&test, &liaison, page).await.unwrap().rows.is_empty());
    assert!(tell::changes(&test, &liaison, &[one], page).await.unwrap()[&one].rows.is_empty());
}

#[tokio::test]
async fn history_tells_what_became_of_a_cluster() {
    let test = Test::new().await;
    let (ids, one, _) = two(&test).await;
    let more = names_after(&test, &ids).await;
    share(&test, &[ids[0], ids[1], ids[2], more], LinkKind::RegisteredTo, "three@inbox.example").await;
    recluster(&test, &lea()).await.unwrap();
    let told: Vec<_> = test
        .all::<cluster_change::Entity>()
        .await
        .into_iter()
        .filter(|row| row.cluster_id == one)
        .map(|row| (row.kind, row.joined, row.departed, row.size))
        .collect();
    assert_eq!(told, [(ClusterChangeKind::Appeared, 3, 0, 3), (ClusterChangeKind::Grew, 1, 0, 4)]);
    // A run that changes nothing writes nothing.
    let events = test.all::<entities::audit_event::Entity>().await.len();
    recluster(&test, &lea()).await.unwrap();
    assert_eq!(test.all::<entities::audit_event::Entity>().await.len(), events);
}

async fn names_after(test: &Test, _: &[ObservableId]) -> ObservableId {
    test.plant(&[Seed { name: "late.example", registrar: "999", ..Seed::default() }]).await[0]
}

#[tokio::test]
async fn hubs_are_parked_visibly_and_people_may_exclude_and_trust() {
    let test = Test::new().await;
    let ids = names(&test, 60).await;
    share(&test, &ids, LinkKind::ResolvesTo, "192.0.2.80").await;
    share(&test, &ids[..2], LinkKind::RegisteredTo, "one@inbox.example").await;
    let report = recluster(&test, &lea()).await.unwrap();
    assert_eq!((report.clusters, report.members, report.hubs.len()), (1, 2, 1));
    let hub = test.all::<pivot::Entity>().await.remove(0);
    assert_eq!((hub.value.as_str(), hub.shared_by, hub.parked_at), ("192.0.2.80", 60, Some(START)));
    let rule = async |kind, value, what| {
        ruling::pivot(&test, &ana(), kind, value, what, "we know it").await.unwrap();
        recluster(&test, &lea()).await.unwrap()
    };
    let report = rule(PivotKind::Registrant, "one@inbox.example", PivotRuling::Excluded).await;
    assert_eq!(report.clusters, 0);
    let report = rule(PivotKind::Address, "192.0.2.80", PivotRuling::Trusted).await;
    assert_eq!((report.clusters, report.members), (1, 60));
    let report = rule(PivotKind::Address, "192.0.2.80", PivotRuling::Unruled).await;
    assert_eq!(report.clusters, 0);
}

#[tokio::test]
async fn an_explanation_leads_to_the_core() {
    let test = Test::new().await;
    let ids = names(&test, 4).await;
    share(&test, &ids[..3], LinkKind::RegisteredTo, "one@inbox.example").await;
    share(&test, &ids[2..], LinkKind::RegisteredTo, "two@inbox.example").await;
    recluster(&test, &lea()).await.unwrap();
    let told = tell::explain(&test, &ana(), ids[3], None).await.unwrap();
    let path: Vec<_> = told.path.iter().map(|step| (step.from.as_str(), step.to.as_str())).collect();
    assert_eq!(path, [("n03.example", "n02.example")]);
    assert_eq!(told.path[0].by.as_ref().unwrap().value, "two@inbox.example");
    assert_eq!(told.reasons[0]["kind"], "registrant");
    let leaving = tell::would_leave(&test, &ana(), told.cluster, PivotKind::Registrant, "two@inbox.example")
        .await
        .unwrap();
    assert_eq!(leaving, ids[3..]);
}

#[tokio::test]
async fn a_name_without_a_family_among_known_ones_is_likely_next() {
    let test = Test::new().await;
    let known = names(&test, 2).await;
    let seed = Seed { name: "fresh.example", registrar: "998", family: "", ..Seed::default() };
    let fresh = test.plant(&[seed]).await[0];
    share(&test, &[known[0], known[1], fresh], LinkKind::RegisteredTo, "one@inbox.example").await;
    recluster(&test, &lea()).await.unwrap();
    let page = tell::likely_next(&test, &ana(), 10, None).await.unwrap();
    let likely = &page.rows[0];
    assert_eq!((page.rows.len(), likely.observable, likely.family.as_str()), (1, fresh, "Lumma Stealer"));
    assert!(likely.weight > 1_000 && !page.more && !page.truncated);
    let after = Some((likely.weight, likely.observable));
    assert!(tell::likely_next(&test, &ana(), 10, after).await.unwrap().rows.is_empty());
    assert!(tell::likely_next(&test, &ana(), 0, None).await.is_err());
}

#[tokio::test]
async fn who_may_not_rule_is_refused() {
    let test = Test::new().await;
    let (ids, one, _) = two(&test).await;
    for actor in [Actor::person("lin", ActorRole::Liaison), Actor::person("adm", ActorRole::Admin)] {
        let refused = ruling::pin(&test, &actor, one, &ids[3..4], "why").await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
    }
    assert!(matches!(ruling::judge(&test, &ana(), one, true, " ").await, Err(Error::Invalid { .. })));
    let unknown = ruling::bar(&test, &ana(), one, &[ObservableId(uuid::Uuid::nil())], "why").await;
    assert!(matches!(unknown, Err(Error::NotFound { .. })), "{unknown:?}");
}
