//! From a target's URL to its authorization server: which metadata are asked for, in which order.
//!
//! ```text
//! https://h/a/mcp   1. resource_metadata of the challenge
//!                   2. https://h/.well-known/oauth-protected-resource/a/mcp   RFC 9728, 3.1
//!                   3. https://h/.well-known/oauth-protected-resource
//! https://as/t1     4. https://as/.well-known/oauth-authorization-server/t1   RFC 8414, 3.1
//!                   5. https://as/.well-known/openid-configuration/t1         RFC 8414, 5
//!                   6. https://as/t1/.well-known/openid-configuration         OIDC Discovery, 4
//! no 1. to 3.       7. https://h/.well-known/oauth-authorization-server       MCP 2025-03-26
//!                   8. https://h/authorize, /token, /register, unasked        MCP 2025-03-26
//! ```
//! A 4xx means "not here" and leads to the next; 429, 408, 5xx and silence mean "not now" and end
//! it, since what a server really has cannot be told then. Whatever was found is not looked for
//! elsewhere: a wrong document ends it as well. Of several authorization servers the first is
//! taken, as hosted Claude and the SDKs do.

use std::collections::VecDeque;
use std::sync::Arc;

use url::Url;

use super::endpoint::{self, Network};
use super::exchange::{Exchange, Heard, Response, shown};
use super::metadata::{self, Server};
use super::refusal::{Refusal, What};
use super::resource::{self, Resource};
use super::{reading, token};
use crate::model::leg::Leg;
use crate::model::profile::oauth::{OAuth, WithoutResourceMetadata};

const OF_RESOURCE: &str = "oauth-protected-resource";
const OF_SERVER: &str = "oauth-authorization-server";
const OPENID: &str = "openid-configuration";

