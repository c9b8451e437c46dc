//! A scripted MCP server behind a scripted authorization server, both at the end of the same pipe.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderValue;
use serde_json::json;
use url::Url;

use super::{Do, Seen, Server, common, json_reply, reply, sound};
use crate::edge::net::Connect;
use crate::engine::client::Common;
use crate::engine::holder::{Habit, Wallet};
use crate::engine::legs::{Legs, Reach};
use crate::engine::realm::{Consenting, Flow, Realm, Shared};
use crate::engine::sources::Sources;
use crate::engine::weather::Weather;
use crate::engine::wire::Wire;
use crate::model::leg::Leg;
use crate::model::plan::Credential;
use crate::model::profile::Profile;
use crate::model::profile::oauth::OAuth;
use crate::protocol::oauth::endpoint::Network;

/// Where the metadata of the protected resource is.
pub(crate) const METADATA: &str = "/.well-known/oauth-protected-resource/mcp";

/// Issues `access-1` with `refresh-1`, then `access-2` with `refresh-2`; each refresh token is good
/// once.
#[derive(Debug, Default)]
pub(crate) struct Authority {
    /// Seconds that access tokens are good for.
    pub(crate) lifetime: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    issued: u32,
    clients: u32,
    /// Access tokens and their ends.
    good: HashMap<String, Duration>,
    /// The refresh token that is good.
    refresh: Option<String>,
}

impl Authority {
    pub(crate) fn new(lifetime: u64) -> Arc<Self> {
        Arc::new(Self { lifetime, state: Mutex::default() })
    }

    /// No token is good any longer; refresh tokens are only if `keeping` them.
    pub(crate) fn revoke(&self, keeping: bool) {
        let mut state = self.state.lock().unwrap();
        state.good.clear();
        if !keeping {
            state.refresh = None;
        }
    }

    /// What a sound pair of servers does.
    pub(crate) fn answer(&self, seen: &Seen) -> Vec<Do> {
        let path = seen.path.split('?').next().unwrap();
        match path {
            METADATA => json(&json!({
                "resource": "http://localhost/mcp",
                "authorization_servers": ["http://localhost"],
                "scopes_supported": ["read"],
            })),
            "/.well-known/oauth-authorization-server" => json(&json!({
                "issuer": "http://localhost",
                "authorization_endpoint": "http://localhost/authorize",
                "token_endpoint": "http://localhost/token",
                "registration_endpoint": "http://localhost/register",
                "code_challenge_methods_supported": ["S256"],
            })),
            "/register" => {
                let mut state = self.state.lock().unwrap();
                state.clients += 1;
                json(&json!({ "client_id": format!("client-{}", state.clients) }))
            }
            "/authorize" => {
                let url = Url::parse("http://localhost").unwrap().join(&seen.path).unwrap();
                let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
                let back = format!("{}?code=k&state={}", query["redirect_uri"], query["state"]);
                let location = format!("location: {back}");
                vec![Do::Write(reply(302, &[&location], ""))]
            }
            "/token" => self.token(seen),
            _ if self.admits(seen) => sound(seen),
            _ => vec![Do::Write(challenge(401, "error=\"invalid_token\""))],
        }
    }

    fn token(&self, seen: &Seen) -> Vec<Do> {
        let mut state = self.state.lock().unwrap();
        let refreshes = seen.body.contains("grant_type=refresh_token");
        let presented = state.refresh.as_ref();
        if refreshes && presented.is_none_or(|good| !seen.body.contains(good.as_str())) {
            return refused(400, "invalid_grant");
        }
        state.issued += 1;
        let (access, refresh) =
            (format!("access-{}", state.issued), format!("refresh-{}", state.issued));
        let until = seen.at + Duration::from_secs(self.lifetime);
        state.good.insert(access.clone(), until);
        state.refresh = Some(refresh.clone());
        json(&json!({
            "access_token": access, "refresh_token": refresh, "token_type": "Bearer",
            "expires_in": self.lifetime,
        }))
    }

