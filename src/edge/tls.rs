//! TLS by rustls: one configuration for a whole load, the system's roots read once, each failure
//! named.

use std::io;
use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificate;
use super::dial;
use super::files::{self, FilesError};
use crate::model::outcome::{ConnectFailure, TlsFailure};
use crate::model::plan::{self, Http};

/// What ALPN calls HTTP/2 (RFC 9113, section 3.1) and HTTP/1.1 (RFC 7301, section 6).
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS as one target is spoken to.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// What a TLS handshake came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Agreed {
    /// It went on with an earlier session.
    pub(super) resumed: bool,
    /// HTTP/2 was agreed on.
    pub(super) http2: bool,
}

/// What a server shows of itself in a TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// `TLS 1.3`, or an older one.
    pub version: &'static str,
    /// Certificates it sent: its own and those that lead to an authority.
    pub chain: usize,
    /// When its own one ends, in seconds since 1970, where that can be read.
    pub not_after: Option<i64>,
}

impl Shown {
    /// What was shown on this connection.
    pub(super) fn on(stream: &TlsStream<TcpStream>) -> Self {
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().unwrap_or_default();
        let version = match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
            _ => "an unknown version of TLS",
        };
        let not_after = chain.first().and_then(|own| certificate::not_after(own));
        Self { version, chain: chain.len(), not_after }
    }
}

/// Why TLS cannot be spoken as the scenario asks.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{key} under [target.tls]: {cause}")]
    File {
        /// Its key.
        key: &'static str,
        /// Why.
        cause: FilesError,
    },
    /// A file is not what its key says.
    #[error("{key} under [target.tls]: {path} {wrong}; a PEM file of {expected} is expected")]
    Content {
        /// Its key.
        key: &'static str,
        /// Its path.
        path: String,
        /// What is wrong with it.
        wrong: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// No name to ask for.
    #[error("{0:?} is no name that TLS can ask for: give one as server_name under [target.tls]")]
    Name(String),
    /// Nobody is trusted.
    #[error(
        "no certificate authority is trusted: the system has no root certificates (on Debian: the \
         package ca-certificates), and [target.tls] names no ca_file"
    )]
    NoRoots,
    /// The library refused the configuration.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

impl Tls {
    /// TLS to `host` as a plan asks for it; reads the system's roots and the plan's files.
    ///
    /// # Errors
    /// When a file is not what its key says, or nobody is trusted.
    pub fn new(asked: &plan::Tls, host: &str, http: Http) -> Result<Self, TlsError> {
        let name = asked.server_name.as_deref().unwrap_or(host);
        let server = ServerName::try_from(name.to_owned());
        let server = server.map_err(|_| TlsError::Name(name.to_owned()))?;
        Ok(Self { config: Arc::new(config(asked, http)?), name: server })
    }

    /// The same trust and name for pages, which are read over HTTP/1.1. No handshake of theirs goes
    /// on with one of the load's, nor the other way round.
    #[must_use]
    pub fn for_pages(&self) -> Self {
        let mut config = (*self.config).clone();
        config.alpn_protocols = offered(Http::One).iter().map(|name| name.to_vec()).collect();
        config.resumption = Resumption::disabled();
        Self { config: Arc::new(config), name: self.name.clone() }
    }

    /// As another library takes it, which asks for the name in its own URL.
    pub fn into_config(self) -> ClientConfig {
        Arc::unwrap_or_clone(self.config)
    }

    pub(super) async fn handshake(
        &self,
        stream: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, Agreed), ConnectFailure> {
        let made = self.shake(stream).await.map_err(|error| failure_of(&error))?;
        let (_, session) = made.get_ref();
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        let http2 = session.alpn_protocol() == Some(ALPN[0]);
        Ok((made, Agreed { resumed, http2 }))
    }

    async fn shake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(Arc::clone(&self.config)).connect(self.name.clone(), stream).await
    }

    /// Whether what is at the other end of a connection speaks TLS at all, trusted or not.
    pub async fn is_spoken_on(&self, stream: TcpStream) -> bool {
        use TlsFailure::{Closed, NotTls};
        match self.handshake(stream).await {
            Err(ConnectFailure::Tls(failure)) => !matches!(failure, Closed | NotTls),
            Err(_) => false,
            Ok(_) => true,
        }
    }

    /// What the library says about a handshake that fails, in its own words.
    pub async fn complaint_on(&self, stream: TcpStream) -> Option<String> {
        let error = self.shake(stream).await.err()?;
        cause(&error).map(ToString::to_string)
    }
}

