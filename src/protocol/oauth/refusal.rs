//! Why a client does not go on, and what that means for the grant it has.

use std::time::Duration;

use url::Url;

use super::exchange::{Lost, MOST_BYTES, shown};
use super::metadata::Server;
use crate::model::leg::Leg;
use crate::model::secret::Secret;

/// A leg that ended without what the client needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{leg}: {url} {what}{}", guess(guessed))]
pub struct Refusal {
    /// Where on the way.
    pub leg: Leg,
    /// Which URL, without its query.
    pub url: String,
    /// What was wrong.
    pub what: What,
    /// Where metadata were looked for that are nowhere, if this URL was only guessed.
    pub guessed: Box<[String]>,
}

/// What a client does about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// The grant is dead: it authorises anew, once.
    Dead,
    /// The authorization server no longer knows the client: it drops registration and tokens,
    /// registers anew, once; with a pre-registered client nothing is left to try.
    Forgotten,
    /// Not now: it keeps what it has and tries again, after this time if the server said so.
    Later(Option<Duration>),
    /// It asks for fewer scopes, or gives up.
    FewerScopes,
    /// Nothing helps; a person has to look.
    GiveUp,
}

/// What was wrong with an answer, or with what it named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum What {
    /// No answer.
    #[error("{0}")]
    Lost(Lost),
    /// The server asks to wait.
    #[error("answered {status} and asks to wait{}", wait(*after))]
    Throttled {
        /// The HTTP status.
        status: u16,
        /// For how long, where it says so.
        after: Option<Duration>,
    },
    /// A status that means a failure of the server.
    #[error("answered {status}{}", wait(*after))]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// How long to wait, where it says so.
        after: Option<Duration>,
    },
    /// Another status than expected, without an error that says more.
    #[error("answered {0}: {1}")]
    Status(u16, &'static str),
    /// An error of the protocol (RFC 6749, sections 4.1.2.1 and 5.2; RFC 7591, section 3.2.2).
    #[error("refused: {error}{}", of(description))]
    Denied {
        /// Its code, cut.
        error: String,
        /// Its words, cut; empty if there are none.
        description: String,
        /// How long to wait, where the answer says so.
        after: Option<Duration>,
    },
    /// A page instead of a document.
    #[error("answered with a web page, expected JSON: {0}")]
    Page(&'static str),
    /// A body that a client does not read to its end.
    #[error("answered {0} bytes, a client reads {MOST_BYTES}")]
    Oversized(usize),
    /// A redirect, which is not followed.
    #[error("redirects to {0}, which is not followed: {1}")]
    Redirect(String, &'static str),
    /// A body that is no JSON object.
    #[error("did not answer with a JSON object ({0}): {1}")]
    NotAnObject(String, &'static str),
    /// A member that has to be there, and is not or is something else.
    #[error("answered without a usable {0:?}: {1}")]
    Missing(&'static str, &'static str),
    /// Metadata of another resource.
    #[error("is metadata of the resource {found}, not of {target}: {rule}")]
    OtherResource {
        /// The resource named.
        found: String,
        /// The target.
        target: String,
        /// The rule.
        rule: &'static str,
    },
    /// Metadata of another authorization server.
    #[error("is metadata of the issuer {found}, not of {expected}: RFC 8414 section 3.3")]
    OtherIssuer {
        /// The issuer named.
        found: String,
        /// The issuer asked for.
        expected: String,
    },
    /// An endpoint that a client does not go to.
    #[error("names {name} {url}: {why}")]
    Endpoint {
        /// The member that names it.
        name: &'static str,
        /// The endpoint, without its query.
        url: String,
        /// Why not.
        why: super::endpoint::Unfit,
    },
    /// No document at any of these URLs.
    #[error("has no metadata; asked for {}: {rule}", tried.join(", "))]
    NoMetadata {
        /// What was asked for, in order.
        tried: Vec<String>,
        /// The rule.
        rule: &'static str,
    },
    /// A server that does not say it supports S256.
    #[error(
        "does not list S256 in code_challenge_methods_supported: MCP specification 2025-11-25, \
         basic/authorization: a client MUST refuse to proceed"
    )]
    NoPkce,
    /// Nothing to introduce the client with.
    #[error(
        "names no registration_endpoint, and the client neither is registered by hand nor has a \
         metadata document that is good there (RFC 7591)"
    )]
    NoIdentity,
    /// A metadata document that leads to nothing for this grant.
    #[error("names no {0}, which this grant needs")]
    NoEndpoint(&'static str),
    /// A callback of another authorization, or without `state`.
    #[error("came back without the state that was sent, or with another: RFC 6749 section 10.12")]
    OtherState,
    /// A callback of another issuer.
    #[error("came back with iss {found}, not {expected}: RFC 9207 section 2.4")]
    OtherIss {
        /// What came.
        found: String,
        /// The issuer of the metadata.
        expected: String,
    },
    /// A callback without `iss` although metadata promise it.
    #[error(
        "came back without iss, although metadata say \
         authorization_response_iss_parameter_supported: RFC 9207 section 2.4"
    )]
    NoIss,
    /// A callback without code and without error.
    #[error("came back with neither code nor error: RFC 6749 section 4.1.2")]
    NoCode,
    /// A callback that is no URL, or another one than the client's.
    #[error("came back to another place than the client's callback: RFC 6749 section 3.1.2")]
    OtherCallback,
    /// An assertion could not be signed.
    #[error("needs a signed assertion, but {0}: RFC 7523 section 3")]
    Key(super::assertion::BadKey),
    /// A page of a consent that leads nowhere.
    #[error("{0}")]
    Consent(String),
    /// A program that was to bring the callback, and does not.
    #[error("{0}")]
    Command(String),
    /// Tokens that were given, and come to an end that only a consent would mend.
    #[error("{0}")]
    Given(String),
    /// A refresh token without the client that it was given to.
    #[error(
        "is asked as the client that the refresh token was given to, which is not known: give its \
         client_id in the scenario (RFC 6749 section 6)"
    )]
    NoClient,
    /// An access token that cannot be sent.
    #[error("gave an access token that no header can carry: RFC 6750 section 2.1")]
    UnfitToken,
    /// Somewhere squall itself does not go.
    #[error("is not gone to: {0}")]
    NotGone(String),
    /// The machine was told something it had not asked for.
    #[error("was heard of out of turn")]
    OutOfTurn,
}

