//! The control plane's HTTP client: health pages, and later the legs of OAuth. Never measured.

use std::time::Duration;

use reqwest::redirect;

use crate::edge::dial::Route;

/// A page that takes longer is not healthy.
const PATIENCE: Duration = Duration::from_secs(10);

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
            .map_err(|error| ControlError { url: String::new(), reason: reason(&error) })
    }

    /// The status of a page.
    pub async fn status(&self, url: &str) -> Result<u16, ControlError> {
        let answer = self.0.get(url).send().await;
        let answer =
            answer.map_err(|error| ControlError { url: url.to_owned(), reason: reason(&error) })?;
        Ok(answer.status().as_u16())
    }
}

/// The innermost cause, which says what a person can act on.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
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
