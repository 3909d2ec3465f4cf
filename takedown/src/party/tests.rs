//! The directory with small lists; the real ones are read in the flows, on both databases.

use entities::{ActorRole, ClaimField, PartyKind, Standing};

use super::*;
use crate::{
    access::Action,
    actor::Actor,
    audit,
    error::Error,
    reads::Page,
    testing::{Test, ana, lea},
};

const ONE: &str = "iana_id,name,link,email,form,api,notes,found,as_of\n\
    64496,Example Registrar,http://registrar.example,\"safe@registrar.example\nabuse@registrar.example\",,,,TRUE,2025-07-22\n\
    64497,Other Registrar,,https://other.example/abuse,(1) form：https://other.example/form,,,TRUE,2025-07-23\n\
    x,Nobody,,,,,,FALSE,2025-07-23\n\
    64498,Broken,,abuse@@broken.example,,,Unable to locate,FALSE,\n";

async fn load_list(test: &Test, source: &str, text: &str) -> LoadReport {
    let given = Given { source, bytes: text.as_bytes(), replace: false };
    load(test, &lea(), given).await.expect("a list")
}

fn values(claims: &[entities::party_claim::Model], field: ClaimField) -> Vec<&str> {
    claims.iter().filter(|claim| claim.field == field).map(|claim| claim.value.as_str()).collect()
}

async fn said(test: &Test, key: &str) -> Vec<entities::party_claim::Model> {
    let party = by_key(test, &ana(), key).await.expect("a party");
    claims(test, &ana(), &[party.id]).await.expect("claims").remove(&party.id).unwrap_or_default()
}

#[tokio::test]
async fn what_reads_is_kept_and_what_does_not_is_a_remark() {
    let test = Test::new().await;
    let report = load_list(&test, "list.csv", ONE).await;
    assert_eq!((report.entries, report.parties), (4, 3), "{report:?}");
    let told: Vec<_> = report.remarks.iter().map(|remark| (remark.entry, &remark.message[..5])).collect();
    assert_eq!(told, [(3, "`x` i"), (4, "email")], "{report:?}");
    let one = said(&test, "iana:64496").await;
    assert_eq!(values(&one, ClaimField::Email), ["abuse@registrar.example", "safe@registrar.example"]);
    let other = said(&test, "iana:64497").await;
    assert_eq!(
        values(&other, ClaimField::Form),
        ["https://other.example/abuse", "https://other.example/form"]
    );
    assert!(values(&other, ClaimField::Email).is_empty());
    let ledger = audit::tail(&test.db, &lea(), 1).await.expect("the ledger");
    assert_eq!(
        (ledger[0].verb.as_str(), ledger[0].subject.as_str()),
        ("load_parties", "party_source:list.csv")
    );
}

#[tokio::test]
async fn loading_again_changes_nothing_and_a_newer_list_withdraws_only_its_own_words() {
    let test = Test::new().await;
    load_list(&test, "a.csv", ONE).await;
    let again = load_list(&test, "a.csv", ONE).await;
    assert_eq!((again.parties, again.claims, again.withdrawn), (0, 0, 0), "{again:?}");
    load_list(&test, "b.csv", ONE).await;
    let newer = ONE.replace("safe@registrar.example\n", "").replace("2025-07-22", "2026-01-01");
    let newer = load_list(&test, "a.csv", &newer).await;
    assert_eq!((newer.claims, newer.withdrawn), (0, 1), "{newer:?}");
    let one = said(&test, "iana:64496").await;
    let state = |source: &str| {
        let found = one.iter().find(|c| c.source == source && c.value == "safe@registrar.example");
        found.map(|claim| claim.withdrawn_at.is_some())
    };
    assert_eq!((state("a.csv"), state("b.csv")), (Some(true), Some(false)));
    let dated = one.iter().find(|c| c.source == "a.csv" && c.value == "abuse@registrar.example");
    assert_eq!(dated.and_then(|c| c.as_of).map(|at| at.to_string()).as_deref(), Some("2026-01-01T00:00:00Z"));
    let back = load_list(&test, "a.csv", ONE).await;
    assert_eq!((back.claims, back.withdrawn), (1, 0), "said again: {back:?}");
}

