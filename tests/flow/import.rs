//! Imports on both databases: verdicts, repeats, dates, markings, failure half-way, several at a time.

mod removed;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use entities::{ActorRole, FactKind, LineVerdict, LinkKind, ObservableKind, Pap, Role, Timestamp, Tlp};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use takedown::{
    actor::Actor,
    audit::{self, Chain},
    clock::Clock,
    env::Env,
    error::Error,
    ids::Ids,
    intake::{
        ImportReport, ImportRequest, Progress,
        context::Context,
        entry::{Claim, Entry, Linked, Named, Parsed, Stated},
        import::Input,
        import_entries,
    },
    settings::Settings,
};
use tests::{Database, on_each_database};

/// The tables that an import writes.
const TABLES: [&str; 9] =
    ["source", "import", "import_line", "observable", "sighting", "link", "fact", "audit_event", "job"];

async fn env(database: &Database, seed: u64) -> Result<Env> {
    let clock = Clock::manual("2025-05-13T12:00:00Z".parse()?);
    Ok(Env::new(database.connect().await?, clock, Ids::seeded(seed), Settings::default()))
}

fn ana() -> Actor {
    Actor::person("ana", ActorRole::Analyst)
}

fn request() -> ImportRequest {
    ImportRequest {
        source: "a feed".into(),
        name: "list.txt".into(),
        family: Some("LummaC2".into()),
        role: Some(Role::C2),
        tlp: Tlp::Green,
        pap: Pap::Green,
        handling: entities::Handling::H0,
        operation: None,
        dry_run: false,
    }
}

fn domain(value: &str) -> Named {
    Named {
        kind: ObservableKind::DomainName,
        value: value.into(),
        display: None,
        registrable: Some(value.into()),
    }
}

fn address(value: &str) -> Named {
    Named { kind: ObservableKind::Ipv4Address, value: value.into(), display: None, registrable: None }
}

fn entry(number: u64, parsed: Parsed) -> Entry {
    Entry { number, text: format!("line {number}"), parsed: Ok(parsed) }
}

fn sighted(number: u64, named: Named, claim: Claim) -> Entry {
    entry(number, Parsed { sightings: vec![(named, claim)], ..Parsed::default() })
}

fn refused(number: u64, reason: &str) -> Entry {
    Entry { number, text: format!("line {number}"), parsed: Err(reason.into()) }
}

fn resolves(from: &str, to: &str, seen: Option<(i64, i64)>, count: i64) -> Linked {
    Linked {
        from: domain(from),
        kind: LinkKind::ResolvesTo,
        to: address(to),
        seen: seen.map(|(from, to)| (Timestamp(from), Timestamp(to))),
        count,
    }
}

fn linked(number: u64, link: Linked) -> Entry {
    entry(number, Parsed { links: vec![link], ..Parsed::default() })
}

fn domains(numbers: impl Iterator<Item = u64>) -> Vec<Entry> {
    numbers
        .zip(1..)
        .map(|(n, line)| sighted(line, domain(&format!("d{n}.example")), Claim::default()))
        .collect()
}

/// A reader that hands `entries` on.
fn read(
    entries: Vec<Entry>,
) -> impl FnOnce(&mut dyn FnMut(Entry) -> bool) -> Result<Input, Error> + Send + 'static {
    move |sink| {
        for entry in entries {
            if !sink(entry) {
                break;
            }
        }
        Ok(Input { format: "plain".into(), sha256: "00".repeat(32) })
    }
}

async fn import(env: &Env, request: &ImportRequest, entries: Vec<Entry>) -> Result<ImportReport, Error> {
    import_entries(env, &ana(), request, read(entries), |_| {}).await
}

async fn count(db: &DatabaseConnection, from: &str) -> Result<i64> {
    let sql = format!("SELECT count(*) FROM {from}");
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    Ok(row.context("no row")?.try_get_by_index(0)?)
}

/// How many rows each table holds.
async fn sizes(db: &DatabaseConnection) -> Result<Vec<(&'static str, i64)>> {
    let mut sizes = Vec::new();
    for table in TABLES {
        sizes.push((table, count(db, table).await?));
    }
    Ok(sizes)
}

fn figures(report: &ImportReport) -> (u64, u64, u64, u64) {
    (report.total, report.accepted, report.duplicate, report.rejected)
}

