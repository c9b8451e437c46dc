//! What a scenario asks for, as values: the one thing the rest of the house is told.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::behaviour::Behaviour;
use super::fault::Fault;
use super::fault::outside::Toxiproxy;
use super::finding::Severity;
use super::pace::Pace;
use super::profile::{Era, Profile};
use super::secret::Secret;
use super::threshold::Threshold;

pub mod auth;
pub mod authorization;
pub mod checks;
mod defect;
pub mod invariant;
pub mod limits;
pub mod practice;
pub mod tokens;

pub use auth::Credential;
pub use authorization::{Authorization, Consent, Defect, Defects, Discovery, Outage, Streams};
pub use practice::{Answers, Catalogue, Flaw, Flaws, Limit, Practice, Sessions, Speaks, Way};

/// A whole scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Its name: the report folder's, too.
    pub name: String,
    /// Seed of every chance in it.
    pub seed: u64,
    /// The server under test.
    pub target: Target,
    /// The practice target's knobs.
    pub practice: Practice,
    /// What every user presents.
    pub auth: Credential,
    /// Which client is simulated.
    pub clients: Clients,
    /// Who comes when and does what.
    pub load: Load,
    /// What may be called.
    pub tools: Tools,
    /// What must hold.
    pub expect: Expect,
    /// What misbehaves, and when.
    pub faults: Vec<Fault>,
    /// The Toxiproxy server that its toxics are for.
    pub toxiproxy: Option<Toxiproxy>,
    /// Past these limits the generator was the bottleneck.
    pub generator: GeneratorLimits,
    /// The scenario's text before `${NAME}` was replaced, with its overrides as comments.
    pub source: String,
    /// What stood for each `${NAME}`: never shown, though a target says it back.
    pub environment: Vec<Secret>,
}

/// The server under test.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Where it is.
    pub url: TargetUrl,
    /// The URL as it may be shown: before `${NAME}` was replaced, without query.
    pub shown: String,
    /// How MCP is carried.
    pub transport: Transport,
    /// The one protocol revision to speak; none: what profile and target agree on.
    pub protocol: Option<String>,
    /// The scenario says its author may load a target that is not loopback.
    pub authorised: bool,
    /// The author owns it.
    pub mine: bool,
    /// A health page asked before, during and after.
    pub health: Option<Health>,
    /// Its own metrics, drawn beside ours.
    pub metrics: Option<Metrics>,
    /// HTTP exchanges a second that a target off loopback is never asked beyond.
    pub max_rate: Option<f64>,
    /// How it is reached, where the URL does not say it all.
    pub reach: Reach,
}

impl Target {
    /// Whether it is this machine, by the address that is dialled.
    pub fn is_loopback(&self) -> bool {
        self.reach.resolve.map_or_else(|| self.url.is_loopback(), |at| at.ip().is_loopback())
    }

    /// Whether a connection may carry several exchanges at once.
    pub fn may_multiplex(&self) -> bool {
        match self.reach.http {
            Http::One => false,
            Http::Two => true,
            Http::Negotiated => {
                matches!(&self.url, TargetUrl::Url(url) if url.starts_with("https:"))
            }
        }
    }
}

impl Plan {
    /// The way its clients would rather speak: the one they try first.
    pub fn way(&self) -> Way {
        match (self.target.transport, self.target.protocol.as_deref()) {
            (Transport::HttpSse, _) => Way::HttpSse,
            (_, Some(protocol)) if protocol < FIRST_MODERN => Way::Legacy,
            (_, None) if self.clients.profile.era == Era::Legacy => Way::Legacy,
            _ => Way::Modern,
        }
    }

    /// The revision its clients speak in this way, if they come to speak so.
    pub fn revision(&self, way: Way) -> Option<&str> {
        let by_profile = match way {
            Way::Modern => FIRST_MODERN,
            Way::Legacy | Way::HttpSse => &self.clients.profile.protocol_version,
        };
        self.may_speak(way).then(|| self.target.protocol.as_deref().unwrap_or(by_profile))
    }

    /// Whether its clients come to speak so, if that is what the target understands.
    pub fn may_speak(&self, way: Way) -> bool {
        let (transport, protocol) = (self.target.transport, self.target.protocol.as_deref());
        let era = self.clients.profile.era;
        let (legacy, modern) = match protocol {
            Some(protocol) => (protocol < FIRST_MODERN, protocol >= FIRST_MODERN),
            None => (era != Era::Modern, era != Era::Legacy),
        };
        match way {
            Way::Legacy => legacy && transport != Transport::HttpSse,
            Way::Modern => modern && transport != Transport::HttpSse,
            Way::HttpSse => legacy && transport != Transport::Streamable,
        }
    }
}

/// The first revision without a handshake; revisions are named by their days.
pub const FIRST_MODERN: &str = "2026-07-28";

/// How MCP is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// Whatever the target turns out to understand.
    #[default]
    Auto,
    /// Streamable HTTP: one endpoint.
    Streamable,
    /// HTTP+SSE of revision 2024-11-05: a stream, and an endpoint that it names.
    HttpSse,
}

impl Transport {
    /// Its word in scenarios and in run.json.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Streamable => "streamable-http",
            Self::HttpSse => "http+sse",
        }
    }
}

/// How a target is reached, where its URL does not say it all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// The version of HTTP.
    pub http: Http,
    /// `Host` (`:authority` in HTTP/2) instead of the URL's.
    pub host: Option<String>,
    /// Dialled instead of what the URL's name resolves to.
    pub resolve: Option<SocketAddr>,
    /// TLS, which an `https://` URL asks for.
    pub tls: Tls,
}