#[tokio::test]
async fn half_a_file_withdraws_nothing_unless_it_is_meant() {
    let test = Test::new().await;
    load_list(&test, "a.csv", ONE).await;
    let half = ONE.lines().next().expect("a head").to_owned() + "\n";
    let given = Given { source: "a.csv", bytes: half.as_bytes(), replace: false };
    assert!(matches!(load(&test, &lea(), given.clone()).await, Err(Error::Invalid { .. })));
    assert!(said(&test, "iana:64496").await.iter().all(|claim| claim.withdrawn_at.is_none()));
    let report = load(&test, &lea(), Given { replace: true, ..given }).await.expect("meant");
    assert!(report.withdrawn > 5, "{report:?}");
}

#[tokio::test]
async fn sources_that_disagree_stand_side_by_side() {
    let test = Test::new().await;
    let list = |email: &str, name: &str| {
        format!("country,name,website,email,origin\nAT,{name},https://cert.example/,{email},a book\n")
    };
    load_list(&test, "a.csv", &list("team@cert.example", "CERT.example")).await;
    load_list(&test, "b.csv", &list("reports@cert.example", "CERT EXAMPLE")).await;
    let both = said(&test, "csirt:at:cert.example").await;
    let found = conflicts(&both);
    assert_eq!(found.len(), 1, "names differ by punctuation only: {found:?}");
    let positions: Vec<_> = found[0].positions.iter().map(|p| (p.source.as_str(), p.values.len())).collect();
    assert_eq!((found[0].field, positions), (ClaimField::Email, vec![("a.csv", 1), ("b.csv", 1)]));
    // Who says more agrees with who says less.
    load_list(
        &test,
        "b.csv",
        &(list("reports@cert.example", "CERT") + "AT,CERT,,team@cert.example,a book\n"),
    )
    .await;
    assert!(
        conflicts(&said(&test, "csirt:at:cert.example").await).iter().all(|c| c.field != ClaimField::Email)
    );
}

#[tokio::test]
async fn our_own_shape_tells_what_no_list_has() {
    let test = Test::new().await;
    let own = r#"{"parties": [
        {"key": "agency:de:example", "kind": "law_enforcement", "name": "Example Police", "country": "DE",
         "as_of": "2026-11-01",
         "says": {"law_enforcement_email": "cyber@police.example", "language": ["de", "en"], "holiday": "12-25",
                  "office_hours": "24/7", "prefers": "email", "notifies_registrant": "no", "colour": "blue"}},
        {"key": "iana:1", "kind": "csirt", "name": "wrong"},
        {"key": "Agency", "kind": "law_enforcement", "name": "wrong"},
        {"key": "agency:x", "kind": "law_enforcement", "name": "wrong", "country": "ZZ"},
        {"key": "agency:y", "kind": "office", "name": "wrong"}]}"#;
    let report = load_list(&test, "own", own).await;
    assert_eq!((report.entries, report.parties, report.remarks.len()), (5, 1, 5), "{report:?}");
    assert_eq!(values(&said(&test, "agency:de:example").await, ClaimField::Language), ["de", "en"]);
    // A key belongs to one kind for good.
    let other = own.replacen("law_enforcement", "government", 1);
    let report = load_list(&test, "other", &other).await;
    assert_eq!((report.parties, report.claims), (0, 0), "{report:?}");
}

