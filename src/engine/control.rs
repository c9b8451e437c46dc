//! The control plane's HTTP client: health and metrics pages, later the legs of OAuth. Never
//! measured.

use std::time::Duration;

use reqwest::redirect;

use crate::edge::dial::Route;

/// A page that takes longer is not healthy.
const PATIENCE: Duration = Duration::from_secs(10);
/// A page that is read whole has so long.
const READING: Duration = Duration::from_secs(5);
/// Bytes of a page that is read whole.
const LONGEST: usize = 8 << 20;

/// The control plane's HTTP client. Nothing is followed and nothing retried.
#[derive(Debug, Clone)]
pub struct Control(reqwest::Client);

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

impl Control {
    /// A client that reaches a target's pages the way the target itself is reached; fails only
    /// where the system gives no resources.
    pub fn new(route: &Route) -> Result<Self, ControlError> {
        let mut building = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy();
        if let Some(tls) = &route.tls {
            building = building.tls_backend_preconfigured(tls.for_pages());
        }
        if let Some(address) = route.instead {
            building = building.resolve(&route.host, address);
        }
        building
            .build()
            .map(Self)
            .map_err(|error| ControlError { url: String::new(), reason: reason(error) })
    }

    /// The status of a page.
    pub async fn status(&self, url: &str) -> Result<u16, ControlError> {
        let answer = self.0.get(url).send().await;
        let answer =
            answer.map_err(|error| ControlError { url: url.to_owned(), reason: reason(error) })?;
        Ok(answer.status().as_u16())
    }

    /// The body of a page that answers 200 with at most 8 MiB within five seconds.
    pub async fn page(&self, url: &str, accept: &'static str) -> Result<Vec<u8>, ControlError> {
        let failed = |reason: String| ControlError { url: url.to_owned(), reason };
        let asked = self.0.get(url).header(http::header::ACCEPT, accept).timeout(READING);
        let mut answer = asked.send().await.map_err(|error| failed(reason(error)))?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(failed(format!("it answers {status}, not 200")));
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| failed(reason(error)))? {
            if body.len() + part.len() > LONGEST {
                return Err(failed("it is longer than 8 MiB".to_owned()));
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }
}

/// The innermost cause, which says what a person can act on.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return "it takes too long to answer".to_owned();
    }
    let mut cause: &dyn std::error::Error = &error;
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
        let url = format!("http://{there}/health");
        drop(listener);
        let (host, http) = ("127.0.0.1".to_owned(), Http::Negotiated);
        let route = Route { host, port: there.port(), instead: None, tls: None, http };
        let error = Control::new(&route).unwrap().status(&url).await.unwrap_err();
        assert!(error.to_string().starts_with(&url), "{error}");
        assert!(error.to_string().contains("refused"), "{error}");
    }
}
