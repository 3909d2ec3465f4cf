//! A synthetic internet on loopback, for the demo, for rehearsals and for tests.
//!
//! A [`Scenario`] and its seed make a [`World`]: thousands of domains of a family of malware, honest
//! bystanders on the same hubs, registrars, networks. A [`Range`] serves that world on 127.0.0.1: DNS
//! (a resolver, a resolver that lies, the suffixes' own servers), RDAP (registries, registrars, a RIR) and
//! the mailboxes of abuse desks. Registrars read their mail and, after a delay, suspend what they sponsor.
//!
//! Nothing here exists elsewhere: names lie under suffixes of `.example`, addresses and AS numbers are
//! those set aside for documentation. The same scenario gives the same internet, byte for byte. The clock
//! is an argument: a test sets it, the demo runs it faster than the wall.
//!
//! ```no_run
//! # async fn rehearse() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use range::{Range, Scenario};
//!
//! let scenario = Scenario::small()?;
//! let start = scenario.starts_at();
//! let range = Range::start(scenario, Arc::new(move || start)).await?;
//! println!("ask {} about {}", range.dns(), range.world().domains[0].name);
//! println!("write to {} by way of {}", range.registrars()[0].abuse_mail, range.smtp());
//! for done in range.act() {
//!     println!("{} is on hold since {}", done.domain, done.since);
//! }
//! range.stop().await;
//! # Ok(())
//! # }
//! ```

mod answer;
mod campaign;
mod desk;
mod dice;
mod dns;
mod generate;
mod infrastructure;
mod internet;
mod labels;
mod lists;
mod mailbox;
mod publish;
mod rdap;
mod rdap_json;
mod scenario;
mod smtp;
mod smtp_session;
#[cfg(test)]
mod tests;
mod world;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::answer::View;
use crate::dns::DnsServer;
use crate::internet::{Internet, Standing};
use crate::mailbox::Mailboxes;
use crate::rdap::Rdap;

pub use crate::desk::Suspension;
pub use crate::generate::generate;
pub use crate::internet::Clock;
pub use crate::mailbox::Mail;
pub use crate::publish::{FamilyList, Lists};
pub use crate::rdap::RdapLimit;
pub use crate::scenario::{
    Bursts, Campaign, Csirt, DeadDrops, Desk, Diversion, Family, Filtering, LUMMA, Labels, MAX_DOMAINS,
    NameServerScheme, NameServers, Network, Platform, Registrar, SMALL, Scenario, ScenarioError, Special,
};
pub use crate::world::{Certificate, DeadDrop, Domain, Lie, Manner, Role, World};

/// Why the range did not start or a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// A socket could not be opened.
    #[error("cannot listen on loopback for {what}: {source}")]
    Listen {
        /// What was to listen there.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no such domain in the range.
    #[error("`{0}` is not a domain of the range")]
    NoSuchDomain(String),
}

/// A running synthetic internet; it stops when it is dropped.
pub struct Range {
    net: Arc<Internet>,
    mailboxes: Arc<Mailboxes>,
    desks: Arc<Mutex<BTreeMap<usize, desk::Read>>>,
    resolver: DnsServer,
    filtering: DnsServer,
    parent: DnsServer,
    rdap: Arc<Rdap>,
    rdap_address: SocketAddr,
    smtp: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
    _stop_on_drop: DropGuard,
}

/// A registrar as those see it who write to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrarView {
    /// Its name.
    pub name: String,
    /// IANA registrar id.
    pub iana_id: u32,
    /// Mailbox of its abuse desk.
    pub abuse_mail: String,
    /// Its desk acts upon notices, sooner or later.
    pub acts: bool,
}

/// What is true of a domain, for scoring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// The domain.
    pub domain: String,
    /// Family of malware that it belongs to; none for honest domains.
    pub family: Option<String>,
    /// Name of its registrar.
    pub registrar: String,
    /// The registrar's desk acts upon notices.
    pub registrar_acts: bool,
    /// How its name server behaves.
    pub manner: Manner,
    /// Since when it is on hold and out of the zone; none while it is live.
    pub held_since: Option<OffsetDateTime>,
}

impl Range {
    /// Generates the world and starts its servers on free ports of 127.0.0.1.
    ///
    /// # Errors
    /// [`RangeError::Listen`] when a port cannot be had.
    pub async fn start(scenario: Scenario, clock: Clock) -> Result<Self, RangeError> {
        let listen = |what| move |source| RangeError::Listen { what, source };
        let net = Arc::new(Internet::new(scenario, clock));
        let mailboxes = Arc::new(Mailboxes::new(addresses(&net.scenario)));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let dns = |view| DnsServer::start(net.clone(), view);
        let resolver = dns(View::Resolver).await.map_err(listen("the resolver"))?;
        let filtering = dns(View::Filtering).await.map_err(listen("the filtering resolver"))?;
        let parent = dns(View::Parent).await.map_err(listen("the suffixes' name server"))?;
        let smtp = smtp::start(net.clone(), mailboxes.clone(), stop.clone(), &tasks)
            .await
            .map_err(listen("mail"))?;
        let (rdap, rdap_address) =
            Rdap::start(net.clone(), stop.clone(), &tasks).await.map_err(listen("RDAP"))?;
        let _stop_on_drop = stop.clone().drop_guard();
        Ok(Self {
            net,
            mailboxes,
            desks: Arc::default(),
            resolver,
            filtering,
            parent,
            rdap,
            rdap_address,
            smtp,
            stop,
            tasks,
            _stop_on_drop,
        })
    }

