//! The legs of getting and keeping a grant: what an OAuth exchange is for.

use serde::{Deserialize, Serialize};

use super::operation::Operation;

/// What one exchange with a server's metadata or with an authorization server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leg {
    /// Metadata of the protected resource (RFC 9728) or of the authorization server (RFC 8414).
    Discovery,
    /// Dynamic registration of the client (RFC 7591).
    Registration,
    /// The authorization endpoint and what a person does there, up to the callback.
    Authorize,
    /// The first tokens of a grant, whichever the grant type.
    Token,
    /// New tokens for a refresh token.
    Refresh,
}

impl Leg {
    /// All legs, in the order in which a client goes them.
    pub const ALL: [Self; 5] =
        [Self::Discovery, Self::Registration, Self::Authorize, Self::Token, Self::Refresh];

    /// The word in reports and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Registration => "registration",
            Self::Authorize => "authorize",
            Self::Token => "token",
            Self::Refresh => "refresh",
        }
    }

    /// The operation that it counts as.
    pub const fn operation(self) -> Operation {
        match self {
            Self::Discovery => Operation::OauthDiscovery,
            Self::Registration => Operation::OauthRegistration,
            Self::Authorize => Operation::OauthAuthorize,
            Self::Token => Operation::OauthToken,
            Self::Refresh => Operation::OauthRefresh,
        }
    }
}

impl std::fmt::Display for Leg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Leg;

    #[test]
    fn a_leg_has_one_name_everywhere() {
        for leg in Leg::ALL {
            let written = serde_json::to_string(&leg).unwrap();
            assert_eq!(written, format!("\"{leg}\""));
            assert_eq!(leg.operation().name(), format!("oauth/{leg}"));
        }
    }
}
