//! The login of a person: where its browser comes back to, and what the client then says it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use url::{Host, Url};

use super::failure::RunError;
use crate::edge::loopback::Loopback;
use crate::engine::realm::{Ask, Person};
use crate::model::plan::auth::Browser;
use crate::model::profile::oauth::{ApplicationType, OAuth};

/// Where the browser comes back to if neither scenario nor profile names a loopback address.
const CALLBACK: &str = "http://127.0.0.1/callback";

/// Listens where a person's browser comes back to, and has the client say so: a native one, whose
/// callback is a loopback address (RFC 8252, section 7.3; `OpenID` Connect Dynamic Client Registration
/// 1.0, section 2). A metadata document that names no such callback is none of this client's.
///
/// # Errors
/// When nothing can listen there.
pub(super) fn awaited(browser: &Browser, oauth: &mut OAuth, ask: &Ask) -> Result<Person, RunError> {
    let of_profile = here(&oauth.callback);
    let named = browser.callback.as_deref().and_then(here);
    // The port is ours where the scenario names none: servers let loopback callbacks have any.
    let port = named.as_ref().and_then(Url::port).unwrap_or(0);
    if of_profile.is_none() {
        oauth.metadata_document = None;
    }
    let mut callback =
        named.or(of_profile).or_else(|| here(CALLBACK)).ok_or_else(|| RunError::Callback {
            at: CALLBACK.to_owned(),
            error: std::io::ErrorKind::InvalidInput.into(),
        })?;
    let address = match callback.host() {
        Some(Host::Ipv6(_)) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let loopback = Loopback::listen((address, port).into(), callback.path());
    let loopback =
        loopback.map_err(|error| RunError::Callback { at: callback.to_string(), error })?;
    // A port can be set wherever there is a host, and there is one.
    let _set = callback.set_port(Some(loopback.port())).is_ok();
    oauth.callback = callback.into();
    oauth.application_type = ApplicationType::Native;
    Ok(Person { loopback: Arc::new(loopback), within: browser.within, ask: Arc::clone(ask) })
}

/// The URL, if it is one of this machine's and plain http.
fn here(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok().filter(|url| url.scheme() == "http")?;
    let is_here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address == Ipv4Addr::LOCALHOST,
        Host::Ipv6(address) => address == Ipv6Addr::LOCALHOST,
    };
    is_here.then_some(url)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::plan::sample;

    /// The client that a person of this scenario logs in for, at a profile of this callback.
    fn client(of_profile: &str, callback: Option<&str>) -> Result<(OAuth, Person), RunError> {
        let mut oauth = OAuth {
            callback: of_profile.to_owned(),
            metadata_document: Some("https://client.test/client.json".to_owned()),
            application_type: ApplicationType::Web,
            ..sample::oauth()
        };
        let within = Duration::from_secs(1);
        let browser = Browser { callback: callback.map(str::to_owned), within };
        let ask: Ask = Arc::new(|_| {});
        let person = awaited(&browser, &mut oauth, &ask)?;
        Ok((oauth, person))
    }

    #[tokio::test]
    async fn the_client_comes_back_to_this_machine_and_says_so() {
        let hosted = "https://claude.ai/api/mcp/auth_callback";
        for (of_profile, given, expected, has_document) in [
            (hosted, None, "http://127.0.0.1:PORT/callback", false),
            ("http://localhost:33418/cb", None, "http://localhost:PORT/cb", true),
            (hosted, Some("http://localhost/own"), "http://localhost:PORT/own", false),
            ("http://127.0.0.1:33418/cb", Some("http://127.0.0.1"), "http://127.0.0.1:PORT/", true),
        ] {
            let (oauth, person) = client(of_profile, given).unwrap();
            let port = person.loopback.port().to_string();
            assert_eq!(oauth.callback.replace(&port, "PORT"), expected);
            assert_eq!(oauth.metadata_document.is_some(), has_document, "{of_profile}");
            assert_eq!(oauth.application_type, ApplicationType::Native);
        }
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_said() {
        let (oauth, _person) = client("https://a.test/cb", None).unwrap();
        let error = client("https://a.test/cb", Some(&oauth.callback)).unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with(&format!("a browser cannot come back to {}", oauth.callback)));
        assert_eq!(error.exit_code(), 2);
    }
}
