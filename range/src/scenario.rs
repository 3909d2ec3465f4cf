//! What a synthetic internet is made of, as a YAML file.
//!
//! A scenario says how many domains there are, under which suffixes, at which registrars, behind which
//! networks and name servers, in which bursts they were registered and by whom. Shares are weights: they
//! are apportioned (largest remainder), so that a world has them exactly, whatever its seed.

mod check;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::Deserialize;
use time::{Date, Month, OffsetDateTime};

/// The scenario of the demo: one family of 2,300 domains, two smaller ones, bystanders.
pub const LUMMA: &str = include_str!("../scenarios/lumma.yaml");
/// A scenario of about sixty domains for tests.
pub const SMALL: &str = include_str!("../scenarios/small.yaml");

/// The most domains that one scenario may ask for.
pub const MAX_DOMAINS: usize = 200_000;

/// Why a scenario was refused.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The text is not YAML of the expected shape.
    #[error("{file}:{line}: {message}")]
    Syntax {
        /// Name of the file, as the caller gave it.
        file: String,
        /// Line, from 1; 0 when unknown.
        line: u64,
        /// What is wrong, with the field's name.
        message: String,
    },
    /// The text has the right shape, but a field does not make sense.
    #[error("{file}: {field}: {message}")]
    Field {
        /// Name of the file, as the caller gave it.
        file: String,
        /// Path of the field, for example `families[0].campaigns[1].registrars`.
        field: String,
        /// What is wrong and what to do.
        message: String,
    },
}

/// A whole scenario.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// A short name, used in file names.
    pub name: String,
    /// Seed of every random choice: same scenario and seed, same internet.
    pub seed: u64,
    /// The day on which the story starts (UTC), `YYYY-MM-DD`; registrations lie before it.
    #[serde(deserialize_with = "date")]
    pub start: Date,
    /// Suffixes that act as top-level domains, all under `.example`.
    pub suffixes: Vec<String>,
    /// Registrars and how their abuse desks behave.
    pub registrars: Vec<Registrar>,
    /// Networks that host.
    pub networks: Vec<Network>,
    /// Operators of name servers.
    pub name_servers: Vec<NameServers>,
    /// Issuers of certificates, by weight.
    pub certificates: BTreeMap<String, f64>,
    /// Families of malware and their campaigns.
    pub families: Vec<Family>,
    /// Domains of people who have nothing to do with it, on the same hubs and at the same registrars.
    #[serde(default)]
    pub bystanders: Vec<Campaign>,
    /// Popular names (whole domains), best known first.
    #[serde(default)]
    pub popular: Vec<String>,
    /// How many popular names a careless source puts on the list of the first family.
    #[serde(default)]
    pub listed_by_mistake: usize,
    /// Where sinkholed names point.
    pub sinkhole: Diversion,
    /// Where parked names point.
    pub parking: Diversion,
    /// What the filtering resolver lies about.
    pub filtering: Filtering,
    /// National CSIRTs: their mailboxes record what they get.
    #[serde(default)]
    pub csirts: Vec<Csirt>,
}

/// A registrar.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registrar {
    /// Its name; campaigns refer to it.
    pub name: String,
    /// IANA registrar id; 9990 or more, so that it cannot be mistaken for a real one.
    pub iana_id: u32,
    /// Mailbox of its abuse desk, under one of the suffixes.
    pub abuse: String,
    /// Its RDAP shows the registrant's mail address; otherwise that is redacted (RFC 9537).
    #[serde(default)]
    pub shows_registrant: bool,
    /// What its abuse desk does with a notice.
    pub desk: Desk,
}

/// What an abuse desk does with a notice.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Desk {
    /// Suspends what it sponsors, after a delay.
    Acts {
        /// Shortest and longest delay after the mail arrived, in minutes.
        minutes: [u32; 2],
    },
    /// Never does anything.
    Silent,
}

