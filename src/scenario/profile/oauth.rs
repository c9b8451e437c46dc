//! `[oauth]` of a profile: how a client gets and keeps a grant.

use std::time::Duration;

use url::Url;

use crate::model::distribution::Distribution;
use crate::model::profile::oauth::{
    ApplicationType, Loser, Member, OAuth, Registration, RegistrationAuthentication, ResourceMatch,
    ResourceParameter, WithoutResourceMetadata,
};

use super::words::headers;
use super::{Key, Values, timeout};
use crate::scenario::document::Node;
use crate::scenario::scalar::{Wrong, text_of};

/// Longest margin before a token's end: a refresh token's usual life.
const LONGEST_MARGIN: Duration = Duration::from_secs(30 * 24 * 3600);

pub(super) fn read(values: &Values<'_, '_>, oauth: &mut OAuth) {
    wire(values, oauth);
    identity(values, oauth);
    strictness(values, oauth);
    scopes(values, oauth);
    refreshing(values, oauth);
    budgets(values, oauth);
}

fn wire<'a>(values: &Values<'_, 'a>, oauth: &mut OAuth) {
    let doc = "User-Agent of requests for metadata and to the authorization server.";
    values.value("user_agent", doc, Key::header_value, &mut oauth.user_agent);
    let table = |key: Key<'a>| key.read("a table of headers", headers);
    let doc = "Further headers of requests for metadata.";
    values.value("discovery_headers", doc, table, &mut oauth.discovery_headers);
    let table = |key: Key<'a>| key.read("a table of headers", headers);
    let doc = "Further headers of registrations and of requests to the token endpoint.";
    values.value("token_headers", doc, table, &mut oauth.token_headers);
    let read = |key: Key<'a>| key.read("an http or https URL", address);
    let doc = "Where the browser is sent back to; squall sends nothing there.";
    values.value("callback", doc, read, &mut oauth.callback);
}

fn identity<'a>(values: &Values<'_, 'a>, oauth: &mut OAuth) {
    let read = |key: Key<'a>| key.read("an https URL or \"none\"", document);
    let doc = "URL of its client ID metadata document.";
    values.value("metadata_document", doc, read, &mut oauth.metadata_document);
    let doc = "Whether that document is used only where none is a supported authentication method.";
    let slot = &mut oauth.metadata_document_needs_none;
    values.value("metadata_document_needs_none", doc, Key::truth, slot);
    let words = [
        ("per-connection", Registration::PerConnection),
        ("per-user", Registration::PerUser),
        ("once", Registration::Once),
    ];
    let read = |key: Key<'a>| key.word(&words, &[]);
    values.value("registration", "How many clients it registers.", read, &mut oauth.registration);
    let read = |key: Key<'a>| key.each("a list of members of a registration", member);
    let doc = "Members of its registration, in their order.";
    values.value("registration_body", doc, read, &mut oauth.registration_body);
    let words = [
        ("none", RegistrationAuthentication::None),
        ("supported", RegistrationAuthentication::Supported),
    ];
    let read = |key: Key<'a>| key.word(&words, &[]);
    let doc = "token_endpoint_auth_method of its registration.";
    let slot = &mut oauth.registration_authentication;
    values.value("registration_authentication", doc, read, slot);
    let doc = "client_name of its registration; {server} stands for the target's host.";
    values.value("client_name", doc, Key::text, &mut oauth.client_name);
    let words = [ApplicationType::Web, ApplicationType::Native];
    let words = words.map(|sort| (sort.name(), sort));
    let read = |key: Key<'a>| key.word(&words, &[]);
    let doc = "application_type of its registration.";
    values.value("application_type", doc, read, &mut oauth.application_type);
}

fn strictness<'a>(values: &Values<'_, 'a>, oauth: &mut OAuth) {
    let words = [("exact", ResourceMatch::Exact), ("prefix", ResourceMatch::Prefix)];
    let read = |key: Key<'a>| key.word(&words, &[]);
    let doc = "How a resource named in metadata has to agree with the target's URL.";
    values.value("resource_match", doc, read, &mut oauth.resource_match);
    let words = [("named", ResourceParameter::Named), ("canonical", ResourceParameter::Canonical)];
    let read = |key: Key<'a>| key.word(&words, &[]);
    let doc = "What it sends as resource: what metadata name, or the target's own URL.";
    values.value("resource", doc, read, &mut oauth.resource);
    let words =
        [("refuse", WithoutResourceMetadata::Refuse), ("origin", WithoutResourceMetadata::Origin)];
    let read = |key: Key<'a>| key.word(&words, &[]);
    let doc = "Whether the target's origin is asked where there is no resource metadata.";
    values.value("without_resource_metadata", doc, read, &mut oauth.without_resource_metadata);
    let doc = "Whether authorization-server metadata with another issuer are refused.";
    values.value("checks_issuer", doc, Key::truth, &mut oauth.checks_issuer);
    let doc = "Whether a callback is held to the rules about iss.";
    values.value("checks_iss", doc, Key::truth, &mut oauth.checks_iss);
    let doc = "Whether a server is refused that does not say it supports PKCE with S256.";
    values.value("demands_pkce_metadata", doc, Key::truth, &mut oauth.demands_pkce_metadata);
}

