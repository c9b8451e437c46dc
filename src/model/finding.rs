//! One thing that is wrong, with its evidence and where the rule comes from.

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Untidy.
    Low,
    /// Hurts some users.
    Medium,
    /// Hurts many users, or breaks a MUST of the protocol.
    High,
    /// Leaks data or stops the service.
    Critical,
}