/// A network: an AS and its prefixes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Its name; campaigns refer to it.
    pub name: String,
    /// AS number, of the documentation ranges 64496-64511 and 65536-65551.
    pub asn: u32,
    /// Prefixes, of the documentation and benchmarking ranges; a domain takes its addresses from them in turn.
    pub prefixes: Vec<IpNetwork>,
    /// Mailbox of its abuse desk.
    pub abuse: String,
    /// Country code in its registration data.
    pub country: String,
    /// Anycast addresses that many domains share.
    #[serde(default)]
    pub hubs: usize,
    /// Fast-flux domains take addresses from here.
    #[serde(default)]
    pub flux: bool,
    /// Everybody is behind it: its prefixes belong on a benign list.
    #[serde(default)]
    pub cdn: bool,
}

/// An operator of name servers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameServers {
    /// Its name; campaigns refer to it.
    pub name: String,
    /// The zone that the servers' names lie in, a whole domain under one of the suffixes.
    pub zone: String,
    /// How customers get servers.
    pub scheme: NameServerScheme,
}

/// How customers get name servers.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NameServerScheme {
    /// Every account gets a pair out of two pools of host names, as a large CDN does.
    Pairs {
        /// Host names in each of the two pools.
        pool: usize,
    },
    /// Everybody gets the same servers.
    Fixed {
        /// How many.
        hosts: usize,
    },
}

/// A family of malware.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// Path that its bots ask for.
    pub gate: String,
    /// Campaigns: groups of domains made in one way.
    pub campaigns: Vec<Campaign>,
    /// Accounts on platforms that name its domains.
    #[serde(default)]
    pub dead_drops: Vec<DeadDrops>,
}

/// Accounts on one platform that name a family's domains.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadDrops {
    /// `steam` or `telegram`.
    pub platform: Platform,
    /// How many accounts.
    pub accounts: usize,
    /// How many domains each names.
    pub names: usize,
}

/// A platform on which dead drops live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Profiles, the account's name holds the domain.
    Steam,
    /// Channels, the title holds the domain.
    Telegram,
}

/// A group of domains that were made in one way.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Its name, unique in the scenario.
    pub name: String,
    /// How many domains.
    pub domains: usize,
    /// How labels are made.
    pub labels: Labels,
    /// Suffixes by weight.
    pub suffixes: BTreeMap<String, f64>,
    /// Registrars by weight.
    pub registrars: BTreeMap<String, f64>,
    /// Networks by weight.
    pub networks: BTreeMap<String, f64>,
    /// Name-server operators by weight.
    pub name_servers: BTreeMap<String, f64>,
    /// Distinct name-server pairs per domain, where the operator hands out pairs.
    #[serde(default = "one")]
    pub pairs_per_domain: f64,
    /// Number of IPv4 addresses of a domain, by weight; five or more come from the network's hubs.
    pub addresses: BTreeMap<usize, f64>,
    /// Part of the ordinary addresses that another domain of the campaign has too.
    #[serde(default)]
    pub reused_addresses: f64,
    /// Part of the domains that has IPv6 addresses, where the network has such a prefix.
    #[serde(default)]
    pub ipv6: f64,
    /// Number of domains of one registrant, by weight.
    pub registrants: BTreeMap<usize, f64>,
    /// When they were registered.
    pub registered: Bursts,
    /// Part of the domains that receives mail.
    pub mx: f64,
    /// Domains with unusual behaviour.
    #[serde(default)]
    pub special: Special,
}

/// How the labels of a campaign are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Labels {
    /// Two words run together, a letter changed.
    Mash,
    /// Five or six letters.
    Short,
    /// Two words with a hyphen, as honest people do.
    Words,
}

/// Days on which a campaign's domains were registered.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    /// First day, `YYYY-MM-DD`.
    #[serde(deserialize_with = "date")]
    pub from: Date,
    /// Last day, before the start of the scenario.
    #[serde(deserialize_with = "date")]
    pub to: Date,
    /// Number of distinct days.
    pub days: usize,
    /// Number of domains on the largest days.
    #[serde(default)]
    pub largest: Vec<usize>,
    /// Median gap between two registrations of one registrant on one day, in seconds.
    pub gap_seconds: u32,
}

