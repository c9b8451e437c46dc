//! Access tokens as they were presented, where it matters what becomes of them: past their end, or
//! at a resource that they are not for.

use std::time::Duration;

use crate::model::operation::Operation;
use crate::model::outcome::Outcome;

/// One request that carried an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// Which simulated user.
    pub user: u32,
    /// What was asked.
    pub operation: Operation,
    /// Which token.
    pub token: Whose,
    /// When the first byte of the request left.
    pub sent: Duration,
    /// HTTP status, if a head arrived.
    pub status: Option<u16>,
    /// How it ended, by itself.
    pub outcome: Outcome,
    /// What a refusal said of the credential that it wants.
    pub challenge: Challenged,
}

/// What an access token is to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// It was issued for the target, and ends then by its `expires_in`, if it had one.
    Own {
        /// Its end.
        ends: Option<Duration>,
    },
    /// It was issued for another resource (RFC 8707).
    Foreign,
}

/// `WWW-Authenticate` of a refusal (RFC 6750, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Challenged {
    /// There was no Bearer challenge.
    #[default]
    No,
    /// There was one, without a usable `resource_metadata`.
    Bearer,
    /// There was one with the URL of the metadata (RFC 9728, section 5.1).
    WithMetadata,
}

/// An access token was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issued {
    /// Which simulated user.
    pub user: u32,
    /// When.
    pub at: Duration,
    /// Its `expires_in`, if there was one.
    pub lifetime: Option<Duration>,
}
