//! Section `http`.

use std::{fmt, net::SocketAddr, num::NonZeroUsize, sync::Arc};

use ipnetwork::IpNetwork;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;

use super::{Problems, Size, Span};

/// The API.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The certificate and its chain, a PEM file.
    pub tls_certificate: String,
    /// The certificate's key, a PEM file.
    pub tls_key: String,
    /// Where people reach it.
    pub public_url: String,
    /// The networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNetwork>,
    /// The largest request body.
    pub body_limit: Size,
    /// The largest multipart request.
    pub upload_limit: Size,
    /// How long a request may take.
    pub timeout: Span,
    /// How long a client may take for its headers.
    pub header_timeout: Span,
    /// Connections at a time.
    pub connections: NonZeroUsize,
    /// WebSockets at a time.
    pub sockets: NonZeroUsize,
    /// Requests a minute of one token, session, or address of nobody.
    pub rate_per_minute: u32,
    /// Requests of one at once, after a quiet time.
    pub rate_burst: u32,
    /// Whether only the documents of `graphql/operations` are executed.
    pub trusted_documents_only: bool,
}

impl Http {
    /// What takes TLS connections; none without a certificate.
    ///
    /// # Errors
    /// Only one of the two is set, or a file cannot be used.
    pub fn tls(&self) -> Result<Option<TlsAcceptor>, Problems> {
        let (certificate, key) = (self.tls_certificate.as_str(), self.tls_key.as_str());
        match (certificate.is_empty(), key.is_empty()) {
            (true, true) => return Ok(None),
            (false, false) => {}
            _ => {
                return Err(Problems::of(
                    "http.tls_key",
                    "goes together with http.tls_certificate: set both",
                ));
            }
        }
        let unusable = |setting: &str, file: &str, why: &dyn fmt::Display| {
            Problems::of(setting, format!("{file} cannot be used: {why}"))
        };
        let wrong_chain = |why: &dyn fmt::Display| unusable("http.tls_certificate", certificate, why);
        let wrong_key = |why: &dyn fmt::Display| unusable("http.tls_key", key, why);
        let chain = CertificateDer::pem_file_iter(certificate).map_err(|error| wrong_chain(&error))?;
        let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| wrong_chain(&error))?;
        let own = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong_key(&error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| wrong_chain(&error))?.with_no_client_auth();
        let mut config = config.with_single_cert(chain, own).map_err(|error| wrong_key(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Some(TlsAcceptor::from(Arc::new(config))))
    }
}