impl Refusal {
    /// What was wrong with a leg to this URL.
    pub fn new(leg: Leg, url: &Url, what: What) -> Self {
        Self { leg, url: shown(url), what, guessed: Box::default() }
    }

    /// The same of a server that was found so.
    #[must_use]
    pub fn of_server(mut self, server: &Server) -> Self {
        if !server.read && self.leg != Leg::Discovery {
            self.guessed = server.sought.clone().into();
        }
        self
    }

    /// Takes these out of what the server said.
    pub fn hide(&mut self, secrets: &[Secret]) {
        let said: [Option<&mut String>; 2] = match &mut self.what {
            What::Denied { error, description, .. } => [Some(error), Some(description)],
            What::NotAnObject(found, _)
            | What::Redirect(found, _)
            | What::Consent(found)
            | What::Command(found)
            | What::Given(found)
            | What::OtherResource { found, .. }
            | What::OtherIssuer { found, .. }
            | What::OtherIss { found, .. } => [Some(found), None],
            What::Endpoint { url, .. } => [Some(url), None],
            What::NoMetadata { .. }
            | What::Lost(_)
            | What::Throttled { .. }
            | What::Unavailable { .. }
            | What::Status(..)
            | What::Page(_)
            | What::Oversized(_)
            | What::Missing(..)
            | What::NoPkce
            | What::NoIdentity
            | What::NoEndpoint(_)
            | What::OtherState
            | What::NoIss
            | What::NoCode
            | What::OtherCallback
            | What::Key(_)
            | What::NoClient
            | What::UnfitToken
            | What::NotGone(_)
            | What::OutOfTurn => [None, None],
        };
        for text in said.into_iter().flatten() {
            for secret in secrets {
                secret.hide_in(text);
            }
        }
    }

