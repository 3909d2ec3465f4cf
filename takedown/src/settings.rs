//! What the operator sets, as plain data. Reading files and the environment is the server's work.

use std::{fmt, path::PathBuf, time::Duration};

use entities::Probe;

/// All settings of the work.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The job queue.
    pub jobs: JobSettings,
    /// Observation.
    pub observe: ObserveSettings,
    /// Notices and their delivery.
    pub mail: MailSettings,
    /// Clustering.
    pub cluster: ClusterSettings,
    /// Signing in.
    pub auth: AuthSettings,
}

/// How long sessions live.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// Without being used.
    pub session_idle: Duration,
    /// At the longest.
    pub session_longest: Duration,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            session_idle: Duration::from_secs(60 * 60),
            session_longest: Duration::from_secs(12 * 60 * 60),
        }
    }
}

/// The job queue's settings.
#[derive(Clone, Debug)]
pub struct JobSettings {
    /// How many jobs this process runs at a time.
    pub concurrency: usize,
    /// How long a worker holds a job before another may take it; renewed while the job runs.
    pub lease: Duration,
    /// How often to look for work when nothing woke the worker, in wall time.
    pub poll: Duration,
    /// How long a stopping worker lets running jobs finish, in wall time.
    pub grace: Duration,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self {
            concurrency: 4,
            lease: Duration::from_secs(60),
            poll: Duration::from_millis(500),
            grace: Duration::from_secs(20),
        }
    }
}

/// When and how observables are looked at.
#[derive(Clone, Debug)]
pub struct ObserveSettings {
    /// The record types of the regular round.
    pub probes: Vec<Probe>,
    /// Whether the regular round asks the parent zone's servers for the delegation.
    pub delegation: bool,
    /// Whether registration data is read.
    pub registration: bool,
    /// Whether a random name below each domain that answers is asked for, to know a wildcard.
    pub wildcard: bool,
    /// Observables in one batch, which is one transaction.
    pub batch: u64,
    /// Looks that wait for answers at a time.
    pub at_once: usize,
    /// How long until a look that brought nothing is repeated.
    pub fresh_every: Duration,
    /// How long until what answers is looked at again.
    pub active_every: Duration,
    /// How long until what is dark is looked at again.
    pub dark_every: Duration,
    /// How long until what is sinkholed or seized is looked at again.
    pub seized_every: Duration,
    /// How long a reading of registration data stands.
    pub registration_every: Duration,
}

impl Default for ObserveSettings {
    fn default() -> Self {
        const HOUR: u64 = 3_600;
        Self {
            probes: vec![Probe::A, Probe::Aaaa, Probe::Ns, Probe::Soa, Probe::Mx, Probe::Txt, Probe::Caa],
            delegation: true,
            registration: true,
            wildcard: true,
            batch: 500,
            at_once: 64,
            fresh_every: Duration::from_secs(HOUR),
            active_every: Duration::from_secs(6 * HOUR),
            dark_every: Duration::from_secs(24 * HOUR),
            seized_every: Duration::from_secs(24 * HOUR),
            registration_every: Duration::from_secs(24 * HOUR),
        }
    }
}

/// How names are grouped.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// What more names share is a hub and says nothing.
    pub hub_limit: usize,
    /// The evidence that a pair in a cluster must bring on average, in thousandths of a nat.
    pub threshold: u32,
    /// How long after a change the names are grouped anew, so that one run serves many changes.
    pub pause: Duration,
    /// How long runs over changes alone go on before everything is grouped anew.
    pub full_every: Duration,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        let (pause, full_every) = (Duration::from_secs(60), Duration::from_secs(24 * 3_600));
        Self { hub_limit: 50, threshold: 250, pause, full_every }
    }
}

/// Who writes notices, and whether they leave.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// Whether notices leave.
    pub delivery: Delivery,
    /// The mail server that takes them.
    pub smtp: SmtpUrl,
    /// Our organisation, as notices name it.
    pub org: String,
    /// Who we are, in one sentence that a stranger can check.
    pub about: String,
    /// The host name of our organisation: in Message-IDs and reports.
    pub domain: String,
    /// The mailbox that notices are from: `Takedown desk <takedown@lab.example>`.
    pub from: String,
    /// The mailbox that people read, when it is another.
    pub reply_to: Option<String>,
    /// Names in one notice; more make several. Each is an attachment, and common mail systems take 250.
    pub names_per_notice: usize,
    /// How long the mail server may take for one command, in wall time.
    pub timeout: Duration,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            delivery: Delivery::Off,
            smtp: SmtpUrl("smtp://127.0.0.1:25".into()),
            org: "Lockstep".into(),
            about: "We find and report the infrastructure of information-stealing malware.".into(),
            domain: "localhost.localdomain".into(),
            from: "takedown@localhost.localdomain".into(),
            reply_to: None,
            names_per_notice: 200,
            timeout: Duration::from_secs(60),
        }
    }
}

/// Whether notices leave. Off until the operator turns it on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Dry run: nothing leaves.
    #[default]
    Off,
    /// Into a folder, as `.eml` files.
    File {
        /// The folder; it must exist.
        dir: PathBuf,
    },
    /// To one mailbox of ours instead of the desks, for rehearsals.
    Redirect {
        /// The mailbox.
        to: String,
    },
    /// To the desks.
    On,
}

/// `smtp://user:password@host:port` or `smtps://…`; `?tls=required` for STARTTLS. Shown without the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl(pub String);

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        match rest.rsplit_once('@') {
            Some((_, host)) => write!(f, "{scheme}://…@{host}"),
            None => f.write_str(&self.0),
        }
    }
}