/// Where metadata of a protected resource are looked for, in order; `named` is the challenge's.
pub fn of_resource(target: &Url, named: Option<&Url>) -> Vec<Url> {
    let inserted = inserted(target, OF_RESOURCE);
    let root = at(target, &format!("/.well-known/{OF_RESOURCE}"));
    let mut urls: Vec<Url> = named.cloned().into_iter().collect();
    for url in [inserted, root] {
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

/// Where metadata of an authorization server are looked for, in order.
pub fn of_server(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let mut urls = vec![inserted(issuer, OF_SERVER), inserted(issuer, OPENID)];
    if !path.is_empty() {
        urls.push(at(issuer, &format!("{path}/.well-known/{OPENID}")));
    }
    urls
}

/// The well-known URL with the path behind it; a path that is only a slash counts as none.
fn inserted(url: &Url, name: &str) -> Url {
    let path = url.path().trim_end_matches('/');
    at(url, &format!("/.well-known/{name}{path}"))
}

fn at(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    url.set_path(path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// A discovery under way.
#[derive(Debug, Clone)]
pub(super) struct Discovery {
    profile: Arc<OAuth>,
    target: Url,
    network: Network,
    stage: Stage,
    /// What is still to be asked, the next one first.
    queue: VecDeque<Url>,
    tried: Vec<String>,
    resource: Option<Arc<Resource>>,
}

#[derive(Debug, Clone)]
enum Stage {
    /// Metadata of the resource.
    Resource,
    /// Metadata of this issuer.
    Server(String),
    /// Metadata at the target's origin.
    Origin,
    /// The end.
    Found(Arc<Server>),
}

impl Discovery {
    /// Begins with the URL that a challenge named, if it named one.
    pub(super) fn begin(
        profile: Arc<OAuth>,
        target: Url,
        named: Option<&str>,
    ) -> Result<Self, Box<Refusal>> {
        let network = Network::of_url(&target, &[]);
        let named = named.map(|named| {
            endpoint::read(named, network)
                .map_err(|why| unfit(&target, "resource_metadata", named, why))
        });
        let queue = of_resource(&target, named.transpose()?.as_ref()).into();
        let stage = Stage::Resource;
        Ok(Self { profile, target, network, stage, queue, tried: Vec::new(), resource: None })
    }

    /// What is sent next.
    pub(super) fn exchange(&self) -> Option<Exchange> {
        let url = self.queue.front()?.clone();
        let OAuth { user_agent, discovery_headers, .. } = &*self.profile;
        Some(Exchange::get(Leg::Discovery, url, user_agent, discovery_headers))
    }

    /// What was found, at the end.
    pub(super) fn found(&self) -> Option<(Option<Arc<Resource>>, Arc<Server>)> {
        match &self.stage {
            Stage::Found(server) => Some((self.resource.clone(), Arc::clone(server))),
            _ => None,
        }
    }

    /// Takes what came of the request.
    pub(super) fn heard(&mut self, heard: &Heard<'_>) -> Result<(), Box<Refusal>> {
        let Some(url) = self.queue.pop_front() else {
            return Err(Refusal::new(Leg::Discovery, &self.target, What::OutOfTurn));
        };
        let refused = |what| Refusal::new(Leg::Discovery, &url, what);
        let response = match heard {
            Heard::Answer(response) => response,
            Heard::Lost(lost) => return Err(refused(What::Lost(*lost))),
            Heard::Callback(_) => return Err(refused(What::OutOfTurn)),
        };
        self.tried.push(shown(&url));
        if is_elsewhere(response) {
            return if self.queue.is_empty() { self.exhausted() } else { Ok(()) };
        }
        if !(200..300).contains(&response.status) {
            return Err(refused(token::refused(response, "RFC 8414 section 3.2")));
        }
        self.take(response).map_err(refused)?;
        self.follow(&url)
    }

    /// Takes a document that was found.
    fn take(&mut self, response: &Response<'_>) -> Result<(), What> {
        match &self.stage {
            Stage::Resource => {
                let resource = metadata::resource(response)?;
                resource::check(&resource.resource, &self.target, self.profile.resource_match)?;
                self.resource = Some(Arc::new(resource));
            }
            Stage::Server(issuer) => {
                let server = metadata::server(response, self.network)?;
                if self.profile.checks_issuer && server.issuer != *issuer {
                    return Err(What::OtherIssuer {
                        found: reading::cut(&server.issuer, 200),
                        expected: reading::cut(issuer, 200),
                    });
                }
                self.stage = Stage::Found(Arc::new(server));
            }
            Stage::Origin => {
                self.stage = Stage::Found(Arc::new(metadata::server(response, self.network)?));
            }
            Stage::Found(_) => {}
        }
        Ok(())
    }

    /// Goes on from a resource's metadata to those of its first authorization server.
    fn follow(&mut self, url: &Url) -> Result<(), Box<Refusal>> {
        self.queue.clear();
        if let (Stage::Resource, Some(resource)) = (&self.stage, &self.resource) {
            let issuer = resource.servers.first().cloned().unwrap_or_default();
            let read = endpoint::read(&issuer, self.network)
                .map_err(|why| unfit(url, "authorization_servers", &issuer, why))?;
            self.queue = of_server(&read).into();
            self.tried.clear();
            self.stage = Stage::Server(issuer);
        }
        Ok(())
    }

    /// Goes on, or ends, where nothing was at any of the URLs.
    fn exhausted(&mut self) -> Result<(), Box<Refusal>> {
        let origin = self.profile.without_resource_metadata == WithoutResourceMetadata::Origin;
        match &self.stage {
            Stage::Resource if origin => {
                self.queue = [at(&self.target, &format!("/.well-known/{OF_SERVER}"))].into();
                self.stage = Stage::Origin;
                Ok(())
            }
            Stage::Origin => {
                self.stage = Stage::Found(Arc::new(Server::assumed(&self.target)));
                Ok(())
            }
            stage => {
                let rule = match stage {
                    Stage::Resource => "RFC 9728 section 3.1",
                    _ => "RFC 8414 section 3.1",
                };
                let tried = std::mem::take(&mut self.tried);
                let what = What::NoMetadata { tried, rule };
                Err(Refusal::new(Leg::Discovery, &self.target, what))
            }
        }
    }
}

/// Whether an answer says that there is no such document here.
const fn is_elsewhere(response: &Response<'_>) -> bool {
    matches!(response.status, 400..500) && !matches!(response.status, 408 | 425 | 429)
}

fn unfit(at: &Url, name: &'static str, text: &str, why: endpoint::Unfit) -> Box<Refusal> {
    let url = Url::parse(text).map_or_else(|_| reading::cut(text, 200), |url| shown(&url));
    Refusal::new(Leg::Discovery, at, What::Endpoint { name, url, why })
}
