//! The port to sign-in providers: JSON over HTTPS, bounded in time, size and number, without redirects. The issuer is whom
//! the operator named, also on a private network; what it names elsewhere must be on the open internet, so that no agency's
//! provider makes us ask inside our own.

use std::{error::Error as _, fmt, net::IpAddr, time::Duration};

use reqwest::{
    Certificate, Client, ClientBuilder, RequestBuilder, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, CONTENT_TYPE},
    redirect::Policy,
};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use url::{Host, Url, form_urlencoded};

use super::global::is_global;

/// The longest answer that is read, in bytes.
pub const MAX_BODY: usize = 256 * 1024;
/// Exchanges with one provider at a time; more wait, within the time limit.
const IN_FLIGHT: usize = 16;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// Nothing came in time.
    #[error("did not answer within {} ms", .0.as_millis())]
    Slow(Duration),
    /// No connection, or it broke.
    #[error("cannot be reached: {0}")]
    Down(String),
    /// It refused, with an OAuth error (RFC 6749 §5.2) or without.
    #[error("answered with status {status} ({})", .error.as_deref().unwrap_or("no reason"))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The code of the error.
        error: Option<String>,
    },
    /// What it answered is no JSON object of a size that is read.
    #[error("answered with what is no JSON object of at most {MAX_BODY} bytes")]
    Malformed,
    /// What it published cannot be used.
    #[error("publishes a configuration that cannot be used: {0}")]
    Configuration(&'static str),
}

/// Why the port cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ProviderSetupError {
    /// The issuer.
    #[error("the issuer must be an https: address without query and fragment; http: only on loopback")]
    Issuer,
    /// One of the roots.
    #[error("root {0} is no PEM certificate: {1}")]
    Root(usize, reqwest::Error),
    /// The HTTP client.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// The port to one provider.
pub struct ProviderPort {
    client: Client,
    host: String,
    plain: bool,
    timeout: Duration,
    permits: Semaphore,
}

impl fmt::Debug for ProviderPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderPort").field("host", &self.host).finish_non_exhaustive()
    }
}

/// Who we are at the token endpoint.
#[derive(Clone, Copy)]
pub struct ClientLogin<'a> {
    /// The client's id.
    pub id: &'a str,
    /// Its secret.
    pub secret: &'a str,
}

impl ProviderPort {
    /// A port to the provider of `issuer`, which trusts the system's certificates and `roots` (PEM).
    ///
    /// # Errors
    /// The issuer or a root cannot be used.
    pub fn new(issuer: &Url, roots: &[String], timeout: Duration) -> Result<Self, ProviderSetupError> {
        let host = issuer.host().ok_or(ProviderSetupError::Issuer)?;
        let plain = issuer.scheme() == "http";
        let login = !issuer.username().is_empty() || issuer.password().is_some();
        let odd = issuer.query().is_some() || issuer.fragment().is_some() || login;
        if odd || !(issuer.scheme() == "https" || plain && is_loopback(&host)) {
            return Err(ProviderSetupError::Issuer);
        }
        let host = host.to_string();
        let client = client(&host, plain, roots, timeout)?;
        Ok(Self { client, host, plain, timeout, permits: Semaphore::new(IN_FLIGHT) })
    }

    /// An address that the provider published, if it may be asked and shown to a browser.
    ///
    /// # Errors
    /// [`ExchangeError::Configuration`].
    pub fn address(&self, text: &str) -> Result<Url, ExchangeError> {
        let refuse = |why| Err(ExchangeError::Configuration(why));
        let Ok(url) = Url::parse(text) else { return refuse("an address that is none") };
        let own = url.host().is_some_and(|host| host.to_string() == self.host);
        if !(url.scheme() == "https" || self.plain && own && url.scheme() == "http") {
            return refuse("an address that is not https:");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("an address with a user name");
        }
        // Literal addresses never reach the resolver's guard.
        let literal = match url.host() {
            Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
            Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
            Some(Host::Domain(_)) => None,
            None => return refuse("an address without a host"),
        };
        if !own && literal.is_some_and(|address| !is_global(address)) {
            return refuse("an address inside a network");
        }
        Ok(url)
    }

    /// Reads an object, with an access token where one is asked for.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    pub async fn get(&self, url: &Url, bearer: Option<&str>) -> Result<Map<String, Value>, ExchangeError> {
        let request = self.client.get(url.clone());
        self.exchange(match bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
        .await
    }