    /// What the people who run the server, or wrote the scenario, can do about it.
    pub fn what_to_do(&self) -> &'static str {
        match &self.what {
            What::Lost(Lost::Oversized) | What::Oversized(_) => {
                "answer with the document alone: the ones that clients get have a few kilobytes"
            }
            _ if self.is_of_a_guess() => {
                "serve metadata at one of these URLs: without them clients guess that /authorize, \
                 /token and /register are there"
            }
            What::Page(_)
            | What::Redirect(..)
            | What::NotAnObject(..)
            | What::Missing(..)
            | What::Status(..) => {
                "open this URL by hand: it has to answer by itself, with 200 and the JSON document \
                 that the rule describes"
            }
            What::Lost(_) | What::Unavailable { .. } => {
                "see what this server logged, and whether it can be reached from here"
            }
            What::Throttled { .. } => {
                "wait, or raise this limit for the address that the load comes from"
            }
            What::OtherResource { .. } => {
                "let `resource` in this document be the URL that clients are given for the server"
            }
            What::OtherIssuer { .. } => {
                "let `issuer` in this document, and the one that the resource's metadata names, be \
                 the same text, down to the last slash"
            }
            What::Endpoint { .. } | What::NoEndpoint(_) => {
                "name an endpoint there that clients on the Internet can reach over https"
            }
            What::NoMetadata { .. } => {
                "serve the metadata at one of these URLs, or name where they are in the 401"
            }
            What::UnfitToken => "issue tokens of visible ASCII: no header carries others",
            What::NoPkce => "list S256 there, once the server checks code_verifier",
            What::NoIdentity => {
                "give client_id under [auth], of a client that is registered there; or let the \
                 server name a registration_endpoint, or say client_id_metadata_document_supported \
                 for profiles whose client has such a document"
            }
            What::NoClient => "give client_id under [auth], or let clients register",
            What::OtherState => "send `state` back as it came, in every redirect to the callback",
            What::OtherIss { .. } | What::NoIss => {
                "send `iss` back with the callback, with the very text that `issuer` has in the \
                 metadata"
            }
            What::NoCode | What::OtherCallback => {
                "go this way once with a browser: after the consent it has to end at the callback, \
                 with a code"
            }
            What::Key(_) => "give a private key under [auth] that fits the client",
            What::Consent(_) => {
                "go this way once with a browser: with consent = \"form\" auth.forms has a step for \
                 each page that it shows, and consent = \"browser\" lets you do it"
            }
            What::Command(_) => {
                "run this program by hand, with an authorization URL as its last argument: the first \
                 line that it prints has to be the URL of the callback, with its code"
            }
            What::Given(_) => {
                "tokens that were given have to be good, or need a refresh token and auth.client_id"
            }
            What::NotGone(_) => "change the scenario, if you may load that server",
            What::Denied { error, .. } if error == "invalid_grant" => {
                "give newer tokens, or log in anew: this grant is over, revoked, used up or another \
                 client's (RFC 6749 section 5.2)"
            }
            What::Denied { error, .. } if error == "invalid_client" => {
                "give client_id under [auth], of a client that this server knows, with its secret if \
                 it has one (RFC 6749 section 5.2)"
            }
            What::Denied { .. } => {
                "look the error up in what the authorization server logged; a client that it should \
                 know is given by client_id under [auth]"
            }
            What::OutOfTurn => "this is a mistake of squall: please report it",
        }
    }

    /// Whether what is wrong is that nothing of the kind is at a guessed URL.
    const fn is_of_a_guess(&self) -> bool {
        let is_absent = matches!(
            self.what,
            What::Page(_)
                | What::Redirect(..)
                | What::NotAnObject(..)
                | What::Missing(..)
                | What::Status(..)
                | What::Consent(_)
                | What::Unavailable { .. }
        );
        is_absent && !self.guessed.is_empty()
    }

    /// What a client does about it (RFC 6749, section 5.2; protocol practice where that is silent).
    pub fn reaction(&self) -> Reaction {
        match &self.what {
            What::Lost(Lost::Oversized) => Reaction::GiveUp,
            What::Lost(_) => Reaction::Later(None),
            What::Throttled { after, .. } | What::Unavailable { after, .. } => {
                Reaction::Later(*after)
            }
            What::Denied { error, after, .. } => of_error(error, *after),
            _ => Reaction::GiveUp,
        }
    }
}

fn of_error(error: &str, after: Option<Duration>) -> Reaction {
    match error {
        "invalid_grant" => Reaction::Dead,
        "invalid_client" | "unauthorized_client" => Reaction::Forgotten,
        "temporarily_unavailable" | "server_error" | "too_many_requests" | "slow_down" => {
            Reaction::Later(after)
        }
        "invalid_scope" => Reaction::FewerScopes,
        _ => Reaction::GiveUp,
    }
}

fn wait(after: Option<Duration>) -> String {
    after.map_or_else(String::new, |after| format!(", try again after {} s", after.as_secs()))
}

fn guess(guessed: &[String]) -> String {
    if guessed.is_empty() {
        return String::new();
    }
    let sought = guessed.join(", ");
    format!(
        "; no metadata were found at {sought}: the default paths of MCP 2025-03-26 were guessed"
    )
}

fn of(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(" ({description})") }
}
