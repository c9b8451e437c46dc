//! The practice authorization server, and the guard that has it in front of the MCP endpoints:
//! which request goes to which endpoint, and what they share.
//!
//! Everything is kept in memory and bounded: 100,000 clients, codes, grants and ends of grants,
//! 20,000 flows of consent, 32,768 verified tokens; past that the oldest goes. No lock is held while
//! anything is waited for.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;

use super::http_sse::STREAM_PATH;
use super::request;
use super::response::{not_allowed, page};
use crate::edge::clock::{self, Clock};
use crate::model::plan::{Authorization, Discovery, Practice, Speaks};

mod authorize;
pub(super) mod bounded;
mod clients;
mod codes;
mod consent;
mod counts;
mod document;
mod form;
mod grants;
mod guard;
mod identity;
#[cfg(test)]
mod life;
mod limits;
mod metadata;
mod place;
mod refused;
#[cfg(test)]
mod rehearsal;
mod token;
mod tokens;
#[cfg(test)]
mod ways;
#[cfg(test)]
mod wrong;

use clients::{Client, Clients};
use codes::Codes;
use consent::{Consents, stranger};
use counts::{Counts, one};
use document::Documents;
use form::Form;
use grants::Grants;
pub(super) use guard::Ends;
use identity::Proofs;
use limits::Limit;
use metadata::{OPENID, RESOURCE, SERVER};
use place::Place;
use refused::{Refused, answered};
use tokens::Tokens;

pub(super) use place::ELSEWHERE;

pub use clients::{CONFIDENTIAL, PUBLIC, SECRET, SIGNING};

/// Bodies of the authorization server past this are refused.
const LONGEST_BYTES: usize = 16 << 10;
const FORM: &str = "application/x-www-form-urlencoded";
const HOUR: Duration = Duration::from_secs(3_600);
const QUARTER: Duration = Duration::from_secs(900);

/// One running authorization server.
#[derive(Debug)]
pub(super) struct Authority {
    knobs: Authorization,
    speaks: Speaks,
    seed: u64,
    clock: Clock,
    /// The wall's time at the clock's start.
    epoch: Duration,
    tokens: Tokens,
    clients: Clients,
    documents: Documents,
    codes: Codes,
    grants: Grants,
    proofs: Proofs,
    consents: Consents,
    register_limit: Limit,
    token_limit: Limit,
    counts: Counts,
    users: AtomicU64,
    /// Requests at the token endpoint.
    requests: AtomicU64,
}

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Reply {
    /// It is answered.
    Whole(Response),
    /// The connection is cut.
    Cut,
}

/// One of the server's pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// The metadata of the resource at this path.
    Resource(&'static str),
    /// The server's own metadata.
    Server,
    Keys,
    Register,
    Authorize,
    Login,
    Consent,
    Token,
    Revoke,
}

impl Authority {
    /// A server without clients; `None`: the system gave no random bytes.
    pub(super) fn new(knobs: Authorization, practice: &Practice, clock: Clock) -> Option<Self> {
        let epoch = clock::wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Some(Self {
            epoch: epoch.saturating_sub(clock.now()),
            clock,
            speaks: practice.speaks,
            seed: practice.seed,
            tokens: Tokens::new()?,
            clients: Clients::new(&knobs),
            documents: Documents::new(),
            codes: Codes::default(),
            grants: Grants::default(),
            proofs: Proofs::default(),
            consents: Consents::default(),
            register_limit: Limit::new(knobs.register_limit, HOUR),
            token_limit: Limit::new(knobs.token_limit, QUARTER),
            counts: Counts::default(),
            users: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            knobs,
        })
    }

    /// The page of a path.
    pub(super) fn page(&self, path: &str) -> Option<Page> {
        let discovery = self.knobs.discovery;
        if let Some(resource) = path.strip_prefix(RESOURCE).filter(|_| discovery.has_resource()) {
            return match resource {
                "" => Some(Page::Resource(self.first_resource())),
                "/mcp" => Some(Page::Resource("/mcp")),
                STREAM_PATH => Some(Page::Resource(STREAM_PATH)),
                _ => None,
            };
        }
        if self.has_server_metadata(path) {
            return Some(Page::Server);
        }
        match path.strip_prefix(self.issuer_path())? {
            "/jwks" => Some(Page::Keys),
            "/register" if self.knobs.registration => Some(Page::Register),
            "/authorize" => Some(Page::Authorize),
            "/login" => Some(Page::Login),
            "/consent" => Some(Page::Consent),
            "/token" => Some(Page::Token),
            "/revoke" => Some(Page::Revoke),
            _ => None,
        }
    }

