//! The requests of a modern client, written straight into a request's body.
//!
//! Rules: MCP specification 2026-07-28, basic ("_meta") and schema.

use crate::protocol::ask::{self, Ask, Extra};
use crate::protocol::introduction::Introduction;
use crate::protocol::json::{self, Members};
use crate::protocol::message::Id;

/// The members of `_meta` that every request of a client has, written once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta(Vec<u8>);

impl Meta {
    /// Of a client; its introduction names the revision it speaks.
    pub fn new(client: &Introduction<'_>) -> Self {
        Self::with_log_level(client, None)
    }

    /// Of a client that wants log messages from this level on, `debug` to `emergency`.
    pub fn with_log_level(client: &Introduction<'_>, level: Option<&str>) -> Self {
        let mut out = Vec::with_capacity(256);
        let mut meta = Members::begin(&mut out);
        let revision = meta.member("io.modelcontextprotocol/protocolVersion");
        json::string(revision, client.protocol_version);
        let capabilities = meta.member("io.modelcontextprotocol/clientCapabilities");
        capabilities.extend_from_slice(client.capabilities.as_bytes());
        client.client_info(meta.member("io.modelcontextprotocol/clientInfo"));
        if let Some(level) = level {
            json::string(meta.member("io.modelcontextprotocol/logLevel"), level);
        }
        out.remove(0);
        Self(out)
    }

    /// The members, as JSON text without braces.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A request; `meta` is what [`Meta::bytes`] gives. [`Extra::task`] is not of this era.
pub fn request(out: &mut Vec<u8>, id: Id<'_>, ask: &Ask<'_>, meta: &[u8], extra: &Extra<'_>) {
    with_params(out, id, ask.method(), meta, extra, |params| ask.params(params));
}

/// `server/discover`: what a server offers.
pub fn discover(out: &mut Vec<u8>, id: Id<'_>, meta: &[u8]) {
    with_params(out, id, "server/discover", meta, &Extra::default(), |_| {});
}

/// A request with these parameters and the envelope.
pub(super) fn with_params(
    out: &mut Vec<u8>,
    id: Id<'_>,
    method: &'static str,
    meta: &[u8],
    extra: &Extra<'_>,
    write: impl FnOnce(&mut Members<'_>),
) {
    ask::begin(out, id, method);
    out.extend_from_slice(b",\"params\":");
    let mut params = Members::begin(out);
    write(&mut params);
    params.members(extra.continued.unwrap_or_default());
    let mut envelope = Members::begin(params.member("_meta"));
    envelope.members(meta);
    extra.meta(&mut envelope);
    envelope.end();
    params.end();
    out.push(b'}');
}
