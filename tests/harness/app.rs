//! The work over a synthetic internet, on a clock that stands until a test moves it.

use std::{
    sync::{Arc, atomic::AtomicI64, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result};
use entities::{ActorRole, ObservableKind, Pap, Timestamp, Tlp, observable};
use range::{Lists, Range, Scenario};
use takedown::{
    actor::Actor,
    clock::Clock,
    env::Env,
    ids::Ids,
    intake::{
        ImportReport, ImportRequest, classify,
        context::Context,
        entry::{Claim, Entry},
        import::Input,
        import_entries,
        name::Suffixes,
    },
    job::worker,
    jobs,
    outside::{
        Outside,
        asn::AsnTable,
        dns::{Dns, DnsSettings},
        limiter::Limits,
        mail::Mail,
        rdap::{Rdap, RdapSettings, bootstrap::Bootstrap},
    },
    reads::observables,
    settings::{Delivery, MailSettings, Settings, SmtpUrl},
};
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::Database;

/// One process's work against one database and one synthetic internet.
pub struct App {
    /// The surroundings of the work.
    pub env: Arc<Env>,
    /// The synthetic internet.
    pub range: Range,
    /// What its sources publish.
    pub lists: Lists,
    _folder: TempDir,
}

impl App {
    /// The small scenario, from its own start.
    ///
    /// # Errors
    /// The database or a server of the range did not start.
    pub async fn start(database: &Database) -> Result<Self> {
        Self::with(database, Settings::default()).await
    }

    /// The same with other settings.
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn with(database: &Database, settings: Settings) -> Result<Self> {
        let scenario = Scenario::small()?;
        let now = Arc::new(AtomicI64::new(Timestamp::from(scenario.starts_at()).0));
        let clock = Clock::Manual(now.clone());
        let shown = move || datetime(now.load(Ordering::SeqCst));
        let range = Range::start(scenario, Arc::new(shown)).await?;
        let folder = tempfile::tempdir()?;
        let lists = range.write_lists(folder.path())?;
        let mut settings = settings;
        settings.mail = MailSettings {
            delivery: Delivery::On,
            smtp: SmtpUrl(format!("smtp://{}", range.smtp())),
            domain: "lockstep.example".into(),
            from: "Takedown desk <takedown@lockstep.example>".into(),
            ..MailSettings::default()
        };
        let mut env = Env::new(database.connect().await?, clock, Ids::seeded(7), settings);
        env.intake = Arc::new(knowledge(&range, &lists)?);
        env.outside = outside(&range, &lists, &env.settings.mail)?;
        Ok(Self { env: Arc::new(env), range, lists, _folder: folder })
    }

    /// An analyst.
    pub fn ana(&self) -> Actor {
        Actor::person("ana", ActorRole::Analyst)
    }

    /// A lead, who approves.
    pub fn lea(&self) -> Actor {
        Actor::person("lea", ActorRole::Lead)
    }

    /// A second lead, who approves what the first may not.
    pub fn max(&self) -> Actor {
        Actor::person("max", ActorRole::Lead)
    }

    /// Imports one indicator a line, as the analyst, marked TLP:CLEAR with that PAP.
    ///
    /// # Errors
    /// The import failed.
    pub async fn import(&self, source: &str, lines: &[&str], pap: Pap) -> Result<ImportReport> {
        let request = ImportRequest {
            source: source.into(),
            name: "-".into(),
            family: Some("lumma".into()),
            role: None,
            tlp: Tlp::Clear,
            pap,
            handling: entities::Handling::H0,
            operation: None,
            dry_run: false,
        };
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let context = self.env.intake.clone();
        let read = move |sink: &mut dyn FnMut(Entry) -> bool| {
            for (number, text) in (1..).zip(lines) {
                let parsed = classify::parsed(&text, Claim::default(), &context);
                sink(Entry { number, text, parsed });
            }
            Ok(Input { format: "plain".into(), sha256: String::new() })
        };
        Ok(import_entries(&self.env, &self.ana(), &request, read, |_| {}).await?)
    }

    /// Runs every job that is due.
    ///
    /// # Errors
    /// The database refused.
    pub async fn run_jobs(&self) -> Result<usize> {
        Ok(worker::drain(&self.env, jobs::dispatch).await?)
    }

    /// Moves the clock of the work and of the synthetic internet.
    pub fn advance(&self, by: Duration) {
        self.env.clock.advance(by);
    }

    /// The observable of a name or address.
    ///
    /// # Errors
    /// There is none.
    pub async fn observable(&self, kind: ObservableKind, value: &str) -> Result<observable::Model> {
        observables::by_value(&self.env, &self.lea(), kind, value).await.with_context(|| value.to_owned())
    }
}

fn datetime(micros: i64) -> OffsetDateTime {
    Timestamp(micros).datetime()
}

fn knowledge(range: &Range, lists: &Lists) -> Result<Context> {
    let mut context = Context {
        suffixes: Suffixes::with_extra(range.suffixes()).map_err(anyhow::Error::msg)?,
        ..Context::default()
    };
    context.benign.load(&lists.warning_lists)?;
    Ok(context)
}

fn outside(range: &Range, lists: &Lists, mail: &MailSettings) -> Result<Outside> {
    let parents = range.suffixes().iter().map(|suffix| (suffix.clone(), vec![range.parent()])).collect();
    let dns = DnsSettings { resolvers: vec![range.dns()], parents, ..DnsSettings::default() };
    let (bootstrap, _) = Bootstrap::from_folder(&lists.bootstrap)?;
    let rdap = RdapSettings {
        bootstrap,
        allow_http: true,
        allow_networks: vec!["127.0.0.0/8".parse()?],
        limits: Limits { per_second: None, burst: 1, in_flight: 16 },
        cache_ttl: Duration::ZERO,
        ..RdapSettings::default()
    };
    let mut asn = AsnTable::default();
    asn.load(&lists.asn_v4)?;
    asn.load(&lists.asn_v6)?;
    Ok(Outside { dns: Dns::new(dns), rdap: Some(Rdap::new(&rdap)?), asn, mail: Mail::open(mail)? })
}
