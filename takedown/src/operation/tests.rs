mod apart;
mod noted;
mod readers;

use std::collections::BTreeMap;

use entities::{
    ActorRole, LineVerdict, LinkKind, ObservableKind, PartyKind, Timestamp, audit_event, cluster,
    import_line, observable, party, person, sighting,
};
use sea_orm::ActiveValue::{Set, Unchanged};

use super::*;
use crate::{
    actor::Knows,
    intake::{self, ImportReport, ImportRequest, Progress, format::Format},
    people::{NewPerson, person as people},
    reads::{
        cases,
        observables::{self, ObservableFilter},
    },
    testing::{Seed, Test},
};

/// A person with an account, of a party or of none.
async fn account(test: &Test, name: &str, role: ActorRole, party: Option<PartyId>) -> Actor {
    let root = Actor::person("root", ActorRole::Admin);
    let new = NewPerson { name: name.into(), full_name: None, role, party, clearance: None };
    let row: person::Model = people::create(test, &root, new).await.unwrap();
    people::actor(&test.db, row.id).await.unwrap()
}

async fn agency(test: &Test, key: &str) -> PartyId {
    let row = party::Model {
        id: test.id(),
        key: key.into(),
        kind: PartyKind::ALL[0],
        name: key.into(),
        country: None,
        created_at: Timestamp(0),
    };
    test.insert(vec![row.clone()]).await;
    row.id
}

fn sealed(name: &str) -> NewOperation {
    NewOperation {
        name: name.into(),
        tlp: Tlp::Clear,
        pap: Pap::Clear,
        handling: Handling::H0,
        sealed: true,
        members: Vec::new(),
    }
}

/// Imports a text; the report, and the verdict and reason of each line.
async fn import(
    test: &Test,
    actor: &Actor,
    operation: Option<OperationId>,
    text: &'static str,
) -> Result<(ImportReport, Vec<(LineVerdict, String)>), Error> {
    let request = ImportRequest {
        source: "a source".into(),
        name: "-".into(),
        family: Some("lumma".into()),
        role: None,
        tlp: Tlp::Green,
        pap: Pap::Green,
        handling: Handling::H0,
        operation,
        dry_run: false,
    };
    let mut lines = Vec::new();
    let report = intake::import(test, actor, &request, Format::Auto, text.as_bytes(), |progress| {
        if let Progress::Line { verdict, reason, .. } = progress {
            lines.push((verdict, reason.to_owned()));
        }
    });
    let report = report.await?;
    Ok((report, lines))
}

#[tokio::test]
async fn what_only_a_sealed_operation_holds_is_imported_as_if_it_were_new() {
    const LINES: &str = "evil-one.com\nhttps://www.evil-two.com/gate\nevil-one.com\n";
    let (alone, test) = (Test::new().await, Test::new().await);
    let (ana, lea) =
        (Actor::person("ana", ActorRole::Analyst), account(&test, "lea", ActorRole::Lead, None).await);
    let operation = create(&test, &lea, sealed("Magnus")).await.unwrap().id;
    import(&test, &lea, Some(operation), LINES).await.unwrap();
    test.advance(std::time::Duration::from_secs(3_600));
    alone.advance(std::time::Duration::from_secs(3_600));

    let (report, lines) = import(&test, &ana, None, LINES).await.unwrap();
    let (expected, expected_lines) = import(&alone, &ana, None, LINES).await.unwrap();
    assert_eq!(lines, expected_lines);
    assert_eq!(ImportReport { id: expected.id, ..report.clone() }, expected);
    assert_eq!((report.accepted, report.duplicate, report.observables), (2, 1, expected.observables));

    // Not even by when it came, or whether somebody looked.
    let page = Page { total: true, ..Page::first(100) };
    let all = ObservableFilter::default();
    let seen = observables::list(&test, &ana, &all, page).await.unwrap();
    let other = observables::list(&alone, &ana, &all, page).await.unwrap();
    let told =
        |row: &observable::Model| (row.kind, row.value.clone(), row.state, row.created_at, row.version);
    let mut rows = [&seen, &other].map(|slice| slice.rows.iter().map(told).collect::<Vec<_>>());
    rows.iter_mut().for_each(|rows| rows.sort_by(|a, b| a.1.cmp(&b.1)));
    assert_eq!(rows[0], rows[1]);
    assert_eq!(seen.total, other.total);
    assert!(seen.rows.iter().all(|row| row.operation_id.is_none()));

    // Who knows of both has both, and says which is which.
    let both = observables::named(&test, &lea, "evil-one.com").await.unwrap();
    assert_eq!(both.iter().filter(|row| row.operation_id == Some(operation)).count(), 1);
    assert_eq!(both.len(), 2);
    let kind = ObservableKind::DomainName;
    let first = observables::by_value(&test, &lea, kind, "evil-one.com").await.unwrap();
    assert_eq!(first.operation_id, None);
    // And a second time, in the operation, it is known from there.
    let (again, lines) = import(&test, &lea, Some(operation), LINES).await.unwrap();
    assert_eq!((again.accepted, again.duplicate), (0, 3), "{lines:?}");
    assert!(test.all::<import_line::Entity>().await.iter().all(|row| row.verdict == LineVerdict::Duplicate));
}

