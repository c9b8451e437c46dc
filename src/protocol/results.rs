//! The results that both eras share, as much of each as a client under load looks at.
//!
//! Rules: MCP specification 2025-11-25 and 2026-07-28, schema; members the schema requires are
//! required, unknown members and block types are let through.

mod base64;
pub mod call;
pub mod capabilities;
pub mod completion;
pub mod content;
pub mod entry;
pub mod list;
pub mod prompt;
pub mod resource;
pub mod task;

#[cfg(test)]
pub(super) mod tests {
    use serde::Deserialize;

    use crate::model::outcome::Rule;
    use crate::protocol::message::{self, Answer, Message};

    /// Reads `result` where it stands on the wire.
    pub(in crate::protocol) fn with<T: std::fmt::Debug>(
        result: &str,
        look: impl FnOnce(&str) -> Result<T, Rule>,
    ) -> Result<T, Rule> {
        look(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#))
    }

    pub(in crate::protocol) fn result<'a, R: Deserialize<'a>>(text: &'a str) -> Result<R, Rule> {
        match message::read::<R>(text.as_bytes()) {
            Ok(Message::Answer(Answer { result: Some(result), .. })) => Ok(result),
            Ok(_) => panic!("no result in {text}"),
            Err(malformed) => Err(malformed.rule),
        }
    }
}
