//! What the authorization server and the guard counted, and their part of the metrics page.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counts {
    ($($(#[doc = $doc:literal])+ $name:ident = $help:literal,)+) => {
        /// Everything counted since the start.
        #[derive(Debug, Default)]
        pub(super) struct Counts {
            $($(#[doc = $doc])+ pub(super) $name: AtomicU64,)+
        }

        impl Counts {
            /// Each count by its name and what it means.
            fn all(&self) -> [(&'static str, &'static str, u64); [$($help),+].len()] {
                [$((stringify!($name), $help, self.$name.load(Ordering::Relaxed))),+]
            }
        }
    };
}

counts! {
    /// Clients that registered.
    registrations = "Clients that registered.",
    /// Metadata documents that were fetched.
    documents = "Client metadata documents fetched.",
    /// Codes that were given out.
    authorizations = "Authorization codes given out.",
    /// Answers with tokens, refreshes among them.
    tokens = "Answers of the token endpoint with tokens.",
    /// Refreshes that were granted.
    refreshes = "Refreshes granted.",
    /// Refresh tokens presented within the grace.
    graced = "Rotated refresh tokens accepted within their grace.",
    /// Refresh tokens presented again.
    reuses = "Refresh tokens presented again after their grace.",
    /// Grants that ended before their time.
    revoked = "Grants revoked, by clients or for a reuse.",
    /// Requests refused for their address's limit.
    throttled = "Requests of the authorization server refused by a limit.",
    /// Answers that were cut off.
    lost = "Refreshes whose answer was cut off.",
    /// MCP requests without a good token.
    unauthorized = "MCP requests refused for want of a good token.",
    /// Expired tokens at the MCP endpoint, accepted or not.
    expired = "Expired access tokens presented, accepted or not.",
    /// MCP requests that need another scope.
    insufficient = "MCP requests refused for want of a scope.",
}

/// Counts one.
pub(super) fn one(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

impl Counts {
    /// Its part of the page, in the Prometheus text format.
    pub(super) fn page(&self) -> String {
        let mut page = String::new();
        for (name, help, value) in self.all() {
            // Writing into memory cannot fail.
            let _ = write!(
                page,
                "# HELP practice_auth_{name}_total {help}\n# TYPE practice_auth_{name}_total \
                 counter\npractice_auth_{name}_total {value}\n"
            );
        }
        page
    }
}