/// How many domains of a campaign behave unusually.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Special {
    /// Every name below answers.
    pub wildcard: usize,
    /// Addresses change every minute, over many networks.
    pub fast_flux: usize,
    /// Already in the hands of a sinkhole operator.
    pub sinkholed: usize,
    /// Expired and parked.
    pub parked: usize,
}

/// Where sinkholed or parked names point.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diversion {
    /// Name servers (host names under a whole domain of a suffix).
    pub name_servers: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
}

/// What the filtering resolver lies about.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filtering {
    /// Part of the malicious domains for which it says that they do not exist.
    pub nxdomain: f64,
    /// Part of the malicious domains for which it answers 0.0.0.0.
    pub zero: f64,
}

/// A national CSIRT.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Csirt {
    /// Its name.
    pub name: String,
    /// Its mailbox.
    pub mail: String,
}

/// The parser's complaint with the line it is about, which names the field.
fn syntax(text: &str, file: &str, error: &serde_saphyr::Error) -> ScenarioError {
    let line = error.location().map_or(0, |l| l.line());
    let about = usize::try_from(line).ok().and_then(|n| text.lines().nth(n.checked_sub(1)?));
    let about: String = about.unwrap_or_default().trim().chars().take(120).collect();
    let message = format!("{} in `{about}`", error.without_snippet());
    ScenarioError::Syntax { file: file.to_owned(), line, message }
}

fn one() -> f64 {
    1.0
}

fn date<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Date, D::Error> {
    let text = String::deserialize(input)?;
    parse_date(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a date YYYY-MM-DD")))
}

fn parse_date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month: u8 = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()
}

impl Scenario {
    /// Reads and checks a scenario; `file` names it in errors.
    ///
    /// # Errors
    /// [`ScenarioError`] names the file and the line or field.
    pub fn parse(text: &str, file: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = serde_saphyr::from_str(text).map_err(|e| syntax(text, file, &e))?;
        scenario.check().map_err(|(field, message)| ScenarioError::Field {
            file: file.to_owned(),
            field,
            message,
        })?;
        Ok(scenario)
    }

    /// The scenario of the demo ([`LUMMA`]).
    ///
    /// # Errors
    /// Never with the file as shipped; a test holds that.
    pub fn lumma() -> Result<Self, ScenarioError> {
        Self::parse(LUMMA, "lumma.yaml")
    }

    /// The scenario for tests ([`SMALL`]).
    ///
    /// # Errors
    /// Never with the file as shipped; a test holds that.
    pub fn small() -> Result<Self, ScenarioError> {
        Self::parse(SMALL, "small.yaml")
    }

    /// Midnight (UTC) of the day on which the story starts.
    #[must_use]
    pub fn starts_at(&self) -> OffsetDateTime {
        self.start.midnight().assume_utc()
    }

    /// Every campaign with the index of its family; bystanders have none.
    pub fn campaigns(&self) -> impl Iterator<Item = (Option<usize>, &Campaign)> {
        let of_families =
            self.families.iter().enumerate().flat_map(|(i, f)| f.campaigns.iter().map(move |c| (Some(i), c)));
        of_families.chain(self.bystanders.iter().map(|c| (None, c)))
    }

    /// The suffix that `name` lies under (the longest one), if any; `name` may be the suffix itself.
    #[must_use]
    pub fn suffix_of(&self, name: &str) -> Option<&str> {
        let under = |s: &&String| {
            name == s.as_str() || name.strip_suffix(s.as_str()).is_some_and(|rest| rest.ends_with('.'))
        };
        self.suffixes.iter().filter(under).max_by_key(|s| s.len()).map(String::as_str)
    }

    /// The whole domain (one label and its suffix) that `name` is or lies under.
    #[must_use]
    pub fn domain_of(&self, name: &str) -> Option<String> {
        let suffix = self.suffix_of(name)?;
        let rest = name.strip_suffix(suffix)?.strip_suffix('.')?;
        let label = rest.rsplit('.').next().filter(|l| !l.is_empty())?;
        Some(format!("{label}.{suffix}"))
    }
}