    /// Address of the resolver that tells the truth (UDP and TCP).
    #[must_use]
    pub fn dns(&self) -> SocketAddr {
        self.resolver.address
    }

    /// Address of the resolver that lies about some malicious domains (UDP and TCP).
    #[must_use]
    pub fn filtering_dns(&self) -> SocketAddr {
        self.filtering.address
    }

    /// Address of the name server of all suffixes: referrals and names that do not exist (UDP and TCP).
    #[must_use]
    pub fn parent(&self) -> SocketAddr {
        self.parent.address
    }

    /// Address of the mail receiver.
    #[must_use]
    pub fn smtp(&self) -> SocketAddr {
        self.smtp
    }

    /// Address of the RDAP servers (HTTP); the bootstrap files say who answers for what there.
    #[must_use]
    pub fn rdap(&self) -> SocketAddr {
        self.rdap_address
    }

    /// Limits the number of RDAP questions from now on (429 and `Retry-After` beyond it), or lifts the limit.
    pub fn limit_rdap(&self, limit: Option<RdapLimit>) {
        self.rdap.set_limit(limit);
    }

    /// The suffixes that act as top-level domains.
    #[must_use]
    pub fn suffixes(&self) -> &[String] {
        &self.net.scenario.suffixes
    }

    /// The scenario that is played.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.net.scenario
    }

    /// The world as it was at the start.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.net.world
    }

    /// What a mailbox has got, oldest first; nothing for an unknown address.
    #[must_use]
    pub fn mailbox(&self, address: &str) -> Vec<Mail> {
        self.mailboxes.read(address, 0)
    }

    /// The registrars, in the order of the scenario.
    #[must_use]
    pub fn registrars(&self) -> Vec<RegistrarView> {
        let view = |r: &Registrar| RegistrarView {
            name: r.name.clone(),
            iana_id: r.iana_id,
            abuse_mail: r.abuse.clone(),
            acts: acts(r),
        };
        self.net.scenario.registrars.iter().map(view).collect()
    }

    /// What is true of every registered domain now, in the order of the world.
    #[must_use]
    pub fn truth(&self) -> Vec<Truth> {
        let truth = |(index, domain): (usize, &Domain)| {
            let registrar = &self.net.scenario.registrars[domain.registrar];
            let held_since = match self.net.standing(index) {
                Standing::Held(since) => Some(since),
                Standing::Active => None,
                Standing::Unregistered => return None,
            };
            Some(Truth {
                domain: domain.name.clone(),
                family: domain.family().map(str::to_owned),
                registrar: registrar.name.clone(),
                registrar_acts: acts(registrar),
                manner: domain.manner,
                held_since,
            })
        };
        self.net.world.domains.iter().enumerate().filter_map(truth).collect()
    }

    /// Every registrar goes over its mail once; what was suspended by that.
    ///
    /// A desk deals with a mail when its delay has passed by the range's clock; the hold counts from that
    /// moment. A mail is dealt with once.
    #[must_use]
    pub fn act(&self) -> Vec<Suspension> {
        act(&self.net, &self.mailboxes, &self.desks)
    }

    /// Lets the registrars work by themselves, every `every` of wall time, until the range stops.
    pub fn run_desks(&self, every: Duration) {
        let (net, mailboxes, desks) = (self.net.clone(), self.mailboxes.clone(), self.desks.clone());
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let mut tick = tokio::time::interval(every.max(Duration::from_millis(1)));
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = tick.tick() => {
                        let suspended = act(&net, &mailboxes, &desks).len();
                        tracing::debug!(suspended, "desks of the range went over their mail");
                    }
                }
            }
        });
    }

    /// Lifts the hold of a domain: it is in the zone again. False when there was no hold.
    ///
    /// # Errors
    /// [`RangeError::NoSuchDomain`].
    pub fn restore(&self, domain: &str) -> Result<bool, RangeError> {
        let index = self.net.index_of(domain).ok_or_else(|| RangeError::NoSuchDomain(domain.to_owned()))?;
        Ok(self.net.release(index))
    }

    /// Sets `client hold` on a domain now, as its registrar would of its own accord. False when it was held
    /// before.
    ///
    /// # Errors
    /// [`RangeError::NoSuchDomain`].
    pub fn suspend(&self, domain: &str) -> Result<bool, RangeError> {
        let index = self.net.index_of(domain).ok_or_else(|| RangeError::NoSuchDomain(domain.to_owned()))?;
        Ok(self.net.hold(index, self.net.now()))
    }

    /// Stops all servers and waits until they have.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        for server in [self.resolver, self.filtering, self.parent] {
            server.stop().await;
        }
    }
}

fn act(net: &Internet, mailboxes: &Mailboxes, desks: &Mutex<BTreeMap<usize, desk::Read>>) -> Vec<Suspension> {
    let mut desks = desks.lock().unwrap_or_else(PoisonError::into_inner);
    let all = 0..net.scenario.registrars.len();
    all.flat_map(|i| desk::work(net, mailboxes, i, desks.entry(i).or_default())).collect()
}

fn acts(registrar: &Registrar) -> bool {
    match registrar.desk {
        Desk::Acts { .. } => true,
        Desk::Silent => false,
    }
}

/// Everybody who has a mailbox.
fn addresses(scenario: &Scenario) -> Vec<String> {
    let registrars = scenario.registrars.iter().map(|r| &r.abuse);
    let networks = scenario.networks.iter().map(|n| &n.abuse);
    registrars.chain(networks).chain(scenario.csirts.iter().map(|c| &c.mail)).cloned().collect()
}
