//! An answer that is no result, read as far as a detection needs it.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::{Heard, Refused};
use crate::protocol::message::{self, Answer, Message};
use crate::protocol::modern::errors::supported;

/// A refusal as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered<'b> {
    status: u16,
    code: Option<i64>,
    supported: Vec<Cow<'b, str>>,
}

impl<'b> Answered<'b> {
    /// Reads the body of an answer, or the data of the event that answered; whatever it is, it
    /// says something.
    pub fn read(status: u16, body: &'b [u8]) -> Self {
        let (code, supported) = match message::read::<IgnoredAny>(body) {
            Ok(Message::Answer(Answer { error: Some(error), .. })) => {
                (Some(error.code), supported(error.data))
            }
            _ => (None, Vec::new()),
        };
        Self { status, code, supported }
    }

    /// What the detection hears.
    pub fn heard(&self) -> Heard<'_> {
        let Self { status, code, supported } = self;
        Heard::Refused(Refused { status: *status, code: *code, supported })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::era::{Detection, Step, Transport, Way, Wish};
    use crate::protocol::{legacy, modern};
    use proptest::prelude::*;

    const WISH: Wish = Wish {
        transport: Transport::Auto,
        modern: Some(modern::Revision::V2026_07_28),
        legacy: Some(legacy::Revision::V2025_11_25),
    };

    /// What real servers answer to the probe, and what is done next.
    #[test]
    fn real_refusals_of_the_probe() {
        let legacy = Step::Initialize(legacy::Revision::V2025_11_25);
        let cases = [
            (
                400,
                r#"{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"Bad Request: Missing session ID"}}"#,
                legacy.clone(),
            ),
            (
                400,
                r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}"#,
                legacy.clone(),
            ),
            (
                400,
                r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Unsupported protocol version"},"id":null}"#,
                legacy.clone(),
            ),
            (415, "fail to deserialize", legacy.clone()),
            (400, "<!DOCTYPE html><pre>SyntaxError</pre>", legacy.clone()),
            (405, "", legacy.clone()),
            (
                400,
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"Unsupported protocol version","data":{"supported":["2025-11-25"],"requested":"2026-07-28"}}}"#,
                legacy,
            ),
            (
                400,
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"Unsupported protocol version","data":{"supported":["2026-07-28"],"requested":"2026-07-28"}}}"#,
                Step::Discover(modern::Revision::V2026_07_28),
            ),
        ];
        for (status, body, expected) in cases {
            let mut detection = Detection::start(WISH);
            detection.heard(&Answered::read(status, body.as_bytes()).heard());
            assert_eq!(detection.next(), expected, "{status} {body}");
        }
    }

    /// What a server without a handshake answers to `initialize`.
    #[test]
    fn a_modern_server_tells_an_old_client() {
        let body = br#"{"jsonrpc":"2.0","id":0,"error":{"code":-32022,"message":"x","data":{"supported":["2026-07-28"]}}}"#;
        let answered = Answered::read(400, body);
        let mut detection = Detection::start(Wish { modern: None, ..WISH });
        detection.heard(&answered.heard());
        let Step::Fail(failure) = detection.next() else { panic!() };
        assert!(failure.to_string().ends_with("without a handshake: 2026-07-28"), "{failure}");
        assert!(Way::Legacy(legacy::Revision::V2025_11_25).is_doubted_by(&answered.heard()));
    }

    proptest! {
        #[test]
        fn no_body_is_too_odd(status in 200_u16..600, body in any::<Vec<u8>>()) {
            let mut detection = Detection::start(WISH);
            detection.heard(&Answered::read(status, &body).heard());
            prop_assert!(!matches!(detection.next(), Step::Settled(_)));
        }
    }
}
