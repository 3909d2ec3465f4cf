//! The port to the registries: RDAP queries (RFC 9082) at the server that the bootstrap registries name (RFC 9224).
//!
//! Asking a registry is passive (PAP AMBER); asking a registrar may reach a colluding party (PAP GREEN), so the
//! registrar's fuller answer is a call of its own and the caller decides.

pub mod bootstrap;
mod cache;
mod fetch;
mod parse;
#[cfg(test)]
mod tests;
mod token;
mod vcard;

use std::{net::IpAddr, time::Duration};

use ipnetwork::IpNetwork;
use url::Url;

use crate::{
    observe::reading::{RdapDomainReading, RdapEntityReading, RdapNetworkReading},
    outside::limiter::Limits,
};
use bootstrap::Bootstrap;
use fetch::{Fetched, Fetcher};
pub use parse::{Class, ParseRdapError, RdapObject, read, status};

/// How the registries are asked.
#[derive(Clone, Debug)]
pub struct RdapSettings {
    /// Which server answers for what.
    pub bootstrap: Bootstrap,
    /// Whether `http:` is allowed where a server has no `https:`; for loopback.
    pub allow_http: bool,
    /// Networks that may be connected to though they are not on the open internet; for the range and tests.
    pub allow_networks: Vec<IpNetwork>,
    /// The limits that hold for each server; registries bear about one question a second.
    pub limits: Limits,
    /// How long a question may wait for its turn before it is given back with [`RdapError::RetryAfter`].
    pub patience: Duration,
    /// The limit of one exchange, from connecting to the last byte.
    pub timeout: Duration,
    /// How long an answer is remembered; zero = never.
    pub cache_ttl: Duration,
    /// How we present ourselves (`User-Agent`).
    pub user_agent: String,
    /// Certificates to trust besides the system's, PEM.
    pub extra_roots: Vec<String>,
}

impl Default for RdapSettings {
    fn default() -> Self {
        Self {
            bootstrap: Bootstrap::default(),
            allow_http: false,
            allow_networks: Vec::new(),
            limits: Limits { per_second: Some(1.0), burst: 5, in_flight: 2 },
            patience: Duration::from_secs(30),
            timeout: Duration::from_secs(20),
            cache_ttl: Duration::from_secs(15 * 60),
            user_agent: concat!("lockstep/", env!("CARGO_PKG_VERSION")).to_owned(),
            extra_roots: Vec::new(),
        }
    }
}

/// Why there is no answer. None of these says anything about the object asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RdapError {
    /// The server's word or its rate limit: ask again then.
    #[error("ask again in {} s", .0.as_secs())]
    RetryAfter(Duration),
    /// The bootstrap registries name no server; a matter for WHOIS or a person.
    #[error("no RDAP server is known for {0}")]
    NoServer(String),
    /// We will not: the target, its scheme, its size or its kind of answer.
    #[error("refused: {0}")]
    Refused(String),
    /// The answer did not come in time.
    #[error("no answer in time")]
    Timeout,
    /// No connection, or it broke.
    #[error("connection failed: {0}")]
    Network(String),
    /// An HTTP status that is no answer.
    #[error("the server said status {0}")]
    Status(u16),
    /// The body is no RDAP object of the kind asked for.
    #[error("the answer cannot be read: {0}")]
    Malformed(String),
}

impl RdapError {
    /// Whether the same question may be answered later.
    pub fn retryable(&self) -> bool {
        match self {
            Self::RetryAfter(_) | Self::Timeout | Self::Network(_) => true,
            Self::Status(code) => *code >= 500,
            Self::NoServer(_) | Self::Refused(_) | Self::Malformed(_) => false,
        }
    }
}

