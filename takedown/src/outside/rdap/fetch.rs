//! Fetching a page whose address somebody else may have chosen: bounded, polite, and never inside our own network.

use std::{
    error::Error as _,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ipnetwork::IpNetwork;
use reqwest::{
    Certificate, Client, ClientBuilder, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{
        ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION,
        RETRY_AFTER,
    },
    redirect::Policy,
};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::time::Instant;
use url::{Host, Url};

use super::{RdapError, RdapSettings, RdapSetupError, cache::Cache};
use crate::outside::{global::may_connect, limiter::Limiter};

/// The longest body that is read, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// How many redirects are followed.
pub const MAX_REDIRECTS: usize = 3;
/// How long to stay away when a server says "too many" or "unavailable" without saying until when.
const DEFAULT_PAUSE: Duration = Duration::from_secs(60);

/// An answer: an object's bytes, or the server's word that it has none.
#[derive(Debug)]
pub struct Fetched {
    /// Where it came from, after redirects.
    pub url: Url,
    /// Host and port of the server that answered.
    pub server: String,
    /// The body; `None` = 404.
    pub body: Option<Vec<u8>>,
}

/// The fetcher, with one limiter and one cache for all servers.
#[derive(Debug)]
pub struct Fetcher {
    client: Client,
    limiter: Limiter<String>,
    cache: Mutex<Cache>,
    cache_ttl: Duration,
    patience: Duration,
    allow_http: bool,
    allowed: Arc<[IpNetwork]>,
}

/// What one hop brought.
enum Hop {
    Done(Fetched),
    Redirect(Url),
}

impl Fetcher {
    /// A fetcher that keeps to `settings`.
    pub fn new(settings: &RdapSettings) -> Result<Self, RdapSetupError> {
        let allowed: Arc<[IpNetwork]> = settings.allow_networks.clone().into();
        Ok(Self {
            client: client(settings, &allowed)?,
            limiter: Limiter::new(settings.limits.clone()),
            cache: Mutex::new(Cache::default()),
            cache_ttl: settings.cache_ttl,
            patience: settings.patience,
            allow_http: settings.allow_http,
            allowed,
        })
    }

    /// Fetches `url`, through the cache.
    pub async fn get(&self, url: Url) -> Result<Arc<Fetched>, RdapError> {
        let key = url.to_string();
        if let Some(known) =
            self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(&key, Instant::now())
        {
            return Ok(known);
        }
        let fetched = Arc::new(self.follow(url).await?);
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.put(key, Arc::clone(&fetched), Instant::now(), self.cache_ttl);
        Ok(fetched)
    }

    async fn follow(&self, mut url: Url) -> Result<Fetched, RdapError> {
        for _ in 0..=MAX_REDIRECTS {
            match self.hop(url).await? {
                Hop::Done(fetched) => return Ok(fetched),
                Hop::Redirect(next) => url = next,
            }
        }
        Err(RdapError::Refused(format!("more than {MAX_REDIRECTS} redirects")))
    }

    async fn hop(&self, url: Url) -> Result<Hop, RdapError> {
        let server = self.check(&url)?;
        let _permit = self
            .limiter
            .acquire(&server, self.patience)
            .await
            .map_err(|busy| RdapError::RetryAfter(busy.after))?;
        let response = self.client.get(url.clone()).send().await.map_err(failure)?;
        // The name was looked up and filtered before; this is the address that was in fact connected to.
        if let Some(peer) = response.remote_addr()
            && !may_connect(peer.ip(), &self.allowed)
        {
            return Err(refused_address());
        }
        match response.status() {
            StatusCode::OK => {
                expect_json(response.headers())?;
                let body = Some(body(response).await?);
                Ok(Hop::Done(Fetched { url, server, body }))
            }
            StatusCode::NOT_FOUND => {
                // A web server's own error page is no registry's word that an object does not exist.
                if response.headers().contains_key(CONTENT_TYPE) && expect_json(response.headers()).is_err() {
                    return Err(RdapError::Refused("a 404 that is no RDAP server's".to_owned()));
                }
                Ok(Hop::Done(Fetched { url, server, body: None }))
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let pause = retry_after(response.headers()).unwrap_or(DEFAULT_PAUSE);
                self.limiter.pause(&server, pause);
                Err(RdapError::RetryAfter(pause))
            }
            status if status.is_redirection() => {
                let location = text(response.headers(), &LOCATION);
                let next = location.and_then(|location| url.join(location).ok());
                next.map(Hop::Redirect).ok_or_else(|| RdapError::Refused("a redirect to nowhere".to_owned()))
            }
            status => Err(RdapError::Status(status.as_u16())),
        }
    }

    /// Checks an address before anything is sent; returns the server's host and port.
    fn check(&self, url: &Url) -> Result<String, RdapError> {
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            _ => return Err(RdapError::Refused(format!("the scheme {}:", url.scheme()))),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RdapError::Refused("an address with a user name".to_owned()));
        }
        // Literal addresses never reach the resolver's guard.
        let literal = match url.host() {
            Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
            Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
            Some(Host::Domain(_)) => None,
            None => return Err(RdapError::Refused("an address without a host".to_owned())),
        };
        if literal.is_some_and(|address| !may_connect(address, &self.allowed)) {
            return Err(refused_address());
        }
        let port = url.port_or_known_default().unwrap_or_default();
        Ok(format!("{}:{port}", url.host_str().unwrap_or_default()))
    }
}

