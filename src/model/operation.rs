//! The MCP operations a client performs over HTTP, as the wire names them.

use serde::Serialize;

/// One kind of HTTP exchange or call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[repr(u8)]
pub enum Operation {
    /// `initialize`: the handshake's question.
    #[serde(rename = "initialize")]
    Initialize,
    /// `notifications/initialized`: the handshake's end.
    #[serde(rename = "notifications/initialized")]
    Initialized,
    /// `tools/list`, one page.
    #[serde(rename = "tools/list")]
    ToolsList,
    /// `tools/call`: what a user waits for.
    #[serde(rename = "tools/call")]
    ToolsCall,
    /// `resources/list`, one page.
    #[serde(rename = "resources/list")]
    ResourcesList,
    /// `prompts/list`, one page.
    #[serde(rename = "prompts/list")]
    PromptsList,
    /// An answer of ours to a request of the server's (ping, roots/list).
    #[serde(rename = "response")]
    Response,
    /// HTTP GET: the standalone event stream.
    #[serde(rename = "GET stream")]
    Stream,
    /// HTTP DELETE: the session's end.
    #[serde(rename = "DELETE session")]
    Delete,
}

impl Operation {
    /// Every operation, in the order reports list them.
    pub const ALL: [Self; 9] = [
        Self::ToolsCall,
        Self::Initialize,
        Self::Initialized,
        Self::ToolsList,
        Self::ResourcesList,
        Self::PromptsList,
        Self::Response,
        Self::Stream,
        Self::Delete,
    ];

    /// The name used on the wire, in scenarios, thresholds and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Initialized => "notifications/initialized",
            Self::ToolsList => "tools/list",
            Self::ToolsCall => "tools/call",
            Self::ResourcesList => "resources/list",
            Self::PromptsList => "prompts/list",
            Self::Response => "response",
            Self::Stream => "GET stream",
            Self::Delete => "DELETE session",
        }
    }

    /// The operation of that name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }
}