/// The version of HTTP a target is spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Http {
    /// What is agreed within the TLS handshake (ALPN, RFC 7301); HTTP/1.1 without TLS.
    #[default]
    Negotiated,
    /// HTTP/1.1.
    One,
    /// HTTP/2; without TLS by prior knowledge (RFC 9113, section 3.3).
    Two,
}

/// What TLS trusts and asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// A PEM file of certificates that are trusted besides the system's.
    pub ca_file: Option<String>,
    /// A PEM file of revocation lists (RFC 5280, section 5).
    pub crl_file: Option<String>,
    /// The name asked for (SNI, RFC 6066) and found in the certificate, instead of the URL's.
    pub server_name: Option<String>,
    /// Whether handshakes go on with earlier sessions where they can.
    pub resumption: bool,
}

/// Where the target is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetUrl {
    /// The practice target, started as a child process.
    Practice,
    /// An MCP endpoint: an absolute `http://` or `https://` URL.
    Url(String),
}

impl TargetUrl {
    /// Whether it is this machine: the practice target, 127.0.0.0/8, `::1` or `localhost`.
    pub fn is_loopback(&self) -> bool {
        let Self::Url(url) = self else { return true };
        match url::Url::parse(url).ok().as_ref().and_then(url::Url::host) {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

/// Whether two URLs have the same scheme, host and port (RFC 6454, section 4).
pub fn same_origin(one: &str, other: &str) -> bool {
    let origin = |text: &str| url::Url::parse(text).ok().map(|url| url.origin());
    origin(one).is_some_and(|its| its.is_tuple() && Some(its) == origin(other))
}

/// A health page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Absolute, or a path on the target's origin.
    pub url: String,
    /// The URL as it may be shown: before `${NAME}` was replaced, without query.
    pub shown: String,
    /// The status of a healthy answer.
    pub status: u16,
}

/// A page of metrics in the Prometheus text format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// Absolute, or a path on the target's origin.
    pub url: String,
    /// The URL as it may be shown: before `${NAME}` was replaced, without query.
    pub shown: String,
    /// Names of what is drawn; none: squall chooses.
    pub series: Vec<String>,
    /// The counter of calls that were carried out twice, if the page has one.
    pub duplicates: Option<String>,
}

/// Which client is simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Clients {
    /// Its behaviour on the wire.
    pub profile: Profile,
    /// Whether it says who it really is; `None`: genuine on loopback, honest elsewhere.
    pub identity: Option<IdentityMode>,
    /// Addresses of this machine that users' connections leave from, in turn; none: as the system
    /// has it.
    pub addresses: Vec<IpAddr>,
}

/// Whose name is on the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityMode {
    /// squall's own, naming the client it simulates.
    Honest,
    /// The simulated client's.
    Genuine,
}

/// Who comes when and does what.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// What a run does.
    pub behaviour: Behaviour,
    /// Divides think times (turn, lead, wave, synthesis), nothing else.
    pub speed: f64,
    /// Who comes when.
    pub pace: Pace,
    /// After the last arrival, runs may finish for this long.
    pub drain: Duration,
    /// Users at once beyond which an arrival is dropped and counted (open model).
    pub ceiling: u32,
}

/// What may be called.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tools {
    /// By name; `None`: every tool annotated `readOnlyHint`.
    pub allow: Option<Vec<String>>,
    /// Argument objects by tool, with `{word}`, `{year}` and `{number}` filled in; else arguments
    /// are made from `inputSchema`.
    pub arguments: BTreeMap<String, Vec<serde_json::Value>>,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expect {
    /// Numbers to stay under.
    pub thresholds: Vec<Threshold>,
    /// `findings = "none above medium"`: the worst severity that passes.
    pub findings: Option<Severity>,
    /// What must hold of users' tokens.
    pub tokens: tokens::TokenLimits,
    /// What active checks hold tokens to.
    pub checks: checks::CheckLimits,
    /// The rate limits that are declared.
    pub rate_limits: Vec<limits::Declared>,
    /// What must hold whatever the load.
    pub invariants: Vec<invariant::Invariant>,
}

/// Past these limits a run is not trustworthy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeneratorLimits {
    /// p99 of started - due.
    pub lag: Duration,
    /// Share of the machine's cores that the generator used, over the whole run.
    pub cpu: f64,
    /// p99 of how late the event loop woke.
    pub loop_delay: Duration,
}

#[cfg(test)]
pub(crate) mod sample;

#[cfg(test)]
mod tests {
    use super::TargetUrl;

    #[test]
    fn loopback_is_this_machine_only() {
        let table = [
            ("http://127.0.0.1:8000/mcp", true),
            ("http://127.8.9.10/", true),
            ("http://127.1/", true),
            ("http://[::1]:8000/mcp", true),
            ("http://LocalHost/mcp", true),
            ("http://localhost.example.com/", false),
            ("http://127.0.0.1.example.com/", false),
            ("http://128.0.0.1/", false),
            ("http://0.0.0.0/", false),
            ("http://192.168.0.1/", false),
            ("no url", false),
        ];
        for (url, expected) in table {
            assert_eq!(TargetUrl::Url(url.to_owned()).is_loopback(), expected, "{url}");
        }
        assert!(TargetUrl::Practice.is_loopback());
    }
}