/// Looks names up by the system's resolver and leaves only addresses that may be connected to.
#[derive(Debug)]
struct Guard {
    allowed: Arc<[IpNetwork]>,
}

/// The guard left no address.
#[derive(Debug, thiserror::Error)]
#[error("the target is not on the open internet")]
struct NotOpen;

fn refused_address() -> RdapError {
    RdapError::Refused(NotOpen.to_string())
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.allowed);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let open: Vec<_> = found.filter(|address| may_connect(address.ip(), &allowed)).collect();
            if open.is_empty() {
                return Err(NotOpen.into());
            }
            let addresses: Addrs = Box::new(open.into_iter());
            Ok(addresses)
        })
    }
}

fn client(settings: &RdapSettings, allowed: &Arc<[IpNetwork]>) -> Result<Client, RdapSetupError> {
    // Ours is the only provider compiled in; that it is installed already is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut roots = Vec::new();
    for (place, pem) in settings.extra_roots.iter().enumerate() {
        let bundle = Certificate::from_pem_bundle(pem.as_bytes());
        roots.extend(bundle.map_err(|error| RdapSetupError::Root(place + 1, error))?);
    }
    let with_system_roots = builder(settings, allowed).tls_certs_merge(roots.clone()).build();
    // A machine without a certificate store can still speak to those in extra_roots, and http: where allowed.
    with_system_roots.or_else(|_| Ok(builder(settings, allowed).tls_certs_only(roots).build()?))
}

fn builder(settings: &RdapSettings, allowed: &Arc<[IpNetwork]>) -> ClientBuilder {
    let mut headers = HeaderMap::new();
    let json = "application/rdap+json, application/json;q=0.9";
    headers.insert(ACCEPT, reqwest::header::HeaderValue::from_static(json));
    headers.insert(ACCEPT_ENCODING, reqwest::header::HeaderValue::from_static("identity"));
    Client::builder()
        .user_agent(&settings.user_agent)
        .default_headers(headers)
        .dns_resolver(Guard { allowed: Arc::clone(allowed) })
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .https_only(!settings.allow_http)
        .connect_timeout(settings.timeout.min(Duration::from_secs(10)))
        .timeout(settings.timeout)
        .pool_max_idle_per_host(2)
}

/// Reads the body within [`MAX_BODY`]; what comes compressed though we asked for it plain is refused unread.
async fn body(mut response: Response) -> Result<Vec<u8>, RdapError> {
    let coding = text(response.headers(), &CONTENT_ENCODING);
    if coding.is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity")) {
        return Err(RdapError::Refused("a compressed body that was not asked for".to_owned()));
    }
    let too_long = || RdapError::Refused(format!("a body of more than {MAX_BODY} bytes"));
    if response.content_length().is_some_and(|length| length > MAX_BODY as u64) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// RDAP's own type (RFC 7480 §4.2), or plain JSON as many servers send.
fn expect_json(headers: &HeaderMap) -> Result<(), RdapError> {
    let sent = text(headers, &CONTENT_TYPE).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/rdap+json" | "application/json" | "text/json" => Ok(()),
        "" => Err(RdapError::Refused("an answer without a content type".to_owned())),
        _ => Err(RdapError::Refused(format!(
            "an answer of type {}",
            essence.chars().take(60).collect::<String>()
        ))),
    }
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date, taken against the server's own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, &RETRY_AFTER)?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds.min(24 * 3600)));
    }
    let until = http_date(value)?;
    let now = http_date(text(headers, &DATE)?.trim())?;
    Some(Duration::try_from(until - now).unwrap_or(Duration::ZERO).min(Duration::from_secs(24 * 3600)))
}

fn http_date(text: &str) -> Option<OffsetDateTime> {
    // IMF-fixdate is an RFC 2822 date whose zone is written GMT.
    OffsetDateTime::parse(&text.replace("GMT", "+0000"), &Rfc2822).ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What an error of the HTTP client means; its text never has the address in it.
fn failure(error: reqwest::Error) -> RdapError {
    let mut cause = error.source();
    let mut last = None;
    while let Some(inner) = cause {
        if inner.is::<NotOpen>() {
            return refused_address();
        }
        last = Some(inner.to_string());
        cause = inner.source();
    }
    if error.is_timeout() {
        return RdapError::Timeout;
    }
    RdapError::Network(last.unwrap_or_else(|| error.without_url().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let headers = |pairs: &[(&HeaderName, &str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| ((*name).clone(), value.parse().unwrap())).collect()
        };
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(retry_after(&headers(&[(&RETRY_AFTER, "120")])), seconds(120));
        assert_eq!(retry_after(&headers(&[(&RETRY_AFTER, "99999999999")])), seconds(24 * 3600));
        let date = (&DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(
            retry_after(&headers(&[(&RETRY_AFTER, "Sun, 06 Nov 1994 08:51:37 GMT"), date])),
            seconds(120)
        );
        assert_eq!(
            retry_after(&headers(&[(&RETRY_AFTER, "Sun, 06 Nov 1994 08:00:00 GMT"), date])),
            seconds(0)
        );
        assert_eq!(retry_after(&headers(&[(&RETRY_AFTER, "soon"), date])), None);
        assert_eq!(retry_after(&headers(&[])), None);
    }
}