/// Sightings, a repeat, a refusal, a link alone, a fact.
fn mixed() -> Vec<Entry> {
    vec![
        sighted(1, domain("a.example"), Claim::default()),
        sighted(2, address("192.0.2.1"), Claim { family: Some("Vidar".into()), ..Claim::default() }),
        sighted(3, domain("a.example"), Claim::default()),
        refused(4, "not an indicator"),
        linked(5, resolves("a.example", "192.0.2.7", Some((10, 20)), 3)),
        linked(6, resolves("a.example", "192.0.2.7", Some((12, 18)), 1)),
        entry(
            7,
            Parsed {
                sightings: vec![(domain("b.example"), Claim { role: Some(Role::Panel), ..Claim::default() })],
                facts: vec![Stated {
                    of: domain("b.example"),
                    kind: FactKind::Published,
                    list: "registrar".into(),
                    detail: "it's \"quoted\" \\ and odd: ß\u{1f980}".into(),
                }],
                ..Parsed::default()
            },
        ),
        refused(8, "not an indicator"),
    ]
}

#[tokio::test]
async fn every_entry_gets_a_verdict_and_the_sum_is_the_input() -> Result<()> {
    on_each_database(async |database| {
        let env = env(database, 1).await?;
        let mut verdicts = Vec::new();
        let report = import_entries(&env, &ana(), &request(), read(mixed()), |progress| {
            if let Progress::Line { entry, verdict, reason } = progress {
                verdicts.push((entry.number, verdict, reason.to_owned()));
            }
        })
        .await?;
        assert_eq!(figures(&report), (8, 4, 2, 2));
        assert_eq!((report.observables, report.links, report.facts), (4, 1, 1));
        let verdict = |number: usize| (verdicts[number - 1].1, verdicts[number - 1].2.as_str());
        assert_eq!(verdicts.iter().map(|v| v.0).collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
        assert_eq!(verdict(1), (LineVerdict::Accepted, ""));
        assert_eq!(verdict(3), (LineVerdict::Duplicate, "the same as line 1"));
        assert_eq!(verdict(4), (LineVerdict::Rejected, "not an indicator"));
        assert_eq!(verdict(5), (LineVerdict::Accepted, ""));
        assert_eq!(verdict(6), (LineVerdict::Duplicate, "known already"));
        assert_eq!(report.reasons[0], ("not an indicator".to_owned(), 2));

        let db = &env.db;
        for (from, rows) in [
            ("sighting", 3),
            ("import_line", 4),
            ("import_line WHERE line = 4 AND verdict = 'rejected' AND reason = 'not an indicator'", 1),
            ("sighting WHERE family = 'lumma' AND role = 'c2' AND tlp = 'green' AND line = 1", 1),
            ("sighting WHERE family = 'vidar' AND confidence IS NULL AND seen_at IS NULL", 1),
            ("sighting WHERE role = 'panel' AND grading IS NULL AND valid_until IS NULL", 1),
            ("link WHERE first_seen = 10 AND last_seen = 20 AND count = 3", 1),
            ("fact WHERE kind = 'published' AND list = 'registrar'", 1),
            ("observable WHERE state = 'fresh' AND next_due_at IS NOT NULL AND display IS NULL", 4),
            ("import WHERE total = 8 AND accepted = 4 AND duplicate = 2 AND rejected = 2", 1),
            ("source WHERE name = 'a feed'", 1),
            ("job WHERE name = 'observe-due'", 1),
        ] {
            assert_eq!(count(db, from).await?, rows, "{from}");
        }
        let event = audit::head(db).await?.context("a ledger event")?;
        assert_eq!((event.seq, event.verb.as_str(), event.actor.as_str()), (1, "imported", "ana"));
        assert_eq!(event.subject, report.id.context("an id")?.to_string());
        assert!(event.detail.contains(&report.lines_digest));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_same_again_adds_nothing() -> Result<()> {
    on_each_database(async |database| {
        let env = env(database, 2).await?;
        let first = import(&env, &request(), mixed()).await?;
        let before = sizes(&env.db).await?;
        env.clock.advance(std::time::Duration::from_secs(86_400));
        let again = import(&env, &request(), mixed()).await?;
        assert_eq!(figures(&again), (8, 0, 6, 2));
        assert_eq!((again.id, again.observables, again.links, again.facts), (None, 0, 0, 0));
        assert_eq!(sizes(&env.db).await?, before);
        assert_eq!(count(&env.db, "link WHERE first_seen = 10 AND last_seen = 20 AND count = 3").await?, 1);
        // Another source says the same: that is new.
        let other = ImportRequest { source: "another feed".into(), ..request() };
        let other = import(&env, &other, mixed()).await?;
        assert_eq!(figures(&other), (8, 4, 2, 2));
        assert_eq!((other.observables, other.links, other.facts), (0, 1, 0));
        assert_ne!(first.id, other.id);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_dry_run_judges_alike_and_writes_nothing() -> Result<()> {
    on_each_database(async |database| {
        let env = env(database, 3).await?;
        let before = sizes(&env.db).await?;
        let dry = import(&env, &ImportRequest { dry_run: true, ..request() }, mixed()).await?;
        assert_eq!(sizes(&env.db).await?, before);
        let wet = import(&env, &request(), mixed()).await?;
        assert!(dry.id.is_none() && wet.id.is_some());
        assert_eq!(dry, ImportReport { id: None, dry_run: true, ..wet });
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_repeat_is_found_far_behind_the_first() -> Result<()> {
    on_each_database(async |database| {
        let env = env(database, 4).await?;
        // Three chunks; the third repeats the first.
        let report = import(&env, &request(), domains((0..15_000).chain(0..5_000))).await?;
        assert_eq!(figures(&report), (20_000, 15_000, 5_000, 0));
        assert_eq!(report.reasons, [("the same as an earlier line".to_owned(), 5_000)]);
        let repeat = "import_line WHERE line = 20000 AND reason = 'the same as line 5000'";
        assert_eq!(count(&env.db, repeat).await?, 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_dates_of_a_link_extend() -> Result<()> {
    on_each_database(async |database| {
        let env = env(database, 5).await?;
        for (seen, count_said, accepted, row) in [
            (Some((100, 200)), 4, 1, (100, 200, 4)),
            (Some((150, 300)), 2, 1, (100, 300, 4)),
            (Some((150, 250)), 9, 1, (100, 300, 9)),
            (Some((10, 20)), 1, 1, (10, 300, 10)),
            (Some((10, 300)), 10, 0, (10, 300, 10)),
            (None, 1, 0, (10, 300, 10)),
        ] {
            let entries = vec![linked(1, resolves("a.example", "192.0.2.7", seen, count_said))];
            let report = import(&env, &request(), entries).await?;
            assert_eq!(report.accepted, accepted, "{seen:?}");
            let (first, last, total) = row;
            let row = format!("link WHERE first_seen = {first} AND last_seen = {last} AND count = {total}");
            assert_eq!(count(&env.db, &row).await?, 1, "{row}");
        }
        assert_eq!(count(&env.db, "link").await?, 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_stricter_marking_or_a_longer_window_is_news() -> Result<()> {
    on_each_database(async |database| {
        let env = env(database, 6).await?;
        let claim = |tlp, pap, until| Claim { tlp, pap, valid_until: until, ..Claim::default() };
        for (said, accepted, row) in [
            (claim(None, None, None), 1, "tlp = 'green' AND pap = 'green' AND valid_until IS NULL"),
            (claim(Some(Tlp::Clear), None, None), 0, "tlp = 'green' AND pap = 'green'"),
            (claim(Some(Tlp::Red), None, None), 1, "tlp = 'red' AND pap = 'green'"),
            (claim(None, Some(Pap::Amber), None), 1, "tlp = 'red' AND pap = 'amber'"),
            (claim(None, None, Some(Timestamp(9))), 1, "tlp = 'red' AND valid_until = 9"),
            (claim(None, None, Some(Timestamp(8))), 0, "tlp = 'red' AND valid_until = 9"),
        ] {
            let report = import(&env, &request(), vec![sighted(1, domain("a.example"), said)]).await?;
            assert_eq!(report.accepted, accepted, "{row}");
            assert_eq!(count(&env.db, &format!("sighting WHERE {row}")).await?, 1, "{row}");
        }
        assert_eq!(count(&env.db, "sighting").await?, 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_benign_list_is_a_fact_and_drops_nothing() -> Result<()> {
    on_each_database(async |database| {
        let mut env = env(database, 7).await?;
        let folder = tempfile::tempdir()?;
        let list = folder.path().join("allow-ours.txt");
        std::fs::write(&list, "a.example\n192.0.2.0/24\n")?;
        let mut context = Context::default();
        context.benign.load(&list)?;
        env.intake = Arc::new(context);
        let report = import(&env, &request(), mixed()).await?;
        assert_eq!(figures(&report), (8, 4, 2, 2));
        assert_eq!(count(&env.db, "fact WHERE kind = 'listed' AND list = 'allow-ours'").await?, 3);
        assert_eq!(report.facts, 4);
        assert_eq!(figures(&import(&env, &request(), mixed()).await?), (8, 0, 6, 2));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_reader_that_fails_or_panics_leaves_nothing() -> Result<()> {
    on_each_database(async |database| {
        let env = env(database, 8).await?;
        let before = sizes(&env.db).await?;
        let failing = |sink: &mut dyn FnMut(Entry) -> bool| {
            domains(0..10_000).into_iter().all(sink);
            Err(Error::invalid("list.txt", "cannot be read to its end"))
        };
        let error = import_entries(&env, &ana(), &request(), failing, |_| {}).await.unwrap_err();
        assert_eq!(error.code(), "INVALID");
        let panicking = |sink: &mut dyn FnMut(Entry) -> bool| {
            domains(0..10_000).into_iter().all(sink);
            panic!("a defect in a parser")
        };
        let error = import_entries(&env, &ana(), &request(), panicking, |_| {}).await.unwrap_err();
        assert_eq!(error.code(), "INTERNAL");
        assert_eq!(sizes(&env.db).await?, before);
        // Nothing is held either: the next one works.
        assert_eq!(import(&env, &request(), mixed()).await?.accepted, 4);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_import_that_is_let_go_stops_its_reader_and_leaves_nothing() -> Result<()> {
    on_each_database(async |database| {
        let env = env(database, 9).await?;
        let before = sizes(&env.db).await?;
        let (stopped, stop) = tokio::sync::oneshot::channel();
        let endless = move |sink: &mut dyn FnMut(Entry) -> bool| {
            let mut number = 0;
            while sink(sighted(number, domain(&format!("d{number}.example")), Claim::default())) {
                number += 1;
            }
            let _ = stopped.send(());
            Ok(Input { format: "plain".into(), sha256: String::new() })
        };
        let (chunk, mut chunks) = tokio::sync::mpsc::unbounded_channel();
        let (actor, request) = (ana(), request());
        let stored = |progress: Progress<'_>| {
            if let Progress::Chunk { .. } = progress {
                let _ = chunk.send(());
            }
        };
        tokio::select! {
            report = import_entries(&env, &actor, &request, endless, stored) => panic!("it has no end: {report:?}"),
            _ = chunks.recv() => {}
        }
        stop.await?;
        assert_eq!(sizes(&env.db).await?, before);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn who_may_not_import_changes_nothing() -> Result<()> {
    let database = Database::sqlite().await?;
    let env = env(&database, 10).await?;
    for (actor, code) in [
        (Actor::Nobody, "UNAUTHENTICATED"),
        (Actor::liaison("lio", "an agency"), "FORBIDDEN"),
        (Actor::person("adi", ActorRole::Admin), "FORBIDDEN"),
    ] {
        let refused = import_entries(&env, &actor, &request(), read(mixed()), |_| {}).await.unwrap_err();
        assert_eq!(refused.code(), code);
    }
    let unnamed = ImportRequest { source: " ".into(), ..request() };
    assert_eq!(import(&env, &unnamed, mixed()).await.unwrap_err().code(), "INVALID");
    assert_eq!(count(&env.db, "source").await?, 0);
    Ok(())
}

/// Two processes import lists that overlap, in opposite orders and several chunks each: on PostgreSQL, keys taken
/// crosswise would be a deadlock.
#[tokio::test]
async fn imports_that_overlap_both_succeed() -> Result<()> {
    on_each_database(async |database| {
        let (one, other) = (env(database, 11).await?, env(database, 12).await?);
        let request = request();
        let (a, b) = tokio::join!(
            import(&one, &request, domains(0..20_000)),
            import(&other, &request, domains((10_000..30_000).rev())),
        );
        let (a, b) = (a?, b?);
        assert_eq!(a.accepted + b.accepted, 30_000);
        assert_eq!(a.duplicate + b.duplicate, 10_000);
        assert_eq!(count(&one.db, "observable").await?, 30_000);
        assert_eq!(count(&one.db, "sighting").await?, 30_000);
        assert!(matches!(audit::verify(&one.db, None).await?, Chain::Intact { events: 2, .. }));
        Ok(())
    })
    .await
}
