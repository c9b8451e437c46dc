//! `[practice]`: the practice target's knobs, equal to the flags of `squall serve`.

use std::time::Duration;

use crate::model::plan::{Answers, Catalogue, Flaw, Practice, Sessions, Speaks, Way};

use super::document::{Node, Value};
use super::reader::Table;
use super::scalar::{Wrong, text_of};
use super::{authorization, limits};

/// The words of `speaks`.
const WAYS: &str = "legacy | modern | http+sse";

/// How long a session may be said to be kept unused.
pub const SHORTEST_IDLE: Duration = Duration::from_millis(1);
/// The same at most.
pub const LONGEST_IDLE: Duration = Duration::from_secs(86_400);

/// The longest a stream may ask its client to wait.
const MAX_RETRY: Duration = Duration::from_secs(60);

/// Reads `[practice]`.
pub fn read(practice: &Table<'_>) -> Practice {
    let default = Practice::default();
    Practice {
        speaks: practice
            .key("speaks", "The eras and transports spoken.")
            .read(format!("a list of {WAYS}"), speaks)
            .or_as(default.speaks, "[\"legacy\", \"modern\", \"http+sse\"]"),
        catalogue: practice
            .key("catalogue", "What is offered; full is what the conformance suite calls.")
            .word(&[("usual", Catalogue::Usual), ("full", Catalogue::Full)], &[])
            .or_as(default.catalogue, "\"usual\""),
        latency: practice
            .key("latency", "Service time of a tool call.")
            .distribution()
            .or(default.latency),
        workers: practice
            .key("workers", "Calls worked on at once, the rest queue; 0 is no limit.")
            .count(0..=100_000)
            .or(default.workers),
        answers: practice
            .key("answers", "How requests are answered.")
            .word(&[("json", Answers::Json), ("sse", Answers::Sse)], &[])
            .or_as(default.answers, "\"json\""),
        sessions: practice
            .key("sessions", "Whether session ids are issued and demanded.")
            .word(&[("stateful", Sessions::Stateful), ("stateless", Sessions::Stateless)], &[])
            .or_as(default.sessions, "\"stateful\""),
        resumable: practice
            .key("resumable", "Whether a session's streams have event ids and can be resumed.")
            .truth()
            .or(default.resumable),
        idle: practice
            .key("idle", "A session that nobody used for so long is ended; default: never.")
            .duration(SHORTEST_IDLE..=LONGEST_IDLE)
            .optional(),
        retry: practice
            .key("retry", "What a resumable stream asks its client to wait before it comes back.")
            .duration(Duration::ZERO..=MAX_RETRY)
            .or(default.retry),
        result_bytes: practice
            .key("result_bytes", "Median size of a search or fetch result; the tail is heavy.")
            .count(1..=10_000_000)
            .or(default.result_bytes),
        seed: practice
            .key("seed", "Seed of service times and sizes.")
            .integer(0..=u64::MAX)
            .or(default.seed),
        defects: authorization::chosen(
            practice.key("defects", "What is wrong with it; `squall serve --list-defects`."),
            &Flaw::WORDS,
        ),
        auth: practice.optional_table(
            "auth",
            "The practice authorization server, which is on when this is there.",
            authorization::read,
        ),
        limit: practice
            .optional_table(
                "limit",
                "A rate limit, which is on when this is there.",
                limits::practice,
            )
            .flatten(),
    }
}

fn speaks(node: &Node) -> Result<Speaks, Wrong> {
    let expected = || format!("expected one or more of {WAYS}, in a list: [...]");
    let Value::List(list) = &node.value else { return Err(expected()) };
    let way = |node: &Node| {
        let text = text_of(node).map_err(|_| expected())?;
        Way::ALL.into_iter().find(|way| way.word() == text).ok_or_else(expected)
    };
    let ways = list.iter().map(way).collect::<Result<Vec<_>, _>>()?;
    if ways.is_empty() { Err(expected()) } else { Ok(ways.into_iter().collect()) }
}
