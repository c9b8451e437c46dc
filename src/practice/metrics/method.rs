//! What the page of metrics calls a request.

/// What the requests page calls a request: its JSON-RPC method, or what it is without one. A
/// target under attack sees any name; all others are one, so that the page stays bounded.
pub(super) const METHODS: [&str; 26] = [
    "other",
    "response",
    "batch",
    "unread",
    "GET",
    "DELETE",
    "other HTTP method",
    "tools/call",
    "initialize",
    "notifications/initialized",
    "ping",
    "tools/list",
    "server/discover",
    "subscriptions/listen",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
];
/// So many of them are no JSON-RPC methods.
const NOT_RPC: usize = 7;

/// A name the requests page knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method(pub(super) usize);

impl Method {
    /// A JSON-RPC method without a name of its own here.
    const OTHER: Self = Self(0);
    /// A JSON-RPC response.
    pub const RESPONSE: Self = Self(1);
    /// A batch, whatever is in it.
    pub const BATCH: Self = Self(2);
    /// A body that was refused before it was read as a message.
    pub const UNREAD: Self = Self(3);
    /// An HTTP GET.
    pub const GET: Self = Self(4);
    /// An HTTP DELETE.
    pub const DELETE: Self = Self(5);
    /// Any HTTP method that MCP does not use.
    pub const OTHER_HTTP: Self = Self(6);

    /// Whether what answers it is a stream that lasts.
    pub fn lasts(self) -> bool {
        self == Self::GET || METHODS[self.0] == "subscriptions/listen"
    }

    /// A JSON-RPC method.
    pub fn rpc(name: &str) -> Self {
        let found = METHODS[NOT_RPC..].iter().position(|known| *known == name);
        found.map_or(Self::OTHER, |at| Self(NOT_RPC + at))
    }
}