fn scopes<'a>(values: &Values<'_, 'a>, oauth: &mut OAuth) {
    let doc = "Whether offline_access is asked for where it is listed.";
    values.value("offline_access", doc, Key::truth, &mut oauth.offline_access);
    let doc = "Whether prompt=consent then goes with it.";
    values.value("prompt_consent", doc, Key::truth, &mut oauth.prompt_consent);
    let count = |key: Key<'a>| key.count(0..=10);
    let doc = "How often one call's missing scope leads to a new authorization.";
    values.value("step_ups", doc, count, &mut oauth.step_ups);
}

fn refreshing<'a>(values: &Values<'_, 'a>, oauth: &mut OAuth) {
    let read = |key: Key<'a>| key.duration(Duration::ZERO..=LONGEST_MARGIN);
    let doc = "Refreshes so long before a token expires.";
    values.value("refresh_margin", doc, read, &mut oauth.refresh_margin);
    let doc = "But not earlier than with this share of its life left.";
    values.value("refresh_share", doc, Key::share, &mut oauth.refresh_share);
    let count = |key: Key<'a>| key.count(1..=10);
    let doc = "Processes that hold a copy of one grant and refresh without asking each other.";
    values.value("holders", doc, count, &mut oauth.holders);
    let doc = "Delay of each further holder's refresh after the first one's.";
    values.value("holder_gap", doc, Key::distribution, &mut oauth.holder_gap);
    let words = [("reads", Loser::Reads), ("logs-out", Loser::LogsOut)];
    let read = |key: Key<'a>| key.word(&words, &[]);
    let doc = "What a process does whose refresh is refused: reads the new tokens, or logs out.";
    values.value("loser", doc, read, &mut oauth.loser);
}

fn budgets(values: &Values<'_, '_>, oauth: &mut OAuth) {
    let doc = "Budget of one request for metadata.";
    values.value("discovery_timeout", doc, timeout, &mut oauth.discovery_timeout);
    let doc = "Budget of a registration.";
    values.value("registration_timeout", doc, timeout, &mut oauth.registration_timeout);
    let doc = "Budget of the way from the authorization endpoint to the callback.";
    values.value("authorize_timeout", doc, timeout, &mut oauth.authorize_timeout);
    let doc = "Budget of a request for a grant's first tokens.";
    values.value("token_timeout", doc, timeout, &mut oauth.token_timeout);
    let doc = "Budget of a refresh.";
    values.value("refresh_timeout", doc, timeout, &mut oauth.refresh_timeout);
}

/// A URL that is sent as it is written.
fn address(node: &Node) -> Result<String, Wrong> {
    let text = text_of(node)?;
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.fragment().is_none() => {
            Ok(text.to_owned())
        }
        _ => {
            Err("expected an http or https URL without a fragment (RFC 6749 section 3.1.2)".into())
        }
    }
}

fn document(node: &Node) -> Result<Option<String>, Wrong> {
    let such = "expected an https URL with a path, or \"none\"";
    match text_of(node).map_err(|_| such)? {
        "none" => Ok(None),
        text => match Url::parse(text) {
            Ok(url) if url.scheme() == "https" && url.path().len() > 1 => Ok(Some(text.to_owned())),
            _ => Err(such.to_owned()),
        },
    }
}

fn member(node: &Node) -> Result<Member, Wrong> {
    let name = text_of(node)?;
    let found = Member::ALL.into_iter().find(|member| member.name() == name);
    found.ok_or_else(|| {
        let names = Member::ALL.map(Member::name).join(", ");
        format!("expected one of {names}")
    })
}

/// What is read over; a whole file leaves none of it.
pub(super) fn blank() -> OAuth {
    OAuth {
        user_agent: String::new(),
        discovery_headers: Vec::new(),
        token_headers: Vec::new(),
        callback: String::new(),
        metadata_document: None,
        metadata_document_needs_none: false,
        registration: Registration::PerUser,
        registration_body: Vec::new(),
        registration_authentication: RegistrationAuthentication::None,
        client_name: String::new(),
        application_type: ApplicationType::Native,
        resource_match: ResourceMatch::Prefix,
        resource: ResourceParameter::Named,
        without_resource_metadata: WithoutResourceMetadata::Refuse,
        checks_issuer: false,
        checks_iss: false,
        demands_pkce_metadata: false,
        offline_access: false,
        prompt_consent: false,
        step_ups: 0,
        refresh_margin: Duration::ZERO,
        refresh_share: 0.0,
        holders: 1,
        holder_gap: Distribution::constant(Duration::ZERO),
        loser: Loser::Reads,
        discovery_timeout: Duration::ZERO,
        registration_timeout: Duration::ZERO,
        authorize_timeout: Duration::ZERO,
        token_timeout: Duration::ZERO,
        refresh_timeout: Duration::ZERO,
    }
}
