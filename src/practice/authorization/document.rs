//! Clients known by the URL of their metadata document, which is fetched from this machine only.
//! (draft-ietf-oauth-client-id-metadata-document.)
//!
//! The target must not be led to ask others: a document is fetched from a URL of this machine, in
//! plain HTTP, without redirects, within five seconds and 64 KiB. What was fetched is kept for a
//! minute, and at most [`MOST_KEPT`] of them are. Those that Claude's clients publish are known
//! without being fetched.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::redirect::Policy;
use serde_json::{Value, json};
use url::Url;

use super::bounded::Bounded;
use super::clients::{Client, Metadata, Method, is_loopback};
use super::refused::Refused;

const PATIENCE: Duration = Duration::from_secs(5);
const LONGEST_BYTES: usize = 64 << 10;
const MOST_KEPT: usize = 4_096;
const FRESH: Duration = Duration::from_secs(60);

/// The documents that Claude's clients publish, by what of them a server needs: their URL and where
/// they redirect to. (claude.com/docs/connectors/building/authentication; captured 9 Aug 2026.)
const PUBLISHED: [(&str, &str, &[&str]); 2] = [
    (
        "https://claude.ai/oauth/mcp-oauth-client-metadata",
        "Claude",
        &["https://claude.ai/api/mcp/auth_callback"],
    ),
    (
        "https://claude.ai/oauth/claude-code-client-metadata",
        "Claude Code",
        &["http://localhost/callback", "http://127.0.0.1/callback"],
    ),
];

type Kept = (Duration, Arc<Client>);

/// Documents that were fetched.
#[derive(Debug)]
pub(super) struct Documents {
    kept: Mutex<Bounded<Box<str>, Kept>>,
    /// `None`: the system lets no client be made.
    http: Option<reqwest::Client>,
}

impl Documents {
    /// None yet.
    pub(super) fn new() -> Self {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .ok();
        Self { kept: Mutex::new(Bounded::of(MOST_KEPT)), http }
    }

    /// The client of this URL, and whether it was fetched just now.
    pub(super) async fn client(
        &self,
        id: &str,
        now: Duration,
    ) -> Result<(Arc<Client>, bool), Refused> {
        if let Some(body) = published(id) {
            return Ok((Arc::new(read(id, body.to_string().as_bytes(), now)?), false));
        }
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().get(id).filter(|(at, _)| now < *at + FRESH).cloned();
        if let Some((_, client)) = known {
            return Ok((client, false));
        }
        let client = Arc::new(self.fetch(id, now).await?);
        kept().insert(id.into(), (now, Arc::clone(&client)));
        Ok((client, true))
    }

    async fn fetch(&self, id: &str, now: Duration) -> Result<Client, Refused> {
        let url = Url::parse(id).ok().filter(|url| is_loopback(url) && url.path() != "/");
        let Some((url, http)) = url.zip(self.http.as_ref()) else {
            let only = "a metadata document is fetched from a path of this machine only";
            return Err(Refused::client(only));
        };
        let unread = |_| Refused::client("the metadata document cannot be fetched");
        let mut response = http.get(url).send().await.map_err(unread)?;
        if response.status() != http::StatusCode::OK {
            return Err(Refused::client("the metadata document is answered with another status"));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unread)? {
            if body.len() + chunk.len() > LONGEST_BYTES {
                return Err(Refused::client("the metadata document is over 64 KiB"));
            }
            body.extend_from_slice(&chunk);
        }
        read(id, &body, now)
    }
}

/// The client that a document describes.
fn read(id: &str, body: &[u8], now: Duration) -> Result<Client, Refused> {
    let (metadata, method) = Metadata::read(body, Method::None)
        .map_err(|refused| Refused::client(refused.description))?;
    if metadata.client_id.as_deref() != Some(id) {
        return Err(Refused::client("`client_id` of the metadata document is not its URL"));
    }
    if matches!(method, Method::Post | Method::Basic) {
        return Err(Refused::client("a client of a metadata document has no secret"));
    }
    Ok(metadata.client(id, method, now))
}

/// A document that is known without being fetched.
fn published(id: &str) -> Option<Value> {
    let (url, name, redirects) = PUBLISHED.into_iter().find(|(url, ..)| *url == id)?;
    Some(json!({
        "client_id": url,
        "client_name": name,
        "redirect_uris": redirects,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }))
}
