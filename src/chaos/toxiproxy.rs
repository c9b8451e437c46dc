//! The driver of a Toxiproxy server: its HTTP API from the client's side, with the names, statuses
//! and error bodies of version 2.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::model::fault::Direction;
use crate::model::fault::outside::Toxic;

/// A server that takes longer for one answer is as good as none.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const MOST_BYTES: usize = 1 << 20;
/// Characters of an error that are shown.
const MOST_SHOWN: usize = 200;

/// A Toxiproxy server.
#[derive(Debug, Clone)]
pub struct Toxiproxy {
    client: Client,
    url: Url,
}

/// A proxy as the server shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Shown {
    /// Where it listens, with the real port.
    pub listen: String,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Its toxics.
    #[serde(default)]
    pub toxics: Vec<Named>,
}

/// A toxic as the server shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Named {
    /// Its name, unique on its proxy.
    pub name: String,
}

/// Why something was not done; goes on from "Toxiproxy at URL".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No answer came.
    #[error("does not answer ({0})")]
    Silent(String),
    /// It says no.
    #[error("answers {status}: {error}")]
    Refused {
        /// Its status.
        status: u16,
        /// Its error.
        error: String,
    },
    /// It answers something else than a Toxiproxy server does.
    #[error("does not answer as Toxiproxy does ({0})")]
    Foreign(String),
}

/// What an error's body holds.
#[derive(Debug, Deserialize)]
struct Error {
    error: String,
}

impl Toxiproxy {
    /// A server by the URL of its API; `client` follows no redirects and uses no proxy.
    pub const fn new(client: Client, url: Url) -> Self {
        Self { client, url }
    }

    /// Its URL.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Its version, in its own words: JSON in recent ones, text in old ones.
    ///
    /// # Errors
    /// When it does not answer, or is no Toxiproxy.
    pub async fn version(&self) -> Result<String, Failure> {
        let asked = self.ask(Method::GET, &["version"], None).await;
        let body = asked.map_err(|failure| match failure {
            Failure::Refused { status, .. } => foreign(&format!("it answers /version {status}")),
            other => other,
        })?;
        let text = String::from_utf8_lossy(&body);
        let version = match serde_json::from_slice::<Value>(&body) {
            Ok(Value::Object(object)) => {
                object.get("version").and_then(Value::as_str).unwrap_or_default().to_owned()
            }
            _ => text.trim().to_owned(),
        };
        let is_one = version.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit())
            || version == "git";
        if is_one { Ok(version) } else { Err(foreign(&format!("its version is {text:?}"))) }
    }

    /// Its proxies, by name.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn proxies(&self) -> Result<BTreeMap<String, Shown>, Failure> {
        read(&self.ask(Method::GET, &["proxies"], None).await?)
    }

    /// Makes a proxy; answers where it listens.
    ///
    /// # Errors
    /// When the name is taken, it cannot listen there, or it does not answer.
    pub async fn create(&self, name: &str, listen: &str, upstream: &str) -> Result<Shown, Failure> {
        let body = json!({ "name": name, "listen": listen, "upstream": upstream, "enabled": true });
        read(&self.ask(Method::POST, &["proxies"], Some(&body)).await?)
    }

    /// Removes a proxy; whether there was one.
    ///
    /// # Errors
    /// When it is not removed.
    pub async fn delete(&self, name: &str) -> Result<bool, Failure> {
        gone(self.ask(Method::DELETE, &["proxies", name], None).await)
    }

    /// Enables or disables a proxy; whether there is one.
    ///
    /// # Errors
    /// When it is not changed.
    pub async fn enable(&self, name: &str, enabled: bool) -> Result<bool, Failure> {
        let body = json!({ "enabled": enabled });
        gone(self.ask(Method::POST, &["proxies", name], Some(&body)).await)
    }

    /// Puts a toxic of this name on a proxy.
    ///
    /// # Errors
    /// When it is not put there.
    pub async fn add(
        &self,
        proxy: &str,
        name: &str,
        (toxic, share): (&Toxic, f64),
    ) -> Result<(), Failure> {
        let numbers = toxic.attributes.iter();
        let attributes: serde_json::Map<String, Value> =
            numbers.map(|(name, number)| ((*name).to_owned(), json!(number))).collect();
        let body = json!({
            "name": name,
            "type": toxic.kind,
            "stream": stream(toxic.direction),
            "toxicity": share,
            "attributes": attributes,
        });
        self.ask(Method::POST, &["proxies", proxy, "toxics"], Some(&body)).await.map(drop)
    }

    /// Removes a toxic of a proxy; whether there was one.
    ///
    /// # Errors
    /// When it is not removed.
    pub async fn remove(&self, proxy: &str, name: &str) -> Result<bool, Failure> {
        gone(self.ask(Method::DELETE, &["proxies", proxy, "toxics", name], None).await)
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Vec<u8>, Failure> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            // A name may hold whatever its owner liked.
            segments.clear().extend(path);
        }
        let mut asked = self.client.request(method, url).timeout(PATIENCE);
        if let Some(body) = body {
            asked = asked.header(http::header::CONTENT_TYPE, "application/json");
            asked = asked.body(body.to_string());
        }
        let answer = asked.send().await.map_err(silent)?;
        let status = answer.status();
        let body = whole(answer).await?;
        if status.is_success() { Ok(body) } else { Err(refused(status, &body)) }
    }
}

/// What was to go and is gone already is as good.
fn gone(answer: Result<Vec<u8>, Failure>) -> Result<bool, Failure> {
    match answer {
        Ok(_) => Ok(true),
        Err(Failure::Refused { status: 404, .. }) => Ok(false),
        Err(failure) => Err(failure),
    }
}

const fn stream(direction: Direction) -> &'static str {
    match direction {
        Direction::Upstream => "upstream",
        Direction::Downstream => "downstream",
    }
}

async fn whole(mut answer: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(silent)? {
        if body.len() + part.len() > MOST_BYTES {
            return Err(foreign("an answer of more than 1 MiB"));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| foreign(&error.to_string()))
}

fn refused(status: StatusCode, body: &[u8]) -> Failure {
    let error = match serde_json::from_slice::<Error>(body) {
        Ok(said) => said.error,
        Err(_) => String::from_utf8_lossy(body).trim().to_owned(),
    };
    Failure::Refused { status: status.as_u16(), error: shortened(&error) }
}

fn silent(error: reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::Silent(format!("nothing came within {} s", PATIENCE.as_secs()));
    }
    Failure::Silent(innermost(&error.without_url()))
}

fn foreign(why: &str) -> Failure {
    Failure::Foreign(shortened(why))
}

/// The innermost cause, which says what a person can act on.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Its beginning, and nothing in it that moves a terminal's cursor.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MOST_SHOWN).collect()
}
