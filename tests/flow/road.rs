//! The whole road on the synthetic internet, on both databases: from a published list to verified dark, and back
//! when a name returns.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result};
use entities::{NoticeState, TaskState, Tlp, Verdict, task};
use range::Truth;
use takedown::{
    audit::{self, Chain},
    cluster,
    error::Error,
    intake::{self, ImportRequest, format::Format},
    job::{kinds::VerifyDue, queue, schedule},
    notice,
    reads::{Page, cases, observables},
    task::{Scope, approve, open},
};
use tests::{App, on_each_database};

const PLAYBOOK: &str = "registrar-suspension";

/// Imports the first family's list as its source publishes it, and looks at everything.
async fn arrived(app: &App) -> Result<String> {
    let list = &app.lists.families[0];
    let request = ImportRequest {
        source: "range sensors".into(),
        name: "list.txt".into(),
        family: Some(list.family.clone()),
        role: Some(entities::Role::C2),
        tlp: Tlp::Clear,
        pap: entities::Pap::Green,
        handling: entities::Handling::H0,
        operation: None,
        dry_run: false,
    };
    let file = std::fs::File::open(&list.path)?;
    let report = intake::import(&app.env, &app.ana(), &request, Format::Auto, file, |_| {}).await?;
    assert_eq!(report.total, report.accepted + report.duplicate + report.rejected);
    app.run_jobs().await?;
    Ok(list.family.clone())
}

/// Opens, approves, and sends, each by the person whose turn it is.
async fn asked(app: &App, family: String) -> Result<Vec<task::Model>> {
    let opened = open(&app.env, &app.ana(), &Scope::Family(family), PLAYBOOK, &BTreeMap::new()).await?;
    assert!(!opened.opened.is_empty());
    let own = approve(&app.env, &app.ana(), &opened.opened).await;
    assert!(matches!(own, Err(Error::Forbidden { .. })), "who opened cannot approve: {own:?}");
    approve(&app.env, &app.lea(), &opened.opened).await?;
    app.run_jobs().await?;
    let drafts = cases::notices(&app.env, &app.lea(), Some(NoticeState::Draft), Page::first(100)).await?;
    assert!(!drafts.rows.is_empty(), "approved tasks have drafts");
    for draft in drafts.rows {
        notice::approve(&app.env, &app.max(), draft.id).await?;
    }
    app.run_jobs().await?;
    let sent = cases::notices(&app.env, &app.lea(), Some(NoticeState::Sent), Page::first(100)).await?;
    assert!(!sent.rows.is_empty(), "approved notices are sent");
    Ok(tasks(app).await?.into_values().collect())
}

async fn tasks(app: &App) -> Result<BTreeMap<String, task::Model>> {
    let all = cases::tasks(&app.env, &app.lea(), &cases::TaskFilter::default(), Page::first(500)).await?;
    let ids: Vec<_> = all.rows.iter().map(|task| task.target_id).collect();
    let names = observables::by_ids(&app.env, &app.lea(), &ids).await?;
    Ok(all.rows.into_iter().map(|task| (names[&task.target_id].value.clone(), task)).collect())
}

/// Lets hours pass: desks act, targets are verified.
async fn hours(app: &App, hours: u32) -> Result<()> {
    let step = Duration::from_secs(15 * 60);
    for _ in 0..hours * 4 {
        app.advance(step);
        let _ = app.range.act();
        schedule::turn(&app.env, step, &VerifyDue {}).await?;
        app.run_jobs().await?;
    }
    Ok(())
}

#[tokio::test]
async fn from_a_published_list_to_verified_dark_and_back() -> Result<()> {
    on_each_database(async |database| {
        let app = App::start(database).await?;
        let family = arrived(&app).await?;
        let grouped = cluster::recluster(&app.env, &app.lea()).await?;
        assert!(grouped.clusters > 0 && grouped.members > grouped.clusters, "{grouped:?}");
        asked(&app, family).await?;
        hours(&app, 20).await?;

        let truth: BTreeMap<String, Truth> =
            app.range.truth().into_iter().map(|t| (t.domain.clone(), t)).collect();
        let asked = tasks(&app).await?;
        assert!(asked.len() > 20, "{}", asked.len());
        for (name, task) in &asked {
            let truth = &truth[name];
            let shown = format!("{name} at {}: {} {:?}", truth.registrar, task.state, task.verdict);
            if truth.registrar_acts {
                assert!(truth.held_since.is_some(), "asked and not held: {shown}");
                assert_eq!(task.state, TaskState::Monitoring, "{shown}");
                assert_eq!(task.verdict, Some(Verdict::HeldByRegistrar), "{shown}");
                assert!(task.confirmed_at > task.first_seen_down_at, "one look is not enough: {shown}");
            } else {
                assert_eq!((task.state, task.verdict), (TaskState::Sent, Some(Verdict::Live)), "{shown}");
            }
        }
        // Nobody was harmed: what is held is what was asked for.
        for t in truth.values().filter(|t| t.held_since.is_some()) {
            assert!(asked.contains_key(&t.domain), "{} is held and was not asked for", t.domain);
        }
        returned(&app, &asked, &truth).await?;
        assert_eq!(queue::depth(&app.env.db).await?.1, 0, "no job died");
        assert!(matches!(audit::verify(&app.env.db, None).await?, Chain::Intact { .. }));
        Ok(())
    })
    .await
}

/// A hold is lifted: enough looks say so, and the task is open again.
async fn returned(
    app: &App,
    asked: &BTreeMap<String, task::Model>,
    truth: &BTreeMap<String, Truth>,
) -> Result<()> {
    let name = asked.keys().find(|name| truth[*name].registrar_acts).context("a registrar acts")?;
    assert!(app.range.restore(name)?);
    hours(app, 4).await?;
    let task = &tasks(app).await?[name];
    assert_eq!((task.state, task.verdict), (TaskState::EvidenceReady, Some(Verdict::Live)), "{name}");
    assert!(task.reemerged_at.is_some());
    Ok(())
}