impl From<ParseRdapError> for RdapError {
    fn from(error: ParseRdapError) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Why the port cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum RdapSetupError {
    /// One of `extra_roots` is no PEM certificate.
    #[error("extra root {0} is no PEM certificate: {1}")]
    Root(usize, reqwest::Error),
    /// The HTTP client.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// An answer: the reading and what it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RdapAnswer<R> {
    /// Our reading.
    pub reading: R,
    /// The body as it came, at most [`RAW_LIMIT`] bytes and then marked as cut.
    pub raw: String,
    /// Host and port of the server that answered.
    pub server: String,
    /// The address the answer came from, after redirects.
    pub url: String,
    /// The registrar's RDAP address for the same domain, when the registry's answer links to it.
    pub related: Option<String>,
}

/// The bound of [`RdapAnswer::raw`], in bytes.
pub const RAW_LIMIT: usize = 64 * 1024;

/// The port itself; cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Rdap {
    bootstrap: Bootstrap,
    allow_http: bool,
    fetcher: Fetcher,
}

impl Rdap {
    /// A port that asks as `settings` say.
    ///
    /// # Errors
    /// A bad extra root, or TLS cannot be set up.
    pub fn new(settings: &RdapSettings) -> Result<Self, RdapSetupError> {
        Ok(Self {
            bootstrap: settings.bootstrap.clone(),
            allow_http: settings.allow_http,
            fetcher: Fetcher::new(settings)?,
        })
    }

    /// Asks the registry of `name` for the domain object; a 404 is a reading too.
    ///
    /// # Errors
    /// See [`RdapError`].
    pub async fn domain(&self, name: &str) -> Result<RdapAnswer<RdapDomainReading>, RdapError> {
        let name = host_name(name)?;
        let url = self.url(self.bootstrap.domain(&name), &["domain", &name], &name)?;
        self.domain_at(url, &name).await
    }

    /// Asks the registrar for the same domain, at the `related` address of the registry's answer.
    ///
    /// # Errors
    /// See [`RdapError`].
    pub async fn domain_at_registrar(
        &self,
        name: &str,
        related: &str,
    ) -> Result<RdapAnswer<RdapDomainReading>, RdapError> {
        let url =
            Url::parse(related).map_err(|error| RdapError::Refused(format!("the related link: {error}")))?;
        self.domain_at(url, &host_name(name)?).await
    }

    async fn domain_at(&self, url: Url, name: &str) -> Result<RdapAnswer<RdapDomainReading>, RdapError> {
        let fetched = self.fetcher.get(url).await?;
        let Some(body) = fetched.body.as_deref() else {
            let reading = RdapDomainReading { not_found: true, ..RdapDomainReading::default() };
            return Ok(answer(&fetched, reading, None));
        };
        match read(body, Class::Domain)? {
            RdapObject::Domain(reading, related) => match &reading.name {
                Some(other) if other != name => {
                    Err(RdapError::Malformed("it is about another name".to_owned()))
                }
                _ => Ok(answer(&fetched, *reading, related)),
            },
            RdapObject::Network(_) | RdapObject::Entity(_) => Err(wrong_class(Class::Domain)),
        }
    }

    /// Asks the regional registry for the network that `address` is in.
    ///
    /// # Errors
    /// See [`RdapError`].
    pub async fn ip(&self, address: IpAddr) -> Result<RdapAnswer<RdapNetworkReading>, RdapError> {
        let text = address.to_string();
        let url = self.url(self.bootstrap.address(address), &["ip", &text], &text)?;
        let answer = self.network_at(url, Class::IpNetwork).await?;
        match &answer.reading.range {
            Some((first, last)) if !within(address, first, last) => {
                Err(RdapError::Malformed("the network does not hold the address".to_owned()))
            }
            _ => Ok(answer),
        }
    }

    /// Asks the regional registry for an AS number.
    ///
    /// # Errors
    /// See [`RdapError`].
    pub async fn autnum(&self, number: u32) -> Result<RdapAnswer<RdapNetworkReading>, RdapError> {
        let text = number.to_string();
        let url = self.url(self.bootstrap.autnum(number), &["autnum", &text], &format!("AS{number}"))?;
        self.network_at(url, Class::Autnum).await
    }

