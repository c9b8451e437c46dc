//! What a client does over HTTP: MCP's operations as the wire names them, and the legs of OAuth.

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
    /// `server/discover`: the modern era's question what a server speaks and offers.
    #[serde(rename = "server/discover")]
    Discover,
    /// `tools/list`, one page.
    #[serde(rename = "tools/list")]
    ToolsList,
    /// `tools/call`: what a user waits for.
    #[serde(rename = "tools/call")]
    ToolsCall,
    /// `resources/list`, one page.
    #[serde(rename = "resources/list")]
    ResourcesList,
    /// `resources/templates/list`: one page.
    #[serde(rename = "resources/templates/list")]
    TemplatesList,
    /// `resources/read`: one resource.
    #[serde(rename = "resources/read")]
    ResourcesRead,
    /// `prompts/list`, one page.
    #[serde(rename = "prompts/list")]
    PromptsList,
    /// `prompts/get`: one prompt.
    #[serde(rename = "prompts/get")]
    PromptsGet,
    /// `completion/complete`: values for an argument.
    #[serde(rename = "completion/complete")]
    Complete,
    /// `tasks/get`: how a task stands.
    #[serde(rename = "tasks/get")]
    TaskGet,
    /// `tasks/result`: what a task came to.
    #[serde(rename = "tasks/result")]
    TaskResult,
    /// `tasks/cancel`: a task is no longer wanted.
    #[serde(rename = "tasks/cancel")]
    TaskCancel,
    /// `tasks/update`: an answer to what a task asked.
    #[serde(rename = "tasks/update")]
    TaskUpdate,
    /// `ping`: is the server there?
    #[serde(rename = "ping")]
    Ping,
    /// `notifications/cancelled`: an answer is no longer awaited.
    #[serde(rename = "notifications/cancelled")]
    Cancelled,
    /// An answer of ours to a request of the server's (ping, roots/list).
    #[serde(rename = "response")]
    Response,
    /// HTTP GET: the standalone event stream.
    #[serde(rename = "GET stream")]
    Stream,
    /// HTTP GET with Last-Event-ID: a broken stream taken up again.
    #[serde(rename = "GET resume")]
    Resume,
    /// `subscriptions/listen`: the modern era's stream of changes.
    #[serde(rename = "subscriptions/listen")]
    Listen,
    /// HTTP DELETE: the session's end.
    #[serde(rename = "DELETE session")]
    Delete,
    /// OAuth: where tokens come from, and how (RFC 9728, RFC 8414).
    #[serde(rename = "oauth/discovery")]
    OauthDiscovery,
    /// OAuth: a client is registered (RFC 7591).
    #[serde(rename = "oauth/registration")]
    OauthRegistration,
    /// OAuth: a user consents (RFC 6749, section 4.1.1), one page of it.
    #[serde(rename = "oauth/authorize")]
    OauthAuthorize,
    /// OAuth: a code, or what a client itself has, is exchanged for tokens (RFC 6749, section 4.1.3).
    #[serde(rename = "oauth/token")]
    OauthToken,
    /// OAuth: tokens are renewed (RFC 6749, section 6).
    #[serde(rename = "oauth/refresh")]
    OauthRefresh,
}

impl Operation {
    /// Every operation, in the order reports list them.
    pub const ALL: [Self; 27] = [
        Self::ToolsCall,
        Self::Initialize,
        Self::Initialized,
        Self::Discover,
        Self::ToolsList,
        Self::ResourcesList,
        Self::TemplatesList,
        Self::ResourcesRead,
        Self::PromptsList,
        Self::PromptsGet,
        Self::Complete,
        Self::TaskGet,
        Self::TaskResult,
        Self::TaskCancel,
        Self::TaskUpdate,
        Self::Ping,
        Self::Cancelled,
        Self::Response,
        Self::Stream,
        Self::Resume,
        Self::Listen,
        Self::Delete,
        Self::OauthDiscovery,
        Self::OauthRegistration,
        Self::OauthAuthorize,
        Self::OauthToken,
        Self::OauthRefresh,
    ];

    /// Those that only make calls possible.
    pub const HANDSHAKE: [Self; 3] = [Self::Discover, Self::Initialize, Self::Initialized];

    /// Those of OAuth, in the order they are gone.
    pub const LEGS: [Self; 5] = [
        Self::OauthDiscovery,
        Self::OauthRegistration,
        Self::OauthAuthorize,
        Self::OauthToken,
        Self::OauthRefresh,
    ];

    /// The name used on the wire, in scenarios, thresholds and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Initialized => "notifications/initialized",
            Self::Discover => "server/discover",
            Self::ToolsList => "tools/list",
            Self::ToolsCall => "tools/call",
            Self::ResourcesList => "resources/list",
            Self::TemplatesList => "resources/templates/list",
            Self::ResourcesRead => "resources/read",
            Self::PromptsList => "prompts/list",
            Self::PromptsGet => "prompts/get",
            Self::Complete => "completion/complete",
            Self::TaskGet => "tasks/get",
            Self::TaskResult => "tasks/result",
            Self::TaskCancel => "tasks/cancel",
            Self::TaskUpdate => "tasks/update",
            Self::Ping => "ping",
            Self::Cancelled => "notifications/cancelled",
            Self::Response => "response",
            Self::Stream => "GET stream",
            Self::Resume => "GET resume",
            Self::Listen => "subscriptions/listen",
            Self::Delete => "DELETE session",
            Self::OauthDiscovery => "oauth/discovery",
            Self::OauthRegistration => "oauth/registration",
            Self::OauthAuthorize => "oauth/authorize",
            Self::OauthToken => "oauth/token",
            Self::OauthRefresh => "oauth/refresh",
        }
    }

    /// The operation of that name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }
}