    /// Whether this came with a good token.
    pub(crate) fn admits(&self, seen: &Seen) -> bool {
        let bearer = seen.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let state = self.state.lock().unwrap();
        bearer.and_then(|token| state.good.get(token)).is_some_and(|until| seen.at < *until)
    }
}

/// A server that does `otherwise` where that is something.
pub(crate) fn guarded(
    authority: &Arc<Authority>,
    otherwise: impl Fn(&Seen) -> Option<Vec<Do>> + Send + Sync + 'static,
) -> Server {
    let authority = Arc::clone(authority);
    Server::new(move |seen| otherwise(seen).unwrap_or_else(|| authority.answer(seen)))
}

fn json(body: &serde_json::Value) -> Vec<Do> {
    vec![Do::Write(json_reply(&body.to_string()))]
}

/// An error of the token endpoint.
pub(crate) fn refused(status: u16, error: &str) -> Vec<Do> {
    let body = json!({ "error": error }).to_string();
    vec![Do::Write(reply(status, &["content-type: application/json"], &body))]
}

/// A challenge with these parameters besides where the metadata are.
pub(crate) fn challenge(status: u16, parameters: &str) -> Vec<u8> {
    let header = format!(
        "www-authenticate: Bearer {parameters}, resource_metadata=\"http://localhost{METADATA}\""
    );
    reply(status, &[&header], "")
}

#[derive(Debug)]
struct Piped(Server);

impl Reach for Piped {
    fn way(&self, _: &Url, _: Leg) -> Result<(Arc<dyn Connect>, HeaderValue), String> {
        Ok((Arc::new(self.0.clone()), HeaderValue::from_static("localhost")))
    }
}

/// What clients of `profile` share that come to tokens at `server`.
pub(crate) fn granted(server: &Server, profile: Profile) -> Arc<Common> {
    those(server, profile, Sources::default(), |realm| realm)
}

/// The same with this habit.
pub(crate) fn checking(server: &Server, profile: Profile, habit: Habit) -> Arc<Common> {
    those(server, profile, Sources::default(), |realm| Realm { habit, ..realm })
}

/// The same, on machines with these addresses.
pub(crate) fn granted_from(server: &Server, profile: Profile, sources: Sources) -> Arc<Common> {
    those(server, profile, sources, |realm| realm)
}

/// The same, come to in this way.
pub(crate) fn granted_as(server: &Server, profile: Profile, flow: Option<Flow>) -> Arc<Common> {
    let flow = flow.unwrap_or(Flow::Code(Consenting::Redirect));
    those(server, profile, Sources::default(), |realm| Realm { flow, ..realm })
}

/// The same, under this weather.
pub(crate) fn granted_under(
    server: &Server,
    profile: Profile,
    weather: Arc<dyn Weather>,
) -> Arc<Common> {
    let weather = Some(weather);
    those(server, profile, Sources::default(), |realm| Realm { weather, ..realm })
}

fn those(
    server: &Server,
    profile: Profile,
    sources: Sources,
    change: impl FnOnce(Realm) -> Realm,
) -> Arc<Common> {
    let oauth = profile.oauth.clone();
    let mut common = common(server, profile, &Credential::None);
    let shared = Arc::get_mut(&mut common).unwrap();
    (shared.lines, shared.wire.sources) = (sources.lines(), sources);
    let realm = change(realm(server, oauth, &shared.wire, None));
    shared.wallet = Wallet::of(&Credential::None, &[]).unwrap().granted_by(realm);
    common
}

/// What users share on their way to tokens at `server`.
pub(crate) fn realm(server: &Server, oauth: OAuth, wire: &Wire, flow: Option<Flow>) -> Realm {
    Realm {
        oauth: Arc::new(oauth),
        target: Url::parse("http://localhost/mcp").unwrap(),
        network: Network::Loopback,
        identity: None,
        scopes: None,
        flow: flow.unwrap_or(Flow::Code(Consenting::Redirect)),
        legs: Legs::new(Arc::new(Piped(server.clone())), wire),
        seed: 7,
        clock: wire.clock.clone(),
        recorder: Arc::clone(&wire.recorder),
        shared: Shared::default(),
        habit: Habit::Renewing,
        weather: None,
    }
}
