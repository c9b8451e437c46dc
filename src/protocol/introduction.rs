//! Who a client says it is, and what it can do: said once by a legacy client, in every request by
//! a modern one.

use super::json;

/// Who a client says it is, and what it can do.
#[derive(Debug, Clone, Copy)]
pub struct Introduction<'a> {
    /// The protocol version it asks for.
    pub protocol_version: &'a str,
    /// Its `capabilities` object, as JSON text.
    pub capabilities: &'a str,
    /// `clientInfo.name`.
    pub client_name: &'a str,
    /// `clientInfo.version`.
    pub client_version: &'a str,
}

impl Introduction<'_> {
    /// Appends its `clientInfo` object.
    pub(super) fn client_info(&self, out: &mut Vec<u8>) {
        let mut info = json::Members::begin(out);
        json::string(info.member("name"), self.client_name);
        json::string(info.member("version"), self.client_version);
        info.end();
    }
}
