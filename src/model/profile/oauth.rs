//! How a client authorises: what it registers as, what it insists on, when it refreshes.

use std::time::Duration;

use crate::model::distribution::Distribution;
use crate::model::leg::Leg;

/// One client's way with OAuth, read from the `[oauth]` table of its profile.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of a profile file")]
pub struct OAuth {
    /// `User-Agent` of everything it sends to an authorization server, and for metadata.
    pub user_agent: String,
    /// Further headers of requests for metadata, in their order.
    pub discovery_headers: Vec<(String, String)>,
    /// Further headers of registrations and of requests to the token endpoint, in their order.
    pub token_headers: Vec<(String, String)>,
    /// Where the browser is sent back to. squall never sends anything there.
    pub callback: String,
    /// The URL of its client ID metadata document; `None`: it has none.
    pub metadata_document: Option<String>,
    /// Whether it uses that document only where `none` is among the token endpoint's
    /// authentication methods.
    pub metadata_document_needs_none: bool,
    /// How many clients it registers.
    pub registration: Registration,
    /// Members of its registration, in their order.
    pub registration_body: Vec<Member>,
    /// `token_endpoint_auth_method` of its registration.
    pub registration_authentication: RegistrationAuthentication,
    /// `client_name` of its registration; `{server}` stands for the target's host.
    pub client_name: String,
    /// `application_type` of its registration.
    pub application_type: ApplicationType,
    /// How a resource named in metadata has to agree with the target's URL.
    pub resource_match: ResourceMatch,
    /// What it sends as `resource` (RFC 8707).
    pub resource: ResourceParameter,
    /// What it does when a server has no protected resource metadata.
    pub without_resource_metadata: WithoutResourceMetadata,
    /// Whether it refuses authorization-server metadata whose `issuer` is not the one asked for
    /// (RFC 8414, section 3.3).
    pub checks_issuer: bool,
    /// Whether it holds a callback to the rules about `iss` (RFC 9207).
    pub checks_iss: bool,
    /// Whether it refuses a server that does not say that it supports PKCE with S256.
    pub demands_pkce_metadata: bool,
    /// Whether it asks for `offline_access` where the authorization server lists it.
    pub offline_access: bool,
    /// Whether it then adds `prompt=consent`.
    pub prompt_consent: bool,
    /// How often one call's 403 `insufficient_scope` leads to a new authorization.
    pub step_ups: u32,
    /// Refreshes so long before a token expires.
    pub refresh_margin: Duration,
    /// But not earlier than with this share of its life left; 0 to 1.
    pub refresh_share: f64,
    /// Processes that hold a copy of one grant and refresh without asking each other.
    pub holders: u32,
    /// Delay of each further holder's refresh after the first one's.
    pub holder_gap: Distribution,
    /// What a process does whose refresh token another one has used.
    pub loser: Loser,
    /// Budget of one request for metadata.
    pub discovery_timeout: Duration,
    /// Budget of a registration.
    pub registration_timeout: Duration,
    /// Budget of the way from the authorization endpoint to the callback.
    pub authorize_timeout: Duration,
    /// Budget of a request for a grant's first tokens.
    pub token_timeout: Duration,
    /// Budget of a refresh.
    pub refresh_timeout: Duration,
}

impl OAuth {
    /// The client's own budget of one exchange.
    pub const fn budget(&self, leg: Leg) -> Duration {
        match leg {
            Leg::Discovery => self.discovery_timeout,
            Leg::Registration => self.registration_timeout,
            Leg::Authorize => self.authorize_timeout,
            Leg::Token => self.token_timeout,
            Leg::Refresh => self.refresh_timeout,
        }
    }

    /// How long before its end a token of this lifetime is refreshed unasked: the smaller of the
    /// margin and the share, so that a token that lives shorter than the margin is still used.
    pub fn refresh_before(&self, lifetime: Duration) -> Duration {
        self.refresh_margin.min(lifetime.mul_f64(self.refresh_share.clamp(0.0, 1.0)))
    }
}

/// What a process does whose refresh is refused because another process refreshed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loser {
    /// It reads the tokens that the other one got.
    Reads,
    /// It starts a new login, with which the user's tokens so far are gone
    /// (anthropics/claude-code#65408).
    LogsOut,
}

/// How many clients are registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// A new one for every fresh connection, as hosted Claude does.
    PerConnection,
    /// One a user, kept.
    PerUser,
    /// One for all users.
    Once,
}

/// A member of a registration (RFC 7591, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// `redirect_uris`.
    RedirectUris,
    /// `token_endpoint_auth_method`.
    TokenEndpointAuthMethod,
    /// `grant_types`.
    GrantTypes,
    /// `response_types`.
    ResponseTypes,
    /// `scope`, if there is one to ask for.
    Scope,
    /// `client_name`.
    ClientName,
    /// `application_type` (`OpenID` Connect Dynamic Client Registration 1.0, section 2).
    ApplicationType,
}

impl Member {
    /// Every member.
    pub const ALL: [Self; 7] = [
        Self::RedirectUris,
        Self::TokenEndpointAuthMethod,
        Self::GrantTypes,
        Self::ResponseTypes,
        Self::Scope,
        Self::ClientName,
        Self::ApplicationType,
    ];

    /// Its name on the wire and in profile files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RedirectUris => "redirect_uris",
            Self::TokenEndpointAuthMethod => "token_endpoint_auth_method",
            Self::GrantTypes => "grant_types",
            Self::ResponseTypes => "response_types",
            Self::Scope => "scope",
            Self::ClientName => "client_name",
            Self::ApplicationType => "application_type",
        }
    }
}

/// How a client asks to be known at the token endpoint when it registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationAuthentication {
    /// As a public client, always.
    None,
    /// As a public client where metadata allow it or say nothing, else with what they list first.
    Supported,
}

/// What sort of client it registers as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplicationType {
    /// One behind an https callback.
    Web,
    /// One on its user's machine.
    Native,
}

impl ApplicationType {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Native => "native",
        }
    }
}

/// How a resource named in metadata has to agree with the target's URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceMatch {
    /// It is that URL, path included.
    Exact,
    /// It has that URL's origin, and its path is that URL's or one above it.
    Prefix,
}

/// What is sent as `resource`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceParameter {
    /// What the metadata of the protected resource name, unchanged; nothing without them.
    Named,
    /// The target's URL in its canonical form, with or without metadata.
    Canonical,
}

/// What a client does without protected resource metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutResourceMetadata {
    /// It gives up.
    Refuse,
    /// It takes the target's origin for the authorization server, as MCP 2025-03-26 has it: its
    /// metadata, and without them `/authorize`, `/token` and `/register`.
    Origin,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::sample;

    #[test]
    fn a_short_life_is_not_refreshed_away() {
        let oauth = OAuth {
            refresh_margin: Duration::from_secs(300),
            refresh_share: 0.5,
            ..sample::oauth()
        };
        let cases = [(30, 15), (60, 30), (600, 300), (3_600, 300)];
        for (lifetime, before) in cases {
            let found = oauth.refresh_before(Duration::from_secs(lifetime));
            assert_eq!(found, Duration::from_secs(before), "{lifetime} s");
        }
    }

    #[test]
    fn each_leg_has_its_budget() {
        let oauth = sample::oauth();
        let budgets = Leg::ALL.map(|leg| oauth.budget(leg).as_secs());
        assert_eq!(budgets, [10, 10, 30, 10, 30]);
    }
}