#[tokio::test]
async fn what_is_brought_into_an_operation_is_marked_at_least_as_it_is() {
    let test = Test::new().await;
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let new = NewOperation { tlp: Tlp::Red, pap: Pap::Amber, handling: Handling::H2, ..sealed("Magnus") };
    let operation = create(&test, &lea, new).await.unwrap().id;
    import(&test, &lea, Some(operation), "evil-one.com\n").await.unwrap();
    let sightings = test.all::<entities::sighting::Entity>().await;
    let marked = |row: &entities::sighting::Model| (row.tlp, row.pap, row.handling);
    assert_eq!(marked(&sightings[0]), (Tlp::Red, Pap::Amber, Handling::H2));
    assert_eq!(sightings[0].operation_id, Some(operation));
}

#[tokio::test]
async fn only_members_know_of_a_sealed_operation_and_of_what_belongs_to_it() {
    let test = Test::new().await;
    let bka = agency(&test, "agency:de:bka").await;
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let ana = account(&test, "ana", ActorRole::Analyst, None).await;
    let kim = account(&test, "kim", ActorRole::Liaison, Some(bka)).await;
    let max = account(&test, "max", ActorRole::Lead, None).await;
    let row = create(&test, &lea, sealed("Magnus")).await.unwrap();
    import(&test, &lea, Some(row.id), "evil-one.com\n").await.unwrap();
    let knows = async |actor: &Actor| {
        let things = observables::named(&test, actor, "evil-one.com").await.unwrap().len();
        let page = Page { total: true, ..Page::first(10) };
        let total = list(&test, actor, page).await.unwrap().total;
        let by_id = by_id(&test, actor, row.id).await;
        assert_eq!(total == Some(1), by_id.is_ok());
        if let Err(error) = by_id {
            assert!(matches!(error, Error::NotFound { .. }), "{error}");
        }
        assert_eq!(total == Some(1), things == 1);
        total == Some(1)
    };
    let who = |actor: &Actor| Who::Person(actor.account().unwrap());
    assert_eq!([knows(&lea).await, knows(&ana).await, knows(&kim).await], [true, false, false]);
    // Not even to be told that one may not.
    assert!(matches!(add(&test, &max, row.id, who(&max)).await, Err(Error::NotFound { .. })));
    assert!(matches!(seal(&test, &max, row.id).await, Err(Error::NotFound { .. })));
    assert!(matches!(import(&test, &ana, Some(row.id), "x.com\n").await, Err(Error::NotFound { .. })));

    add(&test, &lea, row.id, who(&ana)).await.unwrap();
    add(&test, &lea, row.id, Who::Party(bka)).await.unwrap();
    assert_eq!([knows(&ana).await, knows(&kim).await, knows(&max).await], [true, true, false]);
    // A member who is an analyst works in it and manages nothing.
    assert!(matches!(remove(&test, &ana, row.id, Who::Party(bka)).await, Err(Error::Forbidden { .. })));
    import(&test, &ana, Some(row.id), "evil-three.com\n").await.unwrap();
    // A liaison manages it, and does not lift a seal that is another's.
    assert!(matches!(unseal(&test, &kim, row.id).await, Err(Error::Forbidden { .. })));
    remove(&test, &kim, row.id, who(&ana)).await.unwrap();
    assert_eq!([knows(&ana).await, knows(&kim).await], [false, true]);

    unseal(&test, &lea, row.id).await.unwrap();
    assert_eq!([knows(&ana).await, knows(&max).await], [true, true]);
    // Everybody reads, and members bring in.
    assert!(matches!(import(&test, &max, Some(row.id), "x.com\n").await, Err(Error::Forbidden { .. })));
    seal(&test, &lea, row.id).await.unwrap();
    assert_eq!([knows(&ana).await, knows(&kim).await], [false, true]);
    remove(&test, &lea, row.id, Who::Party(bka)).await.unwrap();
    assert!(matches!(remove(&test, &lea, row.id, who(&lea)).await, Err(Error::Conflict { .. })));
    let chain = audit::verify(&test.db, None).await.unwrap();
    assert!(matches!(chain, audit::Chain::Intact { .. }), "{chain:?}");
}

