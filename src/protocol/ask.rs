//! One request of ours, before an era has written it.
//!
//! Both eras ask for the same things with the same parameters; what surrounds these - session or
//! `_meta`, headers, tasks - is the era's.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::json::{self, Members};
use super::message::Id;

/// What is asked of a server.
#[derive(Clone, Copy)]
pub enum Ask<'a> {
    /// `tools/list`, one page; the empty string is a cursor, too.
    ToolsList {
        /// Where the page begins.
        cursor: Option<&'a str>,
    },
    /// `tools/call`.
    ToolsCall {
        /// The tool.
        name: &'a str,
        /// Appends one JSON object.
        arguments: &'a (dyn Fn(&mut Vec<u8>) + Sync),
    },
    /// `resources/list`, one page.
    ResourcesList {
        /// Where the page begins.
        cursor: Option<&'a str>,
    },
    /// `resources/templates/list`, one page.
    TemplatesList {
        /// Where the page begins.
        cursor: Option<&'a str>,
    },
    /// `resources/read`.
    ResourcesRead {
        /// The resource.
        uri: &'a str,
    },
    /// `prompts/list`, one page.
    PromptsList {
        /// Where the page begins.
        cursor: Option<&'a str>,
    },
    /// `prompts/get`.
    PromptsGet {
        /// The prompt.
        name: &'a str,
        /// Its arguments; the specification knows strings only.
        arguments: &'a Map<String, Value>,
    },
    /// `completion/complete`.
    Complete {
        /// What is being filled in.
        reference: Reference<'a>,
        /// The argument's name.
        argument: &'a str,
        /// What was typed so far.
        value: &'a str,
    },
    /// `tasks/get`.
    TaskGet {
        /// The task.
        id: &'a str,
    },
    /// `tasks/result`, of revision 2025-11-25 only: answered when the task has ended.
    TaskResult {
        /// The task.
        id: &'a str,
    },
    /// `tasks/cancel`.
    TaskCancel {
        /// The task.
        id: &'a str,
    },
    /// `tasks/update`, of the modern extension only.
    TaskUpdate {
        /// The task.
        id: &'a str,
        /// The `inputResponses` object, as JSON text.
        responses: &'a [u8],
    },
    /// `ping`, of the legacy era only.
    Ping,
}

/// What a completion fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// An argument of the prompt of this name.
    Prompt(&'a str),
    /// A variable of the resource template of this URI.
    Resource(&'a str),
}

/// What may stand beside the parameters of a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extra<'a> {
    /// Progress is wanted, under this token.
    pub progress: Option<u64>,
    /// W3C `traceparent`.
    pub trace: Option<&'a str>,
    /// The members of another round, `"inputResponses":{..},"requestState":".."`, as JSON text;
    /// modern only.
    pub continued: Option<&'a [u8]>,
    /// The call is to be made a task that lives so long, to the millisecond; 2025-11-25 only.
    pub task: Option<Duration>,
}

impl<'a> Ask<'a> {
    /// Its JSON-RPC method, as `Mcp-Method` carries it.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::ToolsList { .. } => "tools/list",
            Self::ToolsCall { .. } => "tools/call",
            Self::ResourcesList { .. } => "resources/list",
            Self::TemplatesList { .. } => "resources/templates/list",
            Self::ResourcesRead { .. } => "resources/read",
            Self::PromptsList { .. } => "prompts/list",
            Self::PromptsGet { .. } => "prompts/get",
            Self::Complete { .. } => "completion/complete",
            Self::TaskGet { .. } => "tasks/get",
            Self::TaskResult { .. } => "tasks/result",
            Self::TaskCancel { .. } => "tasks/cancel",
            Self::TaskUpdate { .. } => "tasks/update",
            Self::Ping => "ping",
        }
    }

    /// What `Mcp-Name` carries: the name, URI or task it is about.
    pub const fn name(&self) -> Option<&'a str> {
        match self {
            Self::ToolsCall { name, .. } | Self::PromptsGet { name, .. } => Some(name),
            Self::ResourcesRead { uri } => Some(uri),
            Self::TaskGet { id }
            | Self::TaskResult { id }
            | Self::TaskCancel { id }
            | Self::TaskUpdate { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Whether a modern server may answer it with `input_required` (MCP 2026-07-28,
    /// basic/patterns, "Multi round-trip requests").
    pub const fn may_ask_back(&self) -> bool {
        matches!(
            self,
            Self::ToolsCall { .. } | Self::PromptsGet { .. } | Self::ResourcesRead { .. }
        )
    }

    /// Appends its parameters, without what an era adds.
    pub(super) fn params(&self, params: &mut Members<'_>) {
        match *self {
            Self::ToolsList { cursor }
            | Self::ResourcesList { cursor }
            | Self::TemplatesList { cursor }
            | Self::PromptsList { cursor } => {
                if let Some(cursor) = cursor {
                    json::string(params.member("cursor"), cursor);
                }
            }
            Self::ToolsCall { name, arguments } => {
                json::string(params.member("name"), name);
                arguments(params.member("arguments"));
            }
            Self::ResourcesRead { uri } => json::string(params.member("uri"), uri),
            Self::PromptsGet { name, arguments } => {
                json::string(params.member("name"), name);
                if !arguments.is_empty() {
                    json::map(params.member("arguments"), arguments);
                }
            }
            Self::Complete { reference, argument, value } => {
                reference.write(params.member("ref"));
                let mut pair = Members::begin(params.member("argument"));
                json::string(pair.member("name"), argument);
                json::string(pair.member("value"), value);
                pair.end();
            }
            Self::TaskGet { id } | Self::TaskResult { id } | Self::TaskCancel { id } => {
                json::string(params.member("taskId"), id);
            }
            Self::TaskUpdate { id, responses } => {
                json::string(params.member("taskId"), id);
                params.member("inputResponses").extend_from_slice(responses);
            }
            Self::Ping => {}
        }
    }
}

impl fmt::Debug for Ask<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.method(), self.name())
    }
}

impl Reference<'_> {
    fn write(self, out: &mut Vec<u8>) {
        let (kind, member, value) = match self {
            Self::Prompt(name) => ("ref/prompt", "name", name),
            Self::Resource(uri) => ("ref/resource", "uri", uri),
        };
        let mut object = Members::begin(out);
        json::string(object.member("type"), kind);
        json::string(object.member(member), value);
        object.end();
    }
}

impl Extra<'_> {
    /// Appends the members of `_meta` that both eras have.
    pub(super) fn meta(&self, meta: &mut Members<'_>) {
        if let Some(token) = self.progress {
            json::number(meta.member("progressToken"), token);
        }
        if let Some(trace) = self.trace {
            json::string(meta.member("traceparent"), trace);
        }
    }
}

/// A request up to its parameters.
pub(super) fn begin(out: &mut Vec<u8>, id: Id<'_>, method: &'static str) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    self::id(out, id);
    out.extend_from_slice(b",\"method\":\"");
    out.extend_from_slice(method.as_bytes());
    out.push(b'"');
}

/// An id of ours.
pub(super) fn id(out: &mut Vec<u8>, id: Id<'_>) {
    match id {
        Id::Number(number) => json::number(out, number),
        Id::Text(text) => json::string(out, text),
    }
}
