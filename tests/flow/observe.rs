//! Observation against the synthetic internet, on both databases.

use std::time::Duration;

use anyhow::Result;
use entities::{FactKind, LinkKind, ObservableKind, ObservableState, Pap, Probe};
use range::Manner;
use takedown::{
    audit::{self, Chain},
    graph::{self, End, LinkFilter},
    observe::{
        history,
        reading::{DnsReading, Outcome},
    },
    reads::{Page, observables},
};
use tests::{App, on_each_database};

/// A live domain of the main family, as its name.
#[expect(clippy::expect_used, reason = "a test")]
fn live(app: &App) -> String {
    let truth = app.range.truth().into_iter().find(|t| t.family.is_some() && t.manner == Manner::Plain);
    truth.expect("the small scenario has plain domains").domain
}

#[tokio::test]
async fn an_imported_domain_is_looked_at_once_and_only_changes_make_rows() -> Result<()> {
    on_each_database(async |database| {
        let app = App::start(database).await?;
        let name = live(&app);
        app.import("a feed", &[&name], Pap::Clear).await?;
        app.run_jobs().await?;

        let of = app.observable(ObservableKind::DomainName, &name).await?;
        assert_eq!(of.state, ObservableState::Active);
        assert!(of.next_due_at > Some(app.env.now()));
        let first = observables::observations(&app.env, &app.ana(), &[of.id]).await?[&of.id].clone();
        let probes: Vec<Probe> = first.iter().map(|row| row.probe).collect();
        for probe in [Probe::A, Probe::Ns, Probe::Soa, Probe::Delegation, Probe::RdapDomain] {
            assert!(probes.contains(&probe), "{probe} of {probes:?}");
        }

        // A day later nothing has changed: the same rows, lasting longer.
        app.advance(Duration::from_secs(86_400));
        takedown::observe::due::request(&app.env, &app.ana(), &[of.id]).await?;
        app.run_jobs().await?;
        let second = observables::observations(&app.env, &app.ana(), &[of.id]).await?[&of.id].clone();
        let ids = |rows: &[entities::observation::Model]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!(ids(&first), ids(&second));
        assert!(second.iter().all(|row| row.last_seen == app.env.now() && row.count == 2), "{second:#?}");
        assert!(matches!(audit::verify(&app.env.db, None).await?, Chain::Intact { .. }));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn links_lead_to_addresses_systems_name_servers_and_the_registrar() -> Result<()> {
    on_each_database(async |database| {
        let app = App::start(database).await?;
        let name = live(&app);
        app.import("a feed", &[&name], Pap::Clear).await?;
        app.run_jobs().await?;
        let of = app.observable(ObservableKind::DomainName, &name).await?;
        let outgoing = async |of| {
            graph::links(&app.env, &app.ana(), &[of], &[End::Outgoing], &LinkFilter::default(), 100).await
        };
        let links = outgoing(of.id).await?[&of.id].clone();
        let kinds: Vec<LinkKind> = links.iter().map(|link| link.kind).collect();
        for kind in
            [LinkKind::ResolvesTo, LinkKind::DelegatedTo, LinkKind::SponsoredBy, LinkKind::RegisteredAt]
        {
            assert!(kinds.contains(&kind), "{kind} of {kinds:?}");
        }
        let address =
            links.iter().find(|link| link.kind == LinkKind::ResolvesTo).expect("checked above").to_id;
        let onward = outgoing(address).await?[&address].clone();
        assert!(onward.iter().any(|link| link.kind == LinkKind::InPrefix), "{onward:#?}");
        // What an answer names is stored, but nobody asked for it to be looked at.
        let ends = observables::by_ids(&app.env, &app.ana(), &[address]).await?;
        assert_eq!(ends[&address].next_due_at, None);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_hold_is_seen_as_a_change_and_the_day_before_stays_answerable() -> Result<()> {
    on_each_database(async |database| {
        let app = App::start(database).await?;
        let name = live(&app);
        app.import("a feed", &[&name], Pap::Clear).await?;
        app.run_jobs().await?;
        let of = app.observable(ObservableKind::DomainName, &name).await?;
        let before = app.env.now();

        app.advance(Duration::from_secs(86_400));
        assert!(app.range.suspend(&name)?);
        takedown::observe::due::request(&app.env, &app.ana(), &[of.id]).await?;
        app.run_jobs().await?;

        let outcome = async |at| -> Result<Outcome> {
            let held = history::as_of(&app.env.db, &app.ana(), of.id, at).await?;
            let a = held.into_iter().find(|row| row.probe == Probe::A).expect("A was asked");
            Ok(serde_json::from_value::<DnsReading>(a.reading)?.outcome)
        };
        assert_eq!(outcome(before).await?, Outcome::Answer);
        assert_eq!(outcome(app.env.now()).await?, Outcome::NxDomain);
        assert_eq!(app.observable(ObservableKind::DomainName, &name).await?.state, ObservableState::Dark);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_marking_stops_the_questions_that_could_be_noticed() -> Result<()> {
    on_each_database(async |database| {
        let app = App::start(database).await?;
        let name = live(&app);
        let asked = async |pap| -> Result<Vec<Probe>> {
            app.import(&format!("a source that says {pap}"), &[&name], pap).await?;
            app.advance(Duration::from_secs(7 * 86_400));
            let of = app.observable(ObservableKind::DomainName, &name).await?;
            takedown::observe::due::request(&app.env, &app.ana(), &[of.id]).await?;
            app.run_jobs().await?;
            let rows = observables::observations(&app.env, &app.ana(), &[of.id]).await?;
            let rows = rows.get(&of.id).cloned().unwrap_or_default();
            Ok(rows.iter().filter(|row| row.last_seen == app.env.now()).map(|row| row.probe).collect())
        };
        assert!(asked(Pap::Green).await?.contains(&Probe::A));
        let amber = asked(Pap::Amber).await?;
        assert!(!amber.contains(&Probe::A) && amber.contains(&Probe::Delegation), "{amber:?}");
        assert!(asked(Pap::Red).await?.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn wildcards_sinkholes_parking_and_flux_become_facts() -> Result<()> {
    on_each_database(async |database| {
        let app = App::start(database).await?;
        for (manner, kind) in [
            (Manner::Wildcard, FactKind::Wildcard),
            (Manner::Sinkholed, FactKind::Sinkholed),
            (Manner::Parked, FactKind::Parked),
            (Manner::FastFlux, FactKind::FastFlux),
        ] {
            let truth = app.range.truth().into_iter().find(|t| t.manner == manner).expect("one of each");
            app.import("a feed", &[&truth.domain], Pap::Clear).await?;
            let of = app.observable(ObservableKind::DomainName, &truth.domain).await?;
            for _ in 0..12 {
                app.advance(Duration::from_secs(3_600));
                takedown::observe::due::request(&app.env, &app.ana(), &[of.id]).await?;
                app.run_jobs().await?;
            }
            let facts = observables::facts(&app.env, &app.ana(), &[of.id]).await?;
            let facts = facts.get(&of.id).cloned().unwrap_or_default();
            assert!(facts.iter().any(|fact| fact.kind == kind), "{kind} of {facts:#?}");
        }
        let sinkholed =
            observables::ObservableFilter { states: vec![ObservableState::Seized], ..Default::default() };
        let seized = observables::list(&app.env, &app.ana(), &sinkholed, Page::first(10)).await?;
        assert_eq!(seized.rows.len(), 1);
        Ok(())
    })
    .await
}