fn config(asked: &plan::Tls, http: Http) -> Result<ClientConfig, TlsError> {
    let setup = |error: &dyn std::error::Error| TlsError::Setup(error.to_string());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots = Arc::new(roots(asked.ca_file.as_deref())?);
    let mut verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
    if let Some(path) = &asked.crl_file {
        // A list speaks for its own authority only: nothing is known of the others' certificates.
        let lists = read::<CertificateRevocationListDer<'_>>("crl_file", path, "revocation lists")?;
        verifier = verifier.with_crls(lists).allow_unknown_revocation_status();
    }
    let verifier = verifier.build().map_err(|error| setup(&error))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(&error))?
        .with_webpki_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = offered(http).iter().map(|name| name.to_vec()).collect();
    if !asked.resumption {
        config.resumption = Resumption::disabled();
    }
    Ok(config)
}

fn offered(http: Http) -> &'static [&'static [u8]] {
    match http {
        Http::Negotiated => &ALPN,
        Http::Two => &ALPN[..1],
        Http::One => &ALPN[1..],
    }
}

/// The system's roots and those of a file.
fn roots(ca_file: Option<&str>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (_usable, _unusable) = roots.add_parsable_certificates(system.certs);
    if let Some(path) = ca_file {
        const EXPECTED: &str = "certificates";
        for certificate in read::<CertificateDer<'_>>("ca_file", path, EXPECTED)? {
            let wrong = |error: rustls::Error| TlsError::Content {
                key: "ca_file",
                path: path.to_owned(),
                wrong: format!("holds a certificate that nobody can trust ({error})"),
                expected: EXPECTED,
            };
            roots.add(certificate).map_err(wrong)?;
        }
    }
    if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
}

/// Everything of one kind in a PEM file, at least one.
fn read<T: PemObject>(
    key: &'static str,
    path: &str,
    expected: &'static str,
) -> Result<Vec<T>, TlsError> {
    let text = files::read(path).map_err(|cause| TlsError::File { key, cause })?;
    let content = |wrong: String| {
        let path = path.to_owned();
        TlsError::Content { key, path, wrong, expected }
    };
    let found: Result<Vec<T>, _> = T::pem_slice_iter(text.as_bytes()).collect();
    match found {
        Ok(all) if all.is_empty() => Err(content("holds none".to_owned())),
        Ok(all) => Ok(all),
        Err(error) => Err(content(format!("cannot be understood ({error})"))),
    }
}

/// The library's own error within one of I/O.
fn cause(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn failure_of(error: &io::Error) -> ConnectFailure {
    use rustls::Error;
    let failure = match cause(error) {
        None if error.kind() == io::ErrorKind::UnexpectedEof => TlsFailure::Closed,
        None => {
            return match dial::failure_of(error) {
                ConnectFailure::Closed => ConnectFailure::Tls(TlsFailure::Closed),
                other => other,
            };
        }
        Some(Error::InvalidCertificate(wrong)) => of_certificate(wrong),
        Some(Error::InvalidMessage(_)) => TlsFailure::NotTls,
        Some(
            Error::AlertReceived(AlertDescription::NoApplicationProtocol)
            | Error::NoApplicationProtocol,
        ) => TlsFailure::NoCommonHttp,
        Some(_) => TlsFailure::Refused,
    };
    ConnectFailure::Tls(failure)
}

const fn of_certificate(wrong: &CertificateError) -> TlsFailure {
    use CertificateError as Wrong;
    match wrong {
        Wrong::Expired | Wrong::ExpiredContext { .. } => TlsFailure::Expired,
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => TlsFailure::NotYetValid,
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => TlsFailure::WrongName,
        // An authority of the same name and another key is another authority.
        Wrong::UnknownIssuer | Wrong::BadSignature => TlsFailure::UnknownIssuer,
        Wrong::Revoked => TlsFailure::Revoked,
        _ => TlsFailure::Unfit,
    }
}
