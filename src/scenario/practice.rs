//! `[practice]`: the practice target's knobs, equal to the flags of `squall serve`.

use crate::model::plan::{Answers, Practice, Sessions};

use super::reader::Table;

/// Reads `[practice]`.
pub fn read(practice: &Table<'_>) -> Practice {
    let default = Practice::default();
    Practice {
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
        result_bytes: practice
            .key("result_bytes", "Median size of a search or fetch result; the tail is heavy.")
            .count(1..=10_000_000)
            .or(default.result_bytes),
        seed: practice
            .key("seed", "Seed of service times and sizes.")
            .integer(0..=u64::MAX)
            .or(default.seed),
    }
}