    async fn network_at(&self, url: Url, class: Class) -> Result<RdapAnswer<RdapNetworkReading>, RdapError> {
        let fetched = self.fetcher.get(url).await?;
        let Some(body) = fetched.body.as_deref() else {
            let reading = RdapNetworkReading { not_found: true, ..RdapNetworkReading::default() };
            return Ok(answer(&fetched, reading, None));
        };
        match read(body, class)? {
            RdapObject::Network(reading) => Ok(answer(&fetched, reading, None)),
            RdapObject::Domain(..) | RdapObject::Entity(_) => Err(wrong_class(class)),
        }
    }

    /// Asks for an entity by a handle with a service provider's tag (`NAME-ARIN`, RFC 8521).
    ///
    /// # Errors
    /// See [`RdapError`].
    pub async fn entity(&self, handle: &str) -> Result<RdapAnswer<RdapEntityReading>, RdapError> {
        if handle.is_empty()
            || handle.len() > 255
            || handle.chars().any(|c| c.is_control() || c.is_whitespace())
        {
            return Err(RdapError::Refused("the handle is no handle".to_owned()));
        }
        let url = self.url(self.bootstrap.tagged(handle), &["entity", handle], handle)?;
        let fetched = self.fetcher.get(url).await?;
        let Some(body) = fetched.body.as_deref() else {
            let reading = RdapEntityReading { not_found: true, ..RdapEntityReading::default() };
            return Ok(answer(&fetched, reading, None));
        };
        match read(body, Class::Entity)? {
            RdapObject::Entity(reading) => Ok(answer(&fetched, reading, None)),
            RdapObject::Domain(..) | RdapObject::Network(_) => Err(wrong_class(Class::Entity)),
        }
    }

    /// The query's address: the best of the servers, and the path.
    fn url(&self, servers: &[Url], path: &[&str], what: &str) -> Result<Url, RdapError> {
        let of = |scheme: &str| servers.iter().find(|url| url.scheme() == scheme);
        let server = of("https").or_else(|| of("http").filter(|_| self.allow_http));
        let mut url = server.ok_or_else(|| RdapError::NoServer(what.to_owned()))?.clone();
        url.path_segments_mut()
            .map_err(|()| RdapError::NoServer(what.to_owned()))?
            .pop_if_empty()
            .extend(path);
        Ok(url)
    }
}

fn answer<R>(fetched: &Fetched, reading: R, related: Option<String>) -> RdapAnswer<R> {
    let text = String::from_utf8_lossy(fetched.body.as_deref().unwrap_or_default());
    let mut raw = text[..text.floor_char_boundary(RAW_LIMIT - 64)].to_owned();
    if raw.len() < text.len() {
        raw.push_str(&format!("\n[cut, {} bytes in all]", text.len()));
    }
    RdapAnswer { reading, raw, server: fetched.server.clone(), url: fetched.url.to_string(), related }
}

fn wrong_class(asked: Class) -> RdapError {
    RdapError::Malformed(format!("it is no {asked} object"))
}

/// A name as it may stand in a query: A-labels, lower case, no dot at its end.
fn host_name(name: &str) -> Result<String, RdapError> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() <= 253 && name.split('.').all(label) {
        Ok(name)
    } else {
        Err(RdapError::Refused("the name is no host name in A-labels".to_owned()))
    }
}

/// Whether `address` lies between two addresses given as text; true when they cannot be read.
fn within(address: IpAddr, first: &str, last: &str) -> bool {
    // LACNIC pads octets and some servers add the prefix length: what cannot be read proves nothing.
    let read = |text: &str| text.split('/').next().and_then(|text| text.trim().parse::<IpAddr>().ok());
    match (read(first), read(last)) {
        (Some(first), Some(last))
            if first.is_ipv4() == address.is_ipv4() && last.is_ipv4() == first.is_ipv4() =>
        {
            first <= address && address <= last
        }
        (None, _) | (_, None) => true,
        _ => false,
    }
}
