//! What the tests of the OAuth machines share: fixed chance, answers, a way driven to its end.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::authorization::Begin;
use super::challenge::Challenge;
use super::chance::Chance;
use super::endpoint::Network;
use super::exchange::{Heard, Response};
use super::grant::Known;
use super::metadata::{self, Server};
use crate::model::profile::oauth::OAuth;

pub(super) const CHANCE: Chance = Chance { verifier: [1; 32], state: [2; 16], jti: [3; 16] };
pub(super) const STATE: &str = "AgICAgICAgICAgICAgICAg";
pub(super) const TARGET: &str = "https://tools.test/a/mcp";

pub(super) const RESOURCE: &str = r#"{"resource":"https://tools.test/a/mcp",
    "authorization_servers":["https://as.test","https://other.test"],
    "scopes_supported":["read","write"]}"#;
pub(super) const SERVER: &str = r#"{"issuer":"https://as.test",
    "authorization_endpoint":"https://as.test/authorize?tenant=7",
    "token_endpoint":"https://as.test/token","registration_endpoint":"https://as.test/register",
    "code_challenge_methods_supported":["S256"]}"#;

pub(super) fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

pub(super) fn begin(profile: OAuth) -> Begin {
    Begin {
        profile: Arc::new(profile),
        target: url(TARGET),
        network: Network::Public,
        challenge: Challenge::default(),
        identity: None,
        scopes: None,
        held: Vec::new(),
        known: Known::default(),
        chance: CHANCE,
    }
}

pub(super) fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    pairs.iter().map(pair).collect()
}

/// Tells a machine of an answer.
pub(super) fn answer(status: u16, body: &str, told: impl FnOnce(&Heard<'_>)) {
    answer_with(status, &[], body, told);
}

pub(super) fn answer_with(
    status: u16,
    pairs: &[(&'static str, &'static str)],
    body: &str,
    told: impl FnOnce(&Heard<'_>),
) {
    let headers = headers(pairs);
    told(&Heard::Answer(Response { status, headers: &headers, body: body.as_bytes() }));
}

/// Metadata of an authorization server, with more members before its usual ones.
pub(super) fn server(more: &str) -> Server {
    let body = SERVER.replacen('{', &format!("{{{more}"), 1);
    let headers = HeaderMap::new();
    let response = Response { status: 200, headers: &headers, body: body.as_bytes() };
    metadata::server(&response, Network::Public).unwrap()
}
