//! Why a run came to no report: what was wrong, where, and what to do about it.

use std::net::IpAddr;

use super::choice::NothingToCall;
use super::endpoint::NotAnEndpoint;
use super::unreachable::{self, Asked};
use crate::chaos::prepare::OutsideError;
use crate::edge::files::FilesError;
use crate::edge::process::ProcessError;
use crate::edge::tls::TlsError;
use crate::engine::client::Refusal;
use crate::engine::control::ControlError;
use crate::engine::crowd::users::UsersError;
use crate::engine::holder::HolderError;
use crate::model::outcome::Outcome;
use crate::protocol::oauth::assertion::BadKey;
use crate::protocol::oauth::saved::Unreadable;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The URL is no endpoint.
    #[error(transparent)]
    Endpoint(#[from] NotAnEndpoint),
    /// TLS cannot be spoken as the scenario asks.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The credential is no header.
    #[error(transparent)]
    Holder(#[from] HolderError),
    /// The file with the client's private key cannot be read.
    #[error("private_key under [auth]: {0}")]
    KeyFile(FilesError),
    /// The client's private key cannot be used.
    #[error("private_key under [auth]: {file} {error}")]
    Key {
        /// The file.
        file: String,
        /// What is wrong with it.
        error: BadKey,
    },
    /// The file of tokens or grants cannot be read.
    #[error("grants or file under [auth]: {0}")]
    GrantsFile(FilesError),
    /// A line of it is no grant.
    #[error("{file} under [auth], line {number}: {error}")]
    GrantsLine {
        /// The file.
        file: String,
        /// Counted from 1.
        number: u32,
        /// What is wrong with it.
        error: Unreadable,
    },
    /// Its grants are another server's.
    #[error(
        "{file} under [auth] has grants for {other}, and the target is {target}: its tokens are \
         not sent there; name another file, or remove it; if both are one server, change `target` \
         in its lines"
    )]
    OtherTarget {
        /// The file.
        file: String,
        /// What its grants are for.
        other: String,
        /// The target.
        target: String,
    },
    /// Its grants may be another server's.
    #[error(
        "{file} under [auth] has grants that do not say which server they are for: if it is \
         {target}, add \"target\":\"{target}\" to each line; else name another file, or remove it"
    )]
    NobodysGrants {
        /// The file.
        file: String,
        /// The target.
        target: String,
    },
    /// There is none in it.
    #[error("{file} under [auth] holds no grant: one JSON object a line, one line a user")]
    NoGrants {
        /// The file.
        file: String,
    },
    /// Not every user has a line.
    #[error(
        "{file} under [auth] has tokens for {given} of the {users} users of this load: give each a \
         line with its own, bring fewer users, or let one line do for all (auth.one_grant)"
    )]
    TooFewTokens {
        /// The file.
        file: String,
        /// Users with a line that holds tokens.
        given: usize,
        /// The users of the load.
        users: u32,
    },
    /// There is more than the one that is for all.
    #[error(
        "{file} under [auth] has {given} grants, and this load has one for all its users: leave one \
         line, or give each user its own (auth.one_grant, auth.consent)"
    )]
    SeveralGrants {
        /// The file.
        file: String,
        /// Its lines.
        given: usize,
    },
    /// A person's browser could not come back.
    #[error("a browser cannot come back to {at} (auth.callback): {error}")]
    Callback {
        /// The URL.
        at: String,
        /// Why.
        error: std::io::Error,
    },
    /// A token in it is none.
    #[error("a token of the file under [auth] holds characters that no header can carry")]
    UnfitToken,
    /// A user comes to no tokens, though nothing else goes on.
    #[error(
        "no user can get in at {url}: OAuth, {said}; no load was made\nWhat helps: {what_to_do}"
    )]
    NoTokens {
        /// The target.
        url: String,
        /// The leg, its URL and the rule.
        said: String,
        /// What helps.
        what_to_do: &'static str,
    },
    /// Connections cannot leave from this address.
    #[error(
        "this machine has no address {address}, which the scenario names ({error}): `ip addr` lists \
         those it has, and `ip addr add {address} dev lo` adds one that only it reaches"
    )]
    NoSuchAddress {
        /// The address.
        address: IpAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// No proxy for the faults of the network could be started.
    #[error(
        "no proxy for the scenario's faults can listen on this machine: {0}; see `ss -s` for what \
         takes its ports and descriptors"
    )]
    NoProxy(std::io::Error),
    /// Connections that leave from there do not come to the target.
    #[error("clients.addresses names {address}, and the target is {target}: {right}")]
    AddressApart {
        /// The address.
        address: IpAddr,
        /// Where the target is.
        target: &'static str,
        /// What to do.
        right: &'static str,
    },
    /// The profile's identity is no header.
    #[error("the profile's identity cannot be sent as headers: {0}")]
    Identity(String),
    /// Nothing to call.
    #[error(transparent)]
    Choice(#[from] NothingToCall),
    /// A threshold that can never be measured.
    #[error("the threshold {threshold:?} is about {about}, which this run never measures")]
    NeverMeasured {
        /// As its author wrote it.
        threshold: String,
        /// What it is about.
        about: String,
    },
    /// The load is more than a foreign target may be asked.
    #[error(
        "this load would ask the target {planned:.0} times in its busiest second, and max_rate \
         under [target] allows {allowed:.0}: lower the load, or raise max_rate if the target's owner agrees"
    )]
    TooFast {
        /// HTTP exchanges in the busiest second, modelled.
        planned: f64,
        /// `target.max_rate`.
        allowed: f64,
    },
    /// The load holds more connections than this process may have.
    #[error(
        "this load needs at least {needed} open files, {connections} of them connections held at \
         once, and this process may have {limit}: raise the limit (ulimit -n {needed}), or bring \
         fewer users"
    )]
    TooManyFiles {
        /// Connections that users hold at once.
        connections: u64,
        /// Descriptors in all.
        needed: u64,
        /// The limit of this process.
        limit: u64,
    },
    /// The practice target did not start.
    #[error(transparent)]
    Practice(#[from] ProcessError),
    /// The control plane failed.
    #[error("a page of the target's: {0}")]
    Control(#[from] ControlError),
    /// The target says it is not healthy before the load.
    #[error("the target's health page {url} answers {found}, not {expected}: no load was made")]
    Unhealthy {
        /// The page.
        url: String,
        /// Its status.
        found: u16,
        /// The status of a healthy target.
        expected: u16,
    },
    /// What acts outside cannot be as the scenario says.
    #[error(transparent)]
    Outside(#[from] OutsideError),
    /// The target was asked through a proxy of Toxiproxy's, and did not answer.
    #[error("{0}\nConnections go through a proxy of Toxiproxy's: does that reach the target?")]
    Through(Box<RunError>),
    /// There is no report, and something is left to be put back.
    #[error("{error}\nWhat is left to put back: {left}")]
    Left {
        /// Why there is no report.
        error: Box<RunError>,
        /// What is left.
        left: String,
    },
    /// The first handshake, or the first look at the tools, failed.
    #[error("{}", unreachable::text(.url, .refusal, .asked))]
    Unreachable {
        /// The target.
        url: String,
        /// What happened.
        refusal: Box<Refusal>,
        /// What was to be spoken.
        asked: Asked,
    },
    /// Profile, protocol and transport leave no way to speak.
    #[error("there is no way to speak to the target: {0}")]
    NothingToSpeak(&'static str),
    /// A person stopped it before there was anything to report.
    #[error("stopped before the load: there is nothing to report")]
    Stopped,
    /// The users could not be brought.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// A part of squall panicked.
    #[error("a part of squall failed: {0}; please report it")]
    Ourselves(String),
}

impl RunError {
    /// Whether the target could not even be connected to.
    pub(super) const fn is_about_connecting(&self) -> bool {
        matches!(self, Self::Unreachable { refusal, .. } if matches!(refusal.outcome, Outcome::Connect(_)))
    }

    /// The exit code of design: 1 ours, 2 what was asked for, 3 the target.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Left { error, .. } | Self::Through(error) => error.exit_code(),
            Self::Practice(_)
            | Self::Ourselves(_)
            | Self::NoProxy(_)
            | Self::Users(UsersError::Carrier(_)) => 1,
            Self::Endpoint(_)
            | Self::Tls(_)
            | Self::Users(_)
            | Self::Holder(_)
            | Self::Identity(_)
            | Self::KeyFile(_)
            | Self::Key { .. }
            | Self::GrantsFile(_)
            | Self::GrantsLine { .. }
            | Self::NoGrants { .. }
            | Self::OtherTarget { .. }
            | Self::NobodysGrants { .. }
            | Self::TooFewTokens { .. }
            | Self::SeveralGrants { .. }
            | Self::Callback { .. }
            | Self::UnfitToken
            | Self::NoSuchAddress { .. }
            | Self::AddressApart { .. }
            | Self::Choice(_)
            | Self::NothingToSpeak(_)
            | Self::Outside(_)
            | Self::NeverMeasured { .. }
            | Self::TooFast { .. }
            | Self::TooManyFiles { .. } => 2,
            Self::Stopped => 130,
            Self::Control(_)
            | Self::Unhealthy { .. }
            | Self::Unreachable { .. }
            | Self::NoTokens { .. } => 3,
        }
    }
}
