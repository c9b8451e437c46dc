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

use super::authorization::Begin;
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

/// Metadata of the resource, where there are any, and of its authorization server.
pub(super) type Found = (Option<Arc<Resource>>, Arc<Server>);

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
    /// Begins with the URL that the challenge named, if it named one.
    pub(super) fn begin(begin: &Begin) -> Result<Self, Refusal> {
        let Begin { profile, target, network, challenge, .. } = begin;
        let named = challenge.resource_metadata.as_deref().map(|named| {
            endpoint::read(named, *network)
                .map_err(|why| unfit(target, "resource_metadata", named, why))
        });
        Ok(Self {
            profile: Arc::clone(profile),
            target: target.clone(),
            network: *network,
            stage: Stage::Resource,
            queue: of_resource(target, named.transpose()?.as_ref()).into(),
            tried: Vec::new(),
            resource: None,
        })
    }

    /// What is sent next.
    pub(super) fn exchange(&self) -> Option<Exchange> {
        let url = self.queue.front()?.clone();
        let OAuth { user_agent, discovery_headers, .. } = &*self.profile;
        Some(Exchange::get(Leg::Discovery, url, user_agent, discovery_headers))
    }

    /// Takes what came of the request; at the end this is what was found.
    pub(super) fn heard(&mut self, heard: &Heard<'_>) -> Result<Option<Found>, Refusal> {
        self.go_on(heard)?;
        Ok(self.found())
    }

    fn found(&self) -> Option<Found> {
        match &self.stage {
            Stage::Found(server) => Some((self.resource.clone(), Arc::clone(server))),
            _ => None,
        }
    }

    fn go_on(&mut self, heard: &Heard<'_>) -> Result<(), Refusal> {
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
            let is_resource = matches!(self.stage, Stage::Resource);
            let rule = if is_resource { "RFC 9728 section 3.2" } else { "RFC 8414 section 3.2" };
            return Err(refused(token::refused(response, rule)));
        }
        self.take(response, &url).map_err(refused)?;
        self.follow(&url)
    }

    /// Takes a document that was found.
    fn take(&mut self, response: &Response<'_>, url: &Url) -> Result<(), What> {
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
                self.stage = Stage::Found(Arc::new(Server { sought: vec![shown(url)], ..server }));
            }
            Stage::Origin => {
                let server = metadata::server(response, self.network)?;
                self.stage = Stage::Found(Arc::new(Server { sought: vec![shown(url)], ..server }));
            }
            Stage::Found(_) => {}
        }
        Ok(())
    }

    /// Goes on from a resource's metadata to those of its first authorization server.
    fn follow(&mut self, url: &Url) -> Result<(), Refusal> {
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
    fn exhausted(&mut self) -> Result<(), Refusal> {
        let origin = self.profile.without_resource_metadata == WithoutResourceMetadata::Origin;
        match &self.stage {
            Stage::Resource if origin => {
                self.queue = [at(&self.target, &format!("/.well-known/{OF_SERVER}"))].into();
                self.stage = Stage::Origin;
                Ok(())
            }
            Stage::Origin => {
                let sought = std::mem::take(&mut self.tried);
                let assumed = Server { sought, ..Server::assumed(&self.target) };
                self.stage = Stage::Found(Arc::new(assumed));
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

fn unfit(at: &Url, name: &'static str, text: &str, why: endpoint::Unfit) -> Refusal {
    let url = Url::parse(text).map_or_else(|_| reading::cut(text, 200), |url| shown(&url));
    Refusal::new(Leg::Discovery, at, What::Endpoint { name, url, why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::sample;
    use crate::protocol::oauth::exchange::Lost;
    use crate::protocol::oauth::refusal::Reaction;
    use crate::protocol::oauth::rehearsal::{RESOURCE, SERVER, answer_with, begin, url};

    type Pairs = &'static [(&'static str, &'static str)];
    type Answer<'a> = (u16, Pairs, &'a str);

    fn texts(urls: Vec<Url>) -> Vec<String> {
        urls.into_iter().map(Url::into).collect()
    }

    #[test]
    fn where_metadata_are_looked_for() {
        let named = url("https://tools.test/prm.json");
        let cases = [
            (
                of_resource(&url("https://h/a/mcp?x=1"), None),
                vec![
                    "https://h/.well-known/oauth-protected-resource/a/mcp",
                    "https://h/.well-known/oauth-protected-resource",
                ],
            ),
            (
                of_resource(&url("https://h:8443/"), None),
                vec!["https://h:8443/.well-known/oauth-protected-resource"],
            ),
            (
                of_resource(&url("https://h/mcp/"), Some(&named)),
                vec![
                    "https://tools.test/prm.json",
                    "https://h/.well-known/oauth-protected-resource/mcp",
                    "https://h/.well-known/oauth-protected-resource",
                ],
            ),
            (
                of_resource(
                    &url("https://h/mcp"),
                    Some(&url("https://h/.well-known/oauth-protected-resource/mcp")),
                ),
                vec![
                    "https://h/.well-known/oauth-protected-resource/mcp",
                    "https://h/.well-known/oauth-protected-resource",
                ],
            ),
            (
                of_server(&url("https://as")),
                vec![
                    "https://as/.well-known/oauth-authorization-server",
                    "https://as/.well-known/openid-configuration",
                ],
            ),
            (
                of_server(&url("https://as/t1/")),
                vec![
                    "https://as/.well-known/oauth-authorization-server/t1",
                    "https://as/.well-known/openid-configuration/t1",
                    "https://as/t1/.well-known/openid-configuration",
                ],
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(texts(found), expected);
        }
    }

    /// How a discovery goes that hears these answers: paths asked for, then how it ends.
    fn course(profile: OAuth, named: Option<&str>, answers: &[Answer<'_>]) -> Vec<String> {
        let mut begin = begin(profile);
        begin.challenge.resource_metadata = named.map(str::to_owned);
        let mut discovery = match Discovery::begin(&begin) {
            Ok(discovery) => discovery,
            Err(refusal) => return vec![refusal.to_string()],
        };
        let mut course = Vec::new();
        for (status, pairs, body) in answers {
            let exchange = discovery.exchange().unwrap();
            course.push(exchange.url.as_str().trim_start_matches("https://").to_owned());
            let mut refused = None;
            answer_with(*status, pairs, body, |heard| refused = discovery.heard(heard).err());
            if let Some(refusal) = refused {
                course.push(refusal.to_string());
                return course;
            }
        }
        course.push(match discovery.found() {
            Some((_, server)) => format!("found {}", server.token),
            None => "goes on".to_owned(),
        });
        course
    }

    const NO: Answer<'_> = (404, &[], "");
    const PRM: Answer<'_> = (200, &[], RESOURCE);
    const AS: Answer<'_> = (200, &[], SERVER);
    const FOUND: &str = "found https://as.test/token";
    const PATH: &str = "tools.test/.well-known/oauth-protected-resource/a/mcp";
    const ROOT: &str = "tools.test/.well-known/oauth-protected-resource";
    const OAUTH: &str = "as.test/.well-known/oauth-authorization-server";
    const OIDC: &str = "as.test/.well-known/openid-configuration";
    const OLD: &str = "tools.test/.well-known/oauth-authorization-server";

    /// Every row of the discovery algorithm.
    #[test]
    fn the_order_and_the_end() {
        let cases: Vec<(Vec<Answer<'_>>, Vec<&str>)> = vec![
            (vec![PRM, AS], vec![PATH, OAUTH, FOUND]),
            (vec![NO, PRM, AS], vec![PATH, ROOT, OAUTH, FOUND]),
            (vec![(401, &[], ""), PRM, AS], vec![PATH, ROOT, OAUTH, FOUND]),
            (vec![PRM, (405, &[], ""), AS], vec![PATH, OAUTH, OIDC, FOUND]),
            // MCP 2025-03-26: metadata at the origin, and without them its default endpoints.
            (vec![NO, NO, AS], vec![PATH, ROOT, OLD, FOUND]),
            (vec![NO, NO, NO], vec![PATH, ROOT, OLD, "found https://tools.test/token"]),
        ];
        for (answers, expected) in cases {
            assert_eq!(course(sample::oauth(), None, &answers), expected);
        }
    }

    #[test]
    fn what_ends_it_is_named() {
        let other = r#"{"resource":"https://evil.test/mcp?a=secret","authorization_servers":["https://as.test"]}"#;
        let inwards = r#"{"resource":"https://tools.test/a/mcp","authorization_servers":["http://127.0.0.1:9"]}"#;
        let issuer = SERVER.replacen("https://as.test", "https://as.test/", 1);
        let cases: Vec<(Vec<Answer<'_>>, Vec<&str>)> = vec![
            (
                vec![PRM, NO, NO],
                vec![
                    PATH,
                    OAUTH,
                    OIDC,
                    "discovery: https://tools.test/a/mcp has no metadata; asked for \
                     https://as.test/.well-known/oauth-authorization-server, \
                     https://as.test/.well-known/openid-configuration: RFC 8414 section 3.1",
                ],
            ),
            (
                vec![(503, &[("retry-after", "5")], "")],
                vec![
                    PATH,
                    "discovery: https://tools.test/.well-known/oauth-protected-resource/a/mcp \
                     answered 503 and asks to wait, try again after 5 s",
                ],
            ),
            (
                vec![PRM, (500, &[], "")],
                vec![
                    PATH,
                    OAUTH,
                    "discovery: https://as.test/.well-known/oauth-authorization-server answered 500",
                ],
            ),
            (
                vec![(429, &[], "")],
                vec![
                    PATH,
                    "discovery: https://tools.test/.well-known/oauth-protected-resource/a/mcp \
                     answered 429 and asks to wait",
                ],
            ),
            (
                vec![(200, &[("content-type", "text/html")], "<html>")],
                vec![
                    PATH,
                    "discovery: https://tools.test/.well-known/oauth-protected-resource/a/mcp \
                     answered with a web page, expected JSON: RFC 9728 section 3.2",
                ],
            ),
            (
                vec![(302, &[("location", "/.well-known/oauth-protected-resource/a/mcp?n=1")], "")],
                vec![
                    PATH,
                    "discovery: https://tools.test/.well-known/oauth-protected-resource/a/mcp \
                     redirects to /.well-known/oauth-protected-resource/a/mcp, which is not \
                     followed: RFC 9728 section 3.2",
                ],
            ),
            (
                vec![(200, &[], other)],
                vec![
                    PATH,
                    "discovery: https://tools.test/.well-known/oauth-protected-resource/a/mcp is \
                     metadata of the resource https://evil.test/mcp, not of \
                     https://tools.test/a/mcp: it must have the same origin and a path at or above \
                     (RFC 9728 section 3.3)",
                ],
            ),
            (
                vec![(200, &[], inwards)],
                vec![
                    PATH,
                    "discovery: https://tools.test/.well-known/oauth-protected-resource/a/mcp \
                     names authorization_servers http://127.0.0.1:9/: a public server must not \
                     lead into a private network (MCP security best practices, server-side request \
                     forgery)",
                ],
            ),
            (
                vec![PRM, (200, &[], &issuer)],
                vec![
                    PATH,
                    OAUTH,
                    "discovery: https://as.test/.well-known/oauth-authorization-server is metadata \
                     of the issuer https://as.test/, not of https://as.test: RFC 8414 section 3.3",
                ],
            ),
        ];
        for (answers, expected) in cases {
            assert_eq!(course(sample::oauth(), None, &answers), expected);
        }
    }

    #[test]
    fn how_strict_it_is_is_the_profiles_word() {
        let issuer = SERVER.replacen("https://as.test", "https://as.test/", 1);
        let strict =
            OAuth { without_resource_metadata: WithoutResourceMetadata::Refuse, ..sample::oauth() };
        let end = course(strict, None, &[NO, NO]).pop().unwrap();
        assert!(end.ends_with("oauth-protected-resource: RFC 9728 section 3.1"), "{end}");
        let lax = OAuth { checks_issuer: false, ..sample::oauth() };
        let lenient = course(lax, None, &[PRM, (200, &[], &issuer)]);
        assert_eq!(lenient, [PATH, OAUTH, FOUND]);
    }

    #[test]
    fn the_challenge_names_it_first() {
        let named = "https://meta.test/prm.json";
        let found =
            course(sample::oauth(), Some(named), &[(200, &[], RESOURCE), (200, &[], SERVER)]);
        assert_eq!(found, ["meta.test/prm.json", OAUTH, "found https://as.test/token"]);
        let found = course(sample::oauth(), Some(named), &[(404, &[], ""), (200, &[], RESOURCE)]);
        assert_eq!(found, ["meta.test/prm.json", PATH, "goes on"]);
        for (named, why) in [
            ("http://meta.test/prm", "only https is gone to"),
            ("https://10.0.0.1/prm", "must not lead into a private network"),
            ("/prm", "this is no absolute URL"),
        ] {
            let found = course(sample::oauth(), Some(named), &[]);
            assert!(
                found[0].starts_with("discovery: https://tools.test/a/mcp names resource_metadata")
            );
            assert!(found[0].contains(why), "{found:?}");
        }
    }

    #[test]
    fn silence_ends_it_for_now() {
        let mut discovery = Discovery::begin(&begin(sample::oauth())).unwrap();
        let refusal = discovery.heard(&Heard::Lost(Lost::Timeout)).unwrap_err();
        assert_eq!(refusal.reaction(), Reaction::Later(None));
    }

    #[test]
    fn what_is_sent_is_what_the_profile_says() {
        let discovery = Discovery::begin(&begin(sample::oauth())).unwrap();
        let exchange = discovery.exchange().unwrap();
        let sent: Vec<_> = exchange.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(sent, ["user-agent", "accept", "mcp-protocol-version"]);
        assert_eq!(exchange.headers["user-agent"], "squall");
    }
}
