//! The control plane's pages: health and metrics, later the legs of OAuth. Never measured.
//!
//! A page of the target's is asked the way the target is reached, whatever stands in `[target]`. A
//! page elsewhere is asked where its URL leads: nothing that is said about the target moves it.

mod beside;

use std::time::Duration;

use bytes::Bytes;
use reqwest::redirect;

use self::beside::Beside;
use crate::edge::clock::Clock;
use crate::edge::dial::Route;
use crate::edge::tls::Tls;

/// Bytes of a page that is read whole.
const LONGEST: usize = 8 << 20;
/// Why a page that outlasts the patience with it was no answer.
pub const TOO_LONG: &str = "it takes too long to answer";

/// A page. Nothing is followed and nothing retried.
#[derive(Debug)]
pub struct Page {
    url: String,
    way: Way,
    clock: Clock,
}

/// How a page is reached.
#[derive(Debug)]
enum Way {
    /// As the target is.
    Beside(Box<Beside>),
    /// By its URL alone.
    Elsewhere(reqwest::Client),
}

/// The head of an answer.
enum Answer {
    Beside(beside::Answer),
    Elsewhere(reqwest::Response),
}

/// Why a page could not be had.
#[derive(Debug, thiserror::Error)]
#[error("{url} cannot be read: {reason}")]
pub struct ControlError {
    url: String,
    reason: String,
}

impl ControlError {
    /// The same about a page that must not be named by its URL.
    #[must_use]
    pub fn about(self, shown: &str) -> Self {
        Self { url: shown.to_owned(), ..self }
    }

    /// Why, without the URL.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl Page {
    /// A page on the target's own origin; `host` is the `Host` the target is asked with.
    ///
    /// # Errors
    /// When the URL or the host cannot be sent.
    pub fn beside(route: &Route, host: &str, url: &url::Url) -> Result<Self, ControlError> {
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let beside = Beside::new(route, host, path);
        Self::by(url.to_string(), beside.map(|page| Way::Beside(Box::new(page))))
    }

    /// A page of another origin; `trusting` whom the target's TLS trusts.
    ///
    /// # Errors
    /// Only where the system gives no resources.
    pub fn elsewhere(trusting: Option<&Tls>, url: &url::Url) -> Result<Self, ControlError> {
        Self::by(url.to_string(), building(trusting).build().map(Way::Elsewhere))
    }

    fn by<E: std::error::Error>(url: String, way: Result<Way, E>) -> Result<Self, ControlError> {
        match way {
            Ok(way) => Ok(Self { url, way, clock: Clock::of_runtime() }),
            Err(error) => Err(ControlError { url, reason: innermost(&error) }),
        }
    }

    /// The status it answers with within `patience`.
    pub async fn status(&self, patience: Duration) -> Result<u16, ControlError> {
        self.within(patience, async { Ok(self.ask("*/*").await?.status()) }).await
    }

    /// The body of an answer of 200 with at most 8 MiB within `patience`.
    pub async fn read(
        &self,
        accept: &'static str,
        patience: Duration,
    ) -> Result<Vec<u8>, ControlError> {
        self.within(patience, async { whole(self.ask(accept).await?).await }).await
    }

    async fn within<T>(
        &self,
        patience: Duration,
        asked: impl Future<Output = Result<T, String>>,
    ) -> Result<T, ControlError> {
        let answer = self.clock.by(self.clock.now() + patience, asked).await;
        let answer = answer.unwrap_or_else(|| Err(TOO_LONG.to_owned()));
        answer.map_err(|reason| ControlError { url: self.url.clone(), reason })
    }

    async fn ask(&self, accept: &'static str) -> Result<Answer, String> {
        match &self.way {
            Way::Beside(page) => page.ask(accept).await.map(Answer::Beside),
            Way::Elsewhere(client) => {
                let asked = client.get(&self.url).header(http::header::ACCEPT, accept);
                let answer = asked.send().await.map_err(|error| innermost(&error.without_url()));
                answer.map(Answer::Elsewhere)
            }
        }
    }
}

impl Answer {
    fn status(&self) -> u16 {
        match self {
            Self::Beside(answer) => answer.status(),
            Self::Elsewhere(answer) => answer.status().as_u16(),
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, String> {
        match self {
            Self::Beside(answer) => answer.chunk().await,
            Self::Elsewhere(answer) => {
                answer.chunk().await.map_err(|error| innermost(&error.without_url()))
            }
        }
    }
}

async fn whole(mut answer: Answer) -> Result<Vec<u8>, String> {
    let status = answer.status();
    if status != 200 {
        return Err(format!("it answers {status}, not 200"));
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        if body.len() + part.len() > LONGEST {
            return Err("it is longer than 8 MiB".to_owned());
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// A client for what is asked outside of the target: Toxiproxy's API, hooks. Nothing is followed and
/// nothing retried.
///
/// # Errors
/// Only where the system gives no resources.
pub fn client(trusting: Option<&Tls>) -> Result<reqwest::Client, ControlError> {
    let agent = concat!("squall/", env!("CARGO_PKG_VERSION"));
    let built = building(trusting).user_agent(agent).build();
    built.map_err(|error| ControlError { url: String::new(), reason: innermost(&error) })
}

fn building(trusting: Option<&Tls>) -> reqwest::ClientBuilder {
    let building = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy();
    match trusting {
        Some(tls) => building.tls_backend_preconfigured(tls.for_pages().into_config()),
        None => building,
    }
}

/// The innermost cause, which says what a person can act on.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Http;

    #[tokio::test]
    async fn a_page_that_is_not_there_is_named() {
        let listener = crate::edge::net::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let there = listener.local_addr().unwrap();
        let url = url::Url::parse(&format!("http://{there}/health")).unwrap();
        drop(listener);
        let (host, http) = ("127.0.0.1".to_owned(), Http::Two);
        let route =
            Route { host, port: there.port(), instead: None, tls: None, http, public_only: false };
        let beside = Page::beside(&route, "tools.test", &url).unwrap();
        let elsewhere = Page::elsewhere(None, &url).unwrap();
        for (page, more) in [(beside, "asked for over HTTP/1.1"), (elsewhere, "")] {
            let error = page.status(Duration::from_secs(9)).await.unwrap_err().to_string();
            assert!(error.starts_with(url.as_str()), "{error}");
            assert!(error.contains("refused") && error.contains(more), "{error}");
        }
    }
}