#[tokio::test]
async fn what_is_no_list_is_refused_with_what_would_be() {
    let test = Test::new().await;
    let number = r#"{"publication": "2016-09-08T18:00:00Z", "services": [[["192.0.2.0/24"], ["https://rdap.example/"]]]}"#;
    for (text, why) in [
        ("", "no shape"),
        ("a,b\n1,2\n", "no shape"),
        ("[]", "no shape"),
        ("{", "EOF"),
        ("<registry id=\"x\"/>", "no shape"),
        ("<registry", "xml"),
        (number, "not that for domain names"),
    ] {
        let given = Given { source: "x", bytes: text.as_bytes(), replace: false };
        let refused = load(&test, &lea(), given).await.expect_err(text).to_string();
        assert!(refused.contains(why) || why == "xml", "{text}: {refused}");
    }
    let given = Given { source: "x", bytes: b"\xff\xfe", replace: false };
    assert!(load(&test, &lea(), given).await.is_err());
}

#[tokio::test]
async fn everyone_signed_in_reads_the_directory_and_leads_and_administrators_load_it() {
    let test = Test::new().await;
    let admin = Actor::person("root", ActorRole::Admin);
    let given = || Given { source: "a.csv", bytes: ONE.as_bytes(), replace: false };
    for actor in [ana(), Actor::liaison("kim", "police"), Actor::Nobody, Actor::System("test")] {
        assert!(load(&test, &actor, given()).await.is_err(), "{actor}");
    }
    load(&test, &admin, given()).await.expect("an administrator loads");
    let filter =
        PartyFilter { kinds: vec![PartyKind::Registrar], text: Some("OTHER_".into()), country: None };
    assert!(
        list(&test, &admin, &filter, Page::first(5)).await.expect("a page").rows.is_empty(),
        "no wildcard"
    );
    let filter = PartyFilter { text: Some("OTHER R".into()), ..filter };
    assert_eq!(list(&test, &admin, &filter, Page::first(5)).await.expect("a page").rows.len(), 1);
    let kim = Actor::liaison("kim", "police");
    assert!(by_key(&test, &kim, "iana:64496").await.is_ok());
    let nobody = by_key(&test, &Actor::Nobody, "iana:64496").await;
    assert!(matches!(nobody, Err(Error::Unauthenticated)));
    assert!(Action::ALL.contains(&Action::ReadDirectory));
}

#[tokio::test]
async fn the_circle_is_built_in_and_people_extend_it() {
    let test = Test::new().await;
    let count = |rows: &[CircleCountry], standing| rows.iter().filter(|row| row.standing == standing).count();
    let rows = circle(&test, &ana()).await.expect("the circle");
    let counts = [Standing::Member, Standing::Candidate, Standing::Efta, Standing::Partner];
    assert_eq!(counts.map(|standing| count(&rows, standing)), [27, 9, 4, 3]);
    load_list(
        &test,
        "a.csv",
        "country,name,website,email,origin\nAT,CERT,,team@cert.example,a\nJP,CERT,,a@cert.example,a\n",
    )
    .await;
    let austrian = by_key(&test, &ana(), "csirt:at:cert.example").await.expect("a team");
    let (at, jp): (Country, Country) = ("AT".parse().expect("a code"), "JP".parse().expect("a code"));
    assert!(circle::set(&test, &ana(), at, None, Some(austrian.id)).await.is_err(), "an analyst may not");
    let foreign = circle::set(&test, &lea(), jp, None, Some(austrian.id)).await;
    assert!(matches!(foreign, Err(Error::Invalid { .. })), "a party receives the share of its own country");
    circle::set(&test, &lea(), at, None, Some(austrian.id)).await.expect("set");
    circle::set(&test, &lea(), jp, None, None).await.expect("added");
    let mc = "MC".parse().expect("a code");
    circle::set(&test, &lea(), mc, Some(Standing::Left), None).await.expect("taken out");
    let rows = circle(&test, &ana()).await.expect("the circle");
    let of = |country| rows.iter().find(|row| row.country == country);
    let austria = of(at).expect("a member");
    assert_eq!((austria.standing, austria.receiver.as_ref()), (Standing::Member, Some(&austrian)));
    assert_eq!(of(jp).map(|row| (row.standing, row.candidates.len())), Some((Standing::Partner, 1)));
    assert!(of(mc).is_none());
}