#[tokio::test]
async fn an_operation_has_a_member_and_a_label_that_its_maker_reads() {
    let test = Test::new().await;
    let bka = agency(&test, "agency:de:bka").await;
    let kim = account(&test, "kim", ActorRole::Liaison, Some(bka)).await;
    let ana = account(&test, "ana", ActorRole::Analyst, None).await;
    assert!(matches!(create(&test, &ana, sealed("Magnus")).await, Err(Error::Forbidden { .. })));
    let red = NewOperation { tlp: Tlp::Red, ..sealed("Magnus") };
    assert!(matches!(create(&test, &kim, red).await, Err(Error::Invalid { .. })));
    let program = Actor::person("a program", ActorRole::Lead);
    assert!(matches!(create(&test, &program, sealed("Magnus")).await, Err(Error::Invalid { .. })));
    assert!(matches!(create(&test, &kim, sealed(" ")).await, Err(Error::Invalid { .. })));
    let row = create(&test, &kim, sealed("Magnus")).await.unwrap();
    assert_eq!(row.owner_id, Some(bka));
    // Its owner lifts the seal, whoever of it; and the local operator, who has the database.
    let lou = account(&test, "lou", ActorRole::Liaison, Some(bka)).await;
    add(&test, &kim, row.id, Who::Party(bka)).await.unwrap();
    assert!(unseal(&test, &lou, row.id).await.unwrap().sealed_at.is_none());
    let operator = Actor::operator("root", ActorRole::Lead);
    assert!(seal(&test, &operator, row.id).await.unwrap().sealed_at.is_some());
    assert!(unseal(&test, &operator, row.id).await.unwrap().sealed_at.is_none());
    assert!(matches!(add(&test, &kim, row.id, Who::Party(test.id())).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_token_for_an_operation_reads_and_adds_to_nothing_else() {
    let test = Test::new().await;
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let (one, two) = (
        create(&test, &lea, sealed("One")).await.unwrap().id,
        create(&test, &lea, sealed("Two")).await.unwrap().id,
    );
    for (operation, text) in
        [(None, "evil-none.com\n"), (Some(one), "evil-one.com\n"), (Some(two), "evil-two.com\n")]
    {
        import(&test, &lea, operation, text).await.unwrap();
    }
    let Actor::Person { name, role, agency, id, clearance, only, trail, .. } = lea.clone() else { return };
    let knows = Knows::Only([one].into());
    let token = Actor::Person { name, role, agency, id, clearance, only, knows, trail };
    let values = async |actor: &Actor| {
        let page =
            observables::list(&test, actor, &ObservableFilter::default(), Page::first(100)).await.unwrap();
        page.rows
            .into_iter()
            .map(|row| row.value)
            .filter(|value| value.starts_with("evil"))
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&lea).await.len(), 3);
    assert_eq!(values(&token).await, ["evil-one.com"]);
    assert!(matches!(import(&test, &token, None, "x.com\n").await, Err(Error::Forbidden { .. })));
    assert!(matches!(import(&test, &token, Some(two), "x.com\n").await, Err(Error::NotFound { .. })));
    import(&test, &token, Some(one), "evil-four.com\n").await.unwrap();
    assert!(matches!(create(&test, &token, sealed("Three")).await, Err(Error::Forbidden { .. })));
    for act in [Action::ManageJobs, Action::ManageParties, Action::TrainAttribution] {
        assert!(access::check(&lea, act, Subject::System).is_ok());
        assert!(access::check(&token, act, Subject::System).is_err(), "{act:?}: it is for one operation");
    }
    let more = crate::token::OwnToken { label: "more".into(), ..Default::default() };
    assert!(matches!(crate::token::create_own(&test, &token, more).await, Err(Error::Invalid { .. })));
    let page = Page::first(10);
    assert_eq!(list(&test, &token, page).await.unwrap().rows.len(), 1);
    assert!(cases::clusters(&test, &token, None, page).await.unwrap().rows.is_empty());
}

#[tokio::test]
async fn what_is_read_of_a_sealed_operation_is_one_event_a_request_and_for_its_members_only() {
    let test = Test::new().await;
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let max = account(&test, "max", ActorRole::Lead, None).await;
    let (shut, open) = (
        create(&test, &lea, sealed("Shut")).await.unwrap().id,
        create(&test, &lea, NewOperation { sealed: false, ..sealed("Open") }).await.unwrap().id,
    );
    import(&test, &lea, Some(shut), "evil-one.com\nevil-two.com\n").await.unwrap();
    import(&test, &lea, Some(open), "evil-three.com\n").await.unwrap();
    let reads = async || {
        let events = test.all::<audit_event::Entity>().await;
        let reads = events.into_iter().filter(|event| event.verb == "read_operation");
        reads.map(|event| (event.actor, event.operation_id)).collect::<Vec<_>>()
    };
    let all = ObservableFilter::default();
    for actor in [&lea, &max] {
        let request = actor.clone().afresh();
        let mut known = std::collections::BTreeSet::new();
        for _ in 0..2 {
            observables::list(&test, &request, &all, Page::first(100)).await.unwrap();
            record_reads(&test, &request, &mut known).await.unwrap();
        }
    }
    assert_eq!(reads().await, [(lea.to_string(), Some(shut))]);

    // In the ledger, too, a sealed operation is there for its members only.
    let filter = audit::ActivityFilter::default();
    let events = async |actor: &Actor| {
        let slice = audit::activity(&test, actor, &filter, 500, None, true).await.unwrap();
        assert_eq!(slice.total, Some(slice.rows.len() as u64));
        slice.rows.iter().filter(|event| event.operation_id == Some(shut)).count()
    };
    assert_eq!((events(&lea).await, events(&max).await), (4, 0));
    let heard = crate::reads::feed::after(&test, &max, 0).await.unwrap().0.len();
    assert_eq!(crate::reads::feed::after(&test, &lea, 0).await.unwrap().0.len(), heard + 1);

    // What is sealed while somebody goes on listening is written down from then on.
    let listening = lea.clone().afresh();
    let mut known = std::collections::BTreeSet::from([shut]);
    for sealing in [true, false] {
        observables::list(&test, &listening, &all, Page::first(100)).await.unwrap();
        record_reads(&test, &listening, &mut known).await.unwrap();
        if sealing {
            seal(&test, &lea, open).await.unwrap();
        }
    }
    assert_eq!(reads().await, [(lea.to_string(), Some(shut)), (lea.to_string(), Some(open))]);
}

/// Three names that share a registrant and a registrar, in an operation or in none.
async fn plant(test: &Test, of: Option<OperationId>) -> Vec<entities::ObservableId> {
    let names = ["n0.example", "n1.example", "n2.example"];
    let seeds = names.map(|name| Seed { name, ..Seed::default() });
    let ids = test.plant(&seeds).await;
    let to = crate::cluster::tests::share(test, &ids, LinkKind::RegisteredTo, "one@inbox.example").await;
    for id in ids.iter().chain([&to]) {
        let own = observable::ActiveModel { id: Unchanged(*id), operation_id: Set(of), ..Default::default() };
        own.update(&test.db).await.unwrap();
    }
    for row in test.all::<sighting::Entity>().await.into_iter().filter(|row| ids.contains(&row.observable_id))
    {
        let own = sighting::ActiveModel { operation_id: Set(of), ..row.into_active_model() };
        own.update(&test.db).await.unwrap();
    }
    ids
}

#[tokio::test]
async fn the_same_names_are_grouped_and_worked_on_apart() {
    let test = Test::new().await;
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let max = account(&test, "max", ActorRole::Lead, None).await;
    let members = vec![Who::Person(max.account().unwrap())];
    let operation = create(&test, &lea, NewOperation { members, ..sealed("Magnus") }).await.unwrap().id;
    import(&test, &lea, Some(operation), "evil-one.com\n").await.unwrap();
    let inside = plant(&test, Some(operation)).await;
    let outside = plant(&test, None).await;
    crate::cluster::recluster(&test, &Actor::System("test")).await.unwrap();
    let groups = crate::cluster::tests::clusters(&test).await;
    let mut found: Vec<_> = groups.values().cloned().collect();
    found.sort();
    assert_eq!(found, [inside.clone(), outside.clone()], "each by itself, although all share everything");
    for row in test.all::<cluster::Entity>().await {
        let own = (groups[&row.id] == inside).then_some(operation);
        assert_eq!((row.operation_id, row.size), (own, 3));
    }

    let all: Vec<_> = inside.iter().chain(&outside).copied().collect();
    let scope = crate::task::Scope::Targets(all);
    let book = "registrar-suspension";
    let opened = crate::task::open(&test, &lea, &scope, book, &BTreeMap::new()).await.unwrap().opened;
    assert_eq!(opened.len(), 6, "work on a name in an operation stands in nobody's way");
    crate::task::approve(&test, &max, &opened).await.unwrap();
    crate::notice::draft(&test, &Actor::System("test"), &opened).await.unwrap();
    let notices = test.all::<entities::notice::Entity>().await;
    let mut of: Vec<_> = notices.iter().map(|row| row.operation_id).collect();
    of.sort();
    assert_eq!(of, [None, Some(operation)], "one notice says nothing of two operations");

    // Who is no member sees half of everything, and of the ledger nothing of the other half.
    let (ana, leo) = (crate::testing::ana(), Actor::person("leo", ActorRole::Lead));
    let page = Page { total: true, ..Page::first(100) };
    let tasks = cases::tasks(&test, &ana, &cases::TaskFilter::default(), page).await.unwrap();
    let clusters = cases::clusters(&test, &ana, None, page).await.unwrap();
    let notices = cases::notices(&test, &ana, None, page).await.unwrap();
    assert_eq!((tasks.total, clusters.total, notices.total), (Some(3), Some(1), Some(1)));
    assert!(tasks.rows.iter().all(|row| outside.contains(&row.target_id)));
    let filter = audit::ActivityFilter::default();
    let told = audit::activity(&test, &leo, &filter, 500, None, false).await.unwrap().rows;
    let hidden: Vec<String> = inside.iter().map(ToString::to_string).chain([operation.to_string()]).collect();
    assert!(told.iter().all(|event| event.operation_id.is_none()));
    assert!(hidden.iter().all(|id| told.iter().all(|event| !event.detail.contains(id.as_str()))));
    let opened = told.iter().find(|event| event.verb == "open_tasks").unwrap();
    assert!(opened.detail.contains("\"opened\":3") && opened.subject == "tasks", "{opened:?}");
}

#[tokio::test]
async fn what_is_ruled_in_one_operation_moves_nothing_of_another() {
    let test = Test::new().await;
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let operation = create(&test, &lea, sealed("Magnus")).await.unwrap().id;
    import(&test, &lea, Some(operation), "evil-one.com\n").await.unwrap();
    let inside = plant(&test, Some(operation)).await;
    let outside = plant(&test, None).await;
    crate::cluster::recluster(&test, &lea).await.unwrap();
    let groups = crate::cluster::tests::clusters(&test).await;
    let of = |ids: &[entities::ObservableId]| *groups.iter().find(|(_, members)| *members == ids).unwrap().0;
    let (own, other) = (of(&inside), of(&outside));
    use crate::cluster::ruling;
    let pinned = ruling::pin(&test, &lea, other, &inside[..1], "a reason").await;
    assert!(matches!(pinned, Err(Error::Invalid { .. })), "{pinned:?}");
    let merged = ruling::merge(&test, &lea, own, other, "a reason").await;
    assert!(matches!(merged, Err(Error::Invalid { .. })), "{merged:?}");
    let split = ruling::split(&test, &lea, own, &inside[..1], "a reason").await.unwrap();
    let row = test.all::<cluster::Entity>().await.into_iter().find(|row| row.id == split).unwrap();
    assert_eq!(row.operation_id, Some(operation));
    crate::cluster::recluster_changed(&test, &Actor::System("test")).await.unwrap();
    assert_eq!(crate::cluster::tests::clusters(&test).await[&other], outside);
}

#[tokio::test]
async fn who_holds_the_same_learns_whom_to_speak_to_if_that_is_allowed_and_no_more() {
    let test = Test::new().await;
    let bka = agency(&test, "agency:de:bka").await;
    let lea = account(&test, "lea", ActorRole::Lead, None).await;
    let max = account(&test, "max", ActorRole::Lead, Some(bka)).await;
    let ana = account(&test, "ana", ActorRole::Analyst, Some(bka)).await;
    let (shut, silent) = (
        create(&test, &lea, sealed("Shut")).await.unwrap().id,
        create(&test, &max, sealed("Silent")).await.unwrap().id,
    );
    let told = async |actor: &Actor| {
        let rows = collisions(&test, actor).await.unwrap();
        rows.into_iter().map(|row| (row.operation_id, row.contact)).collect::<Vec<_>>()
    };
    // As long as nothing is allowed, nobody learns anything.
    import(&test, &lea, Some(shut), "evil-one.com\nevil-two.com\n").await.unwrap();
    import(&test, &ana, None, "evil-one.com\n").await.unwrap();
    assert!(told(&lea).await.is_empty() && told(&ana).await.is_empty());
    // Only the owner of the seal allows it.
    let desk = "desk@agency.example";
    add(&test, &lea, shut, Who::Person(max.account().unwrap())).await.unwrap();
    let by_max = allow_collisions(&test, &max, shut, Some(desk)).await;
    assert!(matches!(by_max, Err(Error::Forbidden { .. })), "{by_max:?}");
    remove(&test, &lea, shut, Who::Person(max.account().unwrap())).await.unwrap();
    assert!(matches!(allow_collisions(&test, &lea, shut, Some(" ")).await, Err(Error::Invalid { .. })));
    allow_collisions(&test, &lea, shut, Some(desk)).await.unwrap();

    // Who imports the same learns of the desk, and the operation of theirs; with something else nobody does.
    import(&test, &max, Some(silent), "evil-three.com\n").await.unwrap();
    assert!(told(&max).await.is_empty());
    import(&test, &ana, None, "evil-two.com\n").await.unwrap();
    assert_eq!(told(&ana).await, [(None, desk.to_owned())]);
    assert_eq!(told(&lea).await, [(Some(shut), "agency:de:bka".to_owned())]);
    assert!(told(&max).await.is_empty(), "it is ana's, not her party's");
    // An operation that allows nothing itself learns of the desk, too, and is not named.
    import(&test, &max, Some(silent), "evil-one.com\n").await.unwrap();
    assert_eq!(told(&max).await, [(Some(silent), desk.to_owned())]);
    assert_eq!(told(&lea).await.len(), 1);
    // It makes no difference who comes first, and nobody is told twice.
    import(&test, &lea, Some(shut), "evil-three.com\nevil-four.com\n").await.unwrap();
    import(&test, &ana, None, "evil-four.com\n").await.unwrap();
    assert_eq!((told(&max).await.len(), told(&ana).await.len(), told(&lea).await.len()), (1, 1, 1));
    allow_collisions(&test, &lea, shut, None).await.unwrap();
    let leo = account(&test, "leo", ActorRole::Analyst, None).await;
    import(&test, &leo, None, "evil-four.com\nevil-one.com\nevil-five.com\n").await.unwrap();
    assert!(told(&leo).await.is_empty());
}
