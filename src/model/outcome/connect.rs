//! Where a connection failed, and the words a person reads about it.

/// Where a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConnectFailure {
    /// The name did not resolve.
    Dns,
    /// A public server names a host in a private network.
    Private,
    /// Nothing listens there.
    Refused,
    /// The connect budget ended.
    TimedOut,
    /// The connection was closed or reset before any byte of an answer.
    Closed,
    /// Our own machine had no descriptor or port left.
    Exhausted,
    /// What answered does not speak the version of HTTP that was spoken to it.
    NotHttp,
    /// TLS came to no connection.
    Tls(TlsFailure),
    /// Any other failure of the network.
    Unreachable,
}

/// Why TLS came to no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsFailure {
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not begun.
    NotYetValid,
    /// The certificate is for other names.
    WrongName,
    /// Nobody that is trusted here has signed the certificate.
    UnknownIssuer,
    /// The certificate stands on a revocation list.
    Revoked,
    /// The certificate is unfit for a server in another way.
    Unfit,
    /// What answered does not speak TLS.
    NotTls,
    /// Plain HTTP was spoken to a port that speaks TLS.
    Expected,
    /// No version of HTTP both sides speak (ALPN, RFC 7301).
    NoCommonHttp,
    /// The target ended the handshake with an alert, or with what no client can accept.
    Refused,
    /// The target closed the connection within the handshake.
    Closed,
}

impl ConnectFailure {
    /// The words used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "name does not resolve",
            Self::Private => "a public server leads into a private network",
            Self::Refused => "connection refused",
            Self::TimedOut => "connecting took longer than the client waits",
            Self::Closed => "connection closed before any answer",
            Self::Exhausted => "this machine has no descriptor or port left",
            Self::NotHttp => "what answered is not the HTTP that was spoken to it",
            Self::Tls(failure) => failure.name(),
            Self::Unreachable => "network unreachable",
        }
    }

    /// What a person can do about it, or look at first.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Dns => "check the host name",
            Self::Private => "clients must not follow it (MCP 2025-11-25, security best practices)",
            Self::Refused => "is the server running, and is the port right?",
            Self::NotHttp => "is that the right port, and the right http version under [target]?",
            Self::Closed => "it accepts connections and closes them without an answer",
            Self::Exhausted => "raise the limit of open files (ulimit -n)",
            Self::TimedOut | Self::Unreachable => {
                "is there a firewall in between, or is the address wrong?"
            }
            Self::Tls(failure) => failure.hint(),
        }
    }
}

impl TlsFailure {
    /// The words used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expired => "its certificate has expired",
            Self::NotYetValid => "its certificate is not valid yet",
            Self::WrongName => "its certificate is for another name",
            Self::UnknownIssuer => "its certificate is signed by nobody trusted here",
            Self::Revoked => "its certificate has been revoked",
            Self::Unfit => "its certificate is unfit for a server",
            Self::NotTls => "what answered does not speak TLS",
            Self::Expected => "plain HTTP was spoken to a port that speaks TLS",
            Self::NoCommonHttp => "it does not agree to the HTTP version asked for",
            Self::Refused => "it refused the TLS handshake",
            Self::Closed => "it closed the connection during the TLS handshake",
        }
    }

    const fn hint(self) -> &'static str {
        match self {
            Self::Expired => "renew it: Claude's users would be refused, too",
            Self::NotYetValid => "are the clocks of both machines right?",
            Self::WrongName => {
                "use the name it is for, or give that name as server_name in [target.tls]"
            }
            Self::UnknownIssuer => {
                "a test CA is trusted with ca_file in [target.tls]; Claude trusts public CAs only, \
                 and needs every intermediate certificate sent along"
            }
            Self::Revoked => "replace it; the list is the crl_file in [target.tls]",
            Self::Unfit => {
                "a certificate for TLS servers names its host (subjectAltName) and is no CA itself"
            }
            Self::NotTls => "is it a plain port? Then the URL begins with http://",
            Self::Expected => "the URL must begin with https://",
            Self::NoCommonHttp => "leave http under [target] to \"auto\", or change the server",
            Self::Refused => {
                "TLS 1.2 and 1.3 are spoken to it, without a client certificate; see what it logged"
            }
            Self::Closed => "is it a TLS port, and does it know the name asked for?",
        }
    }
}
