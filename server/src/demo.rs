//! The demo's story: a synthetic internet, the ordinary importer, the ordinary ports, real mail, and registrars
//! that act or stay silent. Its clock stands while work is in hand and jumps when there is none, so that days
//! pass in seconds and the outcome is the same on any machine.

mod groups;
mod score;
mod tell;

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use entities::{ActorRole, Pap, Role, TaskState, Timestamp, Tlp};
use range::{Lists, Range, Scenario};
use takedown::{
    actor::Actor,
    clock::Clock,
    cluster,
    env::Env,
    intake::{self, ImportRequest, format::Format},
    job::queue,
    notice,
    reads::{Page, cases},
    task::{self, Scope},
    token::{self, NewToken},
};
use tempfile::TempDir;

pub use score::Scoreboard;
pub use tell::Teller;

use crate::{
    command::configuration,
    config::{Surroundings, load},
    schedule,
    wiring::{self, Needs},
};

/// How far the clock jumps when there is nothing to do.
const STEP: Duration = Duration::from_secs(15 * 60);
/// Tasks that are approved in one act.
const APPROVED: u64 = 500;

/// The secrets of the three people of the story.
#[derive(Debug)]
pub struct Tokens {
    /// Ana, an analyst: imports, opens tasks.
    pub ana: String,
    /// Lea, a lead: approves what Ana opened.
    pub lea: String,
    /// Max, a second lead: approves the notices.
    pub max: String,
}

/// The synthetic internet with the work over it.
pub struct Story {
    /// The surroundings of the work.
    pub env: Arc<Env>,
    /// Who may sign in.
    pub tokens: Tokens,
    range: Range,
    lists: Lists,
    // Holds the database and the lists; removed when the story ends.
    _folder: TempDir,
}

