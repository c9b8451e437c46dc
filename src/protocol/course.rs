//! What comes on the stream of one request, or on the standalone stream of a session, and which
//! message does not belong there.
//!
//! Rules: MCP specification 2025-11-25, basic/transports, "Sending Messages to the Server" and
//! "Listening for Messages from the Server"; 2026-07-28, basic/transports/streamable-http,
//! "Receiving Messages". Listen streams: [`super::modern::listen`].

use super::message::{Message, Notification};
use super::progress::{self, Progress};
use crate::model::outcome::Rule;

/// Notifications that a modern server sends on listen streams alone.
const LISTEN_ONLY: [&str; 6] = [
    "notifications/subscriptions/acknowledged",
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
    "notifications/tasks",
];

/// Whose stream it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A request's of the legacy era, and what takes it up where it broke.
    LegacyRequest,
    /// A request's of the modern era.
    ModernRequest,
    /// A legacy session's: the answer to GET.
    Standalone,
}

/// What a message is for whoever reads the stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Came {
    /// An answer, still to be settled: [`super::answer::settle`].
    Answer,
    /// A request of the server's: [`super::serve::answer`].
    Question,
    /// Progress of the request.
    Progress(progress::Told),
    /// Another notification.
    Notification,
}

/// One stream as it is read.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    of: Of,
    progress: Progress,
    is_answered: bool,
}

impl Course {
    /// A stream whose request, if it has one, asked for progress under this token.
    pub const fn new(of: Of, token: Option<u64>) -> Self {
        Self { of, progress: Progress::of(token), is_answered: false }
    }

    /// What a message is.
    ///
    /// # Errors
    /// [`Rule::ModernServerRequest`], [`Rule::WrongStream`], [`Rule::SecondAnswer`], and what
    /// [`Progress::hear`] finds.
    pub fn hear<R>(&mut self, message: &Message<'_, R>) -> Result<Came, Rule> {
        match message {
            Message::Request(_) if self.of == Of::ModernRequest => Err(Rule::ModernServerRequest),
            Message::Request(_) => Ok(Came::Question),
            Message::Notification(notification) => self.notified(notification),
            Message::Answer(_) if self.of == Of::Standalone => Err(Rule::WrongStream),
            Message::Answer(_) if std::mem::replace(&mut self.is_answered, true) => {
                Err(Rule::SecondAnswer)
            }
            Message::Answer(_) => Ok(Came::Answer),
        }
    }

    fn notified(&mut self, notification: &Notification<'_>) -> Result<Came, Rule> {
        match (self.of, &*notification.method) {
            // Servers that know no request of theirs send its progress here; the token is looked
            // at where the requests are known.
            (Of::Standalone, _) => Ok(Came::Notification),
            (_, progress::METHOD) => self.progress.hear(notification.params).map(Came::Progress),
            (Of::ModernRequest, method) if LISTEN_ONLY.contains(&method) => Err(Rule::WrongStream),
            _ => Ok(Came::Notification),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message;
    use serde::de::IgnoredAny;

    const RESULT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    const ERROR: &str = r#"{"jsonrpc":"2.0","error":{"code":1,"message":"x"}}"#;
    const PING: &str = r#"{"jsonrpc":"2.0","id":"s","method":"ping"}"#;
    const LOG: &str = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
    const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    const HALF: &str = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":0.5}}"#;

    fn hear(course: &mut Course, text: &str) -> Result<Came, Rule> {
        course.hear(&message::read::<IgnoredAny>(text.as_bytes()).unwrap())
    }

    #[test]
    fn what_belongs_on_which_stream() {
        let told = Ok(Came::Progress(progress::Told { progress: 0.5, total: None }));
        let (note, question) = (Ok(Came::Notification), Ok(Came::Question));
        let (answer, wrong) = (Ok(Came::Answer), Err(Rule::WrongStream));
        let columns = [Of::LegacyRequest, Of::ModernRequest, Of::Standalone];
        let cases = [
            (RESULT, [answer, answer, wrong]),
            (ERROR, [answer, answer, wrong]),
            (PING, [question, Err(Rule::ModernServerRequest), question]),
            (LOG, [note; 3]),
            (CHANGED, [note, wrong, note]),
            (HALF, [told, told, note]),
        ];
        for (text, expected) in cases {
            for (of, expected) in columns.into_iter().zip(expected) {
                let found = hear(&mut Course::new(of, Some(7)), text);
                assert_eq!(found, expected, "{of:?} {text}");
            }
        }
    }

    #[test]
    fn a_request_is_answered_once() {
        for of in [Of::LegacyRequest, Of::ModernRequest] {
            let mut course = Course::new(of, None);
            assert_eq!(hear(&mut course, RESULT), Ok(Came::Answer));
            assert_eq!(hear(&mut course, LOG), Ok(Came::Notification));
            assert_eq!(hear(&mut course, ERROR), Err(Rule::SecondAnswer));
        }
    }

    #[test]
    fn progress_is_held_against_what_came_before() {
        let mut course = Course::new(Of::LegacyRequest, Some(7));
        assert!(hear(&mut course, HALF).is_ok());
        assert_eq!(hear(&mut course, HALF), Err(Rule::ProgressGoesBack));
        assert_eq!(course.progress.heard, 2);
        let mut unasked = Course::new(Of::ModernRequest, None);
        assert_eq!(hear(&mut unasked, HALF), Err(Rule::ForeignProgress));
    }
}