    fn has_server_metadata(&self, path: &str) -> bool {
        let issuer = self.issuer_path();
        let oauth = path.strip_prefix(SERVER) == Some(issuer);
        let openid = path.strip_prefix(OPENID) == Some(issuer);
        let appended = path.strip_prefix(issuer) == Some(OPENID);
        match self.knobs.discovery {
            Discovery::Full => oauth || openid || appended,
            Discovery::Openid => openid || appended,
            Discovery::Origin => oauth,
            Discovery::None => false,
        }
    }

    /// Answers a request at one of the pages, from this address.
    pub(super) async fn answer(&self, at: Page, request: Request, from: IpAddr) -> Reply {
        let (parts, body) = request.into_parts();
        let headers = &parts.headers;
        let place = Place::of(headers, self.issuer_path());
        let needs_body = matches!(at, Page::Register | Page::Token | Page::Revoke);
        let may_have_body = needs_body || matches!(at, Page::Login | Page::Consent);
        let is_post = parts.method == Method::POST;
        if needs_body && !is_post {
            return Reply::Whole(not_allowed("POST"));
        }
        let is_read = is_post && may_have_body;
        if !is_read && parts.method != Method::GET {
            return Reply::Whole(not_allowed("GET"));
        }
        if is_read && !is_of(headers, at) {
            let kind = Refused::request("`Content-Type` is another one than the endpoint reads");
            return Reply::Whole(kind.respond());
        }
        let body = if is_read { request::read(body).await.unwrap_or_default() } else { "".into() };
        if body.len() > LONGEST_BYTES {
            let long = Refused::request("the body is over 16 KiB");
            return Reply::Whole(long.with(StatusCode::PAYLOAD_TOO_LARGE).respond());
        }
        let path = parts.uri.path();
        Reply::Whole(match at {
            Page::Resource(of) => self.document(&self.resource_metadata(&place, of), path),
            Page::Server => self.document(&self.server_metadata(&place), path),
            Page::Keys => page("application/json", self.tokens.key_set().to_string()),
            Page::Register => self.register(&body, from),
            Page::Authorize => {
                self.authorize(headers, parts.uri.query().unwrap_or_default(), place).await
            }
            Page::Token => return self.token(headers, &body, &place, from).await,
            Page::Revoke => self.revoke(headers, &body, &place).await,
            Page::Consent if !is_post => self.consent_page(headers),
            Page::Login if !is_post => stranger(),
            Page::Login => form(&body, |form| self.login(headers, form)),
            Page::Consent => form(&body, |form| self.decide(headers, form)),
        })
    }

    fn register(&self, body: &[u8], from: IpAddr) -> Response {
        let now = self.now();
        let registered = self
            .limited(self.register_limit.take(from, now))
            .and_then(|()| self.clients.register(body, now, self.unix(now).as_secs()));
        match registered {
            Ok(told) => {
                one(&self.counts.registrations);
                answered(StatusCode::CREATED, &told)
            }
            Err(refused) => refused.respond(),
        }
    }

    /// The client of an id, or of a document's URL.
    async fn client(&self, id: &str) -> Result<Arc<Client>, Refused> {
        let now = self.now();
        if let Some(client) = self.clients.named(id, now) {
            return Ok(client);
        }
        if !self.knobs.documents || !id.contains("://") {
            return Err(Refused::client("no such client"));
        }
        let (client, is_fetched) = self.documents.client(id, now).await?;
        if is_fetched {
            one(&self.counts.documents);
        }
        Ok(client)
    }

    fn limited(&self, taken: Result<(), Duration>) -> Result<(), Refused> {
        taken.map_err(|wait| {
            one(&self.counts.throttled);
            let many = Refused::new("too_many_requests", "this address has asked too often");
            many.with(StatusCode::TOO_MANY_REQUESTS).after(wait)
        })
    }

    /// Without the resource's metadata nothing could say that the issuer has a path.
    fn issuer_path(&self) -> &str {
        if self.knobs.discovery.has_resource() { &self.knobs.issuer } else { "" }
    }

    /// Whether a grant of this moment went with all others.
    fn is_revoked_at_once(&self, opened: Duration, now: Duration) -> bool {
        self.knobs.revoke_at.is_some_and(|at| opened < at && at <= now)
    }

    fn next_user(&self) -> String {
        format!("user-{}", self.users.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Time since the start of the target.
    fn now(&self) -> Duration {
        self.clock.now()
    }

    /// The same moment since 1970.
    fn unix(&self, now: Duration) -> Duration {
        self.epoch + now
    }

    /// Its part of the page of metrics.
    pub(super) fn metrics(&self) -> String {
        self.counts.page()
    }
}

/// Whether a body is of the type that the page reads: JSON to register, else a form.
fn is_of(headers: &HeaderMap, at: Page) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    let read = if at == Page::Register { "application/json" } else { FORM };
    kind.eq_ignore_ascii_case(read)
}

fn form(body: &[u8], answer: impl FnOnce(&Form) -> Response) -> Response {
    match Form::read(body) {
        Ok(form) => answer(&form),
        Err(refused) => refused.respond(),
    }
}