impl Story {
    /// Starts the synthetic internet and opens an empty database for it.
    ///
    /// # Errors
    /// A port, the folder or the database cannot be had.
    pub async fn begin(scenario: Scenario, teller: &Teller) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("lockstep-demo-").context("cannot make a temporary folder")?;
        let clock = Clock::manual(Timestamp::from(scenario.starts_at()));
        let shown = clock.clone();
        let range = Range::start(scenario, Arc::new(move || shown.now().datetime())).await?;
        let lists = range.write_lists(folder.path())?;
        let env = open(&range, &lists, folder.path(), clock).await?;
        let tokens = tokens(&env).await?;
        let world = range.world();
        teller.say(&format!(
            "A synthetic internet: {} domains at {} registrars, its resolver at {}, RDAP at {}, mail at {}.",
            world.domains.len(),
            range.registrars().len(),
            range.dns(),
            range.rdap(),
            range.smtp()
        ));
        Ok(Self { env, tokens, range, lists, _folder: folder })
    }

    /// Plays the slice: import, observe, cluster, tasks, notices, replies by deed, verification.
    ///
    /// # Errors
    /// A step failed.
    pub async fn play(&self, hours: u64, teller: &Teller) -> anyhow::Result<Scoreboard> {
        let [ana, lea, max] =
            [("ana", ActorRole::Analyst), ("lea", ActorRole::Lead), ("max", ActorRole::Lead)].map(person);
        for list in &self.lists.families {
            self.import(&ana, Some(&list.family), &list.path, teller).await?;
        }
        self.import(&ana, None, &self.lists.neighbours, teller).await?;
        self.observe(teller).await?;
        let clusters = cluster::recluster(&self.env, &lea).await?;
        teller.say(&format!("Grouped by rare shared pivots: {}.", clusters.text()));
        let family = self.lists.families.first().context("the scenario has no family")?.family.clone();
        let report =
            task::open(&self.env, &ana, &Scope::Family(family), "registrar-suspension", &Default::default())
                .await?;
        teller.refusals(report.opened.len(), &report.refused);
        self.approve_tasks(&lea).await?;
        let notices = self.approve_notices(&max).await?;
        self.settle().await?;
        teller.say(&format!("Max approved {notices} notices, one per desk; they went out by SMTP."));
        self.watch(&lea, hours, teller).await?;
        score::score(&self.env, &lea, &self.range).await
    }

    async fn import(
        &self,
        ana: &Actor,
        family: Option<&str>,
        path: &Path,
        teller: &Teller,
    ) -> anyhow::Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let request = ImportRequest {
            source: "range sensors".into(),
            name: name.clone(),
            family: family.map(str::to_owned),
            role: family.map(|_| Role::C2),
            tlp: Tlp::Clear,
            pap: Pap::Green,
            handling: entities::Handling::H0,
            operation: None,
            dry_run: false,
        };
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let report = intake::import(&self.env, ana, &request, Format::Auto, file, |_| {}).await?;
        teller.say(&format!(
            "Ana imported {name}: {} lines, {} accepted, {} duplicate, {} rejected.",
            report.total, report.accepted, report.duplicate, report.rejected
        ));
        Ok(())
    }

    /// Waits until the workers have looked at everything that is due.
    async fn observe(&self, teller: &Teller) -> anyhow::Result<()> {
        let bar = teller
            .bar("Looking up DNS, delegations and registrations", score::observable_count(&self.env).await?);
        while self.busy().await? {
            bar.at(score::observed_count(&self.env).await?);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bar.done(score::observed_count(&self.env).await?);
        Ok(())
    }

    /// Approves everything that waits for a second person.
    async fn approve_tasks(&self, lea: &Actor) -> anyhow::Result<()> {
        loop {
            let filter = cases::TaskFilter { states: vec![TaskState::Review], ..Default::default() };
            let waiting = cases::tasks(&self.env, lea, &filter, Page::first(APPROVED)).await?;
            let ids: Vec<_> = waiting.rows.iter().map(|task| task.id).collect();
            if ids.is_empty() {
                break;
            }
            task::approve(&self.env, lea, &ids).await?;
        }
        self.settle().await
    }

    async fn approve_notices(&self, max: &Actor) -> anyhow::Result<usize> {
        let mut approved = 0;
        loop {
            let state = Some(entities::NoticeState::Draft);
            let drafts = cases::notices(&self.env, max, state, Page::first(APPROVED)).await?;
            if drafts.rows.is_empty() {
                return Ok(approved);
            }
            for draft in drafts.rows {
                notice::approve(&self.env, max, draft.id).await?;
                approved += 1;
            }
        }
    }

    /// Lets the time pass, step by step, while registrars read their mail and the work verifies.
    async fn watch(&self, lea: &Actor, hours: u64, teller: &Teller) -> anyhow::Result<()> {
        let steps = hours * 3_600 / STEP.as_secs();
        let bar = teller.bar("Watching targets go dark", score::task_count(&self.env).await?);
        for step in 1..=steps {
            self.env.clock.advance(STEP);
            let _ = self.range.act();
            schedule::offer_all(&self.env).await?;
            self.settle().await?;
            bar.at(score::down_count(&self.env).await?);
            bar.note(&format!("hour {} of at most {hours}", step * STEP.as_secs() / 3_600));
            // The story ends when everything is as it should be, looked at once an hour.
            if step % 4 == 0 && score::score(&self.env, lea, &self.range).await?.ok {
                break;
            }
        }
        bar.done(score::down_count(&self.env).await?);
        Ok(())
    }

    /// Waits until no job is due or in hand.
    async fn settle(&self) -> anyhow::Result<()> {
        while self.busy().await? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn busy(&self) -> anyhow::Result<bool> {
        Ok(queue::due(&self.env).await? > 0)
    }

    /// What a visitor can do now.
    pub fn invitation(&self, url: &str) -> String {
        let Tokens { ana, lea, max } = &self.tokens;
        let sample = |name: &str| {
            let body = serde_json::json!({ "query": graphql::operations::on_one_line(name) });
            format!(
                "  curl -s {url}/graphql -H 'Authorization: Bearer {lea}' -H 'Content-Type: application/json' \\\n    \
                 -d '{body}'\n"
            )
        };
        format!(
            "\nThe API stays up at {url}/graphql until Ctrl-C. Sign in with one of\n  \
             ana (analyst)      {ana}\n  lea (lead)         {lea}\n  max (second lead)  {max}\n\n\
             For example\n{}{}",
            sample("DemoTasks"),
            sample("DemoClusters")
        )
    }

    /// Stops the synthetic internet and removes the folder.
    pub async fn end(self) {
        self.range.stop().await;
    }
}

fn person((name, role): (&str, ActorRole)) -> Actor {
    Actor::person(name, role)
}

async fn open(range: &Range, lists: &Lists, folder: &Path, clock: Clock) -> anyhow::Result<Arc<Env>> {
    let database = format!("sqlite://{}?mode=rwc", folder.join("lockstep.sqlite").display());
    let text = format!(
        "{}\n[database]\nurl = {}\n\n[jobs]\npoll = \"20ms\"\nlease = \"2d\"\n\n[organisation]\nname = \"Lockstep Rehearsal Desk\"\n\
         domain = \"lockstep.example\"\n\n[mail]\ndelivery = \"on\"\nsmtp = \"smtp://{}\"\n\
         from = \"Takedown desk <takedown@lockstep.example>\"\n",
        configuration(range, lists),
        serde_json::json!(database),
        range.smtp()
    );
    let file = folder.join("lockstep.toml");
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    let loaded = load(&Surroundings::new(folder, &[]), Some(&file))?;
    Ok(Arc::new(wiring::open(&loaded.config, clock, Needs::Everything).await?))
}

async fn tokens(env: &Env) -> anyhow::Result<Tokens> {
    let admin = Actor::person("demo", ActorRole::Admin);
    let mut secrets = Vec::new();
    for (name, role) in [("ana", ActorRole::Analyst), ("lea", ActorRole::Lead), ("max", ActorRole::Lead)] {
        let new = NewToken { name: name.into(), role, agency: None, expires_at: None };
        secrets.push(token::create(env, &admin, new).await?.1);
    }
    let [ana, lea, max] =
        secrets.try_into().map_err(|_| anyhow::anyhow!("three people have three tokens"))?;
    Ok(Tokens { ana, lea, max })
}