    /// Posts a form, with the client's login in its header (RFC 6749 §2.3.1) where one is given.
    ///
    /// # Errors
    /// See [`ExchangeError`].
    pub async fn post(
        &self,
        url: &Url,
        form: &[(&str, &str)],
        login: Option<ClientLogin<'_>>,
    ) -> Result<Map<String, Value>, ExchangeError> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.client.post(url.clone()).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = match login {
            Some(ClientLogin { id, secret }) => {
                let encoded =
                    |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                request.basic_auth(encoded(id), Some(encoded(secret)))
            }
            None => request,
        };
        self.exchange(request.body(body)).await
    }

    /// One exchange, all of it within the time limit.
    async fn exchange(&self, request: RequestBuilder) -> Result<Map<String, Value>, ExchangeError> {
        let all = async {
            let _permit = self.permits.acquire().await.map_err(|error| down(&error))?;
            let response = request.send().await.map_err(|error| self.failure(error))?;
            let status = response.status();
            let body = self.body(response).await?;
            let object = serde_json::from_slice::<Map<String, Value>>(&body);
            if status == StatusCode::OK {
                return object.map_err(|_| ExchangeError::Malformed);
            }
            let error = object.ok().and_then(|object| code(object.get("error")?.as_str()?));
            Err(ExchangeError::Refused { status: status.as_u16(), error })
        };
        tokio::time::timeout(self.timeout, all).await.unwrap_or(Err(ExchangeError::Slow(self.timeout)))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ExchangeError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failure(error))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(ExchangeError::Malformed);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// What an error of the HTTP client means; its text never has the address in it, which may have a code.
    fn failure(&self, error: reqwest::Error) -> ExchangeError {
        if error.is_timeout() {
            return ExchangeError::Slow(self.timeout);
        }
        let mut cause = error.source();
        let mut last = None;
        while let Some(inner) = cause {
            last = Some(inner.to_string());
            cause = inner.source();
        }
        ExchangeError::Down(last.unwrap_or_else(|| error.without_url().to_string()))
    }
}

fn down(error: &dyn std::error::Error) -> ExchangeError {
    ExchangeError::Down(error.to_string())
}

/// An OAuth error's code, if it is one: it goes to the log and the ledger.
fn code(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    (!text.is_empty() && text.len() <= 64 && text.chars().all(plain)).then(|| text.to_owned())
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Looks names up by the system's resolver; of other hosts than the issuer's it leaves only what is on the open internet.
struct Guard {
    host: String,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let own = name.as_str().eq_ignore_ascii_case(&self.host);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let open: Vec<_> = found.filter(|address| own || is_global(address.ip())).collect();
            if open.is_empty() {
                return Err("the address is not on the open internet".into());
            }
            let addresses: Addrs = Box::new(open.into_iter());
            Ok(addresses)
        })
    }
}

fn client(
    host: &str,
    plain: bool,
    roots: &[String],
    timeout: Duration,
) -> Result<Client, ProviderSetupError> {
    // Ours is the only provider compiled in; that it is installed already is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut extra = Vec::new();
    for (place, pem) in roots.iter().enumerate() {
        let bundle = Certificate::from_pem_bundle(pem.as_bytes());
        extra.extend(bundle.map_err(|error| ProviderSetupError::Root(place + 1, error))?);
    }
    let with_system_roots = builder(host, plain, timeout).tls_certs_merge(extra.clone()).build();
    // A machine without a certificate store can still speak to those whose roots are named.
    with_system_roots.or_else(|_| Ok(builder(host, plain, timeout).tls_certs_only(extra).build()?))
}

fn builder(host: &str, plain: bool, timeout: Duration) -> ClientBuilder {
    let json = reqwest::header::HeaderValue::from_static("application/json");
    Client::builder()
        .user_agent(concat!("lockstep/", env!("CARGO_PKG_VERSION")))
        .default_headers([(ACCEPT, json)].into_iter().collect())
        .dns_resolver(Guard { host: host.to_owned() })
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .https_only(!plain)
        .connect_timeout(timeout)
        .timeout(timeout)
        .pool_max_idle_per_host(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(issuer: &str) -> Result<ProviderPort, ProviderSetupError> {
        ProviderPort::new(&Url::parse(issuer).expect("a URL"), &[], Duration::from_secs(1))
    }

    #[test]
    fn an_issuer_is_https_or_on_loopback() {
        for good in ["https://id.example", "https://10.1.2.3/realm", "http://127.0.0.1:1/x", "http://[::1]:1"]
        {
            assert!(port(good).is_ok(), "{good}");
        }
        for bad in [
            "http://id.example",
            "http://10.1.2.3",
            "https://id.example?a",
            "https://a:b@id.example",
            "ftp://x",
        ] {
            assert!(matches!(port(bad), Err(ProviderSetupError::Issuer)), "{bad}");
        }
    }

    #[test]
    fn what_a_provider_names_is_its_own_or_on_the_open_internet() {
        let port = port("https://10.1.2.3/realm").expect("a port");
        for good in ["https://10.1.2.3:8443/token", "https://login.example/token", "https://1.1.1.1/x"] {
            assert!(port.address(good).is_ok(), "{good}");
        }
        for bad in [
            "http://10.1.2.3/token",
            "https://10.1.2.4/token",
            "https://127.0.0.1/token",
            "https://169.254.169.254/latest",
            "https://[::ffff:10.0.0.1]/",
            "https://u@login.example/",
            "javascript:alert(1)",
            "token",
        ] {
            assert!(matches!(port.address(bad), Err(ExchangeError::Configuration(_))), "{bad}");
        }
    }

    #[test]
    fn only_the_code_of_an_error_is_kept() {
        assert_eq!(code("invalid_grant").as_deref(), Some("invalid_grant"));
        for other in ["", "The code ana@lab.example sent", "x\n", &"a".repeat(65)] {
            assert_eq!(code(other), None);
        }
    }
}
