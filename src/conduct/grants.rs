//! How the users of a plan come to what they present: the same for all, or tokens of their own.

use std::sync::Arc;

use http::HeaderValue;
use url::{Host, Url};

use super::endpoint::Endpoint;
use super::failure::RunError;
use crate::edge::clock::Clock;
use crate::edge::dial::{Dial, Route};
use crate::edge::files;
use crate::edge::net::Connect;
use crate::edge::tls::Tls;
use crate::engine::holder::Wallet;
use crate::engine::legs::{Legs, Reach};
use crate::engine::realm::{Consenting, Flow, Realm, Shared};
use crate::engine::wire::Wire;
use crate::model::plan::auth::{self, Consent, FormStep, GivenClient, GivenKey, Granted};
use crate::model::plan::{self, Http, Plan};
use crate::model::secret::Secret;
use crate::protocol::oauth::assertion::Key;
use crate::protocol::oauth::client::{Identity, Method};
use crate::protocol::oauth::consent::Act;
use crate::protocol::oauth::endpoint::Network;
use crate::protocol::oauth::scope;

/// What users present, by the plan alone: nothing is asked.
///
/// # Errors
/// When the plan names a credential or a key that cannot be used.
pub(super) fn checked(plan: &Plan) -> Result<Wallet, RunError> {
    if let Some(granted) = plan.auth.granted() {
        identity(granted)?;
    }
    Ok(Wallet::of(&plan.auth, &plan.environment)?)
}

/// What users present at this endpoint; their legs are measured as the exchanges of `wire` are.
///
/// # Errors
/// As [`checked`], and when the endpoint has no URL that others could be held to.
pub(super) fn wallet(plan: &Plan, endpoint: &Endpoint, wire: &Wire) -> Result<Wallet, RunError> {
    let wallet = Wallet::of(&plan.auth, &plan.environment)?;
    let Some(granted) = plan.auth.granted() else { return Ok(wallet) };
    let profile = &plan.clients.profile;
    let target = endpoint.url()?;
    let origins = Origins {
        target: target.clone(),
        route: endpoint.route.clone(),
        authority: endpoint.authority.clone(),
        tls: plan.target.reach.tls.clone(),
        is_inside: plan.target.is_loopback(),
        allowed: granted.servers.clone(),
        clock: wire.clock.clone(),
    };
    let identity = identity(granted)?.map(Arc::new);
    let flow = match (&granted.flow, &identity) {
        (auth::Flow::Code(consent), _) => Flow::Code(consenting(consent)),
        (auth::Flow::ClientCredentials, Some(identity)) => {
            Flow::ClientCredentials(Arc::clone(identity))
        }
        // The scenario's reader sees to it that a client is given.
        (auth::Flow::ClientCredentials, None) => Flow::Code(Consenting::Redirect),
        (auth::Flow::Tokens(_), _) => Flow::Code(Consenting::Redirect),
    };
    let dialled: Vec<_> = plan.target.reach.resolve.iter().map(|at| at.ip()).collect();
    Ok(wallet.granted_by(Realm {
        oauth: Arc::new(profile.oauth.clone()),
        network: Network::of_url(&target, &dialled),
        target,
        identity,
        scopes: granted.scope.as_deref().map(scope::split),
        flow,
        legs: Legs::new(Arc::new(origins), wire),
        clock: wire.clock.clone(),
        recorder: Arc::clone(&wire.recorder),
        shared: Shared::default(),
    }))
}

/// The client that the scenario gives.
fn identity(granted: &Granted) -> Result<Option<Identity>, RunError> {
    let Some(GivenClient { id, authentication, secret, key }) = &granted.client else {
        return Ok(None);
    };
    let (name, pem) = match key {
        None => ("", None),
        Some(GivenKey::Pem(pem)) => ("what was given", Some(pem.clone())),
        Some(GivenKey::File(file)) => {
            let pem = files::read(file).map_err(RunError::KeyFile)?;
            (file.as_str(), Some(Secret::new(pem)))
        }
    };
    let unusable = |error| RunError::Key { file: name.to_owned(), error };
    let key = pem.map(|pem| Key::from_pem(&pem)).transpose().map_err(unusable)?;
    let method = authentication.and_then(Method::named);
    Ok(Some(Identity { id: id.clone(), method, secret: secret.clone(), key }))
}

fn consenting(consent: &Consent) -> Consenting {
    let act = |step: &FormStep| Act {
        fields: step.fill.iter().cloned().collect(),
        button: step.press.clone(),
    };
    match consent {
        Consent::Redirect => Consenting::Redirect,
        Consent::Form(steps) => Consenting::Form(steps.iter().map(act).collect()),
        Consent::Command(command) => Consenting::Command(command.clone()),
    }
}

/// The origins that legs may go to, and the ways there.
#[derive(Debug)]
struct Origins {
    target: Url,
    route: Route,
    authority: String,
    tls: plan::Tls,
    /// The target is on this machine, as is then whoever else is there.
    is_inside: bool,
    allowed: Vec<String>,
    clock: Clock,
}

impl Origins {
    /// Load goes to whom the user authorised: the target's host, this machine if the target is
    /// there, and what the scenario names.
    fn permits(&self, url: &Url) -> bool {
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        url.host() == self.target.host()
            || (self.is_inside && is_loopback)
            || self.allowed.contains(&url.origin().ascii_serialization())
    }
}

impl Reach for Origins {
    fn way(&self, url: &Url) -> Result<(Arc<dyn Connect>, HeaderValue), String> {
        if !self.permits(url) {
            return Err(format!(
                "the scenario does not allow load on {0}; if you may load it, name it: \
                 authorization_servers = [\"{0}\"] under [auth]",
                url.origin().ascii_serialization()
            ));
        }
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
        if url.origin() == self.target.origin() {
            let dial = Dial::new(self.route.clone(), self.clock.clone());
            return Ok((Arc::new(dial), value(&self.authority)?));
        }
        let host = url.host_str().unwrap_or_default();
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let dialled = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = plan::Tls { server_name: None, ..self.tls.clone() };
        let secure = url.scheme() == "https";
        let tls = secure.then(|| Tls::new(&tls, &dialled, Http::One)).transpose();
        let route = Route {
            host: dialled,
            port: url.port_or_known_default().unwrap_or(443),
            instead: None,
            tls: tls.map_err(|error| error.to_string())?,
            http: Http::One,
            public_only: !self.is_inside,
        };
        Ok((Arc::new(Dial::new(route, self.clock.clone())), value(authority)?))
    }
}
